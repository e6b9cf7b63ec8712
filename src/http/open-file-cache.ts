/**
 * Opening files for responses, with `open_file_cache` in between: descriptors, sizes, modification times and failures
 * of recently used paths, looked at again after `open_file_cache_valid`. nginx: src/core/ngx_open_file_cache.c.
 *
 * All calls are synchronous: a stat, an open and a read of a cached file take less time than a turn of the event loop.
 */
import { lstatSync, readlinkSync, statSync } from 'node:fs';
import { currentSecond } from '../log/time.ts';
import type { OpenFile } from './buf.ts';
import {
  closeDescriptor,
  errorName,
  type FileStatus,
  failure,
  openToRead,
  statDescriptor,
  statPath,
  status,
} from './file-calls.ts';
import { fsPath } from './fs-path.ts';

/** What a path turned out to be. Failures have `error` and nothing else that counts. */
export interface FileInfo {
  /** Descriptor, or -1 for a folder and when only the kind was asked for. */
  readonly fd: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly isFile: boolean;
  readonly isDir: boolean;
  readonly isExec: boolean;
  /** errno name when it failed, else ''. */
  readonly error: string;
  /** The call that failed, as in messages: `open()`, `stat()`. */
  readonly failed: string;
  /** Gives the file back: to be called once the response needs it no more. */
  release(): void;
}

/** How to look at a path. */
export interface OpenFileOptions {
  /** Only what it is: no descriptor. */
  readonly testOnly: boolean;
  /** Seconds. */
  readonly valid: number;
  readonly minUses: number;
  /** Keep failures, too. */
  readonly errors: boolean;
  readonly disableSymlinks: 'off' | 'on' | 'if_not_owner';
  /** With disableSymlinks: how many characters of the path are not checked. */
  readonly disableSymlinksFrom: number;
}

class Opened implements FileInfo, OpenFile {
  readonly path: string;
  fd: number;
  readonly size: number;
  readonly mtime: number;
  readonly isFile: boolean;
  readonly isDir: boolean;
  readonly isExec: boolean;
  /** Device and inode: whether the path still names this file. */
  readonly dev: number;
  readonly ino: number;
  readonly error = '';
  readonly failed = '';
  /** Users, the cache being one of them. */
  #users = 1;

  constructor(path: string, fd: number, stats: FileStatus) {
    this.path = path;
    this.fd = fd;
    this.size = stats.size;
    this.mtime = stats.mtime;
    const kind = stats.mode & 0o170000;
    this.isFile = kind === 0o100000;
    this.isDir = kind === 0o040000;
    this.isExec = (stats.mode & 0o100) !== 0;
    this.dev = stats.dev;
    this.ino = stats.ino;
  }

  use(): this {
    this.#users++;
    return this;
  }

  release(): void {
    if (--this.#users > 0 || this.fd < 0) return;
    closeDescriptor(this.fd);
    this.fd = -1;
  }
}

class Failure implements FileInfo {
  readonly fd = -1;
  readonly size = 0;
  readonly mtime = 0;
  readonly isFile = false;
  readonly isDir = false;
  readonly isExec = false;
  readonly error: string;
  readonly failed: string;

  constructor(error: string, failed: string) {
    this.error = error;
    this.failed = failed;
  }

  use(): this {
    return this;
  }

