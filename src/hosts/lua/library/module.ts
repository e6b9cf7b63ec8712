/** What the built-in Lua modules share. */
import type { Block } from '../../../conf/block.ts';
import {
  type LuaFunction,
  type LuaResult,
  type LuaState,
  LuaTable,
  type LuaValue,
  markLibrary,
  ret2,
} from '../../../lua/index.ts';

/** The version of lua-resty-core whose modules these are. */
export const CORE_VERSION = '0.1.33';

/** Makes a module for a state; called by the first `require` of it. */
export type ModuleLoader = (state: LuaState, block: Block) => LuaValue;

/** A module's table. Its functions get their Lua names, for tracebacks. */
export function moduleTable(fields: Readonly<Record<string, LuaValue>>): LuaTable {
  return markLibrary(LuaTable.fromObject(fields));
}

/** `true`, or nil and an error text. */
export function done(error: string | undefined): LuaResult {
  return error === undefined ? true : ret2(undefined, error);
}

/** A class as Lua libraries make them: a table of methods that is its instances' `__index`. */
export function methodTable(methods: Readonly<Record<string, LuaFunction>>): LuaTable {
  const table = moduleTable(methods);
  table.setStr('__index', table);
  return table;
}
