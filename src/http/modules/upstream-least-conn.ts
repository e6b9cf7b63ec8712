/**
 * `least_conn`: the server with the fewest requests for its weight. nginx:
 * src/http/modules/ngx_http_upstream_least_conn_module.c.
 */
import { currentSecond } from '../../log/time.ts';
import { SUPPORTS_ALL } from '../../upstream/group.ts';
import type { RoundRobinPeer, RoundRobinPeers } from '../../upstream/peers.ts';
import { httpModule } from '../module.ts';
import { useMethod } from '../upstream/method.ts';
import type { PeerConnection } from '../upstream/peer.ts';
import { RoundRobinSelection } from '../upstream/round-robin.ts';

class LeastConnSelection extends RoundRobinSelection {
  protected override choose(group: RoundRobinPeers, pc: PeerConnection): RoundRobinPeer | undefined {
    const { peers } = group;
    const now = currentSecond();
    const bound = this.hinted(pc);
    if (bound >= 0) return this.note(peers[bound] as RoundRobinPeer, bound, now);
    let best: RoundRobinPeer | undefined;
    let index = 0;
    let many = false;
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[i] as RoundRobinPeer;
      if (this.wasTried(i) || !peer.isUsable(now)) continue;
      const order = best === undefined ? -1 : peer.conns * best.weight - best.conns * peer.weight;
      if (order < 0) {
        best = peer;
        index = i;
        many = false;
      } else if (order === 0) many = true;
    }
    if (best === undefined) return undefined;
    // Round robin among those that are equal.
    let total = 0;
    const { conns, weight } = best;
    for (let i = index; many && i < peers.length; i++) {
      const peer = peers[i] as RoundRobinPeer;
      if (this.wasTried(i) || !peer.isUsable(now) || peer.conns * weight !== conns * peer.weight) continue;
      total += peer.gainWeight();
      if (peer.currentWeight > best.currentWeight) {
        best = peer;
        index = i;
      }
    }
    best.currentWeight -= total;
    return this.note(best, index, now);
  }
}

export const upstreamLeastConnModule = httpModule({
  name: 'ngx_http_upstream_least_conn_module',
  directives: [
    {
      name: 'least_conn',
      contexts: ['upstream'],
      args: 0,
      level: 'server',
      doc: 'Chooses the server with the fewest requests for its weight.',
      set(cf) {
        useMethod(cf, SUPPORTS_ALL, (_r, peers) => {
          return new LeastConnSelection(peers);
        });
        return undefined;
      },
    },
  ],
  createServer: () => ({}),
});
