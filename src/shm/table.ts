// The building block of every zone that maps byte-string keys to records: a hash table whose nodes also form a list by
// last use. Dictionaries are made of it; limit_req, limit_conn and cache zones have the same shape.
//
// A node is a block of the zone's allocator. It begins with the words below, then come the words of the table's user,
// then the key's bytes, then whatever the user puts behind.
//
// The list is what survives a crash. Followed from the most recent node to the oldest, it is whole between any two
// stores: a node is written before it is linked, and the pointer towards it, or past it, is stored in one store, before
// the pointer back. A node that is being moved to the front is out of the list for an instant, so it is noted in the
// root first. A node whose content is being overwritten has kind 0 meanwhile and is dropped. So after a crash:
// recover() follows the list, checks every node, and builds hash chains, back pointers and the allocator's state from
// what it finds. An entry whose change was cut short may be lost; it is never half of one value and half of another.
import { HEADER } from './layout.ts';
import { type ByteBuffer, writeText, type Zone } from './zone.ts';

/** Words at the start of each node. */
export const NODE = {
  hash: 0,
  /** Next node of the same bucket. */
  chain: 1,
  /** Next node in the order of use, towards the least recently used. */
  older: 2,
  newer: 3,
  /** Kind (not 0, the user's) in the upper 16 bits, length of the key in the lower. */
  meta: 4,
  /** First word of the table's user. */
  payload: 5,
} as const;

/** Words of the table in its root block. */
export const TABLE_ROOT = {
  newest: 0,
  oldest: 1,
  count: 2,
  /** A node on its way to the front of the list. */
  moving: 3,
  /** Number of words; the root block's further content is the user's. */
  words: 4,
} as const;

/** Longest key in bytes: its length has 16 bits. */
export const MAX_KEY_LENGTH = 65535;

// No node is smaller than 32 bytes.
const NODES_PER_PAGE = 128;

const KEY_LENGTH_MASK = 0xffff;

// A hash table for keys that strangers choose needs a hash they cannot steer: the seed differs from zone to zone, and
// the shift makes the effect of a byte depend on all before it. (Multiplier of MurmurHash2.)
const MULTIPLIER = 0x5bd1e995;

/** Nodes by key and by last use, in a zone. All calls need the zone's lock. */
export class KeyTable {
  /** Pointer to the root block: at least `TABLE_ROOT.words` words, zeroed when the table is made. */
  root = 0;

  private readonly zone: Zone;
  private readonly words: Int32Array;
  private readonly bytes: ByteBuffer;
  private readonly buckets: number;
  private readonly mask: number;
  private readonly seed: number;
  private readonly keyOffset: number;

  /** @param payloadWords the words of the table's user between the node's head and the key */
  constructor(zone: Zone, payloadWords: number) {
    this.zone = zone;
    this.words = zone.words;
    this.bytes = zone.bytes;
    this.buckets = zone.layout.buckets;
    this.mask = zone.layout.bucketMask;
    this.seed = zone.seed;
    this.keyOffset = (NODE.payload + payloadWords) * 4;
  }

  /**
   * Makes an empty table with this root block, in a zone that has not had one: its buckets are as the zone was created,
   * all zero, and are not touched, so that a large zone costs memory only when it fills.
   */
  format(root: number): void {
    this.root = root;
    this.words.fill(0, root, root + TABLE_ROOT.words);
  }

  /** Number of nodes. */
  get count(): number {
    return this.words[this.root + TABLE_ROOT.count]!;
  }

  /** The most recently used node, or 0. */
  get newest(): number {
    return this.words[this.root + TABLE_ROOT.newest]!;
  }

  /** The least recently used node, or 0. */
  get oldest(): number {
    return this.words[this.root + TABLE_ROOT.oldest]!;
  }

