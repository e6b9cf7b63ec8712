/**
 * The body on its way from a backend to the client. nginx: ngx_event_pipe.c (buffered), the non-buffered part of
 * ngx_http_upstream.c.
 *
 * Buffered: what the client does not take yet is kept, first in memory up to `proxy_buffers`, then in a temporary file
 * up to `proxy_max_temp_file_size`, then the backend has to wait. Unbuffered: each piece is sent at once, and the
 * backend waits whenever the client does.
 */
import type { PathRequest } from '../../conf/cycle.ts';
import { LOG_INFO, LOG_WARN } from '../../log/log.ts';
import { currentSecond } from '../../log/time.ts';
import type { Buf } from '../buf.ts';
import { ERROR, HTTP_REQUEST_TIME_OUT } from '../codes.ts';
import { runPostedRequests } from '../finalize.ts';
import { outputFilter, sendFlush } from '../output.ts';
import type { HttpRequest } from '../request.ts';
import { evaluateSize } from '../script.ts';
import { createTempFile } from '../temp-file.ts';
import type { UpstreamConnection } from './connection.ts';
import type { Exchange } from './exchange.ts';
import type { UpstreamState } from './state.ts';
import { movePendingToFile, storePending, storeResponse } from './store.ts';

/** The header is sent; `rest` came behind it. */
export function startBody(x: Exchange, rest: string): void {
  const { r } = x;
  r.writeEventHandler = onWritable;
  if (x.buffering) {
    r.connection.action = 'reading upstream';
    x.rate = evaluateSize(r, x.conf.limitRate);
    x.rateSince = currentSecond();
  }
  x.initBody();
  if (!x.buffering) {
    r.limitRate = 0;
    r.limitRateSet = true;
    if (rest === '' && x.length !== 0 && sendFlush(r) === ERROR) {
      fail(x);
      return;
    }
  }
  if (rest === '' && x.length !== 0) {
    (x.connection as UpstreamConnection).readTimer.set(x.readTimeout);
    return;
  }
  passBody(x, rest);
}

/** Takes bytes of the body and passes on what the client takes; at the end finalizes the exchange. */
export function passBody(x: Exchange, data: string | Buffer): void {
  if (data.length > 0) {
    (x.state as UpstreamState).responseLength += data.length;
    if (x.readBody(data) === ERROR || (x.storing && !storePending(x))) {
      fail(x);
      return;
    }
  }
  if (x.length === 0) {
    endBody(x);
    return;
  }
  if (x.pending.length > 0) {
    if (!x.downstreamError && isBlocked(x.r)) hold(x);
    else if (!fillsBuffer(x) && !flushBody(x, false)) return;
  }
  keepReading(x);
}

/** The body is complete: passes its end on, and finalizes the exchange. */
export function endBody(x: Exchange): void {
  if (x.storing) storeResponse(x);
  if (flushBody(x, true)) x.finalize(0);
}

/**
 * Sends what is pending, whether the client takes it now or not.
 * @param complete the body ends here
 * @returns false when the client is gone, and the exchange finalized
 */
export function flushBody(x: Exchange, complete: boolean): boolean {
  const { r, pending } = x;
  if (pending.length === 0) return true;
  if (x.downstreamError) {
    // Only the file is written yet.
    x.pending = [];
    x.pendingSize = 0;
    return true;
  }
  const end = pending[pending.length - 1] as Buf;
  if (complete && !r.endApart) {
    // The end goes with the last piece: one write less.
    x.passTrailers();
    end.lastBuf = r === r.main && !r.postAction;
    end.lastInChain = true;
    x.lastSent = true;
  } else if (!complete && (!x.buffering || x.passAtOnce)) end.flush = true;
  x.pending = [];
  x.pendingSize = 0;
  const c = r.connection;
  const { action } = c;
  c.action = 'sending to client';
  if (outputFilter(r, pending) === ERROR) {
    if (!loseClient(x)) return false;
  }
  c.action = action;
  return true;
}

