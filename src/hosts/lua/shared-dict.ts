/** lua_shared_dict: asks for the zone. */
import { SHARED_DICT_OWNER } from '../../api/shared-dict.ts';
import type { ConfContext } from '../../conf/directive.ts';
import { parseSize } from '../../conf/units.ts';
import type { HttpCycle } from '../../http/cycle.ts';
import type { LuaMain } from './conf.ts';

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
    if (known.owner !== SHARED_DICT_OWNER) {
      throw cf.error(`the shared memory zone "${name}" is already declared for a different use`);
    }
    if (known.size !== size) {
      throw cf.error(
        `the size ${size} of shared memory zone "${name}" conflicts with already declared size ${known.size}`,
      );
    }
    throw cf.error(`lua_shared_dict "${name}" is already defined as "${name}"`);
  }
  zones.set(name, { name, size, owner: SHARED_DICT_OWNER });
  conf.sharedDicts.push(name);
  return undefined;
}
