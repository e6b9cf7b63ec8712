/**
 * From source text to functions: parse, emit, run through V8, cache.
 *
 * A chunk is compiled once per process and name; each state instantiates it with its environment, which costs one
 * closure. The tree is kept for the resume forms, which are compiled one by one when first needed; a chunk whose text
 * comes from disk (disk-cache.ts) is parsed when something asks for its tree. What error messages want to know of a
 * place is found by emitting the chunk again with its sites recorded.
 */

import { Script } from 'node:vm';
import type { Frame, Prototype } from '../call.ts';
import { LuaError } from '../error.ts';
import { collecting } from '../gc/collector.ts';
import { type Place, type ScriptInfo, scripts } from '../position.ts';
import { lateModes } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import type { FunctionNode } from './ast.ts';
import { DiskCache, type StoredChunk } from './disk-cache.ts';
import { FunctionEmitter, type FunctionFacts, nestedEnv, testing } from './emit.ts';
import type { EmitMode, Point } from './emit-base.ts';
import { closureName, isBoxed } from './emit-base.ts';
import { GLOBAL_PREFIX, tracing } from './globals.ts';
import { definePending, keyNames, NamesUsed, naming, shape } from './keys.ts';
import { Output, type Scope, type Site } from './output.ts';
import { parse } from './parser.ts';
import { scriptPath, sourceMapComment } from './source-map.ts';

type Environment = LuaValue;
type ResumeForm = (frame: Frame, result: LuaResult) => LuaResult;
type Factory = (env: Environment, ...upvalues: unknown[]) => LuaFunction;

/** Source bytes of the chunks that are kept for being loaded again; their trees take some thirty times as much. */
const MAX_CACHED = 4_000_000;

let nextId = 0;
const functionsById = new Map<number, WeakRef<Proto>>();
const forget = new FinalizationRegistry<{ first: number; count: number; file: string }>(({ first, count, file }) => {
  // The chunk may have been compiled again with the same numbers.
  for (let i = first; i < first + count; i++) if (functionsById.get(i)?.deref() === undefined) functionsById.delete(i);
  scripts.delete(file);
});

/** How a chunk is compiled. */
export interface ChunkMode {
  /** It can be interrupted: see limits.ts. */
  readonly limits: boolean;
  /** Hooks see its functions: see hook.ts. */
  readonly traced: boolean;
}

const PLAIN: ChunkMode = { limits: false, traced: false };

/** A text that V8 runs, and how to find places of it. */
class CompiledText implements ScriptInfo {
  readonly chunk: Chunk;
  private readonly emit: (record: boolean) => Output;
  private readonly shifted: boolean;
  private sites: Site[] | undefined = undefined;

  constructor(chunk: Chunk, emit: (record: boolean) => Output, shifted: boolean) {
    this.chunk = chunk;
    this.emit = emit;
    this.shifted = shifted;
  }

  get shortSource(): string {
    return this.chunk.shortSource;
  }

  get source(): string {
    return this.chunk.name;
  }

  lineOf(place: Place): number {
    return (this.shifted ? this.siteAt(place)?.line : undefined) ?? place.getLineNumber() ?? 0;
  }

  namesAt(place: Place): readonly (string | undefined)[] {
    return this.siteAt(place)?.names ?? [];
  }

  calleeAt(place: Place): string | undefined {
    const site = this.siteAt(place);
    if (site === undefined || site.event === 'for') return undefined;
    // The hidden variable that holds the iterator.
    if (site.event === 'forin') return "local '(for generator)'";
    return site.event === '' ? site.names[0] : `metamethod '${site.event}'`;
  }

  scopeAt(place: Place): Scope | undefined {
    return this.siteAt(place)?.scope;
  }

  isTailCall(place: Place): boolean {
    return this.siteAt(place)?.isTail === true;
  }

  private siteAt(place: Place): Site | undefined {
    this.sites ??= this.emit(true).locate();
    const { sites } = this;
    const line = place.getLineNumber() ?? 0;
    const column = place.getColumnNumber() ?? 0;
    // The last one that is not behind the place.
    let low = 0;
    let high = sites.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      const { jsLine, jsColumn } = sites[mid]!;
      if (jsLine < line || (jsLine === line && jsColumn <= column)) low = mid + 1;
      else high = mid;
    }
    const found = sites[low - 1];
    return found?.jsLine === line ? found : undefined;
  }
}

