/** What the stream block says about backends, and what is remembered of attempts. nginx: ngx_stream_upstream.h. */
import type { ConfContext, ConfStack } from '../../conf/directive.ts';
import type { UpstreamGroup } from '../../upstream/group.ts';
import type { PeerChoice, PeerSelection } from '../../upstream/peer.ts';
import type { StreamSession } from '../session.ts';

/** What a balancing method sees and sets. */
export interface PeerConnection extends PeerChoice {
  readonly r: StreamSession;
  /** Numeric address to connect from. */
  local: { readonly address: string; readonly port: number } | undefined;
  /** The timeouts of this session; the balancer may change them. Milliseconds. */
  connectTimeout: number;
  sendTimeout: number;
  readTimeout: number;
  /** proxy_next_upstream_tries; 0: no limit. */
  readonly mostTries: number;
  /** Who chooses; undefined until that is known. */
  readonly selection: PeerSelection<PeerConnection> | undefined;
}

/** Begins the choice of a peer for one session. */
export type InitPeer = (s: StreamSession, pc: PeerConnection, upstream: Upstream) => PeerSelection<PeerConnection>;

/** An `upstream` block, or the backend that a proxy_pass names by itself. nginx: ngx_stream_upstream_srv_conf_t. */
export interface Upstream extends UpstreamGroup {
  /** The block's configuration objects. */
  confs: ConfStack | undefined;
  /** Set by a balancing method's directive: prepares the peers when the stream block is complete; throws ConfError. */
  initUpstream: ((cf: ConfContext, upstream: Upstream) => void) | undefined;
  /** Set when the stream block is complete. */
  initPeer: InitPeer;
}

export interface UpstreamMain {
  readonly upstreams: Upstream[];
}

/** What is remembered of one attempt. nginx: ngx_stream_upstream_state_t. */
export interface UpstreamState {
  peer: string;
  // Milliseconds, -1 while not known.
  connectTime: number;
  firstByteTime: number;
  sessionTime: number;
  // Bytes.
  received: number;
  sent: number;
}
