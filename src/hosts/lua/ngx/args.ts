/**
 * Arguments of native functions, checked and converted as Lua's auxiliary library does it, with its messages.
 * (luaL_checklstring and friends, lauxlib.c in LuaJIT's sources.)
 */
import { argError, formatNumber, LuaTable, type LuaValue, parseNumber, Userdata } from '../../../lua/index.ts';

/** `type(v)`, with "no value" for an argument that is missing at the end of the list. */
export function typeName(v: LuaValue): string {
  switch (typeof v) {
    case 'undefined':
      return 'nil';
    case 'boolean':
    case 'number':
    case 'string':
    case 'function':
      return typeof v;
    default:
      return v instanceof LuaTable ? 'table' : v instanceof Userdata ? 'userdata' : 'thread';
  }
}

/** "bad argument #n to 'name' (string expected, got nil)". */
export function typeError(n: number, name: string, expected: string, v: LuaValue): never {
  return argError(n, name, `${expected} expected, got ${v === undefined ? 'no value' : typeName(v)}`);
}

/** A string, or a number as Lua prints it. */
export function checkString(v: LuaValue, n: number, name: string): string {
  if (typeof v === 'string') return v;
  if (typeof v === 'number') return formatNumber(v);
  return typeError(n, name, 'string', v);
}

/** A number, or a string that reads as one. */
export function checkNumber(v: LuaValue, n: number, name: string): number {
  if (typeof v === 'number') return v;
  if (typeof v === 'string') {
    const number = parseNumber(v);
    if (number !== undefined) return number;
  }
  return typeError(n, name, 'number', v);
}

/** A number cut to an integer, as luaL_checkinteger does. */
export function checkInteger(v: LuaValue, n: number, name: string): number {
  return Math.trunc(checkNumber(v, n, name));
}

export function checkTable(v: LuaValue, n: number, name: string): LuaTable {
  return v instanceof LuaTable ? v : typeError(n, name, 'table', v);
}

/** What Lua takes for true. */
export function isTrue(v: LuaValue): boolean {
  return v !== undefined && v !== false;
}
