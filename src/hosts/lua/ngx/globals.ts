/**
 * Warns of globals written while requests are served: all requests of a worker share them.
 * ngx_lua: ngx_http_lua_inject_global_write_guard().
 */
import { current } from '../../../api/context.ts';
import { logLevel, writeLog } from '../../../api/log.ts';
import { IN_INIT, IN_INIT_WORKER } from '../../../api/phase.ts';
import type { Block } from '../../../conf/block.ts';
import { LOG_WARN } from '../../../log/log.ts';
import { type LuaResult, type LuaState, LuaTable, type LuaValue, ret0, toText, traceback } from '../../../lua/index.ts';

/** Puts the guard on a state's globals; an application may take it off by a metatable of its own. */
export function guardGlobals(state: LuaState, block: Block): void {
  const write = (globals: LuaValue, key: LuaValue, value: LuaValue): LuaResult => {
    if (globals instanceof LuaTable) globals.set(key, value);
    const phase = current?.phase ?? IN_INIT;
    if (phase === IN_INIT || phase === IN_INIT_WORKER || LOG_WARN > logLevel(block)) return ret0();
    const name = toText(key);
    writeLog(
      block,
      LOG_WARN,
      `[lua] _G write guard:12: __newindex(): writing a global Lua variable ('${name}') which may lead to race ` +
        `conditions between concurrent requests, so prefer the use of 'local' variables${traceback('', 0, undefined)}`,
    );
    return ret0();
  };
  state.globals.metatable = LuaTable.fromObject({ __newindex: write });
}
