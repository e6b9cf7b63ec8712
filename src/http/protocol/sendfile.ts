/**
 * Large files by sendfile(2): the kernel moves the bytes, none pass through this process. nginx: ngx_linux_sendfile().
 *
 * The call goes to the socket's descriptor behind the back of libuv, so only while libuv has nothing queued. When the
 * kernel is full, libuv must be the one to learn that it is not any more: one ordinary write of a piece that the
 * kernel does not take does that.
 */
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_INFO } from '../../log/log.ts';
import { ERROR } from '../codes.ts';
import type { Http1Connection } from './http1.ts';
import { type FileRange, readPiece } from './write.ts';

/** Written in the ordinary way when the kernel is full. */
const NUDGE = 65536;

/**
 * Sends up to `size` bytes of the range, moving its start.
 * @returns bytes sent or handed to the socket; `c.socketWaiting` is set when the kernel is full; ERROR when the client
 *   or the file failed
 */
export function sendFile(c: Http1Connection, piece: FileRange, size: number): number {
  let total = 0;
  while (total < size && !c.socketWaiting) {
    const buffer = readPiece(c, piece, Math.min(size - total, NUDGE));
    if (buffer === undefined) return ERROR;
    total += buffer.length;
    c.handed += buffer.length;
    c.outSize -= buffer.length;
    if (!c.socket.write(buffer)) {
      if (c.socket.failure !== '') {
        c.log(LOG_INFO, `send() failed${errnoSuffix(c.socket.failure)}`);
        return ERROR;
      }
      c.socketWaiting = true;
    }
  }
  return total;
}
