/**
 * Clients that go away while user code works: lua_check_client_abort and ngx.on_abort.
 * ngx_lua: ngx_http_lua_rd_check_broken_connection().
 */
import { HTTP_CLIENT_CLOSED_REQUEST } from '../http/codes.ts';
import { finalizeRequest } from '../http/finalize.ts';
import { type HttpRequest, noEvent } from '../http/request.ts';
import { LOG_INFO } from '../log/log.ts';
import { type ApiContext, contextOf } from './context.ts';

/**
 * Sets what happens when the client closes its connection: nothing, or, where the client is to be watched, the end
 * of the request or the user's callback. To be called when a handler starts, and when something else that read from
 * the client is done.
 */
export function watchClient(r: HttpRequest, ctx: ApiContext): void {
  if (!ctx.watchesClient) {
    r.readEventHandler = noEvent;
    return;
  }
  r.readEventHandler = clientGone;
  r.connection.watchClose(r);
}

/** The client has closed its connection, and somebody wants to know. */
export function clientGone(r: HttpRequest): void {
  if (r.done || r.freed) return;
  r.log(LOG_INFO, 'client prematurely closed connection');
  const ctx = contextOf(r);
  if (ctx.onAbort !== undefined) {
    ctx.onAbort();
    return;
  }
  r.connection.error = true;
  ctx.stop?.();
  finalizeRequest(r, HTTP_CLIENT_CLOSED_REQUEST);
}
