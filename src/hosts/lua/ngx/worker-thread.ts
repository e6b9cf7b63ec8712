/** ngx.run_worker_thread. ngx_lua: ngx_http_lua_worker_thread.c. */
import { requireContext } from '../../../api/context.ts';
import type { Block } from '../../../conf/block.ts';
import type { ThreadPoolConf } from '../../../conf/modules/thread-pool.ts';
import { formatNumber, type LuaResult, type LuaState, type LuaTable, type LuaValue, ret2 } from '../../../lua/index.ts';
import { luaMainOf } from '../block.ts';
import { park } from '../run.ts';
import { type Copied, CopyError, copyIn, copyOut } from '../worker-thread/message.ts';
import { LuaThreads } from '../worker-thread/pool.ts';

const threads = new WeakMap<Block, LuaThreads>();

function threadsOf(block: Block): LuaThreads {
  let all = threads.get(block);
  if (all === undefined) {
    const main = luaMainOf(block);
    all = new LuaThreads(block, main.workerThreadVmPoolSize, main.sharedDicts);
    threads.set(block, all);
    const made = all;
    block.cycle.hooks.drain.push(() => made.close());
  }
  return all;
}

function text(v: LuaValue): string | undefined {
  return typeof v === 'string' ? v : typeof v === 'number' ? formatNumber(v) : undefined;
}

export function installWorkerThread(ngx: LuaTable, state: LuaState, block: Block): void {
  const refuse = (why: string): LuaResult => ret2(false, why);
  ngx.setStr('run_worker_thread', (...values: LuaValue[]): LuaResult => {
    requireContext().checkWait();
    if (values.length < 3) return refuse('expecting at least 3 arguments');
    const [poolName, module, name] = values.slice(0, 3).map(text);
    if (poolName === undefined) return refuse('threadpool should be a string');
    const pool = (block.cycle.confs.get('thread_pool') as ThreadPoolConf).get(poolName);
    if (pool === undefined) return refuse(`thread pool ${poolName} not found`);
    if (module === undefined) return refuse('module name should be a string');
    if (name === undefined) return refuse('function name should be a string');
    let args: Copied[];
    try {
      args = values.slice(3).map((value) => copyOut(value));
    } catch (error) {
      if (error instanceof CopyError) return refuse(`${error.message} in the argument`);
      throw error;
    }
    const paths = [text(state.package.getStr('path')) ?? '', text(state.package.getStr('cpath')) ?? ''] as const;
    const job = threadsOf(block).prepare(pool, { module, name, args }, paths);
    if (typeof job === 'string') return refuse(job);
    return park(job, (outcome) =>
      'error' in outcome ? [false, outcome.error] : [true, ...outcome.values.map(copyIn)],
    );
  });
}
