/** ngx.status. ngx_lua: ngx_http_lua_ffi_get_resp_status(), _set_resp_status(). */

import { HTTP_VERSION_10 } from '../http/request.ts';
import { LOG_ERR } from '../log/log.ts';
import { requireContext } from './context.ts';
import { apiError } from './error.ts';

/** The response's or session's status; 0 while none is set, 9 for a sent HTTP/0.9 response. */
export function getStatus(): number {
  const { r, session } = requireContext();
  if (r === undefined) return session?.status ?? apiError('API disabled in the current context');
  if (r.errStatus !== 0) return r.errStatus;
  if (r.headersOut.status !== 0) return r.headersOut.status;
  return r.httpVersion < HTTP_VERSION_10 ? r.httpVersion : 0;
}

/** Sets the status, with a reason phrase of its own if given. Too late or out of range: logged, without effect. */
export function setStatus(status: number, reason?: string): void {
  const ctx = requireContext();
  const r = ctx.r ?? apiError('API disabled in the current context');
  if (r.headerSent && ctx.headGone) {
    r.log(LOG_ERR, 'attempt to set ngx.status after sending out response headers');
    return;
  }
  if (!(status >= 100 && status <= 999)) {
    r.log(LOG_ERR, `invalid HTTP status code ${status}`);
    return;
  }
  r.headersOut.status = status;
  r.errStatus = 0;
  if (reason !== undefined && reason !== '') r.headersOut.statusLine = `${status} ${reason}`;
  else r.headersOut.statusLine = undefined;
}
