/**
 * The hash of a table with weak keys or values (__mode).
 *
 * It has the methods of the ordinary hash (table.ts). Objects are held by WeakRef and WeakMap, so that a key which is
 * reached only through its own value goes too. The position of an entry stays the same until a new key comes, even if
 * its objects go: traversals may collect. Entries whose objects are gone are dropped when the table grows.
 * V8 keeps what was read through a WeakRef until the current job ends or collectgarbage() is called; see
 * gc/collector.ts.
 */

import { countKept } from './gc/collector.ts';
import type { LuaValue } from './value.ts';

type WeakObject = Extract<LuaValue, object>;

/** What a key stands for: nil once it has been removed. */
interface Held {
  value: LuaValue | WeakRef<WeakObject>;
  position: number;
}

function isObject(v: LuaValue): v is WeakObject {
  return typeof v === 'object' || typeof v === 'function';
}

const FIRST_SWEEP = 32;

export class WeakHash {
  readonly isWeak = true;
  /** Its key 0 comes where it is (table.ts). */
  readonly hasZero = false;
  readonly weakKeys: boolean;
  readonly weakValues: boolean;
  private readonly strong = new Map<LuaValue, Held>();
  private weak = new WeakMap<WeakObject, Held>();
  /** Keys in order of their positions. */
  private order: (LuaValue | WeakRef<WeakObject>)[] = [];
  /** Number of entries at which those that are gone are dropped. */
  private sweepAt = FIRST_SWEEP;

  /** `mode` is the metatable's __mode. */
  constructor(mode: string) {
    this.weakKeys = mode.includes('k');
    this.weakValues = mode.includes('v');
  }

  /** Number of positions, those of entries that are gone included. */
  get size(): number {
    return this.order.length;
  }

  /** All keys by position. Only meaningful where the value is not nil. */
  get keys(): LuaValue[] {
    return this.order.map((_, i) => this.keyAt(i));
  }

  /** All values by position, nil for those that are gone. */
  get values(): LuaValue[] {
    return this.order.map((_, i) => this.valueAt(i));
  }

  /** The key at a position; nil if it is gone. */
  keyAt(i: number): LuaValue {
    const k = this.order[i];
    if (!(k instanceof WeakRef)) return k;
    countKept();
    return k.deref();
  }

  /** The value at a position; nil if it or its key is gone. */
  valueAt(i: number): LuaValue {
    const k = this.keyAt(i);
    return k === undefined ? undefined : this.get(k);
  }

  get(k: LuaValue): LuaValue {
    const held = this.held(k);
    return held === undefined ? undefined : heldValue(held);
  }

  has(k: LuaValue): boolean {
    return this.get(k) !== undefined;
  }

  /** The position of a key that is in the table or was until lately, or -1. */
  find(k: LuaValue): number {
    return this.held(k)?.position ?? -1;
  }

  /** The key must not be nil. */
  set(k: LuaValue, v: LuaValue): void {
    const held = this.held(k);
    if (held === undefined) {
      if (v !== undefined) this.add(k, v);
    } else held.value = this.toHold(v);
  }

  clear(): void {
    this.strong.clear();
    this.weak = new WeakMap();
    this.order = [];
    this.sweepAt = FIRST_SWEEP;
  }

  /** The length of items 1..n: a border found by bisection. */
  border(): number {
    if (!this.has(1)) return 0;
    let low = 1;
    let high = 2;
    while (this.has(high)) {
      low = high;
      high *= 2;
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.has(middle)) low = middle;
      else high = middle;
    }
    return low;
  }

  private held(k: LuaValue): Held | undefined {
    return this.weakKeys && isObject(k) ? this.weak.get(k) : this.strong.get(k);
  }

  private toHold(v: LuaValue): LuaValue | WeakRef<WeakObject> {
    if (!this.weakValues || !isObject(v)) return v;
    countKept();
    return new WeakRef(v);
  }

  private add(k: LuaValue, v: LuaValue): void {
    if (this.order.length >= this.sweepAt) this.sweep();
    const held = { value: this.toHold(v), position: this.order.length };
    if (this.weakKeys && isObject(k)) {
      countKept();
      this.order.push(new WeakRef(k));
      this.weak.set(k, held);
    } else {
      this.order.push(k);
      this.strong.set(k, held);
    }
  }

  private sweep(): void {
    const { order } = this;
    this.order = [];
    for (const item of order) {
      const k = item instanceof WeakRef ? item.deref() : item;
      if (k === undefined) continue;
      const held = this.held(k)!;
      if (heldValue(held) !== undefined) {
        held.position = this.order.length;
        this.order.push(item);
      } else if (this.weakKeys && isObject(k)) this.weak.delete(k);
      else this.strong.delete(k);
    }
    this.sweepAt = Math.max(FIRST_SWEEP, 2 * this.order.length);
  }
}

function heldValue(held: Held): LuaValue {
  const { value } = held;
  if (!(value instanceof WeakRef)) return value;
  countKept();
  return value.deref();
}
