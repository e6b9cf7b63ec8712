/** The shared memory zones of a cycle. */
import type { Cycle } from '../conf/cycle.ts';
import { checkZones } from '../conf/resources.ts';
import { StartError } from './failure.ts';

/** Zones that are open. */
export class OpenZones {
  /** @throws StartError, ConfError with nginx's message */
  static open(cycle: Cycle, _previous: OpenZones | undefined, _shared: boolean): OpenZones {
    checkZones(cycle);
    if (cycle.zones.size > 0) throw new StartError('shared memory zones are not supported yet by tsresty');
    return new OpenZones();
  }

  /** Gives them back, except those that `successor` has taken over. */
  close(_successor?: OpenZones): void {}
}
