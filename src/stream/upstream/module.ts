/** ngx_stream_upstream_module: groups of servers that sessions are passed on to. */
import type { ConfContext, ConfStack, Directive } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import type { ParsedUrl } from '../../net/url.ts';
import { plainServer, SUPPORTS_ALL } from '../../upstream/group.ts';
import { parseServer } from '../../upstream/server.ts';
import { streamOf } from '../cycle.ts';
import { streamModule } from '../module.ts';
import type { Upstream, UpstreamMain } from './conf.ts';
import { initRoundRobin, initRoundRobinPeer } from './round-robin.ts';
import { upstreamVariables } from './variables.ts';

/** What an upstream is looked up by. */
export interface UpstreamName {
  readonly host: string;
  readonly port: number;
  readonly noPort: boolean;
}

function newUpstream(cf: ConfContext, { host, port, noPort }: UpstreamName, explicit: boolean): Upstream {
  return {
    host,
    port,
    noPort,
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
  };
}

function setUpstream(cf: ConfContext, main: UpstreamMain, args: readonly string[]): string | undefined {
  const host = args[0] as string;
  const stream = streamOf(cf);
  let upstream = main.upstreams.find((known) => known.host.toLowerCase() === host.toLowerCase());
  if (upstream === undefined) {
    upstream = newUpstream(cf, { host, port: 0, noPort: true }, true);
    main.upstreams.push(upstream);
  } else {
    if (upstream.explicit) throw cf.error(`duplicate upstream "${host}"`);
    if (!upstream.noPort) {
      throw new ConfError(`upstream "${host}" may not have port ${upstream.port} in ${upstream.file}:${upstream.line}`);
    }
    upstream.explicit = true;
    upstream.supports = SUPPORTS_ALL;
    upstream.port = 0;
  }
  const own = stream.modules.map((module) => module.createServer?.());
  own[upstreamModule.index] = upstream;
  upstream.confs = { main: stream.confs.main, server: own, location: own };
  upstream.servers = [];
  cf.parseBlock('stream upstream', upstream.confs);
  return upstream.servers.length === 0 ? 'no servers are inside upstream' : undefined;
}

/**
 * The backend that a proxy_pass names: an upstream block, which may stand further down, or a host of its own.
 *
 * @param url parsed with `noResolve`
 * @throws ConfError
 */
export function referToUpstream(cf: ConfContext, url: ParsedUrl): Upstream {
  const { upstreams } = upstreamModule.mainOf(streamOf(cf).confs);
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
  return main.upstreams.find(
    ({ host, port }) => host.toLowerCase() === key && ((port === 0 && name.noPort) || port === name.port),
  );
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
