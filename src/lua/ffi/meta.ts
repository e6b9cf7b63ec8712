/**
 * What Lua code can do with a cdata: index, assign, call, compare, compute, show it.
 * https://luajit.org/ext_ffi_semantics.html
 */

import { first, type NativeFrame, pushFrame, R, S } from '../call.ts';
import { argError, throwError } from '../error.ts';
import { markNative, natives } from '../lib/native.ts';
import { formatG } from '../number.ts';
import { callable, index as luaIndex, setIndex as luaSetIndex, typeName } from '../runtime.ts';
import { LuaTable } from '../table.ts';
import { addressOf, type LuaFunction, type LuaResult, type LuaValue } from '../value.ts';
import { index, indexMember, setIndex, setMember } from './access.ts';
import { arithmetic, comparison, concat, equal, length, makeInteger, typeMetamethod } from './arith.ts';
import { bit64 } from './bits.ts';
import { callFunction, freeCallback, functionAt, notCallable, setCallback } from './call.ts';
import { CData, cdataMetatable, cdataOperations } from './cdata.ts';
import { functionName, hostFunction } from './clib.ts';
import { assign, numberIn, pointerIn, read, readBits, resultBlock, resultOffset, writeBits } from './convert.ts';
import { COMPLEX_DOUBLE, CONST, CTYPEID, type CType, Kind, target, typeText, UINT8, UNKNOWN } from './ctype.ts';
import { readMemory } from './host.ts';
import { addressOfPointer, allocate, allocated, Block, numberOfPointer } from './memory.ts';
import { newObject } from './object.ts';

// Where an access leads: set by `locate`.
let block: Block | undefined;
let offset = 0;

const METHODS = natives({
  free(cb: LuaValue): LuaResult {
    freeCallback(cb);
    return undefined;
  },
  set(cb: LuaValue, fn: LuaValue): LuaResult {
    if (typeof fn !== 'function') argError(2, 'set', `function expected, got ${typeName(fn)}`);
    setCallback(cb, fn);
    return undefined;
  },
});

/**
 * The struct that a string key looks into, with its qualifiers: that of the object, or of what it points to.
 * Sets `block` and `offset` to its start.
 */
function structOf(o: CData): CType | undefined {
  let { ct } = o;
  block = o.block;
  offset = o.offset;
  if (ct.kind === Kind.REF) ct = ct.child!;
  if (ct.kind === Kind.STRUCT) return ct;
  if (ct.kind !== Kind.PTR || ct.child!.kind !== Kind.STRUCT) return undefined;
  if (ct !== o.ct) {
    pointerIn(o);
    block = resultBlock;
    offset = resultOffset;
  }
  return ct.child!;
}

/** The position of a key in numbers; undefined if the key is none. */
function position(k: LuaValue): number | undefined {
  if (typeof k === 'number') return Math.trunc(k);
  if (!(k instanceof CData)) return undefined;
  const ct = target(k.ct);
  if (!ct.isInteger && ct.kind !== Kind.ENUM) return undefined;
  return Number(numberIn(k));
}

/** The type of the element at a position; sets `block` and `offset` to it. */
function elementAt(o: CData, i: number): CType | undefined {
  let { ct } = o;
  if (ct.kind === Kind.REF) ct = ct.child!;
  switch (ct.kind) {
    case Kind.PTR:
      pointerIn(o);
      block = resultBlock;
      offset = resultOffset;
      break;
    case Kind.ARRAY:
    case Kind.VECTOR:
    case Kind.COMPLEX:
      block = o.block;
      offset = o.offset;
      break;
    default:
      return undefined;
  }
  const child = ct.child!;
  const { size } = child.raw;
  if (size === UNKNOWN) throwError('size of C type is unknown or too large');
  offset += (ct.kind === Kind.COMPLEX ? i & 1 : i) * size;
  return child;
}

