/** The functions of the ffi library: https://luajit.org/ext_ffi_api.html */

import { ret0, retN } from '../call.ts';
import { argError, throwError } from '../error.ts';
import { argTable } from '../lib/args.ts';
import { libraryTable, natives } from '../lib/native.ts';
import { callable, typeName } from '../runtime.ts';
import type { LuaTable } from '../table.ts';
import type { LuaResult, LuaValue } from '../value.ts';
import { CData } from './cdata.ts';
import { loadLibrary, processLibrary } from './clib.ts';
import {
  badConversion,
  beginArgument,
  convertTo,
  endArgument,
  pointerOf,
  resultBlock,
  resultOffset,
  sameTargets,
} from './convert.ts';
import {
  ALIGNED,
  BOOL,
  CONST_CHAR_PTR,
  CONST_VOID_PTR,
  CTYPEID,
  type CType,
  FLOAT,
  Kind,
  target,
  UNKNOWN,
  UNSIGNED,
  VLA,
  VOID_PTR,
} from './ctype.ts';
import { copyBytes, fillBytes, readString, stringBlock, writeString } from './memory.ts';
import './meta.ts';
import { native } from './native.ts';
import { argInt, newObject, setFinalizer, variableSize } from './object.ts';
import { DeclarationParser, Names, type Parameter } from './parse.ts';
import { DeclarationError } from './scan.ts';

const ABI = new Set(['64bit', 'fpu', 'hardfp', 'le', 'gc64']);

/** Types that declarations named lately, by their text, as long as nothing new is declared. */
const MAX_TYPES = 500;

function parse<T>(f: () => T): T {
  try {
    return f();
  } catch (e) {
    if (e instanceof DeclarationError) throwError(e.message);
    throw e;
  }
}

function wrongCdata(v: LuaValue, n: number, fname: string, given: number, expected: string): never {
  argError(n, fname, `${expected} expected, got ${n > given ? 'no value' : typeName(v)}`);
}

const declared: string[] = [];

/** Declares types for the ffi library of all states that open it from now on: those that a host's own Lua code declares. */
export function declareC(declarations: string): void {
  declared.push(declarations);
}

