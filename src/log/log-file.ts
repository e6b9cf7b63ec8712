/**
 * An access log file: lines are appended at once, or collected in a buffer that is written when it is full, when
 * `flush=` has passed, on reopen and at exit; with `gzip` each written piece is one gzip member, so that zcat reads
 * the file at any time.
 *
 * nginx: ngx_http_log_write, ngx_http_log_flush, ngx_http_log_gzip (src/http/modules/ngx_http_log_module.c).
 */
import { writeSync } from 'node:fs';
import { errnoSuffix } from './errno.ts';
import { LOG_ALERT, type Log } from './log.ts';
import type { OpenFile } from './open-file.ts';
import { currentSecond } from './time.ts';

/** How a log file is buffered. `access_log path format buffer=size [gzip[=level]] [flush=time]`. */
export interface LogFileOptions {
  /** Bytes; 0 writes every line at once. */
  readonly buffer?: number;
  /** Milliseconds after which a buffer that is not full is written; 0 or undefined waits until it is full. */
  readonly flush?: number;
  /** 1..9; 0 or undefined writes plain text. Needs a buffer. */
  readonly gzip?: number;
}

/** A failing log file is reported to error.log once in this many seconds. */
const COMPLAIN_EVERY = 60;

/** Lines for one file. Several objects may share an OpenFile as long as only one of them buffers. */
export class LogFile {
  readonly file: OpenFile;
  readonly options: LogFileOptions;
  readonly #limit: number;
  readonly #errors: () => Log;
  #pending = '';
  #timer: NodeJS.Timeout | undefined;
  #fullSecond = 0;
  #complained = 0;

  /**
   * @param file of the cycle's OpenFiles, which opens it
   * @param errors gives the log that write failures are reported to; asked when one happens
   */
  constructor(file: OpenFile, options: LogFileOptions, errors: () => Log) {
    this.file = file;
    this.options = options;
    this.#limit = options.buffer ?? 0;
    this.#errors = errors;
    if (this.#limit > 0) file.flush = () => this.flush();
  }

  /** Appends a byte string: one or more whole lines with their line feeds. */
  append(line: string): void {
    if (this.#limit === 0) {
      this.#write(line);
      return;
    }
    if (this.#pending.length + line.length > this.#limit) {
      this.flush();
      if (line.length > this.#limit) {
        this.#writeOut(line);
        return;
      }
    }
    if (this.#pending === '' && this.options.flush) {
      this.#timer ??= setTimeout(() => this.flush(), this.options.flush).unref();
    }
    this.#pending += line;
  }

  /** Writes what is buffered. */
  flush(): void {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    if (this.#pending === '') return;
    const bytes = this.#pending;
    this.#pending = '';
    this.#writeOut(bytes);
  }

  #writeOut(bytes: string): void {
    if (!this.options.gzip) {
      this.#write(bytes);
      return;
    }
    // zlib is loaded by the first server that asks for it.
    const zlib = process.getBuiltinModule('node:zlib');
    this.#write(zlib.gzipSync(Buffer.from(bytes, 'latin1'), { level: this.options.gzip }));
  }

  #write(bytes: string | Uint8Array): void {
    if (this.file.fd === -1 || this.#fullSecond === currentSecond()) return;
    let written: number;
    try {
      written =
        typeof bytes === 'string'
          ? writeSync(this.file.fd, bytes, null, 'latin1')
          : writeSync(this.file.fd, bytes, 0, bytes.length, null);
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code === 'ENOSPC') this.#fullSecond = currentSecond();
      this.#complain(`write() to "${this.file.path}" failed${errnoSuffix(e)}`);
      return;
    }
    if (written !== bytes.length) {
      this.#complain(`write() to "${this.file.path}" was incomplete: ${written} of ${bytes.length}`);
    }
  }

  #complain(message: string): void {
    if (currentSecond() - this.#complained < COMPLAIN_EVERY) return;
    this.#complained = currentSecond();
    this.#errors().write(LOG_ALERT, message);
  }
}
