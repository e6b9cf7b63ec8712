/**
 * Weighted round robin, the default balancing method and the base of the others, in http and in stream. nginx:
 * src/http/ngx_http_upstream_round_robin.c, src/stream/ngx_stream_upstream_round_robin.c.
 *
 * The weights are spread smoothly: each choice adds to every peer its weight, takes the one with the most, and
 * subtracts the sum of all from it, so that {5, 1, 1} gives a a b a c a a.
 */
import { BUSY, OK } from '../conf/codes.ts';
import { ConfError } from '../conf/error.ts';
import { LOG_WARN } from '../log/log.ts';
import { currentSecond } from '../log/time.ts';
import { inetAddress, resolveHostSync, UrlError } from '../net/url.ts';
import type { UpstreamGroup, UpstreamServer } from './group.ts';
import { PEER_FAILED, type PeerAddress, type PeerChoice, type PeerSelection, peerAddress } from './peer.ts';
import { PrivatePeer, type RoundRobinPeer, RoundRobinPeers } from './peers.ts';
import { SharedUpstream } from './shared-peers.ts';

const IMPLICIT = { weight: 1, maxConns: 0, maxFails: 1, failTimeout: 10, down: 0, route: '' };

function peersOf(servers: readonly UpstreamServer[]): RoundRobinPeer[] {
  return servers.flatMap((server) => server.addresses.map((where) => new PrivatePeer(peerAddress(where), server)));
}

/**
 * The peers of a group: of its servers, or of the addresses that its host has now.
 *
 * @throws ConfError when there are none
 */
export function groupPeers(group: UpstreamGroup): RoundRobinPeers {
  const { host, servers, file, line } = group;
  if (servers !== undefined) {
    if (servers.every((server) => server.backup)) {
      throw new ConfError(`no servers in upstream "${host}" in ${file}:${line}`);
    }
    const peers = peersOf(servers.filter((server) => !server.backup));
    const backup = peersOf(servers.filter((server) => server.backup));
    return new RoundRobinPeers(host, peers, backup.length > 0 ? new RoundRobinPeers(host, backup) : undefined);
  }
  if (group.port === 0) throw new ConfError(`no port in upstream "${host}" in ${file}:${line}`);
  let addresses: readonly string[];
  try {
    addresses = resolveHostSync(host);
  } catch (e) {
    if (e instanceof UrlError) throw new ConfError(`${e.message} in upstream "${host}" in ${file}:${line}`);
    throw e;
  }
  return makePeers(
    host,
    addresses.map((address) => peerAddress(inetAddress(address, group.port))),
  );
}

/** Peers without a configuration: a proxy_pass to a host, or to an address found at run time. */
export function makePeers(name: string, addresses: readonly PeerAddress[]): RoundRobinPeers {
  return new RoundRobinPeers(
    name,
    addresses.map((address) => new PrivatePeer(address, { name, ...IMPLICIT })),
  );
}

/** The peers of an upstream as they are now. */
export function peersNow(upstream: UpstreamGroup): RoundRobinPeers {
  return upstream.shared === undefined ? (upstream.peers as RoundRobinPeers) : upstream.shared.view;
}

/** The choice among the peers for one request. Other methods keep one to fall back to. */
export class RoundRobinSelection implements PeerSelection {
  peers: RoundRobinPeers;
  current: RoundRobinPeer | undefined = undefined;
  /** Peers of `peers` that were tried: bits of the first 31 indexes, and the rest. */
  #tried = 0;
  #triedFurther: Set<number> | undefined = undefined;

  constructor(peers: RoundRobinPeers) {
    this.peers = peers;
  }

  get(pc: PeerChoice): number {
    const { shared } = this.peers;
    if (shared === undefined) return this.pick(pc);
    return this.access(() => {
      if (!shared.isCurrent) this.#moveTo(shared.viewLocked);
      return this.pick(pc);
    });
  }

  /** Runs something that looks at the peers' numbers: where they are shared, with their lock held. */
  protected access<T>(run: () => T): T {
    const { shared } = this.peers;
    if (shared === undefined) return run();
    shared.acquire();
    try {
      const result = run();
      shared.release();
      return result;
    } catch (error) {
      shared.abandon();
      throw error;
    }
  }

  /**
   * Chooses; where the peers are shared, with their lock held. Other methods do this their way.
   * @returns OK or BUSY
   */
  protected pick(pc: PeerChoice): number {
    const { peers } = this;
    const peer = peers.single ? this.#single(pc, peers.peers[0] as RoundRobinPeer) : this.choose(peers, pc);
    if (peer !== undefined) {
      this.take(pc, peer);
      return OK;
    }
    if (peers.backup !== undefined) {
      this.peers = peers.backup;
      this.#forgetTried();
      if (this.pick(pc) === OK) return OK;
    }
    pc.name = peers.name;
    return BUSY;
  }

