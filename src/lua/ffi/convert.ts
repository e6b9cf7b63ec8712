/**
 * Conversions between Lua values and memory: https://luajit.org/ext_ffi_semantics.html#convert
 *
 * Each type has one function that reads it and one that writes it, made at first use and kept on the type.
 */

import { argError, throwError, throwValue } from '../error.ts';
import { typeName } from '../runtime.ts';
import { LuaTable } from '../table.ts';
import { addressOf, type LuaFunction, type LuaValue, NULL, Userdata } from '../value.ts';
import { set as setValue } from './access.ts';
import { CData } from './cdata.ts';
import {
  CONST_CHAR_ARRAY,
  CTYPEID,
  type CType,
  DOUBLE,
  type Field,
  INT32,
  Kind,
  target,
  typeText,
  UINT32,
  UNION,
  UNKNOWN,
  VOID_PTR,
} from './ctype.ts';
import {
  addressOfPointer,
  allocate,
  allocated,
  type Block,
  Block as BlockClass,
  copyBytes,
  fillBytes,
  numberOfPointer,
  pointerBlock,
  pointerOffset,
  readPointer,
  resolve,
  scratch,
  stringBlock,
  writePointer,
  writeString,
} from './memory.ts';

type Get = (block: Block, offset: number) => LuaValue;
type Set = (block: Block, offset: number, v: LuaValue) => void;

// Errors

/** The argument being converted, for messages: its number and the function's name; 0 if it is none. */
let argument = 0;
let argumentOf = '';

/** Makes conversions say "bad argument #n to 'fname'", until `endArgument`. */
export function beginArgument(n: number, fname: string): void {
  argument = n;
  argumentOf = fname;
}

export function endArgument(): void {
  argument = 0;
}

/** Where a conversion that no Lua code asked for has its errors; undefined for the calling function. */
let errorPosition: string | undefined;

/** Makes errors of conversions show a position ("file:line: "), until it is called with undefined. */
export function setErrorPosition(position: string | undefined): void {
  errorPosition = position;
}

/** How messages name the type of a value. */
export function sourceText(v: LuaValue): string {
  if (typeof v === 'boolean') return 'bool';
  if (!(v instanceof CData)) return typeName(v);
  let ct = v.ct.kind === Kind.REF ? v.ct.child! : v.ct;
  if (ct.kind === Kind.CTYPEID) ct = INT32;
  if (ct.kind === Kind.ENUM) ct = ct.raw.child ?? ct;
  return typeText(ct.kind === Kind.FUNC ? ct.pointerTo() : ct);
}

/** Throws "cannot convert 'x' to 'y'". */
export function badConversion(d: CType, v: LuaValue): never {
  const message = `cannot convert '${sourceText(v)}' to '${typeText(d)}'`;
  const n = argument;
  argument = 0;
  if (n > 0) argError(n, argumentOf, message);
  if (errorPosition !== undefined) throwValue(errorPosition + message);
  throwError(message);
}

// Numbers

const TWO63 = 2 ** 63;

/** C's conversion of a double to int64_t on x64. */
export function toInt64(n: number): bigint {
  if (n >= -TWO63 && n < TWO63) return BigInt(Math.trunc(n));
  return -0x8000000000000000n;
}

/** LuaJIT's conversion of a double to uint64_t. */
export function toUint64(n: number): bigint {
  if (n >= TWO63) return BigInt.asUintN(64, toInt64(n - 2 * TWO63));
  return BigInt.asUintN(64, toInt64(n));
}

/** The number in a cdata of a number type, a reference to one, an enum or a complex number. */
export function numberIn(o: CData): number | bigint | undefined {
  const ct = target(o.ct);
  switch (ct.kind) {
    case Kind.NUM:
    case Kind.ENUM: {
      if (o.ct.kind !== Kind.REF) return typeof o.val === 'boolean' ? +o.val : (o.val as number | bigint);
      const v = read(ct, o.block, o.offset);
      if (v instanceof CData) return v.val as number | bigint;
      return typeof v === 'boolean' ? +v : (v as number);
    }
    case Kind.COMPLEX:
      return read(ct.child!, o.block, o.offset) as number;
    default:
      return undefined;
  }
}

