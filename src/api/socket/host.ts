/** The host of connect() and setpeername(): an address, the path of a unix socket, or a name to look up. */
import type { ListenAddress } from '../../net/listening.ts';
import { parseUrl, UrlError } from '../../net/url.ts';

export interface Host {
  /** Where it is, unless it is a name. */
  readonly where: ListenAddress | undefined;
  /** As logs name it. */
  readonly name: string;
}

/**
 * Takes a host apart.
 * @returns an error text for one that is none
 */
export function parseHost(host: string, port: number): Host | string {
  try {
    const url = parseUrl(host, { defaultPort: port, noResolve: true });
    const where = url.addresses[0];
    return { where, name: where?.family === 'unix' ? where.text : url.host };
  } catch (error) {
    if (!(error instanceof UrlError)) throw error;
    return `failed to parse host name "${host}": ${error.message}`;
  }
}
