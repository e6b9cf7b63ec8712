// require, module and the package library. Files are read through the state, so that a host can provide them.

import { first, type NativeFrame, pushFrame, R, ret0, ret2, retN, S } from '../call.ts';
import { LuaError, throwError } from '../error.ts';

import { seesFunctions } from '../position.ts';
import { currentState, type LuaState } from '../state.ts';
import { LuaTable } from '../table.ts';
import { type LuaFunction, type LuaResult, type LuaValue, truthy, Userdata } from '../value.ts';
import { argString, argTable } from './args.ts';
import { functionAt, setEnvironment } from './environment.ts';
import { natives } from './native.ts';

/** In package.loaded while a module is being loaded. */
const LOADING = new Userdata();

function argText(v: LuaValue, n: number, fname: string, given: number): string {
  return typeof v === 'string' ? v : argString(v, n, fname, given);
}

/** The file of a path template list that exists, or the lines about those tried. */
function search(state: LuaState, name: string, path: string, separator: string, slash: string) {
  const file = separator === '' ? name : name.split(separator).join(slash);
  let tried = '';
  for (const template of path.split(';')) {
    if (template === '') continue;
    const candidate = template.split('?').join(file);
    if (state.isReadable(candidate)) return { found: candidate, tried };
    tried += `\n\tno file '${candidate}'`;
  }
  return { found: undefined, tried };
}

function find(name: LuaValue, field: string): { found: string | undefined; tried: string } {
  const state = currentState();
  const path = state.package.getStr(field);
  if (typeof path !== 'string') throwError(`'package.${field}' must be a string`);
  return search(state, argText(name, 1, '?', 1), path, '.', '/');
}

function loadError(name: LuaValue, file: string, message: string): never {
  throwError(`error loading module '${name}' from file '${file}':\n\t${message}`);
}

function loadLibrary(name: LuaValue, file: string): never {
  const state = currentState();
  const builtIn = [...state.packagePreload().entries()].map(([key]) => String(key));
  builtIn.push(...Object.keys(state.cModules));
  loadError(
    name,
    file,
    'compiled C modules cannot be loaded: only Lua and TypeScript modules are supported' +
      ` (built in are ${builtIn.sort().join(', ')})`,
  );
}

const LOADERS: readonly LuaFunction[] = Object.values(
  natives({
    preload(name: LuaValue): LuaResult {
      const preload = currentState().package.getStr('preload');
      if (!(preload instanceof LuaTable)) throwError("'package.preload' must be a table");
      return preload.get(name) ?? `\n\tno field package.preload['${name}']`;
    },
    lua(name: LuaValue): LuaResult {
      const state = currentState();
      const { found, tried } = find(name, 'path');
      if (found === undefined) return tried;
      const source = state.readFile(found);
      if (typeof source !== 'string') return loadError(name, found, source.reason);
      try {
        return state.load(source, '@' + found);
      } catch (e) {
        if (!(e instanceof LuaError)) throw e;
        return loadError(name, found, String(e.value));
      }
    },
    c(name: LuaValue): LuaResult {
      const { cModules } = currentState();
      if (typeof name === 'string' && Object.hasOwn(cModules, name)) return cModules[name];
      const { found, tried } = find(name, 'cpath');
      return found === undefined ? tried : loadLibrary(name, found);
    },
    croot(name: LuaValue): LuaResult {
      const dot = typeof name === 'string' ? name.indexOf('.') : -1;
      if (dot < 0) return ret0();
      const { found, tried } = find((name as string).slice(0, dot), 'cpath');
      return found === undefined ? tried : loadLibrary(name, found);
    },
  }),
);

/** require in progress: asks the loaders in turn, then runs the module. */
class Require implements NativeFrame {
  readonly name = 'require';
  private readonly module: string;
  private readonly loaded: LuaTable;
  private readonly loaders: LuaTable;
  private next = 1;
  private tried = '';
  private running = false;

  constructor(module: string, loaded: LuaTable, loaders: LuaTable) {
    this.module = module;
    this.loaded = loaded;
    this.loaders = loaders;
  }

  resume(r: LuaResult): LuaResult {
    const result = first(r);
    if (this.running) return this.finish(result);
    if (typeof result === 'function') {
      this.running = true;
      this.loaded.set(this.module, LOADING);
      const value = result(this.module);
      if (value === S && R.n < 0) return pushFrame(this);
      return this.finish(first(value));
    }
    if (typeof result === 'string' || typeof result === 'number') this.tried += result;
    return this.ask();
  }

