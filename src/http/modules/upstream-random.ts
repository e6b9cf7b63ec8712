/** `random`: any server, or the better of two. nginx: src/http/modules/ngx_http_upstream_random_module.c. */
import { currentSecond } from '../../log/time.ts';
import { SUPPORTS_ALL_BUT_BACKUP } from '../../upstream/group.ts';
import type { RoundRobinPeer, RoundRobinPeers } from '../../upstream/peers.ts';
import { OK } from '../codes.ts';
import { httpModule } from '../module.ts';
import { DrawSelection, indexByWeight, useMethod } from '../upstream/method.ts';
import type { PeerConnection } from '../upstream/peer.ts';

class RandomSelection extends DrawSelection {
  protected override draw(peers: RoundRobinPeers): number {
    return indexByWeight(peers, Math.floor(Math.random() * peers.totalWeight));
  }
}

/** Draws two and takes the one with fewer requests for its weight. */
class RandomTwoSelection extends RandomSelection {
  protected override pick(pc: PeerConnection): number {
    const { peers } = this;
    if (peers.peers.length > 1 && this.draws <= 20 && this.takeHinted(pc)) return OK;
    const now = currentSecond();
    let first = -1;
    // Two may never be found: the base class then draws on as far as there are draws left.
    while (peers.peers.length > 1 && this.draws <= 20) {
      const index = this.draw(peers);
      const peer = peers.peers[index] as RoundRobinPeer;
      if (index === first || this.wasTried(index) || !peer.isUsable(now)) {
        this.draws++;
        continue;
      }
      if (first < 0) {
        first = index;
        continue;
      }
      const other = peers.peers[first] as RoundRobinPeer;
      const better = peer.conns * other.weight > other.conns * peer.weight ? first : index;
      const chosen = peers.peers[better] as RoundRobinPeer;
      this.take(pc, this.note(chosen, better, now));
      return OK;
    }
    return super.pick(pc);
  }
}

export const upstreamRandomModule = httpModule({
  name: 'ngx_http_upstream_random_module',
  directives: [
    {
      name: 'random',
      contexts: ['upstream'],
      args: [0, 1, 2],
      level: 'server',
      doc: 'Chooses any server by the weights; `two`: of two such the one with fewer requests.',
      set(cf, _conf, args) {
        const [two, method] = args;
        useMethod(cf, SUPPORTS_ALL_BUT_BACKUP, (_r, peers) => {
          return two === undefined ? new RandomSelection(peers) : new RandomTwoSelection(peers);
        });
        if (two !== undefined && two !== 'two') throw cf.error(`invalid parameter "${two}"`);
        if (method !== undefined && method !== 'least_conn') throw cf.error(`invalid parameter "${method}"`);
        return undefined;
      },
    },
  ],
  createServer: () => ({}),
});
