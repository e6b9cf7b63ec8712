/**
 * The addresses of an upstream with what is known about each. The numbers of a peer are fields of its object, or, in
 * an upstream with `zone`, words of shared memory (shared-peers.ts); balancing methods see no difference. nginx:
 * ngx_http_upstream_rr_peer_t, ngx_http_upstream_rr_peers_t (src/http/ngx_http_upstream_round_robin.h).
 */
import { createHash } from 'node:crypto';
import type { UpstreamServer } from './group.ts';
import type { PeerAddress } from './peer.ts';
import type { SharedUpstream } from './shared-peers.ts';

/** Why a peer gets no new requests: bits of `RoundRobinPeer.down`. */
export const DOWN_FAILED = 1;
/** It gets only those that are bound to it (`sticky`). */
export const DOWN_DRAINING = 8;

/** What a peer takes from its `server`. */
export type PeerSettings = Pick<
  UpstreamServer,
  'name' | 'weight' | 'maxConns' | 'maxFails' | 'failTimeout' | 'down' | 'route'
>;

/** One address of a server, with what is known about it. */
export abstract class RoundRobinPeer {
  readonly address: PeerAddress;
  /** The server as written; with `service` the name that the service record has. */
  readonly server: string;
  readonly weight: number;
  readonly maxConns: number;
  readonly maxFails: number;
  /** Seconds. */
  readonly failTimeout: number;
  readonly #route: string;
  #sid = '';

  /** 0, or DOWN_* bits. */
  abstract down: number;
  /** Below `weight` after failures, and growing back. */
  abstract effectiveWeight: number;
  abstract currentWeight: number;
  abstract fails: number;
  /** Seconds since 1970 of the last failure, and of the last time it was tried again after one. */
  abstract accessed: number;
  abstract checked: number;
  // Averages for `least_time`, in milliseconds: until the header, of whole answers, of requests under way.
  abstract headerTime: number;
  abstract responseTime: number;
  abstract inflightTime: number;
  /** Sum of the times that the requests under way had taken at `inflightChanged`. */
  abstract inflightLast: number;
  /** By the clock of `sharedMsec`. */
  abstract inflightChanged: number;

  constructor(address: PeerAddress, settings: PeerSettings, server: string, weight: number) {
    this.address = address;
    this.server = server;
    this.weight = weight;
    this.maxConns = settings.maxConns;
    this.maxFails = settings.maxFails;
    this.failTimeout = settings.failTimeout;
    this.#route = settings.route;
  }

  /** Requests that it works on. */
  abstract get conns(): number;
  /** Those of them that `least_time ... inflight` counts. */
  abstract get inflight(): number;

  /** Counts a request that it gets. */
  abstract enter(): void;
  /** Counts a request that it has done. */
  abstract leave(): void;
  abstract addInflight(change: 1 | -1): void;

  /** What `sticky` knows it by: its `route`, or the MD5 hash of its address. */
  get sid(): string {
    if (this.#sid === '') {
      this.#sid =
        this.#route !== '' ? this.#route : createHash('md5').update(this.address.name, 'latin1').digest('hex');
    }
    return this.#sid;
  }

  /** It has failed too often lately. */
  isDisabled(now: number): boolean {
    return this.maxFails > 0 && this.fails >= this.maxFails && now - this.checked <= this.failTimeout;
  }

  /** It may get a request now. */
  isUsable(now: number): boolean {
    return this.down === 0 && !this.isDisabled(now) && !this.isFull();
  }

  /** It may get a request that is bound to it. */
  isUsableSticky(now: number): boolean {
    return (this.down & ~DOWN_DRAINING) === 0 && !this.isDisabled(now) && !this.isFull();
  }

  /** One round of the smooth choice: its weight grows, and what failures took from it grows back. */
  gainWeight(): number {
    const gained = this.effectiveWeight;
    this.currentWeight += gained;
    if (gained < this.weight) this.effectiveWeight = gained + 1;
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

  /** It failed. Returns whether it is disabled by that. */
  noteFailure(now: number): boolean {
    const fails = this.fails + 1;
    this.fails = fails;
    this.accessed = now;
    this.checked = now;
    if (this.maxFails === 0) return false;
    this.effectiveWeight = Math.max(this.effectiveWeight - Math.floor(this.weight / this.maxFails), 0);
    return fails >= this.maxFails;
  }
}

/** A peer that only this process knows. Lives as long as the configuration. */
export class PrivatePeer extends RoundRobinPeer {
  down: number;
  effectiveWeight: number;
  currentWeight = 0;
  fails = 0;
  accessed = 0;
  checked = 0;
  headerTime = 0;
  responseTime = 0;
  inflightTime = 0;
  inflightLast = 0;
  inflightChanged = 0;
  conns = 0;
  inflight = 0;

  constructor(address: PeerAddress, settings: PeerSettings) {
    super(address, settings, settings.name, settings.weight);
    this.down = settings.down;
    this.effectiveWeight = settings.weight;
  }

  override enter(): void {
    this.conns++;
  }

  override leave(): void {
    this.conns--;
  }

  override addInflight(change: 1 | -1): void {
    this.inflight += change;
  }
}

/** The peers of an upstream, and those that stand in when none of them can be used. Never changed; see `shared`. */
export class RoundRobinPeers {
  /** The upstream's name. */
  readonly name: string;
  readonly peers: readonly RoundRobinPeer[];
  readonly totalWeight: number;
  readonly weighted: boolean;
  /** How many are not down. */
  readonly tries: number;
  /** One alone, and none that stand in: failures are not counted. */
  single: boolean;
  readonly backup: RoundRobinPeers | undefined;
  /**
   * Where the peers' numbers are shared by all workers. The peers there may come and go; this is what they were at
   * some time, and `shared.view` has the latest.
   */
  readonly shared: SharedUpstream | undefined;
  /** These stand in for others. */
  standsIn = false;

  constructor(name: string, peers: readonly RoundRobinPeer[], backup?: RoundRobinPeers, shared?: SharedUpstream) {
    this.name = name;
    this.peers = peers;
    this.backup = backup;
    this.shared = shared;
    if (backup !== undefined) {
      backup.standsIn = true;
      backup.single = false;
    }
    this.single = peers.length === 1 && (backup === undefined || backup.peers.length === 0);
    let weight = 0;
    let tries = 0;
    for (const peer of peers) {
      weight += peer.weight;
      if (peer.down === 0) tries++;
    }
    this.totalWeight = weight;
    this.weighted = weight !== peers.length;
    this.tries = tries;
  }
}

/** Attempts that make sense with a group of peers. */
export function triesOf(peers: RoundRobinPeers): number {
  return peers.tries + (peers.backup?.tries ?? 0);
}
