/**
 * Lua in the phases that never wait: header and body filters, log, set, and the start and end of workers.
 * ngx_lua: ngx_http_lua_headerfilterby.c, _bodyfilterby.c, _logby.c, _setby.c, _initworkerby.c, _exitworkerby.c.
 */
import { ApiContext, apiModule, contextOf } from '../../api/context.ts';
import {
  IN_BODY_FILTER,
  type IN_EXIT_WORKER,
  IN_HEADER_FILTER,
  IN_INIT_WORKER,
  IN_LOG,
  IN_SET,
} from '../../api/phase.ts';
import type { Block } from '../../conf/block.ts';
import type { Chain } from '../../http/buf.ts';
import { AGAIN, DECLINED, ERROR, HTTP_SPECIAL_RESPONSE, OK } from '../../http/codes.ts';
import type { HeaderFilter } from '../../http/cycle.ts';
import type { HttpRequest } from '../../http/request.ts';
import { filterFinalize } from '../../http/special-response.ts';
import { LOG_DEBUG, LOG_ERR } from '../../log/log.ts';
import type { LuaValue } from '../../lua/index.ts';
import type { BodyFilters } from '../held-output.ts';
import { LoadFailure, type LuaCode } from './code.ts';
import { addCleanup, loadCode } from './handlers.ts';
import { luaModule } from './module.ts';
import { callProtected, LuaRun } from './run.ts';
import { runOf, sharedState } from './vm.ts';
import { startWorkerCode, waitingBodyFilter, waitingHeaderFilter, waitingLog } from './waiting-phases.ts';

/** What a phase that never waits gave: its first result, or undefined after an error (logged). */
type Outcome = { readonly value: LuaValue } | undefined;

/** Calls code in a phase that never waits, with errors logged as `failed to run NAME*: ...`. */
export function runCode(r: HttpRequest, code: LuaCode, phase: number, name: string, args: LuaValue[]): Outcome {
  const run = runOf(r);
  const closure = loadCode(r, run, code);
  if (typeof closure === 'number') return undefined;
  const ctx = run.ctx;
  const before = ctx.phase;
  ctx.phase = phase;
  try {
    const result = callProtected(run, closure, args);
    if (result.ok) return { value: result.values[0] };
    r.log(LOG_ERR, `failed to run ${name}*: ${result.message}`);
    return undefined;
  } finally {
    ctx.phase = before;
  }
}

/** header_filter_by_lua. @param body where output goes that waits */
export function headerFilter(r: HttpRequest, next: HeaderFilter, body: BodyFilters): number {
  const location = luaModule.location(r);
  if (location.bodyFilter !== undefined) {
    r.filterNeedInMemory = true;
    r.endApart = true;
  }
  const code = location.headerFilter;
  if (r.connection.errorLog.level >= LOG_DEBUG) {
    r.log(LOG_DEBUG, `lua header filter for user lua code, uri "${r.uri}"`);
  }
  if (code === undefined) return next(r);
  if (!apiModule.location(r).strictPhases) return waitingHeaderFilter(r, code, next, body);
  const ctx = contextOf(r);
  const exitedBefore = ctx.exited ? ctx.exitCode : 0;
  addCleanup(r, runOf(r));
  if (runCode(r, code, IN_HEADER_FILTER, 'header_filter_by_lua', []) === undefined) return ERROR;
  if (ctx.exited && ctx.exitCode !== exitedBefore) {
    if (ctx.exitCode === ERROR) return ERROR;
    const rc = filterFinalize(r, apiModule.index, ctx.exitCode);
    return rc === ERROR || rc === AGAIN ? rc : OK;
  }
  return next(r);
}

/** The chain that body_filter_by_lua works on, seen by ngx.arg. */
export let bodyChain: Chain = [];

/** Replaces it: ngx.arg[1] = data. */
export function setBodyChain(chain: Chain): void {
  bodyChain = chain;
}

/** body_filter_by_lua. */
export function bodyFilter(r: HttpRequest, chain: Chain | null, bodies: BodyFilters): number {
  const { next } = bodies;
  const code = luaModule.location(r).bodyFilter;
  if (code === undefined || r.headerOnly) return next(r, chain);
  if (r.connection.errorLog.level >= LOG_DEBUG) {
    r.log(LOG_DEBUG, `lua body filter for user lua code, uri "${r.uri}"`);
  }
  // What comes behind the end that the filter declared is dropped.
  if (chain === null || contextOf(r).seenLastInFilter) return next(r, null);
  if (!apiModule.location(r).strictPhases) return waitingBodyFilter(r, chain, code, bodies);
  addCleanup(r, runOf(r));
  const before = bodyChain;
  bodyChain = chain;
  let out: Chain;
  try {
    const outcome = runCode(r, code, IN_BODY_FILTER, 'body_filter_by_lua', []);
    if (outcome === undefined) return ERROR;
    const rc = typeof outcome.value === 'number' ? outcome.value : OK;
    if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return ERROR;
    out = bodyChain;
  } finally {
    bodyChain = before;
  }
  // Nothing is left of this chain: nothing to pass on.
  return out !== chain && out.length === 0 ? OK : next(r, out);
}

/** log_by_lua. */
export function logHandler(r: HttpRequest): number {
  const code = luaModule.location(r).log;
  if (code === undefined) return DECLINED;
  const ctx = contextOf(r);
  if (ctx.debugging) ctx.debug(`lua log handler, uri:"${r.uri}" c:${r.main.count}`);
  if (!apiModule.location(r).strictPhases) {
    waitingLog(r, code);
    return OK;
  }
  runCode(r, code, IN_LOG, 'log_by_lua', []);
  return OK;
}

/** Arguments of the set_by_lua that runs, seen by ngx.arg. */
export let setArguments: readonly string[] = [];

export function setSetArguments(args: readonly string[]): void {
  setArguments = args;
}

/** A variable's value of what set_by_lua returned. */
export function variableValue(value: LuaValue): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/**
 * set_by_lua: the first result as the variable's value, '' for nil.
 * @returns undefined after an error (logged): the request ends with 500
 */
export function runSet(r: HttpRequest, code: LuaCode, args: readonly string[]): string | undefined {
  const before = setArguments;
  setArguments = args;
  try {
    const outcome = runCode(r, code, IN_SET, 'set_by_lua', [...args]);
    if (outcome === undefined) return undefined;
    return variableValue(outcome.value);
  } finally {
    setArguments = before;
  }
}

/** init_worker_by_lua and exit_worker_by_lua. @param mayWait see startWorkerCode */
export function runWorkerHook(
  block: Block,
  code: LuaCode | undefined,
  phase: typeof IN_INIT_WORKER | typeof IN_EXIT_WORKER,
  mayWait = false,
): void {
  if (code === undefined) return;
  const name = (phase === IN_INIT_WORKER ? 'init_worker_by_lua' : 'exit_worker_by_lua') + code.suffix;
  const ctx = new ApiContext(undefined, block, block.cycle.log);
  ctx.phase = phase;
  const state = sharedState(block);
  const run = new LuaRun(ctx, state);
  try {
    const closure = code.load(state, undefined, true);
    if (mayWait) {
      startWorkerCode(ctx, state, closure, name);
      return;
    }
    const result = callProtected(run, closure, []);
    if (!result.ok) ctx.log(LOG_ERR, `${name} error: ${result.message}`);
  } catch (error) {
    if (!(error instanceof LoadFailure)) throw error;
    ctx.log(LOG_ERR, `${name} error: ${error.reason}`);
  }
  ctx.end();
}
