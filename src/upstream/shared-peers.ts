/**
 * Peers in shared memory: what `zone` makes of an upstream. nginx: src/http/modules/ngx_http_upstream_zone_module.c.
 *
 * The zone holds, for each upstream that names it, a list of peers with their addresses and numbers. A worker reads
 * the list into an array of `SharedPeer`s, whose fields are words of the zone, and reads it again when the upstream's
 * generation has changed, because names were resolved anew. Choosing a peer, and noting how it went, happens with
 * the zone's lock held.
 *
 * Requests under way are counted twice: for the peer, and for the peer and the worker. A worker that begins takes
 * back what one with its number has left there, so that requests of a killed worker do not count for ever.
 *
 * A peer that is removed while it works on requests stays in the list, marked as gone, until the last of them ends.
 */
import { HEADER } from '../shm/layout.ts';
import type { Zone } from '../shm/zone.ts';
import type { UpstreamGroup, UpstreamServer } from './group.ts';
import { type PeerAddress, peerAddressOf } from './peer.ts';
import { RoundRobinPeer, RoundRobinPeers } from './peers.ts';

// The zone's root block: how many workers are counted apart, and the first upstream.
const ROOT_LEDGERS = 0;
const ROOT_FIRST = 1;
const ROOT_WORDS = 2;

// An upstream's block; behind it the bytes of its name. HOSTS: one word for each of its servers, when the addresses of
// its name have to be asked for again, in seconds since 1970.
const UPSTREAM_NEXT = 0;
const UPSTREAM_GENERATION = 1;
const UPSTREAM_PEERS = 2;
const UPSTREAM_NAME_LENGTH = 3;
const UPSTREAM_SERVERS = 4;
const UPSTREAM_VALID = 5;

// A peer's block; behind it the ledgers, then the bytes of address and server.
const NEXT = 0;
const SERIAL = 1;
/** 1: it was removed. */
const GONE = 2;
const BACKUP = 3;
/** Index of its `server` in the configuration. */
const SERVER = 4;
const WEIGHT = 5;
const DOWN = 6;
const EFFECTIVE = 7;
const CURRENT = 8;
const CONNS = 9;
const FAILS = 10;
const ACCESSED = 11;
const CHECKED = 12;
const HEADER_TIME = 13;
const RESPONSE_TIME = 14;
const INFLIGHT_TIME = 15;
const INFLIGHT_LAST = 16;
const INFLIGHT_CHANGED = 17;
const INFLIGHT = 18;
const NAME_LENGTH = 19;
const SERVER_LENGTH = 20;
/** Two words for each worker: its part of CONNS and of INFLIGHT. */
const LEDGERS = 21;

const clockOffset = Number(process.hrtime.bigint() / 1000000n) - Math.floor(performance.now());

/** Milliseconds by a clock that all processes share, in 31 bits. */
export function sharedMsec(): number {
  return (Math.floor(performance.now()) + clockOffset) & 0x7fffffff;
}

/** A peer whose numbers are words of a zone. Reading and writing them needs the zone's lock. */
class SharedPeer extends RoundRobinPeer {
  readonly at: number;
  readonly serial: number;
  readonly #words: Int32Array;
  /** Index of this worker's part of `conns`. */
  readonly #ledger: number;

  constructor(
    words: Int32Array,
    at: number,
    ledger: number,
    address: PeerAddress,
    server: UpstreamServer,
    name: string,
  ) {
    super(address, server, name, words[at + WEIGHT] as number);
    this.#words = words;
    this.at = at;
    this.serial = words[at + SERIAL] as number;
    this.#ledger = at + LEDGERS + ledger * 2;
  }

  get down(): number {
    return this.#words[this.at + DOWN] as number;
  }
  set down(value: number) {
    this.#words[this.at + DOWN] = value;
  }

