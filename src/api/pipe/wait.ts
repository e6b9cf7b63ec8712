/** Waiting for something of a spawned program: one light thread at a time, for a limited time. */
import { Timer, type TimerOwner } from '../../net/timer.ts';
import type { Suspension } from '../suspension.ts';

export abstract class PipeWait<Result> implements TimerOwner {
  /** Somebody waits. */
  protected busy = false;
  protected done: ((result: Result) => void) | undefined = undefined;
  private timer: Timer | undefined = undefined;

  /** The time is over. */
  abstract onTimer(): void;

  /** @param timeout milliseconds, 0: none */
  protected suspend(timeout: number): Suspension<Result> {
    this.busy = true;
    if (timeout > 0) {
      this.timer ??= new Timer(this);
      this.timer.set(timeout);
    }
    return {
      start: (done) => {
        this.done = done;
        return () => this.leave();
      },
    };
  }

  protected finish(result: Result): void {
    const { done } = this;
    this.leave();
    done?.(result);
  }

  /** Nobody waits any more. */
  protected leave(): void {
    this.done = undefined;
    this.busy = false;
    this.timer?.clear();
  }

  /** Nobody will wait again. */
  protected release(): void {
    this.timer?.release();
    this.timer = undefined;
  }
}
