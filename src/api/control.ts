/** ngx.exit, ngx.exec, ngx.redirect: leaving a handler. ngx_lua: ngx_http_lua_control.c. */
import {
  AGAIN,
  DONE,
  ERROR,
  HTTP_CLIENT_CLOSED_REQUEST,
  HTTP_CLOSE,
  HTTP_MOVED_PERMANENTLY,
  HTTP_MOVED_TEMPORARILY,
  HTTP_OK,
  HTTP_PERMANENT_REDIRECT,
  HTTP_REQUEST_TIME_OUT,
  HTTP_SEE_OTHER,
  HTTP_SPECIAL_RESPONSE,
  HTTP_TEMPORARY_REDIRECT,
} from '../http/codes.ts';
import { splitArgs } from '../http/redirect.ts';
import { LOG_ERR } from '../log/log.ts';
import { type ApiContext, requireContext, requireRequest } from './context.ts';
import { apiError } from './error.ts';
import {
  IN_ACCESS,
  IN_BALANCER,
  IN_CONTENT,
  IN_HEADER_FILTER,
  IN_PRECONTENT,
  IN_PREREAD,
  IN_PROXY_SSL_CERT,
  IN_PROXY_SSL_VERIFY,
  IN_REWRITE,
  IN_SERVER_REWRITE,
  IN_SSL_CERT,
  IN_SSL_CLIENT_HELLO,
  IN_SSL_SESSION_FETCH,
  IN_SSL_SESSION_STORE,
  IN_TIMER,
} from './phase.ts';
import { unsafeByte } from './uri.ts';

const EXIT_PHASES =
  IN_REWRITE |
  IN_SERVER_REWRITE |
  IN_ACCESS |
  IN_PRECONTENT |
  IN_CONTENT |
  IN_PREREAD |
  IN_TIMER |
  IN_HEADER_FILTER |
  IN_BALANCER |
  IN_PROXY_SSL_CERT |
  IN_PROXY_SSL_VERIFY |
  IN_SSL_CLIENT_HELLO |
  IN_SSL_CERT |
  IN_SSL_SESSION_STORE |
  IN_SSL_SESSION_FETCH;

const JUMP_PHASES = IN_REWRITE | IN_SERVER_REWRITE | IN_ACCESS | IN_PRECONTENT | IN_CONTENT;

/** Statuses that end the connection rather than answer. */
export function isAbort(status: number): boolean {
  return status === HTTP_CLOSE || status === HTTP_REQUEST_TIME_OUT || status === HTTP_CLIENT_CLOSED_REQUEST;
}

function checkAbortable(ctx: ApiContext): void {
  if (ctx.noAbort > 0) apiError('attempt to abort with pending subrequests');
}

/**
 * ngx.exit(status). Notes how the handler ends.
 * @returns true when the handler must stop here; false in filters and the balancer, where code goes on
 */
export function exit(status: number): boolean {
  if (status === AGAIN || status === DONE) {
    apiError("bad argument to 'ngx.exit': does not accept NGX_AGAIN or NGX_DONE");
  }
  const ctx = requireContext();
  ctx.check(EXIT_PHASES);
  if (status !== ERROR && !isAbort(status)) checkAbortable(ctx);
  const r = ctx.r;
  if (r !== undefined && ctx.headGone && status >= HTTP_SPECIAL_RESPONSE && !isAbort(status)) {
    if (status !== r.headersOut.status) {
      r.log(
        LOG_ERR,
        `attempt to set status ${status} via ngx.exit after sending out the response status ${r.headersOut.status}`,
      );
    }
    status = HTTP_OK;
  }
  if (ctx.debugging) ctx.debug(`lua exit with code ${status}`);
  ctx.exitCode = status;
  ctx.exited = true;
  return (ctx.phase & (IN_HEADER_FILTER | IN_BALANCER | IN_SSL_SESSION_STORE)) === 0;
}

/** ngx.exec(uri, args), the arguments already joined into a query string. The handler must stop. */
export function exec(uri: string, args: string): void {
  if (uri === '') apiError('The uri argument is empty');
  const ctx = requireRequest(JUMP_PHASES);
  checkAbortable(ctx);
  const target = splitArgs(uri);
  const own = target.args;
  uri = target.uri;
  if (isUnsafe(uri)) {
    ctx.log(LOG_ERR, `unsafe URI "${uri}" was detected`);
    apiError('unsafe uri');
  }
  if (ctx.r.headerSent || ctx.headerSent) apiError('attempt to call ngx.exec after sending out response headers');
  ctx.execUri = uri;
  ctx.execArgs = own === '' ? args : args === '' ? own : `${own}&${args}`;
  if (ctx.debugging) ctx.debug(`lua exec "${uri}?${ctx.execArgs}"`);
}

/** Paths that nginx refuses to redirect to: with `..` as a segment, or a NUL. nginx: ngx_http_parse_unsafe_uri(). */
export function isUnsafe(uri: string): boolean {
  return uri.includes('\0') || (uri.includes('..') && /(?:^|\/)\.\.(?:\/|$)/.test(uri));
}

/** ngx.redirect(uri, status = 302). The handler must stop. */
export function redirect(uri: string, status: number = HTTP_MOVED_TEMPORARILY): void {
  switch (status) {
    case HTTP_MOVED_TEMPORARILY:
    case HTTP_MOVED_PERMANENTLY:
    case HTTP_SEE_OTHER:
    case HTTP_PERMANENT_REDIRECT:
    case HTTP_TEMPORARY_REDIRECT:
      break;
    default:
      apiError(
        'only ngx.HTTP_MOVED_TEMPORARILY, ngx.HTTP_MOVED_PERMANENTLY, ngx.HTTP_PERMANENT_REDIRECT, ' +
          'ngx.HTTP_SEE_OTHER, and ngx.HTTP_TEMPORARY_REDIRECT are allowed',
      );
  }
  const ctx = requireRequest(JUMP_PHASES);
  checkAbortable(ctx);
  const r = ctx.r;
  if (r.headerSent || ctx.headerSent) apiError('attempt to call ngx.redirect after sending out the headers');
  const bad = unsafeByte(uri);
  if (bad !== undefined) {
    apiError(`unsafe byte "0x${bad.byte.toString(16).padStart(2, '0')}" in redirect uri "${bad.escaped}"`);
  }
  r.headersOut.list.add('Location', uri, 'location');
  // A path stays as it is: user code decides, not absolute_redirect.
  r.headersOut.locationAsIs = true;
  r.headersOut.status = status;
  if (ctx.debugging) ctx.debug(`lua redirect to "${uri}" with code ${status}`);
  ctx.exitCode = status;
  ctx.exited = true;
}
