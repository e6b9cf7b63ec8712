/** Memory for C functions that are written in JavaScript (`defineCFunction`). */

import type { LuaValue } from '../value.ts';
import { pointerOf, resultBlock, resultOffset } from './convert.ts';
import { CONST_VOID_PTR, VOID_PTR } from './ctype.ts';
import { readString, writeString } from './memory.ts';

/**
 * The bytes that a pointer argument (a pointer, an array, a struct, a string) points to: `size` of them, or up to
 * the first zero byte. Throws a Lua error for other values.
 */
export function readMemory(pointer: LuaValue, size?: number): string {
  pointerOf(CONST_VOID_PTR, pointer, false);
  return readString(resultBlock, resultOffset, size);
}

/** Writes a byte string to where a pointer argument points; no zero byte is added. */
export function writeMemory(pointer: LuaValue, bytes: string): void {
  pointerOf(VOID_PTR, pointer, false);
  writeString(resultBlock, resultOffset, bytes);
}
