/**
 * The slow paths of compiled code: everything that meets a metatable, a wrong type or a coercion.
 *
 * A helper that calls a metamethod returns its result, or the sentinel if that suspended: the frame of the Lua
 * function, or of a native when more is to be done, takes the result when it arrives.
 */

import { addFrame, dropCaptured, Frame, first, hooks, pushFrame, R, retN, S, toArray } from './call.ts';
import type { Proto } from './compiler/compile.ts';
import { GLOBAL_PREFIX, globals, tracing } from './compiler/globals.ts';
import { setOperations } from './compiler/keys.ts';
import { Coroutine, deferCall, dynamic } from './coroutine.ts';
import { argError, LuaError, throwError, throwOperation } from './error.ts';
import { CData, cdataOperations, type MemberCache } from './ffi/cdata.ts';
import { onCollect } from './gc/collector.ts';
import { hookCall, hookLine, hookNative, hookReturn } from './hook.ts';
import { argInteger, argNumber, typeError } from './lib/args.ts';
import { Killed, tick } from './limits.ts';
import { formatNumber, parseNumber } from './number.ts';
import { isOverflow, operandNames, positionOf } from './position.ts';
import { Cursor, LuaTable, modeChanged } from './table.ts';
import { type LuaFunction, type LuaResult, type LuaValue, truthy, Userdata } from './value.ts';

const MAX_CHAIN = 100;

/** lua_typename: the name of a value's type. */
export function typeName(v: LuaValue): string {
  switch (typeof v) {
    case 'undefined':
      return 'nil';
    case 'object':
      if (v instanceof LuaTable) return 'table';
      return v instanceof Coroutine ? 'thread' : v instanceof CData ? 'cdata' : 'userdata';
    default:
      return typeof v;
  }
}

/** Metatables of types whose values have none of their own; one set per state. */
export interface TypeMetatables {
  string: LuaTable | undefined;
  number: LuaTable | undefined;
  boolean: LuaTable | undefined;
  function: LuaTable | undefined;
  thread: LuaTable | undefined;
  nil: LuaTable | undefined;
}

const noMetatables: TypeMetatables = {
  string: undefined,
  number: undefined,
  boolean: undefined,
  function: undefined,
  thread: undefined,
  nil: undefined,
};

/** The metatable of any value, without regard to __metatable. */
export function metatableOf(v: LuaValue): LuaTable | undefined {
  if (v instanceof LuaTable) return v.$m;
  if (v instanceof Userdata) return v.metatable;
  const types = dynamic.current?.state.metatables ?? noMetatables;
  switch (typeof v) {
    case 'string':
      return types.string;
    case 'number':
      return types.number;
    case 'boolean':
      return types.boolean;
    case 'function':
      return types.function;
    case 'undefined':
      return types.nil;
    default:
      return types.thread;
  }
}

type Fields = Record<string, LuaValue>;

/** A metamethod of a value, nil if it has none. */
export function metamethod(v: LuaValue, event: string): LuaValue {
  const m = metatableOf(v);
  return m === undefined ? undefined : m.getStr(event);
}

function one(r: LuaResult): LuaResult {
  if (r !== S) return r;
  return R.n < 0 ? S : R.n > 0 ? R.a : undefined;
}

function callable(f: LuaValue): LuaFunction {
  const bound = f instanceof CData ? cdataOperations.bound(f) : undefined;
  if (bound !== undefined) return bound;
  const h = metamethod(f, '__call');
  if (typeof h !== 'function') {
    if (h !== undefined) {
      const inner = callable(h);
      return (...args) => inner(f, ...args);
    }
    badOperand('call', f, operandNames()[0]);
  }
  return (...args) => h(f, ...args);
}
hooks.callable = callable;

function badOperand(action: string, v: LuaValue, name: string | undefined): never {
  const type = typeName(v);
  throwOperation(
    name === undefined ? `attempt to ${action} a ${type} value` : `attempt to ${action} ${name} (a ${type} value)`,
  );
}

// Indexing

/** `o[k]`; small enough to be inlined for keys in the hash. */
function index(o: LuaValue, k: LuaValue): LuaResult {
  if (o !== undefined) {
    // Only tables have it.
    const h = (o as LuaTable).$h;
    if (h !== undefined) {
      const v = h.get(k);
      if (v !== undefined) return v;
      if (typeof k === 'string' && (o as LuaTable).$n === 0 && (o as LuaTable).$m === undefined) return undefined;
    }
  }
  return indexChain(o, k);
}

