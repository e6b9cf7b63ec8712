// The standard libraries of a state.

import type { LuaState } from '../state.ts';
import { LuaTable } from '../table.ts';
import { BASE } from './base.ts';
import { numberFunctions } from './builtin.ts';
import { COROUTINE } from './coroutine.ts';
import { DEBUG } from './debug.ts';
import { LIBRARIES, PRELOAD } from './index.ts';
import { JIT_MODULES, openJit } from './jit.ts';
import { markLibrary } from './native.ts';
import { GLOBAL_PACKAGE, openPackage } from './package.ts';

/** A standard library besides the basic one and package, which are always there. */
export type LibraryName = keyof typeof OPENERS;

const OPENERS = {
  coroutine: () => LuaTable.fromObject(COROUTINE),
  ...LIBRARIES,
  debug: () => LuaTable.fromObject(DEBUG),
  jit: openJit,
} satisfies Readonly<Record<string, () => LuaTable>>;

const ALL = Object.keys(OPENERS) as LibraryName[];
const marked = new Set<string>();

/** Fills a new state's globals, loaded modules, package table and metatables. */
export function openLibraries(state: LuaState, names: readonly LibraryName[] = ALL, path: string, cpath: string): void {
  const { globals, loaded } = state;
  const add = (name: string, library: LuaTable): void => {
    globals.setStr(name, library);
    loaded.setStr(name, library);
  };
  for (const [name, fn] of Object.entries(BASE)) globals.setStr(name, fn);
  for (const [name, fn] of Object.entries(GLOBAL_PACKAGE)) globals.setStr(name, fn);
  globals.setStr('_VERSION', 'Lua 5.1');
  add('_G', globals);
  openPackage(state, path, cpath);
  add('package', state.package);
  for (const name of names) {
    const library = OPENERS[name]();
    if (!marked.has(name)) {
      marked.add(name);
      markLibrary(library);
    }
    add(name, library);
    if (name === 'string') {
      const m = new LuaTable();
      m.setStr('__index', library);
      state.metatables.string = m;
    } else if (name === 'table') openModules(state);
  }
  numberFunctions(state);
}

/** `require "table.new"`, `require "cjson"` and the like. */
function openModules(state: LuaState): void {
  const preload = state.packagePreload();
  for (const modules of [PRELOAD, JIT_MODULES]) {
    for (const name of Object.keys(modules)) preload.set(name, modules[name]);
  }
}
