/**
 * `o[k]` and `o[k] = v` for what programs do most: numbers, pointers and nested structs in memory of our own.
 *
 * One switch over the kind of value takes the place of the functions that convert.ts makes for each type, which V8
 * cannot inline where many types are used. All else, with all errors, is left to meta.ts.
 */

import { throwError } from '../error.ts';
import type { LuaResult, LuaValue } from '../value.ts';
import { CData, type MemberCache, type NumberArray } from './cdata.ts';
import { read, write } from './convert.ts';
import { Code, type CType, type Field, INT64, Kind, UINT64 } from './ctype.ts';
import { type Block, pointerBlock, pointerOffset, readPointer, writePointer } from './memory.ts';
import { indexObject, setIndexObject } from './meta.ts';

/** A DataView's own error for an access outside of its memory becomes a Lua error. */
function outOfBounds(e: unknown): unknown {
  if (e instanceof RangeError && e.message.includes('DataView')) throwError('attempt to access memory out of bounds');
  return e;
}

function get(ct: CType, block: Block, offset: number): LuaValue {
  switch (ct.code) {
    case Code.INT8:
      return block.view.getInt8(offset);
    case Code.UINT8:
      return block.view.getUint8(offset);
    case Code.INT16:
      return block.view.getInt16(offset, true);
    case Code.UINT16:
      return block.view.getUint16(offset, true);
    case Code.INT32:
      return block.view.getInt32(offset, true);
    case Code.UINT32:
      return block.view.getUint32(offset, true);
    case Code.FLOAT32:
      return block.view.getFloat32(offset, true);
    case Code.DOUBLE:
      return block.view.getFloat64(offset, true);
    case Code.BOOLEAN:
      return block.view.getUint8(offset) !== 0;
    case Code.POINTER:
      readPointer(block, offset);
      return new CData(ct, pointerBlock, pointerOffset, undefined);
    case Code.INT64:
      return new CData(INT64, undefined, 0, block.view.getBigInt64(offset, true));
    case Code.UINT64:
      return new CData(UINT64, undefined, 0, block.view.getBigUint64(offset, true));
    case Code.OBJECT:
      return new CData(ct.referenceTo(), block, offset, undefined);
    default:
      return read(ct, block, offset);
  }
}

/** Converts a value and writes it, also to a constant. */
export function set(ct: CType, block: Block, offset: number, v: LuaValue): void {
  if (typeof v === 'number') {
    switch (ct.code) {
      case Code.INT8:
      case Code.UINT8:
        if ((v | 0) !== v) break;
        block.view.setInt8(offset, v);
        return;
      case Code.INT16:
      case Code.UINT16:
        if ((v | 0) !== v) break;
        block.view.setInt16(offset, v, true);
        return;
      case Code.INT32:
      case Code.UINT32:
        if ((v | 0) !== v) break;
        block.view.setInt32(offset, v, true);
        return;
      case Code.FLOAT32:
        block.view.setFloat32(offset, v, true);
        return;
      case Code.DOUBLE:
        block.view.setFloat64(offset, v, true);
        return;
    }
  } else if (ct.code === Code.POINTER) {
    if (v === undefined) {
      writePointer(block, offset, undefined, 0);
      return;
    }
    // Pointers, arrays and references to structs say in the same fields where they point to.
    if (v instanceof CData && v.ct.child === ct.child && (v.ct.code === Code.POINTER || v.ct.code === Code.OBJECT)) {
      writePointer(block, offset, v.block, v.offset);
      return;
    }
  }
  write(ct, block, offset, v);
}

/** The member of a struct; undefined where meta.ts has to look. */
function memberOf(struct: CType, k: string): Field | undefined {
  if (struct.qual !== 0) return undefined;
  const f = struct.raw.members?.get(k);
  return f === undefined || f.bits >= 0 || f.constant !== undefined ? undefined : f;
}

/** The type of the elements of an array, or of what a pointer points to; undefined where meta.ts has to look. */
function elementOf(ct: CType): CType | undefined {
  const inner = ct.kind === Kind.REF ? ct.child! : ct;
  if (inner.kind !== Kind.ARRAY && (inner.kind !== Kind.PTR || inner !== ct)) return undefined;
  return inner.child!;
}

/** Uses of elements of a cdata from which on compiled code gets at them itself. */
const USES = 6;