/** The number that a value converts to, as it is before it is cut to the size of `d`. */
function numeric(d: CType, v: LuaValue, cast: boolean): number | bigint {
  switch (typeof v) {
    case 'number':
      return v;
    case 'boolean':
      return v ? 1 : 0;
  }
  if (v instanceof CData) {
    if (v.ct === CTYPEID) return (v.val as CType).id;
    if (d.isBool && target(v.ct).kind === Kind.COMPLEX) badConversion(d, v);
    const n = numberIn(v);
    // Integers are cut to their lower bits, other than doubles.
    if (typeof n === 'number' && n > 2147483647 && d.isInteger && !target(v.ct).isFloat) return BigInt(n);
    if (n !== undefined) return n;
    const s = target(v.ct);
    const mayCast = s.kind === Kind.PTR || s.kind === Kind.ARRAY || s.kind === Kind.FUNC;
    if (cast && mayCast && d.isInteger) {
      pointerOf(VOID_PTR, v, true);
      return BigInt.asUintN(64, BigInt(numberOfPointer(resultBlock, resultOffset)));
    }
  } else if (cast && d.isInteger) {
    if (v === undefined) return 0;
    if (typeof v === 'string' || v instanceof Userdata) {
      pointerOf(VOID_PTR, v, true);
      return BigInt(numberOfPointer(resultBlock, resultOffset));
    }
  }
  return badConversion(d, v);
}

/** The real part of a complex number, for messages. */
function partOf(v: CData): CData {
  return new CData(target(v.ct).child!, undefined, 0, 0);
}

/** A value as a number of type `d`: a bigint for 64 bit integers, a boolean for bool. */
export function scalar(d: CType, v: LuaValue, cast: boolean): number | bigint | boolean {
  if (d.size === 16) badConversion(d, v instanceof CData && target(v.ct).kind === Kind.COMPLEX ? partOf(v) : v);
  const n = numeric(d, v, cast);
  if (d.isBool) return typeof n === 'bigint' ? n !== 0n : n !== 0;
  if (d.isFloat) return d.size === 4 ? Math.fround(Number(n)) : Number(n);
  if (d.size === 8) {
    if (typeof n === 'bigint') return d.isUnsigned ? BigInt.asUintN(64, n) : BigInt.asIntN(64, n);
    return d.isUnsigned ? toUint64(n) : toInt64(n);
  }
  let i: number;
  if (typeof n === 'bigint') i = Number(BigInt.asIntN(32, n));
  else if (d.isUnsigned && d.size === 4) i = n | 0;
  else
    i =
      n >= -2147483648 && n < 2147483648
        ? n | 0
        : Number.isNaN(n)
          ? -2147483648
          : n >= -2147483649 && n < 2147483649
            ? n | 0
            : -2147483648;
  switch (d.size) {
    case 1:
      return d.isUnsigned ? i & 255 : (i << 24) >> 24;
    case 2:
      return d.isUnsigned ? i & 65535 : (i << 16) >> 16;
    default:
      return d.isUnsigned ? i >>> 0 : i;
  }
}

/** The number of an enum constant, or of a value converted to the enum's type. */
export function enumValue(d: CType, v: LuaValue, cast: boolean): number {
  if (typeof v === 'string') {
    const c = d.members?.get(v)?.constant;
    if (c === undefined) badConversion(d, v);
    return d.child === INT32 ? c | 0 : c >>> 0;
  }
  if (v instanceof LuaTable || typeof v === 'function') badConversion(d, v);
  return scalar(d.child ?? UINT32, v, cast) as number;
}

// Pointers

/** Where the pointer made by `pointerOf` points to: the block, undefined if foreign. */
export let resultBlock: Block | undefined;
/** The offset in the block, or the address. */
export let resultOffset = 0;

function setResult(block: Block | undefined, offset: number): void {
  resultBlock = block;
  resultOffset = offset;
}

/** Makes a C function pointer of a Lua function; set by callback.ts. */
export const callbacks: { create(d: CType, fn: LuaFunction): bigint | undefined } = { create: () => undefined };

