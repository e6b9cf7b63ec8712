/**
 * Coroutines and host threads.
 *
 * A running coroutine is ordinary JavaScript on the native stack, started by `$coroutineBase`. When something in it
 * suspends, every function on the way out leaves a frame in `captured`, and the base moves them to the coroutine.
 * Resuming runs the innermost frame; frames further out stay untouched until it returns.
 *
 * Two ways to suspend: coroutine.yield stops at the nearest resume (`YIELD`); a host function that has to wait
 * parks the whole thread (`SUSPEND`): the resume itself leaves a frame, and so on down to the thread's base.
 */

import { dropCaptured, hooks, MAX_FUEL, pushFrame, R, retN, S, Stack, SUSPEND, TAIL, toArray, YIELD } from './call.ts';
import { tracing } from './compiler/globals.ts';
import { errorHooks, LuaError, throwError, throwValue } from './error.ts';
import { onCollect } from './gc/collector.ts';
import { Interruption, Killed, LimitedRun, type LimitReason, type Limits } from './limits.ts';
import { isOverflow, type Level, levelsOfError, NATIVE } from './position.ts';
import type { LuaState } from './state.ts';
import type { LuaTable } from './table.ts';
import type { LuaFunction, LuaResult, LuaValue, Sentinel } from './value.ts';

export type CoroutineStatus = 'suspended' | 'running' | 'normal' | 'dead';

/** How a host thread came back: it ended, waits for the host, or yielded to it by coroutine.yield. */
export type ThreadResult =
  | { readonly status: 'done'; readonly values: LuaValue[] }
  | { readonly status: 'yielded'; readonly values: LuaValue[] }
  | { readonly status: 'suspended'; readonly payload: unknown };

/** How `resumeLimited` came back. `used` is the number of calls and iterations made. */
export type LimitedResult =
  | (ThreadResult & { readonly used: number })
  /** A limit was reached; `resume` or `resumeLimited` without arguments goes on. */
  | { readonly status: 'interrupted'; readonly reason: LimitReason; readonly used: number }
  /** Ended by `kill` or by the host's `onLimit`. */
  | { readonly status: 'killed'; readonly used: number };

/** "No error": any value can be thrown. */
const NONE: unique symbol = Symbol('none');

/** Who would catch an error that is thrown now: nobody on this part of the native stack, a pcall, or a handler. */
export type Catcher = undefined | 'pcall' | 'handling' | LuaFunction;

/** The part of the running state that whoever catches an error restores. */
export const dynamic: {
  current: Coroutine | undefined;
  catcher: Catcher;
  /** Natives on the native stack that cannot be suspended. */
  pinned: number;
} = { current: undefined, catcher: undefined, pinned: 0 };

let payload: unknown;
let tailFunction: LuaFunction;
let tailArgs: LuaValue[] = [];
onCollect(() => {
  tailArgs = [];
});

/** A Lua coroutine, or a thread of the host. */
export class Coroutine {
  status: CoroutineStatus = 'suspended';
  readonly state: LuaState;
  /** The body, until it has been started. */
  body: LuaFunction | undefined;
  /** The function that it runs, for the debug library. */
  readonly origin: LuaFunction;
  /** Parked frames. */
  readonly frames = new Stack();
  /** Who resumed it. */
  resumer: Coroutine | undefined = undefined;
  /** Errors in it are errors of the resumer (coroutine.wrap). */
  wrapped = false;
  /** A thread made by the host. */
  readonly isThread: boolean;
  /** Whether coroutine.yield may return to the host from this thread itself. */
  canYield = true;
  /** Its globals: the environment of what it loads (setfenv(0, t)). */
  globals: LuaTable;
  /** Data of the host (the request, the light thread); inherited by coroutine.create. */
  host: unknown;
  /** The thread that started this one, for hosts that build trees of threads. */
  parent: Coroutine | undefined = undefined;
  /** Pointers of thread.exdata; inherited by coroutine.create. */
  pointers: { readonly exdata?: LuaValue; readonly exdata2?: LuaValue } | undefined;
  /** The stack at the error that ended it, if that was not caught in it. */
  lastLevels: Level[] | undefined = undefined;
  /** Of a thread: levels that handlers of the host's would take in tracebacks. */
  handlers = 0;
  /**
   * Of a thread: its coroutines are as if a scheduler of the host ran each of them. What is thrown in a wrapped one
   * reaches the resumer as it is, without a position in front, and its traceback goes on with the resumers' stacks.
   */
  isScheduled = false;
  /** It has been killed while it was running, and ends when it notices. */
  killed = false;

