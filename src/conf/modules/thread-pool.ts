/**
 * `thread_pool`: pools by name, which `aio threads=NAME` and ngx.run_worker_thread refer to. Files are read through Node's own
 * pool, so that for them a pool is a name and its checks. nginx: src/core/ngx_thread_pool.c.
 */
import type { ConfContext, ConfCycle, Directive, Position } from '../directive.ts';
import { ConfError } from '../error.ts';
import type { CoreModule } from '../registry.ts';
import { parseNumber } from '../units.ts';

/** A pool that was declared or referred to. */
export interface ThreadPool extends Position {
  readonly name: string;
  /** 0 until it is declared. */
  threads: number;
  maxQueue: number;
}

/** Pools by name. */
export type ThreadPoolConf = Map<string, ThreadPool>;

/** Declares nothing, and makes the start fail when nobody else declares the pool. nginx: ngx_thread_pool_add. */
export function referToThreadPool(cf: ConfContext, name = 'default'): ThreadPool {
  const pools = cf.cycle.confs.get('thread_pool') as ThreadPoolConf;
  let pool = pools.get(name);
  if (pool === undefined) {
    pool = { name, threads: 0, maxQueue: 0, file: cf.file, line: cf.line };
    pools.set(name, pool);
  }
  return pool;
}

function declare(cf: ConfContext, args: readonly string[]): string | undefined {
  const pool = referToThreadPool(cf, args[0]!);
  if (pool.threads !== 0) return `duplicate thread pool "${pool.name}"`;
  pool.maxQueue = 65536;
  for (const arg of args.slice(1)) {
    if (arg.startsWith('threads=')) {
      const threads = parseNumber(arg.slice(8));
      if (threads === undefined || threads === 0) return `invalid threads value "${arg}"`;
      pool.threads = threads;
    } else if (arg.startsWith('max_queue=')) {
      const maxQueue = parseNumber(arg.slice(10));
      if (maxQueue === undefined) return `invalid max_queue value "${arg}"`;
      pool.maxQueue = maxQueue;
    }
  }
  if (pool.threads === 0) return '"thread_pool" must have "threads" parameter';
  cf.log('info', `"thread_pool" is for Lua only: files are read through Node's own threads (UV_THREADPOOL_SIZE)`);
  return undefined;
}

const directives: readonly Directive<ThreadPoolConf>[] = [
  {
    name: 'thread_pool',
    contexts: ['main'],
    args: [2, 3],
    doc: 'A pool of threads for reading files.',
    defaultText: 'default threads=32 max_queue=65536',
    set: (cf, _conf, args) => declare(cf, args),
  },
];

function checkDeclared(_cycle: ConfCycle, conf: unknown): void {
  for (const pool of (conf as ThreadPoolConf).values()) {
    if (pool.threads !== 0) continue;
    if (pool.name !== 'default') throw new ConfError(`unknown thread pool "${pool.name}"`, pool);
    pool.threads = 32;
    pool.maxQueue = 65536;
  }
}

/** nginx: ngx_thread_pool_module. */
export const threadPoolModule: CoreModule = {
  name: 'thread_pool',
  directives,
  createConf: (): ThreadPoolConf => new Map(),
  initConf: checkDeclared,
};
