/**
 * Clients that go away while user code works: lua_check_client_abort and ngx.on_abort.
 * ngx_lua: ngx_http_lua_rd_check_broken_connection().
 */
import { ERROR, HTTP_CLIENT_CLOSED_REQUEST } from '../http/codes.ts';
import { finalizeRequest } from '../http/finalize.ts';
import { type HttpRequest, noEvent } from '../http/request.ts';
import { LOG_INFO } from '../log/log.ts';
import type { StreamSession } from '../stream/session.ts';
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

/** The same in stream: `end` finalizes the session. stream-lua: ngx_stream_lua_rd_check_broken_connection(). */
export function watchSession(s: StreamSession, ctx: ApiContext, end: (rc: number) => void): void {
  ctx.watchesClient = true;
  s.onClientGone = () => {
    s.log(LOG_INFO, 'stream client prematurely closed connection');
    if (ctx.onAbort !== undefined) {
      ctx.onAbort();
      return;
    }
    ctx.stop?.();
    end(ERROR);
  };
  s.watchClient();
}
