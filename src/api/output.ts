/**
 * ngx.print, ngx.say, ngx.send_headers, ngx.flush, ngx.eof: the response that user code generates.
 * ngx_lua: ngx_http_lua_output.c, ngx_http_lua_send_chain_link().
 */
import { type Chain, chainSize, flagBuf, memoryBuf } from '../http/buf.ts';
import { ERROR, HTTP_NOT_MODIFIED, HTTP_OK, HTTP_SPECIAL_RESPONSE, OK } from '../http/codes.ts';
import { coreModule } from '../http/core/module.ts';
import { clearAcceptRanges, clearContentLength, outputFilter, sendHeader } from '../http/output.ts';
import { BUFFERED_BY_CODE, HTTP_VERSION_11, type HttpRequest, METHOD_HEAD } from '../http/request.ts';
import { type ApiContext, apiModule, contextOf, current, requireContext, requireRequest } from './context.ts';
import { apiError } from './error.ts';
import { IN_ACCESS, IN_CONTENT, IN_PRECONTENT, IN_PREREAD, IN_REWRITE, IN_SERVER_REWRITE } from './phase.ts';
import { endSessionOutput, flushSession, printToSession } from './session-output.ts';
import type { Suspension } from './suspension.ts';

/** Where the response may be generated. */
export const OUTPUT_PHASES = IN_REWRITE | IN_SERVER_REWRITE | IN_ACCESS | IN_PRECONTENT | IN_CONTENT | IN_PREREAD;

/** Options of the lua_* directives that concern output. */
export interface OutputOptions {
  readonly http10Buffering: boolean;
  readonly useDefaultType: boolean;
}

let optionsOf: (r: HttpRequest) => OutputOptions = () => ({ http10Buffering: true, useDefaultType: true });

/** The host module tells how to find its location's options. */
export function setOutputOptions(find: (r: HttpRequest) => OutputOptions): void {
  optionsOf = find;
}

/** The response header, when it has not been sent. Returns OK, AGAIN, ERROR or a status. */
export function sendHeaderIfNeeded(r: HttpRequest, ctx: ApiContext): number {
  if (r.headerSent || ctx.headerSent) return OK;
  const out = r.headersOut;
  if (out.status === 0) out.status = HTTP_OK;
  if (!ctx.mimeSet && out.status !== HTTP_NOT_MODIFIED && optionsOf(r).useDefaultType) setDefaultType(r, ctx);
  if (!ctx.headersSet) {
    clearContentLength(r);
    clearAcceptRanges(r);
  }
  if (ctx.buffering) return OK;
  const rc = sendHeader(r);
  if (r.filterFinalize) apiModule.setContext(r, ctx);
  ctx.headerSent = true;
  return rc;
}

/** Content-Type by the location's default_type and types, unless one is set. */
export function setDefaultType(r: HttpRequest, ctx: ApiContext): void {
  ctx.mimeSet = true;
  if (r.headersOut.contentType !== '') return;
  const location = coreModule.location(r);
  const type = (r.exten !== '' ? location.types.get(r.exten.toLowerCase()) : undefined) ?? location.defaultType;
  r.headersOut.contentType = type;
  r.headersOut.contentTypeKey = type;
}

/** Sends pieces of the response body; null ends the response. Returns OK, AGAIN, ERROR or a status. */
export function sendChain(r: HttpRequest, ctx: ApiContext, chain: Chain | null): number {
  if (ctx.acquiredRawSocket || ctx.eof) return OK;
  if (r.method === METHOD_HEAD) r.headerOnly = true;
  if (
    !ctx.buffering &&
    !r.headerSent &&
    !ctx.headerSent &&
    r.httpVersion < HTTP_VERSION_11 &&
    r.headersOut.contentLength < 0 &&
    optionsOf(r).http10Buffering
  ) {
    ctx.buffering = true;
  }
  let rc = sendHeaderIfNeeded(r, ctx);
  if (rc === ERROR || rc > OK) return rc;
  if (r.headerOnly) {
    ctx.eof = true;
    if (r.requestBody === undefined && r === r.main && r.connection.discardBody(r) !== OK) return ERROR;
    return ctx.buffering ? sendBufferedHeader(r, ctx) : rc;
  }
  if (chain !== null) {
    if (!ctx.buffering) return output(r, chain);
    if (ctx.debugging) ctx.debug('lua buffering output bufs for the HTTP 1.0 request');
    ctx.out.push(...chain);
    return OK;
  }
  if (r.requestBody === undefined && r === r.main && r.connection.discardBody(r) !== OK) return ERROR;
  if (ctx.buffering) {
    rc = sendBufferedHeader(r, ctx);
    if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
    if (ctx.out.length > 0) {
      rc = output(r, ctx.out);
      if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
      ctx.out = [];
    }
  }
  ctx.eof = true;
  const b = flagBuf();
  if (r === r.main) b.lastBuf = true;
  else b.sync = true;
  b.lastInChain = true;
  rc = output(r, [b]);
  return rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE ? rc : OK;
}

