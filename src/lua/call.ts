/**
 * The calling convention, for those who write native functions.
 *
 * A function returns its single value bare. For none or several it fills the registers `R` and returns `S`
 * (`return ret2(a, b)`). `R.n < 0` together with `S` means that the callee suspended: a native that called it
 * pushes a `NativeFrame` to be continued later and returns `S` itself.
 */

import { type LuaFunction, type LuaResult, type LuaValue, Sentinel } from './value.ts';

/** Registers that accompany the sentinel: `n` values, the first three in a, b, c, all of them in v if n > 3. */
export interface Registers {
  n: number;
  a: LuaValue;
  b: LuaValue;
  c: LuaValue;
  v: LuaValue[];
  /** Of a yield: how many values, in the same places. */
  count: number;
  /** Nested tail calls on the native stack. */
  tail: number;
  /** The function that has last called something, among those that use setfenv or module. */
  self: LuaFunction | undefined;
  /** Calls and iterations until limits are looked at (limits.ts). */
  fuel: number;
  /** The chunk that is calling a native which wants to know (`wantsPlace`), and its line; see `takePlace`. */
  place: { readonly chunk: { readonly shortSource: string } } | undefined;
  placeLine: number;
}

/** A small integer to V8. */
export const MAX_FUEL = 0x3fffffff;

/** The sentinel: "the result is in the registers". */
export const S = new Sentinel();

/** The registers of the last function that returned `S`. Valid until the next call of any Lua function. */
export const R: Registers = {
  n: 0,
  a: undefined,
  b: undefined,
  c: undefined,
  v: [],
  count: 0,
  tail: 0,
  self: undefined,
  fuel: MAX_FUEL,
  place: undefined,
  placeLine: 0,
};

/** `R.n` when a coroutine yields: stops at the nearest coroutine.resume. */
export const YIELD = -1;
/** `R.n` when the whole host thread is parked: passes through coroutine.resume. */
export const SUSPEND = -2;
/** `R.n` when a chain of tail calls has become too deep for the native stack and continues from the heap. */
export const TAIL = -3;

/** Returns no value. */
export function ret0(): Sentinel {
  R.n = 0;
  return S;
}

/** Returns two values. */
export function ret2(a: LuaValue, b: LuaValue): Sentinel {
  R.n = 2;
  R.a = a;
  R.b = b;
  return S;
}

/** Returns three values. */
export function ret3(a: LuaValue, b: LuaValue, c: LuaValue): Sentinel {
  R.n = 3;
  R.a = a;
  R.b = b;
  R.c = c;
  return S;
}

/** Returns all values of an array, which must not be changed afterwards. */
export function retN(values: LuaValue[]): LuaResult {
  const n = values.length;
  if (n === 1) return values[0];
  R.n = n;
  R.v = values;
  R.a = values[0];
  R.b = values[1];
  R.c = values[2];
  return S;
}

/** Whether a result says that the callee suspended (see `pushFrame`). */
export function suspended(r: LuaResult): r is Sentinel {
  return r === S && R.n < 0;
}

/** The first value of a result that is not a suspension; nil if there is none. */
export function first(r: LuaResult): LuaValue {
  if (r !== S) return r as LuaValue;
  return R.n > 0 ? R.a : undefined;
}

/** All values of a result that is not a suspension. The array may be shared: copy it before changing it. */
export function toArray(r: LuaResult): LuaValue[] {
  if (r !== S) return [r as LuaValue];
  switch (R.n) {
    case 0:
      return [];
    case 2:
      return [R.a, R.b];
    case 3:
      return [R.a, R.b, R.c];
    default:
      return R.v;
  }
}

/**
 * A native function that was parked because something it called suspended.
 * `resume` continues it with the result of that call and returns what the native returns (or `S` after pushing a
 * frame again). `fail`, if present, receives an error thrown by that call instead of the error passing through.
 */
export interface NativeFrame {
  resume(result: LuaResult): LuaResult;
  fail?(error: unknown): LuaResult;
  /** Name for tracebacks. */
  readonly name?: string;
}

/** What a parked function needs of its compiled form; see compiler/compile.ts. */
export interface Prototype {
  /** Continues a frame with the result it waits for. */
  resume(frame: Frame, result: LuaResult): LuaResult;
}

/**
 * A function that was parked: which function, where, and the values of its variables, the first ones in fields and the
 * others in `more`. All frames are of this class, so that V8 needs to know one shape only; that of a native function
 * has its NativeFrame as its first variable.
 */
