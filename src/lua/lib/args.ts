// Checks of the arguments of library functions, with LuaJIT's messages.
//
// A library function tests for the type it expects itself and comes here only for the rest, so these functions are
// slow paths: coercions between numbers and strings, defaults, errors. `given` is the function's `arguments.length`,
// by which "got no value" differs from "got nil".

import { argError } from '../error.ts';
import { formatNumber, parseNumber, toInt32 } from '../number.ts';
import { typeName } from '../runtime.ts';
import { LuaTable } from '../table.ts';
import type { LuaValue } from '../value.ts';

export { typeName };

/** Throws "bad argument #n to 'fname' (expected expected, got ...)". */
export function typeError(v: LuaValue, n: number, fname: string, expected: string, given: number): never {
  argError(n, fname, `${expected} expected, got ${n > given ? 'no value' : typeName(v)}`);
}

/** A string argument; numbers become strings. */
export function argString(v: LuaValue, n: number, fname: string, given: number): string {
  if (typeof v === 'string') return v;
  if (typeof v === 'number') return formatNumber(v);
  typeError(v, n, fname, 'string', given);
}

/** A number argument; strings that are numbers are converted. */
export function argNumber(v: LuaValue, n: number, fname: string, given: number): number {
  if (typeof v === 'number') return v;
  if (typeof v === 'string') {
    const number = parseNumber(v);
    if (number !== undefined) return number;
  }
  typeError(v, n, fname, 'number', given);
}

/** A 32 bit integer argument, truncated as LuaJIT does. */
export function argInteger(v: LuaValue, n: number, fname: string, given: number): number {
  return toInt32(argNumber(v, n, fname, given));
}

/** An optional 32 bit integer argument. */
export function optInteger(v: LuaValue, n: number, fname: string, given: number, fallback: number): number {
  return v === undefined ? fallback : toInt32(argNumber(v, n, fname, given));
}

/** A table argument. */
export function argTable(v: LuaValue, n: number, fname: string, given: number): LuaTable {
  if (v instanceof LuaTable) return v;
  typeError(v, n, fname, 'table', given);
}

/** Complains about an argument that was not given at all. */
export function argAny(given: number, n: number, fname: string): void {
  if (given < n) argError(n, fname, 'value expected');
}
