/**
 * Light threads: the entry thread of a handler and those that ngx.thread.spawn made, all run by one request.
 * ngx_lua: ngx_http_lua_co_ctx_t. (Plain coroutines are the engine's own business: a light thread parks with all the
 * coroutines in it.)
 */
import { type Coroutine, currentThread, type LuaValue } from '../../lua/index.ts';

export type LightThreadStatus = 'running' | 'zombie' | 'dead';

/** Shared by all threads that have none: most requests never make any. */
export const NO_THREADS: readonly LightThread[] = [];
const NO_RESULTS: readonly LuaValue[] = [];

export class LightThread {
  readonly thread: Coroutine;
  /** The light thread that spawned this one; undefined for an entry thread. */
  readonly parent: LightThread | undefined;
  /** The coroutine of the parent that spawned it: nobody else may wait for it. */
  readonly spawner: Coroutine | undefined;
  status: LightThreadStatus = 'running';
  /** The parent waits for this thread's end. */
  waitedByParent = false;
  /** Ended children whose results nobody has asked for yet. */
  zombies: readonly LightThread[] = NO_THREADS;
  /** Cancels what the thread waits for. */
  cancel: (() => void) | undefined = undefined;
  /** Subrequests of location.capture that it waits for. */
  pendingSubrequests = 0;
  /** Of a zombie: what ngx.thread.wait gives, the leading true or false included. */
  results: readonly LuaValue[] = NO_RESULTS;
  /** A user thread that counts among `LuaRun.userThreads`. */
  readonly user: boolean;

  constructor(thread: Coroutine, parent: LightThread | undefined) {
    this.thread = thread;
    this.parent = parent;
    this.user = parent !== undefined;
    this.spawner = parent === undefined ? undefined : currentThread();
    thread.isScheduled = true;
  }

  /** Whether who spawned it is there to ask for its results. */
  get isAwaited(): boolean {
    return this.parent?.status === 'running' && this.spawner?.status !== 'dead';
  }

  /** Gives up what the thread waits for. ngx_lua: ngx_http_lua_cleanup_pending_operation(). */
  cancelPending(): void {
    const cancel = this.cancel;
    this.cancel = undefined;
    cancel?.();
  }
}
