/**
 * How a peer is chosen for a request: the interface between the exchange with a backend and the balancing methods.
 * nginx: ngx_peer_connection_t with its get and free (src/event/ngx_event_connect.h).
 *
 * For each request the upstream's `initPeer` makes a selection. `get` chooses an address and puts it into the peer
 * connection; when the attempt is over, `free` is told how it went. `tries` says how many attempts are left.
 */
import type { ConnectTarget } from '../../net/connect.ts';
import type { ListenAddress } from '../../net/listening.ts';
import type { HttpRequest } from '../request.ts';
import type { UpstreamConnection } from './connection.ts';
import type { KeepalivePool } from './keepalive.ts';
import type { RoundRobinPeer } from './peers.ts';
import type { UpstreamState } from './state.ts';

/** How an attempt went; bits. */
export const PEER_NEXT = 2;
export const PEER_FAILED = 4;

/** Where to connect to. */
export interface PeerAddress {
  readonly target: ConnectTarget;
  /** `127.0.0.1:80`, `[::1]:80`, `unix:/path`: for logs, $upstream_addr, and to find idle connections. */
  readonly name: string;
}

/** What a balancing method sees and sets. */
export interface PeerConnection {
  readonly r: HttpRequest;
  /** How many attempts are left, this one among them. */
  tries: number;
  /** Set by `get`. */
  address: PeerAddress | undefined;
  /** For the log: the address's name, or the upstream's when there was no peer to choose. */
  name: string;
  /** Set by `get` of methods that choose among the peers of upstream blocks. */
  peer: RoundRobinPeer | undefined;
  /** What `get` should choose if it can: the `sid` of a peer. */
  hint: string | undefined;
  /** How the attempt goes. */
  readonly state: UpstreamState | undefined;
  /** The connection was an idle one. */
  readonly cached: boolean;
  /** Where an idle connection is looked for and put back; `get` may change it. */
  pool: KeepalivePool | undefined;
  /** Numeric address to connect from. */
  local: { readonly address: string; readonly port: number } | undefined;
  /** The timeouts of this request; `get` may change them. Milliseconds. */
  connectTimeout: number;
  sendTimeout: number;
  readTimeout: number;
}

/** The choice of a peer for one request. */
export interface PeerSelection {
  /** An idle connection that failed counts as an attempt. */
  readonly countsCached?: boolean;
  /**
   * Chooses. Returns OK, BUSY when no peer may be used, DECLINED when this one cannot, ERROR, or a status; AGAIN when
   * `Exchange.chosenLater` will be told.
   */
  get(pc: PeerConnection): number;
  /** The attempt is over. `state`: 0, or PEER_* bits. Must bring `pc.tries` down. */
  free(pc: PeerConnection, state: number): void;
  /** The pool was asked for an idle connection to what `get` chose. */
  onTake?(pc: PeerConnection, connection: UpstreamConnection | undefined): void;
  /** The attempt's connection was put into the pool, or will be closed. Called before `free`. */
  onRelease?(pc: PeerConnection, connection: UpstreamConnection, kept: boolean): void;
  /** The header of the response is there. */
  onHeader?(pc: PeerConnection): void;
}

/** The peer address of a numeric address. */
export function peerAddress(where: ListenAddress): PeerAddress {
  return where.family === 'unix'
    ? { target: { path: where.address }, name: where.text }
    : { target: { address: where.address, port: where.port }, name: where.text };
}

/** The peer address of a name such as `127.0.0.1:80`, `[::1]:80` or `unix:/path`. */
export function peerAddressOf(name: string): PeerAddress {
  if (name.startsWith('unix:')) return { target: { path: name.slice(5) }, name };
  const colon = name.lastIndexOf(':');
  const host = name.slice(0, colon);
  const address = host.startsWith('[') ? host.slice(1, -1) : host;
  return { target: { address, port: Number(name.slice(colon + 1)) }, name };
}
