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
  /** Runs it; calls `ended` when it and all its light threads have ended. */
  (premature: boolean, ended: () => void): void;
  /** Where it is defined, for the log. */
  readonly where?: () => string;
}

interface Pending {
  readonly run: TimerRun;
  readonly handle: NodeJS.Timeout | NodeJS.Immediate;
  readonly delay: number;
}

/** Timers of one http block in this worker. */
export class Timers {
  maxPending = 1024;
  maxRunning = 256;
  running = 0;
  /** Of all runs so far. */
  private count = 0;
  private readonly pending = new Set<Pending>();
  readonly block: Block;

  constructor(block: Block) {
    this.block = block;
  }

  get pendingCount(): number {
    return this.pending.size;
  }

  /**
   * Schedules `run` after `delay` milliseconds, again and again with `repeat`.
   * @returns an error text: "too many pending timers", "process exiting"
   */
  schedule(delay: number, run: TimerRun, repeat: boolean): string | undefined {
    if (this.block.cycle.exiting && delay > 0) return 'process exiting';
    if (this.pending.size >= this.maxPending) return 'too many pending timers';
    this.arm(delay, run, repeat);
    return undefined;
  }

  private arm(delay: number, run: TimerRun, repeat: boolean): void {
    const fire = () => {
      this.pending.delete(entry);
      if (repeat && !this.block.cycle.exiting) this.arm(delay, run, true);
      this.fire(run, this.block.cycle.exiting && delay > 0);
    };
    const handle = delay === 0 ? setImmediate(fire) : setTimeout(fire, delay);
    const entry: Pending = { run, handle, delay };
    this.pending.add(entry);
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
    run(premature, () => {
      this.running--;
      endActivity();
      this.debug(`http lua close fake http connection ${pointerText(number)}`);
    });
  }

  private debug(message: string): void {
    const { log } = this.block.cycle;
    if (log.level >= LOG_DEBUG) log.write(LOG_DEBUG, message);
  }

  /** The worker leaves: all pending timers run now, told that it is too early. It waits for those that run. */
  leave(): void {
    const left = [...this.pending];
    this.pending.clear();
    if (left.length > 0) {
      this.debug('lua abort pending timers');
      this.debug(`lua found ${left.length} pending timers to be aborted prematurely`);
    }
    for (const { run, handle } of left) {
      clearTimeout(handle as NodeJS.Timeout);
      clearImmediate(handle as NodeJS.Immediate);
      this.fire(run, true);
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