  release(): void {}
}

/** Looks at the path without a cache. Folders are not opened. */
function look(path: string, options: OpenFileOptions): Opened | Failure {
  if (options.disableSymlinks !== 'off') {
    const refused = refuseSymlink(path, options);
    if (refused !== undefined) return refused;
  }
  if (options.testOnly) return statPath(path) ? new Opened(path, -1, status) : new Failure(failure(), 'stat()');
  const fd = openToRead(path);
  if (fd < 0) return new Failure(failure(), 'open()');
  if (!statDescriptor(fd)) {
    const error = failure();
    closeDescriptor(fd);
    return new Failure(error, 'fstat()');
  }
  const file = new Opened(path, fd, status);
  if (!file.isDir) return file;
  file.release();
  return file;
}

/** The failure of a path that `disable_symlinks` forbids, or that cannot be looked at for it. */
function refuseSymlink(path: string, options: OpenFileOptions): Failure | undefined {
  try {
    return findSymlink(path, options) ? new Failure('ELOOP', 'openat()') : undefined;
  } catch (e) {
    return new Failure(errorName(e), 'openat()');
  }
}

/** Whether a component of the path is a symbolic link that `disable_symlinks` forbids. */
function findSymlink(path: string, options: OpenFileOptions): boolean {
  let end = path.indexOf('/', Math.max(1, options.disableSymlinksFrom + 1));
  for (;;) {
    const part = end < 0 ? path : path.slice(0, end);
    if (part.length > options.disableSymlinksFrom && part !== '' && part !== '/') {
      const stats = lstatSync(fsPath(part));
      if (stats.isSymbolicLink()) {
        if (options.disableSymlinks === 'on') return true;
        readlinkSync(fsPath(part));
        if (statSync(fsPath(part)).uid !== stats.uid) return true;
      }
    }
    if (end < 0) return false;
    end = path.indexOf('/', end + 1);
  }
}

interface Entry {
  file: Opened | Failure;
  /** Seconds since 1970: when it was looked at, and when it was asked for last. */
  checked: number;
  used: number;
  uses: number;
}

/** The files that a block's `open_file_cache` holds. */
export class OpenFileCache {
  readonly max: number;
  /** Seconds. */
  readonly inactive: number;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(max: number, inactive: number) {
    this.max = max;
    this.inactive = inactive;
  }

  open(path: string, options: OpenFileOptions): FileInfo {
    const now = currentSecond();
    const entry = this.#entries.get(path);
    if (entry === undefined) {
      const file = look(path, options);
      if (file.error !== '' && !options.errors) return file;
      this.#expire(now, 2);
      if (this.#entries.size >= this.max) this.#drop();
      this.#entries.set(path, { file, checked: now, used: now, uses: 1 });
      return this.#hand(this.#entries.get(path) as Entry, options, file);
    }
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    entry.uses++;
    entry.used = now;
    const { file } = entry;
    const usable = file.error !== '' ? options.errors : options.testOnly || file.fd >= 0 || file.isDir;
    if (usable && now - entry.checked < options.valid) return file.use();
    const seen = look(path, usable && file.fd >= 0 ? { ...options, testOnly: true } : options);
    entry.checked = now;
    if (
      file instanceof Opened &&
      seen instanceof Opened &&
      file.fd >= 0 &&
      seen.fd < 0 &&
      seen.dev === file.dev &&
      seen.ino === file.ino &&
      seen.mtime === file.mtime &&
      seen.size === file.size
    ) {
      return file.use();
    }
    if (seen.error !== '' && !options.errors) {
      this.#entries.delete(path);
      file.release();
      return seen;
    }
    // What was looked at only to compare has no descriptor yet.
    const fresh = seen.error === '' && !seen.isDir && seen.fd < 0 && !options.testOnly ? look(path, options) : seen;
    file.release();
    entry.file = fresh;
    return this.#hand(entry, options, fresh);
  }

  /** Keeps a descriptor only from `min_uses` on; the caller gets the file in any case. */
  #hand(entry: Entry, options: OpenFileOptions, file: Opened | Failure): FileInfo {
    if (file instanceof Opened && file.fd >= 0 && entry.uses < options.minUses) {
      entry.file = new Opened(file.path, -1, {
        size: file.size,
        mtime: file.mtime,
        mode: (file.isFile ? 0o100000 : 0) | (file.isExec ? 0o100 : 0),
        dev: file.dev,
        ino: file.ino,
      });
      return file;
    }
    return file.use();
  }

  /** Forgets up to `count` entries that nobody has used for long. */
  #expire(now: number, count: number): void {
    for (const [path, entry] of this.#entries) {
      if (count-- === 0 || now - entry.used <= this.inactive) return;
      this.#entries.delete(path);
      entry.file.release();
    }
  }

  #drop(): void {
    for (const [path, entry] of this.#entries) {
      this.#entries.delete(path);
      entry.file.release();
      return;
    }
  }

  /** Gives all descriptors back. */
  clear(): void {
    for (const entry of this.#entries.values()) entry.file.release();
    this.#entries.clear();
  }
}

/** Looks at a path, through the cache when there is one. nginx: ngx_open_cached_file(). */
export function openCachedFile(cache: OpenFileCache | undefined, path: string, options: OpenFileOptions): FileInfo {
  return cache === undefined ? look(path, options) : cache.open(path, options);
}