  get effectiveWeight(): number {
    return this.#words[this.at + EFFECTIVE] as number;
  }
  set effectiveWeight(value: number) {
    this.#words[this.at + EFFECTIVE] = value;
  }

  get currentWeight(): number {
    return this.#words[this.at + CURRENT] as number;
  }
  set currentWeight(value: number) {
    this.#words[this.at + CURRENT] = value;
  }

  get fails(): number {
    return this.#words[this.at + FAILS] as number;
  }
  set fails(value: number) {
    this.#words[this.at + FAILS] = value;
  }

  get accessed(): number {
    return (this.#words[this.at + ACCESSED] as number) >>> 0;
  }
  set accessed(value: number) {
    this.#words[this.at + ACCESSED] = value;
  }

  get checked(): number {
    return (this.#words[this.at + CHECKED] as number) >>> 0;
  }
  set checked(value: number) {
    this.#words[this.at + CHECKED] = value;
  }

  get headerTime(): number {
    return this.#words[this.at + HEADER_TIME] as number;
  }
  set headerTime(value: number) {
    this.#words[this.at + HEADER_TIME] = value;
  }

  get responseTime(): number {
    return this.#words[this.at + RESPONSE_TIME] as number;
  }
  set responseTime(value: number) {
    this.#words[this.at + RESPONSE_TIME] = value;
  }

  get inflightTime(): number {
    return this.#words[this.at + INFLIGHT_TIME] as number;
  }
  set inflightTime(value: number) {
    this.#words[this.at + INFLIGHT_TIME] = value;
  }

  get inflightLast(): number {
    return this.#words[this.at + INFLIGHT_LAST] as number;
  }
  set inflightLast(value: number) {
    this.#words[this.at + INFLIGHT_LAST] = value;
  }

  get inflightChanged(): number {
    return this.#words[this.at + INFLIGHT_CHANGED] as number;
  }
  set inflightChanged(value: number) {
    this.#words[this.at + INFLIGHT_CHANGED] = value;
  }

  override get conns(): number {
    return this.#words[this.at + CONNS] as number;
  }

  override get inflight(): number {
    return this.#words[this.at + INFLIGHT] as number;
  }

  override enter(): void {
    this.#words[this.at + CONNS]!++;
    this.#words[this.#ledger]!++;
  }

  override leave(): void {
    this.#words[this.at + CONNS]!--;
    this.#words[this.#ledger]!--;
  }

  override addInflight(change: 1 | -1): void {
    this.#words[this.at + INFLIGHT]! += change;
    this.#words[this.#ledger + 1]! += change;
  }
}

/** An address that a name was resolved to, for `SharedUpstream.update`. */
export interface ResolvedPeer {
  /** `127.0.0.1:80`. */
  readonly name: string;
  /** What takes the place of the server as written: of `service`, the name in its record. */
  readonly server: string;
  readonly weight: number;
  readonly backup: boolean;
}

/** What there is in the zone about a peer, for taking it over into a new zone. */
interface OldPeer extends ResolvedPeer {
  readonly serverIndex: number;
}

/** The zone of one or several upstreams in this process. */
class PeersZone {
  readonly zone: Zone;
  readonly words: Int32Array;
  /** Index of this worker's ledger. The master, which sends no requests, has the first. */
  ledger = 0;

  constructor(zone: Zone) {
    this.zone = zone;
    this.words = zone.words;
    zone.lock.repair = () => this.#repair();
  }

  get ledgers(): number {
    return this.words[this.zone.root + ROOT_LEDGERS] as number;
  }

  upstreams(): number[] {
    const found: number[] = [];
    for (let at = this.words[this.zone.root + ROOT_FIRST] as number; at !== 0; ) {
      found.push(at);
      at = this.words[at + UPSTREAM_NEXT] as number;
    }
    return found;
  }

  upstreamBytes(at: number): number {
    const { words } = this;
    return (
      (UPSTREAM_VALID + (words[at + UPSTREAM_SERVERS] as number)) * 4 + (words[at + UPSTREAM_NAME_LENGTH] as number)
    );
  }

  peerBytes(at: number): number {
    const { words } = this;
    return this.#peerHead * 4 + (words[at + NAME_LENGTH] as number) + (words[at + SERVER_LENGTH] as number);
  }

  get #peerHead(): number {
    return LEDGERS + this.ledgers * 2;
  }

  alloc(bytes: number): number {
    const at = this.zone.slab.alloc(bytes);
    if (at !== 0) this.words.fill(0, at, at + Math.ceil(bytes / 4));
    return at;
  }

  /** A block with a peer's address and names; 0 without memory. It is in no list yet. */
  newPeer(serverIndex: number, server: UpstreamServer, peer: ResolvedPeer): number {
    const { words, zone } = this;
    const head = this.#peerHead;
    const at = this.alloc(head * 4 + peer.name.length + peer.server.length);
    if (at === 0) return 0;
    words[at + SERIAL] = (Math.random() * 2 ** 32) | 0;
    words[at + BACKUP] = peer.backup ? 1 : 0;
    words[at + SERVER] = serverIndex;
    words[at + WEIGHT] = peer.weight;
    words[at + EFFECTIVE] = peer.weight;
    words[at + DOWN] = server.down;
    words[at + NAME_LENGTH] = peer.name.length;
    words[at + SERVER_LENGTH] = peer.server.length;
    zone.bytes.latin1Write(peer.name, (at + head) * 4, peer.name.length);
    zone.bytes.latin1Write(peer.server, (at + head) * 4 + peer.name.length, peer.server.length);
    return at;
  }

  nameOf(at: number): string {
    const start = (at + this.#peerHead) * 4;
    return this.zone.bytes.latin1Slice(start, start + (this.words[at + NAME_LENGTH] as number));
  }

  serverOf(at: number): string {
    const start = (at + this.#peerHead) * 4 + (this.words[at + NAME_LENGTH] as number);
    return this.zone.bytes.latin1Slice(start, start + (this.words[at + SERVER_LENGTH] as number));
  }

  /** Everything hangs on next pointers, each of which is stored last; the counts come from the workers' ledgers. */
  #repair(): void {
    const { words, zone } = this;
    const { slab } = zone;
    slab.reset();
    if (zone.root !== 0) {
      slab.claim(zone.root, ROOT_WORDS * 4);
      for (const upstream of this.upstreams()) {
        slab.claim(upstream, this.upstreamBytes(upstream));
        for (let at = words[upstream + UPSTREAM_PEERS] as number; at !== 0; at = words[at + NEXT] as number) {
          slab.claim(at, this.peerBytes(at));
          this.recount(at);
        }
      }
    }
    slab.rebuild();
  }

  recount(at: number): void {
    const { words } = this;
    let conns = 0;
    let inflight = 0;
    for (let i = 0; i < this.ledgers; i++) {
      conns += words[at + LEDGERS + i * 2] as number;
      inflight += words[at + LEDGERS + i * 2 + 1] as number;
    }
    words[at + CONNS] = conns;
    words[at + INFLIGHT] = inflight;
    if (inflight === 0) words[at + INFLIGHT_LAST] = 0;
  }

  /** Runs something with the lock held. */
  locked<T>(run: () => T): T {
    this.zone.lock.acquire();
    try {
      const result = run();
      this.zone.lock.release();
      return result;
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  abandon(): void {
    this.words[HEADER.repair] = 1;
    Atomics.store(this.words, HEADER.lock, 0);
  }
}

/** An upstream whose peers are in a zone. */
export class SharedUpstream {
  readonly #memory: PeersZone;
  readonly #upstream: UpstreamGroup;
  /** The upstream's block. */
  readonly #at: number;
  #view: RoundRobinPeers | undefined = undefined;
  #generation = 0;

  constructor(memory: PeersZone, upstream: UpstreamGroup, at: number) {
    this.#memory = memory;
    this.#upstream = upstream;
    this.#at = at;
  }

  /** Takes the zone's lock, which every access to peers' numbers needs. */
  acquire(): void {
    this.#memory.zone.lock.acquire();
  }

  release(): void {
    this.#memory.zone.lock.release();
  }

  /** Gives the lock back after an exception: the zone is repaired by the next one. */
  abandon(): void {
    this.#memory.abandon();
  }

  /** Runs something on the peers as they are now, with the lock held. */
  locked<T>(run: (peers: RoundRobinPeers) => T): T {
    return this.#memory.locked(() => run(this.viewLocked));
  }

  /** The peers as they are now. Without the lock. */
  get view(): RoundRobinPeers {
    if (this.#view !== undefined && this.isCurrent) return this.#view;
    return this.#memory.locked(() => this.viewLocked);
  }

  /** The same, with the lock held. */
  get viewLocked(): RoundRobinPeers {
    if (this.#view !== undefined && this.isCurrent) return this.#view;
    const { words } = this.#memory;
    this.#generation = words[this.#at + UPSTREAM_GENERATION] as number;
    const { host, servers } = this.#upstream;
    const primary: RoundRobinPeer[] = [];
    const backup: RoundRobinPeer[] = [];
    for (let at = words[this.#at + UPSTREAM_PEERS] as number; at !== 0; at = words[at + NEXT] as number) {
      if (words[at + GONE] !== 0) continue;
      (words[at + BACKUP] !== 0 ? backup : primary).push(this.#peer(at));
    }
    const withBackup = backup.length > 0 || (servers ?? []).some((server) => server.host !== undefined);
    const standIns = withBackup ? new RoundRobinPeers(host, backup, undefined, this) : undefined;
    this.#view = new RoundRobinPeers(host, primary, standIns, this);
    return this.#view;
  }

  /** Nothing has been added or removed since the last view. */
  get isCurrent(): boolean {
    return Atomics.load(this.#memory.words, this.#at + UPSTREAM_GENERATION) === this.#generation;
  }

  /** With the lock held: which peers of one view are in another, by position; -1 for those that are not. */
  static indexIn(peer: RoundRobinPeer, peers: readonly RoundRobinPeer[]): number {
    const { at, serial } = peer as SharedPeer;
    return peers.findIndex((other) => (other as SharedPeer).at === at && (other as SharedPeer).serial === serial);
  }

  /** Frees a removed peer when its last request has ended. With the lock held, after `leave`. */
  dropGone(peer: RoundRobinPeer): void {
    const { words, zone } = this.#memory;
    const { at } = peer as SharedPeer;
    if (words[at + GONE] === 0 || words[at + CONNS] !== 0) return;
    let link = this.#at + UPSTREAM_PEERS;
    while (words[link] !== 0 && words[link] !== at) link = (words[link] as number) + NEXT;
    if (words[link] !== at) return;
    words[link] = words[at + NEXT] as number;
    zone.slab.free(at);
  }

  #peer(at: number): SharedPeer {
    const memory = this.#memory;
    const server = (this.#upstream.servers as readonly UpstreamServer[])[memory.words[at + SERVER] as number];
    const address = peerAddressOf(memory.nameOf(at));
    return new SharedPeer(memory.words, at, memory.ledger, address, server as UpstreamServer, memory.serverOf(at));
  }

  /** Until when the addresses of a server's name hold: seconds since 1970, 0 when it was never resolved. */
  validUntil(serverIndex: number): number {
    return (this.#memory.words[this.#at + UPSTREAM_VALID + serverIndex] as number) >>> 0;
  }

  /**
   * Makes the peers of a server those that its name has been resolved to. What stays keeps its numbers.
   *
   * @param wanted may be empty: the name does not exist any more
   * @param validUntil seconds since 1970
   * @returns false when there was no memory for all of them
   */
  update(serverIndex: number, wanted: readonly ResolvedPeer[], validUntil: number): boolean {
    return this.#memory.locked(() => {
      const { words, zone } = this.#memory;
      const left = [...wanted];
      let changed = false;
      let link = this.#at + UPSTREAM_PEERS;
      for (let at = words[link] as number; at !== 0; at = words[link] as number) {
        if (words[at + GONE] === 0 && words[at + SERVER] === serverIndex) {
          const i = left.findIndex((peer) => this.#is(at, peer));
          if (i >= 0) left.splice(i, 1);
          else {
            changed = true;
            if (words[at + CONNS] === 0) {
              words[link] = words[at + NEXT] as number;
              zone.slab.free(at);
              continue;
            }
            words[at + GONE] = 1;
          }
        }
        link = at + NEXT;
      }
      const room = this.#append(serverIndex, left);
      if (left.length > 0) changed = true;
      words[this.#at + UPSTREAM_VALID + serverIndex] = validUntil;
      if (changed) Atomics.add(words, this.#at + UPSTREAM_GENERATION, 1);
      return room;
    });
  }

  #append(serverIndex: number, peers: readonly ResolvedPeer[]): boolean {
    const { words } = this.#memory;
    const server = this.#upstream.servers?.[serverIndex] as UpstreamServer;
    let link = this.#at + UPSTREAM_PEERS;
    while (words[link] !== 0) link = (words[link] as number) + NEXT;
    for (const peer of peers) {
      const at = this.#memory.newPeer(serverIndex, server, peer);
      if (at === 0) return false;
      words[link] = at;
      link = at + NEXT;
    }
    return true;
  }

  #is(at: number, peer: ResolvedPeer): boolean {
    const memory = this.#memory;
    return (
      memory.words[at + WEIGHT] === peer.weight &&
      (memory.words[at + BACKUP] !== 0) === peer.backup &&
      memory.nameOf(at) === peer.name &&
      memory.serverOf(at) === peer.server
    );
  }

  /** In a worker that begins: takes back what one with its number, which was killed, has left. */
  takeLedger(ledger: number): void {
    const memory = this.#memory;
    memory.ledger = ledger;
    this.#view = undefined;
    memory.locked(() => {
      const { words } = memory;
      for (let at = words[this.#at + UPSTREAM_PEERS] as number; at !== 0; ) {
        const next = words[at + NEXT] as number;
        words[at + LEDGERS + ledger * 2] = 0;
        words[at + LEDGERS + ledger * 2 + 1] = 0;
        memory.recount(at);
        this.dropGone(this.#peer(at));
        at = next;
      }
    });
  }

  /** The peers of servers whose names were resolved in an earlier configuration's zone, by what `server` says. */
  adopt(old: OldUpstream): void {
    const servers = this.#upstream.servers ?? [];
    servers.forEach((server, index) => {
      if (server.host === undefined) return;
      const before = old.servers.findIndex(
        (other) => other.host === server.host && other.service === server.service && other.backup === server.backup,
      );
      if (before < 0) return;
      const peers = old.peers.filter((peer) => peer.serverIndex === before);
      const adopted = peers.map((peer): ResolvedPeer => {
        if (server.service !== '') return server.weight === 1 ? peer : { ...peer, weight: server.weight };
        const name = `${peer.name.slice(0, peer.name.lastIndexOf(':'))}:${server.port}`;
        return { name, server: server.name, weight: server.weight, backup: peer.backup };
      });
      this.update(index, adopted, old.valid[before] as number);
    });
  }
}

/** Names of an upstream that an earlier configuration had resolved. */
export interface OldUpstream {
  readonly servers: readonly UpstreamServer[];
  readonly peers: readonly OldPeer[];
  readonly valid: readonly number[];
}

/** Upstreams by zone name, as they were left in the zone of an earlier configuration, with that configuration. */
const known = new WeakMap<Zone, { memory: PeersZone; upstreams: readonly UpstreamGroup[] }>();

function oldUpstream(zone: Zone, host: string): OldUpstream | undefined {
  const entry = known.get(zone);
  if (entry === undefined) return undefined;
  const { memory, upstreams } = entry;
  const index = upstreams.findIndex((upstream) => upstream.host === host);
  if (index < 0) return undefined;
  return memory.locked(() => {
    const { words } = memory;
    const block = memory.upstreams()[index] as number;
    const peers: OldPeer[] = [];
    for (let at = words[block + UPSTREAM_PEERS] as number; at !== 0; at = words[at + NEXT] as number) {
      if (words[at + GONE] !== 0) continue;
      peers.push({
        name: memory.nameOf(at),
        server: memory.serverOf(at),
        weight: words[at + WEIGHT] as number,
        backup: words[at + BACKUP] !== 0,
        serverIndex: words[at + SERVER] as number,
      });
    }
    const servers = (upstreams[index] as UpstreamGroup).servers ?? [];
    return { servers, peers, valid: servers.map((_, i) => (words[block + UPSTREAM_VALID + i] as number) >>> 0) };
  });
}

/**
 * Fills the zone of some upstreams: once, in the process that opens the zones.
 *
 * @param workers how many will be
 * @param previous the zone of that name in the configuration before: addresses of names are taken over from it
 * @throws Error when the zone is too small
 */
export function createSharedUpstreams(
  zone: Zone,
  upstreams: readonly UpstreamGroup[],
  workers: number,
  previous: Zone | undefined,
): void {
  const memory = new PeersZone(zone);
  const { words } = memory;
  const noMemory = (): Error => new Error(`no memory in upstream zone "${zone.name}"`);
  memory.locked(() => {
    const root = memory.alloc(ROOT_WORDS * 4);
    if (root === 0) throw noMemory();
    words[root + ROOT_LEDGERS] = workers + 1;
    zone.root = root;
    let link = root + ROOT_FIRST;
    for (const upstream of upstreams) {
      const servers = upstream.servers ?? [];
      const bytes = (UPSTREAM_VALID + servers.length) * 4 + upstream.host.length;
      const at = memory.alloc(bytes);
      if (at === 0) throw noMemory();
      words[at + UPSTREAM_NAME_LENGTH] = upstream.host.length;
      words[at + UPSTREAM_SERVERS] = servers.length;
      zone.bytes.latin1Write(upstream.host, at * 4 + bytes - upstream.host.length, upstream.host.length);
      words[link] = at;
      link = at + UPSTREAM_NEXT;
      let peerLink = at + UPSTREAM_PEERS;
      servers.forEach((server, index) => {
        for (const { text } of server.addresses) {
          const { name, weight, backup } = server;
          const peer = memory.newPeer(index, server, { name: text, server: name, weight, backup });
          if (peer === 0) throw noMemory();
          words[peerLink] = peer;
          peerLink = peer + NEXT;
        }
      });
    }
  });
  attach(memory, upstreams);
  if (previous === undefined) return;
  for (const upstream of upstreams) {
    const old = oldUpstream(previous, upstream.host);
    if (old !== undefined) upstream.shared?.adopt(old);
  }
}

/** In a worker: uses what the master has filled. The upstreams are those of the same configuration. */
export function attachSharedUpstreams(zone: Zone, upstreams: readonly UpstreamGroup[]): void {
  attach(new PeersZone(zone), upstreams);
}

function attach(memory: PeersZone, upstreams: readonly UpstreamGroup[]): void {
  const blocks = memory.locked(() => memory.upstreams());
  known.set(memory.zone, { memory, upstreams });
  upstreams.forEach((upstream, i) => {
    upstream.shared = new SharedUpstream(memory, upstream, blocks[i] as number);
  });
}
