// The keys a process used last, with their hashes and nodes: a key that comes again is neither hashed nor compared byte
// by byte, each byte of which costs JavaScript a look at the string's representation.
//
// A node found once is the key's as long as the zone has removed none: the header counts removals. When it has, the key
// is looked up in the table again, with the hash that is known.
//
// One entry a slot, and the slot comes from a few characters. Only keys that were found come in, and only every fourth,
// so that keys which never come again cost little. Entries hold strings of their own: V8 lets a string of 13 and more
// characters be a part of a larger one, which would be kept alive with it.
import { HEADER } from './layout.ts';
import type { KeyTable } from './table.ts';

const SLOTS = 2048;
/** Shorter keys are hashed faster than they are found here, longer ones are rare and take memory. */
const SHORTEST = 4;
const LONGEST = 256;
/** V8 makes no string shorter than this a part or a concatenation of others. */
const PARTS_FROM = 13;

// Words of a slot.
const HASH = 0;
/** The node, 0 when there was none. */
const FOUND = 1;
/** The count of removals when it was found. */
const REMOVALS = 2;

/** What a process remembers of a table. Its methods are called in turn: hash() without the lock, then find() with it. */
export class RecentKeys {
  private readonly table: KeyTable;
  private readonly words: Int32Array;
  private keys: string[] | undefined;
  /** What is known of the slots' keys, four words each, so that they share a line of the processor's cache. */
  private readonly facts = new Int32Array(SLOTS * 4);
  /** The slot of the key that hash() saw last, and whether it holds that key. */
  private slot = 0;
  private known = false;
  private strangers = 0;

  constructor(table: KeyTable, words: Int32Array) {
    this.table = table;
    this.words = words;
  }

  /** Hash of a key, for find() with the same key. */
  hash(key: string): number {
    const { keys } = this;
    const n = key.length;
    this.known = false;
    if (n < SHORTEST || n > LONGEST) {
      this.slot = -1;
      return this.table.hash(key);
    }
    // Keys that end in different numbers have different slots.
    const slot =
      (key.charCodeAt(n - 1) +
        13 * key.charCodeAt(n - 2) +
        169 * key.charCodeAt(n - 3) +
        401 * key.charCodeAt(n >> 1) +
        733 * n) &
      (SLOTS - 1);
    this.slot = slot;
    if (keys === undefined || keys[slot] !== key) return this.table.hash(key);
    this.known = true;
    return this.facts[slot * 4 + HASH]!;
  }

  /** The node with the key that hash() was asked about last, or 0. */
  find(key: string, hash: number): number {
    const { slot } = this;
    if (!this.known) {
      const node = this.table.find(key, hash);
      if (node !== 0 && slot >= 0 && (this.strangers++ & 3) === 0) this.remember(slot, key, hash, node);
      return node;
    }
    const { facts } = this;
    const at = slot * 4;
    const removals = this.words[HEADER.removals]!;
    let node = facts[at + FOUND]!;
    if (node !== 0 && facts[at + REMOVALS] === removals) return node;
    node = this.table.find(key, hash);
    facts[at + FOUND] = node;
    facts[at + REMOVALS] = removals;
    return node;
  }

  private remember(slot: number, key: string, hash: number, node: number): void {
    this.keys ??= new Array<string>(SLOTS).fill('');
    this.keys[slot] = key.length < PARTS_FROM ? key : this.table.keyOf(node);
    this.facts[slot * 4 + HASH] = hash;
    this.facts[slot * 4 + FOUND] = node;
    this.facts[slot * 4 + REMOVALS] = this.words[HEADER.removals]!;
  }
}