export class Frame {
  readonly proto: Prototype;
  readonly pc: number;
  v0: unknown;
  v1: unknown;
  v2: unknown;
  v3: unknown;
  v4: unknown;
  v5: unknown;
  v6: unknown;
  v7: unknown;
  more: unknown[] | undefined;
  /** The frame of the caller. */
  outer: Frame | undefined = undefined;
  /**
   * Of the innermost frame of a suspension: while it is under way, its outermost frame so far; when it is parked, the
   * innermost one that has not gone on yet.
   */
  last: Frame | undefined = undefined;
  /** The function, of frames in hooked form; absent if it is not known. */
  declare self?: LuaFunction;

  constructor(
    proto: Prototype,
    pc: number,
    v0: unknown,
    v1: unknown,
    v2: unknown,
    v3: unknown,
    v4: unknown,
    v5: unknown,
    v6: unknown,
    v7: unknown,
    more: unknown[] | undefined,
  ) {
    this.proto = proto;
    this.pc = pc;
    this.v0 = v0;
    this.v1 = v1;
    this.v2 = v2;
    this.v3 = v3;
    this.v4 = v4;
    this.v5 = v5;
    this.v6 = v6;
    this.v7 = v7;
    this.more = more;
  }

  /** The frame of a native function, undefined if it is that of a Lua function. */
  get native(): NativeFrame | undefined {
    return this.proto === NATIVE ? (this.v0 as NativeFrame) : undefined;
  }

  /** A variable, by its place in the function's layout. */
  get(i: number): unknown {
    return i < FRAME_FIELDS ? (this as unknown as Record<string, unknown>)['v' + i] : this.more![i - FRAME_FIELDS];
  }

  set(i: number, v: unknown): void {
    if (i < FRAME_FIELDS) (this as unknown as Record<string, unknown>)['v' + i] = v;
    else this.more![i - FRAME_FIELDS] = v;
  }

  /** Lets go of the variables. */
  clear(): void {
    this.v0 = this.v1 = this.v2 = this.v3 = this.v4 = this.v5 = this.v6 = this.v7 = this.more = undefined;
  }
}

/** Variables of a frame that have fields of their own. */
export const FRAME_FIELDS = 8;

const NATIVE: Prototype = {
  resume: (frame, result) => (frame.v0 as NativeFrame).resume(result),
};

/**
 * The frames of a coroutine that are parked. Where its top is, is written in the innermost frame of the last
 * suspension: V8 would have to take note of each new object that is written in an old one.
 */
export class Stack {
  private head: Frame | undefined = undefined;

  /** The innermost frame. */
  get top(): Frame | undefined {
    return this.head === undefined ? undefined : this.head.last;
  }

  /** Takes the innermost frame away. */
  pop(): Frame | undefined {
    const { head } = this;
    if (head === undefined) return undefined;
    const frame = head.last;
    if (frame === undefined) this.head = undefined;
    else head.last = frame.outer;
    return frame;
  }

  /** Puts what was captured on top: the frames are a list already. */
  park(): void {
    const inner = captured.top;
    if (inner === undefined) return;
    captured.top = undefined;
    inner.last!.outer = this.top;
    inner.last = this.head = inner;
  }

  clear(): void {
    this.head = undefined;
  }
}

/** The innermost of the frames captured so far by the suspension under way. */
const captured: { top: Frame | undefined } = { top: undefined };

/** Adds the frame of the next function that leaves. */
export function addFrame(frame: Frame): Sentinel {
  const inner = captured.top;
  if (inner === undefined) {
    captured.top = frame.last = frame;
  } else {
    inner.last!.outer = frame;
    inner.last = frame;
  }
  return S;
}

/** Forgets a suspension that was cut short by an error. */
export function dropCaptured(): void {
  captured.top = undefined;
}

/**
 * To be called by a native function when `suspended(r)`: registers how to go on.
 * The native must then return `S` at once: `if (suspended(r)) return pushFrame(new MyFrame(...))`.
 */
export function pushFrame(frame: NativeFrame): Sentinel {
  const f = frame as unknown;
  return addFrame(
    new Frame(NATIVE, 0, f, undefined, undefined, undefined, undefined, undefined, undefined, undefined, undefined),
  );
}

/**
 * Set by the runtime. `callable` finds what to call for a value that is not a function (__call), or throws;
 * `errorValue` gives the Lua value of anything that was thrown.
 */
export const hooks: { callable(f: LuaValue): LuaFunction; errorValue(e: unknown): LuaValue } = {
  callable() {
    throw new Error('the Lua runtime is not loaded');
  },
  errorValue: String,
};

/** Calls any callable value. The result may be a suspension: test it with `suspended`. */
export function call(f: LuaValue, args: LuaValue[]): LuaResult {
  const fn = typeof f === 'function' ? f : hooks.callable(f);
  switch (args.length) {
    case 0:
      return fn();
    case 1:
      return fn(args[0]);
    case 2:
      return fn(args[0], args[1]);
    default:
      return fn(...args);
  }
}
