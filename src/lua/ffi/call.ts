/**
 * Calls of C functions, and of Lua functions by C.
 *
 * Pointers go to C as addresses of our own memory, which does not move while a cdata refers to it; structs by value
 * are rebuilt member by member, as koffi takes them.
 */

import { first } from '../call.ts';
import { protoOf } from '../compiler/compile.ts';
import { callNow } from '../coroutine.ts';
import { throwError } from '../error.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import { Userdata } from '../value.ts';
import { CData } from './cdata.ts';
import {
  badConversion,
  beginArgument,
  callbacks,
  endArgument,
  enumValue,
  pointerOf,
  read,
  resultBlock,
  resultOffset,
  scalar,
  setErrorPosition,
  write,
} from './convert.ts';
import {
  CONST_VOID_PTR,
  type CType,
  INT32,
  Kind,
  target,
  typeText,
  UNION,
  UNKNOWN,
  VARARG,
  VOID_PTR,
} from './ctype.ts';
import { addressOfPointer, allocate, allocated, type Block, pointerBlock, pointerOffset, resolve } from './memory.ts';
import { type Native, type NativeFunction, type NativeType, native, nativeFailure } from './native.ts';
import { fileAddress, ordered } from './stdio.ts';

/** The native library, or a Lua error. */
export function needNative(): Native {
  return native() ?? throwError(`C functions cannot be called: ${nativeFailure}`);
}

/** koffi's type for a C type. */
function nativeType(ct: CType): NativeType {
  const { raw } = ct;
  raw.cache.native ??= makeNativeType(raw);
  return raw.cache.native as NativeType;
}

function makeNativeType(ct: CType): NativeType {
  const { koffi } = needNative();
  switch (ct.kind) {
    case Kind.VOID:
      return 'void';
    case Kind.NUM:
      // koffi's bool looks at one bit only.
      if (ct.isBool) return 'uint8_t';
      if (ct.isFloat) {
        if (ct.size > 8) throwError('NYI: cannot call this C function (yet)');
        return ct.size === 4 ? 'float' : 'double';
      }
      return `${ct.isUnsigned ? 'u' : ''}int${ct.size * 8}_t`;
    case Kind.ENUM:
      return ct.child === INT32 ? 'int32_t' : 'uint32_t';
    case Kind.PTR:
    case Kind.REF:
    case Kind.FUNC:
      return 'void *';
    case Kind.COMPLEX: {
      const part = nativeType(ct.child!);
      return koffi.struct({ re: part, im: part });
    }
    case Kind.ARRAY:
      if (ct.size !== UNKNOWN) return koffi.array(nativeType(ct.child!), ct.count);
      break;
    case Kind.STRUCT: {
      if (ct.size === UNKNOWN) break;
      if (ct.flags & UNION) throwError('NYI: cannot call this C function (yet): it takes or returns a union by value');
      if (ct.fields!.some((f) => f.bits >= 0)) {
        throwError('NYI: cannot call this C function (yet): it takes or returns a struct with bit-fields by value');
      }
      const members: Record<string, NativeType> = {};
      for (const f of ct.fields!) if (f.constant === undefined) members[f.name ?? `$${f.offset}`] = nativeType(f.ct);
      return koffi.struct(members);
    }
  }
  return throwError('NYI: cannot call this C function (yet)');
}

/** What koffi takes for a value in memory. */
function export_(ct: CType, block: Block | undefined, offset: number): unknown {
  const { raw } = ct;
  switch (raw.kind) {
    case Kind.STRUCT: {
      const o: Record<string, unknown> = {};
      for (const f of raw.fields!) {
        if (f.constant === undefined) o[f.name ?? `$${f.offset}`] = export_(f.ct, block, offset + f.offset);
      }
      return o;
    }
    case Kind.ARRAY:
      return Array.from({ length: raw.count }, (_, i) => export_(raw.child!, block, offset + i * raw.child!.raw.size));
    case Kind.COMPLEX: {
      const part = raw.child!;
      return { re: read(part, block, offset), im: read(part, block, offset + part.size) };
    }
    default: {
      const v = read(raw, block, offset);
      if (!(v instanceof CData)) return typeof v === 'boolean' ? Number(v) : v;
      return raw.kind === Kind.PTR ? BigInt(addressOfPointer(v.block, v.offset)) : v.val;
    }
  }
}

