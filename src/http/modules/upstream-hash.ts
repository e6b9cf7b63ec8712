/**
 * `hash`: the server by a key, compatible with Cache::Memcached, or with ketama points (`consistent`) as
 * Cache::Memcached::Fast has them. nginx: src/http/modules/ngx_http_upstream_hash_module.c.
 */
import { crc32 } from 'node:zlib';
import type { ConfStack } from '../../conf/directive.ts';
import { currentSecond } from '../../log/time.ts';
import { SUPPORTS_ALL_BUT_BACKUP } from '../../upstream/group.ts';
import type { RoundRobinPeer, RoundRobinPeers } from '../../upstream/peers.ts';
import { OK } from '../codes.ts';
import { httpModule } from '../module.ts';
import { type ComplexValue, compileComplexValue } from '../script.ts';
import type { Upstream } from '../upstream/conf.ts';
import { DrawSelection, indexByWeight, useMethod } from '../upstream/method.ts';
import type { PeerConnection } from '../upstream/peer.ts';
import { RoundRobinSelection } from '../upstream/round-robin.ts';

interface HashServer {
  key: ComplexValue | undefined;
  ring: Ring | undefined;
}

/** Points of a server of weight 1. */
const POINTS = 160;

function crc(text: string): number {
  return crc32(Buffer.from(text, 'latin1'));
}

class HashSelection extends DrawSelection {
  readonly #key: string;
  #hash = 0;
  #rehash = 0;

  constructor(peers: RoundRobinPeers, key: string) {
    super(peers);
    this.#key = key;
    // Without a key it is round robin.
    if (key === '') this.draws = Number.POSITIVE_INFINITY;
  }

  protected override draw(peers: RoundRobinPeers): number {
    const hash = crc((this.#rehash > 0 ? String(this.#rehash) : '') + this.#key);
    this.#rehash++;
    this.#hash = (this.#hash + ((hash >>> 16) & 0x7fff)) >>> 0;
    return indexByWeight(peers, this.#hash % peers.totalWeight);
  }
}

/** The points of all servers, in the order of their hashes. */
class Ring {
  readonly peers: RoundRobinPeers;
  readonly #hashes: Uint32Array;
  /** The server (as written in the configuration) that each belongs to. */
  readonly #servers: readonly string[];

  constructor(peers: RoundRobinPeers) {
    this.peers = peers;
    const points: { hash: number; server: string }[] = [];
    const previous = Buffer.alloc(4);
    for (const { server, weight } of peers.peers) {
      const base = crc(hostAndPort(server));
      previous.writeUInt32LE(0);
      for (let i = 0; i < weight * POINTS; i++) {
        const hash = crc32(previous, base);
        points.push({ hash, server });
        previous.writeUInt32LE(hash);
      }
    }
    points.sort((a, b) => a.hash - b.hash);
    const unique = points.filter((point, i) => i === 0 || point.hash !== points[i - 1]?.hash);
    this.#hashes = Uint32Array.from(unique, (point) => point.hash);
    this.#servers = unique.map((point) => point.server);
  }

  /** Index of the first point from a hash on; one past the last when there is none. */
  find(hash: number): number {
    let low = 0;
    let high = this.#hashes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#hashes[middle] as number) < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  serverAt(index: number): string {
    return this.#servers[index % this.#servers.length] as string;
  }
}

/** What a server's points are made of: `HOST \0 PORT`. */
function hostAndPort(server: string): string {
  if (/^unix:/i.test(server)) return `${server.slice(5)}\0`;
  const m = /:(\d*)$/.exec(server);
  return m === null ? `${server}\0` : `${server.slice(0, m.index)}\0${m[1]}`;
}

class ConsistentSelection extends RoundRobinSelection {
  readonly #ring: Ring;
  readonly #key: string;
  #point: number;
  #draws = 0;

  constructor(peers: RoundRobinPeers, ring: Ring, key: string) {
    super(peers);
    this.#ring = ring;
    this.#key = key;
    this.#point = ring.find(crc(key));
  }

  protected override pick(pc: PeerConnection): number {
    const { peers } = this;
    if (this.#draws > 20 || peers.single || peers.peers.length === 0 || this.#key === '') return super.pick(pc);
    if (this.takeHinted(pc)) return OK;
    const now = currentSecond();
    for (;;) {
      const peer = this.#chooseOf(this.#ring.serverAt(this.#point), now);
      if (peer !== undefined) {
        this.take(pc, peer);
        return OK;
      }
      this.#point++;
      if (++this.#draws > 20) return super.pick(pc);
    }
  }

  /** Round robin among the addresses of one server. */
  #chooseOf(server: string, now: number): RoundRobinPeer | undefined {
    const { peers } = this.peers;
    let best: RoundRobinPeer | undefined;
    let index = 0;
    let total = 0;
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[i] as RoundRobinPeer;
      if (peer.server !== server || this.wasTried(i) || !peer.isUsable(now)) continue;
      total += peer.gainWeight();
      if (best === undefined || peer.currentWeight > best.currentWeight) {
        best = peer;
        index = i;
      }
    }
    if (best === undefined) return undefined;
    best.currentWeight -= total;
    return this.note(best, index, now);
  }
}

/** The ring of some peers; made anew when others have taken their place. */
function ringOf(conf: HashServer, peers: RoundRobinPeers): Ring {
  if (conf.ring?.peers !== peers) conf.ring = new Ring(peers);
  return conf.ring;
}

function confOf(upstream: Upstream): HashServer {
  return upstreamHashModule.serverOf(upstream.confs as ConfStack);
}

export const upstreamHashModule = httpModule<object, HashServer>({
  name: 'ngx_http_upstream_hash_module',
  directives: [
    {
      name: 'hash',
      contexts: ['upstream'],
      args: [1, 2],
      level: 'server',
      doc: 'Chooses the server by a key; `consistent`: few keys move when servers come or go.',
      set(cf, conf: HashServer, args) {
        const [key, option] = args as [string, string | undefined];
        conf.key = compileComplexValue(cf, key);
        if (option !== undefined && option !== 'consistent') throw cf.error(`invalid parameter "${option}"`);
        useMethod(
          cf,
          SUPPORTS_ALL_BUT_BACKUP,
          (r, peers, upstream) => {
            const conf = confOf(upstream);
            const text = (conf.key as ComplexValue).evaluate(r);
            if (option === undefined) return new HashSelection(peers, text);
            return new ConsistentSelection(peers, ringOf(conf, peers), text);
          },
          (upstream) => {
            // With a zone the peers are not known yet.
            if (option !== undefined && upstream.zone === undefined) {
              ringOf(confOf(upstream), upstream.peers as RoundRobinPeers);
            }
          },
        );
        return undefined;
      },
    },
  ],
  createServer: () => ({ key: undefined, ring: undefined }),
});
