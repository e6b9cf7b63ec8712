/** ngx.shared: finds the dictionary of a lua_shared_dict zone. What it can do is in src/shm/dict.ts. */
import type { Block } from '../conf/block.ts';
import { currentMsec } from '../log/time.ts';
import { SharedDict } from '../shm/dict.ts';
import type { Zone } from '../shm/zone.ts';

/** Who owns the zones of lua_shared_dict, so that nobody else's zone is taken for a dictionary. */
export const SHARED_DICT_OWNER = 'lua_shared_dict';

const dicts = new WeakMap<object, SharedDict>();

/** The dictionary of that name, undefined when none is configured. One object per zone and process. */
export function sharedDict(block: Block, name: string): SharedDict | undefined {
  const declared = block.cycle.zones.get(name);
  if (declared === undefined || declared.owner !== SHARED_DICT_OWNER) return undefined;
  const zone = declared.zone as Zone | undefined;
  if (zone === undefined) throw new Error(`the shared memory zone "${name}" is not mapped`);
  let dict = dicts.get(zone);
  if (dict === undefined) dicts.set(zone, (dict = new SharedDict(zone, currentMsec)));
  return dict;
}
