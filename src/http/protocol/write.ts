/**
 * The bottom of the output of a connection: gathers what filters pass down until it is worth sending, and sends it with
 * as few calls as possible. nginx: ngx_http_write_filter() (src/http/ngx_http_write_filter_module.c), ngx_send_chain().
 *
 * A small response is one string, header and body, and one write. Buffers go out by writev; file ranges through
 * memory when they are small, by sendfile when they are large and the platform lets us. What the kernel does not take
 * stays with the socket, and the rest of the queue waits here until it has.
 */
import { readSync } from 'node:fs';
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_ALERT, LOG_CRIT, LOG_INFO } from '../../log/log.ts';
import { currentSecond } from '../../log/time.ts';
import type { Chain, OpenFile } from '../buf.ts';
import { AGAIN, ERROR, OK } from '../codes.ts';
import type { CoreLocation } from '../core/conf.ts';
import { coreModule } from '../core/module.ts';
import type { HttpRequest } from '../request.ts';
import { evaluateSize } from '../script.ts';
import type { Http1Connection } from './http1.ts';
import { sendFile } from './sendfile.ts';

/** A part of a file that waits to be sent. */
export interface FileRange {
  readonly file: OpenFile;
  pos: number;
  readonly last: number;
}

export type OutputPiece = string | Uint8Array | FileRange;

/** Files are read in pieces of this size where sendfile does not serve; smaller ranges are always read. */
const READ_SIZE = 65536;
/** Memory pieces are handed to the socket in portions of about this size. */
const PORTION = 131072;

/** See ClientConnection.write. */
export function writeOutput(c: Http1Connection, r: HttpRequest, header: string, chain: Chain | null): number {
  if (c.error) return ERROR;
  if (header !== '') enqueue(c, header);
  if (chain !== null) {
    for (let i = 0; i < chain.length; i++) {
      const b = chain[i] as Chain[number];
      if (b.lastBuf) c.outLast = true;
      if (b.flush) c.outFlush = true;
      if (b.sync) c.outSync = true;
      if (b.data !== undefined) {
        if (b.data.length > 0) enqueue(c, b.data);
      } else if (b.file !== undefined && b.fileLast > b.filePos) {
        c.outPieces.push({ file: b.file, pos: b.filePos, last: b.fileLast });
        c.outSize += b.fileLast - b.filePos;
      }
    }
  }
  const location = coreModule.location(r);
  const { outLast } = c;
  const nothingNew = header === '' && chain === null;
  if (!outLast && !c.outFlush && !nothingNew && c.outSize < location.postponeOutput) return OK;
  if (c.writeDelayed) {
    c.outBuffered = true;
    return AGAIN;
  }
  if (c.outSize === 0) {
    if (!outLast && !c.outFlush && !c.outSync && !nothingNew) {
      c.log(LOG_ALERT, 'the http output chain is empty', r);
      return ERROR;
    }
    return sentAll(c, r);
  }
  if (c.socketWaiting) {
    c.outBuffered = true;
    return AGAIN;
  }
  if (location.tcpNodelay !== c.noDelay) {
    c.noDelay = location.tcpNodelay;
    c.socket.setNoDelay(c.noDelay);
  }
  if (location.limitRate !== undefined || r.limitRateSet) return sendLimited(c, r, location);
  if (c.outPieces.length === 0) {
    const text = c.outText;
    c.outText = '';
    c.outSize = 0;
    c.handed += text.length;
    if (!c.socket.write(text) && waits(c) === ERROR) return ERROR;
    return sentAll(c, r);
  }
  return sendQueue(c, r, location, location.sendfileMaxChunk);
}

/** Strings at the head of the queue are one string: joining them costs nothing before they are sent. */
function enqueue(c: Http1Connection, data: string | Uint8Array): void {
  c.outSize += data.length;
  if (c.outPieces.length === 0 && typeof data === 'string') c.outText += data;
  else c.outPieces.push(data);
}

function sentAll(c: Http1Connection, r: HttpRequest): number {
  if (c.outLast) r.responseSent = true;
  c.outLast = false;
  c.outFlush = false;
  c.outSync = false;
  c.outBuffered = false;
  return c.socketWaiting ? AGAIN : OK;
}

/** A write to the socket returned false: the kernel is full, or the client is gone. */
function waits(c: Http1Connection): number {
  if (c.socket.failure === '' && !c.closed) {
    c.socketWaiting = true;
    return AGAIN;
  }
  c.error = true;
  c.log(LOG_INFO, `writev() failed${errnoSuffix(c.socket.failure)}`);
  return ERROR;
}

