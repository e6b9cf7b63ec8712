/**
 * Idle connections to backends, kept for further requests. nginx:
 * src/http/modules/ngx_http_upstream_keepalive_module.c.
 *
 * A connection waits here only when its response was read to the last byte and nothing came behind it. While it waits
 * it is read: anything that arrives, or its end, closes it, so that no byte of one response is taken for the next.
 */
import { monotonicMsec } from '../../log/time.ts';
import type { UpstreamConnection } from './connection.ts';

/** Limits of a pool. */
export interface KeepaliveLimits {
  /** Most idle connections; the one that waits longest gives way. */
  readonly size: number;
  /** Most requests of a connection. */
  readonly requests: number;
  /** Longest life of a connection, milliseconds. */
  readonly time: number;
  /** Longest wait, milliseconds. */
  readonly timeout: number;
  /** A connection serves only the location that opened it. */
  readonly local: boolean;
}

export class KeepalivePool {
  readonly limits: KeepaliveLimits;
  /** The last one waits shortest. */
  readonly #idle: UpstreamConnection[] = [];

  constructor(limits: KeepaliveLimits) {
    this.limits = limits;
  }

  /**
   * An idle connection to a peer, if there is one: the one that waits shortest, but for those that came back within
   * this millisecond. The end of such a one may have arrived with its response and not been read yet; nginx sees it by
   * EPOLLRDHUP. It is taken when there is no other.
   *
   * @param owner the location's settings, or what else tells users apart
   * @param tlsKey see `TlsPlan.key`; '' without TLS
   */
  take(name: string, owner: object | string, tlsKey: string): UpstreamConnection | undefined {
    const idle = this.#idle;
    const now = monotonicMsec();
    let chosen = -1;
    for (let i = idle.length - 1; i >= 0; i--) {
      const connection = idle[i] as UpstreamConnection;
      if (connection.name !== name || (this.limits.local && connection.owner !== owner)) continue;
      if (connection.tlsKey !== tlsKey) continue;
      if (connection.idleSince !== now) {
        chosen = i;
        break;
      }
      if (chosen < 0) chosen = i;
    }
    if (chosen < 0) return undefined;
    const connection = idle[chosen] as UpstreamConnection;
    removeAt(idle, chosen);
    connection.leavePool();
    return connection;
  }

  /** Keeps a connection whose exchange is complete. False when it has been used enough. */
  put(connection: UpstreamConnection, owner: object | string, limits: KeepaliveLimits = this.limits): boolean {
    if (limits.size === 0 || connection.requests >= limits.requests) return false;
    const now = monotonicMsec();
    if (now - connection.startTime > limits.time) return false;
    const idle = this.#idle;
    if (idle.length >= limits.size) (idle.shift() as UpstreamConnection).close(true);
    connection.owner = owner;
    connection.idleSince = now;
    idle.push(connection);
    connection.enterPool(this, limits.timeout);
    return true;
  }

  /** An idle connection is not usable any more. */
  drop(connection: UpstreamConnection): void {
    const i = this.#idle.indexOf(connection);
    if (i >= 0) removeAt(this.#idle, i);
  }

  /** How many wait. */
  get size(): number {
    return this.#idle.length;
  }

  closeAll(): void {
    for (const connection of this.#idle.splice(0)) connection.close(true);
  }
}

/** As splice(at, 1), without an array for what is removed. */
function removeAt(list: UpstreamConnection[], at: number): void {
  for (let i = at + 1; i < list.length; i++) list[i - 1] = list[i] as UpstreamConnection;
  list.pop();
}
