/**
 * Large files by sendfile(2): the kernel moves the bytes, none pass through this process. nginx: ngx_linux_sendfile().
 *
 * The call goes to the socket's descriptor behind the back of libuv, so only while libuv has nothing queued. When the
 * kernel is full, libuv must be the one to learn that it is not any more: one ordinary write of a piece that the
 * kernel does not take does that.
 */
import { errnoName, errnoSuffix } from '../../log/errno.ts';
import { LOG_ALERT, LOG_INFO } from '../../log/log.ts';
import { LibcUnavailableError, sendfile as systemSendfile } from '../../shm/libc.ts';
import { ERROR } from '../codes.ts';
import type { Http1Connection } from './http1.ts';
import { type FileRange, readPiece } from './write.ts';

/** Written in the ordinary way when the kernel is full. */
const NUDGE = 65536;

let missing = false;

/**
 * Sends up to `size` bytes of the range, moving its start.
 * @returns bytes sent or handed to the socket; `c.socketWaiting` is set when the kernel is full; ERROR when the client
 *   or the file failed
 */
export function sendFile(c: Http1Connection, piece: FileRange, size: number): number {
  let total = 0;
  while (total < size && !c.socketWaiting) {
    if (!missing) {
      let n: number;
      try {
        n = systemSendfile(c.socket.fd, piece.file.fd, piece.pos, size - total);
      } catch (error) {
        if (!(error instanceof LibcUnavailableError)) throw error;
        missing = true;
        continue;
      }
      if (n > 0) {
        piece.pos += n;
        total += n;
        c.handed += n;
        c.outSize -= n;
        continue;
      }
      if (n === 0) {
        c.log(LOG_ALERT, `sendfile() reported that "${piece.file.path}" was truncated at ${piece.pos}`);
        return ERROR;
      }
      const code = errnoName(n) ?? 'EIO';
      if (code === 'EINTR') continue;
      if (code !== 'EAGAIN') {
        c.log(LOG_INFO, `sendfile() failed${errnoSuffix(code)}`);
        return ERROR;
      }
    }
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