/** The header of a response that was held back to learn its length. */
function sendBufferedHeader(r: HttpRequest, ctx: ApiContext): number {
  if (r.headerSent || ctx.headerSent) return OK;
  if (!r.headerOnly || ctx.out.length > 0) {
    clearContentLength(r);
    r.headersOut.contentLength = chainSize(ctx.out);
  }
  if (ctx.debugging) ctx.debug('lua sending HTTP 1.0 response headers');
  const rc = sendHeader(r);
  ctx.headerSent = true;
  return rc;
}

/**
 * Output of user code goes out although subrequests of the request are pending: location.capture gathers theirs, so
 * the order is that of the calls. ngx_lua: ngx_http_lua_output_filter().
 */
function output(r: HttpRequest, chain: Chain): number {
  const c = r.connection;
  const active = c.active;
  if (active === r) return outputFilter(r, chain);
  c.active = r;
  const rc = outputFilter(r, chain);
  c.active = active;
  return rc;
}

/** undefined on success, else the error text that the Lua functions give as their second result. */
export type OutputResult = undefined | string;

/** The current context, where output may be made: that of a request, or of a stream session. */
function requireOutput(): ApiContext {
  const ctx = requireContext();
  ctx.check(OUTPUT_PHASES);
  if (ctx.r === undefined && ctx.session === undefined) apiError('no request found');
  return ctx;
}

/**
 * ngx.print and ngx.say with the text already joined.
 * @returns undefined on success, else "header only", "seen eof", "nginx output filter error"
 * @throws ApiError in a phase that cannot output
 */
export function print(text: string): OutputResult {
  const ctx = requireOutput();
  const r = ctx.r;
  if (r === undefined) return printToSession(ctx, text);
  if (ctx.acquiredRawSocket) return 'raw request socket acquired';
  if (r.headerOnly) return 'header only';
  if (ctx.eof) return 'seen eof';
  const rc = text === '' ? sendHeaderIfNeeded(r, ctx) : sendChain(r, ctx, [memoryBuf(text)]);
  return rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE ? 'nginx output filter error' : undefined;
}

/** ngx.send_headers(). */
export function sendHeaders(): OutputResult {
  const ctx = requireRequest(OUTPUT_PHASES);
  const r = ctx.r;
  if (r.headerSent || ctx.headerSent) return undefined;
  const rc = sendHeaderIfNeeded(r, ctx);
  return rc === ERROR || rc > OK ? 'nginx output filter error' : undefined;
}

/** ngx.eof(). */
export function eof(): OutputResult {
  // Whoever has ended the response may say so again in any phase.
  if (current?.r !== undefined && contextOf(current.r).eof) return 'seen eof';
  const ctx = requireOutput();
  const r = ctx.r;
  if (r === undefined) return endSessionOutput(ctx);
  if (ctx.acquiredRawSocket) return 'raw request socket acquired';
  if (ctx.eof) return 'seen eof';
  const rc = sendChain(r, ctx, null);
  return rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE ? 'nginx output filter error' : undefined;
}

/**
 * ngx.flush(wait). Returns an error text, undefined when everything has left, or a suspension that ends when it has
 * (or when the client is gone, with "client aborted" or "timeout").
 */
export function flush(wait: boolean): OutputResult | Suspension<OutputResult> {
  const ctx = requireOutput();
  const r = ctx.r;
  if (r === undefined) return flushSession(ctx, wait);
  if (ctx.acquiredRawSocket) return 'raw request socket acquired';
  if (r.headerOnly) return 'header only';
  if (ctx.eof) return 'seen eof';
  if (ctx.buffering) {
    if (ctx.debugging) ctx.debug('lua http 1.0 buffering makes ngx.flush() a no-op');
    return 'buffering';
  }
  if (!r.headerSent && !ctx.headerSent) return 'nothing to flush';
  const b = flagBuf();
  b.flush = true;
  const rc = sendChain(r, ctx, [b]);
  if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return 'nginx output filter error';
  const c = r.connection;
  if (!wait || (!c.buffered && (r.buffered & BUFFERED_BY_CODE) === 0)) return undefined;
  if (ctx.debugging) ctx.debug('lua flush requires waiting');
  return {
    start(done) {
      const waiter = () => done(c.timedOut ? 'timeout' : c.error ? 'client aborted' : undefined);
      ctx.flushWaiters = [...ctx.flushWaiters, waiter];
      if (c.buffered) c.armSendTimeout(r);
      return () => {
        ctx.flushWaiters = ctx.flushWaiters.filter((other) => other !== waiter);
      };
    },
  };
}

/**
 * The client's socket took what waited: goes on with those who wait for that. To be called by a host's write event
 * handler. Returns false when output still waits.
 */
export function flushed(r: HttpRequest, ctx: ApiContext): boolean {
  const c = r.connection;
  if ((r.buffered & BUFFERED_BY_CODE) !== 0 && !c.timedOut && !c.error) return false;
  if (c.buffered && !c.timedOut && !c.error) {
    const rc = outputFilter(r, null);
    if (rc !== ERROR && c.buffered) {
      c.armSendTimeout(r);
      return false;
    }
  }
  c.clearSendTimeout();
  const waiters = ctx.flushWaiters;
  if (waiters.length === 0) return true;
  ctx.flushWaiters = [];
  for (const waiter of waiters) waiter();
  return true;
}
