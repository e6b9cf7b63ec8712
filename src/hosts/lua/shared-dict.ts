/** lua_shared_dict: asks for the zone, and finds its dictionary once it is mapped. */
import type { ConfContext } from '../../conf/directive.ts';
import { parseSize } from '../../conf/units.ts';
import type { HttpCycle } from '../../http/cycle.ts';
import { currentMsec } from '../../log/time.ts';
import { SharedDict } from '../../shm/dict.ts';
import type { Zone } from '../../shm/zone.ts';
import type { LuaMain } from './conf.ts';

const OWNER = 'lua_shared_dict';

/** nginx's zones have at least eight pages. */
const MIN_SIZE = 8191;

/** The directive's setter. ngx_lua: ngx_http_lua_shared_dict(). */
export function addSharedDict(cf: ConfContext, conf: LuaMain, name: string, sizeText: string): string | undefined {
  if (name === '') throw cf.error(`invalid lua shared dict name "${name}"`);
  const size = parseSize(sizeText);
  if (size === undefined || size <= MIN_SIZE) throw cf.error(`invalid lua shared dict size "${sizeText}"`);
  const zones = (cf.cycle as unknown as HttpCycle['cycle']).zones;
  const known = zones.get(name);
  if (known !== undefined) {
    if (known.owner === OWNER) throw cf.error(`lua_shared_dict "${name}" is already defined as "${name}"`);
    throw cf.error(`the shared memory zone "${name}" is already declared for a different use`);
  }
  zones.set(name, { name, size, owner: OWNER });
  conf.sharedDicts.push(name);
  return undefined;
}

const dicts = new WeakMap<object, SharedDict>();

/** The dictionary in a zone of the cycle; one object per zone and process. */
export function sharedDict(http: HttpCycle, name: string): SharedDict {
  const zone = http.cycle.zones.get(name)?.zone as Zone | undefined;
  if (zone === undefined) throw new Error(`the shared memory zone "${name}" is not mapped`);
  let dict = dicts.get(zone);
  if (dict === undefined) dicts.set(zone, (dict = new SharedDict(zone, currentMsec)));
  return dict;
}