function indexChain(object: LuaValue, k: LuaValue): LuaResult {
  let o = object;
  for (let i = 0; i < MAX_CHAIN; i++) {
    let h: LuaValue;
    if (o instanceof LuaTable) {
      const v = o.get(k);
      if (v !== undefined) return v;
      const m = o.$m;
      if (m === undefined) return undefined;
      h = (m as unknown as Fields)['__index'];
      if (h === undefined) {
        if (m.$h === undefined || (h = m.$h.get('__index')) === undefined) return undefined;
      }
    } else {
      if (o instanceof CData) return cdataOperations.index(o, k);
      h = metamethod(o, '__index');
      if (h === undefined) badOperand('index', o, i === 0 ? operandNames()[0] : undefined);
    }
    if (typeof h === 'function') return callIndex(h, o, k);
    o = h;
  }
  return throwOperation('loop in gettable');
}

function callIndex(h: LuaValue, o: LuaValue, k: LuaValue): LuaResult {
  return one((h as LuaFunction)(o, k));
}

/** `o[k] = v`: `undefined`, or the sentinel if a metamethod suspended. */
function setIndex(o: LuaValue, k: LuaValue, v: LuaValue): LuaResult {
  if (o instanceof LuaTable && o.$m === undefined) {
    if (typeof k === 'number') {
      // Appending, the most frequent.
      const a = o.$a;
      if (k === a.length && k > 1 && v !== undefined && o.$h === undefined) a.push(v);
      else o.setInt(k, v);
      return undefined;
    }
    if (typeof k === 'string' && o.$n === 0 && o.$h !== undefined) {
      o.$h.set(k, v);
      return undefined;
    }
  }
  return setIndexChain(o, k, v);
}

function setIndexChain(object: LuaValue, k: LuaValue, v: LuaValue): LuaResult {
  let o = object;
  for (let i = 0; i < MAX_CHAIN; i++) {
    let h: LuaValue;
    if (o instanceof LuaTable) {
      const m = o.$m;
      if (m === undefined || (h = m.getStr('__newindex')) === undefined || o.get(k) !== undefined) {
        o.set(k, v);
        return undefined;
      }
    } else {
      if (o instanceof CData) return cdataOperations.setIndex(o, k, v);
      h = metamethod(o, '__newindex');
      if (h === undefined) badOperand('index', o, i === 0 ? operandNames()[0] : undefined);
    }
    if (typeof h === 'function') {
      const r = h(o, k, v);
      return r === S && R.n < 0 ? S : undefined;
    }
    o = h;
  }
  return throwOperation('loop in settable');
}

/** `o[k]` with a constant key. */
function indexKey(o: LuaValue, k: string, cache: MemberCache): LuaResult {
  return o instanceof CData ? cdataOperations.indexMember(o, k, cache) : index(o, k);
}

/** Assignment with a constant key: a new key becomes a property. */
function setField(o: LuaValue, k: string, v: LuaValue, cache: MemberCache): LuaResult {
  if (o instanceof CData) return cdataOperations.setMember(o, k, v, cache);
  if (o instanceof LuaTable && (o.$m === undefined || o.$m.getStr('__newindex') === undefined)) {
    o.setStr(k, v);
    return undefined;
  }
  return setIndex(o, k, v);
}

// Arithmetic

/** lua_tonumber: numbers, and strings that look like one. */
export function toNumber(v: LuaValue): number | undefined {
  return typeof v === 'number' ? v : typeof v === 'string' ? parseNumber(v) : undefined;
}

function arithmetic(event: string, compute: (a: number, b: number) => number): (a: LuaValue, b: LuaValue) => LuaResult {
  return (a, b) => {
    const x = toNumber(a);
    const y = toNumber(b);
    if (x !== undefined && y !== undefined) return compute(x, y);
    const h = metamethod(a, event) ?? metamethod(b, event);
    if (h === undefined) {
      const names = operandNames();
      if (x === undefined) badOperand('perform arithmetic on', a, names[0]);
      badOperand('perform arithmetic on', b, names[1]);
    }
    return one((typeof h === 'function' ? h : callable(h))(a, b));
  };
}

