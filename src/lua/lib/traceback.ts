// debug.traceback's text.

import { R } from '../call.ts';
import { type Proto, protoByName } from '../compiler/compile.ts';
import { type Coroutine, dynamic } from '../coroutine.ts';
import { framesFor, hookedFunction, type Level, levels, NATIVE, nearLevels, parkedLevels } from '../position.ts';

/** The level at which "..." stands for what is not shown, and levels shown after it. */
const TOP = 12;
const BOTTOM = 10;

/** The levels of a coroutine that are parked on the heap, innermost first. */
export function parkedOf(co: Coroutine | undefined): Level[] {
  const result: Level[] = [];
  if (co === undefined) return result;
  if (co.status === 'suspended' && co.frames.top !== undefined && co !== dynamic.current) {
    result.push({
      script: undefined,
      line: -1,
      name: `${NATIVE}yield`,
      fn: undefined,
      names: () => [],
      callee: () => undefined,
    });
  }
  for (let f = co.frames.top; f !== undefined; f = f.outer) {
    const { native } = f;
    if (native === undefined) {
      const proto = f.proto as Proto;
      const point = proto.point(f.pc);
      result.push({
        script: proto.chunk.info,
        line: point?.line ?? proto.fn.line,
        name: `$${proto.fn.id}_`,
        fn: undefined,
        names: () => [point?.name],
        callee: () => point?.name,
        scope: () => point?.scope,
        frame: f,
      });
    } else if (native.name !== undefined) {
      result.push({
        script: undefined,
        line: -1,
        name: NATIVE + native.name,
        fn: undefined,
        names: () => [],
        callee: () => undefined,
      });
    }
  }
  return result;
}

parkedLevels.get = () => parkedOf(dynamic.current);
hookedFunction.get = () => dynamic.current?.state.hookSlot.running;

/** The levels of any coroutine, innermost first; level 0 of the running one is the running native. */
export function levelsOf(co: Coroutine | undefined, limit = framesFor(undefined)): Level[] {
  if (co === undefined || co === dynamic.current) return levels(limit);
  return co.status === 'dead' ? (co.lastLevels ?? []) : parkedOf(co);
}

/** The name by which the caller called level `i`, such as "global 'f'". */
export function callName(stack: readonly Level[], i: number): string | undefined {
  return stack[i + 1]?.callee();
}

function describe(stack: readonly Level[], i: number): string {
  const level = stack[i]!;
  const called = callName(stack, i);
  const name = called === undefined ? undefined : /'(.*)'$/s.exec(called)?.[1];
  if (level.script === undefined) {
    if (level.name === NATIVE) return '[C]: in ?';
    return `[C]: in function '${name ?? level.name.slice(NATIVE.length)}'`;
  }
  const where = `${level.script.shortSource}:${level.line}: in `;
  const proto = protoByName(level.name);
  if (name !== undefined) return `${where}function '${name}'`;
  if (proto === undefined || proto.fn.index === 0) return where + 'main chunk';
  return `${where}function <${level.script.shortSource}:${proto.fn.line}>`;
}

/**
 * The text of a traceback from a level on (0 = the running native function, if any), as luaL_traceback writes it.
 *
 * @param absent levels in front of the stack's that would be there in LuaJIT: handlers of the host
 */
export function tracebackOf(stack: readonly Level[], message: string | undefined, level: number, absent = 0): string {
  const lines: string[] = [];
  let top = TOP - absent;
  for (let i = level; i < stack.length; i++) {
    if (i >= top) {
      top = stack.length;
      if (stack.length - i > BOTTOM + 1) {
        lines.push('\n\t...');
        i = stack.length - BOTTOM;
      }
    }
    lines.push('\n\t' + describe(stack, i));
  }
  return `${message === undefined ? '' : message + '\n'}stack traceback:${lines.join('')}`;
}

/** The text of debug.traceback for a coroutine, the running one if it is undefined. */
export function traceback(message: string | undefined, level: number, co: Coroutine | undefined): string {
  return tracebackOf(levelsOf(co, Number.POSITIVE_INFINITY), message, level);
}

/** Where a Lua function is that called the running native: for lines in logs. */
export interface CallerInfo {
  /** The chunk's name as Lua shows it; `[C]` for none, with the line -1. */
  readonly shortSource: string;
  readonly line: number;
  /** The name by which the function itself was called, if that is known. */
  readonly name: string | undefined;
  /** It is the chunk itself rather than a function in it. */
  readonly main: boolean;
}

/** Whether it is that of a chunk itself: how that was called does not matter. */
function isMain(level: Level): boolean {
  return level.script !== undefined && (protoByName(level.name)?.fn.index ?? 0) === 0;
}

/** Has compiled code tell the native where it is called, for `takePlace`. */
export function wantsPlace<T extends Function>(native: T): T {
  Object.defineProperty(native, '$place', { value: true });
  return native;
}

/**
 * Where a native that `wantsPlace` is called, if the calling code has said so: then it is the chunk itself. To be called
 * first of all; undefined where `callerInfo` has to be asked.
 */
export function takePlace(): CallerInfo | undefined {
  const { place } = R;
  if (place === undefined) return undefined;
  R.place = undefined;
  return { shortSource: place.chunk.shortSource, line: R.placeLine, name: undefined, main: true };
}

/**
 * The function at a level, 1 being the caller of the running native. `above` is a function on the stack, not a native of
 * Lua: frames from it on upward are not looked at, which is cheaper.
 */
export function callerInfo(level: number, above: Function = callerInfo): CallerInfo {
  // Few frames first: they cost more than the line that is written with them.
  const stack =
    nearLevels(level, level + 2, above, isMain) ??
    nearLevels(level, level * 4 + 8, above, isMain) ??
    levels(level * 8 + 16);
  const i = stack.length > 0 && stack[0]!.script === undefined ? level : level - 1;
  const at = stack[i];
  if (at?.script === undefined) return { shortSource: '[C]', line: -1, name: undefined, main: false };
  const main = isMain(at);
  const called = main ? undefined : callName(stack, i);
  return {
    shortSource: at.script.shortSource,
    line: at.line,
    name: called === undefined ? undefined : /'(.*)'$/s.exec(called)?.[1],
    main,
  };
}
