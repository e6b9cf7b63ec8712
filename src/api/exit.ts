/** How ngx.exit ends a handler. ngx_lua: ngx_http_lua_handle_exit(). */
import { ERROR, HTTP_NO_CONTENT, HTTP_OK, HTTP_SPECIAL_RESPONSE, OK } from '../http/codes.ts';
import type { HttpRequest } from '../http/request.ts';
import type { ApiContext } from './context.ts';
import { isAbort } from './control.ts';
import { sendChain } from './output.ts';
import { IN_CONTENT } from './phase.ts';

/** What a handler returns to nginx's engine after ngx.exit(code). */
export function exitResult(r: HttpRequest, ctx: ApiContext): number {
  const code = ctx.exitCode;
  if (!r.headerSent && !ctx.headerSent && r.headersOut.status === 0 && code >= HTTP_OK) r.headersOut.status = code;
  if (ctx.buffering && r.headersOut.status !== 0 && code !== ERROR && !isAbort(code)) {
    const rc = sendChain(r, ctx, null);
    if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
    return Math.min(code, HTTP_OK);
  }
  if (
    (code === OK && ctx.entered === IN_CONTENT) ||
    (code >= HTTP_OK && code < HTTP_SPECIAL_RESPONSE && code !== HTTP_NO_CONTENT)
  ) {
    const rc = sendChain(r, ctx, null);
    if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
  }
  if ((r.headerSent || ctx.headerSent) && code > OK && !isAbort(code)) {
    return ctx.entered === IN_CONTENT ? OK : HTTP_OK;
  }
  return code;
}
