/**
 * The client's address as a trusted proxy tells it, in place of the proxy's own. nginx:
 * src/http/modules/ngx_http_realip_module.c.
 */

import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { type Cidr, parseAddress, parseCidr } from '../../conf/modules/cidr.ts';
import { flagSlot, slot } from '../../conf/slots.ts';
import { addressText } from '../../net/address.ts';
import { resolveHostSync, UrlError } from '../../net/url.ts';
import { DECLINED } from '../codes.ts';
import { type ClientAddress, forwardedAddress, type TrustedNetwork } from '../core/forwarded.ts';
import { httpOf } from '../cycle.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';
import type { VariableSpec } from '../variables.ts';

interface RealipMain {
  used: boolean;
}

interface RealipLocation {
  from: readonly TrustedNetwork[] | undefined;
  /** Lower-case name of a field, or PROXY. */
  header: string;
  recursive: boolean;
}

/** Instead of a header field: what the PROXY protocol said. No field has such a name. */
const PROXY = ' proxy_protocol';

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

interface Original {
  readonly address: string;
  readonly port: number;
}

/** What the connections of these main requests had, which their contexts forget at internal redirects. */
const originals = new WeakMap<HttpRequest, Original>();

function realipHandler(r: HttpRequest): number {
  const { from, header, recursive } = realipModule.location(r);
  if (from === undefined || originals.has(r.main)) return DECLINED;
  const c = r.connection;
  let values: readonly string[];
  if (header === PROXY) {
    if (c.proxyProtocol === undefined) return DECLINED;
    values = [c.proxyProtocol.sourceAddress];
  } else {
    values = r.headersIn.list.getAll(header);
    if (values.length === 0) return DECLINED;
    // Of other fields the first one counts.
    if (header !== 'x-forwarded-for') values = values.slice(0, 1);
  }
  const client: ClientAddress = { bytes: parseAddress(c.remoteAddress), port: c.remotePort };
  const found = forwardedAddress(client, values, from, recursive);
  if (found?.bytes === undefined) return DECLINED;
  const original: Original = { address: c.remoteAddress, port: c.remotePort };
  originals.set(r.main, original);
  c.remoteAddress = addressText(found.bytes);
  c.remotePort = header === PROXY ? (c.proxyProtocol?.sourcePort ?? 0) : found.port;
  restoreAfter(r.main, original);
  return DECLINED;
}

/** Gives the connection its address back when the request is over, its log lines included. */
function restoreAfter(main: HttpRequest, original: Original): void {
  main.addCleanup(() => {
    if (!main.logged) {
      restoreAfter(main, original);
      return;
    }
    main.connection.remoteAddress = original.address;
    main.connection.remotePort = original.port;
    originals.delete(main);
  });
}

const variables: readonly VariableSpec[] = [
  {
    name: 'realip_remote_addr',
    get: (r) => originals.get(r.main)?.address ?? r.connection.remoteAddress,
  },
  {
    name: 'realip_remote_port',
    get(r) {
      const port = originals.get(r.main)?.port ?? r.connection.remotePort;
      return port > 0 ? String(port) : '';
    },
  },
];

/** All addresses of a host's name. */
function resolve(cf: ConfContext, host: string): Cidr[] {
  try {
    return resolveHostSync(host).map((address) => parseCidr(address) as Cidr);
  } catch (e) {
    if (e instanceof UrlError) throw cf.error(`${e.message} in set_real_ip_from "${host}"`);
    throw e;
  }
}

function setFrom(cf: ConfContext, conf: RealipLocation, args: readonly string[]): string | undefined {
  const text = args[0] as string;
  const from = [...(conf.from ?? [])];
  realipModule.mainOf(httpOf(cf).confs).used = true;
  const cidr = parseCidr(text);
  if (text === 'unix:') from.push('unix');
  else if (cidr !== undefined) {
    if (cidr.lowBits) cf.warn(`low address bits of ${text} are meaningless`);
    from.push(cidr);
  } else from.push(...resolve(cf, text));
  conf.from = from;
  return undefined;
}

const directives: readonly Directive<RealipLocation>[] = [
  {
    name: 'set_real_ip_from',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    slot: { field: 'from', default: undefined },
    doc: 'A network or a host whose word about the client counts.',
    set: setFrom,
  },
  slot<RealipLocation, string>({
    name: 'real_ip_header',
    contexts: CONTEXTS,
    args: 1,
    level: 'location',
    field: 'header',
    default: 'x-real-ip',
    parse: (_cf, [name]) => (name === 'proxy_protocol' ? PROXY : (name as string).toLowerCase()),
    extra: { doc: "The field with the client's address, or `proxy_protocol`.", defaultText: 'X-Real-IP' },
  }),
  flagSlot<RealipLocation>('real_ip_recursive', CONTEXTS, 'location', 'recursive', false, {
    doc: 'Takes the last address that is not trusted instead of the last one.',
    defaultText: 'off',
  }),
];

export const realipModule = httpModule<RealipMain, object, RealipLocation>({
  name: 'ngx_http_realip_module',
  directives,
  variables,
  createMain: () => ({ used: false }),
  createLocation: () => ({ from: undefined, header: undefined, recursive: undefined }) as unknown as RealipLocation,
  postconfiguration(http) {
    if (!realipModule.mainOf(http.confs).used) return;
    http.handlers.post_read.push(realipHandler);
    http.handlers.preaccess.push(realipHandler);
  },
});
