/** balancer_by_lua in stream: Lua as a balancing method. stream-lua-nginx-module: ngx_stream_lua_balancer.c. */
import { sessionContextOf } from '../../../api/context.ts';
import { IN_BALANCER } from '../../../api/phase.ts';
import { SessionBalancer } from '../../../api/session-balancer.ts';
import type { ConfContext } from '../../../conf/directive.ts';
import { ERROR, OK } from '../../../stream/codes.ts';
import { upstreamOf } from '../../../stream/upstream/module.ts';
import { initRoundRobin } from '../../../stream/upstream/round-robin.ts';
import { SUPPORTS_DOWN, SUPPORTS_FAIL_TIMEOUT, SUPPORTS_MAX_FAILS, SUPPORTS_WEIGHT } from '../../../upstream/group.ts';
import type { LuaCode } from '../code.ts';
import { resetRun } from '../run.ts';
import { sessionRunOf } from '../vm.ts';
import { runCode } from './handlers.ts';

/** Makes the upstream block that is being read ask the code, and its method so far when the code chooses no peer. */
export function useSessionBalancer(cf: ConfContext, code: LuaCode): void {
  const upstream = upstreamOf(cf);
  if (upstream.initUpstream !== undefined) cf.warn('load balancing method redefined');
  const prepare = upstream.initUpstream ?? initRoundRobin;
  upstream.initUpstream = (context, block) => {
    prepare(context, block);
    const chooseOtherwise = block.initPeer;
    block.initPeer = (s, pc, chosen) =>
      new SessionBalancer(pc, sessionContextOf(s), chooseOtherwise(s, pc, chosen), (session, ctx) => {
        const run = sessionRunOf(session);
        resetRun(run);
        ctx.entered = IN_BALANCER;
        const outcome = runCode(session, code, IN_BALANCER, 'balancer_by_lua');
        ctx.entered = 0;
        return outcome === undefined ? ERROR : OK;
      });
  };
  upstream.supports = SUPPORTS_WEIGHT | SUPPORTS_MAX_FAILS | SUPPORTS_FAIL_TIMEOUT | SUPPORTS_DOWN;
}
