/**
 * Standard error of a running server is its error log, so that what Node itself or a child prints is not lost, and a
 * daemon does not hold its caller's terminal or pipe open. nginx: ngx_log_redirect_stderr (src/core/ngx_log.c).
 */
import { closeSync, openSync } from 'node:fs';
import { errnoSuffix } from '../log/errno.ts';
import type { ErrorLog } from '../log/error-log.ts';
import { LOG_ALERT, logState } from '../log/log.ts';
import { STDERR_FD } from '../log/open-file.ts';

/** The start is over: errors go to the log alone, and what is written to descriptor 2 as well. */
export function redirectStderr(log: ErrorLog): void {
  logState.useStderr = false;
  const { file } = log;
  if (file === undefined || log.targets.some(({ to }) => 'fd' in to && to.fd === STDERR_FD)) return;
  // Node has no dup2(): the lowest free descriptor is the one that was just closed.
  closeSync(STDERR_FD);
  let fd: number;
  try {
    fd = openSync(file.path, 'a', 0o644);
  } catch (e) {
    fd = openSync('/dev/null', 'w');
    log.write(LOG_ALERT, `redirecting standard error to "${file.path}" failed${errnoSuffix(e)}`);
  }
  if (fd !== STDERR_FD) {
    closeSync(fd);
    log.write(LOG_ALERT, `redirecting standard error to "${file.path}" failed: descriptor ${fd} was free`);
  }
}
