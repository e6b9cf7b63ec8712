/**
 * Tables, laid out for V8.
 *
 * - Keys 1..n live in an array whose slot 0 is unused (`$a`), whose last element is never nil.
 * - String keys written as constants in the source (`t.name`) are JavaScript properties of the table object
 *   itself, so that V8's hidden classes and inline caches serve them.
 * - Everything else, notably strings computed at run time, lives in an insertion-ordered hash made on demand.
 *
 * Names of internal properties start with `$`. Only Lua identifiers become properties, never a key with `$`,
 * and those that would be in the way get a `$` in front (see `propertyName`). The prototype chain ends at
 * this class, so `toString`, `constructor` or `__proto__` are ordinary absent keys.
 *
 * A string is looked for in the hash first and then among the properties; it is only ever in one of them.
 * Assigning nil leaves a tombstone (an `undefined` value); tombstones are purged only when a new key arrives, so
 * that a traversal which clears fields stays well defined.
 */

import { throwOperation } from './error.ts';
import { collecting, onCollect } from './gc/collector.ts';
import type { LuaValue } from './value.ts';
import { WeakHash } from './weak-hash.ts';

/** The array of every table that has no array part yet; never written to. */
const NO_ITEMS: LuaValue[] = [undefined];

/** Properties a table may get before further constant keys go to its hash, which V8 handles better then. */
const MAX_PROPERTIES = 100;

/** Property names every table starts with, in the order of the constructor. */
const INTERNAL = 4;

type Fields = Record<string, LuaValue>;

/**
 * Whether a key that is a Lua identifier would hide a method of LuaTable, or is a property that native functions throw
 * at: compiled code looks for a key before it asks whether the value is a table.
 */
