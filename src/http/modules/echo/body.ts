/** echo_read_request_body, and the reading that comes before any subrequest. */
import { AGAIN, ERROR, HTTP_SPECIAL_RESPONSE, OK } from '../../codes.ts';
import type { HttpRequest } from '../../request.ts';
import { type EchoContext, type EchoRun, echoModule } from './context.ts';
import { onWritable } from './handler.ts';

function afterBody(r: HttpRequest): void {
  const ctx = echoModule.context(r);
  if (ctx === undefined || !ctx.waitBody) return;
  ctx.waiting = false;
  ctx.done = true;
  r.writeEventHandler = onWritable;
  onWritable(r);
}

export const runReadBody: EchoRun = (r, ctx) => {
  ctx.waitBody = false;
  ctx.bodyRead = true;
  const rc = r.connection.readBody(r, afterBody);
  if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
  r.main.count--;
  if (rc === OK) return OK;
  ctx.waitBody = true;
  return AGAIN;
};

/** Subrequests share the body, so it is read first. AGAIN: the command is run anew when it is here. */
export function bodyFirst(r: HttpRequest, ctx: EchoContext): number {
  if (r.requestBody !== undefined || ctx.bodyRead) return OK;
  const rc = runReadBody(r, ctx, (echoModule.location(r).commands as never)[ctx.next]);
  if (rc === AGAIN) ctx.next--;
  return rc;
}