/** The upper half of a double's digits. */
function upper(x: number): number {
  const c = 134217729 * x;
  return c - (c - x);
}

/**
 * a^n for an integer n, computed with twice the digits of a double: V8's own result may be off in the last one, where
 * the C library's is not.
 */
function integerPower(a: number, n: number): number {
  // base + baseLow and result + resultLow are numbers of two doubles.
  let base = a;
  let baseLow = 0;
  let result = 1;
  let resultLow = 0;
  for (let rest = Math.abs(n); ; ) {
    if ((rest & 1) === 1) {
      const p = result * base;
      const r = upper(result);
      const s = upper(base);
      const low = r * s - p + r * (base - s) + (result - r) * s + (result - r) * (base - s);
      resultLow = low + (result * baseLow + resultLow * base);
      result = p + resultLow;
      resultLow += p - result;
    }
    rest >>= 1;
    if (rest === 0) break;
    const p = base * base;
    const r = upper(base);
    const low = r * r - p + 2 * r * (base - r) + (base - r) * (base - r);
    baseLow = low + 2 * base * baseLow;
    base = p + baseLow;
    baseLow += p - base;
  }
  if (n < 0) {
    const q = 1 / result;
    const p = q * result;
    const r = upper(q);
    const s = upper(result);
    const low = r * s - p + r * (result - s) + (q - r) * s + (q - r) * (result - s);
    result = q + q * (1 - p - low - q * resultLow);
  }
  // Out of the range where the halves of a product are exact.
  const size = Math.abs(result);
  return size < 1e280 && size > 1e-280 ? result : a ** n;
}

/** C's pow, which differs from JavaScript's for a base of 1 or -1. */
function power(a: number, b: number): number {
  if (b === 2) return a * a;
  if ((b | 0) === b && b > -400 && b < 400) return integerPower(a, b);
  if (a === 1 || (a === -1 && (b === Number.POSITIVE_INFINITY || b === Number.NEGATIVE_INFINITY))) return 1;
  return a ** b;
}

const negate = arithmetic('__unm', (a) => -a);

// Comparison

function callBoolean(h: LuaValue, a: LuaValue, b: LuaValue): LuaResult {
  const r = (typeof h === 'function' ? h : callable(h))(a, b);
  if (r === S && R.n < 0) return S;
  return truthy(first(r));
}

function eq(a: LuaValue, b: LuaValue): LuaResult {
  if (a instanceof CData || b instanceof CData) {
    const r = cdataOperations.equal(a, b);
    return typeof r === 'boolean' || (r === S && R.n < 0) ? r : truthy(first(r));
  }
  if (typeof b !== 'object' || typeName(a) !== typeName(b)) return false;
  const m = metatableOf(a);
  if (m === undefined) return false;
  const h = m.getStr('__eq');
  if (h === undefined) return false;
  const n = metatableOf(b);
  if (n !== m && n?.getStr('__eq') !== h) return false;
  return callBoolean(h, a, b);
}

function badComparison(a: LuaValue, b: LuaValue): never {
  const x = typeName(a);
  const y = typeName(b);
  throwOperation(x === y ? `attempt to compare two ${x} values` : `attempt to compare ${x} with ${y}`);
}

function lt(a: LuaValue, b: LuaValue): LuaResult {
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'string' && typeof b === 'string') return a < b;
  const h = metamethod(a, '__lt') ?? metamethod(b, '__lt');
  if (h === undefined) badComparison(a, b);
  return callBoolean(h, a, b);
}

const notFrame = { name: '__lt', resume: (r: LuaResult): LuaResult => !truthy(first(r)) };

function le(a: LuaValue, b: LuaValue): LuaResult {
  if (typeof a === 'number' && typeof b === 'number') return a <= b;
  if (typeof a === 'string' && typeof b === 'string') return a <= b;
  let h = metamethod(a, '__le') ?? metamethod(b, '__le');
  if (h !== undefined) return callBoolean(h, a, b);
  h = metamethod(b, '__lt') ?? metamethod(a, '__lt');
  // As it is the other way round that b < a was looked for.
  if (h === undefined) badComparison(b, a);
  const r = callBoolean(h, b, a);
  if (r === S) return pushFrame(notFrame);
  return !r;
}

// Length and concatenation

