/**
 * `listen`: which addresses a server is reached by, and which sockets that takes. Several servers share an address,
 * and a socket bound to a wildcard takes the connections of all addresses of its port that need no socket of their
 * own. nginx: ngx_http_core_listen(), ngx_http_add_listen(), ngx_http_optimize_servers().
 */
import type { Cycle } from '../../conf/cycle.ts';
import type { ConfContext, Directive } from '../../conf/directive.ts';
import {
  DEFAULT_SOCKET,
  listenAddresses,
  parseSocketParameter,
  type SocketParameters,
} from '../../conf/listen-parameters.ts';
import type { Log } from '../../log/log.ts';
import type { ListenAddress, Listening } from '../../net/listening.ts';
import { inetAddress, isWildcard } from '../../net/url.ts';
import { httpOf } from '../cycle.ts';
import type { HttpRequest } from '../request.ts';
import type { CoreMain, CoreServer, ListenGroup } from './conf.ts';
import { coreModule } from './module.ts';
import { ServerNames } from './server-name.ts';

/** The parameters of one `listen`. nginx: ngx_http_listen_opt_t. */
interface ListenOptions extends SocketParameters {
  defaultServer: boolean;
  ssl: boolean;
  http2: boolean;
  quic: boolean;
  proxyProtocol: boolean;
}

/** One address with what the servers said about it. nginx: ngx_http_conf_addr_t. */
interface AddressConf {
  readonly where: ListenAddress;
  options: ListenOptions;
  defaultServer: CoreServer;
  readonly servers: CoreServer[];
  protocols: number;
  protocolsSet: boolean;
  protocolsChanged: boolean;
}

/** An address as far as modules check it before there are sockets. */
export interface ConfiguredAddress {
  readonly options: { readonly ssl: boolean };
  readonly defaultServer: CoreServer;
  readonly servers: readonly CoreServer[];
}

/** Addresses of one family, kind and port, in the order of their first mention. */
interface PortConf {
  readonly key: string;
  readonly kind: 'tcp' | 'udp';
  readonly addresses: AddressConf[];
}

/** What `listen` directives have asked for so far, until the http block closes. */
const portsOf = new WeakMap<CoreMain, PortConf[]>();

function defaultOptions(): ListenOptions {
  return {
    socket: { ...DEFAULT_SOCKET },
    set: false,
    defaultServer: false,
    ssl: false,
    http2: false,
    quic: false,
    proxyProtocol: false,
  };
}

/** A parameter that would change what goes over the wire is refused while nobody implements it. */
function unsupported(parameter: string, module: string): string {
  return `"listen" directive is not supported yet by tsresty with "${parameter}" (${module})`;
}

function parseParameter(cf: ConfContext, options: ListenOptions, text: string): string | undefined {
  switch (text) {
    case 'default_server':
    case 'default':
      options.defaultServer = true;
      return undefined;
    case 'ssl':
      if (!cf.implementsModule('ngx_http_ssl_module')) return unsupported(text, 'ngx_http_ssl_module');
      options.ssl = true;
      return undefined;
    case 'http2':
      if (!cf.implementsModule('ngx_http_v2_module')) return unsupported(text, 'ngx_http_v2_module');
      cf.warn('the "listen ... http2" directive is deprecated, use the "http2" directive instead');
      options.http2 = true;
      return undefined;
    case 'quic':
      return 'the "quic" parameter requires ngx_http_v3_module';
    case 'proxy_protocol':
      options.proxyProtocol = true;
      return undefined;
    default:
      return parseSocketParameter(cf, options, text);
  }
}

function setListen(cf: ConfContext, server: CoreServer, args: readonly string[]): string | undefined {
  server.listen = true;
  const addresses = listenAddresses(args[0] as string, 80);
  if (typeof addresses === 'string') return addresses;
  const options = defaultOptions();
  for (const arg of args.slice(1)) {
    const message = parseParameter(cf, options, arg);
    if (message !== undefined) return message;
  }
  for (const where of addresses) {
    const message = addListen(cf, server, where, { ...options, socket: { ...options.socket } });
    if (message !== undefined) return message;
  }
  return undefined;
}

/** A server without `listen` is reached by port 80, or 8000 where that is out of reach. */
export function addDefaultListen(cf: ConfContext, server: CoreServer): void {
  const port = process.getuid?.() === 0 ? 80 : 8000;
  const message = addListen(cf, server, inetAddress('0.0.0.0', port), defaultOptions());
  if (message !== undefined) throw cf.error(message);
}

function addListen(
  cf: ConfContext,
  server: CoreServer,
  where: ListenAddress,
  options: ListenOptions,
): string | undefined {
  const main = coreModule.mainOf(httpOf(cf).confs);
  let ports = portsOf.get(main);
  if (ports === undefined) {
    ports = [];
    portsOf.set(main, ports);
  }
  const kind = options.quic ? 'udp' : 'tcp';
  const key = `${kind} ${where.family} ${where.port}`;
  let port = ports.find((p) => p.key === key);
  if (port === undefined) {
    port = { key, kind, addresses: [] };
    ports.push(port);
  }
  const address = port.addresses.find((a) => a.where.text === where.text);
  if (address !== undefined) return joinAddress(cf, address, server, options);
  port.addresses.push({
    where,
    options,
    defaultServer: server,
    servers: [server],
    protocols: 0,
    protocolsSet: false,
    protocolsChanged: false,
  });
  return undefined;
}

