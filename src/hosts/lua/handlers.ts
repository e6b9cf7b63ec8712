/** Lua in the phases that may wait: rewrite, access, precontent, content and server_rewrite. */
import { watchClient } from '../../api/abort.ts';
import type { ApiContext } from '../../api/context.ts';
import { IN_CONTENT, phaseName } from '../../api/phase.ts';
import { AGAIN, DONE, ERROR, OK } from '../../http/codes.ts';
import { finalizeRequest } from '../../http/finalize.ts';
import type { HttpRequest } from '../../http/request.ts';
import { LOG_ERR } from '../../log/log.ts';
import type { LuaFunction } from '../../lua/index.ts';
import type { UserHandler } from '../phase-handlers.ts';
import { LoadFailure, type LuaCode } from './code.ts';
import { luaModule } from './module.ts';
import { finalizeThreads, type LuaRun, resetRun, runThread, startEntry } from './run.ts';
import { runOf } from './vm.ts';

/** The closure of a handler; a status when it cannot be loaded (logged). */
export function loadCode(r: HttpRequest, run: LuaRun, code: LuaCode): LuaFunction | number {
  try {
    return code.load(run.state, r, luaModule.location(r).codeCache);
  } catch (error) {
    if (!(error instanceof LoadFailure)) throw error;
    r.log(LOG_ERR, error.message);
    return error.status;
  }
}

/** Has the request's light threads ended when it is freed. */
export function addCleanup(r: HttpRequest, run: LuaRun): void {
  if (run.ctx.cleanupAdded) return;
  run.ctx.cleanupAdded = true;
  r.addCleanup(() => {
    run.ctx.cleanupAdded = false;
    finalizeThreads(run);
  });
}

const handlers = new WeakMap<LuaCode, UserHandler[]>();

/** The code as a handler of the phases that may wait. */
export function handlerOf(code: LuaCode | undefined, needBody: boolean): UserHandler | undefined {
  if (code === undefined) return undefined;
  let pair = handlers.get(code);
  if (pair === undefined) {
    pair = [makeHandler(code, false), makeHandler(code, true)];
    handlers.set(code, pair);
  }
  return pair[needBody ? 1 : 0];
}

function makeHandler(code: LuaCode, needBody: boolean): UserHandler {
  return {
    needBody,
    start(r: HttpRequest, ctx: ApiContext): number {
      const run = runOf(r);
      const phase = ctx.phase;
      if (ctx.debugging)
        ctx.debug(`lua ${phaseName(phase).replace('_', ' ')} handler, uri:"${r.uri}" c:${r.main.count}`);
      const closure = loadCode(r, run, code);
      if (typeof closure === 'number') return closure;
      resetRun(run);
      ctx.entered = phase;
      addCleanup(r, run);
      ctx.watchesClient = luaModule.location(r).checkClientAbort;
      if (ctx.watchesClient) ctx.stop ??= () => finalizeThreads(run);
      watchClient(r, ctx);
      return drive(r, run, startEntry(run, closure), phase === IN_CONTENT);
    },
  };
}

/** Runs what the entry thread posted. Each internal redirect on the way (DONE) holds a claim on the request. */
function drive(r: HttpRequest, run: LuaRun, rc: number, content: boolean): number {
  // Declining in the content phase leaves no content: nginx has nothing to send then.
  if (content && rc < ERROR && rc !== AGAIN && rc !== DONE) return OK;
  if (rc !== AGAIN && rc !== DONE) return rc;
  let claims = rc === DONE ? 1 : 0;
  for (let next = run.posted.shift(); next !== undefined; next = run.posted.shift()) {
    if (r.freed) break;
    if (next.thread.status !== 'running') continue;
    const result = runThread(run, next.thread, next.args);
    if (result === AGAIN) continue;
    if (result === DONE) {
      claims++;
      continue;
    }
    if (result === OK || !content) release(r, claims);
    return result;
  }
  if (!content) {
    release(r, claims);
    return DONE;
  }
  if (claims === 0) return AGAIN;
  release(r, claims - 1);
  return DONE;
}

function release(r: HttpRequest, claims: number): void {
  for (; claims > 0; claims--) finalizeRequest(r, DONE);
}