  constructor(state: LuaState, body: LuaFunction, isThread: boolean) {
    this.state = state;
    this.body = this.origin = body;
    this.isThread = isThread;
    this.globals = isThread ? state.globals : (dynamic.current?.globals ?? state.globals);
    this.host = dynamic.current?.host;
    this.pointers = dynamic.current?.pointers;
  }

  /**
   * Runs a host thread until it ends, waits or yields. Throws what it throws, usually a LuaError with its
   * traceback. The values are the arguments the first time, then the results of what it waits for.
   */
  resume(args: LuaValue[] = []): ThreadResult {
    return this.run(args, NONE);
  }

  /** Like `resume`, but what the thread waits for throws the given Lua value. */
  resumeError(value: LuaValue): ThreadResult {
    return this.run([], new LuaError(value));
  }

  /**
   * Like `resume`, with limits to how long it runs: see limits.ts. The state must have been made with `preemption`.
   * After an interruption `resumeError(value)` throws in the place where the thread was interrupted.
   */
  resumeLimited(args: LuaValue[], limits: Limits): LimitedResult {
    if (!this.state.preemption) throw new Error('limits need a state made with { preemption: true }');
    const { fuel } = R;
    const outer = dynamic.current;
    const run = new LimitedRun(this, limits);
    let used = 0;
    let result: ThreadResult | undefined;
    try {
      result = this.run(args, NONE, true);
    } catch (e) {
      if (!(e instanceof Killed) || e.thread !== this) throw e;
    } finally {
      used = run.end();
      restoreFuel(outer, fuel);
    }
    if (result === undefined) return { status: 'killed', used };
    if (result.status === 'suspended' && result.payload instanceof Interruption) {
      return { status: 'interrupted', reason: result.payload.reason, used };
    }
    return { ...result, used };
  }

  /**
   * Ends a thread; none of its code runs any more, that of a suspended one from now on. A running one ends at the
   * next call or iteration, if its state was made with `preemption` (else an Error is thrown here): no pcall catches
   * that, and `resume` throws the error "thread was killed" to the host, while `resumeLimited` has a status for it.
   */
  kill(): void {
    if (this.status === 'running' || this.status === 'normal') {
      if (!this.isThread || !this.state.preemption) throw new Error('cannot kill a running thread');
      this.killed = true;
      R.fuel = 0;
      return;
    }
    this.status = 'dead';
    this.body = undefined;
    this.frames.clear();
  }

  private run(args: LuaValue[], failure: unknown, limited = false): ThreadResult {
    this.checkSuspended();
    let r: LuaResult;
    const { fuel } = R;
    const outer = dynamic.current;
    if (!limited) R.fuel = MAX_FUEL;
    // For the tracebacks of stack overflows, which V8 writes down itself.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    try {
      r = enter(this, this.body === undefined && failure === NONE ? retN(args) : undefined, args, failure);
    } catch (e) {
      if (e instanceof Killed) {
        this.frames.clear();
        throw limited || e.thread !== this ? e : new LuaError('thread was killed');
      }
      throw e instanceof LuaError ? e : foreignError(e, this);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
      if (!limited) restoreFuel(outer, fuel);
    }
    return this.report(r);
  }

  private checkSuspended(): void {
    if (this.status !== 'suspended')
      throwValue(`cannot resume ${this.status === 'dead' ? 'dead' : 'running'} coroutine`);
  }

  private report(r: LuaResult): ThreadResult {
    if (r !== S || R.n >= 0) return { status: 'done', values: toArray(r) };
    if (R.n === YIELD) return { status: 'yielded', values: toArray(takeYielded()) };
    this.status = 'suspended';
    const p = payload;
    payload = undefined;
    return { status: 'suspended', payload: p };
  }
}