function isMethodName(k: string): boolean {
  switch (k.length) {
    case 3:
      return k === 'get' || k === 'set';
    case 4:
      return k === 'next' || k === 'push';
    case 5:
      return k === 'array' || k === 'items';
    case 6:
      return k === 'getStr' || k === 'setStr' || k === 'getInt' || k === 'setInt' || k === 'length' || k === 'caller';
    case 7:
      return k === 'entries';
    case 9:
      return k === 'metatable' || k === 'arguments';
    default:
      return false;
  }
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The JavaScript property that holds a constant string key, or undefined if that key always lives in the hash. */
export function propertyName(key: string): string | undefined {
  if (!IDENTIFIER.test(key)) return undefined;
  return isMethodName(key) ? '$' + key : key;
}

/** Properties of the names that setStr() has seen, of which programs have few. */
const propertyNames = new Map<string, string>();
const MAX_NAMES = 4096;

/** Keys up to which a hash is searched in order. */
const MAX_LINEAR = 4;

/** What a hash without an index has; never written to. */
const NO_SLOTS: number[] = [];

/** Slots of the first index. */
const FIRST_SLOTS = 16;

/** Keys up to which an index grows by four instead of two. */
const MAX_STEEP = 1000;

/** Keys in one chain from which on the index is a Map: these keys differ where the hash below does not look. */
const MAX_CHAIN = 12;

const FACTOR = 0x9e3779b1 | 0;

const float = new Float64Array(1);
const halves = new Int32Array(float.buffer);

/**
 * The hash of a string: its last characters and its length. V8's own hash takes 20 ns or more for a string that was
 * just made; what this one cannot tell apart makes the index a Map.
 */
function hashString(k: string): number {
  const n = k.length;
  if (n < 3) return n === 0 ? 0 : k.charCodeAt(0) + n;
  return (
    Math.imul(
      k.charCodeAt(n - 1) + Math.imul(k.charCodeAt(n - 2), 37) + Math.imul(k.charCodeAt(n - 3), 1021) + n,
      FACTOR,
    ) >>> 12
  );
}

function hashNumber(k: number): number {
  if ((k | 0) === k) return Math.imul(k, FACTOR) >>> 12;
  float[0] = k;
  return Math.imul(halves[0]! ^ Math.imul(halves[1]!, 31), FACTOR) >>> 12;
}

/**
 * Insertion-ordered hash; positions are stable until a new key arrives, which makes traversal cheap.
 *
 * Strings and numbers are found through chains of positions, other keys through a Map. Position 0 is unused: it ends
 * chains, and its nil makes V8 keep both arrays in their general form from the start.
 */
class Hash {
  keys: LuaValue[];
  values: LuaValue[];
  /** The first position that has never been used. There is room for a few keys: V8 gives arrays that grow room for 17. */
  end: number;
  /** First positions of chains, by hash; empty as long as the keys are few. */
  private slots: number[] = NO_SLOTS;
  /** Number of slots - 1, or -1 if there are none. */
  private mask = -1;
  /** The next position in a position's chain. */
  private chain: number[] = NO_SLOTS;
  /** Positions of keys that are neither strings nor numbers, or of all keys. */
  private map: Map<LuaValue, number> | undefined = undefined;
  /** Whether `map` has all keys. */
  private isMap = false;
  /** Number of tombstones. */
  private dead = 0;
  /** The position of the key found last. */
  private last = 0;
  /** Whether the last keys were found one behind the other: then the next one is looked for there first. */
  private inOrder = false;
  /** The string looked for last in vain, with its hash: `t[k] = (t[k] or 0) + 1` looks for it once. */
  private missed: string | undefined = undefined;
  private missedHash = 0;
  /** Whether it has, or has had, the key 0. */
  hasZero = false;

  constructor(
    keys: LuaValue[] = [undefined, undefined, undefined, undefined, undefined],
    values: LuaValue[] = [undefined, undefined, undefined, undefined, undefined],
    end = 1,
  ) {
    this.keys = keys;
    this.values = values;
    this.end = end;
  }

  /** A hash with the key 0 only. */
  static ofZero(value: LuaValue): Hash {
    const hash = new Hash([undefined, 0], [undefined, value], 2);
    hash.hasZero = true;
    return hash;
  }

  get isWeak(): false {
    return false;
  }

  /** The position of a key, tombstones included, or 0. */
  find(k: LuaValue): number {
    const { mask, keys } = this;
    if (mask >= 0) {
      if (typeof k === 'string') {
        let i = this.slots[hashString(k) & mask]!;
        while (i !== 0 && keys[i] !== k) i = this.chain[i]!;
        return i;
      }
      if (typeof k === 'number') {
        let i = this.slots[hashNumber(k) & mask]!;
        while (i !== 0 && keys[i] !== k) i = this.chain[i]!;
        return i;
      }
    } else if (!this.isMap) {
      for (let i = 1; i < this.end; i++) if (keys[i] === k) return i;
      return 0;
    }
    return this.map?.get(k) ?? 0;
  }

  has(k: LuaValue): boolean {
    return this.find(k) !== 0;
  }

  get(k: LuaValue): LuaValue {
    if (this.inOrder && typeof k === 'string') {
      const next = this.last + 1;
      const key = this.keys[next];
      if (typeof key === 'string' && key === k) {
        // If these are two objects, V8 need not compare their characters the next time.
        this.keys[next] = k;
        this.last = next;
        return this.values[next];
      }
    }
    return this.search(k);
  }

  /** `get` where the key is not behind that found last. */
  private search(k: LuaValue): LuaValue {
    let i = 0;
    if (typeof k === 'string' && this.mask >= 0) {
      const { keys } = this;
      const hash = hashString(k);
      i = this.slots[hash & this.mask]!;
      while (i !== 0 && keys[i] !== k) i = this.chain[i]!;
      if (i === 0) {
        this.missed = k;
        this.missedHash = hash;
        this.inOrder = false;
        return undefined;
      }
    } else {
      i = this.find(k);
      if (i === 0) {
        this.inOrder = false;
        return undefined;
      }
    }
    this.inOrder = i === this.last + 1;
    // `t[k] = t[k] + 1` finds the key once.
    this.last = i;
    return this.values[i];
  }

  /** The key must not be nil. */
  set(k: LuaValue, v: LuaValue): void {
    const { last } = this;
    let i = 0;
    if (this.missed !== undefined) {
      if (this.missed === k) {
        this.missed = undefined;
        if (v !== undefined) this.add(k, v, this.missedHash);
        return;
      }
      this.missed = undefined;
    }
    i = this.keys[last] === k ? last : this.find(k);
    if (i !== 0) {
      const old = this.values[i];
      if (v === undefined) {
        if (old !== undefined) {
          this.dead++;
          if (collecting.expected && typeof k !== 'string' && typeof k !== 'number') remember(this);
        }
      } else if (old === undefined) this.dead--;
      this.values[i] = v;
      return;
    }
    if (v !== undefined) this.add(k, v, -1);
  }

  /** Lets go of keys that have been removed. Positions stay, but a traversal cannot go on from such a key. */
  forget(): void {
    const { keys, values } = this;
    this.last = 0;
    for (let i = 1; i < keys.length; i++) {
      const k = keys[i];
      if (values[i] !== undefined || typeof k === 'string' || typeof k === 'number') continue;
      this.map?.delete(k);
      keys[i] = undefined;
    }
  }

  /** A copy with the same positions. */
  copy(): Hash {
    const copy = new Hash();
    copy.keys = this.keys.slice();
    copy.values = this.values.slice();
    copy.end = this.end;
    copy.dead = this.dead;
    if (this.mask >= 0) {
      copy.mask = this.mask;
      copy.slots = this.slots.slice();
      copy.chain = this.chain.slice();
    }
    if (this.map !== undefined) copy.map = new Map(this.map);
    copy.isMap = this.isMap;
    copy.hasZero = this.hasZero;
    return copy;
  }

  /** The positions of values that are tables. */
  tables(): [number, LuaTable][] {
    return [...this.values.entries()].filter((pair): pair is [number, LuaTable] => pair[1] instanceof LuaTable);
  }

  clone(): Hash {
    const copy = new Hash();
    for (let i = 1; i < this.keys.length; i++) if (this.values[i] !== undefined) copy.set(this.keys[i], this.values[i]);
    return copy;
  }

  /** `hash`: that of the key, or -1. */
  private add(k: LuaValue, v: LuaValue, hash: number): void {
    if (this.dead > 8 && this.dead * 2 > this.end) this.purge();
    if (k === 0) this.hasZero = true;
    const i = this.end++;
    if (i < this.keys.length) {
      this.keys[i] = k;
      this.values[i] = v;
    } else {
      this.keys.push(k);
      this.values.push(v);
    }
    if (i <= this.mask) this.enter(k, i, hash);
    else if (this.isMap) this.map!.set(k, i);
    else if (i > MAX_LINEAR) this.makeIndex(this.mask < 0 ? FIRST_SLOTS : this.slots.length * (i < MAX_STEEP ? 4 : 2));
  }

  /** Makes a key known to the index. */
  private enter(k: LuaValue, i: number, known: number): void {
    let hash = known;
    if (hash < 0) {
      if (typeof k === 'string') hash = hashString(k);
      else if (typeof k === 'number') hash = hashNumber(k);
      else {
        this.map ??= new Map();
        this.map.set(k, i);
        this.chain.push(0);
        return;
      }
    }
    const { slots, chain } = this;
    const slot = hash & this.mask;
    const first = slots[slot]!;
    slots[slot] = i;
    chain.push(first);
    let length = 0;
    for (let j = first; j !== 0; j = chain[j]!) length++;
    if (length >= MAX_CHAIN) this.makeMap();
  }

  /** An index with that many slots for the keys there are. */
  private makeIndex(size: number): void {
    this.slots = new Array<number>(size).fill(0);
    this.mask = size - 1;
    this.chain = [0];
    this.map = undefined;
    const { keys } = this;
    for (let i = 1; i < this.end && !this.isMap; i++) this.enter(keys[i], i, -1);
  }

  private makeMap(): void {
    const map = new Map<LuaValue, number>();
    for (let i = 1; i < this.end; i++) map.set(this.keys[i], i);
    this.map = map;
    this.isMap = true;
    this.mask = -1;
    this.slots = this.chain = NO_SLOTS;
  }

  private purge(): void {
    const { keys, values } = this;
    const newKeys: LuaValue[] = [undefined];
    const newValues: LuaValue[] = [undefined];
    for (let i = 1; i < keys.length; i++) {
      const v = values[i];
      if (v === undefined) continue;
      newKeys.push(keys[i]);
      newValues.push(v);
    }
    this.keys = newKeys;
    this.values = newValues;
    this.dead = 0;
    this.last = 0;
    const count = newKeys.length;
    this.end = count;
    if (this.isMap) this.makeMap();
    else if (count > MAX_LINEAR) {
      let size = FIRST_SLOTS;
      while (size < count) size *= 2;
      this.makeIndex(size);
    } else {
      this.slots = this.chain = NO_SLOTS;
      this.mask = -1;
      this.map = undefined;
    }
  }
}

/** Hashes of which objects have been removed: the next collection makes them let go of these. */
let removals: Hash[] = [];
const MAX_REMOVALS = 256;

function remember(hash: Hash): void {
  if (removals.length === 0) setImmediate(forgetRemovals);
  if (removals.length < MAX_REMOVALS && removals[removals.length - 1] !== hash) removals.push(hash);
}

function forgetRemovals(): void {
  removals = [];
}

onCollect(() => {
  for (const hash of removals) hash.forget();
});

/** A Lua table. The methods are raw: metamethods are the business of runtime/index.ts. */
export class LuaTable {
  /** Items 1..n at their index, nil for holes. Never write into it without `array()`: empty tables share one. */
  $a: LuaValue[];
  /** Keys that are neither items nor properties. */
  $h: Hash | WeakHash | undefined;
  /** Metatable. */
  $m: LuaTable | undefined;
  /** Number of string keys held as JavaScript properties, tombstones included. */
  $n: number;

  constructor() {
    this.$a = NO_ITEMS;
    this.$h = undefined;
    this.$m = undefined;
    this.$n = 0;
  }

  /** A table with the given items at 1..n. The array is copied. */
  static fromArray(items: readonly LuaValue[]): LuaTable {
    const t = new LuaTable();
    const a: LuaValue[] = [undefined];
    for (let i = 0; i < items.length; i++) a.push(items[i]);
    t.$a = a;
    trim(a);
    return t;
  }

  /**
   * A table with a value at 0, not nil, and items from 1 on, as matches of regular expressions have them. The array becomes
   * the table's own: its slot 0 is undefined, its last element not nil.
   */
  static withZero(zero: LuaValue, items: LuaValue[]): LuaTable {
    const t = new LuaTable();
    if (items.length > 1) t.$a = items;
    t.$h = Hash.ofZero(zero);
    return t;
  }

  /** A table with the object's own enumerable properties as string keys. Meant for constant names. */
  static fromObject(object: Readonly<Record<string, LuaValue>>): LuaTable {
    const t = new LuaTable();
    for (const k of Object.keys(object)) t.setStr(k, object[k]);
    return t;
  }

  /** The metatable, if any. */
  get metatable(): LuaTable | undefined {
    return this.$m;
  }

  set metatable(m: LuaTable | undefined) {
    this.$m = m;
    if (m === undefined) {
      if (this.$h?.isWeak) setWeakness(this, '');
    } else if (
      (m as unknown as Fields)['__mode'] !== undefined ||
      m.$h !== undefined ||
      lateModes.expected ||
      this.$h?.isWeak
    ) {
      weaken(this, m);
    }
  }

  /** Raw read. */
  get(k: LuaValue): LuaValue {
    if (typeof k === 'string') return this.getStr(k);
    if (typeof k === 'number') {
      const v = this.$a[k];
      if (v !== undefined) return v;
    }
    return this.$h === undefined ? undefined : this.$h.get(k);
  }

  /** Raw read of a string key. */
  getStr(k: string): LuaValue {
    const h = this.$h;
    if (h !== undefined) {
      const v = h.get(k);
      if (v !== undefined) return v;
    }
    if (this.$n === 0 || k.charCodeAt(0) === 36) return undefined;
    return (this as unknown as Fields)[isMethodName(k) ? '$' + k : k];
  }

  /** Raw read of a number key. */
  getInt(i: number): LuaValue {
    const v = this.$a[i];
    if (v !== undefined) return v;
    return this.$h === undefined ? undefined : this.$h.get(i);
  }

  /** Raw write; nil removes. Throws a LuaError if the key is nil or NaN. */
  set(k: LuaValue, v: LuaValue): void {
    if (typeof k === 'string') {
      if (this.$n !== 0 && this.$setProperty(k, v)) return;
    } else if (typeof k === 'number') {
      this.setInt(k, v);
      return;
    } else if (k === undefined) throwOperation('table index is nil');
    this.$setHash(k, v);
  }

  /**
   * Raw write of a string key that is one of a fixed set of names: a new one becomes a property (fast to read as
   * `t.name`). Use `set` for keys that come from data.
   */
  setStr(k: string, v: LuaValue): void {
    const h = this.$h;
    if (this.$n !== 0 && this.$setProperty(k, v)) return;
    if (v === undefined || this.$n >= MAX_PROPERTIES || h?.has(k)) {
      this.$setHash(k, v);
      return;
    }
    let name = propertyNames.get(k);
    if (name === undefined) {
      name = propertyName(k);
      if (name !== undefined && propertyNames.size < MAX_NAMES) propertyNames.set(k, name);
    }
    if (name === undefined) this.$setHash(k, v);
    else {
      (this as unknown as Fields)[name] = v;
      this.$n++;
    }
  }

  /** Raw write of a number key. */
  setInt(k: number, v: LuaValue): void {
    const a = this.$a;
    const n = a.length;
    if (k > 0 && k < n && (k | 0) === k) {
      a[k] = v;
      if (v === undefined && k === n - 1) trim(a);
    } else if (k === n) {
      const h = this.$h;
      if (h?.isWeak && h.weakValues) {
        h.set(k, v);
        return;
      }
      if (v === undefined) return;
      if (a === NO_ITEMS) this.$a = [undefined, v];
      else a.push(v);
      if (h !== undefined) this.$migrate();
    } else {
      if (Number.isNaN(k)) throwOperation('table index is NaN');
      this.$setHash(k, v);
    }
  }

  /** The border that `#t` gives. */
  length(): number {
    const n = this.$a.length - 1;
    return n === 0 && this.$h?.isWeak ? this.$h.border() : n;
  }

  /** Appends one item, which must not be nil. */
  push(v: LuaValue): void {
    this.setInt(this.length() + 1, v);
  }

  /**
   * The item array for writing: index i holds t[i], index 0 is unused. Keep its last element non-nil
   * (call `trim` after shortening it by hand) and do not use it to lengthen a table that has a hash. The items of
   * a table with weak values are not in it: see `hasWeakItems`.
   */
  array(): LuaValue[] {
    if (this.$a === NO_ITEMS) this.$a = [undefined];
    return this.$a;
  }

  /** A copy of items 1..n as a JavaScript array from index 0. */
  items(): LuaValue[] {
    return hasWeakItems(this) ? itemsOf(this).slice(1) : this.$a.slice(1);
  }

  /** The key and value after `k` in traversal order, the first ones for nil; undefined at the end. */
  next(k: LuaValue): [LuaValue, LuaValue] | undefined {
    const cursor = new Cursor(this);
    if (!cursor.seek(k)) throwOperation("invalid key to 'next'");
    return cursor.next() ? [cursor.k, cursor.v] : undefined;
  }

  /** Traverses all pairs without metamethods. Assigning nil or new values to existing keys meanwhile is allowed. */
  *entries(): Generator<[LuaValue, LuaValue]> {
    const cursor = new Cursor(this);
    while (cursor.next()) yield [cursor.k, cursor.v];
  }

  /** Writes `k` if it is already a property. */
  private $setProperty(k: string, v: LuaValue): boolean {
    if (k.charCodeAt(0) === 36) return false;
    const name = isMethodName(k) ? '$' + k : k;
    const fields = this as unknown as Fields;
    if (fields[name] === undefined) {
      // A tombstone is revived in place, else the key could be found in both places.
      if (v === undefined || this.$h?.has(k) || !(name in this)) return false;
    }
    fields[name] = v;
    return true;
  }

  private $setHash(k: LuaValue, v: LuaValue): void {
    if (this.$h === undefined) {
      if (v === undefined) return;
      this.$h = new Hash();
    }
    const h = this.$h;
    h.set(k, v);
    if (h.isWeak) return;
    const n = h.end;
    if (typeof k === 'number' && (n & (n - 1)) === 0 && n >= 8) this.$fillArray();
  }

  /**
   * Moves number keys from the hash to the array if more than half of the array's slots will be in use, as Lua does
   * when a hash is full: an array that is filled from its second item on, or backwards, becomes one.
   */
  private $fillArray(): void {
    const h = this.$h as Hash;
    // Numbers of keys by the power of two that they do not exceed.
    const counts = new Array<number>(31).fill(0);
    const a = this.$a;
    for (let i = 1; i < a.length; i++) if (a[i] !== undefined) counts[32 - Math.clz32(i - 1)]!++;
    for (let i = 0; i < h.keys.length; i++) {
      const k = h.keys[i];
      if (typeof k === 'number' && k > 0 && k <= 1 << 28 && (k | 0) === k && h.values[i] !== undefined) {
        counts[32 - Math.clz32(k - 1)]!++;
      }
    }
    let size = 0;
    for (let bit = 0, used = 0; bit < 29; bit++) {
      used += counts[bit]!;
      if (used > 2 ** bit / 2) size = 2 ** bit;
    }
    if (size < a.length) return;
    const items = a === NO_ITEMS ? [undefined] : a;
    for (let i = items.length; i <= size; i++) items.push(undefined);
    for (let i = 0; i < h.keys.length; i++) {
      const k = h.keys[i];
      if (typeof k !== 'number' || k < 1 || k > size || (k | 0) !== k) continue;
      const v = h.values[i];
      if (v === undefined) continue;
      items[k] = v;
      h.set(k, undefined);
    }
    trim(items);
    this.$a = items;
    this.$migrate();
  }

  /** Moves items that follow the array from the hash to it. */
  private $migrate(): void {
    const a = this.$a;
    const h = this.$h!;
    for (;;) {
      const n = a.length;
      const v = h.get(n);
      if (v === undefined) return;
      h.set(n, undefined);
      a.push(v);
    }
  }
}

Object.setPrototypeOf(LuaTable.prototype, null);
// `constructor` would be found as a Lua key.
delete (LuaTable.prototype as { constructor?: unknown }).constructor;

/** Properties for which every table has room in itself, in addition to its own. */
const SPARE = 6;

// V8 gives the objects of a class room for as many properties as one of the first has got.
for (let i = 0; i < 8; i++) {
  const t = new LuaTable() as unknown as Fields;
  for (let k = 0; k < SPARE; k++) t['$' + k] = undefined;
}

/** Drops trailing nils of an item array, which every table's array must be without. */
export function trim(a: LuaValue[]): void {
  while (a.length > 1 && a[a.length - 1] === undefined) a.pop();
}

/** Whether items 1..n of a table are in its hash, because its values are weak. Natives that use `$a` must ask this. */
export function hasWeakItems(t: LuaTable): boolean {
  return t.$h?.isWeak === true && t.$h.weakValues;
}

/** Items 1..n at their index, as `$a` has them, of a table that has weak values. */
export function itemsOf(t: LuaTable): LuaValue[] {
  const items: LuaValue[] = [undefined];
  const n = t.length();
  for (let i = 1; i <= n; i++) items.push(t.getInt(i));
  trim(items);
  return items;
}

/** Whether compiled code assigns to a field __mode: only then tables without one are remembered by their metatable. */
export const lateModes = { expected: false };

/** Tables by their metatable, the first ones that got it. */
const users = new WeakMap<LuaTable, WeakRef<LuaTable>[]>();
const MAX_USERS = 16;

/** To be called when the __mode of a table, which may be a metatable, has been assigned. */
export function modeChanged(m: LuaTable): void {
  for (const user of users.get(m) ?? []) {
    const t = user.deref();
    if (t !== undefined && t.$m === m) weaken(t, m);
  }
}

function addUser(m: LuaTable, t: LuaTable): void {
  const list = users.get(m);
  if (list === undefined) users.set(m, [new WeakRef(t)]);
  else if (list.length < MAX_USERS) list.push(new WeakRef(t));
}

/** Makes a table weak as its new metatable's __mode says, or an ordinary one again. */
function weaken(t: LuaTable, m: LuaTable): void {
  if (lateModes.expected) addUser(m, t);
  const mode = m.getStr('__mode');
  setWeakness(t, typeof mode === 'string' ? mode : '');
}

/** With weak values, items and properties move to the hash, since they would hold theirs. */
function setWeakness(t: LuaTable, mode: string): void {
  const old = t.$h;
  const weakKeys = mode.includes('k');
  const weakValues = mode.includes('v');
  if (old?.isWeak ? old.weakKeys === weakKeys && old.weakValues === weakValues : !weakKeys && !weakValues) return;
  const h = weakKeys || weakValues ? new WeakHash(mode) : new Hash();
  if (old !== undefined) {
    const { keys, values } = old;
    for (let i = 0; i < keys.length; i++) if (values[i] !== undefined) h.set(keys[i], values[i]);
  }
  const hadItems = old?.isWeak === true && old.weakValues;
  t.$h = h;
  if (!weakValues) {
    if (hadItems) {
      const first = h.get(1);
      if (first !== undefined) {
        h.set(1, undefined);
        t.setInt(1, first);
      }
    }
    return;
  }
  for (let i = 1; i < t.$a.length; i++) if (t.$a[i] !== undefined) h.set(i, t.$a[i]);
  t.$a = NO_ITEMS;
  for (const name of Object.keys(t).slice(INTERNAL)) {
    h.set(keyOf(name), (t as unknown as Fields)[name]);
    delete (t as unknown as Fields)[name];
  }
  // As many as may be: constant keys go to the hash from now on.
  t.$n = MAX_PROPERTIES;
}

/** The Lua key of a property name. */
function keyOf(property: string): string {
  return property.charCodeAt(0) === 36 ? property.slice(1) : property;
}

/** The parts of a table, in the order of traversal. */
const ITEMS = 0;
const PROPERTIES = 1;
const HASH = 2;
const ZERO = 3;

/**
 * A position in the traversal of a table: items, then properties, then hash. The key 0, which LuaJIT has in front of the
 * items, comes first.
 *
 * Compiled loops go through `a` themselves as long as they find values there, and call `from` when they do not.
 */
export class Cursor {
  /** The current key and value, valid after `next()` returned true. */
  k: LuaValue = undefined;
  v: LuaValue = undefined;
  readonly t: LuaTable;
  /** The values that are being gone through, and the position of the current one. */
  a: LuaValue[];
  i = 0;
  /** Their keys; undefined for items, whose keys are the positions. */
  keys: LuaValue[] | undefined = undefined;
  private part = ITEMS;
  private names: string[] | undefined = undefined;
  /** Position among the properties, or in a hash that is gone through step by step. */
  private j = INTERNAL;
  /** Whether the hash has the key 0, which is left out there. */
  private isZeroFirst = false;

  constructor(t: LuaTable) {
    this.t = t;
    this.a = t.$a;
    const h = t.$h;
    if (h?.hasZero) this.startWithZero();
  }

  private startWithZero(): void {
    this.isZeroFirst = true;
    this.part = ZERO;
    this.a = NO_ITEMS;
  }

  /** Advances to the next pair that is not nil. */
  next(): boolean {
    return this.from(this.i);
  }

  /** Advances to the next pair behind position `position` of `a`. */
  from(position: number): boolean {
    if (this.part === PROPERTIES) return this.nextProperty() || this.startHash();
    const { a, keys } = this;
    if (this.part === ZERO) {
      this.part = ITEMS;
      this.a = this.t.$a;
      this.v = this.t.get(0);
      this.k = 0;
      return this.v !== undefined || this.from(0);
    }
    for (let i = position + 1; i < a.length; i++) {
      const v = a[i];
      if (v === undefined) continue;
      this.i = i;
      this.k = keys === undefined ? i : keys[i];
      this.v = v;
      return true;
    }
    if (this.part !== ITEMS) {
      const h = this.t.$h;
      return h?.isWeak ? this.nextWeak(h) : this.isZeroFirst && this.nextButZero();
    }
    this.a = NO_ITEMS;
    this.i = 0;
    if (this.t.$n === 0) return this.startHash();
    this.part = PROPERTIES;
    return this.nextProperty() || this.startHash();
  }

  private startHash(): boolean {
    this.part = HASH;
    this.j = 0;
    const h = this.t.$h;
    if (h === undefined) return false;
    if (h.isWeak) return this.nextWeak(h);
    if (this.isZeroFirst) return this.nextButZero();
    this.a = h.values;
    this.keys = h.keys;
    return this.from(0);
  }

  private nextProperty(): boolean {
    const { t } = this;
    this.names ??= Object.keys(t);
    const { names } = this;
    while (this.j < names.length) {
      const name = names[this.j++]!;
      const v = (t as unknown as Fields)[name];
      if (v !== undefined) {
        this.k = keyOf(name);
        this.v = v;
        return true;
      }
    }
    return false;
  }

  private nextWeak(h: WeakHash): boolean {
    while (this.j < h.size) {
      const i = this.j++;
      const v = h.valueAt(i);
      if (v !== undefined) {
        this.k = h.keyAt(i);
        this.v = v;
        return true;
      }
    }
    return false;
  }

  private nextButZero(): boolean {
    const h = this.t.$h as Hash | undefined;
    while (h !== undefined && ++this.j < h.end) {
      const v = h.values[this.j];
      if (v === undefined || h.keys[this.j] === 0) continue;
      this.k = h.keys[this.j];
      this.v = v;
      return true;
    }
    return false;
  }

  /** Moves to just after key `k`; false if the table does not have it. */
  seek(k: LuaValue): boolean {
    const { t } = this;
    this.i = 0;
    this.j = INTERNAL;
    this.a = t.$a;
    this.keys = undefined;
    this.part = ITEMS;
    this.isZeroFirst = false;
    if (t.$h?.hasZero) this.startWithZero();
    if (k === undefined) return true;
    if (k === 0 && (this.isZeroFirst || t.$a.length > 1)) {
      this.part = ITEMS;
      this.a = t.$a;
      return true;
    }
    this.part = ITEMS;
    if (typeof k === 'number' && k > 0 && (k | 0) === k && k < t.$a.length) {
      this.i = k;
      this.a = t.$a;
      return true;
    }
    this.a = NO_ITEMS;
    this.part = PROPERTIES;
    if (typeof k === 'string' && t.$n !== 0) {
      this.names ??= Object.keys(t);
      if (this.names.length !== t.$n + INTERNAL) this.names = Object.keys(t);
      const j = this.names.indexOf(isMethodName(k) ? '$' + k : k, INTERNAL);
      if (j >= 0) {
        this.j = j + 1;
        return true;
      }
    }
    const h = t.$h;
    // Positions in a weak hash start from 0.
    const i = h === undefined ? -1 : h.isWeak ? h.find(k) : h.find(k) - 1;
    if (h === undefined || i < 0) {
      // An item that was removed during the traversal: go on behind the items.
      return typeof k === 'number' && k >= 1 && (k | 0) === k && t.$a !== NO_ITEMS;
    }
    this.part = HASH;
    if (h.isWeak || this.isZeroFirst) this.j = i + 1;
    else {
      this.i = i + 1;
      this.a = h.values;
      this.keys = h.keys;
    }
    return true;
  }

  /** Whether the cursor stands on key `k` of table `t`, which still has its items or keys where the cursor has them. */
  isAt(t: LuaTable, k: LuaValue): boolean {
    if (this.t !== t || this.k !== k) return false;
    if (this.part === ITEMS) return this.a === t.$a;
    return this.keys === undefined || this.keys === t.$h?.keys;
  }
}

/** table.clear: removes all pairs. Property slots stay as tombstones, so that the table keeps its hidden class. */
export function clearTable(t: LuaTable): void {
  if (t.$a.length > 1) t.$a.length = 1;
  if (t.$h?.isWeak) t.$h.clear();
  else {
    // A traversal may be going through the values.
    t.$h?.values.fill(undefined);
    t.$h = undefined;
  }
  if (t.$n === 0) return;
  const names = Object.keys(t);
  for (let i = INTERNAL; i < names.length; i++) (t as unknown as Fields)[names[i]!] = undefined;
}

/** table.clone: a copy of the table's pairs, without its metatable. */
export function cloneTable(t: LuaTable): LuaTable {
  const copy = new LuaTable();
  if (t.$a.length > 1) copy.$a = t.$a.slice();
  if (t.$n !== 0) {
    const names = Object.keys(t);
    for (let i = INTERNAL; i < names.length; i++) {
      (copy as unknown as Fields)[names[i]!] = (t as unknown as Fields)[names[i]!];
    }
    copy.$n = t.$n;
  }
  const h = t.$h;
  if (h?.isWeak) {
    const { keys, values } = h;
    for (let i = 0; i < keys.length; i++) if (values[i] !== undefined) copy.set(keys[i], values[i]);
  } else if (h !== undefined) copy.$h = h.clone();
  return copy;
}

/** What a table consists of, for copies made by generated code (image.ts). Its values must not be weak. */
export function tableParts(t: LuaTable): {
  /** Property names and values; those of the hash that can be properties are among them. */
  readonly fields: [string, LuaValue][];
  readonly items: LuaValue[];
  readonly hash: Hash | undefined;
  /** What natives have tied to the table, unseen by Lua. */
  readonly hidden: [string, unknown][];
} {
  const own = t as unknown as Fields;
  const names = Object.keys(t).slice(INTERNAL);
  const fields = names.filter((name) => own[name] !== undefined).map((name): [string, LuaValue] => [name, own[name]]);
  const hidden = Object.getOwnPropertyNames(t)
    .slice(INTERNAL)
    .filter((name) => !names.includes(name))
    .map((name): [string, unknown] => [name, own[name]]);
  let hash: Hash | undefined;
  const old = t.$h;
  if (old !== undefined) {
    const { keys, values } = old;
    for (let i = 0; i < keys.length; i++) {
      const k = keys[i];
      if (values[i] === undefined) continue;
      const name = typeof k === 'string' ? propertyName(k) : undefined;
      if (name !== undefined) fields.push([name, values[i]]);
      else {
        hash ??= new Hash();
        hash.set(k, values[i]);
      }
    }
  }
  return { fields, items: t.$a.slice(), hash, hidden };
}