  #single(pc: PeerChoice, peer: RoundRobinPeer): RoundRobinPeer | undefined {
    if (this.hinted(pc) >= 0) return peer;
    return peer.down !== 0 || peer.isFull() ? undefined : peer;
  }

  /** Uses a peer. */
  protected take(pc: PeerChoice, peer: RoundRobinPeer): void {
    this.current = peer;
    pc.address = peer.address;
    pc.name = peer.address.name;
    pc.peer = peer;
    peer.enter();
  }

  /** Chooses among several and marks the one as tried; undefined when none may be used. Other methods do this their way. */
  protected choose(group: RoundRobinPeers, pc: PeerChoice): RoundRobinPeer | undefined {
    const { peers } = group;
    const now = currentSecond();
    const bound = this.hinted(pc);
    if (bound >= 0) {
      // A client's requests in a row count once, so that others do not turn away from its server for long.
      const peer = peers[bound] as RoundRobinPeer;
      if (peer.currentWeight <= peer.weight - group.totalWeight) return this.note(peer, bound, now);
    }
    let best: RoundRobinPeer | undefined;
    let most = 0;
    let index = 0;
    let total = 0;
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[i] as RoundRobinPeer;
      if (this.wasTried(i) || !peer.isUsable(now)) continue;
      total += peer.gainWeight();
      const weight = peer.currentWeight;
      if (best === undefined || weight > most) {
        best = peer;
        most = weight;
        index = i;
      }
    }
    if (bound >= 0) {
      best = peers[bound] as RoundRobinPeer;
      index = bound;
    }
    if (best === undefined) return undefined;
    best.currentWeight -= total;
    return this.note(best, index, now);
  }

  /** Marks a peer as tried. */
  protected note(peer: RoundRobinPeer, index: number, now: number): RoundRobinPeer {
    this.markTried(index);
    peer.noteChoice(now);
    return peer;
  }

  /** Index of the peer that the request is bound to, if that may be used; else -1. */
  protected hinted(pc: PeerChoice): number {
    const { hint } = pc;
    if (hint === undefined) return -1;
    const { peers } = this.peers;
    const index = peers.findIndex((peer) => peer.sid === hint);
    if (index < 0 || this.wasTried(index)) return -1;
    return (peers[index] as RoundRobinPeer).isUsableSticky(currentSecond()) ? index : -1;
  }

  /** Takes the peer that the request is bound to, if that may be used. */
  protected takeHinted(pc: PeerChoice): boolean {
    const index = this.hinted(pc);
    if (index < 0) return false;
    this.take(pc, this.note(this.peers.peers[index] as RoundRobinPeer, index, currentSecond()));
    return true;
  }

  wasTried(index: number): boolean {
    return index < 31 ? (this.#tried & (1 << index)) !== 0 : this.#triedFurther?.has(index) === true;
  }

  markTried(index: number): void {
    if (index < 31) this.#tried |= 1 << index;
    else (this.#triedFurther ??= new Set()).add(index);
  }

  #forgetTried(): void {
    this.#tried = 0;
    this.#triedFurther = undefined;
  }

  /** Peers were added or removed since this began: goes on with those that are there now. With the lock held. */
  #moveTo(latest: RoundRobinPeers): void {
    const before = this.peers.peers;
    const tried = before.filter((_, i) => this.wasTried(i));
    this.peers = this.peers.standsIn && latest.backup !== undefined ? latest.backup : latest;
    this.#forgetTried();
    for (const peer of tried) {
      const index = SharedUpstream.indexIn(peer, this.peers.peers);
      if (index >= 0) this.markTried(index);
    }
  }

  free(pc: PeerChoice, state: number): void {
    const peer = this.current;
    if (peer === undefined) return;
    const { single, shared } = this.peers;
    const failed = !single && (state & PEER_FAILED) !== 0;
    let disabled = false;
    if (shared === undefined) disabled = this.settle(pc, peer, state);
    else {
      disabled = this.access(() => {
        const result = this.settle(pc, peer, state);
        shared.dropGone(peer);
        return result;
      });
    }
    if (failed && disabled) pc.r.log(LOG_WARN, 'upstream server temporarily disabled');
    if (single) pc.tries = 0;
    else if (pc.tries > 0) pc.tries--;
  }

  /** Notes how an attempt went; where the peers are shared, with their lock held. Returns whether the peer is disabled. */
  protected settle(_pc: PeerChoice, peer: RoundRobinPeer, state: number): boolean {
    peer.leave();
    if (this.peers.single) peer.fails = 0;
    else if ((state & PEER_FAILED) !== 0) return peer.noteFailure(currentSecond());
    // It works again.
    else if (peer.accessed < peer.checked) peer.fails = 0;
    return false;
  }
}
