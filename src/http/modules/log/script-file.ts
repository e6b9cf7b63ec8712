/**
 * Access logs whose path has variables: opened for each line, or kept open by `open_log_file_cache`.
 * nginx: ngx_http_log_script_write().
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { errnoSuffix } from '../../../log/errno.ts';
import { LOG_ALERT, LOG_CRIT, LOG_ERR } from '../../../log/log.ts';
import { currentSecond } from '../../../log/time.ts';
import { documentRoot, openFile } from '../../core/path.ts';
import { fsPath } from '../../fs-path.ts';
import type { HttpRequest } from '../../request.ts';

interface Kept {
  readonly fd: number;
  readonly opened: number;
  used: number;
  uses: number;
}

/** Descriptors of logs that are written to again and again. */
export class LogFileCache {
  readonly max: number;
  /** Seconds. */
  readonly inactive: number;
  readonly valid: number;
  readonly minUses: number;
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();
  /** How often paths were used that are not kept yet. */
  readonly #uses = new Map<string, number>();

  constructor(max: number, inactive: number, valid: number, minUses: number) {
    this.max = max;
    this.inactive = inactive;
    this.valid = valid;
    this.minUses = minUses;
  }

  /** An open descriptor; `close` tells whether the caller has to close it. Throws Node's error. */
  open(path: string): { fd: number; close: boolean } {
    const now = currentSecond();
    this.#expire(now);
    const kept = this.#kept.get(path);
    if (kept !== undefined) {
      this.#kept.delete(path);
      if (now - kept.opened < this.valid) {
        kept.used = now;
        this.#kept.set(path, kept);
        return { fd: kept.fd, close: false };
      }
      closeSync(kept.fd);
    }
    const fd = openLog(path);
    const uses = (kept?.uses ?? this.#uses.get(path) ?? 0) + 1;
    if (uses < this.minUses) {
      if (this.#uses.size >= this.max) this.#uses.clear();
      this.#uses.set(path, uses);
      return { fd, close: true };
    }
    this.#uses.delete(path);
    if (this.#kept.size >= this.max) this.#drop();
    this.#kept.set(path, { fd, opened: now, used: now, uses });
    return { fd, close: false };
  }

  #expire(now: number): void {
    for (const [path, kept] of this.#kept) {
      if (now - kept.used <= this.inactive) return;
      this.#kept.delete(path);
      closeSync(kept.fd);
    }
  }

  #drop(): void {
    for (const [path, kept] of this.#kept) {
      this.#kept.delete(path);
      closeSync(kept.fd);
      return;
    }
  }
}

function openLog(path: string): number {
  return openSync(fsPath(path), 'a', 0o644);
}

/** Without a document root nobody's host name creates a file. */
function rootExists(r: HttpRequest): boolean {
  if (r.rootTested) return true;
  const path = documentRoot(r);
  const file = openFile(r, path, true);
  file.release();
  if (file.error === '' && file.isDir) return true;
  r.log(LOG_ERR, `testing "${path}" existence failed${errnoSuffix(file.error === '' ? 'ENOTDIR' : file.error)}`);
  return false;
}

/** Appends a line to the file of a path. Failures are logged. */
export function writeScriptLog(r: HttpRequest, path: string, line: string, cache: LogFileCache | undefined): void {
  if (!rootExists(r)) return;
  let opened: { fd: number; close: boolean };
  try {
    opened = cache === undefined ? { fd: openLog(path), close: true } : cache.open(path);
  } catch (e) {
    r.log(LOG_CRIT, `open() "${path}" failed${errnoSuffix(e)}`);
    return;
  }
  try {
    writeSync(opened.fd, line, null, 'latin1');
  } catch (e) {
    r.log(LOG_ALERT, `write() to "${path}" failed${errnoSuffix(e)}`);
  } finally {
    if (opened.close) closeSync(opened.fd);
  }
}
