/** The shared memory zones of a cycle: opened from what the configuration asks for, handed to workers. */
import type { Cycle } from '../conf/cycle.ts';
import { checkZones } from '../conf/resources.ts';
import { ZoneRegistry } from '../shm/registry.ts';

/**
 * Opens the zones of a loaded cycle, taking over those of the cycle before that have the same name, size and owner.
 *
 * @param shared false when no other process will see them
 * @throws Error with nginx's message; then nothing new is open
 */
export function openZones(cycle: Cycle, previous: ZoneRegistry | undefined, shared: boolean): ZoneRegistry {
  checkZones(cycle);
  const zones = new ZoneRegistry(shared);
  for (const { name, size, owner, fresh } of cycle.zones.values()) zones.declare(name, size, owner, fresh);
  zones.open(previous);
  giveZones(cycle, zones);
  for (const request of cycle.zones.values()) {
    if (request.fresh !== true) continue;
    const { name, size, owner } = request;
    const old = previous?.find(name, size, owner);
    if (old !== undefined) request.previous = old;
  }
  return zones;
}

/** In a worker: those that the master has opened. `text` is from `ZoneRegistry.serialize`. */
export function attachZones(cycle: Cycle, text: string): void {
  giveZones(cycle, ZoneRegistry.attach(text));
}

/** Puts the open zones into the requests that modules hold. */
function giveZones(cycle: Cycle, zones: ZoneRegistry): void {
  for (const request of cycle.zones.values()) request.zone = zones.get(request.name);
}
