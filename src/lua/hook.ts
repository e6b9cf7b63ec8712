/**
 * debug.sethook.
 *
 * Compiled code calls no hooks. While one is set, functions run in a third form: their resume form with marks
 * (compiler/emit-base.ts), compiled when it is first needed. Setting a hook moves the functions that are running to the heap,
 * as deep tail calls do, and their frames go on in the hooked form. Functions that are called go over to it by a test
 * at their start, which only traced chunks have: those that are loaded after a hook has been set or a chunk has been
 * loaded whose source mentions `sethook`, that chunk included. So whoever does not use hooks pays nothing. (Measured:
 * the test in all functions makes the benchmarks 2 % slower; hooked forms without a hook take twice the time.)
 *
 * LuaJIT counts bytecode instructions for count hooks. Here a mark counts the operations since the one before it, so
 * that a hook that is to be called after each instruction is called at each mark.
 */

import { R, ret0 } from './call.ts';
import { setTracing, tracing } from './compiler/globals.ts';
import { callNow, deferCall, dynamic } from './coroutine.ts';
import { NATIVE } from './position.ts';
import type { LuaFunction, LuaResult, LuaValue } from './value.ts';

/** A hook. Its function is called with "call", "return", "line" or "count" and, for lines, the line. */
export interface Hook {
  readonly fn: LuaFunction;
  readonly calls: boolean;
  readonly returns: boolean;
  readonly lines: boolean;
  /** Operations between two "count" events; 0 for none. */
  readonly count: number;
}

/** The hook of a state. */
export interface HookSlot {
  hook: Hook | undefined;
  /** Operations until the next "count" event. */
  left: number;
  /** The hook is running: there are no events meanwhile. */
  active: boolean;
  /** The function that the hook was called for, if that is known. */
  running: LuaFunction | undefined;
}

/** Of a new state. */
export function hookSlot(): HookSlot {
  return { hook: undefined, left: 0, active: false, running: undefined };
}

/** States with a hook. */
let hooked = 0;

/** The running coroutine's hook, if there are events. */
function idleSlot(): HookSlot | undefined {
  const slot = dynamic.current?.state.hookSlot;
  return slot === undefined || slot.hook === undefined || slot.active ? undefined : slot;
}

/** Calls the hook. Stack walks know it by its name (position.ts). */
function $hookBase(slot: HookSlot, event: string, line: LuaValue, fn: LuaFunction | undefined): void {
  // The code between whose operations this comes may have results in the registers.
  const { n, a, b, c, v, tail, self } = R;
  const { fn: lastFn, mark, line: lastLine } = tracing;
  slot.active = true;
  slot.running = fn;
  R.tail = 0;
  // There are no events: the hook need not be in hooked form.
  setTracing(false);
  try {
    callNow(slot.hook!.fn, [event, line]);
  } finally {
    setTracing(hooked > 0);
    slot.active = false;
    slot.running = undefined;
    R.n = n;
    R.a = a;
    R.b = b;
    R.c = c;
    R.v = v;
    R.tail = tail;
    R.self = self;
    tracing.fn = lastFn;
    tracing.mark = mark;
    tracing.line = lastLine;
  }
}

/** A mark: number `mark` of function `id`, whose closure is `fn` if that is known. */
export function hookLine(fn: LuaFunction | undefined, id: number, mark: number, line: number, weight: number): void {
  const slot = idleSlot();
  if (slot === undefined) return;
  const isNew = tracing.fn !== id || mark <= tracing.mark || line !== tracing.line;
  tracing.fn = id;
  tracing.mark = mark;
  tracing.line = line;
  if (slot.hook!.count > 0) {
    slot.left -= weight;
    if (slot.left <= 0) {
      slot.left = slot.hook!.count;
      $hookBase(slot, 'count', undefined, fn);
    }
  }
  if (isNew && slot.hook?.lines) $hookBase(slot, 'line', line, fn);
}

/** A Lua function starts. */
export function hookCall(fn: LuaFunction | undefined): void {
  const slot = idleSlot();
  if (slot?.hook?.calls) $hookBase(slot, 'call', undefined, fn);
}

/** A Lua function returns. */
export function hookReturn(fn: LuaFunction | undefined): void {
  const slot = idleSlot();
  if (slot?.hook?.returns) $hookBase(slot, 'return', undefined, fn);
}

/** Lua code is about to call `f`. Natives have "call" events too, and no "return" events, as in LuaJIT. */
export function hookNative(f: LuaValue): void {
  const slot = idleSlot();
  if (!slot?.hook?.calls || typeof f !== 'function' || !f.name.startsWith(NATIVE)) return;
  // A level of the stack that looks like that of the native.
  const run = (): void => $hookBase(slot, 'call', undefined, f);
  Object.defineProperty(run, 'name', { value: f.name });
  run();
}

/**
 * Sets or removes the hook of the running state. The native that calls this must return its result: the functions
 * that are running change their form.
 */
export function setHook(hook: Hook | undefined): LuaResult {
  const { state } = dynamic.current!;
  const slot = state.hookSlot;
  const changes = (slot.hook === undefined) !== (hook === undefined);
  slot.hook = hook;
  slot.left = hook?.count ?? 0;
  tracing.fn = -1;
  if (!changes) return ret0();
  hooked += hook === undefined ? -1 : 1;
  state.traced = true;
  setTracing(hooked > 0);
  tracing.epoch++;
  return deferCall(ret0, []);
}