/** Converts a value to a pointer of type `d`: the result is in `resultBlock` and `resultOffset`. */
export function pointerOf(d: CType, v: LuaValue, cast: boolean): void {
  switch (typeof v) {
    case 'undefined':
      setResult(undefined, 0);
      return;
    case 'string':
      if (!cast && !compatible(d, CONST_CHAR_ARRAY)) badConversion(d, v);
      setResult(stringBlock(v), 0);
      return;
    case 'number':
      if (!cast) badConversion(d, v);
      resolve(d.size === 4 ? v >>> 0 : Math.trunc(v));
      setResult(pointerBlock, pointerOffset);
      return;
    case 'function': {
      const address = callbacks.create(d, v);
      if (address === undefined) badConversion(d, v);
      setResult(undefined, Number(address));
      return;
    }
    case 'boolean':
      badConversion(d, v);
  }
  if (v instanceof CData) {
    const s = target(v.ct);
    switch (s.kind) {
      case Kind.PTR:
        if (!cast && !compatible(d, s)) badConversion(d, v);
        pointerIn(v);
        return;
      case Kind.FUNC:
        if (!cast && !compatible(d, s.pointerTo())) badConversion(d, v);
        setResult(v.block, v.offset);
        return;
      case Kind.ARRAY:
      case Kind.STRUCT:
        if (!cast && !compatible(d, v.ct.kind === Kind.REF ? v.ct.child! : v.ct)) badConversion(d, v);
        setResult(v.block, v.offset);
        return;
      case Kind.NUM:
      case Kind.ENUM:
      case Kind.CTYPEID:
        if (cast && (s.isInteger || s.kind !== Kind.NUM)) {
          const n = s.kind === Kind.CTYPEID ? (v.val as CType).id : Number(numberIn(v));
          resolve(d.size === 4 ? n >>> 0 : n);
          setResult(pointerBlock, pointerOffset);
          return;
        }
    }
    badConversion(d, v);
  }
  if (v instanceof Userdata) {
    if (!cast && !compatible(d, VOID_PTR)) badConversion(d, v);
    setResult(undefined, v === NULL ? 0 : Number(addressOf(v)));
    return;
  }
  badConversion(d, v);
}

/** What a pointer cdata, or a reference to a pointer, points to: in `resultBlock` and `resultOffset`. */
export function pointerIn(o: CData): void {
  if (o.ct.kind !== Kind.REF) setResult(o.block, o.offset);
  else {
    const p = read(target(o.ct), o.block, o.offset) as CData;
    setResult(p.block, p.offset);
  }
}

/** Whether a pointer of type `d` may be made from `s`: a pointer, an array, or a struct whose address is taken. */
export function compatible(d: CType, s: CType): boolean {
  if (d === s) return true;
  d.compatible ??= new Map();
  let known = d.compatible.get(s);
  if (known === undefined) {
    known = compatibleTargets(d.child!, s.kind === Kind.STRUCT ? s.raw : s.child!, false, false);
    d.compatible.set(s, known);
  }
  return known;
}

/** Whether what two pointers point to is the same for pointer arithmetic and comparison. */
export function sameTargets(a: CType, b: CType): boolean {
  return a === b || compatibleTargets(a.child!, b.kind === Kind.STRUCT ? b : b.child!, true, false);
}

function compatibleTargets(dc: CType, sc: CType, ignoreQual: boolean, same: boolean): boolean {
  const d = dc.kind === Kind.ENUM ? (dc.raw.child ?? UINT32) : dc.raw;
  const s = sc.kind === Kind.ENUM ? (sc.raw.child ?? UINT32) : sc.raw;
  if (same) {
    if (dc.qual !== sc.qual) return false;
  } else if (!ignoreQual) {
    if ((dc.qual & sc.qual) !== sc.qual) return false;
    if (d.kind === Kind.VOID || s.kind === Kind.VOID) return true;
  }
  if (d.kind !== s.kind || d.size !== s.size) return false;
  switch (d.kind) {
    case Kind.NUM:
      return d.isBool === s.isBool && d.isFloat === s.isFloat;
    case Kind.PTR:
    case Kind.ARRAY:
    case Kind.REF:
    case Kind.COMPLEX:
    case Kind.VECTOR:
      return d === s || compatibleTargets(d.child!, s.child!, ignoreQual, true);
    case Kind.STRUCT:
      return d === s;
    default:
      return true;
  }
}

