/** What the directives of balancing methods have in common, and methods that draw a peer by some number. */
import type { ConfContext } from '../../conf/directive.ts';
import { currentSecond } from '../../log/time.ts';
import { type RoundRobinPeers, triesOf } from '../../upstream/peers.ts';
import { OK } from '../codes.ts';
import type { HttpRequest } from '../request.ts';
import type { Upstream } from './conf.ts';
import { upstreamOf } from './module.ts';
import type { PeerConnection, PeerSelection } from './peer.ts';
import { initRoundRobin, peersNow, RoundRobinSelection } from './round-robin.ts';

/**
 * Makes the upstream block that is being read use a method.
 *
 * @param supports SUPPORTS_* bits: the parameters of `server` that it knows
 * @param select makes the choice of a request; the peers are those of this moment
 * @param prepare called when the peers are known
 */
export function useMethod(
  cf: ConfContext,
  supports: number,
  select: (r: HttpRequest, peers: RoundRobinPeers, upstream: Upstream) => PeerSelection,
  prepare?: (upstream: Upstream) => void,
): void {
  const upstream = upstreamOf(cf);
  if (upstream.initUpstream !== undefined) cf.warn('load balancing method redefined');
  upstream.supports = supports;
  upstream.dynamic = true;
  upstream.initUpstream = (context, block) => {
    initRoundRobin(context, block);
    prepare?.(block);
    block.initPeer = (r, pc, chosen) => {
      const peers = peersNow(chosen);
      pc.tries = triesOf(peers);
      return select(r, peers, chosen);
    };
  };
}

/** Draws without a usable peer after which it is round robin's turn. */
const MAX_DRAWS = 20;

/** Draws peers until one may be used; round robin when that takes too long. */
export abstract class DrawSelection extends RoundRobinSelection {
  protected draws = 0;

  /** Index of a peer: a number that depends on what the method looks at, in proportion to the weights. */
  protected abstract draw(peers: RoundRobinPeers): number;

  protected override pick(pc: PeerConnection): number {
    const { peers } = this;
    if (this.draws > MAX_DRAWS || peers.peers.length < 2) return super.pick(pc);
    if (this.takeHinted(pc)) return OK;
    const now = currentSecond();
    for (;;) {
      const index = this.draw(peers);
      const peer = peers.peers[index];
      if (peer !== undefined && !this.wasTried(index) && peer.isUsable(now)) {
        this.take(pc, this.note(peer, index, now));
        return OK;
      }
      if (++this.draws > MAX_DRAWS) return super.pick(pc);
    }
  }
}

/** The peer that a number below the sum of the weights falls to. */
export function indexByWeight(peers: RoundRobinPeers, number: number): number {
  let left = number;
  let index = 0;
  for (const peer of peers.peers) {
    if (left < peer.weight) return index;
    left -= peer.weight;
    index++;
  }
  return index - 1;
}