/** A function of a chunk. */
export class Proto implements Prototype {
  readonly chunk: Chunk;
  private readonly number: number;
  private resumeForm: ResumeForm | undefined = undefined;
  private hookedForm: ResumeForm | undefined = undefined;
  private tracedFactory: Factory | undefined = undefined;
  private factoryForm: Factory | undefined = undefined;

  /** `number`: its position among the chunk's functions. */
  constructor(chunk: Chunk, number: number) {
    this.chunk = chunk;
    this.number = number;
  }

  get fn(): FunctionNode {
    return this.chunk.tree.functions[this.number]!;
  }

  get facts(): FunctionFacts | undefined {
    return this.chunk.tree.facts[this.number];
  }

  resume(frame: Frame, result: LuaResult): LuaResult {
    if (tracing.on) {
      this.hookedForm ??= this.compileResume(true);
      return this.hookedForm(frame, result);
    }
    this.resumeForm ??= this.compileResume(false);
    return this.resumeForm(frame, result);
  }

  /** Makes a closure of this function with the given upvalues. */
  instantiate(env: Environment, upvalues: readonly unknown[]): LuaFunction {
    if (tracing.on || this.chunk.mode.traced) {
      this.tracedFactory ??= this.compileFactory(true);
      return this.tracedFactory(env, ...upvalues);
    }
    this.factoryForm ??= this.compileFactory(false);
    return this.factoryForm(env, ...upvalues);
  }

  /** The point of suspension of a parked frame. */
  point(pc: number): Point | undefined {
    return this.facts?.points[pc];
  }

  /** Whether a JavaScript function is what continues frames of this function: its first argument is the frame. */
  isResumeForm(f: Function): boolean {
    return f === this.resumeForm;
  }

  private compileResume(hooked: boolean): ResumeForm {
    const { fn, chunk } = this;
    const { layout, points } = this.facts!;
    const env = fn.usesEnv ? layout[0]! : '$E';
    const mode = { ...chunk.mode, hooked };
    const emit = (record: boolean) => {
      const out = new Output(record, chunk.collects, chunk.ffi);
      out.put('(function($P){');
      // A line end after `return` would end the statement.
      out.sync(fn.line);
      out.put('return ');
      new FunctionEmitter(fn, out, true, env, points.length, mode, ignore).emitResume(layout);
      out.put('})');
      return out;
    };
    return chunk.evaluate(emit, `#${hooked ? 'h' : ''}${fn.index}`) as ResumeForm;
  }

  private compileFactory(traced: boolean): Factory {
    const { fn, chunk } = this;
    const mode = { ...chunk.mode, traced, hooked: false };
    const emit = (record: boolean) => {
      const out = new Output(record, chunk.collects, chunk.ffi);
      const upvalues = fn.upvalues.map(closureName);
      // A local function that uses itself is its own upvalue.
      const self = fn.self !== undefined && fn.upvalues.includes(fn.self) && !isBoxed(fn.self);
      out.put(`(function($P){return function(${['$E', ...upvalues]}){const g=`);
      out.sync(fn.line);
      new FunctionEmitter(fn, out, false, nestedEnv(fn, '$E'), 1, mode, ignore).emitFast();
      const name = self ? closureName(fn.self!) : '';
      out.put(self ? `;if(${name}===undefined)${name}=g;return g}})` : ';return g}})');
      return out;
    };
    return chunk.evaluate(emit, `#${traced ? 't' : 'f'}${fn.index}`) as Factory;
  }
}

function ignore(): void {}

/** The functions of a chunk and what emitting them found out. */
interface Tree {
  readonly functions: FunctionNode[];
  readonly facts: (FunctionFacts | undefined)[];
}

/** The cache on disk, undefined if there is none. */
let disk: DiskCache | undefined;

/** Keeps compiled files in a folder. To be called before anything is compiled. */
export function setDiskCache(cache: DiskCache | undefined): void {
  // A second copy of the engine has other names for its globals.
  disk = GLOBAL_PREFIX === '$' ? cache : undefined;
  naming.stable = true;
}

const cacheFolder = process.env['TSRESTY_LUA_CACHE'] ?? '';
naming.stable = cacheFolder !== '';
let openedBy: number | undefined;

/** The cache on disk. Workers begin as root: it is opened anew when the process changes its user. */
function diskCache(): DiskCache | undefined {
  const user = process.getuid?.();
  if (cacheFolder !== '' && user !== openedBy) {
    openedBy = user;
    setDiskCache(DiskCache.open(cacheFolder));
  }
  return disk;
}

