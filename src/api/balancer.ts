/**
 * balancer_by_lua and ngx.balancer: user code chooses the peer of each attempt. The selection here runs it, and falls
 * back to the method that the upstream block has besides when the code chose none. ngx_lua: ngx_http_lua_balancer.c.
 */
import { BUSY, DECLINED, ERROR, HTTP_SPECIAL_RESPONSE, OK } from '../http/codes.ts';
import type { HttpRequest } from '../http/request.ts';
import type { UpstreamConnection } from '../http/upstream/connection.ts';
import type { Exchange } from '../http/upstream/exchange.ts';
import { parseLocal } from '../http/upstream/exchange.ts';
import type { KeepaliveLimits, KeepalivePool } from '../http/upstream/keepalive.ts';
import { type PeerAddress, type PeerConnection, type PeerSelection, peerAddress } from '../http/upstream/peer.ts';
import { LOG_DEBUG, LOG_ERR } from '../log/log.ts';
import { parseUrl, UrlError } from '../net/url.ts';
import { type ApiContext, current } from './context.ts';
import { apiError } from './error.ts';
import { IN_BALANCER } from './phase.ts';

/** What a function of ngx.balancer gives that cannot do its work: the reason. */
export class BalancerFailure {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/**
 * Runs the code of an attempt with `ctx.phase` IN_BALANCER. Where it ends is noted in `ctx`.
 * @returns ERROR after a failure (logged), AGAIN when `selection.ended` will be called with the result, else OK
 */
export type RunBalancer = (r: HttpRequest, ctx: ApiContext, selection: BalancerSelection) => number;

/** Numbers that tell connections apart in debug lines. */
const connectionNames = new WeakMap<UpstreamConnection, string>();
let lastName = 0;

function connectionName(connection: UpstreamConnection): string {
  let name = connectionNames.get(connection);
  if (name === undefined) connectionNames.set(connection, (name = `#${++lastName}`));
  return name;
}

/** The choice for one request. */
export class BalancerSelection implements PeerSelection {
  /** Trying again on a fresh connection counts as an attempt: the code is asked once more. */
  readonly countsCached = true;
  /** The block's other method. */
  private readonly fallback: PeerSelection;
  private readonly exchange: Exchange;
  private readonly ctx: ApiContext;
  private readonly run: RunBalancer;
  private readonly pool: KeepalivePool;
  private readonly upstreamPool: KeepalivePool | undefined;
  private readonly placeholder: PeerAddress | undefined;

  /** Chosen for this attempt. */
  private peer: PeerAddress | undefined = undefined;
  private host = '';
  private local: string | undefined = undefined;
  private moreTries = 0;
  private limits: KeepaliveLimits | undefined = undefined;

  private attempts = 0;
  /** PEER_* bits of the attempt before; 0 for none. */
  private lastState = 0;

  constructor(
    exchange: Exchange,
    ctx: ApiContext,
    fallback: PeerSelection,
    run: RunBalancer,
    pool: KeepalivePool,
    upstreamPool: KeepalivePool | undefined,
    placeholder: PeerAddress | undefined,
  ) {
    this.exchange = exchange;
    this.ctx = ctx;
    this.fallback = fallback;
    this.run = run;
    this.pool = pool;
    this.upstreamPool = upstreamPool;
    this.placeholder = placeholder;
  }

  get(pc: PeerConnection): number {
    this.peer = undefined;
    this.moreTries = 0;
    this.limits = undefined;
    this.attempts++;
    const rc = this.run(pc.r, this.ctx, this);
    return rc === OK ? this.chosen(pc) : rc;
  }

  /** The code has ended, which had to wait. */
  ended(rc: number): void {
    const { exchange } = this;
    exchange.chosenLater(rc === OK ? this.chosen(exchange) : rc);
  }

  /** What the code has chosen. */
  private chosen(pc: PeerConnection): number {
    const { ctx, exchange } = this;
    if (ctx.exited && ctx.exitCode !== OK) {
      const code = ctx.exitCode;
      if (code === BUSY || code === DECLINED || code >= HTTP_SPECIAL_RESPONSE) return code;
      if (code > OK || code === ERROR) return ERROR;
    }
    exchange.poolLimits = this.limits;
    if (this.peer === undefined) return this.fallBack(pc);
    const peer = this.peer as PeerAddress;
    pc.address = peer;
    pc.name = peer.name;
    pc.tries += this.moreTries;
    if (this.limits !== undefined) {
      pc.pool = this.pool;
      exchange.poolOwner = `${this.local ?? ''} ${this.host.toLowerCase()}`;
    } else {
      pc.pool = this.local === undefined ? this.upstreamPool : undefined;
      exchange.poolOwner = exchange.conf;
    }
    return OK;
  }

