/**
 * Lua in the phases of a session: preread, content and log. stream-lua-nginx-module: ngx_stream_lua_prereadby.c,
 * _contentby.c, _logby.c, ngx_stream_lua_finalize_real_request().
 */
import { watchSession } from '../../../api/abort.ts';
import { sessionContextOf } from '../../../api/context.ts';
import { IN_CONTENT, IN_LOG, IN_PREREAD } from '../../../api/phase.ts';
import { LOG_ERR } from '../../../log/log.ts';
import type { LuaFunction, LuaValue } from '../../../lua/index.ts';
import { AGAIN, DECLINED, DONE, ERROR, OK, STREAM_INTERNAL_SERVER_ERROR, STREAM_OK } from '../../../stream/codes.ts';
import { continuePhase } from '../../../stream/engine.ts';
import { finalizeSession } from '../../../stream/finalize.ts';
import type { StreamSession } from '../../../stream/session.ts';
import { LoadFailure, type LuaCode } from '../code.ts';
import { callProtected, finalizeThreads, type LuaRun, resetRun, runPosted, startEntry } from '../run.ts';
import { sessionRunOf } from '../vm.ts';
import { streamLuaModule } from './module.ts';

/** The closure of a handler; undefined when it cannot be loaded (logged). */
function loadCode(s: StreamSession, run: LuaRun, code: LuaCode): LuaFunction | undefined {
  try {
    return code.load(run.state, s, streamLuaModule.server(s).codeCache);
  } catch (error) {
    if (!(error instanceof LoadFailure)) throw error;
    s.log(LOG_ERR, error.message);
    return undefined;
  }
}

/**
 * Runs the code of a phase that may wait.
 * @param onEnd called with the result when the code has waited
 * @returns DONE when it waits, else OK, ERROR or a code of ngx.exit
 */
function start(
  s: StreamSession,
  code: LuaCode,
  phase: typeof IN_PREREAD | typeof IN_CONTENT,
  onEnd: (rc: number) => void,
): number {
  const run = sessionRunOf(s);
  const { ctx } = run;
  const closure = loadCode(s, run, code);
  if (closure === undefined) return ERROR;
  resetRun(run);
  ctx.entered = phase;
  ctx.phase = phase;
  if (!ctx.cleanupAdded) {
    ctx.cleanupAdded = true;
    s.addCleanup(() => finalizeThreads(run));
  }
  ctx.stop ??= () => finalizeThreads(run);
  if (streamLuaModule.server(s).checkClientAbort) watchSession(s, ctx, (rc) => finalizeLua(s, rc));
  run.onEnd = onEnd;
  const rc = startEntry(run, closure);
  return rc === AGAIN ? runPosted(run) : rc;
}

/** preread_by_lua. */
export function prereadHandler(s: StreamSession): number {
  const code = streamLuaModule.server(s).preread;
  if (code === undefined) return DECLINED;
  const end = (rc: number): number => {
    if (rc !== ERROR && rc <= OK) return rc === OK || rc === DONE ? rc : DECLINED;
    finalizeLua(s, rc);
    return DONE;
  };
  return end(start(s, code, IN_PREREAD, (rc) => continuePhase(s, end(rc))));
}

/** The content handler of servers with content_by_lua. */
export function luaContent(s: StreamSession): void {
  const code = streamLuaModule.server(s).content as LuaCode;
  finalizeLua(
    s,
    start(s, code, IN_CONTENT, (rc) => finalizeLua(s, rc)),
  );
}

/** Ends the session as user code wants it, once what it has sent is on its way. */
function finalizeLua(s: StreamSession, rc: number): void {
  if (rc === DONE || rc === AGAIN) return;
  if (rc === ERROR || rc === DECLINED || rc === STREAM_INTERNAL_SERVER_ERROR) {
    finalizeSession(s, STREAM_INTERNAL_SERVER_ERROR);
    return;
  }
  const status = rc === OK ? STREAM_OK : rc;
  if (!s.buffered) {
    finalizeSession(s, status);
    return;
  }
  s.whenDrained(streamLuaModule.server(s).socketSendTimeout, (timedOut) => {
    finalizeSession(s, timedOut ? STREAM_INTERNAL_SERVER_ERROR : status);
  });
}

/** log_by_lua. */
export function logHandler(s: StreamSession): number {
  const code = streamLuaModule.server(s).log;
  if (code !== undefined) runCode(s, code, IN_LOG, 'log_by_lua');
  return OK;
}

/**
 * Calls code in a phase that never waits.
 * @returns its first result; undefined after an error, which was logged as `failed to run NAME*: ...`
 */
export function runCode(
  s: StreamSession,
  code: LuaCode,
  phase: number,
  name: string,
): { readonly value: LuaValue } | undefined {
  const run = sessionRunOf(s);
  const closure = loadCode(s, run, code);
  if (closure === undefined) return undefined;
  const ctx = sessionContextOf(s);
  const before = ctx.phase;
  ctx.phase = phase;
  try {
    const result = callProtected(run, closure, []);
    if (result.ok) return { value: result.values[0] };
    s.log(LOG_ERR, `failed to run ${name}*: ${result.message}`);
    return undefined;
  } finally {
    ctx.phase = before;
  }
}
