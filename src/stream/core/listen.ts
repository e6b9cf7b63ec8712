/**
 * `listen`: which addresses a server is reached by, and which sockets that takes. A socket bound to a wildcard takes
 * the connections of all addresses of its port that need no socket of their own. nginx: ngx_stream_core_listen(),
 * ngx_stream_optimize_servers().
 */
import type { Cycle } from '../../conf/cycle.ts';
import type { ConfContext, ConfStack, Directive } from '../../conf/directive.ts';
import {
  DEFAULT_SOCKET,
  listenAddresses,
  parseSocketParameter,
  type SocketParameters,
} from '../../conf/listen-parameters.ts';
import type { ListenAddress, Listening } from '../../net/listening.ts';
import { isWildcard } from '../../net/url.ts';
import type { CoreMain, CoreServer, ListenGroup } from './conf.ts';
import { coreModule } from './module.ts';

interface ListenOptions extends SocketParameters {
  ssl: boolean;
}

/** One address with what its server said about it. nginx: ngx_stream_conf_addr_t. */
interface AddressConf {
  readonly where: ListenAddress;
  readonly options: ListenOptions;
  readonly server: CoreServer;
}

/** Addresses of one family and port, in the order of their first mention. */
interface PortConf {
  readonly key: string;
  readonly addresses: AddressConf[];
}

/** What `listen` directives have asked for so far, until the stream block closes. */
const portsOf = new WeakMap<CoreMain, PortConf[]>();

function unsupported(parameter: string): string {
  return `"listen" directive is not supported yet by tsresty with "${parameter}" in stream`;
}

function parseParameter(cf: ConfContext, options: ListenOptions, text: string): string | undefined {
  switch (text) {
    case 'default_server':
      // Where there is but one server for an address, it is the default one.
      return undefined;
    case 'ssl':
      if (!cf.implementsModule('ngx_stream_ssl_module')) return 'the "ssl" parameter requires ngx_stream_ssl_module';
      options.ssl = true;
      return undefined;
    case 'udp':
    case 'proxy_protocol':
      return unsupported(text);
    default:
      return parseSocketParameter(cf, options, text);
  }
}

function setListen(cf: ConfContext, server: CoreServer, args: readonly string[]): string | undefined {
  server.listen = true;
  const addresses = listenAddresses(args[0] as string, undefined);
  if (typeof addresses === 'string') return addresses;
  const options: ListenOptions = { socket: { ...DEFAULT_SOCKET }, set: false, ssl: false };
  for (const arg of args.slice(1)) {
    const message = parseParameter(cf, options, arg);
    if (message !== undefined) return message;
  }
  server.listenSsl ||= options.ssl;
  for (const where of addresses) {
    const message = addListen(cf, server, where, { ...options, socket: { ...options.socket } });
    if (message !== undefined) return message;
  }
  return undefined;
}

function addListen(
  cf: ConfContext,
  server: CoreServer,
  where: ListenAddress,
  options: ListenOptions,
): string | undefined {
  const main = coreModule.mainOf(cf.confs as ConfStack);
  let ports = portsOf.get(main);
  if (ports === undefined) portsOf.set(main, (ports = []));
  const key = `${where.family} ${where.port}`;
  let port = ports.find((p) => p.key === key);
  if (port === undefined) ports.push((port = { key, addresses: [] }));
  const known = port.addresses.find((address) => address.where.text === where.text);
  if (known !== undefined) {
    if (known.server === server) return `a duplicate listen ${where.text}`;
    // Choosing among them takes the name that TLS clients ask for.
    return `several servers on ${where.text} are not supported yet by tsresty in stream`;
  }
  port.addresses.push({ where, options, server });
  return undefined;
}

/** Makes the sockets when the stream block has been read: fills `main.ports` and the cycle's list of sockets. */
export function buildListening(cycle: Cycle, main: CoreMain): void {
  for (const { addresses } of portsOf.get(main) ?? []) {
    const wildcard = addresses.find((address) => isWildcard(address.where));
    const riders = new Map<string, ListenGroup>();
    const bound: AddressConf[] = [];
    for (const address of addresses) {
      if (wildcard === undefined || address === wildcard || address.options.socket.bind) bound.push(address);
      else riders.set(address.where.address, groupOf(address));
    }
    // Those bound by themselves first, the wildcard last.
    bound.sort((a, b) => Number(a === wildcard) - Number(b === wildcard));
    for (const address of bound) {
      if (address === wildcard) address.options.socket.bind = true;
      const listening: Listening = { kind: 'tcp', where: address.where, options: address.options.socket, fds: [] };
      cycle.listening.push(listening);
      main.ports.push({
        listening,
        group: groupOf(address),
        byAddress: address === wildcard ? riders : new Map(),
      });
    }
  }
  portsOf.delete(main);
}

function groupOf({ where, options, server }: AddressConf): ListenGroup {
  return { where, ssl: options.ssl, server };
}

export const listenDirective: Directive<CoreServer> = {
  name: 'listen',
  contexts: ['stream server'],
  args: { min: 1 },
  level: 'server',
  doc: 'Address and port, or the path of a unix socket, that the server takes connections on.',
  set: setListen,
};
