// The entries of a shared dictionary: their layout in memory, their life and expiry, eviction, and what is left of
// them after a crash. All of it happens with the zone's lock held; dict.ts takes the lock and knows the operations.
//
// Sizes follow ngx_lua, so that as many entries fit and evictions happen where its users expect them: an entry takes
// 68 bytes + key + value, a list's head 84 + key rounded up to 8. Our own records are shorter, which is why a number
// has a field of its own and needs no room behind the key.
import { ListElements } from './list.ts';
import { KeyTable, NODE, TABLE_ROOT } from './table.ts';
import { type ByteBuffer, writeText, type Zone } from './zone.ts';

/** What a dictionary stores besides lists. */
export type DictValue = string | number | boolean;

// ngx_lua's value types, Lua's own numbers for them.
export const BOOLEAN = 1;
export const NUMBER = 3;
export const STRING = 4;
export const LIST = 5;

// Payload words of a node. Time and number are float64 and need an even word; nodes begin at one.
const VALUE_LENGTH = NODE.payload; // bytes, as ngx_lua counts them: 8 for a number, 1 for a boolean; or list elements
const EXPIRES = NODE.payload + 1; // and one more: milliseconds since the epoch, 0 for never
const DATA = NODE.payload + 3; // and one more: a number; 0 or 1 of a boolean; the two ends of a list
const FLAGS = NODE.payload + 5;
const PAYLOAD_WORDS = 6;

// Sizes ngx_lua asks of nginx's allocator on a 64-bit machine.
const NODE_BYTES = 68;
const LIST_BYTES = NODE_BYTES + 16;
const ROOT_BYTES = 80;

// Root words behind the table's: the block with the log context, and its length.
const LABEL = TABLE_ROOT.words;
const LABEL_LENGTH = TABLE_ROOT.words + 1;

/** How many times an operation may evict to find memory. */
const EVICTIONS = 30;

/** Type number of a value; 0 for undefined. */
export function kindOf(value: DictValue | undefined): number {
  if (typeof value === 'string') return STRING;
  if (typeof value === 'number') return NUMBER;
  return typeof value === 'boolean' ? BOOLEAN : 0;
}

/** Bytes of a value, as ngx_lua counts them. */
export function lengthOf(value: DictValue): number {
  if (typeof value === 'string') return value.length;
  return typeof value === 'number' ? 8 : 1;
}

function listBytes(keyLength: number): number {
  return (LIST_BYTES + keyLength + 7) & ~7;
}

/** The entries of a dictionary in a zone. */
export class DictEntries {
  readonly table: KeyTable;
  readonly lists: ListElements;
  /** Whether entries were evicted since the operation's owner set this to false. */
  evicted = false;

  private readonly zone: Zone;
  private readonly words: Int32Array;
  private readonly floats: Float64Array;
  private readonly bytes: ByteBuffer;
  private readonly now: () => number;

  constructor(zone: Zone, now: () => number) {
    this.zone = zone;
    this.words = zone.words;
    this.floats = zone.floats;
    this.bytes = zone.bytes;
    this.now = now;
    this.table = new KeyTable(zone, PAYLOAD_WORDS);
    this.lists = new ListElements(zone, { length: VALUE_LENGTH, head: DATA, tail: DATA + 1 });
  }

  /** Finds the dictionary in the zone, or makes it. */
  attach(): void {
    if (this.zone.root === 0) this.format();
    this.table.root = this.zone.root;
  }

  private format(): void {
    const { zone, words, table } = this;
    zone.root = 0;
    zone.slab.format();
    // The two blocks ngx_lua takes from a fresh zone, which cost it two pages.
    const label = ` in lua_shared_dict zone "${zone.name}"`;
    const root = zone.slab.alloc(ROOT_BYTES);
    const block = root === 0 ? 0 : zone.slab.alloc(label.length + 1);
    if (block === 0) throw new Error(`ngx_slab_alloc() failed: no memory${label}`);
    this.bytes.latin1Write(label, block * 4, label.length);
    table.format(root);
    words[root + LABEL] = block;
    words[root + LABEL_LENGTH] = label.length;
    zone.root = root;
  }

  /** Milliseconds since the epoch at which an entry expires; 0 for never. */
  expires(node: number): number {
    return this.floats[(node + EXPIRES) >> 1]!;
  }

  expired(node: number): boolean {
    const expires = this.floats[(node + EXPIRES) >> 1]!;
    return expires !== 0 && expires <= this.now();
  }

  /** Sets when an entry expires: `seconds` from now, in whole milliseconds; 0, or less than one, for never. */
  setTtl(node: number, seconds: number): void {
    const milliseconds = seconds === 0 ? 0 : Math.trunc(seconds * 1000);
    this.floats[(node + EXPIRES) >> 1] = milliseconds > 0 ? this.now() + milliseconds : 0;
  }

  /** Makes an entry expire at a moment that is always past. */
  setExpired(node: number): void {
    this.floats[(node + EXPIRES) >> 1] = 1;
  }

  flags(node: number): number {
    return this.words[node + FLAGS]!;
  }

  /** Length of an entry's value in bytes, or of a list in elements. */
  valueLength(node: number): number {
    return this.words[node + VALUE_LENGTH]!;
  }

