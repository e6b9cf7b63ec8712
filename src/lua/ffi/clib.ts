/** Libraries of C functions: ffi.C, the symbols of the process, and what ffi.load opens. Symbols are bound by first use. */

import { readFileSync } from 'node:fs';
import { argError, throwError } from '../error.ts';
import { markNative } from '../lib/native.ts';
import { typeName } from '../runtime.ts';
import { LuaTable } from '../table.ts';
import { addressOf, type LuaResult, type LuaValue, Userdata } from '../value.ts';
import { needNative } from './call.ts';
import { CData } from './cdata.ts';
import { read, scalar, write } from './convert.ts';
import { CONST, type CType, INT32, Kind } from './ctype.ts';
import { pointerBlock, pointerOffset, resolve } from './memory.ts';
import type { NativeLibrary } from './native.ts';
import type { Names } from './parse.ts';

/** A C function that is written in JavaScript. It gets the Lua values as they are. */
export type HostFunction = (...args: LuaValue[]) => LuaResult;

const hostFunctions = new Map<string, HostFunction>();
const hosts = new WeakMap<CData, HostFunction>();

/**
 * Makes a function available to all states under a C name, for ffi.C and libraries that declare it: for symbols that
 * a host is expected to have. It cannot be passed to C as a pointer.
 */
export function defineCFunction(name: string, fn: HostFunction): void {
  hostFunctions.set(name, fn);
}

const hostVariables = new Map<string, () => LuaValue>();

/** The same for a variable: `make` gives its value, as Lua code sees it, by the first use in each declaration. */
export function defineCVariable(name: string, make: () => LuaValue): void {
  hostVariables.set(name, make);
}

/** What a function is, if it was defined by `defineCFunction`. */
export function hostFunction(f: CData): HostFunction | undefined {
  return hostFunctions.size === 0 ? undefined : hosts.get(f);
}

interface Variable {
  readonly ct: CType;
  readonly address: number;
}

class Library extends Userdata {
  readonly names: Names;
  readonly open: () => NativeLibrary;
  readonly label: string;
  private library: NativeLibrary | undefined = undefined;
  private readonly functions = new Map<string, CData>();
  private readonly variables = new Map<string, Variable>();
  private readonly values = new Map<string, LuaValue>();

  constructor(names: Names, label: string, open: () => NativeLibrary) {
    super(metatable);
    this.names = names;
    this.label = label;
    this.open = open;
  }

  /** A function, a constant, or where a variable is. */
  find(name: string): CData | number | Variable {
    const known = this.functions.get(name) ?? this.variables.get(name);
    if (known !== undefined) return known;
    const symbol = this.names.symbols.get(name);
    if (symbol === undefined || symbol.kind === 'type') throwError(`missing declaration for symbol '${name}'`);
    if (symbol.kind === 'constant') return symbol.value;
    if (symbol.link === 'errno') return ERRNO;
    const host = hostFunctions.get(symbol.link);
    if (host !== undefined && symbol.ct.kind === Kind.FUNC) return this.hostFunction(name, symbol.ct, host);
    const address = this.address(symbol.link);
    if (symbol.ct.kind === Kind.FUNC) {
      const f = new CData(symbol.ct, undefined, address, undefined);
      functionNames.set(f, name);
      this.functions.set(name, f);
      return f;
    }
    const v = { ct: symbol.ct, address };
    this.variables.set(name, v);
    return v;
  }

  /** The value of a host's variable; undefined for other symbols. */
  hostValue(name: string): LuaValue {
    if (hostVariables.size === 0) return undefined;
    const symbol = this.names.symbols.get(name);
    const make = symbol?.kind === 'extern' ? hostVariables.get(symbol.link) : undefined;
    if (make === undefined) return undefined;
    let value = this.values.get(name);
    if (value === undefined) this.values.set(name, (value = make()));
    return value;
  }

