/**
 * Addresses as directives name them: `80`, `*:80`, `127.0.0.1:8000-8005`, `[::1]:80`, `localhost`, `unix:/path`,
 * `example.com:8080/uri`. nginx: ngx_parse_url() (src/core/ngx_inet.c).
 */
import { execFileSync } from 'node:child_process';
import { SocketAddress } from 'node:net';
import { parseNumber } from '../conf/units.ts';
import type { ListenAddress } from './listening.ts';

/** What to take for an address. */
export interface UrlOptions {
  /** For `listen`: a port alone, `*` and ranges of ports are fine. */
  readonly listen?: boolean;
  /** For `proxy_pass`: a URI may follow. */
  readonly uriPart?: boolean;
  readonly defaultPort: number;
  /** Leave host names alone. */
  readonly noResolve?: boolean;
}

/** A parsed address. */
export interface ParsedUrl {
  /** As written, without port and URI: the path of a unix socket, an IPv6 address with its brackets. */
  readonly host: string;
  readonly port: number;
  /** The port, or range, as written; '' when none was given. */
  readonly portText: string;
  readonly noPort: boolean;
  readonly uri: string;
  readonly family: 'inet' | 'inet6' | 'unix' | undefined;
  /** Every address and port; empty for a name that was not to be resolved. */
  readonly addresses: readonly ListenAddress[];
}

/** The address cannot be used; `message` is nginx's, as in `MESSAGE in "URL" of the "listen" directive`. */
export class UrlError extends Error {}

/**
 * Parses an address.
 *
 * @throws UrlError
 */
export function parseUrl(url: string, options: UrlOptions): ParsedUrl {
  if (/^unix:/i.test(url)) return parseUnix(url, options);
  if (url.startsWith('[')) return parseInet6(url, options);
  return parseInet(url, options);
}

function parseUnix(url: string, options: UrlOptions): ParsedUrl {
  let path = url.slice(5);
  let uri = '';
  if (options.uriPart === true) {
    const colon = path.indexOf(':');
    if (colon >= 0) {
      uri = path.slice(colon + 1);
      path = path.slice(0, colon);
    }
  }
  if (path === '') throw new UrlError('no path in the unix domain socket');
  // sun_path has 108 bytes with its zero.
  if (path.length + 1 > 108) throw new UrlError('too long path in the unix domain socket');
  const address: ListenAddress = { family: 'unix', address: path, port: 0, text: `unix:${path}` };
  return { host: path, port: 0, portText: '', noPort: true, uri, family: 'unix', addresses: [address] };
}

interface Ports {
  readonly first: number;
  readonly last: number;
}

function portNumber(text: string): number {
  const n = parseNumber(text);
  if (n === undefined || n < 1 || n > 65535) throw new UrlError('invalid port');
  return n;
}

function parsePorts(text: string, listen: boolean): Ports {
  const dash = listen ? text.indexOf('-') : -1;
  const last = dash >= 0 ? portNumber(text.slice(dash + 1)) : 0;
  const first = portNumber(dash >= 0 ? text.slice(0, dash) : text);
  if (last !== 0 && first > last) throw new UrlError('invalid port range');
  return { first, last: last === 0 ? first : last };
}

/** The URI behind the host, where one may be. */
function splitUri(url: string, from: number, options: UrlOptions, marks: RegExp): { rest: string; uri: string } {
  const at = url.slice(from).search(marks);
  if (at < 0) return { rest: url, uri: '' };
  if (options.listen === true || options.uriPart !== true) throw new UrlError('invalid host');
  return { rest: url.slice(0, from + at), uri: url.slice(from + at) };
}

