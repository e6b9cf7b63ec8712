/**
 * Limits of running threads: time slices, budgets, being killed while running.
 *
 * JavaScript cannot be interrupted from outside, so compiled code has to look by itself. It does so at the start of
 * functions and of iterations, in chunks of states made with `preemption`: `--R.fuel < 0` calls `tick` here. Other
 * states are compiled without that and pay nothing. What runs in native functions, such as a pattern that takes
 * exponential time, is not interrupted.
 */

import { MAX_FUEL, R } from './call.ts';
import { type Coroutine, dynamic, hostThread, suspend } from './coroutine.ts';
import { throwError, throwValue } from './error.ts';
import type { LuaResult, LuaValue } from './value.ts';

/** Which limit has been reached. */
export type LimitReason = 'time' | 'budget';

/** What the host is told when a limit has been reached. */
export interface LimitEvent {
  readonly thread: Coroutine;
  readonly reason: LimitReason;
  /** Whether the thread can be suspended here: not below a native function that cannot, such as a handler of xpcall. */
  readonly canSuspend: boolean;
}

/**
 * What is to be done then. `suspend`: the thread is suspended, here or at the next place where it can be.
 * `continue`: it goes on with a new slice. `kill`: it ends; nothing in it catches that. `{ error }`: the Lua value is
 * thrown, with a position in front of a text; a pcall may catch it, but then `onLimit` is asked again soon.
 */
export type LimitAction = 'suspend' | 'continue' | 'kill' | { readonly error: LuaValue };

/** Limits of one `resumeLimited`, until the thread comes back to the host. */
export interface Limits {
  /** Milliseconds it may run. Looked at every 250 calls and iterations. */
  readonly timeSlice?: number;
  /** Calls of Lua functions and iterations of loops it may make. */
  readonly budget?: number;
  /**
   * How many times its limit a thread may go on where it cannot be suspended, before it is killed; 100 if absent.
   * Used only without `onLimit`, which is told that the thread cannot be suspended.
   */
  readonly patience?: number;
  /** Decides when a limit has been reached; it is suspended if absent. */
  readonly onLimit?: (event: LimitEvent) => LimitAction;
}

/** Thrown to end a running thread. No catcher of Lua stops it: it passes through `errorValue` (runtime.ts). */
export class Killed {
  readonly thread: Coroutine;
  constructor(thread: Coroutine) {
    this.thread = thread;
  }
}

/** The payload of a suspension by a limit. */
export class Interruption {
  readonly reason: LimitReason;
  constructor(reason: LimitReason) {
    this.reason = reason;
  }
}

/** Calls and iterations between two looks at the clock. */
const STEP = 250;
/** And after an error that may have been caught. */
const GRACE = 1000;

let running: LimitedRun | undefined;

/** What compiled code calls when the fuel has run out: may suspend or throw. */
export function tick(): LuaResult {
  const thread = hostThread(dynamic.current);
  if (thread?.killed) throw new Killed(thread);
  if (running !== undefined && running.thread === thread) return running.tick();
  R.fuel = MAX_FUEL;
  return undefined;
}

/** Limits at work. Host threads nest when a native of one runs another. */
export class LimitedRun {
  readonly thread: Coroutine;
  readonly outer: LimitedRun | undefined;
  private readonly limits: Limits;
  private deadline = Number.POSITIVE_INFINITY;
  /** Calls and iterations beyond the present fuel. */
  private left = Number.POSITIVE_INFINITY;
  private used = 0;
  private filled = 0;
  /** A limit was reached where the thread could not be suspended. */
  private overdue: LimitReason | undefined = undefined;

  constructor(thread: Coroutine, limits: Limits) {
    this.thread = thread;
    this.limits = limits;
    this.outer = running;
    running = this;
    this.renew();
  }

  /** Ends it; the number of calls and iterations made. */
  end(): number {
    const total = this.count();
    running = this.outer;
    return total;
  }

  private count(): number {
    return this.used + this.filled - R.fuel;
  }

  private renew(): void {
    const { timeSlice, budget } = this.limits;
    if (timeSlice !== undefined) this.deadline = performance.now() + timeSlice;
    if (budget !== undefined) this.left = budget;
    this.overdue = undefined;
    this.fill(STEP);
  }

  private fill(most: number): void {
    const unclocked = this.deadline === Number.POSITIVE_INFINITY;
    const fuel = Math.max(0, Math.min(this.left, unclocked ? MAX_FUEL : most));
    this.left -= fuel;
    this.filled = R.fuel = fuel;
  }

  private isHopeless(canSuspend: boolean): boolean {
    if (canSuspend) return false;
    const { timeSlice = 0, budget = 0, patience = 100 } = this.limits;
    return budget > 0 && this.used > budget * (patience + 1)
      ? true
      : timeSlice > 0 && performance.now() > this.deadline + timeSlice * patience;
  }

  /** The fuel has run out. */
  tick(): LuaResult {
    this.used = this.count();
    this.filled = R.fuel = 0;
    const reason =
      this.overdue ?? (this.left <= 0 ? 'budget' : performance.now() >= this.deadline ? 'time' : undefined);
    if (reason === undefined) {
      this.fill(STEP);
      return undefined;
    }
    const canSuspend = dynamic.pinned === 0;
    const { onLimit } = this.limits;
    const action =
      onLimit?.({ thread: this.thread, reason, canSuspend }) ?? (this.isHopeless(canSuspend) ? 'kill' : 'suspend');
    if (action === 'kill' || this.thread.killed) throw new Killed(this.thread);
    if (action === 'continue') this.renew();
    else if (action !== 'suspend') {
      this.overdue = reason;
      this.filled = R.fuel = GRACE;
      const { error } = action;
      if (typeof error === 'string') throwError(error);
      throwValue(error);
    } else if (canSuspend) return suspend(new Interruption(reason));
    else {
      this.overdue = reason;
      this.filled = R.fuel = STEP;
    }
    return undefined;
  }
}