function length(o: LuaValue): LuaResult {
  if (typeof o === 'string') return o.length;
  const h = metamethod(o, '__len');
  if (h !== undefined) return one((typeof h === 'function' ? h : callable(h))(o, o));
  if (o instanceof LuaTable) return o.length();
  return badOperand('get length of', o, operandNames()[0]);
}

function isText(v: LuaValue): v is string | number {
  return typeof v === 'string' || typeof v === 'number';
}

function text(v: string | number): string {
  return typeof v === 'string' ? v : formatNumber(v);
}

class ConcatFrame {
  readonly name = '__concat';
  private readonly parts: LuaValue[];
  private readonly i: number;
  constructor(parts: LuaValue[], i: number) {
    this.parts = parts;
    this.i = i;
  }
  resume(r: LuaResult): LuaResult {
    return concatFrom(this.parts, this.i, first(r));
  }
}

/** Concatenates parts[0..i-1] and `right`, from the right. */
function concatFrom(parts: LuaValue[], count: number, last: LuaValue): LuaResult {
  let right = last;
  for (let i = count - 1; i >= 0; i--) {
    const left = parts[i];
    if (isText(left) && isText(right)) {
      right = text(left) + text(right);
      continue;
    }
    const h = metamethod(left, '__concat') ?? metamethod(right, '__concat');
    if (h === undefined) {
      const names = operandNames();
      if (isText(left)) badOperand('concatenate', right, names[i + 1]);
      badOperand('concatenate', left, names[i]);
    }
    const r = (typeof h === 'function' ? h : callable(h))(left, right);
    if (r === S && R.n < 0) return i === 0 ? S : pushFrame(new ConcatFrame(parts, i));
    right = first(r);
  }
  return right;
}

// For loops

function forBound(what: string): (v: LuaValue) => number {
  return (v) => toNumber(v) ?? throwError(`'for' ${what} must be a number`);
}

/** next: also the mark by which for loops over tables are recognised. */
export function next(t: LuaValue, k?: LuaValue): LuaResult {
  if (!(t instanceof LuaTable)) {
    argError(1, 'next', `table expected, got ${arguments.length === 0 ? 'no value' : typeName(t)}`);
  }
  let cursor = lastCursor;
  if (k === undefined || !cursor.isAt(t, k)) {
    cursor = lastCursor = new Cursor(t);
    if (!cursor.seek(k)) throwOperation("invalid key to 'next'");
  }
  if (!cursor.next()) return undefined;
  R.n = 2;
  R.a = cursor.k;
  R.b = cursor.v;
  return S;
}

let lastCursor = new Cursor(new LuaTable());
onCollect(() => {
  lastCursor = new Cursor(new LuaTable());
});

/** The iterator function of ipairs. It knows no __index, in LuaJIT with 5.2's extensions neither. */
export function ipairsNext(t: LuaValue, i: LuaValue): LuaResult {
  if (!(t instanceof LuaTable)) typeError(t, 1, '?', 'table', arguments.length);
  const k = argNumber(i, 2, '?', arguments.length) + 1;
  const v = t.getInt(Math.trunc(k));
  if (v === undefined) return undefined;
  R.n = 2;
  R.a = k;
  R.b = v;
  return S;
}

/** Iterates items until the first nil; used by loops as a Cursor is. */
class ItemCursor {
  k: LuaValue = 0;
  v: LuaValue = undefined;
  readonly t: LuaTable;
  a: LuaValue[];
  i = 0;
  readonly keys = undefined;
  constructor(t: LuaTable) {
    this.t = t;
    this.a = t.$a;
  }
  /** The loop has found no item behind `position` in the array. */
  from(position: number): boolean {
    const i = position + 1;
    const v = this.t.getInt(i);
    if (v === undefined) return false;
    this.a = this.t.$a;
    this.k = this.i = i;
    this.v = v;
    return true;
  }
}

/** select: here because compiled code knows it. */
export function select(n: LuaValue, ...values: LuaValue[]): LuaResult {
  if (n === '#') return values.length;
  const count = values.length;
  let i = typeof n === 'number' && (n | 0) === n ? n : argInteger(n, 1, 'select', arguments.length);
  if (i < 0) i = count + i + 1;
  if (i < 1) argError(1, 'select', 'index out of range');
  switch (count - i) {
    case 0:
      return values[count - 1];
    case 1:
      R.n = 2;
      R.a = values[count - 2];
      R.b = values[count - 1];
      return S;
    default:
      return i > count ? retN([]) : retN(values.slice(i - 1));
  }
}

