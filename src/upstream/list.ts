/**
 * The list of all groups of a block: those that `upstream` declares, and those that a target names by itself, which a
 * block further down may turn out to be. nginx: ngx_http_upstream_add() and ngx_stream_upstream_add().
 */
import type { ConfContext } from '../conf/directive.ts';
import { ConfError } from '../conf/error.ts';
import type { ParsedUrl } from '../net/url.ts';
import { plainServer, SUPPORTS_ALL, type UpstreamGroup } from './group.ts';

/** What a group is looked up by. */
export interface UpstreamName {
  readonly host: string;
  readonly port: number;
  readonly noPort: boolean;
}

/** What is known of a new group. */
export function newGroup(cf: ConfContext, { host, port, noPort }: UpstreamName, explicit: boolean): UpstreamGroup {
  return {
    host,
    port,
    noPort,
    file: cf.file,
    line: cf.line,
    explicit,
    supports: explicit ? SUPPORTS_ALL : 0,
    servers: undefined,
    peers: undefined,
    zone: undefined,
    shared: undefined,
  };
}

/** Makes a group of http's or stream's own kind. */
type Make<U> = (group: UpstreamGroup) => U;

/** The block of that name, made now or referred to before. Throws ConfError. */
export function addBlock<U extends UpstreamGroup>(cf: ConfContext, list: U[], host: string, make: Make<U>): U {
  const key = host.toLowerCase();
  for (const known of list) {
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
  const upstream = make(newGroup(cf, { host, port: 0, noPort: true }, true));
  list.push(upstream);
  return upstream;
}

/**
 * The group that a target names: an upstream block, which may stand further down, or a host of its own.
 *
 * @param url parsed with `noResolve`
 * @throws ConfError
 */
export function referTo<U extends UpstreamGroup>(cf: ConfContext, list: U[], url: ParsedUrl, make: Make<U>): U {
  const key = url.host.toLowerCase();
  for (const known of list) {
    if (known.host.toLowerCase() !== key) continue;
    if (known.explicit && !url.noPort) throw cf.error(`upstream "${url.host}" may not have port ${url.port}`);
    if (known.port !== 0 && url.port !== 0 && known.port !== url.port) continue;
    return known;
  }
  const upstream = make(newGroup(cf, url, false));
  const [address, another] = url.addresses;
  if (address !== undefined && another === undefined && (url.port !== 0 || url.family === 'unix')) {
    // As in nginx, which counts nothing for it: there is no other to take its place.
    upstream.servers = [plainServer('', address, 0)];
  }
  list.push(upstream);
  return upstream;
}

/** The group of a target that is known only at run time. */
export function findGroup<U extends UpstreamGroup>(list: readonly U[], name: UpstreamName): U | undefined {
  const key = name.host.toLowerCase();
  for (const group of list) {
    if (group.host.toLowerCase() !== key) continue;
    if ((group.port === 0 && name.noPort) || group.port === name.port) return group;
  }
  return undefined;
}