// Reading

/** The Lua value of what lies in memory: structs and arrays by reference, all else by value. */
export function read(ct: CType, block: Block | undefined, offset: number): LuaValue {
  const get = (ct.cache.get as Get | undefined) ?? makeGetter(ct);
  if (block !== undefined) return get(block, offset);
  if (ct.kind === Kind.STRUCT || ct.kind === Kind.ARRAY)
    return new CData(ct.referenceTo(), undefined, offset, undefined);
  copyBytes(scratch, 0, undefined, offset, ct.raw.size);
  return get(scratch, 0);
}

function makeGetter(ct: CType): Get {
  const get = getterOf(ct);
  ct.cache.get = get;
  return get;
}

function getterOf(ct: CType): Get {
  const { raw } = ct;
  switch (ct.kind) {
    case Kind.NUM:
      return numberGetter(raw);
    case Kind.ENUM:
      return raw.child === INT32
        ? (b, o) => new CData(raw, undefined, 0, b.view.getInt32(o, true))
        : (b, o) => new CData(raw, undefined, 0, b.view.getUint32(o, true));
    case Kind.PTR:
      if (raw.size === 4) {
        return (b, o) => {
          resolve(b.view.getUint32(o, true));
          return new CData(ct, pointerBlock, pointerOffset, undefined);
        };
      }
      return (b, o) => {
        readPointer(b, o);
        return new CData(ct, pointerBlock, pointerOffset, undefined);
      };
    case Kind.REF:
      return (b, o) => {
        readPointer(b, o);
        return read(ct.child!, pointerBlock, pointerOffset);
      };
    case Kind.STRUCT:
    case Kind.ARRAY: {
      const ref = ct.referenceTo();
      return (b, o) => new CData(ref, b, o, undefined);
    }
    case Kind.COMPLEX:
    case Kind.VECTOR:
      return (b, o) => {
        const to = allocate(raw.size, raw.align);
        const at = allocated;
        copyBytes(to, at, b, o, raw.size);
        return new CData(raw, to, at, undefined);
      };
    default:
      return () => throwError(`'${typeText(ct)}' cannot be indexed`);
  }
}

function numberGetter(ct: CType): Get {
  if (ct.isBool) return ct.size === 4 ? (b, o) => b.view.getInt32(o, true) !== 0 : (b, o) => b.view.getUint8(o) !== 0;
  if (ct.isFloat) {
    switch (ct.size) {
      case 4:
        return (b, o) => b.view.getFloat32(o, true);
      case 8:
        return (b, o) => b.view.getFloat64(o, true);
      default:
        return () => throwError(`cannot convert '${typeText(ct)}' to '${typeText(DOUBLE)}'`);
    }
  }
  switch (ct.size) {
    case 1:
      return ct.isUnsigned ? (b, o) => b.view.getUint8(o) : (b, o) => b.view.getInt8(o);
    case 2:
      return ct.isUnsigned ? (b, o) => b.view.getUint16(o, true) : (b, o) => b.view.getInt16(o, true);
    case 4:
      return ct.isUnsigned ? (b, o) => b.view.getUint32(o, true) : (b, o) => b.view.getInt32(o, true);
    default:
      return ct.isUnsigned
        ? (b, o) => new CData(ct, undefined, 0, b.view.getBigUint64(o, true))
        : (b, o) => new CData(ct, undefined, 0, b.view.getBigInt64(o, true));
  }
}

/** Reads a bit-field. */
export function readBits(f: Field, block: Block | undefined, offset: number): LuaValue {
  const { raw } = f.ct;
  const n = bitContainer(raw, block, offset);
  checkBits(f);
  if (raw.isBool) return ((n >>> f.bit) & 1) !== 0;
  const shift = 32 - f.bits;
  const top = n << (shift - f.bit);
  return raw.isUnsigned ? top >>> shift : top >> shift;
}

function bitContainer(raw: CType, block: Block | undefined, offset: number): number {
  let b = block;
  let o = offset;
  if (b === undefined) {
    copyBytes(scratch, 0, undefined, offset, raw.size);
    b = scratch;
    o = 0;
  }
  return raw.size === 1 ? b.view.getUint8(o) : raw.size === 2 ? b.view.getUint16(o, true) : b.view.getUint32(o, true);
}

