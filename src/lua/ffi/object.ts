/** New cdata objects, and what happens when they are collected. */

import { dynamic } from '../coroutine.ts';
import { argError } from '../error.ts';
import { addFinalizer, callFinalizer, type Finalize, type Finalizer, removeFinalizer } from '../gc/finalizer.ts';
import { LuaTable } from '../table.ts';
import type { LuaValue } from '../value.ts';
import { CData } from './cdata.ts';
import { beginArgument, convertTo, endArgument, initialize, scalar, write } from './convert.ts';
import { type CType, INT32, Kind, UNKNOWN, VLA } from './ctype.ts';
import { allocate, allocated, Block } from './memory.ts';

/** A 32 bit integer argument, with the ffi library's own conversions. */
export function argInt(v: LuaValue, n: number, fname: string, given: number): number {
  if (n > given) argError(n, fname, 'value expected');
  beginArgument(n, fname);
  const i = scalar(INT32, v, false) as number;
  endArgument();
  return i;
}

/** Bytes of a type of variable length with `count` elements at its end; UNKNOWN if that is too much. */
export function variableSize(ct: CType, count: number): number {
  const { raw } = ct;
  if (count < 0) return UNKNOWN;
  let size = 0;
  let array = raw;
  if (raw.kind === Kind.STRUCT) {
    array = raw.fields![raw.fields!.length - 1]!.ct.raw;
    size = raw.size;
  }
  size += array.child!.raw.size * count;
  return size < 0x80000000 ? size : UNKNOWN;
}

/**
 * ffi.new: `args` from `start` on are the length of a variable one and the initialisers. `shift` is added to the
 * positions in messages.
 */
export function newObject(ct: CType, args: readonly LuaValue[], start: number, shift: number): CData {
  const { raw } = ct;
  let from = start;
  let { size } = raw;
  let length = -1;
  if (raw.flags & VLA && raw.kind !== Kind.NUM) {
    size = variableSize(raw, argInt(args[from], from + 1 + shift, 'new', args.length + shift));
    length = size;
    from++;
  }
  switch (raw.kind) {
    case Kind.STRUCT:
    case Kind.ARRAY:
    case Kind.COMPLEX:
    case Kind.VECTOR:
      break;
    case Kind.NUM:
    case Kind.ENUM:
    case Kind.PTR:
      if (size === UNKNOWN) argError(1, 'new', 'size of C type is unknown or too large');
      if (args.length - from > 1) initialize(ct, size, new Block(size), 0, args, from);
      if (args.length === from) return convertTo(ct, raw.kind === Kind.PTR ? undefined : 0, false);
      if (raw.size > 8) return newMemory(ct, size, -1, args, from);
      return convertTo(ct, args[from], false);
    case Kind.REF:
      return convertTo(ct, args[from], false);
    default:
      return argError(1, 'new', 'size of C type is unknown or too large');
  }
  if (size === UNKNOWN) argError(1, 'new', 'size of C type is unknown or too large');
  const o = newMemory(ct, size, length, args, from);
  if (raw.kind === Kind.STRUCT && raw.metatype !== undefined) {
    const gc = raw.metatype.getStr('__gc');
    if (gc !== undefined) setFinalizer(o, gc);
  }
  return o;
}

function newMemory(ct: CType, size: number, length: number, args: readonly LuaValue[], from: number): CData {
  const block = allocate(size, ct.raw.align);
  const at = allocated;
  const o = new CData(ct, block, at, undefined);
  if (length >= 0) o.length = length;
  if (args.length > from) {
    if (args.length - from === 1 && ct.raw.kind === Kind.ARRAY && length >= 0)
      variableArray(ct, size, block, at, args[from]);
    else initialize(ct.raw, size, block, at, args, from);
  }
  return o;
}

/** A single initialiser of `T[?]`: a table or string does not know where the array ends. */
function variableArray(ct: CType, size: number, block: Block, at: number, v: LuaValue): void {
  if (v instanceof LuaTable || typeof v === 'string') {
    const element = ct.raw.child!;
    const fixed = element.arrayOf(element.raw.size > 0 ? size / element.raw.size : 0);
    write(fixed, block, at, v);
  } else initialize(ct.raw, size, block, at, [v], 0);
}

// Finalizers

const finalizers = new WeakMap<CData, Finalizer>();

/** ffi.gc: sets or, with nil, removes the finalizer. It is called with another cdata that refers to the same memory. */
export function setFinalizer(o: CData, fn: LuaValue): void {
  const old = finalizers.get(o);
  if (old !== undefined) {
    removeFinalizer(old);
    finalizers.delete(o);
  }
  if (fn === undefined) return;
  const copy = new CData(o.ct, o.block, o.offset, o.val);
  copy.length = o.length;
  const { state } = dynamic.current!;
  const finalize: Finalize = (own) => callFinalizer(fn, (own as CData | undefined) ?? copy, state);
  finalizers.set(o, addFinalizer(o, finalize, state, true));
}
