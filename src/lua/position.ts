/**
 * Positions from V8's structured stack.
 *
 * Compiled scripts keep each Lua line on the JavaScript line of the same number, so that a stack frame's line is
 * the Lua line. Nothing is recorded while code runs.
 */

import { type Frame, R } from './call.ts';
import type { Scope } from './compiler/output.ts';

/** A position in a script, as V8's call sites give it (1-based). */
export interface Place {
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
}

/** What is known of a compiled script by its file name in V8's stack. */
export interface ScriptInfo {
  /** The chunk's name as Lua shows it: `foo.lua`, `[string "..."]`. */
  readonly shortSource: string;
  /** The chunk's name as given to load. */
  readonly source: string;
  /** The Lua line of a position in the script. */
  lineOf(place: Place): number;
  /** How Lua names the operands of the operation at a position, such as "local 'x'". */
  namesAt(place: Place): readonly (string | undefined)[];
  /** How Lua names the function called at a position, such as "method 'f'" or "metamethod '__add'". */
  calleeAt(place: Place): string | undefined;
  /** Whether the code at a position is a tail call. */
  isTailCall(place: Place): boolean;
  /** The locals in scope at a position. */
  scopeAt(place: Place): Scope | undefined;
}

/** File names of compiled scripts in stack frames -> their chunk. */
export const scripts = new Map<string, WeakRef<ScriptInfo>>();

/** Function name in front of names of natives (see library.ts), by which stack walks know them. */
export const NATIVE = 'C:';
/** Name of the function that runs a coroutine: a stack walk ends there. */
export const BASE = '$coroutineBase';
/** Name of the function that calls hooks (hook.ts): the level below it is what the hook was called for. */
const HOOK_BASE = '$hookBase';
/** Name of the function by which a Lua function calls its hooked form (runtime.ts): the next one is left out. */
export const ENTER = '$enter';
/** Set by the coroutine module: the function a hook is running for, if that is known. */
export const hookedFunction: { get(): Function | undefined } = { get: () => undefined };
/** Names of functions that only start their resume form. */
const STARTS = /^\$\d+w_/;
/** Name of the function that runs a function with the environment that setfenv gave it; the next frame out is that again. */
const WITH_ENV = '$callWithEnv';

/** Name of the function that runs xpcall's handler when the native stack has been unwound: below it are the levels of `unwound`. */
export const AFTERWARDS = '$afterwards';
/** The stack at an error that V8 threw itself, while a handler for it runs. */
export const unwound: { levels: readonly Level[] } = { levels: [] };

/** One level of the Lua stack. */
export interface Level {
  /** The script, undefined for a native function. */
  readonly script: ScriptInfo | undefined;
  /** Current line, -1 for a native function. */
  readonly line: number;
  /** The JavaScript function's name: `$<proto>_<name>` or `C:<name>`. */
  readonly name: string;
  /** The function itself, if the frame is live. */
  fn: Function | undefined;
  /** Names of the operands of the running operation; of a call, the callee's name. */
  names(): readonly (string | undefined)[];
  /** How the code at this level names the function it has called. */
  callee(): string | undefined;
  /** The locals in scope. */
  scope?(): Scope | undefined;
  /** Where their values are, if the function is parked. */
  readonly frame?: Frame;
  /** The function has ended since, by an error: its variables cannot be reached. */
  isGone?: boolean;
}

/** Enough JavaScript frames to see a level, which takes one to six of them. */
export function framesFor(level: unknown): number {
  return typeof level === 'number' && level > 60 ? level * 6 + 40 : 400;
}

const structured = (_: Error, sites: NodeJS.CallSite[]): NodeJS.CallSite[] => sites;

/** The frames below `above`, which is on the stack itself. */
function capture(limit: number, above: Function = capture): NodeJS.CallSite[] {
  const prepare = Error.prepareStackTrace;
  const oldLimit = Error.stackTraceLimit;
  Error.prepareStackTrace = structured;
  Error.stackTraceLimit = limit;
  const holder: { stack?: NodeJS.CallSite[] } = {};
  Error.captureStackTrace(holder, above);
  const sites = holder.stack!;
  Error.prepareStackTrace = prepare;
  Error.stackTraceLimit = oldLimit;
  return sites;
}

/**
 * V8 tells a frame's function only as long as it has met no strict function on the way, and modules are strict. So
 * natives that want the functions of their callers are wrapped in a sloppy one, which captures the stack first.
 */
