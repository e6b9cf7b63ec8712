/**
 * Bodies that nobody wants: thrown away as they arrive, so that the connection can be used again, or closed without
 * the client losing the answer. nginx: ngx_http_discard_request_body().
 */
import { LOG_ERR } from '../../log/log.ts';
import { monotonicMsec } from '../../log/time.ts';
import {
  AGAIN,
  DONE,
  ERROR,
  HTTP_BAD_REQUEST,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_SPECIAL_RESPONSE,
  OK,
} from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { finalizeRequest } from '../finalize.ts';
import type { HttpRequest } from '../request.ts';
import { CHUNK_AGAIN, CHUNK_DATA, CHUNK_INVALID, ChunkedDecoder } from './chunked.ts';
import { sendContinue } from './expect.ts';
import type { Http1Connection } from './http1.ts';

/** See ClientConnection.discardBody. */
export function discardBody(c: Http1Connection, r: HttpRequest): number {
  if (r !== r.main || r.discardBody || r.requestBody !== undefined) return OK;
  if (!sendContinue(c, r)) return HTTP_INTERNAL_SERVER_ERROR;
  c.readTimer.clear();
  const headers = r.headersIn;
  if (headers.contentLength <= 0 && !headers.chunked) return OK;
  if (headers.chunked) {
    c.discardDecoder = new ChunkedDecoder();
    r.requestBody = { chunks: [], received: 0, file: undefined };
  }
  const rc = throwAway(c, r);
  if (rc !== AGAIN) return rc;
  r.count++;
  r.discardBody = true;
  c.discarding = true;
  c.wantInput();
  return OK;
}

/** Drops what is there. Returns OK at the end of the body, AGAIN, or a status. */
function throwAway(c: Http1Connection, r: HttpRequest): number {
  const { text } = c;
  const decoder = c.discardDecoder;
  if (decoder === undefined) {
    const size = Math.min(text.length - c.pos, r.headersIn.contentLength);
    c.pos += size;
    r.headersIn.contentLength -= size;
    c.releaseText();
    return r.headersIn.contentLength === 0 ? OK : AGAIN;
  }
  for (;;) {
    const rc = decoder.decode(text, c.pos, text.length);
    if (rc === CHUNK_INVALID) {
      r.log(LOG_ERR, 'client sent invalid chunked body');
      return HTTP_BAD_REQUEST;
    }
    c.pos = decoder.pos;
    if (rc === CHUNK_DATA) {
      const size = Math.min(decoder.size, text.length - c.pos);
      c.pos += size;
      decoder.size -= size;
      continue;
    }
    c.releaseText();
    if (rc === CHUNK_AGAIN) {
      // How much is to be read next; $content_length shows it.
      const { size } = coreModule.server(r).largeClientHeaderBuffers;
      r.headersIn.contentLength = Math.max(decoder.atLeast, size);
      return AGAIN;
    }
    c.discardDecoder = undefined;
    r.headersIn.contentLength = 0;
    return OK;
  }
}

/** More of the body has arrived, or its end (`ended`). nginx: ngx_http_discarded_request_body_handler(). */
export function continueDiscarding(c: Http1Connection, r: HttpRequest, ended: boolean): void {
  const now = monotonicMsec();
  if (c.lingeringUntil !== 0 && now >= c.lingeringUntil) {
    stopDiscarding(c, r);
    finalizeRequest(r, ERROR);
    return;
  }
  const rc = ended ? OK : throwAway(c, r);
  if (rc === OK) {
    c.lingeringUntil = 0;
    r.bodyDone = true;
    stopDiscarding(c, r);
    finalizeRequest(r, DONE);
  } else if (rc >= HTTP_SPECIAL_RESPONSE) {
    c.error = true;
    finalizeRequest(r, ERROR);
  } else {
    c.wantInput();
    if (c.lingeringUntil !== 0) {
      c.readTimer.set(Math.min(c.lingeringUntil - now, coreModule.location(r).lingeringTimeout));
    }
  }
}

function stopDiscarding(c: Http1Connection, r: HttpRequest): void {
  c.discarding = false;
  c.discardDecoder = undefined;
  r.discardBody = false;
  r.lingeringClose = false;
}

/** No more came in time. */
export function discardTimedOut(c: Http1Connection, r: HttpRequest): void {
  c.timedOut = true;
  c.error = true;
  finalizeRequest(r, ERROR);
}

/** The response is complete but the body is not: from now on the client's time is limited. */
export function limitDiscarding(c: Http1Connection, r: HttpRequest): void {
  if (!c.discarding) return;
  const location = coreModule.location(r);
  c.readTimer.set(location.lingeringTimeout);
  if (c.lingeringUntil === 0) c.lingeringUntil = monotonicMsec() + location.lingeringTime;
}
