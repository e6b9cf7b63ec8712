/**
 * What WebDAV methods do with files besides moving them: copying and deleting, whole folders included. Failures are
 * logged as nginx logs them. nginx: ngx_copy_file(), ngx_walk_tree() (src/core/ngx_file.c).
 */
import {
  copyFileSync,
  type Dirent,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  type Stats,
  statSync,
  unlinkSync,
  utimesSync,
} from 'node:fs';
import { errnoOf, errnoSuffix } from '../../../log/errno.ts';
import { LOG_ALERT, LOG_CRIT, LOG_ERR } from '../../../log/log.ts';
import {
  HTTP_FORBIDDEN,
  HTTP_INSUFFICIENT_STORAGE,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_NOT_ALLOWED,
  OK,
} from '../../codes.ts';
import { fsPath } from '../../fs-path.ts';
import { dirAccess } from '../../rename-file.ts';
import type { HttpRequest } from '../../request.ts';

/** Logs a failure and gives the status for it; `missing` is that of a path that is not there. */
export function davError(r: HttpRequest, failure: unknown, missing: number, call: string, path: string): number {
  const error = errnoOf(failure);
  let level = LOG_CRIT;
  let status = HTTP_INTERNAL_SERVER_ERROR;
  switch (error) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      level = LOG_ERR;
      status = missing;
      break;
    case 'EACCES':
    case 'EPERM':
      level = LOG_ERR;
      status = HTTP_FORBIDDEN;
      break;
    case 'EEXIST':
      level = LOG_ERR;
      status = HTTP_NOT_ALLOWED;
      break;
    case 'ENOSPC':
      status = HTTP_INSUFFICIENT_STORAGE;
  }
  r.log(level, `${call} "${path}" failed${errnoSuffix(error)}`);
  return status;
}

/** Copies a file with its permissions and time; false (logged) when that fails. */
export function copyFile(r: HttpRequest, from: string, to: string, stats: Stats): boolean {
  try {
    copyFileSync(fsPath(from), fsPath(to));
    utimesSync(fsPath(to), stats.mtime, stats.mtime);
    return true;
  } catch (e) {
    const target = existsSync(fsPath(from)) ? to : from;
    r.log(LOG_CRIT, `open() "${target}" failed${errnoSuffix(e)}`);
    return false;
  }
}

/** What is done on the way through a folder. */
interface Walk {
  file(path: string): void;
  enter(path: string): void;
  leave(path: string): void;
  /** Links, sockets and the like. */
  special(path: string): void;
}

/** Goes through all that is in a folder; false (logged) when it cannot be read. */
function walk(r: HttpRequest, path: string, visit: Walk): boolean {
  let entries: Dirent[];
  try {
    entries = readdirSync(fsPath(path), { withFileTypes: true, encoding: 'latin1' });
  } catch (e) {
    r.log(LOG_CRIT, `opendir() "${path}" failed${errnoSuffix(e)}`);
    return false;
  }
  for (const entry of entries) {
    const inner = `${path}/${entry.name}`;
    if (entry.isDirectory()) {
      visit.enter(inner);
      if (!walk(r, inner, visit)) return false;
      visit.leave(inner);
    } else if (entry.isFile()) visit.file(inner);
    else visit.special(inner);
  }
  return true;
}

/** Deletes a file, or a folder with all that is in it. OK or a status. */
export function deletePath(r: HttpRequest, path: string, isFolder: boolean, missing: number): number {
  if (isFolder) {
    const unlink = (inner: string): void => attempt(r, 'unlink()', inner, () => unlinkSync(fsPath(inner)));
    const complete = walk(r, path, {
      file: unlink,
      special: unlink,
      enter() {},
      leave: (inner) => attempt(r, 'rmdir()', inner, () => rmdirSync(fsPath(inner))),
    });
    if (!complete) return HTTP_INTERNAL_SERVER_ERROR;
  }
  try {
    if (isFolder) rmdirSync(fsPath(path));
    else unlinkSync(fsPath(path));
    return OK;
  } catch (e) {
    return davError(r, e, missing, isFolder ? 'rmdir()' : 'unlink()', path);
  }
}

/** Within a folder a failure is logged, and the rest is done nevertheless. */
function attempt(r: HttpRequest, call: string, path: string, work: () => void): void {
  try {
    work();
  } catch (e) {
    davError(r, e, 0, call, path);
  }
}

/** Copies what is in a folder to another one that is there. False (logged) when it cannot be read. */
export function copyTree(r: HttpRequest, from: string, to: string): boolean {
  const target = (path: string): string => to + path.slice(from.length);
  return walk(r, from, {
    enter(path) {
      attempt(r, 'mkdir()', target(path), () =>
        mkdirSync(fsPath(target(path)), dirAccess(statSync(fsPath(path)).mode & 0o777)),
      );
    },
    leave(path) {
      try {
        const { mtime } = statSync(fsPath(path));
        utimesSync(fsPath(target(path)), mtime, mtime);
      } catch (e) {
        r.log(LOG_ALERT, `utimes() "${target(path)}" failed${errnoSuffix(e)}`);
      }
    },
    file(path) {
      attempt(r, 'stat()', path, () => copyFile(r, path, target(path), statSync(fsPath(path))));
    },
    special() {},
  });
}