const sloppy = new Function(
  'hold',
  'framesFor',
  `function capture(frames) {
    const prepare = Error.prepareStackTrace, limit = Error.stackTraceLimit, holder = {};
    Error.prepareStackTrace = (_, sites) => sites;
    Error.stackTraceLimit = frames;
    Error.captureStackTrace(holder, capture);
    const sites = holder.stack;
    Error.prepareStackTrace = prepare;
    Error.stackTraceLimit = limit;
    return sites;
  }
  return (native) => function () {
    const outer = hold(capture(framesFor(arguments[0])));
    try { return native.apply(undefined, arguments); } finally { hold(outer); }
  };`,
);
let held: NodeJS.CallSite[] | undefined;
const wrap = sloppy((sites: NodeJS.CallSite[] | undefined) => {
  const outer = held;
  held = sites;
  return outer;
}, framesFor) as (native: Function) => Function;

/** Makes a native in which `levels` tells the functions of its callers, up to the next native. */
export function seesFunctions<T extends Function>(native: T): T {
  return wrap(native) as T;
}

/** Set by the coroutine module: the levels of the current coroutine that are parked on the heap. */
export const parkedLevels: { get(): Level[] } = { get: () => [] };

/**
 * The levels of the current coroutine, innermost first. Level 0 is the running native function if it was called
 * from Lua code. `limit` is the number of JavaScript frames looked at.
 */
export function levels(limit: number): Level[] {
  const sites = held ?? capture(limit);
  return levelsAt(sites, sites.length < limit);
}

/** The levels that frames are; with those that are parked, if the frames are all there are. */
function levelsAt(sites: readonly NodeJS.CallSite[], isAll: boolean): Level[] {
  const result: Level[] = [];
  let isHooked = false;
  let isEntered = false;
  for (const site of sites) {
    const level = levelOf(site);
    if (isEntered && level instanceof LiveLevel) {
      isEntered = false;
      continue;
    }
    if (level === 'base') {
      result.push(...parkedLevels.get());
      return result;
    }
    if (level !== undefined) {
      if (isHooked) level.fn = hookedFunction.get();
      isHooked = false;
      result.push(level);
    } else {
      const name = site.getFunctionName();
      if (name === ENTER || name === WITH_ENV) isEntered = true;
      else if (name !== null && STARTS.test(name)) isEntered = false;
      else if (name === HOOK_BASE) isHooked = true;
      else if (name === AFTERWARDS) {
        for (const below of unwound.levels) result.push(below);
        return result;
      }
    }
  }
  if (isAll) result.push(...parkedLevels.get());
  return result;
}

/**
 * The levels among the next `limit` frames, or undefined if the coroutine has more frames and the level at `wanted` is not
 * followed by another among these, nor `isEnough`. Frames down to that of `above` are left out.
 */
export function nearLevels(
  wanted: number,
  limit: number,
  above: Function,
  isEnough: (level: Level) => boolean,
): Level[] | undefined {
  if (held !== undefined) return undefined;
  const sites = capture(limit, above);
  const stack = levelsAt(sites, sites.length < limit);
  const index = stack.length > 0 && stack[0]!.script === undefined ? wanted : wanted - 1;
  if (stack.length > index + 1 || sites.length < limit) return stack;
  if (stack.length > index && isEnough(stack[index]!)) return stack;
  for (let i = sites.length - 1; i >= 0; i--) if (sites[i]!.getFunctionName() === BASE) return stack;
  return undefined;
}

/** Whether this is V8's error for a native stack that is full. */
export function isOverflow(e: unknown): e is RangeError {
  return e instanceof RangeError && /call stack/.test(e.message);
}

/**
 * The levels on the native stack of the current coroutine, of the one that has resumed it, and so on: without those
 * that are parked, which come behind.
 *
 * @param count how many coroutines
 */
export function levelsByCoroutine(count: number): Level[][] {
  const sites = capture(Number.POSITIVE_INFINITY);
  const { tail } = R;
  R.tail = 1;
  const result: Level[][] = [];
  let from = 0;
  for (let i = 0; i < sites.length && result.length < count; i++) {
    if (sites[i]!.getFunctionName() !== BASE) continue;
    result.push(levelsAt(sites.slice(from, i), false));
    from = i + 1;
  }
  R.tail = tail;
  return result;
}

/** The levels at which V8 threw an error of its own. Complete if Error.stackTraceLimit allowed it. */
export function levelsOfError(error: Error): Level[] {
  const { tail } = R;
  // Any caller may have been replaced by a tail call; the count is that of whoever catches.
  R.tail = 1;
  const result = levelsAt(sitesOf(error), true);
  R.tail = tail;
  return gone(result);
}

/** The levels, as those of functions that have ended. */
export function gone(stack: Level[]): Level[] {
  for (const level of stack) level.isGone = true;
  return stack;
}

