/** Commands that write: echo, echo_duplicate, echo_request_body, echo_flush, and the header before the first of them. */
import { LOG_ERR } from '../../../log/log.ts';
import { type Chain, fileBuf, flagBuf, memoryBuf } from '../../buf.ts';
import { ERROR, HTTP_INTERNAL_SERVER_ERROR, HTTP_SPECIAL_RESPONSE, OK } from '../../codes.ts';
import { setContentType } from '../../core/types.ts';
import { clearAcceptRanges, clearContentLength, outputFilter, sendFlush, sendHeader, sendLast } from '../../output.ts';
import type { HttpRequest } from '../../request.ts';
import { type EchoCommand, type EchoContext, type EchoRun, echoModule, evaluateArguments } from './context.ts';

/** The header with echo_status, unless it was sent before. */
export function sendHeaderIfNeeded(r: HttpRequest, ctx: EchoContext): number {
  if (r.headerSent || ctx.headerSent) return OK;
  r.headersOut.status = echoModule.location(r).status;
  setContentType(r);
  clearContentLength(r);
  clearAcceptRanges(r);
  ctx.headerSent = true;
  return sendHeader(r);
}

/** Output that waits for the client does not keep the commands waiting. */
function settle(rc: number): number {
  return rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE ? rc : OK;
}

/** Sends pieces behind the header. */
function send(r: HttpRequest, ctx: EchoContext, chain: Chain): number {
  const rc = sendHeaderIfNeeded(r, ctx);
  if (rc === ERROR || rc > OK || r.headerOnly) return settle(rc);
  return settle(outputFilter(r, chain));
}

/** Ends the response. */
export function sendEnd(r: HttpRequest, ctx: EchoContext): number {
  const rc = sendHeaderIfNeeded(r, ctx);
  if (rc === ERROR || rc > OK || r.headerOnly) return settle(rc);
  return sendLast(r) >= HTTP_SPECIAL_RESPONSE ? ERROR : OK;
}

/** What `echo` and the commands of the filter write: the arguments with spaces between them, and a line end. */
export function echoText(r: HttpRequest, command: EchoCommand): string {
  const values = evaluateArguments(r, command);
  const text = values.length === 1 ? (values[0] as string) : values.join(' ');
  return command.options[0] === 'n' ? text : `${text}\n`;
}

export const runEcho: EchoRun = (r, ctx, command) => {
  const text = echoText(r, command);
  return text === '' ? OK : send(r, ctx, [memoryBuf(text)]);
};

/** Keeps the order of what a subrequest writes when nothing was written before it. */
export const runSync: EchoRun = (r, ctx) => {
  const b = flagBuf();
  b.sync = true;
  return send(r, ctx, [b]);
};

export const runFlush: EchoRun = (r) => settle(sendFlush(r));

export const runRequestBody: EchoRun = (r, ctx) => {
  const body = r.requestBody;
  if (body === undefined) return OK;
  const chain: Chain = [];
  if (body.file !== undefined && body.file.size > 0) chain.push(fileBuf(body.file, 0, body.file.size));
  for (const chunk of body.chunks) if (chunk.length > 0) chain.push(memoryBuf(chunk));
  return chain.length === 0 ? OK : send(r, ctx, chain);
};

/** A number that may have underscores between its digits: `1_000_000`. */
function parseCount(text: string): number | undefined {
  if (!/^[0-9_]+$/.test(text)) return undefined;
  return Number(text.replaceAll('_', ''));
}

export const runDuplicate: EchoRun = (r, ctx, command) => {
  const [countText = '', text = ''] = evaluateArguments(r, command);
  const count = parseCount(countText);
  if (count === undefined) {
    r.log(LOG_ERR, `invalid size specified: "${countText}"`);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  if (count === 0 || text === '') return settle(sendHeaderIfNeeded(r, ctx));
  return send(r, ctx, [memoryBuf(text.repeat(count))]);
};