/** The coroutine or host thread that is running, if any. */
export function currentThread(): Coroutine | undefined {
  return dynamic.current;
}

/** When a host thread comes back to another one: that one may have been killed meanwhile. */
function restoreFuel(outer: Coroutine | undefined, fuel: number): void {
  R.fuel = hostThread(outer)?.killed ? 0 : fuel;
}

/** The host thread that a coroutine runs in. */
export function hostThread(coroutine: Coroutine | undefined): Coroutine | undefined {
  let co = coroutine;
  while (co !== undefined && !co.isThread) co = co.resumer;
  return co;
}

/**
 * Parks the whole host thread: `return suspend(payload)` from a native function. The host gets the payload from
 * `resume`; the values of its next `resume` become the native's results. Throws outside of a host thread.
 */
export function suspend(value: unknown): Sentinel {
  if (hostThread(dynamic.current) === undefined) throwValue('attempt to yield across C-call boundary');
  payload = value;
  R.n = SUSPEND;
  return S;
}

/** coroutine.yield, with values that are in the registers (the first three, or all in `R.v` if there are more). */
export function yieldRegisters(count: number): Sentinel {
  if (dynamic.current === undefined || !dynamic.current.canYield) {
    throwError('attempt to yield across C-call boundary');
  }
  R.count = count;
  R.n = YIELD;
  return S;
}

/** Makes the values of the yield that a coroutine has just returned with a result. */
function takeYielded(): LuaResult {
  const n = R.count;
  if (n === 1) return R.a;
  R.n = n;
  return S;
}

/** A tail call whose predecessors are to leave the native stack first. */
export function deferCall(f: LuaFunction, args: LuaValue[]): Sentinel {
  tailFunction = f;
  tailArgs = args;
  R.n = TAIL;
  return S;
}

function failInto(frames: Stack, error: unknown): LuaResult {
  for (let f = frames.pop(); f !== undefined; f = frames.pop()) {
    const { native } = f;
    if (native?.fail !== undefined) return native.fail(error);
  }
  throw error;
}

/**
 * Runs frames until they have all returned, or something suspends. The name marks the end of a coroutine's part of
 * the native stack (position.ts).
 */
function $coroutineBase(
  frames: Stack,
  start: LuaFunction | undefined,
  startArgs: LuaValue[],
  result: LuaResult,
  failure: unknown,
): LuaResult {
  let f = start;
  let args = startArgs;
  let r = result;
  let error = failure;
  for (;;) {
    try {
      if (error !== NONE) {
        const e = error;
        error = NONE;
        r = failInto(frames, e);
      } else if (f !== undefined) {
        const fn = f;
        f = undefined;
        r = fn(...args);
      } else {
        const frame = frames.pop();
        if (frame === undefined) return r;
        r = frame.proto.resume(frame, r);
      }
    } catch (e) {
      dropCaptured();
      R.tail = 0;
      dynamic.catcher = undefined;
      if (frames.top === undefined) throw e;
      error = e;
      continue;
    }
    if (r === S && R.n < 0) {
      frames.park();
      if (R.n !== TAIL) return r;
      // Each caller counted itself off on the way out.
      R.tail = 0;
      f = tailFunction;
      args = tailArgs;
    }
  }
}

/** A LuaError for what JavaScript threw: a stack overflow, or a defect of a native function. */
function foreignError(e: unknown, co: Coroutine): LuaError {
  const error = new LuaError(hooks.errorValue(e));
  error.cause = e;
  if (isOverflow(e)) errorHooks.unforeseen(error, co);
  else if (e instanceof Error) error.traceback = e.stack;
  return error;
}

/** Switches to a coroutine; returns when it is done or suspends. */
function enter(co: Coroutine, result: LuaResult, args: LuaValue[], failure: unknown): LuaResult {
  const { current, catcher, pinned } = dynamic;
  const { tail } = R;
  const { body } = co;
  co.resumer = current;
  co.status = 'running';
  co.body = undefined;
  if (current !== undefined) current.status = 'normal';
  dynamic.current = co;
  dynamic.catcher = undefined;
  R.tail = 0;
  let done = true;
  try {
    const r = $coroutineBase(co.frames, body, args, result, failure);
    if (r === S && R.n < 0) {
      done = false;
      if (R.n === YIELD) co.status = 'suspended';
    }
    return r;
  } finally {
    if (done) co.status = 'dead';
    dynamic.current = current;
    dynamic.catcher = catcher;
    dynamic.pinned = pinned;
    R.tail = tail;
    if (current !== undefined) current.status = 'running';
  }
}

