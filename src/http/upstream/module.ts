/** `upstream` blocks and their servers, and the list of all backends. nginx: ngx_http_upstream(), ngx_http_upstream_add(). */
import type { ConfContext, ConfStack, Directive } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { parseTime } from '../../conf/units.ts';
import { parseResolver } from '../../net/resolver-conf.ts';
import type { ParsedUrl } from '../../net/url.ts';
import { plainServer, SUPPORTS_ALL } from '../../upstream/group.ts';
import { parseServer } from '../../upstream/server.ts';
import { httpOf } from '../cycle.ts';
import { httpModule } from '../module.ts';
import type { Upstream, UpstreamMain } from './conf.ts';
import { initRoundRobin, initRoundRobinPeer } from './round-robin.ts';
import { upstreamVariables } from './variables.ts';

/** What an upstream is looked up by. */
export interface UpstreamName {
  readonly host: string;
  readonly port: number;
  readonly noPort: boolean;
}

function newUpstream(cf: ConfContext, name: UpstreamName, explicit: boolean): Upstream {
  return {
    host: name.host,
    port: name.port,
    noPort: name.noPort,
    file: cf.file,
    line: cf.line,
    explicit,
    supports: explicit ? SUPPORTS_ALL : 0,
    servers: undefined,
    confs: undefined,
    initUpstream: undefined,
    initPeer: initRoundRobinPeer,
    peers: undefined,
    zone: undefined,
    shared: undefined,
    dynamic: true,
    resolver: undefined,
    resolverTimeout: undefined,
    pool: undefined,
  };
}

/** The block of that name, made now or referred to before; throws ConfError. */
function addBlock(cf: ConfContext, host: string): Upstream {
  const { upstreams } = upstreamModule.mainOf(httpOf(cf).confs);
  const key = host.toLowerCase();
  for (const known of upstreams) {
    if (known.host.toLowerCase() !== key) continue;
    if (known.explicit) throw cf.error(`duplicate upstream "${host}"`);
    if (!known.noPort) {
      throw new ConfError(`upstream "${host}" may not have port ${known.port} in ${known.file}:${known.line}`);
    }
    known.explicit = true;
    known.supports = SUPPORTS_ALL;
    known.port = 0;
    return known;
  }
  const upstream = newUpstream(cf, { host, port: 0, noPort: true }, true);
  upstreams.push(upstream);
  return upstream;
}

/**
 * The backend that a proxy_pass names: an upstream block, which may stand further down, or a host of its own.
 *
 * @param url parsed with `noResolve`
 * @throws ConfError
 */
export function referToUpstream(cf: ConfContext, url: ParsedUrl): Upstream {
  const { upstreams } = upstreamModule.mainOf(httpOf(cf).confs);
  const key = url.host.toLowerCase();
  for (const known of upstreams) {
    if (known.host.toLowerCase() !== key) continue;
    if (known.explicit && !url.noPort) throw cf.error(`upstream "${url.host}" may not have port ${url.port}`);
    if (known.port !== 0 && url.port !== 0 && known.port !== url.port) continue;
    return known;
  }
  const upstream = newUpstream(cf, url, false);
  const [address, another] = url.addresses;
  if (address !== undefined && another === undefined && (url.port !== 0 || url.family === 'unix')) {
    // As in nginx, which counts nothing for it: there is no other to take its place.
    upstream.servers = [plainServer('', address, 0)];
  }
  upstreams.push(upstream);
  return upstream;
}

/** The upstream of a target that is known only at run time. */
export function findUpstream(main: UpstreamMain, name: UpstreamName): Upstream | undefined {
  const key = name.host.toLowerCase();
  for (const upstream of main.upstreams) {
    if (upstream.host.toLowerCase() !== key) continue;
    if ((upstream.port === 0 && name.noPort) || upstream.port === name.port) return upstream;
  }
  return undefined;
}

/** The upstream block that a directive stands in. */
export function upstreamOf(cf: ConfContext): Upstream {
  return (cf.confs as ConfStack).server[upstreamModule.index] as Upstream;
}

function setUpstream(cf: ConfContext, _main: UpstreamMain, args: readonly string[]): string | undefined {
  const upstream = addBlock(cf, args[0] as string);
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
