/**
 * ngx.print, ngx.say, ngx.flush and ngx.eof in stream: what user code sends to the client as it is. output.ts comes here
 * for contexts of sessions. stream-lua-nginx-module: ngx_stream_lua_output.c.
 */
import type { StreamSession } from '../stream/session.ts';
import type { ApiContext } from './context.ts';
import type { OutputResult } from './output.ts';
import { socketOptions } from './socket/options.ts';
import type { Suspension } from './suspension.ts';

/** ngx.print and ngx.say. */
export function printToSession(ctx: ApiContext, text: string): OutputResult {
  if (ctx.eof) return 'seen eof';
  const s = ctx.session as StreamSession;
  if (text === '' || s.write(text)) return undefined;
  return 'nginx output filter error';
}

/** ngx.eof: nothing more can be sent. */
export function endSessionOutput(ctx: ApiContext): OutputResult {
  if (ctx.eof) return 'seen eof';
  ctx.eof = true;
  return undefined;
}

/** ngx.flush: waits for the client's socket to take what was sent. */
export function flushSession(ctx: ApiContext, wait: boolean): OutputResult | Suspension<OutputResult> {
  if (ctx.eof) return 'seen eof';
  const s = ctx.session as StreamSession;
  if (s.failure !== '') return 'nginx output filter error';
  if (!wait || !s.buffered) return undefined;
  return {
    start(done) {
      const cancel = s.whenDrained(socketOptions(ctx).socketSendTimeout, (timedOut) => {
        done(timedOut ? 'timeout' : s.failure !== '' ? 'client aborted' : undefined);
      });
      return cancel;
    },
  };
}
