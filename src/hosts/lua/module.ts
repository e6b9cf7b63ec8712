/** ngx_http_lua_module: Lua in nginx's phases. Its directives are in directives.ts, its handlers beside. */

import { apiModule } from '../../api/context.ts';
import { strictOutside } from '../../api/module.ts';
import { setOutputOptions } from '../../api/output.ts';
import {
  IN_ACCESS,
  IN_EXIT_WORKER,
  IN_INIT_WORKER,
  IN_PRECONTENT,
  IN_REWRITE,
  IN_SERVER_REWRITE,
} from '../../api/phase.ts';
import { setSocketOptions } from '../../api/socket/options.ts';
import { shutdownPools } from '../../api/socket/pool.ts';
import { installCaptureFilters } from '../../api/subrequest.ts';
import { timersOf } from '../../api/timer.ts';
import type { ConfStack } from '../../conf/directive.ts';
import type { HttpCycle } from '../../http/cycle.ts';
import { httpModule } from '../../http/module.ts';
import { sslModule } from '../../http/modules/ssl/module.ts';
import { upstreamModule } from '../../http/upstream/module.ts';
import type { BodyFilters, HeldOutput } from '../held-output.ts';
import { contentHandler, phaseHandler } from '../phase-handlers.ts';
import { luaSettingsOf } from './block.ts';
import type { LuaLocation, LuaMain, LuaServer } from './conf.ts';
import { luaDirectives } from './directives.ts';
import { bodyFilter, headerFilter, logHandler, runWorkerHook } from './filters.ts';
import { handlerOf } from './handlers.ts';
import { mergeHandshakeCode } from './handshake.ts';
import { captureErrorLog } from './library/errlog.ts';
import { mergeProxySsl } from './proxy-ssl.ts';
import { mergeLuaSsl } from './ssl-directives.ts';
import { initVm, sharedState } from './vm.ts';

/** Code fields that are inherited from the enclosing block, as ngx_lua merges them. */
const INHERITED = ['rewrite', 'access', 'precontent', 'content', 'headerFilter', 'bodyFilter', 'log'] as const;

/** Phases whose code may call ngx.location.capture, where phases are as strict as in ngx_lua. */
const CAPTURING = ['serverRewrite', 'rewrite', 'access', 'precontent', 'content'];

export const luaModule = httpModule<LuaMain, LuaServer, LuaLocation, HeldOutput>({
  name: 'ngx_http_lua_module',
  directives: luaDirectives,
  createMain: () => ({ sharedDicts: [], uses: new Set() }) as unknown as LuaMain,
  createServer: () => ({
    serverRewrite: undefined,
    sslClientHello: undefined,
    sslCertificate: undefined,
    sslSessionFetch: undefined,
    sslSessionStore: undefined,
    balancer: undefined,
    balancerKeepalive: undefined,
    balancerPool: undefined,
  }),
  createLocation: () => ({}) as LuaLocation,
  mergeServer(parent, conf, cf) {
    conf.serverRewrite ??= parent.serverRewrite;
    mergeHandshakeCode(cf, parent, conf, sslModule.serverOf(cf.confs as ConfStack));
  },
  mergeLocation(parent, conf, cf) {
    for (const field of INHERITED) conf[field] ??= parent[field];
    mergeLuaSsl(cf, parent, conf);
    mergeProxySsl(cf, parent, conf);
  },
  postconfiguration(http) {
    const { uses } = luaModule.mainOf(http.confs);
    setOutputOptions((r) => luaModule.location(r));
    setSocketOptions((ctx) => luaSettingsOf(ctx.block, ctx.locConf));
    http.cycle.hooks.drain.push(() => {
      shutdownPools(http);
      for (const { confs } of upstreamModule.mainOf(http.confs).upstreams) {
        if (confs !== undefined) luaModule.serverOf(confs).balancerPool?.closeAll();
      }
    });
    registerPhases(http, uses);
    const { relaxed } = apiModule.mainOf(http.confs);
    if ((relaxed && uses.size > 0) || CAPTURING.some((phase) => uses.has(phase))) installCaptureFilters(http);
    const bodies: BodyFilters = { filter: (r, chain) => bodyFilter(r, chain, bodies), next: http.topBodyFilter };
    const body = bodies.filter;
    if (uses.has('headerFilter') || uses.has('bodyFilter')) {
      const next = http.topHeaderFilter;
      http.topHeaderFilter = (r) => headerFilter(r, next, bodies);
      if (relaxed) {
        http.topBodyFilter = (r, chain) => luaModule.context(r)?.take(chain) ?? body(r, chain);
      } else if (uses.has('bodyFilter')) http.topBodyFilter = body;
    }
    // In front of the access log, which may write variables that the code sets.
    if (uses.has('log')) http.handlers.log.unshift(logHandler);
    const { hooks } = http.cycle;
    hooks.initModule.push((stage) => initVm(http, stage));
    hooks.drain.push(() => timersOf(http).leave());
  },
  initWorker(http) {
    captureErrorLog(http);
    const main = luaModule.mainOf(http.confs);
    const timers = timersOf(http);
    timers.maxPending = main.maxPendingTimers;
    timers.maxRunning = main.maxRunningTimers;
    runWorkerHook(http, main.initWorkerCode, IN_INIT_WORKER, !strictOutside(http));
  },
  exitWorker(http) {
    runWorkerHook(http, luaModule.mainOf(http.confs).exitWorkerCode, IN_EXIT_WORKER);
    sharedState(http).close();
  },
});

/** Handlers run behind those of other modules of their phase, unless *_by_lua_no_postpone says otherwise. */
function registerPhases(http: HttpCycle, uses: ReadonlySet<string>): void {
  const main = luaModule.mainOf(http.confs);
  const needBody = (location: LuaLocation): boolean => location.needRequestBody;
  if (uses.has('serverRewrite')) {
    const handler = phaseHandler(IN_SERVER_REWRITE, (r) =>
      handlerOf(luaModule.server(r).serverRewrite, needBody(luaModule.location(r))),
    );
    http.handlers.server_rewrite.push(handler);
  }
  const phases = [
    ['rewrite', IN_REWRITE, main.rewriteNoPostpone],
    ['access', IN_ACCESS, main.accessNoPostpone],
    ['precontent', IN_PRECONTENT, main.precontentNoPostpone],
  ] as const;
  for (const [phase, bit, first] of phases) {
    if (!uses.has(phase)) continue;
    const handler = phaseHandler(bit, (r) => {
      const location = luaModule.location(r);
      return handlerOf(location[phase], needBody(location));
    });
    if (first) http.handlers[phase].push(handler);
    else http.postponed.push({ phase, handler });
  }
}

/** The content handler of every location with content_by_lua. */
export const luaContent = contentHandler((r) => {
  const location = luaModule.location(r);
  return handlerOf(location.content, location.needRequestBody)!;
});
