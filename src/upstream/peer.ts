/**
 * How a peer is chosen: the interface between who connects to backends (http's exchange, stream's proxy) and the
 * balancing methods. nginx: ngx_peer_connection_t with its get and free (src/event/ngx_event_connect.h).
 *
 * For each request or session a selection is made. `get` chooses an address and puts it into the peer connection; when
 * the attempt is over, `free` is told how it went. `tries` says how many attempts are left.
 */
import type { ConnectTarget } from '../net/connect.ts';
import type { ListenAddress } from '../net/listening.ts';
import type { RoundRobinPeer } from './peers.ts';

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
export interface PeerChoice {
  /** For whom a peer is chosen: the request or the session. */
  readonly r: { log(level: number, message: string): void };
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
}

/** The choice of a peer for one request or session. */
export interface PeerSelection<P extends PeerChoice = PeerChoice> {
  /**
   * Chooses. Returns OK, BUSY when no peer may be used, DECLINED when this one cannot, ERROR, or a status; AGAIN, in
   * http, when `Exchange.chosenLater` will be told.
   */
  get(pc: P): number;
  /** The attempt is over. `state`: 0, or PEER_* bits. Must bring `pc.tries` down. */
  free(pc: P, state: number): void;
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
