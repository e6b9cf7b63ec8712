/** The module ngx.process: which process this is. lua-resty-core: lib/ngx/process.lua. */
import { current } from '../../../api/context.ts';
import { IN_INIT } from '../../../api/phase.ts';
import { type LuaResult, type LuaValue, ret2 } from '../../../lua/index.ts';
import { replayingInit } from '../replay.ts';
import { CORE_VERSION, type ModuleLoader, moduleTable } from './module.ts';

export const process_: ModuleLoader = (_state, block) => {
  const { cycle } = block;
  const kind = () => cycle.worker?.kind ?? 'master';

  function enableAgent(connections: LuaValue): LuaResult {
    if (current !== undefined && current.phase !== IN_INIT) {
      return ret2(undefined, 'API disabled in the current context');
    }
    const most = connections === undefined || connections === false ? 512 : connections;
    if (typeof most !== 'number' || most < 0) {
      return ret2(undefined, "bad 'connections' argument: number expected and greater than 0");
    }
    if (!replayingInit) cycle.privilegedAgent = { connections: Math.trunc(most) };
    return true;
  }

  return moduleTable({
    version: CORE_VERSION,
    type: () => kind(),
    enable_privileged_agent: enableAgent,
    signal_graceful_exit: () => {
      // Not from below the code that calls this, which goes on to its end.
      setImmediate(() => cycle.control?.quit());
      return undefined;
    },
    get_master_pid: () => {
      const here = kind();
      return here === 'master' || here === 'single' ? process.pid : process.ppid;
    },
  });
};
