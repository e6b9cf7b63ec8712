/**
 * What the balancing by user code has in common in http and in stream: it runs for each attempt, may choose the peer, and
 * otherwise leaves that to the method that the upstream block has besides. ngx_lua: ngx_http_lua_balancer.c,
 * ngx_stream_lua_balancer.c.
 */
import { BUSY, DECLINED, ERROR, OK } from '../conf/codes.ts';
import { parseLocal } from '../net/local-address.ts';
import { parseUrl, UrlError } from '../net/url.ts';
import { type PeerAddress, type PeerChoice, type PeerSelection, peerAddress } from '../upstream/peer.ts';
import type { ApiContext } from './context.ts';

/** What a function of ngx.balancer gives that cannot do its work: the reason. */
export class BalancerFailure {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** Who connects to the peer: what the code may change of it. */
export interface Attempting extends PeerChoice {
  /** Numeric address to connect from. */
  local: { readonly address: string; readonly port: number } | undefined;
  // Milliseconds.
  connectTimeout: number;
  sendTimeout: number;
  readTimeout: number;
}

/** From here on codes are statuses that end the request or session. */
const SPECIAL_RESPONSE = 300;

/** The choice for one request or session. */
export abstract class PeerBalancer<P extends Attempting> implements PeerSelection<P> {
  protected readonly attempting: P;
  protected readonly ctx: ApiContext;
  /** The block's other method. */
  protected readonly fallback: PeerSelection<P>;

  /** Chosen for this attempt. */
  protected peer: PeerAddress | undefined = undefined;
  protected local: string | undefined = undefined;
  private moreTries = 0;
  private attempts = 0;
  /** PEER_* bits of the attempt before; 0 for none. */
  private lastState = 0;

  constructor(attempting: P, ctx: ApiContext, fallback: PeerSelection<P>) {
    this.attempting = attempting;
    this.ctx = ctx;
    this.fallback = fallback;
  }

  /** Runs the code of an attempt. @returns ERROR after a failure (logged), AGAIN where it may wait, else OK */
  protected abstract ask(): number;
  /** A peer was chosen. */
  protected abstract chosen(pc: P): void;
  /** None was. */
  protected abstract fallBack(pc: P): number;
  /** proxy_next_upstream_tries; 0: no limit. */
  protected abstract get mostTries(): number;
  /** The status that the attempt before has left; 0 for none. */
  protected abstract get lastStatus(): number;

  get(pc: P): number {
    this.peer = undefined;
    this.moreTries = 0;
    this.attempts++;
    const rc = this.ask();
    return rc === OK ? this.settle(pc) : rc;
  }

  /** What the code has chosen. */
  protected settle(pc: P): number {
    const { ctx } = this;
    if (ctx.exited && ctx.exitCode !== OK) {
      const code = ctx.exitCode;
      if (code === BUSY || code === DECLINED || code >= SPECIAL_RESPONSE) return code;
      if (code > OK || code === ERROR) return ERROR;
    }
    const { peer } = this;
    if (peer === undefined) return this.fallBack(pc);
    pc.address = peer;
    pc.name = peer.name;
    pc.tries += this.moreTries;
    this.chosen(pc);
    return OK;
  }

  free(pc: P, state: number): void {
    if (this.peer === undefined) {
      this.fallback.free(pc, state);
      return;
    }
    this.lastState = state;
    if (pc.tries > 0) pc.tries--;
  }

  // For the functions of ngx.balancer.

  /** @param address a numeric address with or without a port, or `unix:` and a path */
  setPeer(address: string, port: number): BalancerFailure | undefined {
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
    return undefined;
  }

  /** Milliseconds; 0 leaves a timeout as it is. */
  setTimeouts(connect: number, send: number, read: number): void {
    const { attempting } = this;
    if (connect > 0) attempting.connectTimeout = connect;
    if (send > 0) attempting.sendTimeout = send;
    if (read > 0) attempting.readTimeout = read;
  }

  /** @returns a warning when proxy_next_upstream_tries allows fewer */
  setMoreTries(count: number): string | undefined {
    const most = this.mostTries;
    const total = this.attempts + this.attempting.tries - 1;
    const reduced = most > 0 && total + count > most;
    this.moreTries = reduced ? most - total : count;
    return reduced ? 'reduced tries due to limit' : undefined;
  }

  /** How the attempt before failed: PEER_* bits and its status; undefined for the first. */
  get lastFailure(): { readonly state: number; readonly status: number } | undefined {
    return this.lastState === 0 ? undefined : { state: this.lastState, status: this.lastStatus };
  }

  bindTo(text: string): BalancerFailure | undefined {
    const local = parseLocal(text);
    if (local === undefined) return new BalancerFailure(`invalid addr ${text}`);
    this.attempting.local = local;
    this.local = text;
    return undefined;
  }
}

/** What the functions of ngx.balancer ask of either. */
export type AnyBalancer = Pick<
  PeerBalancer<Attempting>,
  'setPeer' | 'setTimeouts' | 'setMoreTries' | 'lastFailure' | 'bindTo'
>;
