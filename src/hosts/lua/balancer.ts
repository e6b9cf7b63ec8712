/** balancer_by_lua: a method of upstream blocks. ngx_lua: ngx_http_lua_balancer.c. */
import { BalancerSelection } from '../../api/balancer.ts';
import { type ApiContext, contextOf } from '../../api/context.ts';
import { IN_BALANCER } from '../../api/phase.ts';
import type { ConfContext, ConfStack } from '../../conf/directive.ts';
import { ERROR, OK } from '../../http/codes.ts';
import type { HttpRequest } from '../../http/request.ts';
import {
  plainServer,
  SUPPORTS_DOWN,
  SUPPORTS_FAIL_TIMEOUT,
  SUPPORTS_MAX_FAILS,
  SUPPORTS_WEIGHT,
  type Upstream,
} from '../../http/upstream/conf.ts';
import type { Exchange } from '../../http/upstream/exchange.ts';
import { KeepalivePool } from '../../http/upstream/keepalive.ts';
import { upstreamOf } from '../../http/upstream/module.ts';
import type { PeerAddress } from '../../http/upstream/peer.ts';
import { initRoundRobin } from '../../http/upstream/round-robin.ts';
import { inetAddress } from '../../net/url.ts';
import type { LuaCode } from './code.ts';
import { runCode } from './filters.ts';
import { luaModule } from './module.ts';
import { resetRun } from './run.ts';
import { runOf } from './vm.ts';

/** The server of an upstream block in which none stands: never connected to. */
const PLACEHOLDER = '0.0.0.1';

/** Idle connections of a block, when balancer_keepalive says nothing. */
const DEFAULT_CONNECTIONS = 32;

/** Makes the upstream block that is being read ask the code, and its method so far when the code chooses no peer. */
export function useBalancer(cf: ConfContext, code: LuaCode): void {
  const upstream = upstreamOf(cf);
  const empty = upstream.servers?.length === 0;
  if (empty) upstream.servers?.push(plainServer(PLACEHOLDER, inetAddress(PLACEHOLDER, 80), 1));
  if (upstream.initUpstream !== undefined) cf.warn('load balancing method redefined');
  const prepare = upstream.initUpstream ?? initRoundRobin;
  upstream.initUpstream = (context, block) => {
    prepare(context, block);
    const placeholder = empty && block.servers?.length === 1 ? block.peers?.peers[0]?.address : undefined;
    initBalancer(block, code, placeholder);
  };
  upstream.supports = SUPPORTS_WEIGHT | SUPPORTS_MAX_FAILS | SUPPORTS_FAIL_TIMEOUT | SUPPORTS_DOWN;
  upstream.dynamic = false;
}

function initBalancer(upstream: Upstream, code: LuaCode, placeholder: PeerAddress | undefined): void {
  const chooseOtherwise = upstream.initPeer;
  const conf = luaModule.serverOf(upstream.confs as ConfStack);
  const pool = new KeepalivePool({
    size: conf.balancerKeepalive ?? DEFAULT_CONNECTIONS,
    requests: Number.POSITIVE_INFINITY,
    time: Number.POSITIVE_INFINITY,
    timeout: 60000,
    local: true,
  });
  conf.balancerPool = pool;
  const run = (r: HttpRequest, ctx: ApiContext): number => {
    const lua = runOf(r);
    resetRun(lua);
    ctx.entered = IN_BALANCER;
    const outcome = runCode(r, code, IN_BALANCER, 'balancer_by_lua', []);
    ctx.entered = 0;
    return outcome === undefined ? ERROR : OK;
  };
  upstream.initPeer = (r, pc, block) => {
    const fallback = chooseOtherwise(r, pc, block);
    if (fallback === undefined) return undefined;
    return new BalancerSelection(pc as Exchange, contextOf(r), fallback, run, pool, block.pool, placeholder);
  };
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