/** Functions that a chunk may have: numbers of chunks that are kept on disk lie that far apart. */
const MAX_FUNCTIONS = 65_536;

/** A compiled chunk. */
export class Chunk {
  /** As given to load: `=name`, `@file` or the source text. */
  readonly name: string;
  readonly shortSource: string;
  readonly mode: ChunkMode;
  readonly protos: Proto[];
  /** Name of its text in V8's stacks. */
  readonly file: string;
  /** Whether it names collectgarbage. */
  readonly collects: boolean;
  /** Whether it names the ffi library. */
  readonly ffi: boolean;
  readonly source: string;
  /** Keeps what stacks need alive as long as the chunk's functions. */
  private readonly texts: ScriptInfo[] = [];

  /** Of its main text. */
  get info(): ScriptInfo {
    return this.texts[0]!;
  }

  private readonly main: (env: Environment) => LuaFunction;
  /** Number of the main function in this process. */
  private readonly first: number;
  private parsed: Tree | undefined = undefined;

  constructor(source: string, name: string, mode: ChunkMode) {
    this.name = name;
    this.mode = mode;
    this.source = source;
    this.shortSource = shortSource(name);
    this.collects = source.includes('collectgarbage');
    this.ffi = source.includes('ffi');
    if (this.collects) collecting.expected = true;
    this.file = fileName(name, this.shortSource);
    // Not for text with a source map, nor for one made by load, which may well be of this process only.
    const keeps = name.startsWith('@') && sourceMapComment(source, this.file) === '';
    const cache = keeps ? diskCache() : undefined;
    const key = cache?.key(source, `${name}\0${mode.limits}${mode.traced}`);
    const stored = key === undefined ? undefined : cache!.read(key, this.file);
    // In text that is kept, functions have the same numbers in every process.
    this.first = key === undefined ? nextId : Number.parseInt(key.slice(0, 9), 16) * MAX_FUNCTIONS + 2 ** 31;
    const count = stored === undefined ? this.parse().length : stored.facts.count;
    if (key === undefined) nextId += count;
    this.protos = Array.from({ length: count }, (_, i) => new Proto(this, i));
    this.protos.forEach((proto, i) => {
      functionsById.set(this.first + i, new WeakRef(proto));
    });
    forget.register(this, { first: this.first, count, file: this.file });
    this.main = (
      stored !== undefined
        ? this.restore(stored)
        : key === undefined
          ? this.evaluate(this.emitMain, '')
          : this.keep(key)
    ) as (env: Environment) => LuaFunction;
  }

  /** Parsed and emitted when something asks for it, if the text came from disk. */
  get tree(): Tree {
    if (this.parsed === undefined) {
      this.parse();
      this.emitMain(false);
    }
    return this.parsed!;
  }

  private parse(): FunctionNode[] {
    const functions = parse(this.source, this.shortSource, this.first, this.collects, this.mode.limits);
    this.parsed = { functions, facts: [] };
    return functions;
  }

  private readonly emitMain = (record: boolean): Output => {
    const { source, shortSource, first, collects, ffi, mode } = this;
    // The tree is emitted once only: a second time it is parsed anew, since facts about locals have been added.
    const { functions, facts } = record
      ? { functions: parse(source, shortSource, first, collects, mode.limits), facts: [] }
      : this.parsed!;
    const main = functions[0]!;
    const out = new Output(record, collects, ffi);
    out.put('(function($P){return function($E){return ');
    const onFunction = (fn: FunctionNode, found: FunctionFacts) => {
      facts[fn.index] = found;
    };
    const emitMode: EmitMode = { ...mode, hooked: false };
    new FunctionEmitter(main, out, false, nestedEnv(main, '$E'), 1, emitMode, onFunction).emitFast();
    out.put('}})');
    return out;
  };

  /** Compiles the main text, and keeps it on disk if it does not depend on this process. */
  private keep(key: string): unknown {
    const used = new NamesUsed();
    naming.used = used;
    let out: Output;
    try {
      out = this.emitMain(false);
    } finally {
      naming.used = undefined;
    }
    const text = out.text();
    const script = this.compileText(text, this.file);
    const isLocal = used.isLocal || testing.alwaysResume || this.protos.length >= MAX_FUNCTIONS;
    if (!isLocal) {
      const { shifted } = out;
      const facts = { count: this.protos.length, keys: [...used.keys], shapes: [...used.shapes.values()], shifted };
      disk!.add(key, facts, text, script);
    }
    return this.run(script, this.emitMain, out.shifted, this.file);
  }