/** `o[k]`, for all that access.ts does not do. */
export function indexObject(o: CData, k: LuaValue): LuaResult {
  if (typeof k === 'string') {
    const struct = structOf(o);
    if (struct !== undefined) {
      const f = struct.raw.members?.get(k);
      if (f !== undefined) {
        if (f.constant !== undefined) return f.constant;
        if (f.bits >= 0) return readBits(f, block, offset + f.offset);
        const { ct } = f;
        return read(
          struct.qual === 0 || ct.kind === Kind.NUM ? ct : ct.qualified(struct.qual),
          block,
          offset + f.offset,
        );
      }
    } else {
      const ct = target(o.ct);
      if (ct.kind === Kind.COMPLEX && (k === 're' || k === 'im')) {
        return read(ct.child!, o.block, o.offset + (k === 'im' ? ct.child!.size : 0));
      }
      if (o.ct === CTYPEID) return indexType(o, k);
    }
  } else {
    const i = position(k);
    if (i !== undefined) {
      const ct = elementAt(o, i);
      if (ct !== undefined) return read(ct, block, offset);
    }
  }
  return indexMeta(o, accessed(o), k);
}

/** The type that messages and metamethods of an access see. */
function accessed(o: CData): CType {
  const ct = o.ct.kind === Kind.REF ? o.ct.child! : o.ct;
  return ct.kind === Kind.PTR && ct.child!.kind === Kind.STRUCT ? ct.child! : ct;
}

/** Constants of a struct, by its ctype object. */
function indexType(o: CData, k: string): LuaResult {
  let ct = (o.val as CType).raw;
  if (ct.kind === Kind.PTR) ct = ct.child!.raw;
  const constant = ct.kind === Kind.STRUCT ? ct.members?.get(k)?.constant : undefined;
  return constant ?? indexMeta(o, ct, k);
}

function badIndex(ct: CType, k: LuaValue): never {
  const text = typeText(ct);
  if (typeof k === 'string') throwError(`'${text}' has no member named '${k}'`);
  throwError(`'${text}' cannot be indexed with '${k instanceof CData ? typeText(k.ct) : typeName(k)}'`);
}

class IndexFrame implements NativeFrame {
  readonly name = '__index';
  private readonly ct: CType;
  private readonly k: LuaValue;
  constructor(ct: CType, k: LuaValue) {
    this.ct = ct;
    this.k = k;
  }
  resume(r: LuaResult): LuaResult {
    return first(r) ?? badIndex(this.ct, this.k);
  }
}

function indexMeta(o: CData, ct: CType, k: LuaValue): LuaResult {
  const h = metamethodOf(ct, '__index');
  if (h === undefined) {
    if (ct.kind === Kind.PTR && ct.child!.kind === Kind.FUNC && (k === 'free' || k === 'set')) return METHODS[k];
    badIndex(ct, k);
  }
  if (typeof h === 'function') return h(o, k);
  if (h instanceof LuaTable) {
    const v = h.get(k);
    if (v !== undefined) return v;
  }
  const r = luaIndex(h, k);
  if (r === S && R.n < 0) return pushFrame(new IndexFrame(ct, k));
  return first(r) ?? badIndex(ct, k);
}

/** A metamethod of the type itself (pointers to structs have been followed). */
function metamethodOf(ct: CType, event: string): LuaValue {
  return ct.raw.metatype?.getStr(event);
}

/** `o[k] = v`, for all that access.ts does not do. */
export function setIndexObject(o: CData, k: LuaValue, v: LuaValue): LuaResult {
  if (typeof k === 'string') {
    const struct = structOf(o);
    if (struct !== undefined) {
      const f = struct.raw.members?.get(k);
      if (f !== undefined) {
        if ((f.ct.qual | struct.qual) & CONST || f.constant !== undefined || f.ct.isConstant) constant();
        if (f.bits >= 0) writeBits(f, block, offset + f.offset, v);
        else assign(f.ct, block, offset + f.offset, v);
        return undefined;
      }
      if (struct.qual & CONST) constant();
    } else {
      const ct = target(o.ct);
      if (ct.kind === Kind.COMPLEX && (k === 're' || k === 'im')) constant();
    }
  } else {
    const i = position(k);
    if (i !== undefined) {
      const ct = elementAt(o, i);
      if (ct !== undefined) {
        const { kind } = target(o.ct);
        if (ct.qual & CONST || kind === Kind.COMPLEX || kind === Kind.VECTOR || ct.isConstant) constant();
        if (ct.kind === Kind.VOID || ct.raw.size === UNKNOWN) throwError('size of C type is unknown or too large');
        assign(ct, block, offset, v);
        return undefined;
      }
    }
  }
  const ct = o.ct === CTYPEID ? o.ct : accessed(o);
  const h = metamethodOf(ct, '__newindex');
  if (h === undefined) badIndex(ct, k);
  if (typeof h === 'function') {
    const r = h(o, k, v);
    return r === S && R.n < 0 ? S : undefined;
  }
  return luaSetIndex(h, k, v);
}