function checkBits(f: Field): void {
  if (f.bit + f.bits > f.ct.raw.size * 8) throwError('NYI: packed bit fields');
}

/** Writes a bit-field. */
export function writeBits(f: Field, block: Block | undefined, offset: number, v: LuaValue): void {
  const { raw } = f.ct;
  checkBits(f);
  const n = raw.isBool ? Number(scalar(raw, v, false)) : (scalar(raw.isUnsigned ? UINT32 : INT32, v, false) as number);
  const mask = (f.bits === 32 ? -1 : (1 << f.bits) - 1) << f.bit;
  const all = (bitContainer(raw, block, offset) & ~mask) | ((n << f.bit) & mask);
  const b = block ?? scratch;
  const o = block === undefined ? 0 : offset;
  if (raw.size === 1) b.view.setUint8(o, all);
  else if (raw.size === 2) b.view.setUint16(o, all, true);
  else b.view.setUint32(o, all, true);
  if (block === undefined) copyBytes(undefined, offset, scratch, 0, raw.size);
}

// Writing

/** Assigns to an object: to what it refers to, if it is a reference. */
export function assign(ct: CType, block: Block | undefined, offset: number, v: LuaValue): void {
  if (ct.kind !== Kind.REF) {
    write(ct, block, offset, v);
    return;
  }
  let b = block;
  let o = offset;
  if (b === undefined) {
    copyBytes(scratch, 0, undefined, offset, 8);
    b = scratch;
    o = 0;
  }
  readPointer(b, o);
  write(ct.child!, pointerBlock, pointerOffset, v);
}

/** Converts a value and writes it. */
export function write(ct: CType, block: Block | undefined, offset: number, v: LuaValue): void {
  const { raw } = ct;
  const set = (raw.cache.set as Set | undefined) ?? makeSetter(raw);
  if (block !== undefined) {
    set(block, offset, v);
    return;
  }
  const size = raw.size === UNKNOWN && typeof v === 'string' ? v.length + 1 : raw.size;
  const b = new BlockClass(size);
  if (raw.kind === Kind.ARRAY || raw.kind === Kind.STRUCT) copyBytes(b, 0, undefined, offset, size);
  set(b, 0, v);
  copyBytes(undefined, offset, b, 0, size);
}

function makeSetter(raw: CType): Set {
  const set = setterOf(raw);
  raw.cache.set = set;
  return set;
}

function setterOf(ct: CType): Set {
  switch (ct.kind) {
    case Kind.NUM:
      return numberSetter(ct);
    case Kind.ENUM:
      return (b, o, v) => b.view.setInt32(o, enumValue(ct, v, false), true);
    case Kind.PTR:
      return (b, o, v) => {
        pointerOf(ct, v, false);
        if (ct.size === 4) b.view.setUint32(o, addressOfPointer(resultBlock, resultOffset) % 4294967296, true);
        else writePointer(b, o, resultBlock, resultOffset);
      };
    case Kind.REF:
      // Initialising one sets where it points to; meta.ts follows it when it is assigned to.
      return (b, o, v) => {
        pointerOf(ct.child!.pointerTo(), v, false);
        writePointer(b, o, resultBlock, resultOffset);
      };
    case Kind.STRUCT:
      return (b, o, v) => writeStruct(ct, b, o, v);
    case Kind.ARRAY:
      return (b, o, v) => writeArray(ct, b, o, v);
    case Kind.COMPLEX:
    case Kind.VECTOR:
      return (b, o, v) => writeNumbers(ct, b, o, v);
    default:
      return (_b, _o, v) => badConversion(ct, v);
  }
}

