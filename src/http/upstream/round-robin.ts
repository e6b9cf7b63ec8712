/**
 * Weighted round robin, the default balancing method and the base of the others. nginx:
 * src/http/ngx_http_upstream_round_robin.c.
 *
 * The weights are spread smoothly: each choice adds to every peer its weight, takes the one with the most, and
 * subtracts the sum of all from it, so that {5, 1, 1} gives a a b a c a a.
 */
import type { ConfContext } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { LOG_WARN } from '../../log/log.ts';
import { currentSecond } from '../../log/time.ts';
import { inetAddress, resolveHostSync, UrlError } from '../../net/url.ts';
import { BUSY, OK } from '../codes.ts';
import type { HttpRequest } from '../request.ts';
import type { InitPeer, Upstream, UpstreamServer } from './conf.ts';
import { PEER_FAILED, type PeerAddress, type PeerConnection, type PeerSelection, peerAddress } from './peer.ts';

/** One address of a server, with what is known about it. Lives as long as the configuration, in each worker. */
export class RoundRobinPeer {
  readonly address: PeerAddress;
  /** The server as written. */
  readonly server: string;
  readonly weight: number;
  readonly maxConns: number;
  readonly maxFails: number;
  /** Seconds. */
  readonly failTimeout: number;
  down: boolean;
  /** Below `weight` after failures, and growing back. */
  effectiveWeight: number;
  currentWeight = 0;
  /** Requests that it works on. */
  conns = 0;
  fails = 0;
  /** Seconds since 1970 of the last failure, and of the last time it was tried again after one. */
  accessed = 0;
  checked = 0;

  constructor(
    address: PeerAddress,
    server: Pick<UpstreamServer, 'name' | 'weight' | 'maxConns' | 'maxFails' | 'failTimeout' | 'down'>,
  ) {
    this.address = address;
    this.server = server.name;
    this.weight = server.weight;
    this.effectiveWeight = server.weight;
    this.maxConns = server.maxConns;
    this.maxFails = server.maxFails;
    this.failTimeout = server.failTimeout;
    this.down = server.down;
  }

  /** It has failed too often lately. */
  isDisabled(now: number): boolean {
    return this.maxFails > 0 && this.fails >= this.maxFails && now - this.checked <= this.failTimeout;
  }

  /** It may get a request now. */
  isUsable(now: number): boolean {
    return !this.down && !this.isDisabled(now) && !this.isFull();
  }

  /** One round of the smooth choice: its weight grows, and what failures took from it grows back. */
  gainWeight(): number {
    const gained = this.effectiveWeight;
    this.currentWeight += gained;
    if (gained < this.weight) this.effectiveWeight++;
    return gained;
  }

  /** Its failures are forgotten one by one: it is tried again now. */
  noteChoice(now: number): void {
    if (now - this.checked > this.failTimeout) this.checked = now;
  }

  /** It has as many requests as it may have. */
  isFull(): boolean {
    return this.maxConns > 0 && this.conns >= this.maxConns;
  }
}

/** The peers of an upstream, and those that stand in when none of them can be used. */
export class RoundRobinPeers {
  /** The upstream's name. */
  readonly name: string;
  readonly peers: readonly RoundRobinPeer[];
  readonly totalWeight: number;
  readonly weighted: boolean;
  /** How many are not down. */
  readonly tries: number;
  /** One alone, for which failures are not counted. */
  single: boolean;
  backup: RoundRobinPeers | undefined = undefined;

  constructor(name: string, peers: readonly RoundRobinPeer[], single: boolean) {
    this.name = name;
    this.peers = peers;
    this.single = single;
    let weight = 0;
    let tries = 0;
    for (const peer of peers) {
      weight += peer.weight;
      if (!peer.down) tries++;
    }
    this.totalWeight = weight;
    this.weighted = weight !== peers.length;
    this.tries = tries;
  }
}

const IMPLICIT = { weight: 1, maxConns: 0, maxFails: 1, failTimeout: 10, down: false };

function peersOf(servers: readonly UpstreamServer[]): RoundRobinPeer[] {
  return servers.flatMap((server) => server.addresses.map((where) => new RoundRobinPeer(peerAddress(where), server)));
}

