/**
 * balancer_by_lua and ngx.balancer in http: what requests add to the choice by user code (peer-balancer.ts).
 * ngx_lua: ngx_http_lua_balancer.c.
 */
import { ERROR, OK } from '../http/codes.ts';
import type { HttpRequest } from '../http/request.ts';
import type { UpstreamConnection } from '../http/upstream/connection.ts';
import type { Exchange } from '../http/upstream/exchange.ts';
import type { KeepaliveLimits, KeepalivePool } from '../http/upstream/keepalive.ts';
import type { PeerAddress, PeerConnection, PeerSelection } from '../http/upstream/peer.ts';
import { LOG_DEBUG, LOG_ERR } from '../log/log.ts';
import { type ApiContext, current } from './context.ts';
import { apiError } from './error.ts';
import { type AnyBalancer, BalancerFailure, PeerBalancer } from './peer-balancer.ts';
import { IN_BALANCER } from './phase.ts';
import { SessionBalancer } from './session-balancer.ts';

export { BalancerFailure };

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
export class BalancerSelection extends PeerBalancer<Exchange> {
  /** Trying again on a fresh connection counts as an attempt: the code is asked once more. */
  readonly countsCached = true;
  private readonly run: RunBalancer;
  private readonly pool: KeepalivePool;
  private readonly upstreamPool: KeepalivePool | undefined;
  private readonly placeholder: PeerAddress | undefined;

  private host = '';
  private limits: KeepaliveLimits | undefined = undefined;

  constructor(
    exchange: Exchange,
    ctx: ApiContext,
    fallback: PeerSelection,
    run: RunBalancer,
    pool: KeepalivePool,
    upstreamPool: KeepalivePool | undefined,
    placeholder: PeerAddress | undefined,
  ) {
    super(exchange, ctx, fallback);
    this.run = run;
    this.pool = pool;
    this.upstreamPool = upstreamPool;
    this.placeholder = placeholder;
  }

  protected override ask(): number {
    this.limits = undefined;
    return this.run(this.attempting.r, this.ctx, this);
  }

  /** The code has ended, which had to wait. */
  ended(rc: number): void {
    const { attempting: exchange } = this;
    exchange.chosenLater(rc === OK ? this.settle(exchange) : rc);
  }

  protected override chosen(pc: PeerConnection): void {
    const { attempting: exchange } = this;
    exchange.poolLimits = this.limits;
    if (this.limits !== undefined) {
      pc.pool = this.pool;
      exchange.poolOwner = `${this.local ?? ''} ${this.host.toLowerCase()}`;
    } else {
      pc.pool = this.local === undefined ? this.upstreamPool : undefined;
      exchange.poolOwner = exchange.conf;
    }
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

  protected override fallBack(pc: PeerConnection): number {
    const { attempting: exchange } = this;
    exchange.poolLimits = this.limits;
    pc.pool = this.upstreamPool;
    exchange.poolOwner = exchange.conf;
    const rc = this.fallback.get(exchange);
    if (rc === ERROR) return rc;
    if (rc === OK && pc.address !== undefined && pc.address === this.placeholder) {
      pc.r.log(LOG_ERR, 'lua balancer: no peer set');
      return ERROR;
    }
    return rc;
  }

  protected override get mostTries(): number {
    return this.attempting.conf.nextUpstreamTries;
  }

  protected override get lastStatus(): number {
    const states = this.attempting.r.upstreamStates ?? [];
    return states[states.length - 2]?.status ?? 0;
  }

  // For the functions of ngx.balancer.

  /** @param host of the peer, for TLS and its own idle connections; '' for none */
  override setPeer(address: string, port: number, host: string = ''): BalancerFailure | undefined {
    const failure = super.setPeer(address, port);
    if (failure !== undefined) return failure;
    this.host = host;
    if (host !== '' && this.attempting.secure) this.attempting.host = host;
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

  /** Makes the request anew, after what it is made of was changed. */
  recreateRequest(): boolean {
    return this.attempting.recreateRequest() === OK;
  }

  /** Speaks to the peer by TLS, or not. */
  setTls(on: boolean): BalancerFailure | undefined {
    if (on && this.attempting.conf.tls === undefined) {
      return new BalancerFailure('no TLS settings in this location');
    }
    this.attempting.secure = on;
    return undefined;
  }
}

/** The selection of the request or session whose balancer runs now, for what both can do. */
export function currentPeerBalancer(): AnyBalancer | BalancerFailure {
  const session = current?.session;
  if (session === undefined) return currentBalancer();
  const selection = session.upstream?.selection;
  if (current?.phase !== IN_BALANCER || !(selection instanceof SessionBalancer)) {
    return new BalancerFailure('API disabled in the current context');
  }
  return selection;
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