  ask(): LuaResult {
    const loader = this.loaders.getInt(this.next++);
    if (loader === undefined) throwError(`module '${this.module}' not found:${this.tried}`);
    if (typeof loader !== 'function') throwError('attempt to call a loader that is not a function');
    const r = loader(this.module);
    if (r === S && R.n < 0) return pushFrame(this);
    return this.resume(r);
  }

  private finish(value: LuaValue): LuaValue {
    if (value !== undefined) this.loaded.set(this.module, value);
    else if (this.loaded.get(this.module) === LOADING) this.loaded.set(this.module, true);
    return this.loaded.get(this.module);
  }
}

/** The table of a dotted global name, made if absent; undefined if something else is in the way. */
function moduleTable(globals: LuaTable, name: string): LuaTable | undefined {
  let t = globals;
  for (const part of name.split('.')) {
    let v = t.get(part);
    if (v === undefined) {
      v = new LuaTable();
      t.setStr(part, v);
    }
    if (!(v instanceof LuaTable)) return undefined;
    t = v;
  }
  return t;
}

/** Functions that package.ts adds to the globals. */
export const GLOBAL_PACKAGE = natives({
  require(name: LuaValue): LuaResult {
    const module = argText(name, 1, 'require', arguments.length);
    const state = currentState();
    const { loaded } = state;
    const present = loaded.get(module);
    if (truthy(present)) {
      if (present === LOADING) throwError(`loop or previous error loading module '${module}'`);
      return present;
    }
    const loaders = state.package.getStr('loaders');
    if (!(loaders instanceof LuaTable)) throwError("'package.loaders' must be a table");
    return new Require(module, loaded, loaders).ask();
  },
  module: seesFunctions(function module(name: LuaValue, ...options: LuaValue[]): LuaResult {
    const module = argText(name, 1, 'module', arguments.length);
    const { loaded, globals } = currentState();
    const present = loaded.get(module);
    let t = present instanceof LuaTable ? present : undefined;
    if (t === undefined) {
      t = moduleTable(globals, module);
      if (t === undefined) throwError(`name conflict for module '${module}'`);
      loaded.set(module, t);
    }
    if (t.getStr('_NAME') === undefined) {
      t.setStr('_M', t);
      t.setStr('_NAME', module);
      t.setStr('_PACKAGE', module.slice(0, module.lastIndexOf('.') + 1));
    }
    const caller = functionAt(1);
    if (typeof caller !== 'function' || !setEnvironment(caller as LuaFunction, t)) {
      throwError("'module' not called from a Lua function");
    }
    return new ModuleOptions(t, options).resume(undefined);
  }),
});

/** Calls the options of module (package.seeall) one after the other. */
class ModuleOptions implements NativeFrame {
  readonly name = 'module';
  private readonly module: LuaTable;
  private readonly options: LuaValue[];
  private i = 0;

  constructor(module: LuaTable, options: LuaValue[]) {
    this.module = module;
    this.options = options;
  }

  resume(_: LuaResult): LuaResult {
    while (this.i < this.options.length) {
      const option = this.options[this.i++];
      if (typeof option !== 'function') continue;
      const r = option(this.module);
      if (r === S && R.n < 0) return pushFrame(this);
    }
    return this.module;
  }
}

const PACKAGE = natives({
  loadlib(path: LuaValue, init: LuaValue): LuaResult {
    argText(path, 1, 'loadlib', arguments.length);
    argText(init, 2, 'loadlib', arguments.length);
    return retN([undefined, 'compiled C modules cannot be loaded', 'open']);
  },
  searchpath(name: LuaValue, path: LuaValue, separator: LuaValue, slash: LuaValue): LuaResult {
    const given = arguments.length;
    const { found, tried } = search(
      currentState(),
      argText(name, 1, 'searchpath', given),
      argText(path, 2, 'searchpath', given),
      separator === undefined ? '.' : argText(separator, 3, 'searchpath', given),
      slash === undefined ? '/' : argText(slash, 4, 'searchpath', given),
    );
    return found ?? ret2(undefined, tried);
  },
  seeall(t: LuaValue): LuaResult {
    const table = argTable(t, 1, 'seeall', arguments.length);
    table.$m ??= new LuaTable();
    table.$m.setStr('__index', currentState().globals);
    return ret0();
  },
});

/** Fills the `package` table of a state. */
export function openPackage(state: LuaState, path: string, cpath: string): void {
  const t = state.package;
  for (const [name, fn] of Object.entries(PACKAGE)) t.setStr(name, fn);
  t.setStr('path', path);
  t.setStr('cpath', cpath);
  t.setStr('config', '/\n;\n?\n!\n-\n');
  t.setStr('loaded', state.loaded);
  t.setStr('preload', new LuaTable());
  t.setStr('loaders', LuaTable.fromArray(LOADERS));
}