function protocolBits(options: ListenOptions): number {
  return (options.proxyProtocol ? 1 : 0) | (options.ssl ? 2 : 0) | (options.http2 ? 4 : 0);
}

/** A further server on an address that is known. */
function joinAddress(
  cf: ConfContext,
  address: AddressConf,
  server: CoreServer,
  options: ListenOptions,
): string | undefined {
  const text = address.where.text;
  if (address.servers.includes(server)) return `a duplicate listen ${text}`;
  address.servers.push(server);
  const before = address.options;
  let isDefaultTaken = before.defaultServer;
  const protocols = protocolBits(options);
  const previous = protocolBits(before);
  if (options.set) {
    if (before.set) return `duplicate listen options for ${text}`;
    address.options = options;
  }
  if (options.defaultServer) {
    if (isDefaultTaken) return `a duplicate default server for ${text}`;
    isDefaultTaken = true;
    address.defaultServer = server;
  }
  checkProtocols(cf, address, options, protocols, previous);
  const merged = address.options;
  merged.defaultServer = isDefaultTaken;
  merged.proxyProtocol = options.proxyProtocol || before.proxyProtocol;
  merged.ssl = options.ssl || before.ssl;
  merged.http2 = options.http2 || before.http2;
  return undefined;
}

/** Warns when servers of one address disagree about ssl, http2 or proxy_protocol. */
function checkProtocols(
  cf: ConfContext,
  address: AddressConf,
  options: ListenOptions,
  protocols: number,
  previous: number,
): void {
  const either = protocols | previous;
  let conflict: boolean;
  if (either !== previous) {
    // Some were added.
    conflict = (address.options.set && !options.set) || address.protocolsChanged || either !== protocols;
    address.protocols = previous;
    address.protocolsChanged = true;
  } else {
    const differs = address.protocolsSet && protocols !== address.protocols;
    if (either !== protocols) {
      // Some were left out.
      conflict = options.set || differs;
      address.protocolsChanged = true;
    } else {
      conflict = (options.set && address.protocolsChanged) || differs;
    }
    address.protocols = protocols;
  }
  if (conflict) cf.warn(`protocol options redefined for ${address.where.text}`);
  address.protocolsSet = true;
}

/** All addresses that `listen` directives have named. */
export function configuredAddresses(main: CoreMain): readonly ConfiguredAddress[] {
  return (portsOf.get(main) ?? []).flatMap((port) => port.addresses);
}

class Group implements ListenGroup {
  readonly where: ListenAddress;
  readonly ssl: boolean;
  readonly http2: boolean;
  readonly proxyProtocol: boolean;
  readonly defaultServer: CoreServer;
  readonly servers: readonly CoreServer[];
  readonly #names: ServerNames;

  constructor(address: AddressConf, log: Log) {
    this.where = address.where;
    this.ssl = address.options.ssl;
    this.http2 = address.options.http2;
    this.proxyProtocol = address.options.proxyProtocol;
    this.defaultServer = address.defaultServer;
    this.servers = address.servers;
    this.#names = new ServerNames(address.servers, address.defaultServer, address.where.text, log);
  }

  findServer(host: string, r: HttpRequest | undefined): CoreServer {
    return this.#names.find(host, r);
  }

  matchServer(host: string): CoreServer | undefined {
    return this.#names.match(host, undefined);
  }
}

/**
 * Makes the sockets and the groups of servers behind them, when the http block has been read: fills
 * `main.addresses`, `main.ports` and the cycle's list of sockets.
 */
export function buildListening(cycle: Cycle, main: CoreMain): void {
  for (const { kind, addresses } of portsOf.get(main) ?? []) {
    const wildcard = addresses.find((a) => isWildcard(a.where));
    if (wildcard !== undefined) wildcard.options.socket.bind = true;
    // Those bound by themselves first, the wildcard last.
    const rank = (a: AddressConf): number => (a === wildcard ? 2 : a.options.socket.bind ? 0 : 1);
    const sorted = [...addresses].sort((a, b) => rank(a) - rank(b));
    const groups = new Map<AddressConf, ListenGroup>();
    for (const address of sorted) {
      const group = new Group(address, cycle.log);
      groups.set(address, group);
      main.addresses.push(group);
    }
    const riders = new Map<string, ListenGroup>();
    for (const address of sorted) {
      const group = groups.get(address) as ListenGroup;
      if (wildcard !== undefined && !address.options.socket.bind) {
        riders.set(address.where.address, group);
        continue;
      }
      const listening: Listening = { kind, where: address.where, options: address.options.socket, fds: [] };
      cycle.listening.push(listening);
      main.ports.push({ listening, group, byAddress: address === wildcard ? riders : new Map() });
    }
  }
  portsOf.delete(main);
}

/**
 * The server of a host (lower case, without port and final dot) behind an address, see ListenGroup.findServer.
 * nginx: ngx_http_find_virtual_server().
 */
export function findServer(group: ListenGroup, host: string, r: HttpRequest | undefined): CoreServer {
  return group.findServer(host, r);
}

export const listenDirective: Directive<CoreServer> = {
  name: 'listen',
  contexts: ['server'],
  args: { min: 1 },
  level: 'server',
  doc: 'Address and port, or the path of a unix socket, that the server takes requests on.',
  defaultText: '*:80 | *:8000',
  set: setListen,
};