/** Makes the peers of an upstream from its servers, or from the addresses of its host. Throws ConfError. */
export function initRoundRobin(_cf: ConfContext, upstream: Upstream): void {
  const { host, servers, file, line } = upstream;
  upstream.initPeer = initRoundRobinPeer;
  if (servers !== undefined) {
    const peers = peersOf(servers.filter((server) => !server.backup));
    if (peers.length === 0) throw new ConfError(`no servers in upstream "${host}" in ${file}:${line}`);
    const backup = peersOf(servers.filter((server) => server.backup));
    upstream.peers = new RoundRobinPeers(host, peers, peers.length === 1 && backup.length === 0);
    if (backup.length > 0) upstream.peers.backup = new RoundRobinPeers(host, backup, false);
    return;
  }
  if (upstream.port === 0) throw new ConfError(`no port in upstream "${host}" in ${file}:${line}`);
  let addresses: readonly string[];
  try {
    addresses = resolveHostSync(host);
  } catch (e) {
    if (e instanceof UrlError) throw new ConfError(`${e.message} in upstream "${host}" in ${file}:${line}`);
    throw e;
  }
  upstream.peers = makePeers(
    host,
    addresses.map((address) => peerAddress(inetAddress(address, upstream.port))),
  );
}

/** Peers without a configuration: a proxy_pass to a host, or to an address found at run time. */
export function makePeers(name: string, addresses: readonly PeerAddress[]): RoundRobinPeers {
  const peers = addresses.map((address) => new RoundRobinPeer(address, { name, ...IMPLICIT }));
  return new RoundRobinPeers(name, peers, peers.length === 1);
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

  get(pc: PeerConnection): number {
    const { peers } = this;
    const peer = peers.single ? available(peers.peers[0] as RoundRobinPeer) : this.choose(peers);
    if (peer !== undefined) {
      this.take(pc, peer);
      return OK;
    }
    if (peers.backup !== undefined) {
      this.peers = peers.backup;
      this.#tried = 0;
      this.#triedFurther = undefined;
      if (this.get(pc) === OK) return OK;
    }
    pc.name = peers.name;
    return BUSY;
  }

  /** Uses a peer. */
  take(pc: PeerConnection, peer: RoundRobinPeer): void {
    this.current = peer;
    pc.address = peer.address;
    pc.name = peer.address.name;
    peer.conns++;
  }

  /** Chooses among several and marks the one as tried; undefined when none may be used. Other methods do this their way. */
  protected choose(group: RoundRobinPeers): RoundRobinPeer | undefined {
    const { peers } = group;
    const now = currentSecond();
    let best: RoundRobinPeer | undefined;
    let index = 0;
    let total = 0;
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[i] as RoundRobinPeer;
      if (this.wasTried(i) || !peer.isUsable(now)) continue;
      total += peer.gainWeight();
      if (best === undefined || peer.currentWeight > best.currentWeight) {
        best = peer;
        index = i;
      }
    }
    if (best === undefined) return undefined;
    best.currentWeight -= total;
    this.markTried(index);
    best.noteChoice(now);
    return best;
  }

  wasTried(index: number): boolean {
    return index < 31 ? (this.#tried & (1 << index)) !== 0 : this.#triedFurther?.has(index) === true;
  }

  markTried(index: number): void {
    if (index < 31) this.#tried |= 1 << index;
    else (this.#triedFurther ??= new Set()).add(index);
  }

  free(pc: PeerConnection, state: number): void {
    const peer = this.current;
    if (peer === undefined) return;
    peer.conns--;
    if (this.peers.single) {
      peer.fails = 0;
      pc.tries = 0;
      return;
    }
    if ((state & PEER_FAILED) !== 0) {
      const now = currentSecond();
      peer.fails++;
      peer.accessed = now;
      peer.checked = now;
      if (peer.maxFails > 0) {
        peer.effectiveWeight = Math.max(peer.effectiveWeight - Math.floor(peer.weight / peer.maxFails), 0);
        if (peer.fails >= peer.maxFails) pc.r.log(LOG_WARN, 'upstream server temporarily disabled');
      }
    } else if (peer.accessed < peer.checked) {
      // It works again.
      peer.fails = 0;
    }
    if (pc.tries > 0) pc.tries--;
  }
}

function available(peer: RoundRobinPeer): RoundRobinPeer | undefined {
  return peer.down || peer.isFull() ? undefined : peer;
}

/** Attempts that make sense with a group of peers. */
export function triesOf(peers: RoundRobinPeers): number {
  return peers.tries + (peers.backup?.tries ?? 0);
}

/** A selection among the peers that `initRoundRobin` made. */
export const initRoundRobinPeer: InitPeer = (_r: HttpRequest, pc: PeerConnection, upstream: Upstream) => {
  const peers = upstream.peers as RoundRobinPeers;
  pc.tries = triesOf(peers);
  return new RoundRobinSelection(peers);
};
