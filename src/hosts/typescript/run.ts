/** Running a TypeScript handler: a function that returns, throws, or ends later as a promise. */
import { ApiContext, contextOf, enter } from '../../api/context.ts';
import { exitResult } from '../../api/exit.ts';
import { strictOutside } from '../../api/module.ts';
import { sendChain } from '../../api/output.ts';
import { IN_CONTENT, type IN_EXIT_WORKER, IN_INIT_WORKER, IN_LOG } from '../../api/phase.ts';
import { AGAIN, DONE, ERROR, HTTP_INTERNAL_SERVER_ERROR, HTTP_SPECIAL_RESPONSE, OK } from '../../http/codes.ts';
import type { HttpCycle } from '../../http/cycle.ts';
import { runPhases } from '../../http/engine.ts';
import { finalizeRequest, runPostedRequests } from '../../http/finalize.ts';
import { internalRedirect, namedLocation } from '../../http/redirect.ts';
import type { HttpRequest } from '../../http/request.ts';
import { LOG_ERR } from '../../log/log.ts';
import { beginActivity, endActivity } from '../../net/activity.ts';
import type { UserHandler } from '../phase-handlers.ts';
import type { BodyPiece } from './body.ts';
import { HandlerExit } from './exit.ts';
import { ModuleFailure, type ModuleFile } from './loader.ts';
import { Ngx } from './ngx.ts';

/** A handler: the default export of its module. */
export type Handler = (ngx: Ngx) => unknown;

/** The default export of a body filter's module. It may change the piece, and must not wait. */
export type BodyFilterHandler = (ngx: Ngx, piece: BodyPiece) => void;

const NOTHING: readonly unknown[] = [];

/** What a handler file exports. */
export interface HandlerModule {
  readonly default?: (ngx: Ngx, ...rest: readonly unknown[]) => unknown;
}

/** The request's ngx object: one for all its handlers, so that `ngx.ctx` is shared. */
function ngxOf(ctx: ApiContext): Ngx {
  let ngx = ctx.typescript as Ngx | undefined;
  if (ngx === undefined) ctx.typescript = ngx = new Ngx(ctx);
  return ngx;
}

/** A file as a handler of the phases that may wait. */
export function handlerOfFile(file: ModuleFile<HandlerModule>, directive: string): UserHandler {
  return {
    needBody: false,
    start(r, ctx) {
      ctx.exited = false;
      ctx.execUri = '';
      const phase = ctx.phase;
      let result: unknown;
      try {
        result = call(file, ctx, NOTHING);
      } catch (error) {
        return leave(r, ctx, directive, error);
      }
      if (!isPromise(result)) return leave(r, ctx, directive, undefined);
      result.then(
        () => goOn(r, ctx, phase, directive, undefined),
        (error: unknown) => goOn(r, ctx, phase, directive, error ?? new Error('rejected without a reason')),
      );
      return AGAIN;
    },
  };
}

/**
 * Loads the files of phases that cannot wait, while the request still can. A file that cannot be loaded is reported
 * when its phase comes.
 * @returns undefined when all are loaded
 */
export function loadAhead(
  r: HttpRequest,
  phase: number,
  files: readonly (ModuleFile<HandlerModule> | undefined)[],
): UserHandler | undefined {
  const loads = files.map((file) => file?.load()).filter(isPromise);
  // While it waits it must be found again, although by then all may be loaded.
  if (loads.length === 0 && contextOf(r).entered !== phase) return undefined;
  return {
    needBody: false,
    start(again, ctx) {
      void Promise.allSettled(loads).then(() => goOn(again, ctx, phase, '', undefined));
      return AGAIN;
    },
  };
}

function isPromise(v: unknown): v is Promise<unknown> {
  return typeof v === 'object' && v !== null && typeof (v as Promise<unknown>).then === 'function';
}

/** Calls the handler: at once when its module is loaded, else when it is. */
function call(file: ModuleFile<HandlerModule>, ctx: ApiContext, rest: readonly unknown[]): unknown {
  const module = file.load();
  return isPromise(module) ? module.then((loaded) => invoke(file, loaded, ctx, rest)) : invoke(file, module, ctx, rest);
}

function invoke(
  file: ModuleFile<HandlerModule>,
  module: HandlerModule,
  ctx: ApiContext,
  rest: readonly unknown[],
): unknown {
  if (typeof module.default !== 'function') {
    throw new ModuleFailure(`${file.path} has no default export that is a function (ngx) => ...`);
  }
  return module.default(ngxOf(ctx), ...rest);
}

/** An asynchronous handler has ended. */
function goOn(r: HttpRequest, ctx: ApiContext, phase: number, directive: string, error: unknown): void {
  if (r.freed) return;
  const c = r.connection;
  if (phase === IN_CONTENT) finalizeRequest(r, leave(r, ctx, directive, error));
  else {
    ctx.resumeHandler = () => leave(r, ctx, directive, error);
    runPhases(r);
  }
  runPostedRequests(c);
}

