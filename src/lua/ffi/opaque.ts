/**
 * Objects of the server that Lua code sees as pointers, `void *`, as ngx_lua hands out those of OpenSSL. What is behind
 * them cannot be read; copies of the pointer lead to the same object.
 */
import type { LuaValue } from '../value.ts';
import { CData } from './cdata.ts';
import { VOID_PTR } from './ctype.ts';
import { Block } from './memory.ts';

const objects = new WeakMap<Block, object>();

/** A pointer that stands for an object. */
export function opaquePointer(object: object): CData {
  const block = new Block(16);
  objects.set(block, object);
  return new CData(VOID_PTR, block, 0, undefined);
}

/** The object that a pointer stands for; undefined for any other value. */
export function opaqueObject(pointer: LuaValue): object | undefined {
  return pointer instanceof CData && pointer.block !== undefined ? objects.get(pointer.block) : undefined;
}

/** Whether it is nil or a pointer NULL. */
export function isNull(pointer: LuaValue): boolean {
  return pointer === undefined || (pointer instanceof CData && pointer.block === undefined && pointer.offset === 0);
}

/** The pointer NULL. */
export function nullPointer(): CData {
  return new CData(VOID_PTR, undefined, 0, undefined);
}
