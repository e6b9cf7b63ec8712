// How library tables are made: one set of native functions per process, one table per state.

import { NATIVE } from '../position.ts';
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaValue } from '../value.ts';

/** Native functions by their Lua name. */
export type Natives = Readonly<Record<string, LuaFunction>>;

/**
 * Marks functions as natives, by a name that stack walks recognise. Tracebacks then show them as
 * "[C]: in function 'name'". Functions that are not marked do not appear in tracebacks.
 */
export function natives<T extends Natives>(functions: T): T {
  for (const name of Object.keys(functions)) markNative(functions[name]!, name);
  return functions;
}

/** Marks one function; see `natives`. */
export function markNative(fn: LuaFunction, name: string): LuaFunction {
  if (!fn.name.startsWith(NATIVE)) Object.defineProperty(fn, 'name', { value: NATIVE + name });
  return fn;
}

/** Whether a function is native (not compiled from Lua). */
export function isNative(fn: Function): boolean {
  return !/^\$\d+w?_/.test(fn.name);
}

/** Marks all functions of a library table. */
export function markLibrary(table: LuaTable): LuaTable {
  for (const [name, v] of table.entries()) {
    if (typeof v === 'function') markNative(v, String(name));
  }
  return table;
}

/** A table with the given functions and values. */
export function libraryTable(functions: Natives, values: Readonly<Record<string, LuaValue>> = {}): LuaTable {
  const t = LuaTable.fromObject(functions);
  for (const name of Object.keys(values)) t.setStr(name, values[name]);
  return t;
}
