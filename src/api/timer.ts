/**
 * ngx.timer: user code without a request, later. Timers need no connection here; the limits of
 * lua_max_pending_timers and lua_max_running_timers are a safety valve. ngx_lua: ngx_http_lua_timer.c.
 */
import type { Block } from '../conf/block.ts';
import { LOG_ALERT, LOG_DEBUG } from '../log/log.ts';
import { updateTime } from '../log/time.ts';
import { beginActivity, endActivity } from '../net/activity.ts';
import { requireContext } from './context.ts';
import { apiError } from './error.ts';
import { IN_EXIT_WORKER } from './phase.ts';
import { pointerText } from './pointer-text.ts';

/** One timer's code. */
export interface TimerRun {
  /** Runs it; calls `ended` when it and all its light threads have ended. Does not throw. */
  start(premature: boolean, ended: () => void): void;
  /** Where it is defined, for the log. */
  where?(): string;
}

/** A timer that waits. */
class Pending {
  readonly timers: Timers;
  readonly run: TimerRun;
  readonly delay: number;
  readonly repeat: boolean;
  /** Of a timer with a delay. */
  handle: NodeJS.Timeout | undefined = undefined;
  /** It has run, or the worker has left. */
  done = false;

  constructor(timers: Timers, run: TimerRun, delay: number, repeat: boolean) {
    this.timers = timers;
    this.run = run;
    this.delay = delay;
    this.repeat = repeat;
  }
}

function expire(entry: Pending): void {
  entry.timers.expire(entry);
}

/**
 * Timers without a delay, which run in the next turn of the event loop, all from one immediate: one for each would cost
 * more than the rest of a timer, and Node.js links them in a list that the garbage collector takes long to let go of.
 */
let soon: Pending[] = [];

function runSoon(): void {
  const entries = soon;
  soon = [];
  let i = 0;
  try {
    while (i < entries.length) expire(entries[i++]!);
  } finally {
    // What one throws is the process's affair; the others still get their turn.
    if (i < entries.length) {
      if (soon.length === 0) setImmediate(runSoon);
      soon = [...entries.slice(i), ...soon];
    }
  }
}

/** Timers of one http block in this worker. */
export class Timers {
  maxPending = 1024;
  maxRunning = 256;
  running = 0;
  /** Of all runs so far. */
  private count = 0;
  pendingCount = 0;
  /** Those with a delay. */
  private readonly delayed = new Set<Pending>();
  readonly block: Block;

  constructor(block: Block) {
    this.block = block;
  }

  /**
   * Schedules `run` after `delay` milliseconds, again and again with `repeat`.
   * @returns an error text: "too many pending timers", "process exiting"
   */
  schedule(delay: number, run: TimerRun, repeat: boolean): string | undefined {
    if (this.block.cycle.exiting && delay > 0) return 'process exiting';
    if (this.pendingCount >= this.maxPending) return 'too many pending timers';
    this.arm(delay, run, repeat);
    return undefined;
  }

  private arm(delay: number, run: TimerRun, repeat: boolean): void {
    const entry = new Pending(this, run, delay, repeat);
    this.pendingCount++;
    if (delay === 0) {
      if (soon.push(entry) === 1) setImmediate(runSoon);
      return;
    }
    entry.handle = setTimeout(expire, delay, entry);
    this.delayed.add(entry);
  }

  /** Its time has come. */
  expire(entry: Pending): void {
    if (entry.done) return;
    entry.done = true;
    this.pendingCount--;
    const { run, delay } = entry;
    if (delay > 0) this.delayed.delete(entry);
    const { exiting } = this.block.cycle;
    if (entry.repeat && !exiting) this.arm(delay, run, true);
    this.fire(run, exiting && delay > 0);
  }

  private fire(run: TimerRun, premature: boolean): void {
    this.debug('lua ngx.timer expired');
    if (this.running >= this.maxRunning) {
      const where = run.where?.() ?? '?';
      this.block.cycle.log.write(
        LOG_ALERT,
        `lua failed to run timer with function defined at ${where}: ${this.maxRunning} lua_max_running_timers are not enough`,
      );
      return;
    }
    updateTime();
    this.running++;
    const number = this.count++;
    beginActivity();
    // Who debugs is told of each one's end.
    run.start(premature, this.isDebugged ? () => this.closed(number) : this.ended);
  }

  private readonly ended = (): void => {
    this.running--;
    endActivity();
  };

  private closed(number: number): void {
    this.ended();
    this.debug(`http lua close fake http connection ${pointerText(number)}`);
  }

  private get isDebugged(): boolean {
    return this.block.cycle.log.level >= LOG_DEBUG;
  }

  private debug(message: string): void {
    if (this.isDebugged) this.block.cycle.log.write(LOG_DEBUG, message);
  }

  /** The worker leaves: all pending timers run now, told that it is too early. It waits for those that run. */
  leave(): void {
    const left = [...this.delayed, ...soon.filter((entry) => entry.timers === this && !entry.done)];
    this.delayed.clear();
    this.pendingCount = 0;
    if (left.length > 0) {
      this.debug('lua abort pending timers');
      this.debug(`lua found ${left.length} pending timers to be aborted prematurely`);
    }
    for (const entry of left) {
      entry.done = true;
      clearTimeout(entry.handle);
      this.fire(entry.run, true);
    }
  }
}

const byBlock = new WeakMap<Block, Timers>();

export function timersOf(block: Block): Timers {
  let timers = byBlock.get(block);
  if (timers === undefined) byBlock.set(block, (timers = new Timers(block)));
  return timers;
}

/** The timers on whose block the current code runs. */
export function currentTimers(): Timers {
  const ctx = requireContext();
  const { block } = ctx;
  return block === undefined ? apiError('no request found') : timersOf(block);
}

/** The same where timers can be made: everywhere but in exit_worker. */
export function timersToSet(): Timers {
  requireContext().check(~IN_EXIT_WORKER);
  return currentTimers();
}
