/** `upstream_list`: names of upstreams to choose from. NDK: src/ndk_upstream_list.c. */
import type { Directive } from '../../conf/directive.ts';
import { httpModule } from '../module.ts';

interface UpstreamListMain {
  readonly lists: Map<string, readonly string[]>;
}

const directive: Directive<UpstreamListMain> = {
  name: 'upstream_list',
  contexts: ['http', 'server', 'location'],
  args: { min: 2 },
  level: 'main',
  doc: 'A list of upstreams, for set_hashed_upstream.',
  set(cf, conf, args) {
    const [name, ...upstreams] = args as [string, ...string[]];
    if (conf.lists.has(name)) throw cf.error(`duplicate upstream list name "${name}"`);
    conf.lists.set(name, upstreams);
    return undefined;
  },
};

export const upstreamListModule = httpModule<UpstreamListMain>({
  name: 'ndk_http_module',
  directives: [directive],
  createMain: () => ({ lists: new Map() }),
});
