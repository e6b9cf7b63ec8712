/**
 * A listening socket as the configuration asks for it. nginx: ngx_listening_t (src/core/ngx_connection.h).
 *
 * Bound by the master (src/process) and inherited by each worker as a file descriptor; the worker wraps `fd`
 * (src/net/accept.ts) and hands each accepted connection to `accept`.
 */
import type { AcceptedSocket } from './socket.ts';

/** Where to listen: an address and port, or a unix socket. */
export interface ListenAddress {
  readonly family: 'inet' | 'inet6' | 'unix';
  /** Numeric IP address, or the path of a unix socket. */
  readonly address: string;
  /** 0 for unix sockets. */
  readonly port: number;
  /** As nginx prints it in messages: `0.0.0.0:80`, `[::]:80`, `unix:/path`. */
  readonly text: string;
}

/** Options of the `listen` directive that concern the socket itself. */
export interface ListenSocketOptions {
  /** Default 511. */
  readonly backlog: number;
  /** One socket per worker. */
  readonly reuseport: boolean;
  /** Default true for inet6. */
  readonly ipv6only: boolean;
  /** Bytes; undefined leaves the system's. */
  readonly rcvbuf?: number;
  readonly sndbuf?: number;
  readonly deferred: boolean;
  readonly fastopen?: number;
  /** `on`, `off` or idle/interval/count in seconds. */
  readonly keepalive?: boolean | { readonly idle?: number; readonly interval?: number; readonly count?: number };
  readonly bind: boolean;
}

/** One listening socket of a cycle. */
export interface Listening {
  readonly kind: 'tcp' | 'udp';
  readonly where: ListenAddress;
  readonly options: ListenSocketOptions;
  /** Open descriptors: one, or one per worker with reuseport. Set by the process layer. */
  fds: number[];
  /** In a worker: the descriptor that it accepts on. */
  fd?: number;
  /** In a worker: takes an accepted TCP or unix connection. Set by http or stream when it is configured. */
  accept?: (socket: AcceptedSocket) => void;
}
