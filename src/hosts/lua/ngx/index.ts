/**
 * The ngx table: src/api as Lua sees it, one file an area. Functions serve all states of the process (what they act
 * on is the current context), so that a fresh state costs little more than a few tables.
 */
import { sharedDict } from '../../../api/shared-dict.ts';
import { configureArguments } from '../../../conf/configure-arguments.ts';
import type { HttpCycle } from '../../../http/cycle.ts';
import { type LuaState, LuaTable, markLibrary } from '../../../lua/index.ts';
import { luaModule } from '../module.ts';
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
export function installNgx(state: LuaState, http: HttpCycle): void {
  const ngx = new LuaTable();
  installOutput(ngx);
  installControl(ngx);
  installHeader(ngx);
  installVar(ngx);
  installSocket(ngx, state);
  installRequest(ngx);
  installUdp(ngx, state);
  installNdk(state);
  installResponse(ngx);
  installLog(ngx, state, http);
  installTime(ngx);
  installThread(ngx, state);
  installEncoding(ngx);
  installLocation(ngx);
  installTimer(ngx);
  installRe(ngx, http);
  installShared(ngx, luaModule.mainOf(http.confs).sharedDicts, (name) => sharedDict(http, name));
  installWorker(ngx, http);
  installConfig(
    ngx,
    () => http.cycle.prefix,
    () => configureArguments([{ name: 'http', submodules: http.modules }]),
  );
  installWorkerThread(ngx, state, http);
  installArg(ngx);
  installConstants(ngx);
  for (const [, area] of ngx.entries()) if (area instanceof LuaTable) markLibrary(area);
  markLibrary(ngx);
  ngx.metatable = fieldsMetatable();
  state.globals.setStr('ngx', ngx);
  guardGlobals(state, http);
  state.loaded.setStr('ngx', ngx);
}