/** Writes what koffi gave for a value. */
function import_(ct: CType, block: Block, offset: number, value: unknown): void {
  const { raw } = ct;
  switch (raw.kind) {
    case Kind.STRUCT:
      for (const f of raw.fields!) {
        if (f.constant !== undefined) continue;
        import_(f.ct, block, offset + f.offset, (value as Record<string, unknown>)[f.name ?? `$${f.offset}`]);
      }
      return;
    case Kind.ARRAY:
      for (let i = 0; i < raw.count; i++) {
        import_(raw.child!, block, offset + i * raw.child!.raw.size, (value as ArrayLike<unknown>)[i]);
      }
      return;
    case Kind.COMPLEX: {
      const { re, im } = value as { re: number; im: number };
      write(raw.child!, block, offset, re);
      write(raw.child!, block, offset + raw.child!.size, im);
      return;
    }
    default:
      write(raw, block, offset, toLua(raw, value));
  }
}

/** The Lua value of what a C function returned or passed to a callback. */
function toLua(ct: CType, value: unknown): LuaValue {
  const { raw } = ct;
  switch (raw.kind) {
    case Kind.VOID:
      return undefined;
    case Kind.NUM:
      if (raw.isFloat) return value as number;
      if (raw.isBool) return Boolean(value);
      if (raw.size === 8) {
        const n = BigInt(value as number | bigint);
        return new CData(raw, undefined, 0, raw.isUnsigned ? BigInt.asUintN(64, n) : BigInt.asIntN(64, n));
      }
      return Number(value);
    case Kind.ENUM:
      return new CData(raw, undefined, 0, Number(value));
    case Kind.PTR:
      resolve(value === null ? 0 : Number(value));
      return new CData(ct, pointerBlock, pointerOffset, undefined);
    case Kind.REF:
      resolve(value === null ? 0 : Number(value));
      return read(raw.child!, pointerBlock, pointerOffset);
    default: {
      const block = allocate(raw.size, raw.align);
      const at = allocated;
      import_(raw, block, at, value);
      return new CData(raw, block, at, undefined);
    }
  }
}

/** A stack of what keeps the memory of pointer arguments alive during a call. */
const held: (Block | undefined)[] = [];

/** Converts an argument of a call to what koffi takes. */
function toNative(ct: CType, v: LuaValue): unknown {
  const { raw } = ct;
  switch (raw.kind) {
    case Kind.NUM:
      return raw.isBool ? Number(scalar(raw, v, false)) : scalar(raw, v, false);
    case Kind.ENUM:
      return enumValue(raw, v, false);
    case Kind.PTR:
      // Userdata have no memory that C could use.
      if (v instanceof Userdata && !(v instanceof CData) && v.metatable !== undefined) {
        const file = fileAddress(v);
        if (file === undefined) badConversion(raw, v);
        return BigInt(file);
      }
      pointerOf(raw, v, false);
      break;
    case Kind.REF:
      pointerOf(raw.child!.pointerTo(), v, false);
      break;
    default: {
      const block = allocate(raw.size, raw.align);
      const at = allocated;
      write(raw, block, at, v);
      return export_(raw, block, at);
    }
  }
  return heldAddress();
}

/** The address in `resultBlock` and `resultOffset`, whose memory is held. */
function heldAddress(): bigint {
  if (resultBlock === undefined) return BigInt(resultOffset);
  held.push(resultBlock);
  return BigInt(addressOfPointer(resultBlock, resultOffset));
}

/** The type and value of an argument beyond the declared parameters. Structs are passed as pointers. */
function variadic(v: LuaValue): [string, unknown] {
  if (typeof v === 'number') return ['double', v];
  if (typeof v === 'boolean') return ['int32_t', v ? 1 : 0];
  if (v instanceof CData) {
    const ct = target(v.ct);
    if (ct.kind === Kind.NUM) {
      if (ct.isFloat) return ['double', scalar(ct, v, false)];
      if (ct.size === 8) return [ct.isUnsigned ? 'uint64_t' : 'int64_t', scalar(ct, v, false)];
      return [ct.isUnsigned && ct.size === 4 ? 'uint32_t' : 'int32_t', Number(scalar(ct, v, false))];
    }
    if (ct.kind === Kind.ENUM) return ['int32_t', enumValue(ct, v, false)];
    pointerOf(VOID_PTR, v, true);
  } else pointerOf(typeof v === 'string' ? CONST_VOID_PTR : VOID_PTR, v, false);
  return ['void *', heldAddress()];
}

