/** The module ngx.balancer. lua-resty-core: lib/ngx/balancer.lua. */
import {
  BalancerFailure,
  type BalancerSelection,
  currentBalancer,
  currentPeerBalancer,
} from '../../../api/balancer.ts';
import type { AnyBalancer } from '../../../api/peer-balancer.ts';
import { PEER_FAILED, PEER_NEXT } from '../../../http/upstream/peer.ts';
import { type LuaResult, type LuaValue, ret2, ret3, throwError } from '../../../lua/index.ts';
import { checkString, isTrue, typeName } from '../ngx/args.ts';
import { CORE_VERSION, type ModuleLoader, moduleTable } from './module.ts';

// Defaults of enable_keepalive.
const IDLE_SECONDS = 60;
const MAX_REQUESTS = 100;

const STATE_NAMES: ReadonlyMap<number, string> = new Map([
  [PEER_NEXT, 'next'],
  [PEER_FAILED, 'failed'],
]);

/** Does something that both http and stream can: true, or nil and what is wrong. */
function attemptAny(act: (balancer: AnyBalancer) => BalancerFailure | undefined): LuaResult {
  const balancer = currentPeerBalancer();
  const failure = balancer instanceof BalancerFailure ? balancer : act(balancer);
  return failure === undefined ? true : ret2(undefined, failure.message);
}

/** Does something with the balancer: true, or nil and what is wrong. */
function attempt(act: (balancer: BalancerSelection) => BalancerFailure | undefined): LuaResult {
  const balancer = currentBalancer();
  const failure = balancer instanceof BalancerFailure ? balancer : act(balancer);
  return failure === undefined ? true : ret2(undefined, failure.message);
}

function setCurrentPeer(addr: LuaValue, port: LuaValue, host: LuaValue): LuaResult {
  const number = isTrue(port) ? Number(port) : 0;
  if (host !== undefined && typeof host !== 'string') {
    throwError(`bad argument #3 to 'set_current_peer' (string expected, got ${typeName(host)})`);
  }
  const address = checkString(addr, 1, 'set_current_peer');
  return attempt((balancer) => balancer.setPeer(address, Math.trunc(number), (host as string | undefined) ?? ''));
}

/** An optional number of enable_keepalive, from 0. */
function optional(v: LuaValue, n: number, usual: number): number {
  if (!isTrue(v)) return usual;
  if (typeof v !== 'number') {
    throwError(`bad argument #${n} to 'enable_keepalive' (number expected, got ${typeName(v)})`);
  }
  if (v < 0) throwError(`bad argument #${n} to 'enable_keepalive' (expected >= 0)`);
  return v;
}

function enableKeepalive(idle: LuaValue, requests: LuaValue): LuaResult {
  const timeout = Math.trunc(optional(idle, 1, IDLE_SECONDS) * 1000);
  const most = Math.trunc(optional(requests, 2, MAX_REQUESTS));
  return attempt((balancer) => balancer.keepAlive(timeout, most));
}

function setMoreTries(count: LuaValue): LuaResult {
  const balancer = currentPeerBalancer();
  if (balancer instanceof BalancerFailure) return ret2(undefined, balancer.message);
  const warning = balancer.setMoreTries(Math.trunc(Number(count)));
  return warning === undefined ? true : ret2(true, warning);
}

function getLastFailure(): LuaResult {
  const balancer = currentPeerBalancer();
  if (balancer instanceof BalancerFailure) return ret3(undefined, undefined, balancer.message);
  const last = balancer.lastFailure;
  return last === undefined ? undefined : ret2(STATE_NAMES.get(last.state) ?? 'unknown', last.status);
}

function milliseconds(v: LuaValue, name: string): number {
  if (!isTrue(v)) return 0;
  if (typeof v !== 'number' || v <= 0) throwError(`bad ${name} timeout`);
  return Math.trunc(v * 1000);
}

function setTimeouts(connect: LuaValue, send: LuaValue, read: LuaValue): LuaResult {
  const times = [milliseconds(connect, 'connect'), milliseconds(send, 'send'), milliseconds(read, 'read')] as const;
  const balancer = currentPeerBalancer();
  if (balancer instanceof BalancerFailure) return ret2(false, balancer.message);
  balancer.setTimeouts(...times);
  return true;
}

function recreateRequest(): LuaResult {
  return attempt((balancer) =>
    balancer.recreateRequest() ? undefined : new BalancerFailure('failed to recreate the upstream request'),
  );
}

function bindToLocalAddr(addr: LuaValue): LuaResult {
  if (typeof addr !== 'string') {
    throwError(`bad argument #1 to 'bind_to_local_addr' (string expected, got ${typeName(addr)})`);
  }
  return attemptAny((balancer) => balancer.bindTo(addr));
}

function setSessionPeer(addr: LuaValue, port: LuaValue, host: LuaValue): LuaResult {
  if (host !== undefined) {
    throwError("bad argument #3 to 'set_current_peer' ('host' not yet implemented in stream subsystem)");
  }
  const number = isTrue(port) ? Number(port) : 0;
  const address = checkString(addr, 1, 'set_current_peer');
  return attemptAny((balancer) => balancer.setPeer(address, Math.trunc(number)));
}

const inStream: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    set_current_peer: setSessionPeer,
    enable_keepalive: () => throwError("'enable_keepalive' not yet implemented in stream subsystem"),
    set_more_tries: setMoreTries,
    get_last_failure: getLastFailure,
    set_timeouts: setTimeouts,
    bind_to_local_addr: bindToLocalAddr,
  });

const inHttp: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    set_current_peer: setCurrentPeer,
    enable_keepalive: enableKeepalive,
    set_more_tries: setMoreTries,
    get_last_failure: getLastFailure,
    set_timeouts: setTimeouts,
    recreate_request: recreateRequest,
    set_upstream_tls: (on: LuaValue) => attempt((balancer) => balancer.setTls(on !== 0 && on !== false)),
    bind_to_local_addr: bindToLocalAddr,
  });

export const balancer: ModuleLoader = (state, block) =>
  (block.subsystem === 'stream' ? inStream : inHttp)(state, block);