/**
 * Resumes for coroutine.resume and wrap, which make their results of it with `finish` and `fail`. The coroutine must be
 * suspended. The arguments are given as a result, for a coroutine that waits for one.
 */
export function resumeCoroutine(co: Coroutine, given: LuaResult, ends: ResumeEnds): LuaResult {
  return tryEnter(co, given, co.body === undefined ? NO_ARGS : toArray(given), NONE, ends);
}

const NO_ARGS: LuaValue[] = [];

/** What a resume does with the outcome. */
export interface ResumeEnds {
  finish(r: LuaResult): LuaResult;
  fail(co: Coroutine, error: unknown): LuaResult;
}

class ResumeFrame {
  readonly name = 'resume';
  private readonly co: Coroutine;
  private readonly ends: ResumeEnds;
  constructor(co: Coroutine, ends: ResumeEnds) {
    this.co = co;
    this.ends = ends;
  }
  resume(r: LuaResult): LuaResult {
    return tryEnter(this.co, r, NO_ARGS, NONE, this.ends);
  }
  fail(error: unknown): LuaResult {
    return tryEnter(this.co, undefined, NO_ARGS, error, this.ends);
  }
}

// By its name stack walks know a native: the resume of a coroutine that goes on after its thread was parked.
Object.defineProperty(ResumeFrame.prototype.resume, 'name', { value: `${NATIVE}resume` });

function tryEnter(co: Coroutine, result: LuaResult, args: LuaValue[], failure: unknown, ends: ResumeEnds): LuaResult {
  let r: LuaResult;
  const { epoch, fn, mark, line } = tracing;
  try {
    r = enter(co, result, args, failure);
  } catch (e) {
    dropCaptured();
    if (isOverflow(e) && !co.wrapped) co.lastLevels = levelsOfError(e);
    return ends.fail(co, e);
  }
  if (tracing.on) {
    tracing.fn = fn;
    tracing.mark = mark;
    tracing.line = line;
  }
  if (r === S && R.n < 0) {
    if (R.n === SUSPEND) return pushFrame(new ResumeFrame(co, ends));
    r = takeYielded();
  }
  r = ends.finish(r);
  // The hook was set or removed meanwhile: the functions that waited change their form.
  if (tracing.epoch !== epoch) {
    const values = [...toArray(r)];
    return deferCall(() => retN(values), []);
  }
  return r;
}

/**
 * Calls a function from a native that cannot be suspended. Deep chains of tail calls in it are fine; a yield is the
 * error "attempt to yield across C-call boundary". Returns the result for `first` or `toArray`.
 */
export function callNow(f: LuaValue, args: LuaValue[]): LuaResult {
  const r = callPinned(typeof f === 'function' ? f : hooks.callable(f), args);
  return r !== S || R.n >= 0 ? r : settleNow();
}

/** For natives that cannot be suspended and call a function themselves: its result when it has returned `suspended`. */
export function settleNow(): LuaResult {
  if (R.n !== TAIL) return refuse();
  const { tail } = R;
  const frames = new Stack();
  frames.park();
  const { pinned } = dynamic;
  dynamic.pinned++;
  const result = $coroutineBase(frames, tailFunction, tailArgs, undefined, NONE);
  dynamic.pinned = pinned;
  R.tail = tail;
  return result === S && R.n < 0 ? refuse() : result;
}

/** Whoever catches an error restores the count. */
function callPinned(f: LuaFunction, args: LuaValue[]): LuaResult {
  const { pinned } = dynamic;
  dynamic.pinned++;
  const r = f(...args);
  dynamic.pinned = pinned;
  return r;
}

function refuse(): never {
  dropCaptured();
  payload = undefined;
  const e = new LuaError('attempt to yield across C-call boundary');
  errorHooks.beforeThrow(e);
  throw e;
}
