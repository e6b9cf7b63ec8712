/**
 * Operators on cdata: https://luajit.org/ext_ffi_semantics.html#cdata_arith
 *
 * 64 bit integers are bigints. Pointers are compared and moved by block and offset, without their addresses where
 * both are in one block.
 */

import { call } from '../call.ts';
import { throwError } from '../error.ts';
import { callable, typeName } from '../runtime.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import { CData } from './cdata.ts';
import { numberIn, pointerIn, resultBlock, resultOffset, sameTargets, toInt64, toUint64 } from './convert.ts';
import { CTYPEID, type CType, INT64, Kind, target, typeText, UINT64, VOID_PTR } from './ctype.ts';
import { addressOfPointer, type Block, pointerBlock, pointerOffset, resolve, stringBlock } from './memory.ts';
import { callObject } from './meta.ts';

/** A metamethod of ffi.metatype for the type, or for what it points to. */
export function typeMetamethod(ct: CType, event: string): LuaValue {
  let t = ct;
  if (t.kind === Kind.PTR || t.kind === Kind.REF) t = t.child!;
  if (t.kind === Kind.REF) t = t.child!;
  return t.raw.metatype?.getStr(event);
}

function metaOf(v: LuaValue, event: string): LuaValue {
  return v instanceof CData && v.ct !== CTYPEID ? typeMetamethod(v.ct, event) : undefined;
}

function isWide(v: LuaValue): boolean {
  if (!(v instanceof CData)) return false;
  const ct = target(v.ct);
  return ct.isUnsigned && ct.size === 8 && ct.kind === Kind.NUM;
}

/** The number in an operand of 64 bit arithmetic. */
function operand(v: LuaValue): number | bigint | undefined {
  if (typeof v === 'number') return v;
  if (v instanceof CData && target(v.ct).kind !== Kind.COMPLEX) return numberIn(v);
  return undefined;
}

function enumConstant(v: LuaValue, other: LuaValue): LuaValue {
  if (typeof v !== 'string' || !(other instanceof CData)) return v;
  const ct = target(other.ct);
  return ct.kind === Kind.ENUM ? (ct.members?.get(v)?.constant ?? v) : v;
}

function toBig(n: number | bigint, unsigned: boolean): bigint {
  if (typeof n === 'number') return unsigned ? toUint64(n) : toInt64(n);
  return unsigned ? BigInt.asUintN(64, n) : n;
}

const MIN64 = -0x8000000000000000n;

function integerPower(base: bigint, exponent: bigint, unsigned: boolean): bigint {
  if (exponent === 0n) return 1n;
  if (!unsigned && exponent < 0n) {
    if (base === 0n) return 0x7fffffffffffffffn;
    if (base === 1n) return 1n;
    if (base === -1n) return exponent & 1n ? -1n : 1n;
    return 0n;
  }
  let result = 1n;
  let b = base;
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = BigInt.asUintN(64, result * b);
    b = BigInt.asUintN(64, b * b);
  }
  return result;
}

function integer(event: string, a: bigint, b: bigint, unsigned: boolean): bigint {
  switch (event) {
    case '__add':
      return a + b;
    case '__sub':
      return a - b;
    case '__mul':
      return a * b;
    case '__div':
      if (b === 0n) return MIN64;
      return a / b;
    case '__mod':
      if (b === 0n) return MIN64;
      return a % b;
    case '__pow':
      return integerPower(a, b, unsigned);
    default:
      return -a;
  }
}

function integers(event: string, a: bigint, b: bigint, unsigned: boolean): CData {
  return makeInteger(integer(event, a, b, unsigned), unsigned);
}

/** A new 64 bit integer cdata. */
export function makeInteger(n: bigint, unsigned: boolean): CData {
  return unsigned
    ? new CData(UINT64, undefined, 0, BigInt.asUintN(64, n))
    : new CData(INT64, undefined, 0, BigInt.asIntN(64, n));
}

interface Pointer {
  /** A pointer or array type. */
  readonly ct: CType;
  readonly block: Block | undefined;
  readonly offset: number;
}

const NIL: Pointer = { ct: VOID_PTR, block: undefined, offset: 0 };

