/** balancer_by_lua: Lua as a balancing method. ngx_lua: ngx_http_lua_balancer.c. */
import { apiModule } from '../../api/context.ts';
import { IN_BALANCER } from '../../api/phase.ts';
import type { ConfContext, ConfStack } from '../../conf/directive.ts';
import { ERROR, OK } from '../../http/codes.ts';
import type { Upstream } from '../../http/upstream/conf.ts';
import { useBalancer } from '../balancer.ts';
import type { LuaCode } from './code.ts';
import type { LuaServer } from './conf.ts';
import { runCode } from './filters.ts';
import { luaModule } from './module.ts';
import { resetRun } from './run.ts';
import { runOf } from './vm.ts';
import { startBalancer } from './waiting-phases.ts';

function confOf(upstream: Upstream): LuaServer {
  return luaModule.serverOf(upstream.confs as ConfStack);
}

/** Makes the upstream block that is being read ask the code. */
export function useLuaBalancer(cf: ConfContext, code: LuaCode): void {
  useBalancer(cf, {
    connections: (upstream) => confOf(upstream).balancerKeepalive,
    usePool(upstream, pool) {
      confOf(upstream).balancerPool = pool;
    },
    run(r, ctx, selection) {
      if (!apiModule.location(r).strictPhases) return startBalancer(r, code, ctx, selection);
      const lua = runOf(r);
      resetRun(lua);
      ctx.entered = IN_BALANCER;
      const outcome = runCode(r, code, IN_BALANCER, 'balancer_by_lua', []);
      ctx.entered = 0;
      return outcome === undefined ? ERROR : OK;
    },
  });
}

/** `balancer_keepalive`. */
export function setBalancerKeepalive(cf: ConfContext, text: string): string | undefined {
  const conf = luaModule.serverOf(cf.confs as ConfStack);
  if (conf.balancerKeepalive !== undefined) return 'is duplicate';
  const n = /^\d+$/.test(text) ? Number(text) : 0;
  if (n === 0) throw cf.error(`invalid value "${text}" in "balancer_keepalive" directive`);
  conf.balancerKeepalive = n;
  return undefined;
}
