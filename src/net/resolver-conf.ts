/**
 * The arguments of `resolver`, the same in http and stream. nginx: ngx_resolver_create(); `local=` is OpenResty's.
 */
import { readFileSync } from 'node:fs';
import { parseTime } from '../conf/units.ts';
import { errnoSuffix } from '../log/errno.ts';
import type { ListenAddress } from './listening.ts';
import { parseUrl, UrlError } from './url.ts';

/** Whom to ask for addresses, and what to do with the answers. */
export interface ResolverConf {
  readonly servers: readonly ListenAddress[];
  /** Seconds that an answer holds; undefined: as long as it says itself. */
  readonly valid: number | undefined;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

function flag(value: string): boolean | undefined {
  return value === 'on' ? true : value === 'off' ? false : undefined;
}

/** The name servers of a resolv.conf(5). */
function localServers(path: string): string[] {
  const text = readFileSync(path, 'latin1');
  const names: string[] = [];
  for (const match of text.matchAll(/^[ \t]*nameserver[ \t]+([^\s#;]+)/gm)) {
    const address = match[1] as string;
    names.push(address.includes(':') ? `[${address}]` : address);
  }
  return names;
}

/**
 * Parses the arguments.
 *
 * @returns nginx's message when they are wrong
 */
export function parseResolver(args: readonly string[]): ResolverConf | string {
  const names: string[] = [];
  let valid: number | undefined;
  let ipv4 = true;
  let ipv6 = true;
  for (const arg of args) {
    const invalid = `invalid parameter: ${arg}`;
    if (arg.startsWith('valid=')) {
      valid = parseTime(arg.slice(6), 's');
      if (valid === undefined) return invalid;
      // nginx takes it for unset.
      if (valid === 0) valid = undefined;
    } else if (arg.startsWith('ipv4=') || arg.startsWith('ipv6=')) {
      const on = flag(arg.slice(5));
      if (on === undefined) return invalid;
      if (arg.startsWith('ipv4=')) ipv4 = on;
      else ipv6 = on;
    } else if (arg.startsWith('local=')) {
      const value = arg.slice(6);
      if (value === '') return invalid;
      if (value === 'off') continue;
      const path = value === 'on' ? '/etc/resolv.conf' : value;
      try {
        names.push(...localServers(path));
      } catch (e) {
        return `open() "${path}" failed${errnoSuffix(e)}`;
      }
    } else names.push(arg);
  }
  const servers: ListenAddress[] = [];
  for (const name of names) {
    try {
      servers.push(...parseUrl(name, { defaultPort: 53 }).addresses);
    } catch (e) {
      if (e instanceof UrlError) return `${e.message} in resolver "${name}"`;
      throw e;
    }
  }
  if (!ipv4 && !ipv6) return '"ipv4" and "ipv6" cannot both be "off"';
  if (servers.length === 0) return 'no name servers defined';
  return { servers, valid, ipv4, ipv6 };
}