function asPointer(v: LuaValue): Pointer | undefined {
  if (v === undefined) return NIL;
  if (!(v instanceof CData)) return undefined;
  const ct = target(v.ct);
  switch (ct.kind) {
    case Kind.PTR:
      pointerIn(v);
      return { ct, block: resultBlock, offset: resultOffset };
    case Kind.ARRAY:
      return { ct, block: v.block, offset: v.offset };
    case Kind.FUNC:
      return { ct: ct.pointerTo(), block: undefined, offset: v.offset };
    default:
      return undefined;
  }
}

function address(p: Pointer): number {
  return addressOfPointer(p.block, p.offset);
}

function samePlace(a: Pointer | CData, b: Pointer | CData): boolean {
  if (a.block === b.block) return a.offset === b.offset;
  if (a.block !== undefined && b.block !== undefined) return false;
  return addressOfPointer(a.block, a.offset) === addressOfPointer(b.block, b.offset);
}

/** `p + n`. */
export function movePointer(p: Pointer, n: number | bigint): CData {
  const child = p.ct.child!;
  const ct = child.pointerTo();
  const size = elementSize(child);
  let step = Number(n) * size;
  // What C computes with 64 bits wraps.
  if (!Number.isSafeInteger(step)) step = Number(BigInt.asIntN(64, BigInt(n) * BigInt(size)));
  const offset = p.offset + step;
  if (p.block === undefined) {
    resolve(offset);
    return new CData(ct, pointerBlock, pointerOffset, undefined);
  }
  return new CData(ct, p.block, offset, undefined);
}

/** Below 0 for void and functions, with which there is no arithmetic. */
function elementSize(ct: CType): number {
  return ct.raw.size;
}

function pointerArithmetic(event: string, a: LuaValue, b: LuaValue): LuaResult | undefined {
  let p = asPointer(a);
  if (p !== undefined) {
    if (event === '__sub') {
      const q = asPointer(b);
      if (q !== undefined) {
        if (!sameTargets(p.ct, q.ct)) return undefined;
        const size = elementSize(p.ct.child!);
        if (size <= 0) return undefined;
        const bytes = p.block === q.block ? p.offset - q.offset : address(p) - address(q);
        return Math.trunc(bytes / size) | 0;
      }
    }
    if (event !== '__add' && event !== '__sub') return undefined;
    const n = operand(b);
    if (n === undefined) return undefined;
    const step = stepOf(n);
    if (elementSize(p.ct.child!) < 0) return undefined;
    return movePointer(p, event === '__sub' ? -step : step);
  }
  if (event !== '__add') return undefined;
  p = asPointer(b);
  const n = operand(a);
  if (p === undefined || n === undefined || elementSize(p.ct.child!) < 0) return undefined;
  return movePointer(p, stepOf(n));
}

function stepOf(n: number | bigint): number | bigint {
  return typeof n === 'number' && Number.isSafeInteger(n) ? n : typeof n === 'bigint' ? n : toInt64(n);
}

function operandText(v: LuaValue): string {
  if (!(v instanceof CData)) return typeName(v);
  let ct = target(v.ct);
  if (ct.kind === Kind.FUNC) ct = ct.pointerTo();
  if (ct.kind === Kind.ENUM) ct = ct.child ?? ct;
  return typeText(ct);
}

function fail(event: string, a: LuaValue, b: LuaValue): never {
  const x = operandText(a);
  const y = operandText(b);
  for (const [s, e] of [
    [a, b],
    [b, a],
  ] as const) {
    if (typeof s === 'string' && e instanceof CData && target(e.ct).kind === Kind.ENUM) {
      if (target(e.ct).members?.has(s)) break;
      throwError(`cannot convert '${operandText(s)}' to '${typeText(target(e.ct))}'`);
    }
  }
  switch (event) {
    case '__len':
      return throwError(`attempt to get length of '${x}'`);
    case '__concat':
      return throwError(`attempt to concatenate '${x}' and '${y}'`);
    case '__lt':
    case '__le':
      return throwError(`attempt to compare '${x}' with '${y}'`);
    default:
      return throwError(`attempt to perform arithmetic on '${x}' and '${y}'`);
  }
}