  /** Runs text from disk. */
  private restore({ facts, script }: StoredChunk): unknown {
    for (const k of facts.keys) keyNames(k);
    for (const properties of facts.shapes) shape(properties);
    if (this.source.includes('__mode')) lateModes.expected = true;
    definePending();
    return this.run(script, this.emitMain, facts.shifted, this.file);
  }

  /** The chunk's main function for an environment. */
  instantiate(env: Environment): LuaFunction {
    return this.main(env);
  }

  /** Runs text that is a function of the chunk's prototypes, and calls it. */
  evaluate(emit: (record: boolean) => Output, suffix: string): unknown {
    const out = emit(false);
    const filename = this.file + suffix;
    const script = this.compileText(out.text() + sourceMapComment(this.source, this.file), filename);
    return this.run(script, emit, out.shifted, filename);
  }

  private compileText(text: string, filename: string): Script {
    if (debugText !== undefined) debugText(filename, text);
    definePending();
    return new Script(text, { filename });
  }

  private run(script: Script, emit: (record: boolean) => Output, shifted: boolean, filename: string): unknown {
    const outer = script.runInThisContext() as (protos: Proto[]) => unknown;
    const info = new CompiledText(this, emit, shifted);
    this.texts.push(info);
    scripts.set(filename, new WeakRef(info));
    return outer(this.protos);
  }
}

let debugText: ((file: string, text: string) => void) | undefined;

/** Shows the JavaScript text of whatever is compiled from now on, for debugging the compiler. */
export function traceCompiler(show: ((file: string, text: string) => void) | undefined): void {
  debugText = show;
}

/** Least recently used first. */
const cache = new Map<string, Chunk>();
let cached = 0;

/** Chains of thousands of operators make trees that are too deep for the emitter. */
function newChunk(source: string, name: string, mode: ChunkMode): Chunk {
  try {
    return new Chunk(source, name, mode);
  } catch (e) {
    if (!(e instanceof RangeError)) throw e;
    throw new LuaError(`${shortSource(name)}: chunk has too many syntax levels`);
  }
}

/** Compiles a chunk, or finds it compiled. Throws a LuaError with a syntax message. */
export function compile(source: string, name: string, mode: ChunkMode = PLAIN): Chunk {
  const key = `${mode.limits ? 1 : 0}${mode.traced ? 1 : 0}${name}\0${source}`;
  let chunk = cache.get(key);
  if (chunk !== undefined) cache.delete(key);
  else {
    chunk = newChunk(source, name, mode);
    cached += key.length;
    for (const old of cache.keys()) {
      if (cached <= MAX_CACHED) break;
      cache.delete(old);
      cached -= old.length;
    }
  }
  cache.set(key, chunk);
  return chunk;
}

/** The compiled function a JavaScript function came from, if it is a Lua function. */
export function protoOf(fn: Function): Proto | undefined {
  return protoByName(fn.name);
}

/** The compiled function with a JavaScript name from a stack. */
export function protoByName(name: string): Proto | undefined {
  const m = /^\$(\d+)w?_/.exec(name);
  return m === null ? undefined : functionsById.get(Number(m[1]))?.deref();
}

const ID_SIZE = 60;

/** A chunk name as Lua shows it in messages. */
export function shortSource(name: string): string {
  if (name.startsWith('=')) return name.slice(1, ID_SIZE);
  if (name.startsWith('@')) {
    const file = name.slice(1);
    return file.length >= ID_SIZE ? '...' + file.slice(file.length - (ID_SIZE - 4)) : file;
  }
  let length = 0;
  while (length < ID_SIZE - 12 && name.charCodeAt(length) >= 32) length++;
  if (length >= name.length) return `[string "${name}"]`;
  return `[string "${name.slice(0, Math.min(length, ID_SIZE - 15))}..."]`;
}

let strings = 0;

/** A unique script name: the path for a file, so that debuggers and profilers show it. */
function fileName(name: string, short: string): string {
  let file = name.startsWith('@')
    ? scriptPath(name.slice(1))
    : name.startsWith('=')
      ? 'lua:' + short
      : `lua:${short}#${++strings}`;
  while (scripts.has(file)) file = `${file.replace(/\?\d+$/, '')}?${++strings}`;
  return file;
}
