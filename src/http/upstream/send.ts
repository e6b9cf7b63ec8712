/** Sends a request to a backend: its text, and the client's body from memory, from its file, or as it arrives. */
import { readSync } from 'node:fs';
import { connectionErrorLevel } from '../../log/connection-error.ts';
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_CRIT } from '../../log/log.ts';
import {
  AGAIN,
  ERROR,
  HTTP_CLIENT_CLOSED_REQUEST,
  HTTP_REQUEST_TIME_OUT,
  HTTP_SPECIAL_RESPONSE,
  OK,
} from '../codes.ts';
import { runPostedRequests } from '../finalize.ts';
import type { HttpRequest } from '../request.ts';
import type { UpstreamConnection } from './connection.ts';
import type { Exchange } from './exchange.ts';

/** Bodies in files go out in pieces of this size. */
const PIECE = 65536;

/**
 * Begins the request, or goes on with it.
 * @returns OK when all of it is with the kernel, AGAIN, ERROR (logged), or a status
 */
export function sendRequest(x: Exchange, mayWrite: boolean): number {
  return x.r.requestBodyNoBuffering ? sendArriving(x, mayWrite) : sendWhole(x);
}

function tailOf(x: Exchange): string[] {
  return x.requestTail === '' ? [] : [x.requestTail];
}

function sendWhole(x: Exchange): number {
  const connection = x.connection as UpstreamConnection;
  const body = x.sendBody ? x.r.requestBody : undefined;
  if (!x.requestSent) {
    x.requestSent = true;
    x.filePosition = 0;
    const taken =
      body === undefined || body.chunks.length === 0
        ? connection.write(x.requestText)
        : connection.writev([x.requestText, ...body.chunks, ...(body.file === undefined ? tailOf(x) : [])]);
    if (!taken) return waits(x, connection);
  } else if (connection.socket.pendingBytes > 0) return AGAIN;
  const file = body?.file;
  if (file === undefined) return OK;
  while (x.filePosition < file.size) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE, file.size - x.filePosition));
    let size: number;
    try {
      size = readSync(file.fd, buffer, 0, buffer.length, x.filePosition);
    } catch (e) {
      x.r.log(LOG_CRIT, `pread() "${file.path}" failed${errnoSuffix(e)}`);
      return ERROR;
    }
    if (size === 0) {
      x.r.log(LOG_CRIT, `pread() "${file.path}" returned only ${x.filePosition} bytes of ${file.size}`);
      return ERROR;
    }
    x.filePosition += size;
    const piece = size === buffer.length ? buffer : buffer.subarray(0, size);
    const last = x.filePosition >= file.size ? tailOf(x) : [];
    const taken = last.length === 0 ? connection.write(piece) : connection.writev([piece, ...last]);
    if (!taken) return waits(x, connection);
  }
  return OK;
}

/** A write was not taken at once: the kernel is full, or the backend has gone. */
function waits(x: Exchange, connection: UpstreamConnection): number {
  const { failure } = connection.socket;
  if (failure === '') return AGAIN;
  x.r.log(connectionErrorLevel(failure), `writev() failed${errnoSuffix(failure)}`);
  return ERROR;
}

/** proxy_request_buffering off: what has arrived is sent, and more is read only when the backend has taken that. */
function sendArriving(x: Exchange, mayWrite: boolean): number {
  const { r } = x;
  const connection = x.connection as UpstreamConnection;
  let out: (string | Uint8Array)[] | undefined;
  if (!x.requestSent) {
    x.requestSent = true;
    out = [x.requestText, ...takeBody(x, false)];
    connection.socket.setNoDelay(true);
  } else if (connection.socket.pendingBytes > 0) {
    return AGAIN;
  }
  let rc = AGAIN;
  for (;;) {
    if (mayWrite) {
      if (out !== undefined && !connection.writev(out)) {
        rc = waits(x, connection);
        if (rc === ERROR) return rc;
        break;
      }
      rc = OK;
      out = undefined;
      if (!r.readingBody) break;
    }
    if (r.readingBody) {
      rc = r.connection.readUnbufferedBody(r);
      if (rc >= HTTP_SPECIAL_RESPONSE) return rc;
      const pieces = takeBody(x, !r.readingBody);
      if (pieces.length > 0) out = pieces;
    }
    if (out === undefined) {
      rc = r.readingBody ? AGAIN : OK;
      break;
    }
    mayWrite = true;
  }
  if (!r.readingBody) x.watchClient();
  return rc;
}

/** What has arrived of the body, framed as the backend wants it. */
function takeBody(x: Exchange, last: boolean): (string | Uint8Array)[] {
  const body = x.r.requestBody;
  if (body === undefined) return [];
  const { chunks } = body;
  body.chunks = [];
  return x.frameBody(chunks, last);
}

/** More of a body that is passed on while it arrives is here, or its end came too early, or none came in time. */
export function onClientBody(r: HttpRequest): void {
  const x = r.upstream as Exchange;
  const c = r.connection;
  if (c.timedOut) x.finalize(HTTP_REQUEST_TIME_OUT);
  else if (x.connection?.connected === true) x.continueRequest(false);
  else if (c.error) x.finalize(HTTP_CLIENT_CLOSED_REQUEST);
  runPostedRequests(c);
}