function prototype(ct: CType): NativeType {
  ct.raw.cache.call ??= ((): NativeType => {
    const params = ct.raw.params.map(nativeType);
    if (ct.raw.flags & VARARG) params.push('...');
    return needNative().koffi.proto(nativeType(ct.child!), params);
  })();
  return ct.raw.cache.call as NativeType;
}

type Converter = (v: LuaValue, n: number, name: string) => unknown;

/** What converts arguments of a parameter's type; numbers and memory of our own take short ways. */
function converterOf(ct: CType): Converter {
  const { raw } = ct;
  const convert: Converter = (v, n, name) => {
    beginArgument(n, name);
    const value = toNative(ct, v);
    endArgument();
    return value;
  };
  if (raw.kind === Kind.NUM && !raw.isBool && raw.size <= 8) {
    if (raw.isFloat) return (v, n, name) => (typeof v === 'number' ? v : convert(v, n, name));
    const unsigned = raw.isUnsigned;
    const least = raw.size === 4 && !unsigned ? -2147483648 : 0;
    const most = raw.size < 4 ? 127 : 2147483647;
    return (v, n, name) =>
      typeof v === 'number' && v >= least && v <= most && (v | 0) === v ? v : convert(v, n, name);
  }
  if (raw.kind === Kind.PTR && raw.size === 8) {
    return (v, n, name) => {
      if (v instanceof CData && v.ct.child === raw.child && v.ct.kind === Kind.PTR) {
        const { block } = v;
        if (block === undefined) return BigInt(v.offset);
        held.push(block);
        return BigInt(addressOfPointer(block, v.offset));
      }
      return convert(v, n, name);
    };
  }
  return convert;
}

/** What makes Lua values of results; undefined if they are already. */
function resultOf(ct: CType): ((value: unknown) => LuaValue) | undefined {
  const { raw } = ct;
  if (raw.kind === Kind.VOID) return () => undefined;
  if (raw.kind === Kind.NUM && !raw.isBool && (raw.isFloat || raw.size < 8)) return undefined;
  return (value) => toLua(ct, value);
}

function wrongCount(): never {
  throwError('wrong number of arguments for function call');
}

/** A C function without variable arguments as a Lua function. `name` is for messages. */
function bind(ct: CType, address: number, name: string): LuaFunction {
  const call = needNative().koffi.decode(BigInt(address), prototype(ct)) as NativeFunction;
  const converters = ct.raw.params.map(converterOf);
  const count = converters.length;
  const convert = resultOf(ct.child!);
  const finish = (value: unknown): LuaValue => {
    if (pending !== undefined) throwPending();
    return convert === undefined ? (value as LuaValue) : convert(value);
  };
  const [c0, c1, c2, c3] = converters as [Converter, Converter, Converter, Converter];
  // A function for each number of parameters up to four: those that are called often have few.
  switch (count) {
    case 0:
      return function () {
        if (arguments.length !== 0) wrongCount();
        return finish(call());
      };
    case 1:
      return function (a) {
        if (arguments.length !== 1) wrongCount();
        const mark = held.length;
        try {
          return finish(call(c0(a, 1, name)));
        } finally {
          held.length = mark;
        }
      };
    case 2:
      return function (a, b) {
        if (arguments.length !== 2) wrongCount();
        const mark = held.length;
        try {
          return finish(call(c0(a, 1, name), c1(b, 2, name)));
        } finally {
          held.length = mark;
        }
      };
    case 3:
      return function (a, b, c) {
        if (arguments.length !== 3) wrongCount();
        const mark = held.length;
        try {
          return finish(call(c0(a, 1, name), c1(b, 2, name), c2(c, 3, name)));
        } finally {
          held.length = mark;
        }
      };
    case 4:
      return function (a, b, c, d) {
        if (arguments.length !== 4) wrongCount();
        const mark = held.length;
        try {
          return finish(call(c0(a, 1, name), c1(b, 2, name), c2(c, 3, name), c3(d, 4, name)));
        } finally {
          held.length = mark;
        }
      };
    default:
      return (...args) => {
        if (args.length !== count) wrongCount();
        const mark = held.length;
        try {
          return finish(call(...args.map((v, i) => converters[i]!(v, i + 1, name))));
        } finally {
          held.length = mark;
        }
      };
  }
}

