/**
 * User code as a balancing method of upstream blocks: chooses the server of each attempt, in whatever language.
 * ngx_lua: ngx_http_lua_balancer.c.
 */
import { BalancerSelection, type RunBalancer } from '../api/balancer.ts';
import { contextOf } from '../api/context.ts';
import type { ConfContext } from '../conf/directive.ts';
import type { Upstream } from '../http/upstream/conf.ts';
import type { Exchange } from '../http/upstream/exchange.ts';
import { KeepalivePool } from '../http/upstream/keepalive.ts';
import { upstreamOf } from '../http/upstream/module.ts';
import type { PeerAddress } from '../http/upstream/peer.ts';
import { initRoundRobin } from '../http/upstream/round-robin.ts';
import { inetAddress } from '../net/url.ts';
import {
  plainServer,
  SUPPORTS_DOWN,
  SUPPORTS_FAIL_TIMEOUT,
  SUPPORTS_MAX_FAILS,
  SUPPORTS_WEIGHT,
} from '../upstream/group.ts';

/** The server of an upstream block in which none stands: never connected to. */
const PLACEHOLDER = '0.0.0.1';

/** Idle connections of a block that does not say how many. */
const DEFAULT_CONNECTIONS = 32;

/** The code, and what its block says besides. */
export interface UserBalancer {
  readonly run: RunBalancer;
  /** Most idle connections. Asked when the block is complete. */
  connections(upstream: Upstream): number | undefined;
  /** The block's idle connections, to be closed when the worker exits. */
  usePool(upstream: Upstream, pool: KeepalivePool): void;
}

/** Makes the upstream block that is being read ask the code, and its method so far when the code chooses no peer. */
export function useBalancer(cf: ConfContext, balancer: UserBalancer): void {
  const upstream = upstreamOf(cf);
  const empty = upstream.servers?.length === 0;
  if (empty) upstream.servers?.push(plainServer(PLACEHOLDER, inetAddress(PLACEHOLDER, 80), 1));
  if (upstream.initUpstream !== undefined) cf.warn('load balancing method redefined');
  const prepare = upstream.initUpstream ?? initRoundRobin;
  upstream.initUpstream = (context, block) => {
    prepare(context, block);
    const placeholder = empty && block.servers?.length === 1 ? block.peers?.peers[0]?.address : undefined;
    initBalancer(block, balancer, placeholder);
  };
  upstream.supports = SUPPORTS_WEIGHT | SUPPORTS_MAX_FAILS | SUPPORTS_FAIL_TIMEOUT | SUPPORTS_DOWN;
  upstream.dynamic = false;
}

function initBalancer(upstream: Upstream, balancer: UserBalancer, placeholder: PeerAddress | undefined): void {
  const chooseOtherwise = upstream.initPeer;
  const pool = new KeepalivePool({
    size: balancer.connections(upstream) ?? DEFAULT_CONNECTIONS,
    requests: Number.POSITIVE_INFINITY,
    time: Number.POSITIVE_INFINITY,
    timeout: 60000,
    local: true,
  });
  balancer.usePool(upstream, pool);
  upstream.initPeer = (r, pc, block) => {
    const fallback = chooseOtherwise(r, pc, block);
    if (fallback === undefined) return undefined;
    return new BalancerSelection(pc as Exchange, contextOf(r), fallback, balancer.run, pool, block.pool, placeholder);
  };
}