/** The client is gone. False when the exchange ends with that; true when the response is stored all the same. */
function loseClient(x: Exchange): boolean {
  if (x.storing) {
    x.downstreamError = true;
    return true;
  }
  fail(x);
  return false;
}

function fail(x: Exchange): void {
  x.downstreamError = x.r.connection.error;
  x.finalize(ERROR);
}

/** The client, a subrequest that comes first, or code in a filter keeps this request's output waiting. */
function isBlocked(r: HttpRequest): boolean {
  const c = r.connection;
  if (r.buffered !== 0) return true;
  return r === c.active ? c.buffered : r.postponed.length > 0;
}

/**
 * Whether a piece waits for a whole buffer: nginx passes on what it buffers of a response that location.capture gathers
 * when there is a buffer full of it, or when it ends.
 */
function fillsBuffer(x: Exchange): boolean {
  return x.buffering && !x.storing && x.r.capture !== undefined && x.pendingSize < x.conf.buffers.size;
}

/** How long nothing is read, for proxy_limit_rate: milliseconds. Whole seconds count, as in nginx. */
function rateDelay(x: Exchange): number {
  const seconds = currentSecond() - x.rateSince + 1;
  const left = x.rate * seconds - (x.state as UpstreamState).responseLength;
  return left > 0 ? 0 : Math.floor((-left * 1000) / x.rate) + 1;
}

/** The backend goes on, or waits for the client. */
export function keepReading(x: Exchange): void {
  const { r } = x;
  const c = r.connection;
  const connection = x.connection as UpstreamConnection;
  const blocked = !x.downstreamError && isBlocked(r);
  if (blocked && r === c.active && c.buffered) {
    c.armSendTimeout(r);
    x.sendTimerSet = true;
  } else if (x.sendTimerSet) {
    x.sendTimerSet = false;
    c.clearSendTimeout();
  }
  const full = blocked && (!x.buffering || x.pendingSize >= x.conf.buffers.num * x.conf.buffers.size);
  if (full) {
    connection.pause();
    connection.readTimer.clear();
    return;
  }
  const delay = x.rate === 0 ? 0 : rateDelay(x);
  if (delay > 0) {
    x.rateDelayed = true;
    connection.pause();
    connection.readTimer.set(delay);
    return;
  }
  connection.resume();
  connection.readTimer.set(x.readTimeout);
}

/** Keeps pieces that the client does not take yet: in a file when they are many. */
function hold(x: Exchange): void {
  const { buffers, maxTempFileSize } = x.conf;
  if (!x.buffering || x.pendingSize < buffers.num * buffers.size) return;
  let file = x.tempFile;
  if (maxTempFileSize === 0 || (file !== undefined && file.size >= maxTempFileSize)) return;
  if (file === undefined) {
    file = createTempFile(x.r, x.conf.tempPath as PathRequest, { persistent: false, clean: false });
    if (file === undefined) return;
    x.tempFile = file;
    x.r.log(LOG_WARN, `an upstream response is buffered to a temporary file ${file.path}`);
  }
  movePendingToFile(x, file);
}

/** The client has taken what it was given, or has not in time. */
function onWritable(r: HttpRequest): void {
  const x = r.upstream as Exchange;
  const c = r.connection;
  c.action = 'sending to client';
  if (c.timedOut) {
    r.log(LOG_INFO, 'client timed out (110: Connection timed out)');
    if (x.storing) {
      c.error = true;
      x.downstreamError = true;
      if (flushBody(x, false)) keepReading(x);
      runPostedRequests(c);
      return;
    }
    x.downstreamError = x.buffering;
    x.finalize(x.buffering ? ERROR : HTTP_REQUEST_TIME_OUT);
    return;
  }
  if (outputFilter(r, null) === ERROR && !loseClient(x)) {
    runPostedRequests(c);
    return;
  }
  if (x.pending.length === 0 || isBlocked(r) || flushBody(x, false)) keepReading(x);
  runPostedRequests(c);
}
