/**
 * A Lua state: globals, registry, loaded modules. Several live in one process, isolated from each other; native
 * functions and compiled code are shared, so a state is cheap to make.
 */

import { accessSync, constants, readFileSync } from 'node:fs';
import { type Chunk, compile } from './compiler/compile.ts';
import { Coroutine, dynamic } from './coroutine.ts';
import { isBinary, undump } from './dump.ts';
import { withoutStack } from './error.ts';
import { finalizeAll } from './gc/finalizer.ts';
import { type HookSlot, hookSlot } from './hook.ts';
import type { StateImage, StateTables } from './image.ts';
import { type LibraryName, openLibraries } from './lib/all.ts';
import { cModules } from './lib/index.ts';
import { standardStreams } from './lib/io.ts';
import type { TypeMetatables } from './runtime.ts';
import { LuaTable } from './table.ts';
import { type LuaFunction, type LuaValue, Userdata } from './value.ts';

/** What a host can set of a state. */
export interface LuaStateOptions {
  /** Standard libraries to open; all if absent. */
  readonly libs?: readonly LibraryName[];
  /** Initial package.path and package.cpath. */
  readonly packagePath?: string;
  readonly packageCpath?: string;
  /** Receives what print writes, line end included, as a byte string; standard output if absent. */
  readonly print?: (text: string) => void;
  /** Reads a source file as a byte string; undefined if there is none. The file system if absent. */
  readonly loadFile?: (path: string) => string | undefined;
  /** A copy of another state is made. `libs` and the paths have no effect then. */
  readonly image?: StateImage;
  /**
   * Compile so that running threads can be interrupted: for `resumeLimited` and for `kill` of running threads. See
   * limits.ts; docs/lua.md tells what it costs.
   */
  readonly preemption?: boolean;
}

function emptyTables(): StateTables {
  return {
    globals: new LuaTable(),
    registry: new LuaTable(),
    loaded: new LuaTable(),
    package: new LuaTable(),
    metatables: {
      string: undefined,
      number: undefined,
      boolean: undefined,
      function: undefined,
      thread: undefined,
      nil: undefined,
    },
  };
}

export const DEFAULT_PATH =
  './?.lua;/usr/local/share/luajit-2.1/?.lua;/usr/local/share/lua/5.1/?.lua;/usr/local/share/lua/5.1/?/init.lua';
export const DEFAULT_CPATH = './?.so;/usr/local/lib/lua/5.1/?.so;/usr/local/lib/lua/5.1/loadall.so';

/** The state of the code that is running. */
export function currentState(): LuaState {
  const { current } = dynamic;
  if (current === undefined) throw new Error('no Lua thread is running');
  return current.state;
}

/** The globals of the thread that is running. */
export function currentGlobals(): LuaTable {
  return dynamic.current!.globals;
}

export class LuaState {
  /** _G: the environment of chunks that are loaded from now on. */
  readonly globals: LuaTable;
  readonly registry: LuaTable;
  /** package.loaded. */
  readonly loaded: LuaTable;
  /** The package table. */
  readonly package: LuaTable;
  /** Loaders of modules that require finds in place of C modules. */
  readonly cModules: Readonly<Record<string, LuaFunction>> = cModules();
  /** Metatables of strings and other types without their own. */
  readonly metatables: TypeMetatables;
  readonly print: (text: string) => void;
  /** Whether its threads can be interrupted. */
  readonly preemption: boolean;
  /** debug.sethook's hook. */
  readonly hookSlot: HookSlot = hookSlot();
  /** Chunks that are loaded from now on can be seen by hooks. */
  traced = false;
  private readonly loadFile: ((path: string) => string | undefined) | undefined;

  constructor(options: LuaStateOptions = {}) {
    this.print = options.print ?? ((text) => standardStreams().stdout.write(text));
    this.loadFile = options.loadFile;
    this.preemption = options.preemption ?? false;
    const { globals, registry, loaded, package: pack, metatables } = options.image?.copy() ?? emptyTables();
    this.globals = globals;
    this.registry = registry;
    this.loaded = loaded;
    this.package = pack;
    this.metatables = metatables;
    if (options.image !== undefined) return;
    registry.setStr('_LOADED', loaded);
    openLibraries(this, options.libs, options.packagePath ?? DEFAULT_PATH, options.packageCpath ?? DEFAULT_CPATH);
  }

  /**
   * Compiles a chunk, or loads one that string.dump gave, to a function. `name` is as in Lua: `=name`, `@file`, or the source text itself.
   * Throws a LuaError with LuaJIT's message if the source is not correct.
   */
  load(source: string, name: string, env: LuaTable = this.globals): LuaFunction {
    if (isBinary(source)) return undump(source, name, env, (text, chunk) => this.compile(text, chunk));
    return this.compile(source, name).instantiate(env);
  }

  /** Compiles a chunk, as hooks and limits of this state need it. */
  compile(source: string, name: string): Chunk {
    // Whoever mentions the function will call it, mostly after functions have been made: see hook.ts.
    if (!this.traced && source.includes('sethook')) this.traced = true;
    return compile(source, name, { limits: this.preemption, traced: this.traced });
  }

  /** Provides a module for require; the loader gets its name and returns the module. */
  preload(name: string, loader: LuaFunction): void {
    this.packagePreload().set(name, loader);
  }

  /** package.preload. */
  packagePreload(): LuaTable {
    return this.package.getStr('preload') as LuaTable;
  }

  /** Runs the finalizers of all objects that have one. To be called when nothing else will run in the state. */
  close(): void {
    finalizeAll(this);
  }

  /** Makes a host thread that will run `fn`. */
  newThread(fn: LuaFunction): Coroutine {
    return new Coroutine(this, fn, true);
  }

  /** Sets the metatable that all values of a type share. */
  setTypeMetatable(v: LuaValue, m: LuaTable | undefined): void {
    const type = v === undefined ? 'nil' : typeof v === 'object' ? 'thread' : typeof v;
    if (!(v instanceof Userdata)) this.metatables[type as keyof TypeMetatables] = m;
  }

  /** The bytes of a source file, or why it cannot be read. */
  readFile(path: string): string | { readonly reason: string } {
    if (this.loadFile !== undefined) {
      const text = this.loadFile(path);
      return text ?? { reason: 'No such file or directory' };
    }
    try {
      return withoutStack(() => readFileSync(path, 'latin1'));
    } catch (e) {
      const { code } = e as NodeJS.ErrnoException;
      return {
        reason:
          code === 'ENOENT' ? 'No such file or directory' : code === 'EACCES' ? 'Permission denied' : String(code),
      };
    }
  }

  /** Whether a file can be opened for reading. */
  isReadable(path: string): boolean {
    if (this.loadFile !== undefined) return this.loadFile(path) !== undefined;
    try {
      withoutStack(() => accessSync(path, constants.R_OK));
      return true;
    } catch {
      return false;
    }
  }
}