/** What a handler's end means to nginx's engine. */
function leave(r: HttpRequest, ctx: ApiContext, directive: string, error: unknown): number {
  if (error !== undefined && !(error instanceof HandlerExit)) return failed(r, ctx, directive, error);
  if (ctx.exited) return exitResult(r, ctx);
  if (ctx.execUri !== '') {
    const { execUri, execArgs } = ctx;
    const rc = execUri.startsWith('@') ? namedLocation(r, execUri) : internalRedirect(r, execUri, execArgs);
    return rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE ? rc : DONE;
  }
  if (ctx.entered === IN_CONTENT) {
    const rc = sendChain(r, ctx, null);
    if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
  }
  return OK;
}

function describe(error: unknown): string {
  if (error instanceof ModuleFailure) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function failed(r: HttpRequest, ctx: ApiContext, directive: string, error: unknown): number {
  r.log(LOG_ERR, `${directive} handler failed: ${describe(error)}`);
  return r.headerSent || ctx.headerSent ? ERROR : HTTP_INTERNAL_SERVER_ERROR;
}

/** What a handler of a phase that cannot wait gave; undefined when it failed (logged). */
export type Outcome = { readonly value: unknown } | undefined;

/**
 * Runs a handler in a phase that cannot wait: header and body filter, balancer, log. Its promise, if it gives one, is only
 * watched for errors. See loadAhead for its file.
 */
export function runAtOnce(
  r: HttpRequest,
  file: ModuleFile<HandlerModule>,
  phase: number,
  directive: string,
  ...rest: readonly unknown[]
): Outcome {
  const ctx = contextOf(r);
  return runIn(ctx, phase, directive, () => call(file, ctx, rest));
}

function runIn(ctx: ApiContext, phase: number, directive: string, fn: () => unknown): Outcome {
  const beforePhase = ctx.phase;
  ctx.phase = phase;
  const before = enter(ctx);
  const report = (error: unknown): void => {
    if (!(error instanceof HandlerExit)) ctx.log(LOG_ERR, `${directive} handler failed: ${describe(error)}`);
  };
  try {
    const value = fn();
    if (isPromise(value)) value.then(undefined, report);
    return { value };
  } catch (error) {
    report(error);
    return error instanceof HandlerExit ? { value: undefined } : undefined;
  } finally {
    enter(before);
    ctx.phase = beforePhase;
  }
}

/** Loads a file of a phase that cannot wait, when there is no request to do it. What is wrong with it is logged. */
export function loadForLater(http: HttpCycle, file: ModuleFile<HandlerModule>, directive: string): void {
  Promise.resolve(file.load()).catch((error: unknown) => {
    http.cycle.log.write(LOG_ERR, `${directive} handler failed: ${describe(error)}`);
  });
}

/**
 * Runs a handler when a worker starts or ends, without a request. One that starts may wait; meanwhile the worker serves.
 */
export function runWorkerHook(
  http: HttpCycle,
  file: ModuleFile<HandlerModule>,
  phase: typeof IN_INIT_WORKER | typeof IN_EXIT_WORKER,
  directive: string,
): void {
  const ctx = new ApiContext(undefined, http, http.cycle.log);
  ctx.phase = phase;
  ctx.mayWait = phase === IN_INIT_WORKER && !strictOutside(http);
  // The phase lasts as long as the handler waits.
  const outcome = runIn(ctx, phase, directive, () => call(file, ctx, []));
  if (!isPromise(outcome?.value)) {
    ctx.end();
    return;
  }
  beginActivity();
  const end = (): void => {
    ctx.end();
    endActivity();
  };
  outcome.value.then(end, end);
}

/** A handler that runs beside its request, in a phase that waits where `lua_strict_phases` is off. */
export interface BesideRun {
  readonly ctx: ApiContext;
  /** It waits; when it has ended `ended` is called. */
  waiting: boolean;
  /** It ended by an error, which has been logged. */
  failed: boolean;
}

/**
 * Runs a handler in a filter, the balancer or the log phase, and lets it wait.
 * @param ended called when it has ended after waiting, also when the request is gone
 */
export function runBeside(
  r: HttpRequest,
  file: ModuleFile<HandlerModule>,
  phase: number,
  directive: string,
  ended: (run: BesideRun) => void,
  ...rest: readonly unknown[]
): BesideRun {
  const ctx = new ApiContext(r, r.http);
  ctx.phase = phase;
  ctx.mayWait = true;
  ctx.outlives = phase === IN_LOG;
  ctx.typescript = new Ngx(ctx, ngxOf(contextOf(r)).ctx);
  const run: BesideRun = { ctx, waiting: false, failed: false };
  const settle = (error: unknown): void => {
    if (error !== undefined && !(error instanceof HandlerExit)) {
      run.failed = true;
      r.log(LOG_ERR, `${directive} handler failed: ${describe(error)}`);
    }
    if (!run.waiting) return;
    run.waiting = false;
    ended(run);
  };
  const before = enter(ctx);
  try {
    const result = call(file, ctx, rest);
    if (!isPromise(result)) return run;
    run.waiting = true;
    result.then(
      () => settle(undefined),
      (error: unknown) => settle(error ?? new Error('rejected without a reason')),
    );
  } catch (error) {
    settle(error);
  } finally {
    enter(before);
  }
  return run;
}