function constant(): never {
  throwError('attempt to write to constant location');
}

/** `o(...)`: a C function, a constructor, or a metamethod. */
function callCData(o: LuaValue, ...args: LuaValue[]): LuaResult {
  if (!(o instanceof CData)) argError(1, '__call', `cdata expected, got ${typeName(o)}`);
  return callObject(o, args);
}

/** The JavaScript function of a C function that ffi.C or a library gave, or of a constructor; undefined for other cdata. */
function boundFunction(o: CData): LuaFunction | undefined {
  if (o.ct === CTYPEID) {
    const ct = o.val as CType;
    if (ct.raw.metatype !== undefined && typeMetamethod(ct, '__new') !== undefined) return undefined;
    ct.cache.construct ??= markNative((...args) => newObject(ct, args, 0, 1), '__call');
    return ct.cache.construct as LuaFunction;
  }
  if (o.ct.kind !== Kind.FUNC) return undefined;
  o.val ??= hostFunction(o) ?? markNative(functionAt(o.ct, o.offset, functionName(o)), '__call');
  return o.val as LuaFunction;
}

/** Calls a cdata. */
export function callObject(o: CData, args: LuaValue[]): LuaResult {
  if (o.ct === CTYPEID) {
    const ct = o.val as CType;
    const h = typeMetamethod(ct, '__new');
    if (h !== undefined) return (typeof h === 'function' ? h : callable(h))(o, ...args);
    return newObject(ct, args, 0, 1);
  }
  let ct = target(o.ct);
  let address = o.offset;
  if (ct.kind === Kind.PTR && ct.child!.kind === Kind.FUNC) {
    pointerIn(o);
    address = addressOfPointer(resultBlock, resultOffset);
    ct = ct.child!;
  }
  if (ct.kind === Kind.FUNC) {
    const host = hostFunction(o);
    return host === undefined ? callFunction(ct, address, args, functionName(o)) : host(...args);
  }
  const h = typeMetamethod(o.ct, '__call');
  if (h === undefined) notCallable(ct.kind === Kind.PTR ? ct.child! : ct);
  return (typeof h === 'function' ? h : callable(h))(o, ...args);
}

function hex(address: number): string {
  if (address === 0) return 'NULL';
  return '0x' + BigInt.asUintN(64, BigInt(address)).toString(16).padStart(8, '0');
}

function complexText(re: number, im: number): string {
  const text = formatG(im, 14);
  const sign = Object.is(im, -0) || im < 0 ? '' : '+';
  return formatG(re, 14) + sign + text + (/[a-z]$/.test(text) ? 'I' : 'i');
}

/** tostring */
function tostring(o: LuaValue): LuaResult {
  if (!(o instanceof CData)) argError(1, '__tostring', `cdata expected, got ${typeName(o)}`);
  if (o.ct === CTYPEID) return `ctype<${typeText(o.val as CType)}>`;
  const ct = target(o.ct);
  let at = numberOfPointer;
  switch (ct.kind) {
    case Kind.COMPLEX: {
      const part = ct.child!;
      return complexText(read(part, o.block, o.offset) as number, read(part, o.block, o.offset + part.size) as number);
    }
    case Kind.ENUM:
      return `cdata<${typeText(o.ct)}>: ${Number(numberIn(o)) | 0}`;
    case Kind.NUM:
      if (ct.size === 8 && ct.isInteger) return integerText(numberIn(o) as bigint, ct.isUnsigned);
      if (o.ct.kind !== Kind.REF) at = () => Number(addressOf(o));
      break;
    case Kind.PTR: {
      const h = ct.child!.kind === Kind.STRUCT ? typeMetamethod(ct, '__tostring') : undefined;
      if (h !== undefined) return (typeof h === 'function' ? h : callable(h))(o);
      pointerIn(o);
      return `cdata<${typeText(o.ct)}>: ${hex(numberOfPointer(resultBlock, resultOffset))}`;
    }
    case Kind.STRUCT:
    case Kind.VECTOR: {
      const h = typeMetamethod(o.ct, '__tostring');
      if (h !== undefined) return (typeof h === 'function' ? h : callable(h))(o);
    }
  }
  return `cdata<${typeText(o.ct)}>: ${hex(at(o.block, o.offset))}`;
}