/** The border that LuaJIT finds in an array with holes, by bisection below a slot that is nil. */
function border(a: readonly LuaValue[], nil: number): number {
  let low = 0;
  let high = nil;
  while (high - low > 1) {
    const mid = (low + high) >> 1;
    if (a[mid] === undefined) high = mid;
    else low = mid;
  }
  return low;
}

/** Ends the items at a border; those behind it move to the hash. */
function cut(t: LuaTable, end: number): void {
  const a = t.$a;
  t.$a = a.slice(0, end + 1);
  for (let i = end + 1; i < a.length; i++) if (a[i] !== undefined) t.set(i, a[i]);
}

const MODE: MemberCache = { c: undefined, f: undefined };

/** A frame of variables in the order of the function's layout. */
function frameOf(proto: Proto, pc: number, vars: unknown[]): Frame {
  const [v0, v1, v2, v3, v4, v5, v6, v7, ...more] = vars;
  return new Frame(proto, pc, v0, v1, v2, v3, v4, v5, v6, v7, more);
}

/** Calls the hooked form of a function. Stack walks know it by its name and leave out the function that called it. */
function $enter(proto: Proto, self: LuaFunction, vars: unknown[]): LuaResult {
  const frame = frameOf(proto, 0, vars);
  frame.self = self;
  return proto.resume(frame, undefined);
}

// What compiled code calls. One object literal: V8 treats calls that have never run as cold only then.