function sendLimited(c: Http1Connection, r: HttpRequest, location: CoreLocation): number {
  if (!r.limitRateSet) {
    r.limitRate = evaluateSize(r, location.limitRate);
    r.limitRateSet = true;
  }
  const rate = r.limitRate ?? 0;
  if (rate === 0) return sendQueue(c, r, location, location.sendfileMaxChunk);
  if (!r.limitRateAfterSet) {
    r.limitRateAfter = evaluateSize(r, location.limitRateAfter);
    r.limitRateAfterSet = true;
  }
  const after = r.limitRateAfter ?? 0;
  // Whole seconds, as nginx counts them.
  const seconds = currentSecond() - Math.floor(r.startTime / 1000) + 1;
  let limit = rate * seconds - (c.handed - after);
  if (limit <= 0) {
    c.writeDelayed = true;
    c.writeTimer.set(Math.floor((-limit * 1000) / rate) + 1);
    c.outBuffered = true;
    return AGAIN;
  }
  if (location.sendfileMaxChunk > 0 && location.sendfileMaxChunk < limit) limit = location.sendfileMaxChunk;
  const before = Math.max(c.handed - after, 0);
  const rc = sendQueue(c, r, location, limit, true);
  if (rc === ERROR) return ERROR;
  const delay = Math.floor(((Math.max(c.handed - after, 0) - before) * 1000) / rate);
  if (delay > 0) {
    c.writeDelayed = true;
    c.writeTimer.set(delay);
  } else if (c.outSize > 0 && !c.socketWaiting) {
    c.continueWriting();
  }
  return rc;
}

/**
 * Sends up to `limit` bytes of the queue (0: no limit).
 * @param paced the caller decides when to go on after the limit
 */
function sendQueue(c: Http1Connection, r: HttpRequest, location: CoreLocation, limit: number, paced = false): number {
  const pieces = c.outPieces;
  if (c.outText !== '') {
    pieces.unshift(c.outText);
    c.outText = '';
  }
  let budget = limit > 0 ? limit : Number.POSITIVE_INFINITY;
  let portion: (string | Uint8Array)[] = [];
  let portionSize = 0;
  let next = 0;
  while (next < pieces.length && budget > 0) {
    const piece = pieces[next] as OutputPiece;
    if (typeof piece === 'string' || piece instanceof Uint8Array) {
      if (piece.length <= budget) {
        portion.push(piece);
        portionSize += piece.length;
        next++;
      } else {
        portion.push(typeof piece === 'string' ? piece.slice(0, budget) : piece.subarray(0, budget));
        pieces[next] = typeof piece === 'string' ? piece.slice(budget) : piece.subarray(budget);
        portionSize += budget;
        budget = 0;
        break;
      }
      budget -= piece.length;
    } else {
      const left = piece.last - piece.pos;
      if (left > READ_SIZE && location.sendfile && c.socket.fd >= 0) {
        if (portionSize > 0) {
          if (!handOver(c, portion, portionSize)) {
            portionSize = 0;
            break;
          }
          portion = [];
          portionSize = 0;
        }
        const sent = sendFile(c, piece, Math.min(left, budget));
        if (sent === ERROR) {
          c.error = true;
          return ERROR;
        }
        budget -= sent;
        if (piece.pos === piece.last) next++;
        if (c.socketWaiting) break;
        continue;
      }
      const buffer = readPiece(c, piece, Math.min(left, budget, READ_SIZE));
      if (buffer === undefined) {
        c.error = true;
        return ERROR;
      }
      portion.push(buffer);
      portionSize += buffer.length;
      budget -= buffer.length;
      if (piece.pos === piece.last) next++;
    }
    if (portionSize >= PORTION) {
      const taken = handOver(c, portion, portionSize);
      portion = [];
      portionSize = 0;
      if (!taken) break;
    }
  }
  if (portionSize > 0) handOver(c, portion, portionSize);
  if (next > 0) pieces.splice(0, next);
  if (c.error) return ERROR;
  if (pieces.length === 0) return sentAll(c, r);
  c.outBuffered = true;
  if (!paced && !c.socketWaiting) c.continueWriting();
  return AGAIN;
}

/** Gives pieces to the socket. False when it did not take them all at once, or failed. */
function handOver(c: Http1Connection, portion: readonly (string | Uint8Array)[], size: number): boolean {
  c.outSize -= size;
  c.handed += size;
  const taken = portion.length === 1 ? c.socket.write(portion[0] as string | Uint8Array) : c.socket.writev(portion);
  if (!taken) waits(c);
  return taken;
}

/** Reads from a file into memory, moving the range's start. Undefined on failure, which is logged. */
export function readPiece(c: Http1Connection, piece: FileRange, size: number): Buffer | undefined {
  const buffer = Buffer.allocUnsafe(size);
  let n: number;
  try {
    n = readSync(piece.file.fd, buffer, 0, size, piece.pos);
  } catch (error) {
    c.log(LOG_CRIT, `pread() "${piece.file.path}" failed${errnoSuffix(error)}`);
    return undefined;
  }
  if (n === 0) {
    c.log(LOG_ALERT, `pread() reported that "${piece.file.path}" was truncated at ${piece.pos}`);
    return undefined;
  }
  piece.pos += n;
  return n === size ? buffer : buffer.subarray(0, n);
}