function viaMetatype(event: string, a: LuaValue, b: LuaValue): LuaResult {
  const h = metaOf(a, event) ?? metaOf(b, event);
  if (h === undefined) fail(event, a, b);
  if (typeof h === 'function') return h(a, b);
  return h instanceof CData ? callObject(h, [a, b]) : callable(h)(a, b);
}

/** The function of an arithmetic metamethod. */
export function arithmetic(event: string): LuaFunction {
  return (left, right) => {
    // The short ways: 64 bit integers, structs.
    if (left instanceof CData) {
      if (typeof left.val === 'bigint') {
        if (right instanceof CData) {
          if (typeof right.val === 'bigint' && right.ct.raw === left.ct.raw) {
            return integers(event, left.val, right.val, left.ct.isUnsigned);
          }
        } else if (typeof right === 'number' && Number.isSafeInteger(right) && right >= 0) {
          return integers(event, left.val, BigInt(right), left.ct.isUnsigned);
        }
      } else if (target(left.ct).kind === Kind.STRUCT) return viaMetatype(event, left, right);
    }
    const a = enumConstant(left, right);
    const b = enumConstant(right, left);
    const x = operand(a);
    if (x !== undefined) {
      const y = operand(b);
      if (y !== undefined) {
        const unsigned = isWide(a) || isWide(b);
        return makeInteger(integer(event, toBig(x, unsigned), toBig(y, unsigned), unsigned), unsigned);
      }
    }
    const p = pointerArithmetic(event, a, b);
    if (p !== undefined) return p;
    return viaMetatype(event, left, right);
  };
}

/** `<` and `<=`. */
export function comparison(event: '__lt' | '__le'): LuaFunction {
  return (left, right) => {
    const a = enumConstant(left, right);
    const b = enumConstant(right, left);
    const x = operand(a);
    const y = operand(b);
    if (x !== undefined && y !== undefined) {
      const unsigned = isWide(a) || isWide(b);
      const m = toBig(x, unsigned);
      const n = toBig(y, unsigned);
      return event === '__lt' ? m < n : m <= n;
    }
    const p = asPointer(a);
    const q = asPointer(b);
    if (p !== undefined && q !== undefined && sameTargets(p.ct, q.ct)) {
      const m = p.block === q.block ? p.offset : address(p);
      const n = p.block === q.block ? q.offset : address(q);
      return event === '__lt' ? m < n : m <= n;
    }
    return viaMetatype(event, left, right);
  };
}

/** `==`. Never fails for values without a metamethod. */
export function equal(left: LuaValue, right: LuaValue): LuaResult {
  if (left instanceof CData && right instanceof CData && left.ct === CTYPEID && right.ct === CTYPEID) {
    return left.val === right.val;
  }
  if (left instanceof CData && left.ct.kind === Kind.PTR) {
    if (right === undefined) return left.block === undefined && left.offset === 0;
    if (right instanceof CData && right.ct.kind === Kind.PTR) return samePlace(left, right);
  }
  const a = enumConstant(left, right);
  const b = enumConstant(right, left);
  const x = operand(a);
  if (x !== undefined) {
    const y = operand(b);
    if (y !== undefined) {
      const unsigned = isWide(a) || isWide(b);
      return toBig(x, unsigned) === toBig(y, unsigned);
    }
  }
  const p = asPointer(a);
  const q = asPointer(b);
  if (p !== undefined && q !== undefined) return samePlace(p, q);
  const h = metaOf(left, '__eq') ?? metaOf(right, '__eq');
  if (h !== undefined) return call(h, [left, right]);
  if (typeof left === 'string' || typeof right === 'string') {
    const [s, o] = typeof left === 'string' ? [left, q] : [right as string, p];
    return o?.block !== undefined && o.offset === 0 && o.block === stringBlock(s);
  }
  const m = p ?? (left instanceof CData && left.block !== undefined ? left : undefined);
  const n = q ?? (right instanceof CData && right.block !== undefined ? right : undefined);
  return m !== undefined && n !== undefined && samePlace(m, n);
}

export function concat(a: LuaValue, b: LuaValue): LuaResult {
  return viaMetatype('__concat', a, b);
}

export function length(o: LuaValue): LuaResult {
  return viaMetatype('__len', o, o);
}
