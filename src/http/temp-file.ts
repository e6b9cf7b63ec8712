/**
 * Temporary files: request bodies and upstream answers that are too large for memory.
 * nginx: ngx_create_temp_file(), ngx_create_hashed_filename() (src/core/ngx_file.c).
 */
import { closeSync, constants, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { PathRequest } from '../conf/cycle.ts';
import { errnoSuffix } from '../log/errno.ts';
import { LOG_CRIT } from '../log/log.ts';
import type { HttpRequest } from './request.ts';

let last = 0;

/** `/folder/6/00/0000000006` for levels 1 and 2: the nested folders are named after the last digits. */
function tempName(path: PathRequest, number: number): string {
  const name = String(number).padStart(10, '0');
  let folders = '';
  let end = name.length;
  for (const level of path.levels) {
    if (level === 0) break;
    folders += `/${name.slice(end - level, end)}`;
    end -= level;
  }
  return `${path.path}${folders}/${name}`;
}

/** How a temporary file lives. */
export interface TempFileOptions {
  /** Keeps its name while it is open; otherwise only the descriptor does. */
  readonly persistent: boolean;
  /** Deleted when the request is freed. Without it a persistent file stays. */
  readonly clean: boolean;
  /** Default 0600. */
  readonly mode?: number;
}

export interface TempFile {
  readonly path: string;
  readonly fd: number;
  /** Bytes written. */
  size: number;
  /** Set by who moved it to another name: by now its own may be another worker's. */
  moved: boolean;
}

/**
 * Makes a new file in the folder of `path`. It is closed when the request is freed.
 * @returns undefined when it cannot be made; that is logged
 */
export function createTempFile(r: HttpRequest, path: PathRequest, options: TempFileOptions): TempFile | undefined {
  let number = ++last;
  let made = '';
  for (;;) {
    const name = tempName(path, number);
    try {
      const fd = openSync(name, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, options.mode ?? 0o600);
      if (!options.persistent) unlinkSync(name);
      const file = { path: name, fd, size: 0, moved: false };
      r.main.addCleanup(() => {
        closeSync(fd);
        if (options.persistent && options.clean && !file.moved) removeFile(r, name);
      });
      return file;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') {
        // Another worker, or one that lived before, has the number: go on far from it.
        last += 1 + Math.floor(Math.random() * 123456);
        number = last;
        continue;
      }
      if (code === 'ENOENT' && made !== name && path.levels.some((level) => level > 0)) {
        if (!makeFolder(r, dirname(name))) return undefined;
        made = name;
        continue;
      }
      r.log(LOG_CRIT, `open() "${name}" failed${errnoSuffix(error)}`);
      return undefined;
    }
  }
}

/** Writes all of the bytes to the file's end. Throws what write(2) reports; `size` tells how much was written. */
export function appendToFile(file: TempFile, data: string | Uint8Array): void {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
  for (let done = 0; done < bytes.length; ) {
    const n = writeSync(file.fd, bytes, done, bytes.length - done, file.size);
    done += n;
    file.size += n;
  }
}

function makeFolder(r: HttpRequest, folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return true;
  } catch (error) {
    r.log(LOG_CRIT, `mkdir() "${folder}" failed${errnoSuffix(error)}`);
    return false;
  }
}

function removeFile(r: HttpRequest, name: string): void {
  try {
    unlinkSync(name);
  } catch (error) {
    // Moved away by its user, as client_body_in_file_only clean permits.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      r.log(LOG_CRIT, `unlink() "${name}" failed${errnoSuffix(error)}`);
    }
  }
}
