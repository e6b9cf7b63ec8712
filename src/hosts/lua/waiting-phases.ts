/**
 * header_filter_by_lua, body_filter_by_lua, log_by_lua, set_by_lua and init_worker_by_lua where `lua_strict_phases` is off:
 * their code may wait. What that means to a response and to the request is said in docs/waiting.md.
 */
import { watchClient } from '../../api/abort.ts';
import type { BalancerSelection } from '../../api/balancer.ts';
import { type ApiContext, contextOf } from '../../api/context.ts';
import { IN_BALANCER, IN_BODY_FILTER, IN_HEADER_FILTER, IN_LOG, IN_SET } from '../../api/phase.ts';
import type { Chain } from '../../http/buf.ts';
import { AGAIN, ERROR, HTTP_SPECIAL_RESPONSE, OK } from '../../http/codes.ts';
import type { BodyFilter, HeaderFilter } from '../../http/cycle.ts';
import type { HttpRequest } from '../../http/request.ts';
import type { LuaFunction, LuaState } from '../../lua/index.ts';
import { beginActivity, endActivity } from '../../net/activity.ts';
import { type BodyFilters, type HeldOutput, headerEnded, heldOutputOf } from '../held-output.ts';
import type { LuaCode } from './code.ts';
import { bodyChain, setArguments, setBodyChain, setSetArguments } from './filters.ts';
import { luaModule } from './module.ts';
import { SideRun, startSide } from './side-run.ts';

function failure(name: string): string {
  return `failed to run ${name}*: `;
}

/** header_filter_by_lua: the head waits with the code. */
export function waitingHeaderFilter(r: HttpRequest, code: LuaCode, next: HeaderFilter, body: BodyFilters): number {
  // A page that the code has asked for by ngx.exit is not filtered again.
  if (r.filterFinalize) return next(r);
  let held: HeldOutput | undefined;
  const side = startSide(r, code, IN_HEADER_FILTER, { failure: failure('header_filter_by_lua') }, [], (ended) =>
    held?.release(() => headerEnded(luaModule, r, ended, next)),
  );
  if (side === undefined) return ERROR;
  if (!side.waiting) return headerEnded(luaModule, r, side, next);
  held = heldOutputOf(luaModule, r, body);
  held.holdHead(() => side.cancel());
  return OK;
}

/** body_filter_by_lua: the piece waits with the code, and what comes behind it. */
export function waitingBodyFilter(r: HttpRequest, chain: Chain, code: LuaCode, body: BodyFilters): number {
  const { next } = body;
  if (r.filterFinalize) return next(r, chain);
  const piece = new Piece(chain);
  let held: HeldOutput | undefined;
  const side = startSide(
    r,
    code,
    IN_BODY_FILTER,
    { failure: failure('body_filter_by_lua'), enter: () => piece.enter(), leave: () => piece.leave() },
    [],
    (ended) => held?.release(() => bodyEnded(r, ended, piece, next)),
  );
  if (side === undefined) return ERROR;
  if (!side.waiting) return bodyEnded(r, side, piece, next);
  held = heldOutputOf(luaModule, r, body);
  held.hold(() => side.cancel());
  return AGAIN;
}

/** The piece of a body that code works on: ngx.arg while it runs. */
class Piece {
  readonly given: Chain;
  chain: Chain;
  private outside: Chain = [];

  constructor(chain: Chain) {
    this.given = chain;
    this.chain = chain;
  }

  enter(): void {
    this.outside = bodyChain;
    setBodyChain(this.chain);
  }

  leave(): void {
    this.chain = bodyChain;
    setBodyChain(this.outside);
  }
}

function bodyEnded(r: HttpRequest, side: SideRun, piece: Piece, next: BodyFilter): number {
  const { value } = side;
  if (side.failed || (typeof value === 'number' && (value === ERROR || value >= HTTP_SPECIAL_RESPONSE))) return ERROR;
  if (side.ctx.seenLastInFilter) contextOf(r).seenLastInFilter = true;
  const { chain, given } = piece;
  return chain !== given && chain.length === 0 ? OK : next(r, chain);
}

/** log_by_lua: the request has ended, its connection goes on, and the code may outlive both. */
export function waitingLog(r: HttpRequest, code: LuaCode): void {
  const c = r.connection;
  let action = '';
  const side = startSide(
    r,
    code,
    IN_LOG,
    {
      failure: failure('log_by_lua'),
      // In lines of error.log, whatever the connection does by then.
      enter: () => {
        action = c.action;
        c.action = 'logging request';
      },
      leave: () => {
        c.action = action;
      },
    },
    [],
    (ended) => {
      ended.ctx.end();
      endActivity();
    },
    true,
  );
  if (side === undefined) return;
  if (side.waiting) beginActivity();
  else side.ctx.end();
}

/**
 * set_by_lua.
 * @param ended called with the value, or undefined after an error, when the code had to wait
 * @returns the value when it did not wait
 */
export function startSet(
  r: HttpRequest,
  code: LuaCode,
  args: readonly string[],
  ended: (side: SideRun) => void,
): SideRun | undefined {
  let outside: readonly string[] = [];
  const side = startSide(
    r,
    code,
    IN_SET,
    {
      failure: failure('set_by_lua'),
      enter: () => {
        outside = setArguments;
        setSetArguments(args);
      },
      leave: () => setSetArguments(outside),
    },
    [...args],
    ended,
  );
  if (side?.waiting !== true) return side;
  const ctx = contextOf(r);
  ctx.watchesClient = luaModule.location(r).checkClientAbort;
  watchClient(r, ctx);
  r.main.addCleanup(() => side.cancel());
  return side;
}

/**
 * balancer_by_lua.
 * @param ctx the request's context, which learns of ngx.exit
 * @returns as RunBalancer
 */
export function startBalancer(r: HttpRequest, code: LuaCode, ctx: ApiContext, selection: BalancerSelection): number {
  const result = (side: SideRun): number => {
    ctx.exited = side.ctx.exited;
    ctx.exitCode = side.ctx.exitCode;
    return side.failed ? ERROR : OK;
  };
  const side = startSide(r, code, IN_BALANCER, { failure: failure('balancer_by_lua') }, [], (ended) =>
    selection.ended(result(ended)),
  );
  if (side === undefined) return ERROR;
  if (!side.waiting) return result(side);
  r.main.addCleanup(() => side.cancel());
  return AGAIN;
}

/** init_worker_by_lua: a light thread without a request. The worker accepts connections meanwhile. */
export function startWorkerCode(ctx: ApiContext, state: LuaState, fn: LuaFunction, name: string): void {
  const side = new SideRun(ctx, state, { failure: `${name} error: ` });
  side.start(fn, [], () => {
    ctx.end();
    endActivity();
  });
  if (side.waiting) beginActivity();
  else ctx.end();
}
