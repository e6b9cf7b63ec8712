/** ngx.timer for TypeScript: functions that run later, without a request. */
import { ApiContext, enter } from '../../api/context.ts';
import { IN_TIMER } from '../../api/phase.ts';
import { currentTimers, timersToSet } from '../../api/timer.ts';
import type { Block } from '../../conf/block.ts';
import { LOG_ERR } from '../../log/log.ts';
import type { Ngx } from './ngx.ts';

/**
 * What a timer runs.
 * @param premature the worker exits, and the time has not come
 */
export type TimerHandler = (ngx: Ngx, premature: boolean) => unknown;

type Run = <T>(fn: () => T) => T;

/** Manual: ngx.timer. */
export class NgxTimer {
  readonly #run: Run;
  readonly #create: (ctx: ApiContext) => Ngx;

  /**
   * @param run runs API code on behalf of the handler
   * @param create makes the timer's own ngx object
   */
  constructor(run: Run, create: (ctx: ApiContext) => Ngx) {
    this.#run = run;
    this.#create = create;
  }

  /** Runs once after so many seconds. Throws when too many timers wait, or the worker exits. Manual: ngx.timer.at. */
  at(seconds: number, handler: TimerHandler): void {
    this.#schedule(seconds, handler, false);
  }

  /** Runs again and again, so many seconds after one another. Manual: ngx.timer.every. */
  every(seconds: number, handler: TimerHandler): void {
    if (Math.trunc(seconds * 1000) === 0) throw new Error('delay cannot be 0');
    this.#schedule(seconds, handler, true);
  }

  /** Timers of this worker that wait. */
  get pendingCount(): number {
    return this.#run(currentTimers).pendingCount;
  }

  /** Timers of this worker that run. */
  get runningCount(): number {
    return this.#run(currentTimers).running;
  }

  #schedule(seconds: number, handler: TimerHandler, repeat: boolean): void {
    if (!(seconds >= 0)) throw new Error('delay cannot be negative');
    const timers = this.#run(timersToSet);
    const failure = timers.schedule(
      Math.trunc(seconds * 1000),
      { start: (premature, ended) => this.#fire(timers.block, handler, premature, ended) },
      repeat,
    );
    if (failure !== undefined) throw new Error(failure);
  }

  #fire(block: Block, handler: TimerHandler, premature: boolean, ended: () => void): void {
    const ctx = new ApiContext(undefined, block);
    ctx.phase = IN_TIMER;
    const failed = (error: unknown): void => {
      ctx.log(LOG_ERR, `timer handler failed: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
      ended();
    };
    const before = enter(ctx);
    try {
      Promise.resolve(handler(this.#create(ctx), premature))
        .then(ended, failed)
        .finally(() => ctx.end());
    } catch (error) {
      failed(error);
      ctx.end();
    } finally {
      enter(before);
    }
  }
}
