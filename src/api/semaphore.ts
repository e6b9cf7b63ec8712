/** ngx.semaphore: light threads of any requests of a worker wait for each other. ngx_lua: ngx_http_lua_semaphore.c. */
import { Timer, type TimerOwner } from '../net/timer.ts';
import { requireContext } from './context.ts';
import type { Suspension } from './suspension.ts';

class Waiter implements Suspension<boolean>, TimerOwner {
  private readonly semaphore: Semaphore;
  private done: ((acquired: boolean) => void) | undefined = undefined;
  private readonly timer: Timer = new Timer(this);

  constructor(semaphore: Semaphore, ms: number) {
    this.semaphore = semaphore;
    this.timer.set(ms);
  }

  start(done: (acquired: boolean) => void): () => void {
    this.done = done;
    return () => {
      this.timer.release();
      this.semaphore.leave(this);
    };
  }

  onTimer(): void {
    this.semaphore.leave(this);
    this.end(false);
  }

  end(acquired: boolean): void {
    this.timer.release();
    this.done?.(acquired);
  }
}

export class Semaphore {
  private resources: number;
  private readonly waiters: Waiter[] = [];
  private posted = false;

  constructor(resources: number) {
    this.resources = resources;
  }

  /** Resources, less those who wait for one. */
  get count(): number {
    return this.resources - this.waiters.length;
  }

  /** Adds resources; who waits longest gets one first, once the caller gives up control. */
  post(n: number): void {
    this.resources += n;
    if (this.waiters.length === 0 || this.posted) return;
    this.posted = true;
    process.nextTick(wake, this);
  }

  /** For post. */
  wake(): void {
    this.posted = false;
    while (this.waiters.length > 0 && this.resources > 0) {
      const waiter = this.waiters.shift() as Waiter;
      this.resources--;
      waiter.end(true);
    }
  }

  /** For Waiter. */
  leave(waiter: Waiter): void {
    const i = this.waiters.indexOf(waiter);
    if (i >= 0) this.waiters.splice(i, 1);
  }

  /**
   * Takes one resource, waiting for it at most `ms` milliseconds.
   * @returns whether it could be had, or a suspension that says so
   */
  wait(ms: number): boolean | Suspension<boolean> {
    requireContext().checkWait();
    if (this.waiters.length === 0 && this.resources > 0) {
      this.resources--;
      return true;
    }
    if (ms === 0) return false;
    const waiter = new Waiter(this, ms);
    this.waiters.push(waiter);
    return waiter;
  }
}

function wake(semaphore: Semaphore): void {
  semaphore.wake();
}
