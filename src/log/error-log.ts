/**
 * The error log proper: what `error_log` directives of one block make together, written line by line.
 *
 * nginx chains one ngx_log_t per directive, ordered by level; here one object has a list of targets in that order,
 * so that a message for nobody costs one comparison with `level`. Format and truncation: ngx_log_error_core.
 */
import { writeSync } from 'node:fs';
import {
  LOG_DEBUG,
  LOG_ERR,
  LOG_LEVEL_NAMES,
  LOG_NOTICE,
  LOG_STDERR,
  LOG_WARN,
  type Log,
  type LogScope,
  logState,
} from './log.ts';
import { OpenFile, STDERR_FD } from './open-file.ts';
import { currentSecond, errorLogTime, updateTime } from './time.ts';

/**
 * Longest line in bytes with its line feed; what is longer is cut. nginx has 2048, OpenResty builds it with 4096
 * (NGX_MAX_ERROR_STR).
 */
export const MAX_ERROR_LINE = 4096;

/** Where lines go besides a file: syslog. */
export interface LogWriter {
  /** Takes the whole line as a file would get it, with its line feed. Never throws. */
  write(level: number, line: string): void;
  close?(): void;
}

/** One `error_log` directive. */
export interface LogTarget {
  readonly level: number;
  readonly to: OpenFile | LogWriter;
}

/** A log with any number of targets. */
export class ErrorLog implements Log {
  level = 0;
  readonly targets: LogTarget[] = [];
  /** A full disk is left alone until the second is over, as nginx does. */
  #fullSecond = 0;

  /** Adds a target, keeping the most talkative first. */
  add(target: LogTarget): this {
    let i = 0;
    while (i < this.targets.length && this.targets[i]!.level >= target.level) i++;
    this.targets.splice(i, 0, target);
    this.level = this.targets[0]!.level;
    return this;
  }

  /** The first file among the targets. nginx: ngx_log_get_file_log. */
  get file(): OpenFile | undefined {
    for (const { to } of this.targets) if (to instanceof OpenFile) return to;
    return undefined;
  }

  write(level: number, message: string, scope?: LogScope): void {
    if (level > this.level) return;
    // Lines of requests and timers have the time of their event, which user code sees, too.
    if (scope === undefined) updateTime();
    // nginx prints its lowest level without a name.
    const name = level === LOG_STDERR ? '' : LOG_LEVEL_NAMES[level]!;
    let text = message;
    let head = `${errorLogTime()} [${name}] ${logState.pid}`;
    if (scope !== undefined) {
      if (scope.connectionNumber !== 0) head += `*${scope.connectionNumber} `;
      if (level !== LOG_DEBUG) text += scope.describe();
    }
    let line = head + text;
    if (line.length > MAX_ERROR_LINE - 1) line = line.slice(0, MAX_ERROR_LINE - 1);
    logState.capture?.(level, line);
    line += '\n';

    let wroteStderr = false;
    for (const { level: wanted, to } of this.targets) {
      if (wanted < level) break;
      if (to instanceof OpenFile) {
        if (to.fd === STDERR_FD) wroteStderr = true;
        this.#append(to, line);
      } else {
        to.write(level, line);
      }
    }
    if (logState.useStderr && level <= LOG_WARN && !wroteStderr) {
      writeStderr(`nginx: [${name}] ${line.slice(head.length)}`);
    }
  }

  #append(file: OpenFile, line: string): void {
    if (file.fd === -1 || this.#fullSecond === currentSecond()) return;
    try {
      file.write(line);
    } catch (e) {
      // There is nobody left to tell, except that a full disk is not tried again at once.
      if ((e as NodeJS.ErrnoException).code === 'ENOSPC') this.#fullSecond = currentSecond();
    }
  }
}

/** Writes bytes to standard error at once. A closed or full stderr is ignored: there is no other place to say so. */
export function writeStderr(bytes: string): void {
  try {
    writeSync(STDERR_FD, bytes, null, 'latin1');
  } catch {
    // nginx ignores the result of ngx_write_console, too.
  }
}

/** A line for the console without a log: `nginx: MESSAGE`. nginx: ngx_log_stderr(0, ...). */
export function logStderr(message: string): void {
  const line = 'nginx: ' + message;
  writeStderr((line.length > MAX_ERROR_LINE - 1 ? line.slice(0, MAX_ERROR_LINE - 1) : line) + '\n');
}

/** A log to standard error only. */
export function stderrLog(level: number = LOG_NOTICE): ErrorLog {
  return new ErrorLog().add({ level, to: new OpenFile('') });
}

/** A log to an open file. */
export function fileLog(file: OpenFile, level: number = LOG_ERR): ErrorLog {
  return new ErrorLog().add({ level, to: file });
}