function parseInet6(url: string, options: UrlOptions): ParsedUrl {
  const close = url.indexOf(']');
  if (close < 0) throw new UrlError('invalid host');
  const { rest, uri } = splitUri(url, close + 1, options, /\//);
  const tail = rest.slice(close + 1);
  if (tail !== '' && !tail.startsWith(':')) throw new UrlError('invalid host');
  const portText = tail.slice(1);
  const noPort = tail === '';
  const ports = noPort
    ? { first: options.defaultPort, last: options.defaultPort }
    : parsePorts(portText, options.listen === true);
  const literal = rest.slice(1, close);
  if (literal === '') throw new UrlError('no host');
  const canonical = canonicalInet6(literal);
  if (canonical === undefined) throw new UrlError('invalid IPv6 address');
  return {
    host: rest.slice(0, close + 1),
    port: ports.first,
    portText,
    noPort,
    uri,
    family: 'inet6',
    addresses: eachPort([canonical], ports),
  };
}

function parseInet(url: string, options: UrlOptions): ParsedUrl {
  const listen = options.listen === true;
  const { rest, uri } = splitUri(url, 0, options, /[/?]/);
  const colon = rest.indexOf(':');
  let host = rest;
  let portText = '';
  let ports: Ports | undefined;
  if (colon >= 0) {
    host = rest.slice(0, colon);
    portText = rest.slice(colon + 1);
    ports = parsePorts(portText, listen);
  } else if (listen && uri === '' && /^[0-9]+(-[0-9]+)?$/.test(rest)) {
    const only = parsePorts(rest, true);
    return {
      host: '',
      port: only.first,
      portText: rest,
      noPort: false,
      uri,
      family: 'inet',
      addresses: eachPort(['0.0.0.0'], only),
    };
  }
  const noPort = ports === undefined;
  ports ??= { first: options.defaultPort, last: options.defaultPort };
  if (host === '') throw new UrlError('no host');
  const common = { host, port: ports.first, portText, noPort, uri };
  if (listen && host === '*') return { ...common, family: 'inet', addresses: eachPort(['0.0.0.0'], ports) };
  const numeric = canonicalInet(host);
  if (numeric !== undefined) return { ...common, family: 'inet', addresses: eachPort([numeric], ports) };
  if (options.noResolve === true) return { ...common, family: undefined, addresses: [] };
  const addresses = eachPort(resolveHostSync(host), ports);
  return { ...common, family: addresses[0]?.family, addresses };
}

function eachPort(hosts: readonly string[], ports: Ports): ListenAddress[] {
  const all: ListenAddress[] = [];
  for (const host of hosts) for (let port = ports.first; port <= ports.last; port++) all.push(inetAddress(host, port));
  return all;
}

/** The address of a numeric host and a port, with nginx's text for it. */
export function inetAddress(host: string, port: number): ListenAddress {
  return host.includes(':')
    ? { family: 'inet6', address: host, port, text: `[${host}]:${port}` }
    : { family: 'inet', address: host, port, text: `${host}:${port}` };
}

/** Four decimal numbers, without needless zeros; undefined when the text is none. */
export function canonicalInet(text: string): string | undefined {
  if (!/^[0-9]{1,10}(\.[0-9]{1,10}){3}$/.test(text)) return undefined;
  const bytes = text.split('.').map(Number);
  return bytes.every((b) => b <= 255) ? bytes.join('.') : undefined;
}

/** An IPv6 address in its shortest form, as inet_ntop prints it; undefined when the text is none. */
export function canonicalInet6(text: string): string | undefined {
  try {
    return new SocketAddress({ address: text, family: 'ipv6' }).address;
  } catch {
    return undefined;
  }
}

/** True for the address that stands for all of its family. nginx: ngx_inet_wildcard(). */
export function isWildcard(where: ListenAddress): boolean {
  return (
    (where.family === 'inet' && where.address === '0.0.0.0') || (where.family === 'inet6' && where.address === '::')
  );
}

/** Answers of the system's resolver, good for one reading of a configuration: a reload asks again. */
const resolved = new Map<string, { readonly addresses: readonly string[]; readonly time: number }>();
const RESOLVED_FOR = 5000;

const LOOKUP = `
require('node:dns').lookup(process.argv[1], { all: true, verbatim: true, hints: require('node:dns').ADDRCONFIG },
  (e, all) => process.stdout.write(JSON.stringify(e ? [] : all.map((a) => a.address))));`;

/**
 * Addresses of a name by the system's resolver, as the configuration needs them: at once. Node offers no such call,
 * so another process makes it; that is only done while a configuration is read, once a name.
 *
 * @throws UrlError `host not found`
 */
export function resolveHostSync(host: string): readonly string[] {
  const known = resolved.get(host);
  let addresses: readonly string[];
  if (known !== undefined && Date.now() - known.time < RESOLVED_FOR) {
    addresses = known.addresses;
  } else {
    const name = Buffer.from(host, 'latin1').toString();
    const output = execFileSync(process.execPath, ['-e', LOOKUP, name], { encoding: 'utf8' });
    addresses = JSON.parse(output) as string[];
    if (addresses.length > 0) resolved.set(host, { addresses, time: Date.now() });
  }
  if (addresses.length === 0) throw new UrlError('host not found');
  return addresses;
}
