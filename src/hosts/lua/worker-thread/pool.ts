/**
 * Threads with Lua states of their own, for ngx.run_worker_thread: code that computes for long, or blocks, does not
 * hold up the worker there. A thread is started by the first task that finds none idle, up to
 * lua_worker_thread_vm_pool_size; it keeps its state, so modules are loaded once in each.
 */
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { sharedDict } from '../../../api/shared-dict.ts';
import type { Suspension } from '../../../api/suspension.ts';
import type { Block } from '../../../conf/block.ts';
import { configureArguments } from '../../../conf/configure-arguments.ts';
import type { ThreadPool } from '../../../conf/modules/thread-pool.ts';
import { LOG_DEBUG } from '../../../log/log.ts';
import type { DictAnswer, DictCall, Outcome, Task, ThreadSetup } from './message.ts';

/** The thread's program: a bundle of its own beside the server's. */
const PROGRAM = import.meta.filename.endsWith('.ts')
  ? join(import.meta.dirname, 'thread.ts')
  : join(import.meta.dirname, 'lua-thread.cjs');

type Done = (outcome: Outcome) => void;

/** One thread. */
class Thread {
  private readonly worker: Worker;
  private done: Done | undefined = undefined;
  /** It runs no more. */
  ended = false;

  constructor(block: Block, setup: Omit<ThreadSetup, 'calls' | 'answered'>, gone: () => void) {
    const { port1, port2 } = new MessageChannel();
    const answered = new Int32Array(new SharedArrayBuffer(4));
    const workerData: ThreadSetup = { ...setup, calls: port2, answered };
    this.worker = new Worker(PROGRAM, { workerData, transferList: [port2], stdout: false, stderr: false });
    port1.on('message', (call: DictCall) => {
      port1.postMessage(answer(block, call));
      Atomics.store(answered, 0, 1);
      Atomics.notify(answered, 0);
    });
    this.worker.on('message', (outcome: Outcome) => this.finish(outcome));
    this.worker.on('error', (error) => this.finish({ error: error.message }));
    this.worker.on('exit', () => {
      this.ended = true;
      port1.close();
      gone();
      this.finish({ error: 'the thread has ended' });
    });
    // Neither keeps the process alive; requests that wait do.
    port1.unref();
    this.worker.unref();
  }

  run(task: Task, done: Done): void {
    this.done = done;
    this.worker.postMessage(task);
  }

  private finish(outcome: Outcome): void {
    const { done } = this;
    this.done = undefined;
    done?.(outcome);
  }

  terminate(): void {
    void this.worker.terminate();
  }
}

function answer(block: Block, { dict: name, method, args }: DictCall): DictAnswer {
  const dict = sharedDict(block, name);
  if (dict === undefined) return { thrown: 'no such zone', error: undefined, flags: 0, forcible: false, stale: false };
  let result: unknown;
  let thrown: string | undefined;
  try {
    result = (dict as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[method]?.(...args);
  } catch (error) {
    thrown = (error as Error).message;
  }
  const { error, flags, forcible, stale } = dict;
  const said = { error, flags, forcible, stale };
  return thrown === undefined ? { result, ...said } : { thrown, ...said };
}

/** A task and what waits for it. */
class Job implements Suspension<Outcome> {
  private readonly threads: LuaThreads;
  private readonly thread: Thread;
  private readonly pool: ThreadPool;
  private readonly task: Task;

  constructor(threads: LuaThreads, thread: Thread, pool: ThreadPool, task: Task) {
    this.threads = threads;
    this.thread = thread;
    this.pool = pool;
    this.task = task;
  }

  start(done: Done): () => void {
    let cancelled = false;
    this.threads.post(this.pool, () => {
      this.thread.run(this.task, (outcome) => {
        this.threads.release(this.thread, this.pool);
        if (!cancelled) done(outcome);
      });
    });
    // A thread cannot be stopped in the middle: it goes on, and is free again when it has come to its end.
    return () => {
      cancelled = true;
    };
  }
}

/** Tasks of one thread_pool. */
interface Queue {
  running: number;
  readonly waiting: (() => void)[];
}

/** The threads of an http block in this process. */
export class LuaThreads {
  private readonly block: Block;
  private readonly most: number;
  private readonly dicts: readonly string[];
  private readonly all = new Set<Thread>();
  private readonly idle: Thread[] = [];
  private readonly queues = new Map<ThreadPool, Queue>();

  /** @param most lua_worker_thread_vm_pool_size */
  constructor(block: Block, most: number, dicts: readonly string[]) {
    this.block = block;
    this.most = most;
    this.dicts = dicts;
  }

  /**
   * A task to be started, or why it cannot be.
   * @param paths package.path and package.cpath for a new state
   */
  prepare(pool: ThreadPool, task: Task, paths: readonly [string, string]): Suspension<Outcome> | string {
    const queue = this.queueOf(pool);
    if (queue.running >= pool.threads && queue.waiting.length >= pool.maxQueue) return 'ngx_thread_task_post failed';
    const thread = this.idle.pop() ?? this.start(paths);
    return thread === undefined ? 'no available Lua vm' : new Job(this, thread, pool, task);
  }

  private start([packagePath, packageCpath]: readonly [string, string]): Thread | undefined {
    if (this.all.size >= this.most) return undefined;
    const { cycle, modules } = this.block;
    const configure = configureArguments([{ name: 'http', submodules: modules }]);
    const debug = cycle.log.level >= LOG_DEBUG;
    const setup = { packagePath, packageCpath, prefix: cycle.prefix, configure, debug, dicts: this.dicts };
    const thread = new Thread(this.block, setup, () => {
      this.all.delete(thread);
      const i = this.idle.indexOf(thread);
      if (i >= 0) this.idle.splice(i, 1);
    });
    this.all.add(thread);
    return thread;
  }

  private queueOf(pool: ThreadPool): Queue {
    let queue = this.queues.get(pool);
    if (queue === undefined) this.queues.set(pool, (queue = { running: 0, waiting: [] }));
    return queue;
  }

  /** For Job: runs it now, or when the pool has a thread to spare. */
  post(pool: ThreadPool, begin: () => void): void {
    const queue = this.queueOf(pool);
    if (queue.running >= pool.threads) queue.waiting.push(begin);
    else {
      queue.running++;
      begin();
    }
  }

  /** For Job: its thread is free again. */
  release(thread: Thread, pool: ThreadPool): void {
    if (!thread.ended) this.idle.push(thread);
    const queue = this.queueOf(pool);
    const next = queue.waiting.shift();
    if (next === undefined) queue.running--;
    else next();
  }

  /** Ends the threads that have nothing to do. */
  close(): void {
    for (const thread of this.idle) thread.terminate();
  }
}
