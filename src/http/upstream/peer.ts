/** What http adds to the choice of a peer (src/upstream/peer.ts): idle connections, and how attempts go. */
import type * as shared from '../../upstream/peer.ts';
import type { HttpRequest } from '../request.ts';
import type { UpstreamConnection } from './connection.ts';
import type { KeepalivePool } from './keepalive.ts';
import type { UpstreamState } from './state.ts';

export { PEER_FAILED, PEER_NEXT, type PeerAddress, peerAddress, peerAddressOf } from '../../upstream/peer.ts';

/** What a balancing method sees and sets. */
export interface PeerConnection extends shared.PeerChoice {
  readonly r: HttpRequest;
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
export interface PeerSelection extends shared.PeerSelection<PeerConnection> {
  /** An idle connection that failed counts as an attempt. */
  readonly countsCached?: boolean;
  /** The pool was asked for an idle connection to what `get` chose. */
  onTake?(pc: PeerConnection, connection: UpstreamConnection | undefined): void;
  /** The attempt's connection was put into the pool, or will be closed. Called before `free`. */
  onRelease?(pc: PeerConnection, connection: UpstreamConnection, kept: boolean): void;
  /** The header of the response is there. */
  onHeader?(pc: PeerConnection): void;
}
