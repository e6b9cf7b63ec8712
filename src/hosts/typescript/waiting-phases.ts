/**
 * header_filter_by_ts_file, body_filter_by_ts_file, balancer_by_ts_file and log_by_ts_file where `lua_strict_phases` is off: their promises are waited for. See
 * docs/waiting.md.
 */
import type { BalancerSelection } from '../../api/balancer.ts';
import type { ApiContext } from '../../api/context.ts';
import { IN_BALANCER, IN_BODY_FILTER, IN_HEADER_FILTER, IN_LOG } from '../../api/phase.ts';
import type { Chain } from '../../http/buf.ts';
import { AGAIN, ERROR, OK } from '../../http/codes.ts';
import type { HeaderFilter } from '../../http/cycle.ts';
import type { HttpRequest } from '../../http/request.ts';
import { beginActivity, endActivity } from '../../net/activity.ts';
import { type BodyFilters, type HeldOutput, headerEnded, heldOutputOf } from '../held-output.ts';
import { BodyPiece } from './body.ts';
import type { ModuleFile } from './loader.ts';
import { passPiece, typescriptModule } from './module.ts';
import { type BesideRun, type HandlerModule, runBeside } from './run.ts';

type File = ModuleFile<HandlerModule>;

/** There is no way to stop a function in JavaScript: it runs on, to no effect. */
const runsOn = (): void => {};

/** header_filter_by_ts_file: the head waits with the handler. */
export function waitingHeaderFilter(r: HttpRequest, file: File, next: HeaderFilter, body: BodyFilters): number {
  // A page that the handler has asked for by exit() is not filtered again.
  if (r.filterFinalize) return next(r);
  let held: HeldOutput | undefined;
  const run = runBeside(r, file, IN_HEADER_FILTER, 'header_filter_by_ts_file', (ended) =>
    held?.release(() => headerEnded(typescriptModule, r, ended, next)),
  );
  if (!run.waiting) return headerEnded(typescriptModule, r, run, next);
  held = heldOutputOf(typescriptModule, r, body);
  held.holdHead(runsOn);
  return OK;
}

/** body_filter_by_ts_file: the piece waits with the handler. */
export function waitingBodyFilter(r: HttpRequest, chain: Chain, file: File, body: BodyFilters): number {
  if (r.filterFinalize) return body.next(r, chain);
  const piece = new BodyPiece(r, chain);
  let held: HeldOutput | undefined;
  const pass = (run: BesideRun): number => (run.failed ? ERROR : passPiece(r, chain, piece, body.next));
  const run = runBeside(
    r,
    file,
    IN_BODY_FILTER,
    'body_filter_by_ts_file',
    (ended) => held?.release(() => pass(ended)),
    piece,
  );
  if (!run.waiting) return pass(run);
  held = heldOutputOf(typescriptModule, r, body);
  held.hold(runsOn);
  return AGAIN;
}

/** balancer_by_ts_file. @param ctx the request's context, which learns of exit()  @returns as RunBalancer */
export function waitingBalancer(r: HttpRequest, file: File, ctx: ApiContext, selection: BalancerSelection): number {
  const result = (run: BesideRun): number => {
    ctx.exited = run.ctx.exited;
    ctx.exitCode = run.ctx.exitCode;
    return run.failed ? ERROR : OK;
  };
  const run = runBeside(r, file, IN_BALANCER, 'balancer_by_ts_file', (ended) => selection.ended(result(ended)));
  return run.waiting ? AGAIN : result(run);
}

/** log_by_ts_file: what the handler owns lives until it has ended, and the worker does not leave before. */
export function waitingLog(r: HttpRequest, file: File): void {
  const run = runBeside(r, file, IN_LOG, 'log_by_ts_file', (ended) => {
    ended.ctx.end();
    endActivity();
  });
  if (run.waiting) beginActivity();
  else run.ctx.end();
}