/** The `ffi` table of one state: what its functions declare is its own. */
export function openFfi(): LuaTable {
  const names = new Names();
  const types = new Map<string, CType>();
  for (const text of declared) parse(() => new DeclarationParser(names, text, [], true).declarations());

  /** The type that an argument names: a declaration, a ctype, or a cdata's own. */
  const argType = (v: LuaValue, fname: string, given: number, params?: readonly LuaValue[]): CType => {
    if (typeof v === 'string') {
      const isPlain = params === undefined || params.length === 0;
      const known = isPlain ? types.get(v) : undefined;
      if (known !== undefined) return known;
      const ct = parse(() => new DeclarationParser(names, v, parameters(params ?? []), false).type());
      if (isPlain && !v.includes('{')) {
        if (types.size >= MAX_TYPES) types.clear();
        types.set(v, ct);
      }
      return ct;
    }
    if (v instanceof CData) {
      if (params !== undefined && params.length > 0) argError(1, fname, 'wrong number of type parameters');
      return v.ct === CTYPEID ? (v.val as CType) : v.ct;
    }
    return wrongCdata(v, 1, fname, given, 'C type');
  };

  const parameters = (values: readonly LuaValue[]): Parameter[] =>
    values.map((v, i) => {
      if (typeof v === 'string') return v;
      if (typeof v === 'number') return Math.trunc(v);
      if (v instanceof CData) return v.ct === CTYPEID ? (v.val as CType) : v.ct;
      return argError(i + 2, 'typeof', `type parameter expected, got ${typeName(v)}`);
    });

  const functions = natives({
    cdef(text: LuaValue, ...params: LuaValue[]): LuaResult {
      if (typeof text !== 'string') wrongCdata(text, 1, 'cdef', arguments.length, 'string');
      types.clear();
      parse(() => new DeclarationParser(names, text, parameters(params), true).declarations());
      return ret0();
    },
    new: (...args: LuaValue[]): LuaResult => newObject(argType(args[0], 'new', args.length), args, 1, 0),
    cast(type: LuaValue, v: LuaValue): LuaResult {
      const ct = argType(type, 'cast', arguments.length);
      if (arguments.length < 2) argError(2, 'cast', 'value expected');
      const { kind } = ct;
      if (kind !== Kind.NUM && kind !== Kind.ENUM && kind !== Kind.PTR) argError(1, 'cast', 'invalid C type');
      if (v instanceof CData && v.ct === ct) return v;
      return convertTo(ct, v, true);
    },
    typeof(type: LuaValue, ...params: LuaValue[]): LuaResult {
      const ct = argType(type, 'typeof', arguments.length, params);
      if (type instanceof CData && type.ct === CTYPEID) return type;
      return new CData(CTYPEID, undefined, 0, ct);
    },
    sizeof(type: LuaValue, count: LuaValue): LuaResult {
      const ct = target(argType(type, 'sizeof', arguments.length));
      if (type instanceof CData && type.length >= 0) return type.length;
      let { size } = ct;
      if (ct.flags & VLA && ct.kind !== Kind.NUM) size = variableSize(ct, argInt(count, 2, 'sizeof', arguments.length));
      return size === UNKNOWN ? undefined : size;
    },
    alignof(type: LuaValue): LuaResult {
      const ct = argType(type, 'alignof', arguments.length);
      return ct.flags & ALIGNED ? ct.align : ct.raw.align;
    },
    offsetof(type: LuaValue, name: LuaValue): LuaResult {
      const ct = target(argType(type, 'offsetof', arguments.length));
      if (typeof name !== 'string') wrongCdata(name, 2, 'offsetof', arguments.length, 'string');
      const f = ct.kind === Kind.STRUCT ? ct.members?.get(name) : undefined;
      if (f === undefined || f.constant !== undefined) return ret0();
      return f.bits < 0 ? f.offset : retN([f.offset, f.bit, f.bits]);
    },
    istype(type: LuaValue, v: LuaValue): LuaResult {
      const a = target(argType(type, 'istype', arguments.length));
      if (arguments.length < 2) argError(2, 'istype', 'value expected');
      if (!(v instanceof CData)) return false;
      return isType(a, target(v.ct === CTYPEID ? (v.val as CType) : v.ct));
    },
    metatype(type: LuaValue, metatable: LuaValue): LuaResult {
      const ct = argType(type, 'metatype', arguments.length);
      const t = argTable(metatable, 2, 'metatype', arguments.length);
      const { raw } = ct;
      if (raw.kind !== Kind.STRUCT && raw.kind !== Kind.COMPLEX && raw.kind !== Kind.VECTOR) {
        argError(1, 'metatype', 'invalid C type');
      }
      if (raw.metatype !== undefined) throwError('cannot change a protected metatable');
      raw.metatype = t;
      return new CData(CTYPEID, undefined, 0, ct);
    },
    gc(v: LuaValue, finalizer: LuaValue): LuaResult {
      if (!(v instanceof CData)) wrongCdata(v, 1, 'gc', arguments.length, 'cdata');
      if (arguments.length < 2) argError(2, 'gc', 'value expected');
      const { kind } = v.ct;
      if (kind !== Kind.PTR && kind !== Kind.STRUCT && kind !== Kind.ARRAY && kind !== Kind.REF) {
        argError(1, 'gc', 'invalid C type');
      }
      setFinalizer(v, finalizer === undefined || typeof finalizer === 'function' ? finalizer : callable(finalizer));
      return v;
    },
    string(v: LuaValue, size: LuaValue): LuaResult {
      if (arguments.length < 1) argError(1, 'string', 'value expected');
      if (size === undefined) {
        argPointer(CONST_CHAR_PTR, v, 1, 'string');
        if (resultBlock === undefined && resultOffset === 0)
          throwError('attempt to access memory through a NULL pointer');
        return readString(resultBlock, resultOffset);
      }
      const n = argInt(size, 2, 'string', arguments.length);
      argPointer(CONST_VOID_PTR, v, 1, 'string');
      return readString(resultBlock, resultOffset, n);
    },
    copy(to: LuaValue, from: LuaValue, size: LuaValue): LuaResult {
      argPointer(VOID_PTR, to, 1, 'copy');
      const block = resultBlock;
      const offset = resultOffset;
      if (arguments.length < 2) argError(2, 'copy', 'value expected');
      if (typeof from === 'string') {
        const n = arguments.length < 3 ? from.length + 1 : argInt(size, 3, 'copy', arguments.length);
        if (block !== undefined && n >= 0 && n <= from.length + 1) {
          if (offset < 0 || offset + n > block.buffer.byteLength) {
            throwError('attempt to access memory out of bounds');
          }
          writeString(block, offset, from, Math.min(n, from.length));
          if (n > from.length) block.view.setUint8(offset + from.length, 0);
          return ret0();
        }
        copyBytes(block, offset, stringBlock(from), 0, n);
        return ret0();
      }
      argPointer(CONST_VOID_PTR, from, 2, 'copy');
      const source = resultBlock;
      const start = resultOffset;
      copyBytes(block, offset, source, start, argInt(size, 3, 'copy', arguments.length));
      return ret0();
    },
    fill(to: LuaValue, size: LuaValue, byte: LuaValue): LuaResult {
      argPointer(VOID_PTR, to, 1, 'fill');
      const block = resultBlock;
      const offset = resultOffset;
      const n = argInt(size, 2, 'fill', arguments.length);
      fillBytes(block, offset, n, byte === undefined ? 0 : argInt(byte, 3, 'fill', arguments.length) & 255);
      return ret0();
    },
    errno(value: LuaValue): LuaResult {
      const koffi = native()?.koffi;
      const old = koffi?.errno() ?? 0;
      if (arguments.length > 0) {
        const n = argInt(value, 1, 'errno', arguments.length);
        koffi?.errno(n);
      }
      return old;
    },
    abi(name: LuaValue): LuaResult {
      if (typeof name === 'number') return false;
      if (typeof name !== 'string') wrongCdata(name, 1, 'abi', arguments.length, 'string');
      return ABI.has(name);
    },
    load(name: LuaValue, global: LuaValue): LuaResult {
      if (typeof name !== 'string') wrongCdata(name, 1, 'load', arguments.length, 'string');
      return loadLibrary(names, name, global !== undefined && global !== false);
    },
  });
  return libraryTable(functions, {
    C: processLibrary(names),
    os: process.platform === 'darwin' ? 'OSX' : 'Linux',
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
  });
}

function argPointer(ct: CType, v: LuaValue, n: number, fname: string): void {
  beginArgument(n, fname);
  if (typeof v === 'number' || typeof v === 'boolean') badConversion(ct, v);
  pointerOf(ct, v, false);
  endArgument();
}

/** Arrays, vectors and complex numbers of the same elements are one type here. */
function isSequence(ct: CType): boolean {
  return ct.kind === Kind.ARRAY || ct.kind === Kind.COMPLEX || ct.kind === Kind.VECTOR;
}

function isType(a: CType, b: CType): boolean {
  if (a === b) return true;
  if (a.size === b.size) {
    if (a.kind === Kind.PTR && b.kind === Kind.PTR) return sameTargets(a, b);
    if (isSequence(a) && isSequence(b)) return sameTargets(a, b);
    if (a.kind === Kind.NUM && b.kind === Kind.NUM) return ((a.flags ^ b.flags) & (UNSIGNED | BOOL | FLOAT)) === 0;
    if (a.kind === Kind.VOID && b.kind === Kind.VOID) return true;
  }
  return a.kind === Kind.STRUCT && b.kind === Kind.PTR && b.child!.raw === a;
}
