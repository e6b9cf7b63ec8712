/** ngx_stream_upstream_module: groups of servers that sessions are passed on to. */
import type { ConfContext, ConfStack, Directive } from '../../conf/directive.ts';
import type { ParsedUrl } from '../../net/url.ts';
import type { UpstreamGroup } from '../../upstream/group.ts';
import { addBlock, findGroup, referTo, type UpstreamName } from '../../upstream/list.ts';
import { parseServer } from '../../upstream/server.ts';
import { streamOf } from '../cycle.ts';
import { streamModule } from '../module.ts';
import type { Upstream, UpstreamMain } from './conf.ts';
import { initRoundRobin, initRoundRobinPeer } from './round-robin.ts';
import { upstreamVariables } from './variables.ts';

function newUpstream(group: UpstreamGroup): Upstream {
  return { ...group, confs: undefined, initUpstream: undefined, initPeer: initRoundRobinPeer };
}

function setUpstream(cf: ConfContext, main: UpstreamMain, args: readonly string[]): string | undefined {
  const upstream = addBlock(cf, main.upstreams, args[0] as string, newUpstream);
  const stream = streamOf(cf);
  const own = stream.modules.map((module) => module.createServer?.());
  own[upstreamModule.index] = upstream;
  upstream.confs = { main: stream.confs.main, server: own, location: own };
  upstream.servers = [];
  cf.parseBlock('stream upstream', upstream.confs);
  return upstream.servers.length === 0 ? 'no servers are inside upstream' : undefined;
}

/** The backend that a proxy_pass names. See src/upstream/list.ts. */
export function referToUpstream(cf: ConfContext, url: ParsedUrl): Upstream {
  return referTo(cf, upstreamModule.mainOf(streamOf(cf).confs).upstreams, url, newUpstream);
}

/** The upstream of a target that is known only at run time. */
export function findUpstream(main: UpstreamMain, name: UpstreamName): Upstream | undefined {
  return findGroup(main.upstreams, name);
}

/** The upstream block that a directive stands in. */
export function upstreamOf(cf: ConfContext): Upstream {
  return (cf.confs as ConfStack).server[upstreamModule.index] as Upstream;
}

export const upstreamModule = streamModule<UpstreamMain, Upstream>({
  name: 'ngx_stream_upstream_module',
  variables: upstreamVariables,
  directives: [
    {
      name: 'upstream',
      contexts: ['stream'],
      args: 1,
      block: 'conf',
      level: 'main',
      doc: 'A group of servers that sessions are passed on to.',
      set: setUpstream,
    } satisfies Directive<UpstreamMain>,
    {
      name: 'server',
      contexts: ['stream upstream'],
      args: { min: 1 },
      level: 'server',
      doc: 'A server of the group: an address with a port, a name with all its addresses, or a unix socket.',
      set(cf, upstream, args) {
        upstream.servers?.push(parseServer(cf, upstream.supports, args, { defaultPort: undefined, sticky: false }));
        return undefined;
      },
    } satisfies Directive<Upstream>,
  ],
  createMain: () => ({ upstreams: [] }),
  initMain(main, cf) {
    for (const upstream of main.upstreams) (upstream.initUpstream ?? initRoundRobin)(cf, upstream);
  },
});
