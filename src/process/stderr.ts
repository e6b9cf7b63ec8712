/**
 * Standard error of a running server is its error log, so that what Node itself or a child prints is not lost, and a
 * daemon does not hold its caller's terminal or pipe open. nginx: ngx_log_redirect_stderr (src/core/ngx_log.c).
 */
import { closeSync, openSync } from 'node:fs';
import { errnoName, errnoSuffix } from '../log/errno.ts';
import type { ErrorLog } from '../log/error-log.ts';
import { LOG_ALERT, logState } from '../log/log.ts';
import { STDERR_FD } from '../log/open-file.ts';
import { errno, libc } from '../shm/libc.ts';

/** How often the descriptor is tried for, a millisecond apart. */
const TRIES = 100;

/**
 * The start is over: errors go to the log alone, and what is written to descriptor 2 as well.
 *
 * @param native by dup2(), which needs the C library: for processes that have loaded it anyway. Without, descriptor 2
 *   is closed and the file opened in the hope to get its number
 */
export function redirectStderr(log: ErrorLog, native: boolean): void {
  logState.useStderr = false;
  const { file } = log;
  if (file === undefined || log.targets.some(({ to }) => 'fd' in to && to.fd === STDERR_FD)) return;
  if (native) {
    if (libc.dup2(file.fd, STDERR_FD) < 0) {
      log.write(LOG_ALERT, `dup2(STDERR) failed${errnoSuffix(errnoName(errno()) ?? 'EIO')}`);
    }
  } else {
    takeNumber(log, file.path);
  }
}

function takeNumber(log: ErrorLog, path: string): void {
  closeSync(STDERR_FD);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < TRIES; i++) {
    let fd: number;
    try {
      fd = openSync(path, 'a', 0o644);
    } catch (e) {
      log.write(LOG_ALERT, `redirecting standard error to "${path}" failed${errnoSuffix(e)}`);
      path = '/dev/null';
      continue;
    }
    if (fd === STDERR_FD) return;
    // Another thread was quicker, such as glibc's allocator when it reads the number of CPUs, and soon closes its file.
    closeSync(fd);
    Atomics.wait(pause, 0, 0, 1);
  }
  log.write(LOG_ALERT, `redirecting standard error to "${path}" failed: the descriptor is in use`);
}
