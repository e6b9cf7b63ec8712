/** The content handler: runs the commands of a location one after the other, and goes on when one had to wait. */
import { AGAIN, DECLINED, DONE, ERROR, HTTP_SPECIAL_RESPONSE, OK } from '../../codes.ts';
import { finalizeRequest, postRequest } from '../../finalize.ts';
import { outputFilter } from '../../output.ts';
import type { HttpRequest } from '../../request.ts';
import { type EchoCommand, EchoContext, echoModule, FINISHED } from './context.ts';
import { sendEnd } from './output.ts';

export function echoHandler(r: HttpRequest): number {
  const rc = runCommands(r);
  if (rc === ERROR || rc === OK || rc === DONE || rc === DECLINED) return rc;
  if (rc >= HTTP_SPECIAL_RESPONSE) return r.headerSent ? ERROR : rc;
  r.main.count++;
  const ctx = echoModule.context(r);
  if (ctx !== undefined) {
    ctx.waiting = true;
    ctx.done = false;
  }
  return DONE;
}

/** Goes on with the commands when what one waited for has come. echo-nginx-module: ngx_http_echo_wev_handler(). */
export function onWritable(r: HttpRequest): void {
  const ctx = echoModule.context(r);
  if (ctx === undefined) {
    finalizeRequest(r, ERROR);
    return;
  }
  if (ctx.waiting && !ctx.done) {
    passTurn(r);
    return;
  }
  ctx.done = false;
  ctx.next++;
  const rc = runCommands(r);
  if (rc === AGAIN) {
    ctx.waiting = true;
    ctx.done = false;
    return;
  }
  if (rc !== ERROR && rc !== DONE) {
    ctx.waiting = false;
    ctx.done = true;
  }
  finalizeRequest(r, rc);
}

/** The request's turn to write has come while it waits: it is its first subrequest's, or that of what is held back. */
function passTurn(r: HttpRequest): void {
  const c = r.connection;
  const first = r.postponed[0];
  if (r !== c.active || first === undefined) return;
  if (first.request !== undefined) {
    c.active = first.request;
    postRequest(first.request);
  } else {
    outputFilter(r, null);
  }
}

function runCommands(r: HttpRequest): number {
  const { commands } = echoModule.location(r);
  if (commands === undefined) return DECLINED;
  let ctx = echoModule.context(r);
  if (ctx === undefined) {
    ctx = new EchoContext();
    echoModule.setContext(r, ctx);
  }
  for (; ctx.next < commands.length; ctx.next++) {
    const command = commands[ctx.next] as EchoCommand;
    const rc = command.run(r, ctx, command);
    if (rc === FINISHED) return OK;
    if (rc !== OK) return rc;
  }
  const rc = sendEnd(r, ctx);
  if (rc !== OK) return rc;
  if (r.requestBody === undefined && r.connection.discardBody(r) !== OK) return ERROR;
  return OK;
}
