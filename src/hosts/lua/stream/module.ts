/**
 * ngx_stream_lua_module: Lua in the phases of stream. The same host as in http, with a state of its own; what differs
 * is which phases there are and what ends a handler.
 */

import { IN_INIT_WORKER } from '../../../api/phase.ts';
import { setSocketOptions } from '../../../api/socket/options.ts';
import { shutdownPools } from '../../../api/socket/pool.ts';
import { timersOf } from '../../../api/timer.ts';
import { streamModule } from '../../../stream/module.ts';
import { luaSettingsOf } from '../block.ts';
import type { LuaMain, LuaStreamServer } from '../conf.ts';
import { runWorkerHook } from '../filters.ts';
import { captureErrorLog } from '../library/errlog.ts';
import { mergeLuaSsl } from '../ssl-directives.ts';
import { initVm, sharedState } from '../vm.ts';
import { streamLuaDirectives } from './directives.ts';
import { logHandler, prereadHandler } from './handlers.ts';
import { mergeSessionHandshake } from './handshake.ts';

export const streamLuaModule = streamModule<LuaMain, LuaStreamServer>({
  name: 'ngx_stream_lua_module',
  directives: streamLuaDirectives,
  createMain: () => ({ sharedDicts: [], uses: new Set() }) as unknown as LuaMain,
  createServer: () =>
    ({
      preread: undefined,
      content: undefined,
      log: undefined,
      balancer: undefined,
      sslClientHello: undefined,
      sslCertificate: undefined,
    }) as unknown as LuaStreamServer,
  mergeServer(parent, conf, cf) {
    conf.preread ??= parent.preread;
    conf.log ??= parent.log;
    mergeLuaSsl(cf, parent, conf);
    mergeSessionHandshake(cf, parent, conf);
  },
  postconfiguration(stream) {
    const main = streamLuaModule.mainOf(stream.confs);
    const { uses } = main;
    // A block of settings alone needs no state.
    if (uses.size === 0) return;
    setSocketOptions((ctx) => luaSettingsOf(ctx.block, ctx.locConf));
    // nginx has moved it behind the others by the time that the first session comes.
    const { preread, log } = stream.handlers;
    if (uses.has('preread')) {
      if (main.prereadNoPostpone) preread.unshift(prereadHandler);
      else preread.push(prereadHandler);
    }
    // In front of the access log, which may write variables that the code sets.
    if (uses.has('log')) log.unshift(logHandler);
    const { hooks } = stream.cycle;
    hooks.initModule.push((stage) => initVm(stream, stage));
    hooks.drain.push(() => {
      shutdownPools(stream);
      timersOf(stream).leave();
    });
  },
  initWorker(stream) {
    const main = streamLuaModule.mainOf(stream.confs);
    if (main.uses.size === 0) return;
    captureErrorLog(stream);
    const timers = timersOf(stream);
    timers.maxPending = main.maxPendingTimers;
    timers.maxRunning = main.maxRunningTimers;
    runWorkerHook(stream, main.initWorkerCode, IN_INIT_WORKER);
  },
  exitWorker(stream) {
    if (streamLuaModule.mainOf(stream.confs).uses.size > 0) sharedState(stream).close();
  },
});
