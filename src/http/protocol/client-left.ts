/**
 * A client that closes or resets its connection: what that means depends on what the connection was doing.
 * nginx: the zero and failed reads of ngx_http_wait_request_handler(), ngx_http_keepalive_handler(),
 * ngx_http_read_request_header() and ngx_http_test_reading().
 */
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_INFO, type LogScope } from '../../log/log.ts';
import { HTTP_BAD_REQUEST } from '../codes.ts';
import { closeRequest, finalizeRequest } from '../finalize.ts';
import { type HttpRequest, noEvent } from '../request.ts';
import { continueDiscarding } from './discard.ts';
import {
  type Http1Connection,
  STATE_CLOSED,
  STATE_HEADER,
  STATE_KEEPALIVE,
  STATE_LINGERING,
  STATE_REQUEST,
  STATE_REQUEST_LINE,
  STATE_WAITING,
} from './http1.ts';

/** The client closed its side. */
export function clientEnded(c: Http1Connection): void {
  c.eof = true;
  const r = c.request;
  switch (c.state) {
    case STATE_WAITING:
      c.log(LOG_INFO, 'client closed connection');
      c.close();
      return;
    case STATE_KEEPALIVE:
      logPlain(c, `client ${c.remoteAddress} closed keepalive connection`);
      c.close();
      return;
    case STATE_REQUEST_LINE:
    case STATE_HEADER:
      c.log(LOG_INFO, 'client prematurely closed connection');
      c.error = true;
      c.action = 'reading client request headers';
      finalizeRequest(r as HttpRequest, HTTP_BAD_REQUEST);
      break;
    case STATE_REQUEST:
      if (c.body !== undefined) c.body.onEnd();
      else if (c.discarding) continueDiscarding(c, r as HttpRequest, true);
      else c.active.readEventHandler(c.active);
      break;
    case STATE_LINGERING:
      closeRequest(r as HttpRequest, 0);
      return;
    default:
      return;
  }
  c.afterEvent();
}

/** The connection failed; `code` is the errno name. */
export function clientFailed(c: Http1Connection, code: string): void {
  if (c.state === STATE_CLOSED) return;
  c.eof = true;
  const r = c.request;
  const known = c.error;
  if (!known) c.endedBy = code;
  switch (c.state) {
    case STATE_KEEPALIVE:
      // Some browsers close idle connections by a reset.
      if (code !== 'ECONNRESET') c.log(LOG_INFO, `recv() failed${errnoSuffix(code)}`);
      c.close();
      return;
    case STATE_WAITING:
      c.log(LOG_INFO, `recv() failed${errnoSuffix(code)}`);
      c.close();
      return;
    case STATE_REQUEST_LINE:
    case STATE_HEADER:
      c.log(LOG_INFO, `recv() failed${errnoSuffix(code)}`);
      c.error = true;
      c.action = 'reading client request headers';
      finalizeRequest(r as HttpRequest, HTTP_BAD_REQUEST);
      break;
    case STATE_REQUEST: {
      const { active } = c;
      if (c.body !== undefined) {
        c.body.onError(code);
        break;
      }
      const waiting = c.socketWaiting;
      if (waiting) c.handed -= c.socket.pendingBytes;
      c.socketWaiting = false;
      c.error = true;
      if (c.discarding) continueDiscarding(c, r as HttpRequest, true);
      else if (active.readEventHandler !== noEvent) active.readEventHandler(active);
      // A failed write was reported to the writer already.
      else if (!known && (waiting || c.outBuffered)) active.writeEventHandler(active);
      break;
    }
    default:
      closeRequest(r as HttpRequest, 0);
      return;
  }
  c.afterEvent();
}

/** A line that says itself which client it is about. */
function logPlain(c: Http1Connection, message: string): void {
  if (LOG_INFO > c.errorLog.level) return;
  const scope: LogScope = { connectionNumber: c.connectionNumber, describe: () => '' };
  c.errorLog.write(LOG_INFO, message, scope);
}
