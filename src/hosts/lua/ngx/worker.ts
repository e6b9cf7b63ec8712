/** ngx.worker and ngx.get_phase. lua-resty-core: resty.core.worker, .phase. */
import { current } from '../../../api/context.ts';
import { IN_INIT, phaseName } from '../../../api/phase.ts';
import type { HttpCycle } from '../../../http/cycle.ts';
import { LuaTable } from '../../../lua/index.ts';

export function installWorker(ngx: LuaTable, http: HttpCycle): void {
  const { cycle } = http;
  ngx.setStr(
    'worker',
    LuaTable.fromObject({
      exiting: () => cycle.exiting,
      pid: () => process.pid,
      id: () => (cycle.worker === undefined || cycle.worker.id < 0 ? undefined : cycle.worker.id),
      count: () => cycle.worker?.count ?? 1,
    }),
  );
  ngx.setStr('get_phase', () => phaseName(current?.phase ?? IN_INIT));
  // The bits of lua-nginx-module, under lua-resty-core's name and under its own.
  ngx.setStr('get_raw_phase', () => current?.phase);
  ngx.setStr('_phase_ctx', () => current?.phase);
}