/** The elements as an array of JavaScript's, unless they are constant, not numbers or not aligned. */
function makeView(o: CData, e: CType | undefined, block: Block): void {
  if (e === undefined || e.qual !== 0 || e.kind !== Kind.NUM) return;
  const { size } = e;
  const { buffer } = block;
  const { offset } = o;
  const count = Math.floor((buffer.byteLength - offset) / size);
  if (offset < 0 || count <= 0 || offset % size !== 0) return;
  const view = viewOf(e.code, buffer, offset, count);
  if (view === undefined) return;
  o.$v = view;
  // Numbers from 2^31 on become other unsigned ones as in JavaScript, but not so signed ones.
  o.$i = size < 4 || e.code === Code.INT32 ? 1 : 0;
}

function viewOf(code: number, buffer: ArrayBuffer, offset: number, count: number): NumberArray | undefined {
  switch (code) {
    case Code.INT8:
      return new Int8Array(buffer, offset, count);
    case Code.UINT8:
      return new Uint8Array(buffer, offset, count);
    case Code.INT16:
      return new Int16Array(buffer, offset, count);
    case Code.UINT16:
      return new Uint16Array(buffer, offset, count);
    case Code.INT32:
      return new Int32Array(buffer, offset, count);
    case Code.UINT32:
      return new Uint32Array(buffer, offset, count);
    case Code.FLOAT32:
      return new Float32Array(buffer, offset, count);
    case Code.DOUBLE:
      return new Float64Array(buffer, offset, count);
    default:
      return undefined;
  }
}

/** `o[k]` */
export function index(o: CData, k: LuaValue): LuaResult {
  const { ct, block } = o;
  try {
    if (block !== undefined) {
      if (typeof k === 'string') {
        const f = ct.record === undefined ? undefined : memberOf(ct.record, k);
        if (f !== undefined) return get(f.ct, block, o.offset + f.offset);
      } else if (typeof k === 'number') {
        const e = elementOf(ct);
        if (++o.$i === USES) makeView(o, e, block);
        if (e !== undefined && e.raw.size > 0) return get(e, block, o.offset + Math.trunc(k) * e.raw.size);
      }
    }
    return indexObject(o, k);
  } catch (e) {
    throw outOfBounds(e);
  }
}

/** `o[k] = v` */
export function setIndex(o: CData, k: LuaValue, v: LuaValue): LuaResult {
  const { ct, block } = o;
  try {
    if (block !== undefined) {
      if (typeof k === 'string') {
        const f = ct.record === undefined ? undefined : memberOf(ct.record, k);
        if (f !== undefined && f.ct.qual === 0 && f.ct.code !== Code.OTHER && f.ct.code !== Code.OBJECT) {
          set(f.ct, block, o.offset + f.offset, v);
          return undefined;
        }
      } else if (typeof k === 'number') {
        const e = elementOf(ct);
        if (++o.$i === USES) makeView(o, e, block);
        if (e !== undefined && e.qual === 0 && e.code !== Code.OTHER && e.code !== Code.OBJECT) {
          set(e, block, o.offset + Math.trunc(k) * e.raw.size, v);
          return undefined;
        }
      }
    }
    return setIndexObject(o, k, v);
  } catch (e) {
    throw outOfBounds(e);
  }
}

/** `o.k` */
export function indexMember(o: CData, k: string, cache: MemberCache): LuaResult {
  const { block } = o;
  const { record } = o.ct;
  if (block === undefined || record === undefined) return index(o, k);
  let { f } = cache;
  if (cache.c !== record || f === undefined) {
    f = memberOf(record, k);
    if (f === undefined) return index(o, k);
    cache.c = record;
    cache.f = f;
  }
  try {
    return get(f.ct, block, o.offset + f.offset);
  } catch (e) {
    throw outOfBounds(e);
  }
}

/** `o.k = v` */
export function setMember(o: CData, k: string, v: LuaValue, cache: MemberCache): LuaResult {
  const { block } = o;
  const { record } = o.ct;
  if (block === undefined || record === undefined) return setIndex(o, k, v);
  let { f } = cache;
  if (cache.c !== record || f === undefined) {
    f = memberOf(record, k);
    if (f === undefined) return setIndex(o, k, v);
    cache.c = record;
    cache.f = f;
  }
  if (f.ct.qual !== 0 || f.ct.code === Code.OTHER || f.ct.code === Code.OBJECT) return setIndex(o, k, v);
  try {
    set(f.ct, block, o.offset + f.offset, v);
    return undefined;
  } catch (e) {
    throw outOfBounds(e);
  }
}
