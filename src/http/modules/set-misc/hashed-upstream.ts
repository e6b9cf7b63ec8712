/** `set_hashed_upstream`: one of the names of an `upstream_list`, by a key. */
import type { ConfContext, Directive } from '../../../conf/directive.ts';
import { LOG_ERR } from '../../../log/log.ts';
import type { HttpRequest } from '../../request.ts';
import { addSetVar } from '../rewrite/set-var.ts';
import { upstreamListModule } from '../upstream-list.ts';
import type { SetMiscLocation } from './conf.ts';

/** nginx: ngx_hash_key_lc(), of which 32 bits count here. */
function hashKey(text: string): number {
  let hash = 0;
  const lower = text.replace(/[A-Z]/g, (ch) => ch.toLowerCase());
  for (let i = 0; i < lower.length; i++) hash = (Math.imul(hash, 31) + lower.charCodeAt(i)) >>> 0;
  return hash;
}

function choose(r: HttpRequest, args: readonly string[]): string | undefined {
  const [name, key] = args as [string, string];
  const list = upstreamListModule.main(r).lists.get(name);
  if (list === undefined) {
    r.log(LOG_ERR, `set_hashed_upstream: upstream list "${name}" not defined yet`);
    return undefined;
  }
  return list[hashKey(key) % list.length] as string;
}

export const hashedUpstream: Directive<SetMiscLocation> = {
  name: 'set_hashed_upstream',
  contexts: ['http', 'server', 'if in server', 'location', 'if in location'],
  args: 3,
  level: 'location',
  doc: 'Sets a variable to one of the names of an upstream_list, the same one for the same key.',
  set(cf: ConfContext, _conf, args) {
    const [variable, list, key] = args as [string, string, string];
    return addSetVar(cf, choose, variable, [list, key]);
  },
};
