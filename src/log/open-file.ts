/**
 * Files that a cycle appends to (error logs, access logs): opened once per path however often a directive names
 * them, and reopened under the same object on USR1, so that everybody who holds one writes to the new file.
 *
 * nginx: ngx_open_file_t, ngx_conf_open_file (src/core/ngx_conf_file.c), ngx_reopen_files (src/core/ngx_cycle.c).
 *
 * Writes are synchronous: a line is in the kernel before the next one is made, so lines of several processes do
 * not mix (O_APPEND) and nothing is lost when a worker is killed.
 */
import { chmodSync, chownSync, closeSync, openSync, statSync, writeSync } from 'node:fs';
import { errnoSuffix } from './errno.ts';
import { LOG_EMERG, type Log } from './log.ts';

/** The descriptor of standard error; an OpenFile on it is never opened, reopened or closed. */
export const STDERR_FD = 2;

/** One file that is appended to. Made closed; a cycle's OpenFiles opens it. */
export class OpenFile {
  /** Absolute path; empty for standard error. */
  readonly path: string;
  /** -1 while it is not open. */
  fd: number;
  /** Writes out what a user of the file has buffered; called before the file is reopened or closed. */
  flush: (() => void) | undefined = undefined;

  constructor(path: string) {
    this.path = path;
    this.fd = path === '' ? STDERR_FD : -1;
  }

  /** Opens for appending, creating it with mode 0644. Throws Node's error, see `errnoSuffix`. */
  open(): void {
    if (this.fd === -1) this.fd = openSync(this.path, 'a', 0o644);
  }

  /** Appends a byte string as it is. Throws Node's error. Returns the number of bytes written. */
  write(bytes: string): number {
    return writeSync(this.fd, bytes, null, 'latin1');
  }

  /**
   * Opens the path again and closes the old descriptor; when that fails the old file stays in use.
   *
   * @param owner uid that the file shall have when it differs, so that a worker that has given up root can reopen
   *   it as well; undefined leaves the file as it is
   */
  reopen(log: Log, owner?: number): void {
    if (this.path === '') return;
    this.flush?.();
    let fd: number;
    try {
      fd = openSync(this.path, 'a', 0o644);
    } catch (e) {
      log.write(LOG_EMERG, `open() "${this.path}" failed${errnoSuffix(e)}`);
      return;
    }
    if (owner !== undefined && !giveTo(this.path, owner, log)) {
      closeSync(fd);
      return;
    }
    const old = this.fd;
    this.fd = fd;
    if (old >= 0) closeSync(old);
  }

  close(): void {
    if (this.path === '' || this.fd === -1) return;
    this.flush?.();
    closeSync(this.fd);
    this.fd = -1;
  }
}

function giveTo(path: string, owner: number, log: Log): boolean {
  let call = `stat() "${path}"`;
  try {
    const info = statSync(path);
    if (info.uid !== owner) {
      call = `chown("${path}", ${owner})`;
      chownSync(path, owner, info.gid);
    }
    if ((info.mode & 0o600) !== 0o600) {
      call = `chmod() "${path}"`;
      chmodSync(path, (info.mode & 0o7777) | 0o600);
    }
    return true;
  } catch (e) {
    log.write(LOG_EMERG, `${call} failed${errnoSuffix(e)}`);
    return false;
  }
}

/** All the files of one cycle, by path. */
export class OpenFiles {
  readonly #files = new Map<string, OpenFile>();

  /** The file of that absolute path ('' for standard error), the same object for the same path. */
  get(path: string): OpenFile {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = new OpenFile(path);
      this.#files.set(path, file);
    }
    return file;
  }

  /** Opens all. Throws an Error with nginx's message for the first that cannot be opened. */
  openAll(): void {
    for (const file of this.#files.values()) {
      try {
        file.open();
      } catch (e) {
        throw new Error(`open() "${file.path}" failed${errnoSuffix(e)}`, { cause: e });
      }
    }
  }

  /** USR1. See OpenFile.reopen. */
  reopenAll(log: Log, owner?: number): void {
    for (const file of this.#files.values()) file.reopen(log, owner);
  }

  /** Writes out every buffer; before a process exits. */
  flushAll(): void {
    for (const file of this.#files.values()) file.flush?.();
  }

  closeAll(): void {
    for (const file of this.#files.values()) file.close();
  }
}
