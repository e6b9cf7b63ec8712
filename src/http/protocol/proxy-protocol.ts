/**
 * The PROXY protocol, versions 1 and 2: what a proxy in front says about a connection, ahead of everything else on it.
 * nginx: src/core/ngx_proxy_protocol.c; the specification is HAProxy's proxy-protocol.txt.
 *
 * As in nginx, the header has to come in one piece, which senders see to: it is the first thing on a connection.
 */
import { canonicalInet6 } from '../../net/url.ts';
import type { ProxyProtocolInfo } from '../connection.ts';

/** What was read. */
export interface ProxyHeader {
  /** Undefined when nothing is said (UNKNOWN, LOCAL, other transports). */
  readonly info: ProxyProtocolInfo | undefined;
  /** Where it ends. */
  readonly end: number;
}

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const V2_SIZE = 16;
const COMMAND_PROXY = 1;
const TRANSPORT_STREAM = 1;
const FAMILY_INET = 1;
const FAMILY_INET6 = 2;
const INET_SIZE = 12;
const INET6_SIZE = 36;

const LINE = /^PROXY (?:UNKNOWN(?:.*?)\r\n|TCP[46] ([0-9a-fA-F:.]*) ([0-9a-fA-F:.]*) ([0-9]+) ([0-9]+)\r\n)/s;

/**
 * Reads a header at the beginning of `text`.
 * @param complain gets what error.log is to say about a broken one
 * @returns undefined for a broken one
 */
export function readProxyHeader(text: string, complain: (message: string) => void): ProxyHeader | undefined {
  if (text.length >= V2_SIZE && text.startsWith(SIGNATURE)) return readVersion2(text, complain);
  const match = LINE.exec(text);
  if (match !== null) {
    const [whole, sourceAddress, destinationAddress] = match as unknown as [string, string | undefined, string];
    if (sourceAddress === undefined) return { info: undefined, end: whole.length };
    const sourcePort = Number(match[3]);
    const destinationPort = Number(match[4]);
    if (sourcePort <= 65535 && destinationPort <= 65535) {
      return { info: { sourceAddress, sourcePort, destinationAddress, destinationPort }, end: whole.length };
    }
  }
  complain(`broken header: "${/^[^\r\n]*/.exec(text)?.[0]}"`);
  return undefined;
}

function readVersion2(text: string, complain: (message: string) => void): ProxyHeader | undefined {
  const version = text.charCodeAt(12) >> 4;
  if (version !== 2) {
    complain(`unknown PROXY protocol version: ${version}`);
    return undefined;
  }
  const length = uint16(text, 14);
  const end = V2_SIZE + length;
  if (text.length < end) {
    complain('header is too large');
    return undefined;
  }
  const nothing: ProxyHeader = { info: undefined, end };
  const family = text.charCodeAt(13) >> 4;
  if ((text.charCodeAt(12) & 0x0f) !== COMMAND_PROXY || (text.charCodeAt(13) & 0x0f) !== TRANSPORT_STREAM)
    return nothing;
  if (family !== FAMILY_INET && family !== FAMILY_INET6) return nothing;
  const four = family === FAMILY_INET;
  const size = four ? INET_SIZE : INET6_SIZE;
  if (length < size) return undefined;
  const address = four ? inet : inet6;
  const width = four ? 4 : 16;
  const ports = V2_SIZE + 2 * width;
  return {
    info: {
      sourceAddress: address(text, V2_SIZE),
      sourcePort: uint16(text, ports),
      destinationAddress: address(text, V2_SIZE + width),
      destinationPort: uint16(text, ports + 2),
      tlv: tlvsOf(text.slice(V2_SIZE + size, end)),
    },
    end,
  };
}

function uint16(text: string, at: number): number {
  return (text.charCodeAt(at) << 8) | text.charCodeAt(at + 1);
}

function inet(text: string, at: number): string {
  return [0, 1, 2, 3].map((i) => text.charCodeAt(at + i)).join('.');
}

function inet6(text: string, at: number): string {
  const groups = [0, 2, 4, 6, 8, 10, 12, 14].map((i) => uint16(text, at + i).toString(16)).join(':');
  return canonicalInet6(groups) ?? groups;
}

const TYPES: Readonly<Record<string, number>> = {
  alpn: 0x01,
  authority: 0x02,
  unique_id: 0x05,
  ssl: 0x20,
  netns: 0x30,
};
const SSL_TYPES: Readonly<Record<string, number>> = {
  version: 0x21,
  cn: 0x22,
  cipher: 0x23,
  sig_alg: 0x24,
  key_alg: 0x25,
};
/** Of what stands in front of the values inside an `ssl` value: a byte of flags, and the result of the verification. */
const SSL_HEAD = 5;

/** By nginx's names, `ssl_*` for those inside `ssl`, or by numbers as `0x01`. */
function tlvsOf(tlvs: string): (name: string) => string | undefined {
  return (name) => {
    if (!name.startsWith('ssl_')) return lookup(tlvs, typeOf(name, TYPES));
    const ssl = lookup(tlvs, 0x20);
    if (ssl === undefined || ssl.length < SSL_HEAD) return undefined;
    if (name === 'ssl_verify') return String(((uint16(ssl, 1) << 16) | uint16(ssl, 3)) >>> 0);
    return lookup(ssl.slice(SSL_HEAD), typeOf(name.slice(4), SSL_TYPES));
  };
}

function typeOf(name: string, names: Readonly<Record<string, number>>): number {
  return /^0x[0-9a-f]+$/i.test(name) ? Number(name) : (names[name] ?? -1);
}

function lookup(tlvs: string, type: number): string | undefined {
  for (let at = 0; at + 3 <= tlvs.length; ) {
    const length = uint16(tlvs, at + 1);
    if (tlvs.charCodeAt(at) === type)
      return at + 3 + length > tlvs.length ? undefined : tlvs.slice(at + 3, at + 3 + length);
    at += 3 + length;
  }
  return undefined;
}
