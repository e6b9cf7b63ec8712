/**
 * From source text to functions: parse, emit, run through V8, cache.
 *
 * A chunk is compiled once per process and name; each state instantiates it with its environment, which costs one
 * closure. The tree is kept for the resume forms, which are compiled one by one when first needed. What error
 * messages want to know of a place is found by emitting the chunk again with its sites recorded.
 */

import { Script } from 'node:vm';
import type { Frame, Prototype } from '../call.ts';
import { collecting } from '../gc/collector.ts';
import { type Place, type ScriptInfo, scripts } from '../position.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import type { FunctionNode } from './ast.ts';
import { FunctionEmitter, type FunctionFacts, nestedEnv } from './emit.ts';
import type { EmitMode, Point } from './emit-base.ts';
import { closureName, isBoxed } from './emit-base.ts';
import { tracing } from './globals.ts';
import { definePending } from './keys.ts';
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
  for (let i = 0; i < count; i++) functionsById.delete(first + i);
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
  readonly fn: FunctionNode;
  facts: FunctionFacts | undefined = undefined;
  private resumeForm: ResumeForm | undefined = undefined;
  private hookedForm: ResumeForm | undefined = undefined;
  private tracedFactory: Factory | undefined = undefined;
  private factoryForm: Factory | undefined = undefined;

  constructor(chunk: Chunk, fn: FunctionNode) {
    this.chunk = chunk;
    this.fn = fn;
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
      const out = new Output(record, chunk.collects);
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
      const out = new Output(record, chunk.collects);
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
  readonly source: string;
  /** Keeps what stacks need alive as long as the chunk's functions. */
  private readonly texts: ScriptInfo[] = [];

  /** Of its main text. */
  get info(): ScriptInfo {
    return this.texts[0]!;
  }

  private readonly main: (env: Environment) => LuaFunction;

  constructor(source: string, name: string, mode: ChunkMode) {
    this.name = name;
    this.mode = mode;
    this.source = source;
    this.shortSource = shortSource(name);
    const first = nextId;
    this.collects = source.includes('collectgarbage');
    if (this.collects) collecting.expected = true;
    const functions = parse(source, this.shortSource, first, this.collects, mode.limits);
    nextId += functions.length;
    this.protos = functions.map((fn) => new Proto(this, fn));
    for (const proto of this.protos) functionsById.set(proto.fn.id, new WeakRef(proto));
    this.file = fileName(name, this.shortSource);
    forget.register(this, { first, count: functions.length, file: this.file });
    const emitMode: EmitMode = { ...mode, hooked: false };
    const emit = (record: boolean) => {
      // The tree is emitted once only: a second time it is parsed anew, since facts about locals have been added.
      const main = record ? parse(source, this.shortSource, first, this.collects, mode.limits)[0]! : functions[0]!;
      const out = new Output(record, this.collects);
      out.put('(function($P){return function($E){return ');
      const onFunction = record
        ? ignore
        : (fn: FunctionNode, facts: FunctionFacts) => {
            this.protos[fn.index]!.facts = facts;
          };
      new FunctionEmitter(main, out, false, nestedEnv(main, '$E'), 1, emitMode, onFunction).emitFast();
      out.put('}})');
      return out;
    };
    this.main = this.evaluate(emit, '') as (env: Environment) => LuaFunction;
  }

  /** The chunk's main function for an environment. */
  instantiate(env: Environment): LuaFunction {
    return this.main(env);
  }

  /** Runs text that is a function of the chunk's prototypes, and calls it. */
  evaluate(emit: (record: boolean) => Output, suffix: string): unknown {
    const out = emit(false);
    const filename = this.file + suffix;
    const text = out.text() + sourceMapComment(this.source, this.file);
    if (debugText !== undefined) debugText(filename, text);
    definePending();
    const outer = new Script(text, { filename }).runInThisContext() as (protos: Proto[]) => unknown;
    const info = new CompiledText(this, emit, out.shifted);
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

/** Compiles a chunk, or finds it compiled. Throws a LuaError with a syntax message. */
export function compile(source: string, name: string, mode: ChunkMode = PLAIN): Chunk {
  const key = `${mode.limits ? 1 : 0}${mode.traced ? 1 : 0}${name}\0${source}`;
  let chunk = cache.get(key);
  if (chunk !== undefined) cache.delete(key);
  else {
    chunk = new Chunk(source, name, mode);
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
