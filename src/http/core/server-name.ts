/**
 * Choosing a server by name: exact names, then wildcards at the front (longest first), wildcards at the end, and
 * regular expressions in their order. nginx: ngx_http_core_server_name(), ngx_http_find_virtual_server(), and the
 * combined hashes of src/core/ngx_hash.c.
 */
import { hostname } from 'node:os';
import type { ConfContext, Directive } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { LOG_WARN, type Log } from '../../log/log.ts';
import { DECLINED, OK } from '../codes.ts';
import { compileHttpRegex, type HttpRegex } from '../regex.ts';
import type { HttpRequest } from '../request.ts';
import type { CoreServer } from './conf.ts';

/** One name of a server. */
export interface ServerName {
  /** Lower case; for a regular expression its text without the tilde. */
  readonly name: string;
  readonly regex: HttpRegex | undefined;
}

/** Splits names with wildcards into what they match: for `map`, too. nginx: ngx_hash_add_key(). */
export class WildcardNames<V> {
  readonly #exact = new Map<string, V>();
  /** By the name without `*.` or the dot; `self` also matches that very name. */
  readonly #head = new Map<string, { readonly value: V; readonly self: boolean }>();
  readonly #tail = new Map<string, V>();

  get size(): number {
    return this.#exact.size + this.#head.size + this.#tail.size;
  }

  /**
   * Adds a name: `example.com`, `*.example.com`, `.example.com`, `www.example.*`.
   * @returns 'invalid' for a wildcard elsewhere, 'conflict' when it is there already
   */
  add(name: string, value: V): 'ok' | 'invalid' | 'conflict' {
    const stars = name.split('*').length - 1;
    if (stars > 1 || name.includes('..') || name.includes('\0')) return 'invalid';
    if (name.length > 1 && name.startsWith('.')) {
      const key = name.slice(1);
      if (this.#exact.has(key) || this.#head.has(key)) return 'conflict';
      this.#head.set(key, { value, self: true });
      return 'ok';
    }
    if (name.length > 2 && name.startsWith('*.')) {
      const key = name.slice(2);
      if (this.#head.has(key)) return 'conflict';
      this.#head.set(key, { value, self: false });
      return 'ok';
    }
    if (name.length > 2 && name.endsWith('.*')) {
      const key = name.slice(0, -2);
      if (this.#tail.has(key)) return 'conflict';
      this.#tail.set(key, value);
      return 'ok';
    }
    if (stars > 0) return 'invalid';
    return this.addExact(name, value);
  }

  /** Adds a name as it is. */
  addExact(name: string, value: V): 'ok' | 'conflict' {
    if (this.#exact.has(name) || this.#head.get(name)?.self === true) return 'conflict';
    this.#exact.set(name, value);
    return 'ok';
  }

  /** What the name in lower case stands for. nginx: ngx_hash_find_combined(). */
  find(name: string): V | undefined {
    const exact = this.#exact.get(name);
    if (exact !== undefined || name === '') return exact;
    if (this.#head.size > 0) {
      const self = this.#head.get(name);
      if (self?.self === true) return self.value;
      for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
        const found = this.#head.get(name.slice(dot + 1));
        if (found !== undefined) return found.value;
      }
    }
    if (this.#tail.size > 0) {
      for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
        const found = this.#tail.get(name.slice(0, dot));
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }
}

/** The servers of one address by name. */
export class ServerNames {
  readonly #names = new WildcardNames<CoreServer>();
  readonly #regexes: { readonly regex: HttpRegex; readonly server: CoreServer }[] = [];
  readonly #fallback: CoreServer;

  /**
   * @param address for messages: `0.0.0.0:80`
   * @param log told of names that several servers claim
   */
  constructor(servers: readonly CoreServer[], fallback: CoreServer, address: string, log: Log) {
    this.#fallback = fallback;
    // A single server needs no looking up, unless its expression shall leave captures.
    if (servers.length === 1 && !fallback.captures) return;
    for (const server of servers) {
      for (const { name, regex } of server.serverNames) {
        if (regex !== undefined) {
          this.#regexes.push({ regex, server });
          continue;
        }
        const result = this.#names.add(name, server);
        if (result === 'invalid') throw new ConfError(`invalid server name or wildcard "${name}" on ${address}`);
        if (result === 'conflict') {
          log.write(LOG_WARN, `conflicting server name "${name}" on ${address}, ignored`);
        }
      }
    }
  }

  /**
   * The server of a host in lower case.
   * @param r keeps the captures of an expression that matches; undefined for a TLS handshake
   */
  find(host: string, r: HttpRequest | undefined): CoreServer {
    return this.match(host, r) ?? this.#fallback;
  }

  /** As find; undefined when no server has the name. */
  match(host: string, r: HttpRequest | undefined): CoreServer | undefined {
    const found = this.#names.find(host);
    if (found !== undefined) return found;
    if (host !== '') {
      for (const { regex, server } of this.#regexes) {
        if (r === undefined) {
          if (regex.test(host)) return server;
          continue;
        }
        const rc = regex.exec(r, host);
        if (rc === OK) return server;
        if (rc !== DECLINED) break;
      }
    }
    return undefined;
  }
}

function setServerName(cf: ConfContext, server: CoreServer, args: readonly string[]): string | undefined {
  for (const arg of args) {
    const first = arg[0];
    if ((first === '*' && (arg.length < 3 || arg[1] !== '.')) || (first === '.' && arg.length < 2)) {
      return `server name "${arg}" is invalid`;
    }
    if (arg.includes('/')) cf.warn(`server name "${arg}" has suspicious symbols`);
    if (arg.toLowerCase() === '$hostname') {
      server.serverNames.push({ name: hostname().toLowerCase(), regex: undefined });
    } else if (first !== '~') {
      server.serverNames.push({ name: arg.toLowerCase(), regex: undefined });
    } else {
      if (arg.length === 1) return `empty regex in server name "${arg}"`;
      const pattern = arg.slice(1);
      // Hosts are in lower case: an expression with capital letters can only mean either.
      const regex = compileHttpRegex(cf, pattern, /[A-Z]/.test(pattern));
      server.serverNames.push({ name: pattern, regex });
      server.captures = regex.groups > 0;
    }
  }
  return undefined;
}

/** Completes a server's names when its block has been read: the first is $server_name. */
export function completeServerNames(server: CoreServer): void {
  if (server.serverNames.length === 0) server.serverNames.push({ name: '', regex: undefined });
  const { name, regex } = server.serverNames[0] as ServerName;
  if (regex !== undefined) server.serverName = `~${name}`;
  else server.serverName = name.startsWith('.') ? name.slice(1) : name;
}

export const serverNameDirective: Directive<CoreServer> = {
  name: 'server_name',
  contexts: ['server'],
  args: { min: 1 },
  level: 'server',
  doc: 'Names of a virtual server: exact, with a wildcard at either end, or a regular expression after a tilde.',
  defaultText: '""',
  set: setServerName,
};