  private hostFunction(name: string, ct: CType, host: HostFunction): CData {
    const f = new CData(ct, undefined, Number(addressOf(host)), undefined);
    functionNames.set(f, name);
    hosts.set(f, host);
    this.functions.set(name, f);
    return f;
  }

  private address(link: string): number {
    this.library ??= this.open();
    try {
      return Number(this.library.symbol(link));
    } catch {
      throwError(`${this.label}: undefined symbol: ${link}`);
    }
  }
}

/** errno is no symbol, but of the thread; calls keep it for us. */
const ERRNO: Variable = { ct: INT32, address: 0 };

/** The names by which functions were found, for messages. */
const functionNames = new WeakMap<CData, string>();

export function functionName(f: CData): string {
  return functionNames.get(f) ?? '?';
}

function argLibrary(l: LuaValue, name: LuaValue): asserts name is string {
  if (!(l instanceof Library)) argError(1, '?', `userdata expected, got ${typeName(l)}`);
  if (typeof name !== 'string') argError(2, '?', `string expected, got ${typeName(name)}`);
}

function index(l: LuaValue, name: LuaValue): LuaResult {
  argLibrary(l, name);
  const value = (l as Library).hostValue(name);
  if (value !== undefined) return value;
  const found = (l as Library).find(name);
  if (typeof found === 'number' || found instanceof CData) return found;
  if (found === ERRNO) return needNative().koffi.errno();
  resolve(found.address);
  return read(found.ct, pointerBlock, pointerOffset);
}

function newindex(l: LuaValue, name: LuaValue, v: LuaValue): LuaResult {
  argLibrary(l, name);
  const found = (l as Library).find(name);
  if (typeof found === 'number' || found instanceof CData || found.ct.qual & CONST) {
    throwError('attempt to write to constant location');
  }
  if (found === ERRNO) {
    needNative().koffi.errno(scalar(INT32, v, false) as number);
    return undefined;
  }
  resolve(found.address);
  write(found.ct, pointerBlock, pointerOffset, v);
  return undefined;
}

const metatable = new LuaTable();
metatable.setStr('__index', markNative(index, '__index'));
metatable.setStr('__newindex', markNative(newindex, '__newindex'));
metatable.setStr('__metatable', 'ffi');

/** ffi.C */
export function processLibrary(names: Names): Userdata {
  return new Library(names, process.argv0, () => needNative().process);
}

const EXTENSION = process.platform === 'darwin' ? '.dylib' : '.so';

/** The file that a name stands for: "z" is libz.so, which the dynamic linker looks for. */
function libraryFile(name: string): string {
  if (name.includes('/')) return name;
  const file = name.includes('.') ? name : name + EXTENSION;
  return file.startsWith('lib') ? file : 'lib' + file;
}

/** The library that a linker script, found in place of one, names first. */
function libraryOfScript(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
  return /^(?:GROUP|INPUT)\s*\(\s*([^\s)]+)/m.exec(text.slice(0, 65536))?.[1];
}

/**
 * ffi.load: a path, or a name that the dynamic linker looks for. `global`: its symbols are in ffi.C, too. Libraries
 * stay loaded: pointers to their functions may be anywhere.
 */
export function loadLibrary(names: Names, name: string, global: boolean): Userdata {
  const { koffi } = needNative();
  const path = libraryFile(name);
  const options = { lazy: true, global };
  const open = (file: string): NativeLibrary | string => {
    try {
      return koffi.load(file, options);
    } catch (e) {
      const reason = (e as Error).message.replace(/^Failed to load shared library: /, '');
      return reason.includes(file) ? reason : `${file}: ${reason}`;
    }
  };
  let library = open(path);
  if (typeof library === 'string') {
    const script = /^(\/[^:]*):/.exec(library)?.[1];
    const real = script === undefined ? undefined : libraryOfScript(script);
    if (real !== undefined) library = open(real);
  }
  if (typeof library === 'string') throwError(library, 0);
  const opened = library;
  return new Library(names, path, () => opened);
}
