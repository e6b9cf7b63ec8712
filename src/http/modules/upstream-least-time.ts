/**
 * `least_time`: the server that will likely be done first, by the average time of its answers and the requests it has.
 * nginx: src/http/modules/ngx_http_upstream_least_time_module.c.
 */
import type { ConfStack } from '../../conf/directive.ts';
import { currentSecond } from '../../log/time.ts';
import { SUPPORTS_ALL } from '../../upstream/group.ts';
import type { RoundRobinPeer, RoundRobinPeers } from '../../upstream/peers.ts';
import { sharedMsec } from '../../upstream/shared-peers.ts';
import { httpModule } from '../module.ts';
import type { Upstream } from '../upstream/conf.ts';
import { useMethod } from '../upstream/method.ts';
import { PEER_FAILED, PEER_NEXT, type PeerConnection } from '../upstream/peer.ts';
import { RoundRobinSelection } from '../upstream/round-robin.ts';
import type { UpstreamState } from '../upstream/state.ts';

type Mode = 'header' | 'last_byte';

interface LeastTimeServer {
  mode: Mode | undefined;
  /** Requests that have not been answered yet count as well. */
  inflight: boolean;
}

/** Slower servers are all the same: then the number of requests decides. Milliseconds. */
const LONGEST = 5000;
/** Times that differ by less are the same. Milliseconds. */
const CLUSTER = 20;

/** A moving average after one more value. */
function average(before: number, value: number): number {
  return before === 0 ? value : Math.trunc(0.5 + value * 0.05 + before * 0.95);
}

/** Milliseconds between two values of sharedMsec. */
function elapsed(from: number, to: number): number {
  return (to - from) & 0x7fffffff;
}

class LeastTimeSelection extends RoundRobinSelection {
  readonly #mode: Mode;
  readonly #useInflight: boolean;
  /** This request is counted among its peer's. */
  #counted = false;

  constructor(peers: RoundRobinPeers, conf: LeastTimeServer) {
    super(peers);
    this.#mode = conf.mode as Mode;
    this.#useInflight = conf.inflight;
  }

  protected override choose(group: RoundRobinPeers, pc: PeerConnection): RoundRobinPeer | undefined {
    const { peers } = group;
    const now = currentSecond();
    const bound = this.hinted(pc);
    if (bound >= 0) return this.#count(this.note(peers[bound] as RoundRobinPeer, bound, now));
    let best: RoundRobinPeer | undefined;
    let bestEta = 0;
    let index = 0;
    let many = false;
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[i] as RoundRobinPeer;
      if (this.wasTried(i) || !peer.isUsable(now)) continue;
      const { inflight } = peer;
      if (inflight > 0) {
        const each = Math.trunc(peer.inflightLast / inflight) + elapsed(peer.inflightChanged, sharedMsec());
        peer.inflightTime = average(peer.inflightTime, each);
      }
      const eta = this.#eta(peer, now);
      const order = best === undefined ? -1 : eta * best.weight - bestEta * peer.weight;
      if (order < 0) {
        best = peer;
        bestEta = eta;
        index = i;
        many = false;
      } else if (order === 0) many = true;
    }
    if (best === undefined) return undefined;
    // Round robin among those that are equal.
    let total = 0;
    const { weight } = best;
    for (let i = index; many && i < peers.length; i++) {
      const peer = peers[i] as RoundRobinPeer;
      if (this.wasTried(i) || !peer.isUsable(now)) continue;
      if (this.#eta(peer, now) * weight !== bestEta * peer.weight) continue;
      total += peer.gainWeight();
      if (peer.currentWeight > best.currentWeight) {
        best = peer;
        index = i;
      }
    }
    best.currentWeight -= total;
    return this.#count(this.note(best, index, now));
  }

  /** The time after which it would have done what it has, and one request more. */
  #eta(peer: RoundRobinPeer, now: number): number {
    let time = this.#mode === 'header' ? peer.headerTime : peer.responseTime;
    const idle = now - peer.checked;
    // A slow one gets a chance now and then: each fail_timeout in which it is not asked makes it twice as fast.
    if (idle > peer.failTimeout) time >>= Math.min(31, Math.trunc(idle / (peer.failTimeout + 1)));
    if (peer.inflight > 0) time = Math.max(time, peer.inflightTime);
    time = time > LONGEST ? LONGEST : time + CLUSTER - (time % CLUSTER);
    return time * (1 + peer.conns);
  }

  #count(peer: RoundRobinPeer): RoundRobinPeer {
    if (!this.#useInflight) return peer;
    const { inflight } = peer;
    const now = sharedMsec();
    if (inflight > 0) peer.inflightLast += elapsed(peer.inflightChanged, now) * inflight;
    peer.inflightChanged = now;
    peer.addInflight(1);
    this.#counted = true;
    return peer;
  }

  /** The request is not under way any more, after so many milliseconds. */
  #uncount(peer: RoundRobinPeer, time: number): void {
    if (!this.#counted) return;
    this.#counted = false;
    const { inflight } = peer;
    if (inflight === 1) peer.inflightLast = 0;
    else {
      const now = sharedMsec();
      peer.inflightLast += elapsed(peer.inflightChanged, now) * inflight - time;
      peer.inflightChanged = now;
    }
    peer.addInflight(-1);
  }

  onHeader(pc: PeerConnection): void {
    const peer = this.current;
    if (!this.#useInflight || this.#mode !== 'header' || peer === undefined) return;
    const { headerTime } = pc.state as UpstreamState;
    this.access(() => {
      peer.headerTime = average(peer.headerTime, headerTime);
      this.#uncount(peer, headerTime);
    });
  }

  protected override settle(pc: PeerConnection, peer: RoundRobinPeer, state: number): boolean {
    const { headerTime, responseTime } = pc.state as UpstreamState;
    this.#uncount(peer, Math.max(responseTime, 0));
    // Failures are quick: they must not attract requests.
    if ((state & (PEER_FAILED | PEER_NEXT)) === 0 && headerTime !== -1) {
      peer.responseTime = average(peer.responseTime, Math.max(responseTime, 0));
      if (!(this.#useInflight && this.#mode === 'header')) peer.headerTime = average(peer.headerTime, headerTime);
    }
    return super.settle(pc, peer, state);
  }
}

function confOf(upstream: Upstream): LeastTimeServer {
  return upstreamLeastTimeModule.serverOf(upstream.confs as ConfStack);
}

export const upstreamLeastTimeModule = httpModule<object, LeastTimeServer>({
  name: 'ngx_http_upstream_least_time_module',
  directives: [
    {
      name: 'least_time',
      contexts: ['upstream'],
      args: [1, 2],
      level: 'server',
      doc: 'Chooses the server with the least average time, until the header or the end of answers, and the fewest requests.',
      set(cf, conf: LeastTimeServer, args) {
        const [mode, option] = args as [string, string | undefined];
        useMethod(cf, SUPPORTS_ALL, (_r, peers, upstream) => {
          return new LeastTimeSelection(peers, confOf(upstream));
        });
        if (option === 'inflight') conf.inflight = true;
        else if (option !== undefined) throw cf.error(`invalid parameter "${option}"`);
        if (conf.mode !== undefined) return 'is duplicate';
        if (mode !== 'header' && mode !== 'last_byte') throw cf.error(`invalid value "${mode}"`);
        conf.mode = mode;
        return undefined;
      },
    },
  ],
  createServer: () => ({ mode: undefined, inflight: false }),
});
