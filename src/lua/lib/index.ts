// The libraries that a new state gets, and the modules that `require` finds without a file.

import { dynamic } from '../coroutine.ts';
import { openFfi } from '../ffi/library.ts';
import type { LuaState } from '../state.ts';
import { LuaTable } from '../table.ts';
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

const cjsonModules = new WeakMap<LuaState, ReturnType<typeof openCjson>>();

/** Both cjson modules of a state, which share the metatables that mark arrays. */
function cjsonOf(state: LuaState): ReturnType<typeof openCjson> {
  let modules = cjsonModules.get(state);
  if (modules === undefined) cjsonModules.set(state, (modules = openCjson()));
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

/** Modules for package.preload: each loader makes the module for the state that runs. */
export const PRELOAD: Readonly<Record<string, LuaFunction>> = {
  cjson: () => cjsonOf(dynamic.current!.state).cjson,
  'cjson.safe': () => cjsonOf(dynamic.current!.state).safe,
  'string.buffer': openBuffer,
  ffi: openFfi,
  ...Object.fromEntries(Object.keys(TABLE_MODULES).map((name) => [`table.${name}`, () => addToTable(name)])),
};

/** `require "table.new"` also makes the function a field of the library. */
function addToTable(name: string): LuaFunction {
  const fn = TABLE_MODULES[name]!;
  const library = dynamic.current!.state.loaded.getStr('table');
  if (library instanceof LuaTable) library.setStr(name, fn);
  return fn;
}
