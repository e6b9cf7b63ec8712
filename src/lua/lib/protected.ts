// pcall, xpcall and error: catching, and what happens before anything is unwound.
//
// A handler of xpcall, and the traceback of an uncaught error, must see the stack at the point of error. JavaScript
// unwinds before `catch` runs, so the handler is called by whoever throws (`beforeThrow`); `dynamic.catcher` says who
// would catch. Errors made by V8 itself (stack overflow) reach the handler after unwinding, which finds the stack that
// V8 has written down in them.

import { call, dropCaptured, first, type NativeFrame, pushFrame, R, ret2, retN, S, toArray } from '../call.ts';
import { type Catcher, type Coroutine, callNow, dynamic } from '../coroutine.ts';
import { argError, errorHooks, LuaError, throwValue } from '../error.ts';
import { Killed } from '../limits.ts';
import { formatNumber } from '../number.ts';
import {
  gone,
  isOverflow,
  type Level,
  levels,
  levelsByCoroutine,
  levelsOfError,
  position,
  unwound,
} from '../position.ts';
import { errorValue } from '../runtime.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import { argInteger, typeError } from './args.ts';
import { natives } from './native.ts';
import { parkedOf, tracebackOf } from './traceback.ts';

/** Puts `true` in front of a result. */
function succeed(r: LuaResult): LuaResult {
  if (r !== S) return ret2(true, r as LuaValue);
  if (R.n <= 2) {
    R.c = R.b;
    R.b = R.n > 0 ? R.a : undefined;
    R.a = true;
    R.n++;
    if (R.n === 1) return true;
    return S;
  }
  return retN([true, ...toArray(r)]);
}

function failed(e: unknown, handler: LuaFunction | undefined): LuaResult {
  dropCaptured();
  const value = errorValue(e);
  if (handler === undefined || (e instanceof LuaError && e.handled)) return ret2(false, value);
  return ret2(false, isOverflow(e) ? $afterwards(handler, value, e) : runHandler(handler, value));
}

/** Runs a handler that was to see a stack which is no longer there. The name marks the place (position.ts). */
function $afterwards(handler: LuaFunction, value: LuaValue, e: Error): LuaValue {
  const { levels } = unwound;
  unwound.levels = levelsOfError(e);
  try {
    return runHandler(handler, value, 'stack overflow');
  } finally {
    unwound.levels = levels;
  }
}

/** The frame of a pcall or xpcall whose function suspended. */
class ProtectedFrame implements NativeFrame {
  readonly handler: LuaFunction | undefined;
  constructor(handler: LuaFunction | undefined) {
    this.handler = handler;
  }
  get name(): string {
    return this.handler === undefined ? 'pcall' : 'xpcall';
  }
  resume(r: LuaResult): LuaResult {
    return succeed(r);
  }
  fail(e: unknown): LuaResult {
    return failed(e, this.handler);
  }
}

/** What pcall restores when its function fails. */
function caught(
  e: unknown,
  handler: LuaFunction | undefined,
  catcher: Catcher,
  current: Coroutine | undefined,
  pinned: number,
  tail: number,
): LuaResult {
  dynamic.catcher = catcher;
  dynamic.current = current;
  dynamic.pinned = pinned;
  R.tail = tail;
  return failed(e, handler);
}

/** The handler's result; `failure` if it fails. */
function runHandler(handler: LuaFunction, value: LuaValue, failure = 'error in error handling'): LuaValue {
  const { catcher } = dynamic;
  dynamic.catcher = 'handling';
  try {
    return first(callNow(handler, [value]));
  } catch (e) {
    if (e instanceof Killed) throw e;
    dropCaptured();
    return isOverflow(e) ? 'stack overflow' : failure;
  } finally {
    dynamic.catcher = catcher;
  }
}

