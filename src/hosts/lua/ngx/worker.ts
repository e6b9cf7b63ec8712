/** ngx.worker and ngx.get_phase. lua-resty-core: resty.core.worker, .phase. */
import { readFileSync } from 'node:fs';
import { current } from '../../../api/context.ts';
import { IN_INIT, phaseName } from '../../../api/phase.ts';
import type { Block } from '../../../conf/block.ts';
import { type LuaResult, LuaTable, ret2 } from '../../../lua/index.ts';

/**
 * The process ids of the workers: the master's children that have a worker's title, or this process when it is alone.
 * Undefined where /proc does not tell.
 */
function workerPids(block: Block): number[] | undefined {
  if (block.cycle.worker?.kind === 'single') return [process.pid];
  const master = block.cycle.control?.masterPid ?? process.ppid;
  try {
    const children = readFileSync(`/proc/${master}/task/${master}/children`, 'latin1').trim().split(' ').map(Number);
    return children.filter((pid) => /: worker process$/.test(titleOf(pid)));
  } catch {
    return undefined;
  }
}

/** A process's title, which is its first argument until it sets it itself; '' when it has just ended. */
function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0', 1)[0]!.trimEnd();
  } catch {
    return '';
  }
}

export function installWorker(ngx: LuaTable, block: Block): void {
  const { cycle } = block;
  ngx.setStr(
    'worker',
    LuaTable.fromObject({
      exiting: () => cycle.exiting,
      pid: () => process.pid,
      id: () => (cycle.worker === undefined || cycle.worker.id < 0 ? undefined : cycle.worker.id),
      count: () => cycle.worker?.count ?? 1,
      pids: (): LuaResult => {
        if ((current?.phase ?? IN_INIT) === IN_INIT) return ret2(undefined, 'API disabled in the current context');
        const pids = workerPids(block);
        return pids === undefined ? ret2(undefined, 'not supported on this system') : LuaTable.fromArray(pids);
      },
    }),
  );
  ngx.setStr('get_phase', () => phaseName(current?.phase ?? IN_INIT));
  // The bits of lua-nginx-module, under lua-resty-core's name and under its own.
  ngx.setStr('get_raw_phase', () => current?.phase);
  ngx.setStr('_phase_ctx', () => current?.phase);
}
