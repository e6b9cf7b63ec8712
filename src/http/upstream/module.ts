/** `upstream` blocks and their servers, and the list of all backends. nginx: ngx_http_upstream(), ngx_http_upstream_add(). */
import type { ConfContext, ConfStack, Directive } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { parseNumber, parseTime } from '../../conf/units.ts';
import { type ParsedUrl, parseUrl, UrlError } from '../../net/url.ts';
import { httpOf } from '../cycle.ts';
import { httpModule } from '../module.ts';
import {
  SUPPORTS_ALL,
  SUPPORTS_BACKUP,
  SUPPORTS_DOWN,
  SUPPORTS_FAIL_TIMEOUT,
  SUPPORTS_MAX_CONNS,
  SUPPORTS_MAX_FAILS,
  SUPPORTS_WEIGHT,
  type Upstream,
  type UpstreamMain,
  type UpstreamServer,
} from './conf.ts';
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
    upstream.servers = [
      {
        name: address.text,
        addresses: [address],
        weight: 1,
        maxConns: 0,
        maxFails: 1,
        failTimeout: 10,
        down: false,
        backup: false,
      },
    ];
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

/** Parameters of `server`, with what a balancing method must know for each. */
const NUMBERS: Readonly<Record<string, number>> = {
  weight: SUPPORTS_WEIGHT,
  max_conns: SUPPORTS_MAX_CONNS,
  max_fails: SUPPORTS_MAX_FAILS,
  fail_timeout: SUPPORTS_FAIL_TIMEOUT,
};

function setServer(_cf: ConfContext, upstream: Upstream, args: readonly string[]): string | undefined {
  const values: Record<string, number> = { weight: 1, max_conns: 0, max_fails: 1, fail_timeout: 10 };
  let backup = false;
  let down = false;
  for (const arg of args.slice(1)) {
    const equals = arg.indexOf('=');
    const key = equals < 0 ? arg : arg.slice(0, equals);
    const text = arg.slice(equals + 1);
    const needs = equals < 0 ? FLAGS[key] : NUMBERS[key];
    if (needs === undefined) {
      if (key === 'resolve' || key === 'service' || key === 'route' || key === 'drain') {
        return `the parameter "${arg}" is not supported`;
      }
      return `invalid parameter "${arg}"`;
    }
    if ((upstream.supports & needs) === 0) return `balancing method does not support parameter "${arg}"`;
    if (key === 'backup') backup = true;
    else if (key === 'down') down = true;
    else {
      const value = key === 'fail_timeout' ? parseTime(text, 's') : parseNumber(text);
      if (value === undefined || (key === 'weight' && value === 0)) return `invalid parameter "${arg}"`;
      values[key] = value;
    }
  }
  const name = args[0] as string;
  let url: ParsedUrl;
  try {
    url = parseUrl(name, { defaultPort: 80 });
  } catch (e) {
    if (e instanceof UrlError) return `${e.message} in upstream "${name}"`;
    throw e;
  }
  (upstream.servers as UpstreamServer[]).push({
    name,
    addresses: url.addresses,
    weight: values['weight'] as number,
    maxConns: values['max_conns'] as number,
    maxFails: values['max_fails'] as number,
    failTimeout: values['fail_timeout'] as number,
    down,
    backup,
  });
  return undefined;
}

const FLAGS: Readonly<Record<string, number>> = { backup: SUPPORTS_BACKUP, down: SUPPORTS_DOWN };

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