/** The level that a JavaScript frame is, 'base' at the end of a coroutine, or undefined if it is none. */
function levelOf(site: NodeJS.CallSite): Level | 'base' | undefined {
  const name = site.getFunctionName();
  if (name === null) return undefined;
  if (name.charCodeAt(0) !== 36) {
    if (!name.startsWith(NATIVE)) return undefined;
    return { script: undefined, line: -1, name, fn: undefined, names: noNames, callee: noName };
  }
  if (name === BASE) return 'base';
  if (STARTS.test(name)) return undefined;
  const file = site.getScriptNameOrSourceURL();
  const script = file ? scripts.get(file)?.deref() : undefined;
  if (script === undefined) return undefined;
  // A tail call has replaced its caller on Lua's stack, which is asked only if there are any.
  if (R.tail > 0 && script.isTailCall(site)) return undefined;
  return new LiveLevel(site, script, name);
}

/** A running Lua function; asks V8 only for what is wanted. */
class LiveLevel implements Level {
  readonly script: ScriptInfo;
  readonly name: string;
  private readonly site: NodeJS.CallSite;
  private hooked: Function | undefined = undefined;
  isGone = false;

  constructor(site: NodeJS.CallSite, script: ScriptInfo, name: string) {
    this.site = site;
    this.script = script;
    this.name = name;
  }

  get line(): number {
    return this.script.lineOf(this.site);
  }

  get fn(): Function | undefined {
    return this.hooked ?? (this.site.getFunction() as Function | undefined);
  }

  set fn(f: Function | undefined) {
    this.hooked = f;
  }

  names(): readonly (string | undefined)[] {
    return this.script.namesAt(this.site);
  }

  callee(): string | undefined {
    return this.script.calleeAt(this.site);
  }

  scope(): Scope | undefined {
    return this.script.scopeAt(this.site);
  }
}

function noNames(): readonly undefined[] {
  return [];
}

function noName(): undefined {
  return undefined;
}

/** How Lua names the operands of the operation that called a helper of the runtime. */
export function operandNames(): readonly (string | undefined)[] {
  const top = levels(16)[0];
  return top?.script === undefined ? [] : top.names();
}

/** "chunk:line: " of the Lua function at a level (1 = the caller of the running native), or "". */
export function position(level: number): string {
  // Few frames first: this is all the cost of most errors.
  for (let limit = level * 2 + 4; held === undefined && limit < 40; limit *= 4) {
    const at = nearLevel(level, limit);
    if (at !== undefined) return at;
  }
  const stack = levels(level * 8 + 40);
  // A native called by other natives only has no level of its own.
  const index = stack.length > 0 && stack[0]!.script === undefined ? level : level - 1;
  const at = stack[index];
  return at?.script === undefined ? '' : `${at.script.shortSource}:${at.line}: `;
}

/** "chunk:line: " of the running function if that is a Lua function, "" if it is a native. */
export function ownPosition(): string {
  for (const site of capture(20)) {
    const at = levelOf(site);
    if (at === 'base') break;
    if (at !== undefined) return at.script === undefined ? '' : `${at.script.shortSource}:${at.line}: `;
  }
  return '';
}

/** The position of a level among the next `limit` frames; undefined if it is not there. */
function nearLevel(level: number, limit: number): string | undefined {
  let index = -1;
  let isEntered = false;
  for (const site of capture(limit)) {
    const at = levelOf(site);
    if (at === 'base') return undefined;
    if (at === undefined) {
      const name = site.getFunctionName();
      if (name === ENTER || name === WITH_ENV) isEntered = true;
      else if (name !== null && STARTS.test(name)) isEntered = false;
      continue;
    }
    if (isEntered) {
      isEntered = false;
      continue;
    }
    if (index < 0) index = at.script === undefined ? 0 : 1;
    else index++;
    if (index === level) return at.script === undefined ? '' : `${at.script.shortSource}:${at.line}: `;
  }
  return undefined;
}

/** How the Lua code that called the running native names it; `fallback` if no native is running. */
export function callingName(fallback: string): { name: string; isMethod: boolean } {
  const stack = levels(32);
  if (stack[0] === undefined || stack[0].script !== undefined) return { name: fallback, isMethod: false };
  const caller = stack[1];
  const called = caller?.callee();
  const m = called === undefined ? null : /^(\w+) '(.*)'$/s.exec(called);
  return { name: m?.[2] ?? '?', isMethod: m?.[1] === 'method' };
}

/** Where V8 threw an error of its own; nothing if somebody has asked for the stack as a text before. */
function sitesOf(error: Error): NodeJS.CallSite[] {
  const prepare = Error.prepareStackTrace;
  Error.prepareStackTrace = structured;
  const sites = error.stack as unknown as NodeJS.CallSite[] | string | undefined;
  Error.prepareStackTrace = prepare;
  return Array.isArray(sites) ? sites : [];
}

/** The position of the Lua function in which V8 threw an error of its own, such as a stack overflow. */
export function positionOf(error: Error): string {
  for (const site of sitesOf(error)) {
    const file = site.getScriptNameOrSourceURL();
    const script = file ? scripts.get(file)?.deref() : undefined;
    if (script !== undefined) return `${script.shortSource}:${script.lineOf(site)}: `;
  }
  return '';
}
