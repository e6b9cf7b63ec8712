/**
 * The values of the ffi library.
 *
 * One class for all of them, so that code that handles cdata sees one hidden class. What its fields mean depends on
 * the type:
 *
 * - numbers, enums: `val` (a bigint for 64 bit integers); immutable
 * - pointers, references, functions: what they point to, as block and offset, or as an address in `offset` alone
 * - structs, arrays, complex numbers, vectors: where they are, the same way
 * - ctype objects: the type in `val`
 * - functions that have been called: what calls them in `val`
 *
 * Imports nothing of the ffi library but its types: the runtime knows this class.
 */

import { LuaTable } from '../table.ts';
import { type LuaFunction, type LuaResult, type LuaValue, Userdata } from '../value.ts';
import type { CType, Field } from './ctype.ts';
import type { Block } from './memory.ts';

/** The metatable of all cdata, filled by meta.ts. */
export const cdataMetatable = new LuaTable();

/** Numbers in memory as V8 knows them. */
export type NumberArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

export class CData extends Userdata {
  readonly ct: CType;
  readonly block: Block | undefined;
  readonly offset: number;
  val: number | bigint | boolean | CType | LuaFunction | undefined;
  /** Bytes of an object of variable length; -1 if the type knows. */
  length = -1;
  /**
   * The elements of an array or behind a pointer, for compiled code; made when they have been used a few times. A
   * position that is not in it is left to `cdataOperations`.
   */
  $v: NumberArray | undefined = undefined;
  /** Before there is `$v`, uses of elements; then 1 if only what fits into 32 bits may be written there, else 0. */
  $i = 0;

  constructor(ct: CType, block: Block | undefined, offset: number, val: CData['val']) {
    super(cdataMetatable);
    this.ct = ct;
    this.block = block;
    this.offset = offset;
    this.val = val;
  }
}

// The field of offsets and addresses gets room for any value: as one for small numbers it would become one for doubles
// with the first address, and each cdata would need another object for its number.
new CData(undefined as never, undefined, undefined as never, undefined);

/** What a constant key remembers of its last use with cdata: a type and its member of that name. */
export interface MemberCache {
  c: CType | undefined;
  f: Field | undefined;
}

/** What the runtime and other libraries do with cdata; set when the ffi library is loaded into the process. */
export const cdataOperations: {
  index(o: CData, k: LuaValue): LuaResult;
  setIndex(o: CData, k: LuaValue, v: LuaValue): LuaResult;
  /** Like `index` and `setIndex`, with what the key remembers. */
  indexMember(o: CData, k: string, cache: MemberCache): LuaResult;
  setMember(o: CData, k: string, v: LuaValue, cache: MemberCache): LuaResult;
  /** a == b, one of them a cdata. May suspend in a metamethod. */
  equal(a: LuaValue, b: LuaValue): LuaResult;
  /** The JavaScript function of a C function; undefined for other cdata. */
  bound(o: CData): LuaFunction | undefined;
  /** The value of a literal such as 12LL, 0xffULL, 4i; undefined if it is malformed. */
  literal(text: string): CData | undefined;
  /** The literal with a minus sign in front. */
  negate(o: CData): CData;
  /** As a number, for tonumber; undefined if it is none. */
  toNumber(o: CData): number | undefined;
  /** A function of the bit library with 64 bit operands. */
  bit(name: string, args: ArrayLike<LuaValue>): LuaResult;
  /** A `uint8_t *` to new memory. */
  newBytes(size: number): CData;
  /** The bytes that a value points to. */
  bytesAt(pointer: LuaValue, size?: number): string;
  /** The value of a 64 bit integer, for string.format; undefined for other types. */
  toInteger(o: CData): bigint | undefined;
} = {
  index: missing,
  setIndex: missing,
  indexMember: missing,
  setMember: missing,
  equal: missing,
  bound: () => undefined,
  literal: () => undefined,
  negate: missing,
  toNumber: missing,
  bit: missing,
  newBytes: missing,
  bytesAt: missing,
  toInteger: missing,
};

function missing(): never {
  throw new Error('the ffi library is not loaded');
}
