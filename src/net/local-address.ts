/** Numeric addresses to connect from: `proxy_bind`, ngx.balancer's bind_to_local_addr. nginx: ngx_parse_addr_port(). */
import { canonicalInet, canonicalInet6 } from './url.ts';

/** An address, with a port or without (0); undefined for text that is none. */
export function parseLocal(text: string): { address: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::([0-9]{1,5}))?$/.exec(text);
  const plain = canonicalInet6(text);
  if (plain !== undefined) return { address: plain, port: 0 };
  if (match === null) return undefined;
  const address = match[1] === undefined ? canonicalInet(match[2] as string) : canonicalInet6(match[1]);
  const port = match[3] === undefined ? 0 : Number(match[3]);
  if (address === undefined || port > 65535 || (match[3] !== undefined && port === 0)) return undefined;
  return { address, port };
}
