/** `upstream` blocks and their servers, and the list of all backends. nginx: ngx_http_upstream(), ngx_http_upstream_add(). */
import type { ConfContext, ConfStack, Directive } from '../../conf/directive.ts';
import { parseTime } from '../../conf/units.ts';
import { parseResolver } from '../../net/resolver-conf.ts';
import type { ParsedUrl } from '../../net/url.ts';
import type { UpstreamGroup } from '../../upstream/group.ts';
import { addBlock, findGroup, referTo, type UpstreamName } from '../../upstream/list.ts';
import { parseServer } from '../../upstream/server.ts';
import { httpOf } from '../cycle.ts';
import { httpModule } from '../module.ts';
import type { Upstream, UpstreamMain } from './conf.ts';
import { initRoundRobin, initRoundRobinPeer } from './round-robin.ts';
import { upstreamVariables } from './variables.ts';

function newUpstream(group: UpstreamGroup): Upstream {
  return {
    ...group,
    confs: undefined,
    initUpstream: undefined,
    initPeer: initRoundRobinPeer,
    dynamic: true,
    resolver: undefined,
    resolverTimeout: undefined,
    pool: undefined,
  };
}

function listOf(cf: ConfContext): Upstream[] {
  return upstreamModule.mainOf(httpOf(cf).confs).upstreams;
}

/** The backend that a proxy_pass names. See src/upstream/list.ts. */
export function referToUpstream(cf: ConfContext, url: ParsedUrl): Upstream {
  return referTo(cf, listOf(cf), url, newUpstream);
}

/** The upstream of a target that is known only at run time. */
export function findUpstream(main: UpstreamMain, name: UpstreamName): Upstream | undefined {
  return findGroup(main.upstreams, name);
}

/** The upstream block that a directive stands in. */
export function upstreamOf(cf: ConfContext): Upstream {
  return (cf.confs as ConfStack).server[upstreamModule.index] as Upstream;
}

function setUpstream(cf: ConfContext, _main: UpstreamMain, args: readonly string[]): string | undefined {
  const upstream = addBlock(cf, listOf(cf), args[0] as string, newUpstream);
  const http = httpOf(cf);
  const confs: ConfStack = {
    main: http.confs.main,
    server: http.modules.map((module) => module.createServer?.()),
    location: http.modules.map((module) => module.createLocation?.()),
  };
  confs.server[upstreamModule.index] = upstream;
  upstream.confs = confs;
  upstream.servers = [];
  cf.parseBlock('upstream', confs);
  return upstream.servers.length === 0 ? 'no servers are inside upstream' : undefined;
}

function setServer(cf: ConfContext, upstream: Upstream, args: readonly string[]): undefined {
  upstream.servers?.push(parseServer(cf, upstream.supports, args, { defaultPort: 80, sticky: true }));
}

export const upstreamModule = httpModule<UpstreamMain, Upstream>({
  name: 'ngx_http_upstream_module',
  variables: upstreamVariables,
  directives: [
    {
      name: 'upstream',
      contexts: ['http'],
      args: 1,
      block: 'conf',
      level: 'main',
      doc: 'A group of servers that requests are passed on to.',
      set: setUpstream,
    } satisfies Directive<UpstreamMain>,
    {
      name: 'server',
      contexts: ['upstream'],
      args: { min: 1 },
      level: 'server',
      doc: 'A server of the group: an address, a name with all its addresses, or a unix socket.',
      set: setServer,
    } satisfies Directive<Upstream>,
    {
      name: 'resolver',
      contexts: ['upstream'],
      args: { min: 1 },
      level: 'server',
      doc: 'Name servers for names with `resolve`.',
      set(_cf, upstream, args) {
        if (upstream.resolver !== undefined) return 'is duplicate';
        const parsed = parseResolver(args);
        if (typeof parsed === 'string') return parsed;
        upstream.resolver = parsed;
        return undefined;
      },
    } satisfies Directive<Upstream>,
    {
      name: 'resolver_timeout',
      contexts: ['upstream'],
      args: 1,
      level: 'server',
      doc: 'How long resolving a name may take.',
      set(_cf, upstream, args) {
        if (upstream.resolverTimeout !== undefined) return 'is duplicate';
        upstream.resolverTimeout = parseTime(args[0] as string, 'ms');
        return upstream.resolverTimeout === undefined ? 'invalid value' : undefined;
      },
    } satisfies Directive<Upstream>,
  ],
  createMain: () => ({ upstreams: [] }),
  initMain(main, cf) {
    for (const upstream of main.upstreams) (upstream.initUpstream ?? initRoundRobin)(cf, upstream);
  },
  postconfiguration(http) {
    const { upstreams } = upstreamModule.mainOf(http.confs);
    // A leaving worker keeps no idle connections.
    http.cycle.hooks.drain.push(() => {
      for (const upstream of upstreams) upstream.pool?.closeAll();
    });
  },
});