const runtime = {
  index,
  setIndex,
  callable,
  first: (): LuaResult => (R.n < 0 ? S : R.n > 0 ? R.a : undefined),
  one,
  boolean: (r: LuaResult): boolean => truthy(first(r)),
  array: toArray,
  results: retN,
  add: arithmetic('__add', (a, b) => a + b),
  sub: arithmetic('__sub', (a, b) => a - b),
  mul: arithmetic('__mul', (a, b) => a * b),
  div: arithmetic('__div', (a, b) => a / b),
  mod: arithmetic('__mod', (a, b) => a - Math.floor(a / b) * b),
  pow: arithmetic('__pow', power),
  unm: (a: LuaValue): LuaResult => negate(a, a),
  power,
  eq,
  /** For objects that are no tables. The __eq of a C type cannot be suspended here. */
  equalsConstant(a: LuaValue, b: LuaValue): boolean {
    if (!(a instanceof CData)) return false;
    const { pinned } = dynamic;
    dynamic.pinned++;
    const r = eq(a, b);
    dynamic.pinned = pinned;
    if (r !== S) return r as boolean;
    dropCaptured();
    return throwError('attempt to yield across C-call boundary');
  },
  lt,
  le,
  length,
  text,
  concat(a: LuaValue, b: LuaValue): LuaResult {
    if (isText(a) && isText(b)) return text(a) + text(b);
    return concatFrom([a], 1, b);
  },
  concatAll(parts: LuaValue[]): LuaResult {
    return concatFrom(parts, parts.length - 1, parts[parts.length - 1]);
  },
  forStart: forBound('initial value'),
  forLimit: forBound('limit'),
  forStep: forBound('step'),
  /** `o.__mode = v`: tables whose metatable is `o` become weak. */
  setMode(o: LuaValue, v: LuaValue): LuaResult {
    const r = setField(o, '__mode', v, MODE);
    if (o instanceof LuaTable) modeChanged(o);
    return r;
  },
  /** An object that iterates without calls, if the iterator is next or that of ipairs. */
  select,
  cursor(f: LuaValue, t: LuaValue, control: LuaValue): Cursor | ItemCursor | undefined {
    if (f === next) return t instanceof LuaTable && control === undefined ? new Cursor(t) : undefined;
    if (f === ipairsNext) {
      return t instanceof LuaTable && t.$m === undefined && control === 0 ? new ItemCursor(t) : undefined;
    }
    return undefined;
  },
  noItems: new LuaTable().$a,
  list(a: LuaValue[]): LuaTable {
    const t = new LuaTable();
    t.$a = a;
    return t;
  },
  /** Of a new table whose last item may be nil. */
  settle(t: LuaTable): LuaTable {
    const n = t.$a.length - 1;
    if (t.$a[n] === undefined) cut(t, border(t.$a, n));
    return t;
  },
  /**
   * Of a new table whose `count` items are followed by varargs or the results of a call. LuaJIT has made room for one
   * result, and for two items at least; if there are more, the array grows by one item more than is needed.
   */
  settleOpen(t: LuaTable, count: number): LuaTable {
    const n = t.$a.length - 1;
    const room = count > 0 ? count + 1 : 2;
    if (n !== room || t.$a[n] === undefined) {
      const end = border(t.$a, n > room ? n + 1 : room);
      if (end !== n) cut(t, end);
    }
    return t;
  },
  append(t: LuaTable, count: number, values: readonly LuaValue[]): void {
    let i = count;
    for (const v of values) t.setInt(++i, v);
  },
  capture(
    proto: Proto,
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
  ): typeof S {
    return addFrame(new Frame(proto, pc, v0, v1, v2, v3, v4, v5, v6, v7, more));
  },
  captureHooked(proto: Proto, pc: number, vars: unknown[], self: LuaFunction | undefined): typeof S {
    const frame = frameOf(proto, pc, vars);
    frame.self = self;
    return addFrame(frame);
  },
  enter: $enter,
  hookLine,
  hookCall,
  hookReturn,
  hookNative,
  tick,
  /** Fails if fields of a value cannot be assigned. */
  checkIndexed(o: LuaValue): void {
    if (o instanceof LuaTable || o instanceof CData || metamethod(o, '__newindex') !== undefined) return;
    badOperand('index', o, operandNames()[0]);
  },
  start(proto: Proto, vars: unknown[], self: LuaFunction): LuaResult {
    const frame = frameOf(proto, 0, vars);
    if (tracing.on) frame.self = self;
    return proto.resume(frame, undefined);
  },
  tailCall: deferCall,
  /** Does nothing; see `clearTemporaries` in compiler/emit-base.ts. */
  wipe(): void {},
  closure(proto: Proto, env: LuaValue, upvalues: unknown[]): LuaFunction {
    return proto.instantiate(env, upvalues);
  },
  callWithEnv: function $callWithEnv(
    self: FunctionWithEnv,
    proto: Proto,
    created: LuaTable,
    upvalues: unknown[],
    args: LuaValue[],
  ): LuaResult {
    const own = self.$E!;
    if (own.query) {
      own.env = created;
      return undefined;
    }
    own.instance ??= proto.instantiate(own.env, upvalues);
    return own.instance(...args);
  },
  tellEnv(self: FunctionWithEnv, created: LuaTable): LuaResult {
    self.$E!.env = created;
    return undefined;
  },
  envAfterCall(self: FunctionWithEnv, env: LuaTable): LuaTable {
    return self.$E === undefined ? env : self.$E.env;
  },
};

globals.define('RT', runtime);
/** What strings are indexed with, usually the string library. */
function stringIndex(): LuaValue {
  const m = dynamic.current?.state.metatables.string;
  return m === undefined ? undefined : (m as unknown as Fields)['__index'];
}

setOperations({ index, indexKey, setField, callIndex, stringIndex });

/** The environment that setfenv gave a function. */
export interface OwnEnv {
  env: LuaTable;
  /** The function compiled for that environment. */
  instance: LuaFunction | undefined;
  /** The next call only stores the environment the function was created with. */
  query: boolean;
}

/** A Lua function whose environment may have been changed. */
export interface FunctionWithEnv extends LuaFunction {
  $E?: OwnEnv;
}

/** The value of an error that was caught, for pcall and its like. */
export function errorValue(e: unknown): LuaValue {
  // Nothing in Lua catches the end of its thread.
  if (e instanceof Killed) throw e;
  if (e instanceof LuaError) return e.value;
  if (isOverflow(e)) {
    // Perhaps it came between the place of a call and the call.
    R.place = undefined;
    return positionOf(e) + 'stack overflow';
  }
  // V8's own limit of strings, half a gigabyte.
  if (e instanceof RangeError && e.message === 'Invalid string length') return 'not enough memory';
  return e instanceof Error ? e.message : String(e);
}

export { callable, concatFrom, eq, GLOBAL_PREFIX, index, le, length, lt, setIndex };