  /** The value of an entry that is not a list. */
  read(node: number): DictValue {
    const { words, table } = this;
    const kind = table.kind(node);
    if (kind === STRING) {
      const start = table.keyStart(node) + table.keyLength(node);
      return this.bytes.latin1Slice(start, start + words[node + VALUE_LENGTH]!);
    }
    return kind === NUMBER ? this.floats[(node + DATA) >> 1]! : words[node + DATA] !== 0;
  }

  /** Adds to the number of an entry that is one. */
  increment(node: number, value: number): number {
    return (this.floats[(node + DATA) >> 1]! += value);
  }

  /** Makes a new entry, unless there is no memory even after evictions, if they are allowed: then returns 0. */
  create(key: string, hash: number, value: DictValue, ttl: number, flags: number, mayEvict: boolean): number {
    const length = lengthOf(value);
    const node = this.allocate(NODE_BYTES + key.length + length, mayEvict);
    if (node === 0) return 0;
    this.words[node + VALUE_LENGTH] = length;
    this.write(node, key.length, value, ttl, flags);
    this.table.insert(node, key, hash, kindOf(value));
    return node;
  }

  /** Makes an empty list; 0 when there is no memory. Lists evict nothing. */
  createList(key: string, hash: number): number {
    const node = this.zone.slab.alloc(listBytes(key.length));
    if (node === 0) return 0;
    this.lists.format(node);
    this.words[node + FLAGS] = 0;
    this.floats[(node + EXPIRES) >> 1] = 0;
    this.table.insert(node, key, hash, LIST);
    return node;
  }

  /** Whether a value can take the place of the old one: ngx_lua keeps the block when lengths, not types, are equal. */
  fits(node: number, value: DictValue): boolean {
    return this.words[node + VALUE_LENGTH] === lengthOf(value) && this.table.kind(node) !== LIST;
  }

  /** Puts a value that fits in the place of the old one. */
  overwrite(node: number, value: DictValue, ttl: number, flags: number): void {
    const { table } = this;
    table.setKind(node, 0);
    this.write(node, table.keyLength(node), value, ttl, flags);
    table.setKind(node, kindOf(value));
    table.touch(node);
  }

  private write(node: number, keyLength: number, value: DictValue, ttl: number, flags: number): void {
    const { words } = this;
    this.setTtl(node, ttl);
    words[node + FLAGS] = flags;
    if (typeof value === 'string') {
      writeText(this.bytes, value, this.table.keyStart(node) + keyLength);
    } else if (typeof value === 'number') {
      this.floats[(node + DATA) >> 1] = value;
    } else {
      words[node + DATA] = value ? 1 : 0;
    }
  }

  /** Removes an entry and frees its memory. */
  remove(node: number): void {
    const isList = this.table.kind(node) === LIST;
    this.table.remove(node);
    if (isList) this.lists.clear(node);
    this.zone.slab.free(node);
  }

  private allocate(bytes: number, mayEvict: boolean): number {
    const { slab } = this.zone;
    let pointer = slab.alloc(bytes);
    for (let i = 0; pointer === 0 && mayEvict && i < EVICTIONS; i++) {
      if (!this.evict()) break;
      this.evicted = true;
      pointer = slab.alloc(bytes);
    }
    return pointer;
  }

  /** Removes up to two entries at the unused end if they have expired; each operation pays this much for tidiness. */
  expireOldest(): void {
    for (let i = 0; i < 2; i++) {
      const node = this.table.oldest;
      if (node === 0 || !this.expired(node)) return;
      this.remove(node);
    }
  }

  /** Removes the least recently used entry, expired or not, and tidies. Returns false when there is none. */
  evict(): boolean {
    const node = this.table.oldest;
    if (node === 0) return false;
    this.remove(node);
    this.expireOldest();
    return true;
  }

  /** After a crash in the middle of an operation: keeps every entry that is whole, and makes all else anew. */
  repair(): void {
    const { zone, words, table } = this;
    const { slab, root } = zone;
    if (root === 0) {
      this.format();
      return;
    }
    slab.reset();
    if (!slab.claim(root, ROOT_BYTES) || !slab.claim(words[root + LABEL]!, words[root + LABEL_LENGTH]! + 1)) {
      throw new Error(`shared memory zone "${zone.name}" is damaged beyond repair`);
    }
    table.root = root;
    table.recover((node) => this.adopt(node));
    slab.rebuild();
  }

  private adopt(node: number): boolean {
    const { table } = this;
    const { slab } = this.zone;
    const kind = table.kind(node);
    const keyLength = table.keyLength(node);
    const length = this.words[node + VALUE_LENGTH]!;
    if (kind === LIST) {
      const bytes = listBytes(keyLength);
      if (!slab.claim(node, bytes)) return false;
      if (this.lists.recover(node) > 0) return true;
      // It was being made.
      slab.unclaim(node, bytes);
      return false;
    }
    if (kind !== STRING && kind !== NUMBER && kind !== BOOLEAN) return false;
    return length >= 0 && slab.claim(node, NODE_BYTES + keyLength + length);
  }
}
