// The libraries that a new state gets, and the modules that `require` finds without a file.

import { openFfi } from '../ffi/library.ts';
import type { LuaTable } from '../table.ts';
import type { LuaFunction } from '../value.ts';
import { openBit } from './bit.ts';
import { openBuffer } from './buffer.ts';
import { openCjson } from './cjson.ts';
import { openIo } from './io.ts';
import { openLfs } from './lfs.ts';
import { openLpeg } from './lpeg/index.ts';
import { openMath } from './math.ts';
import { openOs } from './os.ts';
import { openString } from './string.ts';
import { openTable, TABLE_MODULES } from './table.ts';

export { openBit, openCjson, openIo, openMath, openOs, openString, openTable };

/** Global libraries by name; each call makes the table of one state. `base`, `coroutine` and `debug` are elsewhere. */
export const LIBRARIES = {
  bit: openBit,
  io: openIo,
  math: openMath,
  os: openOs,
  string: openString,
  table: openTable,
} satisfies Readonly<Record<string, () => LuaTable>>;

/**
 * Modules for package.preload: each loader makes the module for the state whose `table` library is given. Both cjson
 * modules of a state share the metatables that mark arrays.
 */
export function preloadModules(table: LuaTable): Record<string, LuaFunction> {
  let json: ReturnType<typeof openCjson> | undefined;
  const modules: Record<string, LuaFunction> = {
    cjson: () => (json ??= openCjson()).cjson,
    'cjson.safe': () => (json ??= openCjson()).safe,
    'string.buffer': openBuffer,
    ffi: openFfi,
  };
  for (const name of Object.keys(TABLE_MODULES)) {
    modules[`table.${name}`] = () => {
      table.setStr(name, TABLE_MODULES[name]);
      return TABLE_MODULES[name];
    };
  }
  return modules;
}

/**
 * Modules that stand in for C modules which programs bring with them: found where those would be, so that a Lua module
 * of the same name on package.path goes first.
 */
export function cModules(): Record<string, LuaFunction> {
  let patterns: ReturnType<typeof openLpeg> | undefined;
  return {
    lfs: openLfs,
    lpeg: () => (patterns ??= openLpeg()).lpeg,
    re: () => (patterns ??= openLpeg()).re(),
  };
}
