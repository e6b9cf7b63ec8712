/**
 * The hash of a table with weak keys or values (__mode).
 *
 * It has the methods of the ordinary hash (table.ts). Objects are held by WeakRef and WeakMap, so that a key which is
 * reached only through its own value goes too. Entries whose objects are gone are dropped when the table grows.
 * JavaScript keeps what was read through a WeakRef until the current job ends, or until collectgarbage().
 */

import { beforeCollecting } from './collect.ts';
import type { LuaValue } from './value.ts';

type WeakObject = Extract<LuaValue, object>;

/** What a key stands for; `ref` is the key itself among the weak ones. */
interface Held {
  value: LuaValue | WeakRef<WeakObject>;
  ref: WeakRef<WeakObject> | undefined;
}

function isObject(v: LuaValue): v is WeakObject {
  return typeof v === 'object' || typeof v === 'function';
}

/** Hashes that hold what they have listed. */
const listed = new Set<WeakHash>();

function forgetLists(): void {
  for (const h of listed) h.forget();
  listed.clear();
}

beforeCollecting.push(forgetLists);

export class WeakHash {
  readonly isWeak = true;
  readonly weakKeys: boolean;
  readonly weakValues: boolean;
  private strong = new Map<LuaValue, Held>();
  private weak = new WeakMap<WeakObject, Held>();
  private refs = new Set<WeakRef<WeakObject>>();
  /** Number of entries at which those that are gone are looked for. */
  private sweepAt = 32;
  /** Keys and values in order, while they are being traversed. */
  private snapshot: { keys: LuaValue[]; values: LuaValue[] } | undefined = undefined;

  /** `mode` is the metatable's __mode. */
  constructor(mode: string) {
    this.weakKeys = mode.includes('k');
    this.weakValues = mode.includes('v');
  }

  get keys(): LuaValue[] {
    return this.listed().keys;
  }

  get values(): LuaValue[] {
    return this.listed().values;
  }

  get(k: LuaValue): LuaValue {
    const held = this.held(k);
    return held === undefined ? undefined : this.valueOf(held);
  }

  has(k: LuaValue): boolean {
    return this.get(k) !== undefined;
  }

  /** The position of a key in `keys`, or -1. */
  find(k: LuaValue): number {
    return this.keys.indexOf(k);
  }

  /** The key must not be nil. */
  set(k: LuaValue, v: LuaValue): void {
    const held = this.held(k);
    if (this.snapshot !== undefined) {
      const i = this.snapshot.keys.indexOf(k);
      if (i >= 0) this.snapshot.values[i] = v;
      else if (v !== undefined) this.snapshot = undefined;
    }
    if (v === undefined) {
      if (held !== undefined) this.remove(k, held);
      return;
    }
    const value = this.weakValues && isObject(v) ? new WeakRef(v) : v;
    if (held !== undefined) held.value = value;
    else this.add(k, value);
  }

  /** Lets go of what `keys` and `values` have listed. */
  forget(): void {
    this.snapshot = undefined;
  }

  clear(): void {
    this.strong.clear();
    this.weak = new WeakMap();
    this.refs.clear();
    this.snapshot = undefined;
  }

  private held(k: LuaValue): Held | undefined {
    return this.weakKeys && isObject(k) ? this.weak.get(k) : this.strong.get(k);
  }

  private valueOf(held: Held): LuaValue {
    const { value } = held;
    return value instanceof WeakRef ? value.deref() : value;
  }

  private add(k: LuaValue, value: LuaValue | WeakRef<WeakObject>): void {
    if (this.strong.size + this.refs.size >= this.sweepAt) this.sweep();
    if (this.weakKeys && isObject(k)) {
      const ref = new WeakRef(k);
      this.refs.add(ref);
      this.weak.set(k, { value, ref });
    } else this.strong.set(k, { value, ref: undefined });
  }

  private remove(k: LuaValue, held: Held): void {
    if (held.ref === undefined) this.strong.delete(k);
    else {
      this.refs.delete(held.ref);
      this.weak.delete(k as WeakObject);
    }
  }

  private sweep(): void {
    for (const [k, held] of this.strong) if (this.valueOf(held) === undefined) this.strong.delete(k);
    for (const ref of this.refs) {
      const k = ref.deref();
      const held = k === undefined ? undefined : this.weak.get(k);
      if (held !== undefined && this.valueOf(held) !== undefined) continue;
      this.refs.delete(ref);
      if (k !== undefined) this.weak.delete(k);
    }
    this.sweepAt = Math.max(32, 2 * (this.strong.size + this.refs.size));
  }

  /** All pairs; kept for the rest of the job, since what was read lives as long anyway. */
  private listed(): { keys: LuaValue[]; values: LuaValue[] } {
    if (this.snapshot !== undefined) return this.snapshot;
    const keys: LuaValue[] = [];
    const values: LuaValue[] = [];
    const put = (k: LuaValue, held: Held | undefined): void => {
      const v = held === undefined ? undefined : this.valueOf(held);
      if (v === undefined) return;
      keys.push(k);
      values.push(v);
    };
    for (const [k, held] of this.strong) put(k, held);
    for (const ref of this.refs) {
      const k = ref.deref();
      if (k !== undefined) put(k, this.weak.get(k));
    }
    this.snapshot = { keys, values };
    if (listed.size === 0) setImmediate(forgetLists);
    listed.add(this);
    return this.snapshot;
  }
}
