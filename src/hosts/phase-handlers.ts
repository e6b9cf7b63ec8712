/**
 * User code in the phases that may wait: what nginx's engine sees of it, whatever the language. A host says how to
 * start the code; these handlers enter and re-enter it and translate its end into nginx's result codes.
 * ngx_lua: ngx_http_lua_rewriteby.c, _accessby.c, _precontentby.c, _contentby.c.
 */
import { type ApiContext, contextOf } from '../api/context.ts';
import { flushed, sendChain } from '../api/output.ts';
import { IN_ACCESS, IN_CONTENT, type IN_PRECONTENT, IN_REWRITE, IN_SERVER_REWRITE } from '../api/phase.ts';
import { AGAIN, DECLINED, DONE, ERROR, HTTP_OK, HTTP_SPECIAL_RESPONSE, OK } from '../http/codes.ts';
import { runPhases } from '../http/engine.ts';
import { finalizeRequest } from '../http/finalize.ts';
import type { HttpRequest } from '../http/request.ts';

/** One handler configured for a location, in one language. */
export interface UserHandler {
  /**
   * Starts the code with the context reset for this phase.
   * @returns AGAIN while it waits (the host re-enters through ctx.resumeHandler), DONE when an internal redirect or
   *   another finalization took the request over, else OK, DECLINED, ERROR or a status
   */
  start(r: HttpRequest, ctx: ApiContext): number;
  /** Read the request body first (lua_need_request_body). */
  readonly needBody: boolean;
}

/** Makes the phase handler that runs what `find` gives for the request's location. */
export function phaseHandler(
  phase: typeof IN_SERVER_REWRITE | typeof IN_REWRITE | typeof IN_ACCESS | typeof IN_PRECONTENT,
  find: (r: HttpRequest) => UserHandler | undefined,
): (r: HttpRequest) => number {
  const rewrites = phase === IN_REWRITE || phase === IN_SERVER_REWRITE;
  // In the access phase OK lets the request in; elsewhere it means "go on".
  const passed = phase === IN_ACCESS ? OK : DECLINED;
  return (r) => {
    if (rewrites && r.uriChanged) return DECLINED;
    const handler = find(r);
    if (handler === undefined) return DECLINED;
    const ctx = contextOf(r);
    let rc: number;
    if (ctx.entered === phase) rc = reenter(r, ctx);
    else {
      if (ctx.waitingMoreBody) return DONE;
      if (handler.needBody && !ctx.readBodyDone) {
        const read = readBody(r, ctx, (again) => {
          again.main.count--;
          if (resumesBody(ctx)) runPhases(again);
        });
        if (read !== OK) return read;
      }
      ctx.entered = phase;
      ctx.phase = phase;
      ctx.resumeHandler = undefined;
      rc = handler.start(r, ctx);
      if (rc === AGAIN) return DONE;
    }
    if (rc === DONE || rc === ERROR || rc > OK) return rc;
    if (rc !== OK && phase === IN_ACCESS) return DECLINED;
    return finished(r, ctx, passed);
  };
}

/** The code has run to its end without deciding anything. */
function finished(r: HttpRequest, ctx: ApiContext, passed: number): number {
  if (r.headerSent || (r.headersOut.status !== 0 && ctx.out.length > 0)) {
    // A response was begun: later phases must not make another one.
    if (!ctx.eof) {
      const rc = sendChain(r, ctx, null);
      if (rc === ERROR || rc > OK) return rc;
    }
    return HTTP_OK;
  }
  r.writeEventHandler = runPhases;
  ctx.entered = 0;
  return passed;
}

/** The phase engine came back to a handler that waits. */
function reenter(r: HttpRequest, ctx: ApiContext): number {
  const resume = ctx.resumeHandler;
  ctx.resumeHandler = undefined;
  if (resume !== undefined) return resume(r);
  // Not what it waits for: the client's socket drained.
  flushed(r, ctx);
  return DONE;
}

/** The content handler of a location. */
export function contentHandler(find: (r: HttpRequest) => UserHandler): (r: HttpRequest) => number {
  const run = (r: HttpRequest): number => {
    const handler = find(r);
    const ctx = contextOf(r);
    if (ctx.waitingMoreBody) return DONE;
    if (ctx.entered === IN_CONTENT) return reenter(r, ctx);
    if (handler.needBody && !ctx.readBodyDone) {
      const read = readBody(r, ctx, (again) => {
        // While it waited the content handler gave its claim on the request to the body's reader.
        if (resumesBody(ctx)) finalizeRequest(again, run(again));
        else again.main.count--;
      });
      if (read !== OK) return read;
    }
    ctx.entered = IN_CONTENT;
    ctx.phase = IN_CONTENT;
    ctx.resumeHandler = undefined;
    ctx.writable = contentWritable;
    r.writeEventHandler = contentWritable;
    const rc = handler.start(r, ctx);
    if (rc === AGAIN || rc === DONE) return waitInContent(r, rc);
    return rc;
  };
  return run;
}

/** The handler waits, and keeps a claim on the request meanwhile. */
function waitInContent(r: HttpRequest, rc: number): number {
  if (rc === AGAIN) r.main.count++;
  return DONE;
}

function contentWritable(r: HttpRequest): void {
  flushed(r, contextOf(r));
}

/** Reads the whole body before the code runs. Returns OK when it is there, DONE when it will come, or a status. */
function readBody(r: HttpRequest, ctx: ApiContext, then: (r: HttpRequest) => void): number {
  r.requestBodyInSingleBuf = true;
  r.requestBodyInPersistentFile = true;
  r.requestBodyInCleanFile = true;
  const rc = r.connection.readBody(r, then);
  if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
  if (rc !== AGAIN) return OK;
  ctx.waitingMoreBody = true;
  return DONE;
}

/** The body has been read; true when the handler had to wait for it. */
function resumesBody(ctx: ApiContext): boolean {
  const waited = ctx.waitingMoreBody;
  ctx.readBodyDone = true;
  ctx.waitingMoreBody = false;
  return waited;
}