function callVariadic(ct: CType, address: number, args: readonly LuaValue[], name: string): LuaValue {
  const { params } = ct.raw;
  if (args.length < params.length) wrongCount();
  const { koffi } = needNative();
  const type = prototype(ct);
  const values: unknown[] = [];
  const mark = held.length;
  try {
    for (let i = 0; i < args.length; i++) {
      beginArgument(i + 1, name);
      if (i < params.length) values.push(toNative(params[i]!, args[i]));
      else values.push(...variadic(args[i]));
    }
    endArgument();
    const result = koffi.call(BigInt(address), type, ...values);
    if (pending !== undefined) throwPending();
    return toLua(ct.child!, result);
  } finally {
    endArgument();
    held.length = mark;
  }
}

/** A C function, at an address that stays valid, as a Lua function. `name` is for messages. */
export function functionAt(ct: CType, address: number, name: string): LuaFunction {
  if (address >= 0 && address < 4096) throwError('attempt to call a NULL function pointer');
  const fn: LuaFunction =
    ct.raw.flags & VARARG ? (...args) => callVariadic(ct, address, args, name) : bind(ct, address, name);
  return ordered(ct, name, fn);
}

const MAX_BOUND = 1000;

/** Calls what a function pointer points to. */
export function callFunction(ct: CType, address: number, args: readonly LuaValue[], name: string): LuaResult {
  const bound = ((ct.raw.cache.bound as Map<number, LuaFunction> | undefined) ??= new Map());
  ct.raw.cache.bound = bound;
  let fn = bound.get(address);
  if (fn === undefined) {
    fn = functionAt(ct, address, name);
    if (bound.size >= MAX_BOUND) bound.clear();
    bound.set(address, fn);
  }
  return fn(...args);
}

// Callbacks

interface Callback {
  fn: LuaFunction;
  readonly address: bigint;
}

const callbackList = new Map<number, Callback>();
const MAX_CALLBACKS = 1024;

/** An error in a callback: thrown when the C function that called it returns, as C's frames cannot be unwound. */
let pending: { error: unknown } | undefined;

function throwPending(): never {
  const { error } = pending!;
  pending = undefined;
  throw error;
}

/** Makes a C function of a Lua function: for ever, or until it is freed. */
function createCallback(d: CType, fn: LuaFunction): bigint | undefined {
  const ct = d.kind === Kind.PTR ? d.child! : d;
  if (ct.kind !== Kind.FUNC || ct.raw.flags & VARARG) return undefined;
  if (callbackList.size >= MAX_CALLBACKS) throwError('too many callbacks');
  const { koffi } = needNative();
  const type = koffi.pointer(prototype(ct));
  const { params } = ct.raw;
  const entry = { fn, address: 0n };
  const isVoid = ct.child!.kind === Kind.VOID;
  const none = (): unknown => (isVoid ? undefined : toNative(ct.child!, ct.child!.kind === Kind.PTR ? undefined : 0));
  entry.address = koffi.register((...values: unknown[]) => {
    if (pending !== undefined) return none();
    try {
      const r = first(
        callNow(
          entry.fn,
          values.map((v, i) => toLua(params[i]!, v)),
        ),
      );
      if (isVoid) return undefined;
      setErrorPosition(endOf(entry.fn));
      return toNative(ct.child!, r);
    } catch (error) {
      pending = { error };
      return none();
    } finally {
      setErrorPosition(undefined);
    }
  }, type);
  callbackList.set(Number(entry.address), entry);
  return entry.address;
}

callbacks.create = createCallback;

/** The position of a Lua function's end: where a wrong result of a callback is blamed. */
function endOf(fn: LuaFunction): string {
  const proto = protoOf(fn);
  return proto === undefined ? '' : `${proto.chunk.shortSource}:${proto.fn.lastLine}: `;
}

/** The callback that a function pointer was made from. */
function callbackOf(v: LuaValue): Callback {
  const c = v instanceof CData ? callbackList.get(v.offset) : undefined;
  return c ?? throwError('bad callback');
}

/** `cb:free()`: the C function must not be called any more. */
export function freeCallback(v: LuaValue): void {
  const c = callbackOf(v);
  callbackList.delete(Number(c.address));
  needNative().koffi.unregister(c.address);
}

/** `cb:set(fn)`. */
export function setCallback(v: LuaValue, fn: LuaFunction): void {
  callbackOf(v).fn = fn;
}

/** For messages about values that are no functions. */
export function notCallable(ct: CType): never {
  return throwError(`'${typeText(ct)}' is not callable`);
}
