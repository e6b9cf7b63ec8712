/**
 * Moves a file to its place: where nobody sees a part of it, with permissions and time, making the folders on the way.
 * nginx: ngx_ext_rename_file() (src/core/ngx_file.c).
 */
import { chmodSync, copyFileSync, mkdirSync, renameSync, statSync, unlinkSync, utimesSync } from 'node:fs';
import { errnoOf, errnoSuffix } from '../log/errno.ts';
import { LOG_CRIT } from '../log/log.ts';
import { fsPath } from './fs-path.ts';
import type { HttpRequest } from './request.ts';

/** Permissions of a folder whose files have these: who may read may enter. nginx: ngx_dir_access(). */
export function dirAccess(access: number): number {
  return access | ((access & 0o444) >> 2);
}

/** How a file is moved to its place. */
export interface RenameOptions {
  /** Permissions for the file; 0 leaves them. */
  readonly access: number;
  /** Permissions for folders made on the way; undefined makes none. */
  readonly pathAccess: number | undefined;
  /** Modification time in seconds, or -1. */
  readonly time: number;
  /** Delete the file when it cannot be moved. */
  readonly deleteFile: boolean;
}

let lastCopy = 0;

/** Moves a file; false (logged) when that fails. */
export function renameFile(r: HttpRequest, from: string, to: string, options: RenameOptions): boolean {
  let call = '';
  try {
    if (options.access !== 0) {
      call = `chmod() "${from}" failed`;
      chmodSync(fsPath(from), options.access);
    }
    if (options.time !== -1) {
      call = `utimes() "${from}" failed`;
      utimesSync(fsPath(from), options.time, options.time);
    }
    call = `rename() "${from}" to "${to}" failed`;
    move(from, to, options.pathAccess);
    return true;
  } catch (e) {
    if (options.deleteFile) deleteFile(r, from);
    r.log(LOG_CRIT, `${e instanceof FolderError ? `mkdir() "${to}" failed` : call}${errnoSuffix(e)}`);
    return false;
  }
}

/** The folders on the way could not be made. */
class FolderError extends Error {
  readonly code: string;

  constructor(cause: unknown) {
    super((cause as Error).message);
    this.code = errnoOf(cause);
  }
}

function move(from: string, to: string, pathAccess: number | undefined): void {
  try {
    renameSync(fsPath(from), fsPath(to));
    return;
  } catch (e) {
    const error = errnoOf(e);
    if (error === 'EXDEV') {
      copyOver(from, to);
      return;
    }
    if (error !== 'ENOENT' || pathAccess === undefined) throw e;
  }
  try {
    makeFolders(to, dirAccess(pathAccess));
  } catch (e) {
    throw new FolderError(e);
  }
  move(from, to, undefined);
}

function makeFolders(path: string, access: number): void {
  for (let slash = path.indexOf('/', 1); slash > 0; slash = path.indexOf('/', slash + 1)) {
    try {
      mkdirSync(fsPath(path.slice(0, slash)), access);
    } catch (e) {
      const error = errnoOf(e);
      if (error !== 'EEXIST' && error !== 'EACCES') throw e;
    }
  }
}

/** To another file system: by a copy beside the target, so that it is there at once or not at all. */
function copyOver(from: string, to: string): void {
  const beside = `${to}.${String(++lastCopy).padStart(10, '0')}`;
  const stats = statSync(fsPath(from));
  copyFileSync(fsPath(from), fsPath(beside));
  try {
    utimesSync(fsPath(beside), stats.atime, stats.mtime);
    renameSync(fsPath(beside), fsPath(to));
  } catch (e) {
    unlinkSync(fsPath(beside));
    throw e;
  }
  unlinkSync(fsPath(from));
}

function deleteFile(r: HttpRequest, path: string): void {
  try {
    unlinkSync(fsPath(path));
  } catch (e) {
    r.log(LOG_CRIT, `unlink() "${path}" failed${errnoSuffix(e)}`);
  }
}
