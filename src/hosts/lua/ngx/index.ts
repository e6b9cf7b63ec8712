/**
 * The ngx table: src/api as Lua sees it, one file an area. Functions serve all states of the process (what they act
 * on is the current context), so that a fresh state costs little more than a few tables.
 */
import { sharedDict } from '../../../api/shared-dict.ts';
import type { Block } from '../../../conf/block.ts';
import { configureArguments } from '../../../conf/configure-arguments.ts';
import { LOG_DEBUG } from '../../../log/log.ts';
import { type LuaState, LuaTable, markLibrary } from '../../../lua/index.ts';
import { luaMainOf } from '../block.ts';
import { installArg } from './arg.ts';
import { installConfig } from './config.ts';
import { installConstants } from './constants.ts';
import { installControl } from './control.ts';
import { installEncoding } from './encoding.ts';
import { fieldsMetatable } from './fields.ts';
import { guardGlobals } from './globals.ts';
import { installHeader } from './header.ts';
import { installLocation } from './location.ts';
import { installLog } from './log.ts';
import { installNdk } from './ndk.ts';
import { installOutput } from './output.ts';
import { installRe } from './re.ts';
import { installRequest } from './req.ts';
import { installResponse } from './resp.ts';
import { installSession } from './session.ts';
import { installShared } from './shared.ts';
import { installSocket } from './socket.ts';
import { installUdp } from './socket-udp.ts';
import { installThread } from './thread.ts';
import { installTime } from './time.ts';
import { installTimer } from './timer.ts';
import { installVar } from './var.ts';
import { installWorker } from './worker.ts';
import { installWorkerThread } from './worker-thread.ts';

/** Puts `ngx` and `ndk` into a state's globals and package.loaded. */
export function installNgx(state: LuaState, block: Block): void {
  const ngx = new LuaTable();
  installOutput(ngx);
  installControl(ngx);
  installVar(ngx);
  installSocket(ngx, state);
  if (block.subsystem === 'http') installHttp(ngx, state);
  else installSession(ngx);
  installUdp(ngx, state);
  installLog(ngx, state, block);
  installTime(ngx);
  installThread(ngx, state);
  installEncoding(ngx);
  installTimer(ngx);
  installRe(ngx, block);
  installShared(ngx, luaMainOf(block).sharedDicts, (name) => sharedDict(block, name));
  installWorker(ngx, block);
  installConfig(ngx, {
    subsystem: block.subsystem,
    debug: block.cycle.log.level >= LOG_DEBUG,
    prefix: () => block.cycle.prefix,
    configure: () => configureArguments([{ name: block.subsystem, submodules: block.modules }]),
  });
  if (block.subsystem === 'http') installWorkerThread(ngx, state, block);
  installConstants(ngx, block.subsystem);
  for (const [, area] of ngx.entries()) if (area instanceof LuaTable) markLibrary(area);
  markLibrary(ngx);
  ngx.metatable = fieldsMetatable(block.subsystem);
  state.globals.setStr('ngx', ngx);
  guardGlobals(state, block);
  state.loaded.setStr('ngx', ngx);
}

/** What only requests have. */
function installHttp(ngx: LuaTable, state: LuaState): void {
  installHeader(ngx);
  installRequest(ngx);
  installNdk(state);
  installResponse(ngx);
  installLocation(ngx);
  installArg(ngx);
}