/** Who would catch an error thrown now in the current coroutine. */
function catcherNow(): Catcher {
  if (dynamic.catcher !== undefined) return dynamic.catcher;
  for (let frame = dynamic.current?.frames.top; frame !== undefined; frame = frame.outer) {
    const f = frame.native;
    if (f instanceof ProtectedFrame) return f.handler ?? 'pcall';
    if (f?.fail !== undefined) return 'pcall';
  }
  return undefined;
}

errorHooks.beforeThrow = (e) => {
  if (e.handled || e.traceback !== undefined) return;
  const catcher = catcherNow();
  if (typeof catcher === 'function') {
    e.value = runHandler(catcher, e.value);
    e.handled = true;
  } else if (catcher === undefined) {
    const co = dynamic.current;
    if (co !== undefined) ends(co, e, () => levels(Number.POSITIVE_INFINITY));
  }
};

errorHooks.unforeseen = (e, co) => {
  if (e.cause instanceof Error) ends(co, e, () => levelsOfError(e.cause as Error));
};

/** Nothing in its coroutine catches an error: notes down the stack, for debug.traceback or for the host. */
function ends(co: Coroutine, e: LuaError, stack: () => Level[]): void {
  if (co.isThread) {
    e.traceback = tracebackOf(stack(), undefined, 0, co.handlers);
    return;
  }
  const chain = co.wrapped ? scheduledChain(co) : undefined;
  if (chain === undefined) {
    co.lastLevels = gone(stack());
    return;
  }
  e.traceback = tracebackOf(stack(), undefined, 0);
  e.outer = levelsByCoroutine(chain.length)
    .slice(1)
    .map((live, i) => tracebackOf([...live, ...parkedOf(chain[i + 1])], undefined, 0));
}

/** The coroutines that an error goes through from a wrapped one to a scheduled thread, if it does. */
function scheduledChain(co: Coroutine): Coroutine[] | undefined {
  const chain: Coroutine[] = [];
  for (let c: Coroutine | undefined = co; c !== undefined; c = c.resumer) {
    chain.push(c);
    if (c.isThread) return c.isScheduled ? chain : undefined;
    if (!c.wrapped) return undefined;
  }
  return undefined;
}

export const PROTECTED = natives({
  error(message: LuaValue, level: LuaValue): LuaResult {
    const n = level === undefined ? 1 : argInteger(level, 2, 'error', arguments.length);
    const isText = typeof message === 'string' || typeof message === 'number';
    if (!isText || n === 0) throwValue(message);
    const e = new LuaError(position(n) + (typeof message === 'number' ? formatNumber(message) : message));
    e.given = message;
    errorHooks.beforeThrow(e);
    throw e;
  },
  // Calls the function itself: recursion through pcall is deep only if that takes one frame.
  pcall(f: LuaValue, ...args: LuaValue[]): LuaResult {
    if (arguments.length === 0) argError(1, 'pcall', 'value expected');
    const { catcher, current, pinned } = dynamic;
    const { tail } = R;
    let r: LuaResult;
    dynamic.catcher = 'pcall';
    try {
      if (typeof f !== 'function') r = call(f, args);
      else r = args.length === 0 ? f() : args.length === 1 ? f(args[0]) : f(...args);
    } catch (e) {
      return caught(e, undefined, catcher, current, pinned, tail);
    }
    dynamic.catcher = catcher;
    if (r === S && R.n < 0) return pushFrame(new ProtectedFrame(undefined));
    return succeed(r);
  },
  xpcall(f: LuaValue, handler: LuaValue, ...args: LuaValue[]): LuaResult {
    if (arguments.length === 0) argError(1, 'xpcall', 'value expected');
    if (typeof handler !== 'function') typeError(handler, 2, 'xpcall', 'function', arguments.length);
    const { catcher, current, pinned } = dynamic;
    const { tail } = R;
    let r: LuaResult;
    dynamic.catcher = handler;
    try {
      r = call(f, args);
    } catch (e) {
      return caught(e, handler, catcher, current, pinned, tail);
    }
    dynamic.catcher = catcher;
    if (r === S && R.n < 0) return pushFrame(new ProtectedFrame(handler));
    return succeed(r);
  },
});