function numberSetter(ct: CType): Set {
  const convert = (v: LuaValue): number => scalar(ct, v, false) as number;
  if (ct.isBool) {
    if (ct.size === 4) return (b, o, v) => b.view.setInt32(o, scalar(ct, v, false) ? 1 : 0, true);
    return (b, o, v) => b.view.setUint8(o, (typeof v === 'boolean' ? v : scalar(ct, v, false)) ? 1 : 0);
  }
  if (ct.isFloat) {
    switch (ct.size) {
      case 4:
        return (b, o, v) => b.view.setFloat32(o, typeof v === 'number' ? v : convert(v), true);
      case 8:
        return (b, o, v) => b.view.setFloat64(o, typeof v === 'number' ? v : convert(v), true);
      default:
        return (_b, _o, v) => void scalar(ct, v, false);
    }
  }
  const small = (v: LuaValue): number => (typeof v === 'number' && (v | 0) === v ? v : convert(v));
  switch (ct.size) {
    case 1:
      return (b, o, v) => b.view.setInt8(o, small(v));
    case 2:
      return (b, o, v) => b.view.setInt16(o, small(v), true);
    case 4:
      return (b, o, v) => b.view.setInt32(o, small(v), true);
    default:
      return (b, o, v) => b.view.setBigInt64(o, scalar(ct, v, false) as unknown as bigint, true);
  }
}

function writeNumbers(ct: CType, b: Block, o: number, v: LuaValue): void {
  const element = ct.child!;
  const size = element.raw.size;
  if (v instanceof CData) {
    const s = target(v.ct);
    if (s.kind === ct.kind) {
      if (s.size === ct.size) {
        copyBytes(b, o, v.block, v.offset, ct.size);
        return;
      }
      if (ct.kind === Kind.COMPLEX) {
        const from = s.child!;
        write(element, b, o, read(from, v.block, v.offset));
        write(element, b, o + size, read(from, v.block, v.offset + from.size));
        return;
      }
      badConversion(ct, v);
    }
  } else if (v instanceof LuaTable) {
    writeTable(ct, b, o, v);
    return;
  }
  if (numberLike(v)) {
    write(element, b, o, v);
    for (let at = size; at < ct.size; at += size) {
      if (ct.kind === Kind.COMPLEX) write(element, b, o + at, 0);
      else copyBytes(b, o + at, b, o, size);
    }
    return;
  }
  badConversion(ct, v);
}

function numberLike(v: LuaValue): boolean {
  return typeof v === 'number' || (v instanceof CData && !target(v.ct).isBool && numberIn(v) !== undefined);
}

function writeStruct(ct: CType, b: Block, o: number, v: LuaValue): void {
  if (v instanceof LuaTable) {
    fillBytes(b, o, ct.size, 0);
    structFromTable(ct, b, o, v, { i: 0 });
    return;
  }
  if (v instanceof CData && target(v.ct) === ct && v.length < 0) {
    copyBytes(b, o, v.block, v.offset, ct.size);
    return;
  }
  badConversion(ct, v);
}

function structFromTable(ct: CType, b: Block, o: number, t: LuaTable, state: { i: number }): void {
  for (const f of ct.fields ?? []) {
    if (f.constant !== undefined) continue;
    if (f.name === undefined) {
      if (f.ct.kind === Kind.STRUCT) structFromTable(f.ct.raw, b, o + f.offset, t, state);
      continue;
    }
    let v: LuaValue;
    if (state.i >= 0) {
      const start = state.i;
      v = t.get(state.i);
      if (v === undefined && state.i === 0) {
        state.i = 1;
        v = t.get(1);
      }
      if (v === undefined) {
        if (start !== 0) return;
        state.i = -1;
      } else state.i++;
    }
    if (state.i < 0) {
      v = t.get(f.name);
      if (v === undefined) continue;
    }
    writeField(f, b, o, v);
    if (ct.flags & UNION) return;
  }
}

function writeField(f: Field, b: Block, o: number, v: LuaValue): void {
  if (f.bits >= 0) writeBits(f, b, o + f.offset, v);
  else setValue(f.ct, b, o + f.offset, v);
}

function writeArray(ct: CType, b: Block, o: number, v: LuaValue): void {
  const element = ct.child!.raw;
  if (typeof v === 'string') {
    if (!element.isInteger || element.size !== 1) badConversion(ct, v);
    // An array of unknown size, or declared with none, takes it all.
    const limit = ct.size > 0 ? ct.size : Number.POSITIVE_INFINITY;
    writeString(b, o, v, Math.min(v.length, limit));
    if (v.length < limit) b.view.setUint8(o + v.length, 0);
    return;
  }
  if (v instanceof LuaTable) {
    writeTable(ct, b, o, v);
    return;
  }
  if (v instanceof CData) {
    const s = target(v.ct);
    if (s.kind === Kind.ARRAY && ct.size >= 0 && s.size === ct.size && compatible(ct, s)) {
      copyBytes(b, o, v.block, v.offset, ct.size);
      return;
    }
  }
  badConversion(ct, v);
}