  /** Hash of a byte string. Needs no lock: compute it before taking one. */
  hash(key: string): number {
    let hash = this.seed;
    for (let i = 0; i < key.length; i++) {
      hash = Math.imul(hash ^ key.charCodeAt(i), MULTIPLIER);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  /** The node with this key, or 0. */
  find(key: string, hash: number): number {
    const { words } = this;
    const length = key.length;
    let node = words[this.buckets + (hash & this.mask)]!;
    while (node !== 0) {
      if (
        words[node] === hash &&
        (words[node + NODE.meta]! & KEY_LENGTH_MASK) === length &&
        this.hasKey(node, key, length)
      ) {
        return node;
      }
      node = words[node + NODE.chain]!;
    }
    return 0;
  }

  private hasKey(node: number, key: string, length: number): boolean {
    const { bytes } = this;
    const at = node * 4 + this.keyOffset;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== key.charCodeAt(i)) return false;
    return true;
  }

  /** Byte position of a node's key. */
  keyStart(node: number): number {
    return node * 4 + this.keyOffset;
  }

  keyLength(node: number): number {
    return this.words[node + NODE.meta]! & KEY_LENGTH_MASK;
  }

  /** Kind of a node, 1 to 32767. */
  kind(node: number): number {
    return this.words[node + NODE.meta]! >> 16;
  }

  /** Stores a kind. 0 marks a node whose content is being changed, so that a crash drops it. */
  setKind(node: number, kind: number): void {
    const meta = this.words[node + NODE.meta]!;
    this.words[node + NODE.meta] = (kind << 16) | (meta & KEY_LENGTH_MASK);
  }

  keyOf(node: number): string {
    const start = this.keyStart(node);
    return this.bytes.latin1Slice(start, start + this.keyLength(node));
  }

  /**
   * Puts a node in, as the most recently used: a block in which all words from `NODE.payload` on that matter are
   * already written, and which is long enough for the key. The key must not be there yet.
   */
  insert(node: number, key: string, hash: number, kind: number): void {
    const { words } = this;
    const length = key.length;
    words[node] = hash;
    writeText(this.bytes, key, node * 4 + this.keyOffset);
    words[node + NODE.meta] = (kind << 16) | length;
    const bucket = this.buckets + (hash & this.mask);
    words[node + NODE.chain] = words[bucket]!;
    words[bucket] = node;
    this.linkNewest(node);
    words[this.root + TABLE_ROOT.count]!++;
  }

  /** Takes a node out. Its block is still to be freed. */
  remove(node: number): void {
    const { words } = this;
    words[HEADER.removals]!++;
    this.unlink(node);
    const bucket = this.buckets + (words[node]! & this.mask);
    const next = words[node + NODE.chain]!;
    let before = words[bucket]!;
    if (before === node) {
      words[bucket] = next;
    } else {
      while (words[before + NODE.chain] !== node) before = words[before + NODE.chain]!;
      words[before + NODE.chain] = next;
    }
    words[this.root + TABLE_ROOT.count]!--;
  }

  /** Makes a node the most recently used. */
  touch(node: number): void {
    const { words, root } = this;
    if (words[root + TABLE_ROOT.newest] === node) return;
    words[root + TABLE_ROOT.moving] = node;
    this.unlink(node);
    this.linkNewest(node);
    words[root + TABLE_ROOT.moving] = 0;
  }

  private unlink(node: number): void {
    const { words, root } = this;
    const older = words[node + NODE.older]!;
    const newer = words[node + NODE.newer]!;
    words[newer === 0 ? root + TABLE_ROOT.newest : newer + NODE.older] = older;
    words[older === 0 ? root + TABLE_ROOT.oldest : older + NODE.newer] = newer;
  }

  private linkNewest(node: number): void {
    const { words, root } = this;
    const first = words[root + TABLE_ROOT.newest]!;
    words[node + NODE.older] = first;
    words[node + NODE.newer] = 0;
    words[root + TABLE_ROOT.newest] = node;
    words[first === 0 ? root + TABLE_ROOT.oldest : first + NODE.newer] = node;
  }

  /**
   * Rebuilds the table after a crash, between the allocator's reset() and rebuild(); the root block is claimed already.
   * May itself be cut short and run again. `adopt` claims a node's block, and what hangs on it, from the allocator, and
   * returns false to drop the node; when it is called the node's head and key are known to be sound.
   */
  recover(adopt: (node: number) => boolean): void {
    const { words, root } = this;
    words[HEADER.removals]!++;
    words.fill(0, this.buckets, this.buckets + this.mask + 1);
    let kept = 0;
    let count = 0;
    let node = words[root + TABLE_ROOT.newest]!;
    // Should the list be a circle after all, it is followed no longer than a list could be.
    let steps = this.zone.layout.pages * NODES_PER_PAGE;
    while (node !== 0 && this.zone.slab.isBlockPointer(node) && steps-- > 0) {
      const older = words[node + NODE.older]!;
      if (this.isSound(node) && adopt(node)) {
        words[kept === 0 ? root + TABLE_ROOT.newest : kept + NODE.older] = node;
        words[node + NODE.newer] = kept;
        this.linkBucket(node);
        kept = node;
        count++;
      }
      node = older;
    }
    words[kept === 0 ? root + TABLE_ROOT.newest : kept + NODE.older] = 0;
    words[root + TABLE_ROOT.oldest] = kept;
    const moving = words[root + TABLE_ROOT.moving]!;
    // It is in the list already unless the crash fell into the instant when it was not.
    if (moving !== 0 && this.zone.slab.isBlockPointer(moving) && this.isSound(moving) && adopt(moving)) {
      this.linkNewest(moving);
      this.linkBucket(moving);
      count++;
    }
    words[root + TABLE_ROOT.moving] = 0;
    words[root + TABLE_ROOT.count] = count;
  }

  private linkBucket(node: number): void {
    const { words } = this;
    const bucket = this.buckets + (words[node]! & this.mask);
    words[node + NODE.chain] = words[bucket]!;
    words[bucket] = node;
  }

  private isSound(node: number): boolean {
    if (this.kind(node) <= 0) return false;
    const start = this.keyStart(node);
    const end = start + this.keyLength(node);
    if (end > this.zone.layout.end * 4) return false;
    let hash = this.seed;
    for (let i = start; i < end; i++) {
      hash = Math.imul(hash ^ this.bytes[i]!, MULTIPLIER);
      hash ^= hash >>> 15;
    }
    return hash === this.words[node];
  }
}
