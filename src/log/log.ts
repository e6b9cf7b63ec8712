/**
 * error_log: levels, targets and nginx's line format.
 *
 *   2026/11/21 12:00:00 [error] 123#123: *7 text, client: 127.0.0.1, server: localhost, request: "GET / HTTP/1.1"
 *
 * Alerts and tests match these lines, so the format is nginx's own (src/core/ngx_log.c).
 */

/** Levels by number, as in nginx: lower is more severe. */
export const LOG_STDERR = 0;
export const LOG_EMERG = 1;
export const LOG_ALERT = 2;
export const LOG_CRIT = 3;
export const LOG_ERR = 4;
export const LOG_WARN = 5;
export const LOG_NOTICE = 6;
export const LOG_INFO = 7;
export const LOG_DEBUG = 8;

/** Names by number, as they stand between the brackets. */
export const LOG_LEVEL_NAMES: readonly string[] = [
  'stderr',
  'emerg',
  'alert',
  'crit',
  'error',
  'warn',
  'notice',
  'info',
  'debug',
];

/** Whose line it is: a connection or a request adds its number and its description. */
export interface LogScope {
  /** Connection number after the `*`; 0 for none. */
  readonly connectionNumber: number;
  /** The tail: `, client: ..., server: ...`. Called only when the line is written. */
  describe(): string;
}

/** A place to write error lines to: one or several targets, each with its level. */
export interface Log {
  /** The most talkative target's level: skip making a message when `level > log.level`. */
  readonly level: number;
  /** Writes one line to each target that takes `level`. `message` is a latin1 byte string. Never throws. */
  write(level: number, message: string, scope?: LogScope): void;
}

/**
 * The process's share in each line. nginx keeps these as globals too (ngx_log_pid, ngx_use_stderr).
 */
export const logState = {
  /** `123#123: `, process and thread: the main thread has the number of its process. */
  pid: `${process.pid}#${process.pid}: `,
  /** Lines of level warn and above also go to stderr as `nginx: [warn] text`, until the start is over. */
  useStderr: true,
  /** Sees each line that is written to an error log, without its line feed. For lua_capture_error_log. */
  capture: undefined as ((level: number, line: string) => void) | undefined,
};

/** The level's number for its name between the brackets, or undefined: `error` -> 4. `stderr` is no level. */
export function logLevelNumber(name: string): number | undefined {
  const n = LOG_LEVEL_NAMES.indexOf(name);
  return n > 0 ? n : undefined;
}