/** A table's items to an array, a vector or a complex number; from index 0 if there is one. */
function writeTable(ct: CType, b: Block, o: number, t: LuaTable): void {
  const element = ct.child!;
  const size = element.raw.size;
  let at = 0;
  for (let i = t.get(0) === undefined ? 1 : 0; ; i++) {
    const v = t.get(i);
    if (v === undefined) break;
    if (ct.size !== UNKNOWN && at >= ct.size) tooMany(ct);
    setValue(element, b, o + at, v);
    at += size;
  }
  if (ct.size !== UNKNOWN) fillRest(b, o, at, size, ct.size);
}

/** One element is repeated, else what is left is zero. */
function fillRest(b: Block, o: number, from: number, element: number, size: number): void {
  if (from === element) {
    for (let at = from; at < size; at += element) copyBytes(b, o + at, b, o, element);
  } else fillBytes(b, o + from, size - from, 0);
}

function tooMany(ct: CType): never {
  throwError(`too many initializers for '${typeText(ct)}'`);
}

/** Initialises new zeroed memory of `size` bytes with the arguments of ffi.new from `first` on. */
export function initialize(
  ct: CType,
  size: number,
  b: Block,
  o: number,
  args: ArrayLike<LuaValue>,
  first: number,
): void {
  const count = args.length - first;
  if (count <= 0) return;
  const { kind } = ct;
  const v = args[first];
  const isArray = kind === Kind.ARRAY || kind === Kind.COMPLEX || kind === Kind.VECTOR;
  if (count === 1 && !takesItems(ct, v)) {
    write(ct, b, o, v);
  } else if (isArray) {
    const element = ct.child!;
    const each = element.raw.size;
    if (count * each > size) tooMany(ct);
    for (let i = 0; i < count; i++) setValue(element, b, o + i * each, args[first + i]);
    fillRest(b, o, count * each, each, size);
  } else if (kind === Kind.STRUCT) {
    const state = { i: first };
    structFromItems(ct, b, o, args, state);
    if (state.i < args.length) tooMany(ct);
  } else tooMany(ct);
}

/** Whether a single initialiser is one of the items of an aggregate. */
function takesItems(ct: CType, v: LuaValue): boolean {
  if (ct.kind !== Kind.ARRAY && ct.kind !== Kind.STRUCT) return false;
  if (v instanceof LuaTable || (typeof v === 'string' && ct.kind !== Kind.STRUCT)) return false;
  return !(v instanceof CData && target(v.ct) === ct);
}

function structFromItems(ct: CType, b: Block, o: number, args: ArrayLike<LuaValue>, state: { i: number }): void {
  for (const f of ct.fields ?? []) {
    if (f.constant !== undefined) continue;
    if (f.name === undefined) {
      if (f.ct.kind !== Kind.STRUCT) continue;
      structFromItems(f.ct.raw, b, o + f.offset, args, state);
    } else {
      if (state.i >= args.length) return;
      writeField(f, b, o, args[state.i++]);
    }
    if (ct.flags & UNION) return;
  }
}

/** A new cdata of a type without variable length: `v` converted, as by ffi.cast or for a number or pointer. */
export function convertTo(ct: CType, v: LuaValue, cast: boolean): CData {
  const { raw } = ct;
  switch (raw.kind) {
    case Kind.NUM:
      return new CData(ct, undefined, 0, scalar(ct, v, cast));
    case Kind.ENUM:
      return new CData(ct, undefined, 0, enumValue(raw, v, cast));
    case Kind.PTR:
      pointerOf(ct, v, cast);
      return new CData(ct, resultBlock, resultOffset, undefined);
    case Kind.REF: {
      // A reference is made from what can be pointed to.
      const p = raw.child!.pointerTo();
      pointerOf(p, v, cast);
      return new CData(ct, resultBlock, resultOffset, undefined);
    }
    default:
      return badConversion(ct, v);
  }
}