function integerText(n: bigint, unsigned: boolean): string {
  return n.toString() + (unsigned ? 'ULL' : 'LL');
}

function viaType(event: string): LuaFunction {
  return (o) => {
    if (!(o instanceof CData)) argError(1, event, `cdata expected, got ${typeName(o)}`);
    const h = typeMetamethod(o.ct, event);
    if (h === undefined) {
      throwError(`'${typeText(o.ct.kind === Kind.PTR ? o.ct.child! : o.ct)}' has no '${event}' metamethod`);
    }
    return (typeof h === 'function' ? h : callable(h))(o);
  };
}

// Operators are not marked as natives: tracebacks do not show them.
const METAMETHODS: Record<string, LuaFunction> = {
  __index: (o, k) => index(o as CData, k),
  __newindex: (o, k, v) => setIndex(o as CData, k, v),
  __eq: equal,
  __len: length,
  __lt: comparison('__lt'),
  __le: comparison('__le'),
  __concat: concat,
  ...natives({
    __call: callCData,
    __tostring: tostring,
    __pairs: viaType('__pairs'),
    __ipairs: viaType('__ipairs'),
  }),
};
for (const event of ['__add', '__sub', '__mul', '__div', '__mod', '__pow', '__unm']) {
  METAMETHODS[event] = arithmetic(event);
}
for (const [event, fn] of Object.entries(METAMETHODS)) cdataMetatable.setStr(event, fn);
cdataMetatable.setStr('__metatable', 'ffi');

/** The number that tonumber gives. */
function toNumber(o: CData): number | undefined {
  if (o.ct === CTYPEID) return (o.val as CType).id;
  const n = numberIn(o);
  return n === undefined ? undefined : Number(n);
}

/** 12LL, 0xffULL, 0b1LL, 1.5i */
function literal(text: string): CData | undefined {
  const m = /^(0x[0-9a-f]+|0b[01]+|\d+)(u?)ll(u?)$/i.exec(text);
  if (m !== null) {
    if (m[2] !== '' && m[3] !== '') return undefined;
    const digits = m[1]!;
    return makeInteger(
      BigInt(/^0[xb]/i.test(digits) ? digits : digits.replace(/^0+(?=\d)/, '')),
      m[2] !== '' || m[3] !== '',
    );
  }
  if (!/i$/i.test(text)) return undefined;
  const im = parseImaginary(text.slice(0, -1));
  if (im === undefined) return undefined;
  return imaginary(im);
}

function imaginary(im: number): CData {
  const to = allocate(16, 8);
  const at = allocated;
  to.view.setFloat64(at + 8, im, true);
  return new CData(COMPLEX_DOUBLE, to, at, undefined);
}

function parseImaginary(text: string): number | undefined {
  if (/^0x/i.test(text)) return /^0x[0-9a-f]+$/i.test(text) ? Number(text) : undefined;
  return /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

const UINT8_PTR = UINT8.pointerTo();

/** -1LL, -2i */
function negate(o: CData): CData {
  if (typeof o.val === 'bigint') return makeInteger(-o.val, o.ct.isUnsigned);
  return imaginary(-o.block!.view.getFloat64(o.offset + 8, true));
}

Object.assign(cdataOperations, {
  newBytes: (size: number): CData => new CData(UINT8_PTR, new Block(size), 0, undefined),
  bytesAt: readMemory,
  negate,
  index,
  setIndex,
  indexMember,
  setMember,
  equal,
  bound: boundFunction,
  literal,
  toNumber,
  bit: bit64,
  toInteger(o: CData): bigint | undefined {
    const n = o.ct === CTYPEID ? undefined : numberIn(o);
    return typeof n === 'bigint' ? n : undefined;
  },
} satisfies typeof cdataOperations);
