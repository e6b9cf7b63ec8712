/**
 * The address that a client behind proxies has, by what the proxies say in a header field.
 * nginx: ngx_http_get_forwarded_addr(), ngx_cidr_match(), ngx_parse_addr_port().
 */
import { type Cidr, cidrContains, parseAddress } from '../../conf/modules/cidr.ts';
import { parseNumber } from '../../conf/units.ts';

/** A trusted network, or all unix sockets. */
export type TrustedNetwork = 'unix' | Cidr;

/** An address by its 4 or 16 bytes, undefined for a unix socket; port 0 when there is none. */
export interface ClientAddress {
  readonly bytes: readonly number[] | undefined;
  readonly port: number;
}

/** The last 4 bytes of an IPv4 address that is written as IPv6 (::ffff:0:0/96); others as they are. */
export function unmapped(bytes: readonly number[]): readonly number[] {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return bytes;
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return bytes;
  return bytes.slice(12);
}

/** Bytes of a numeric address. 255.255.255.255 is none here, as in nginx, where it stands for "no address". */
export function parseClientAddress(text: string): readonly number[] | undefined {
  return text === '255.255.255.255' ? undefined : parseAddress(text);
}

function isTrusted(address: ClientAddress, networks: readonly TrustedNetwork[]): boolean {
  const bytes = address.bytes === undefined ? undefined : unmapped(address.bytes);
  return networks.some((network) =>
    network === 'unix' ? bytes === undefined : bytes !== undefined && cidrContains(network, bytes),
  );
}

/** `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]`, `[::1]:80`. */
function parseWithPort(text: string): ClientAddress | undefined {
  const alone = parseClientAddress(text);
  if (alone !== undefined) return { bytes: alone, port: 0 };
  const match = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? /^([^:]*):(.*)$/.exec(text);
  if (match === null) return undefined;
  const bytes = parseClientAddress(match[1] as string);
  if (bytes === undefined) return undefined;
  if (match[2] === undefined) return { bytes, port: 0 };
  const port = parseNumber(match[2]);
  return port === undefined || port < 1 || port > 65535 ? undefined : { bytes, port };
}

/**
 * Follows the addresses of the fields from the last to the first as long as the one before is trusted.
 *
 * @param values of the header fields, in their order
 * @param recursive whether more than the last address counts
 * @returns undefined when nothing that the fields say counts
 */
export function forwardedAddress(
  client: ClientAddress,
  values: readonly string[],
  networks: readonly TrustedNetwork[],
  recursive: boolean,
): ClientAddress | undefined {
  let address = client;
  let found = false;
  for (let i = values.length - 1; i >= 0; i--) {
    let rest = values[i] as string;
    do {
      if (!isTrusted(address, networks)) return found ? address : undefined;
      rest = rest.replace(/(?!^)[ ,]+$/, '');
      const start = Math.max(rest.lastIndexOf(' '), rest.lastIndexOf(',')) + 1;
      const next = parseWithPort(rest.slice(start));
      if (next === undefined) return found ? address : undefined;
      address = next;
      found = true;
      rest = start > 1 ? rest.slice(0, start - 1) : '';
    } while (recursive && rest !== '');
    if (!recursive) break;
  }
  return found ? address : undefined;
}