  onTake(pc: PeerConnection, connection: UpstreamConnection | undefined): void {
    if (this.limits === undefined || !this.ctx.debugging) return;
    const where = `host: ${pc.name}, name: ${this.host}`;
    this.debug(
      connection === undefined
        ? `no free connection, ${where}`
        : `reusing connection ${connectionName(connection)}, ${where}`,
    );
  }

  onRelease(pc: PeerConnection, connection: UpstreamConnection, kept: boolean): void {
    if (this.limits === undefined || !this.ctx.debugging) return;
    const name = connectionName(connection);
    this.debug(
      kept ? `saving connection ${name}, host: ${pc.name}, name: ${this.host}` : `not saving connection ${name}`,
    );
  }

  private debug(text: string): void {
    this.ctx.log(LOG_DEBUG, `lua balancer: keepalive ${text}`);
  }

  private fallBack(pc: PeerConnection): number {
    pc.pool = this.upstreamPool;
    this.exchange.poolOwner = this.exchange.conf;
    const rc = this.fallback.get(pc);
    if (rc === ERROR) return rc;
    if (rc === OK && pc.address !== undefined && pc.address === this.placeholder) {
      pc.r.log(LOG_ERR, 'lua balancer: no peer set');
      return ERROR;
    }
    return rc;
  }

  free(pc: PeerConnection, state: number): void {
    if (this.peer === undefined) {
      this.fallback.free(pc, state);
      return;
    }
    this.lastState = state;
    if (pc.tries > 0) pc.tries--;
  }

  // For the functions of ngx.balancer.

  /** @param address a numeric address with or without a port, or `unix:` and a path */
  setPeer(address: string, port: number, host: string): BalancerFailure | undefined {
    let peer: PeerAddress | undefined;
    try {
      const url = parseUrl(address, { defaultPort: port, noResolve: true });
      const [where] = url.addresses;
      if (where !== undefined) peer = peerAddress(where);
    } catch (error) {
      if (error instanceof UrlError) return new BalancerFailure(error.message);
      throw error;
    }
    if (peer === undefined) return new BalancerFailure('no host allowed');
    this.peer = peer;
    this.host = host;
    if (host !== '' && this.exchange.secure) this.exchange.host = host;
    return undefined;
  }

  /** @param timeout milliseconds  @param requests 0: no limit */
  keepAlive(timeout: number, requests: number): BalancerFailure | undefined {
    if (this.peer === undefined) return new BalancerFailure('no current peer set');
    this.limits = {
      size: this.pool.limits.size,
      requests: requests === 0 ? Number.POSITIVE_INFINITY : requests,
      time: Number.POSITIVE_INFINITY,
      timeout,
      local: true,
    };
    return undefined;
  }

  /** Milliseconds; 0 leaves a timeout as it is. */
  setTimeouts(connect: number, send: number, read: number): void {
    const { exchange } = this;
    if (connect > 0) exchange.connectTimeout = connect;
    if (send > 0) exchange.sendTimeout = send;
    if (read > 0) exchange.readTimeout = read;
  }

  /** @returns a warning when proxy_next_upstream_tries allows fewer */
  setMoreTries(count: number): string | undefined {
    const { exchange } = this;
    const most = exchange.conf.nextUpstreamTries;
    const total = this.attempts + exchange.tries - 1;
    const reduced = most > 0 && total + count > most;
    this.moreTries = reduced ? most - total : count;
    return reduced ? 'reduced tries due to limit' : undefined;
  }

  /** How the attempt before failed: PEER_* bits and its status; undefined for the first. */
  get lastFailure(): { readonly state: number; readonly status: number } | undefined {
    if (this.lastState === 0) return undefined;
    const states = this.exchange.r.upstreamStates ?? [];
    return { state: this.lastState, status: states[states.length - 2]?.status ?? 0 };
  }

  /** Makes the request anew, after what it is made of was changed. */
  recreateRequest(): boolean {
    return this.exchange.recreateRequest() === OK;
  }

  /** Speaks to the peer by TLS, or not. */
  setTls(on: boolean): BalancerFailure | undefined {
    if (on && this.exchange.conf.tls === undefined) return new BalancerFailure('no TLS settings in this location');
    this.exchange.secure = on;
    return undefined;
  }

  bindTo(text: string): BalancerFailure | undefined {
    const local = parseLocal(text);
    if (local === undefined) return new BalancerFailure(`invalid addr ${text}`);
    this.exchange.local = local;
    this.local = text;
    return undefined;
  }
}

/** The selection of the request whose balancer runs now. */
export function currentBalancer(): BalancerSelection | BalancerFailure {
  const ctx = current;
  const r = ctx?.r;
  if (ctx === undefined || r === undefined) apiError('no request found');
  if (r.upstream === undefined) return new BalancerFailure('no upstream found');
  const { selection } = r.upstream as Exchange;
  if (ctx.phase !== IN_BALANCER || !(selection instanceof BalancerSelection)) {
    return new BalancerFailure('API disabled in the current context');
  }
  return selection;
}
