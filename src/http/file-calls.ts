/**
 * The system calls behind a file that is answered: open, stat, read, close.
 *
 * node:fs makes an object with four dates of each status, and an exception with a stack of each path that does not exist,
 * which `try_files` has many of. So a worker that looks at many files calls the C library itself, where it can be
 * called and its struct stat is the one known here. The first calls go through node:fs: loading the way to the
 * C library (src/shm/libc.ts) costs as much as thousands of them.
 *
 * Failed calls return -1 or false, and `failure()` tells why, until the next call.
 */
import { closeSync, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { errnoName } from '../log/errno.ts';
import { latin1Write } from '../net/latin1.ts';
import { errno, LibcUnavailableError, libc } from '../shm/libc.ts';
import { fsPath } from './fs-path.ts';

/** What stat(2) tells. */
export interface FileStatus {
  /** Type and permissions. */
  mode: number;
  /** Bytes. */
  size: number;
  /** Whole seconds since 1970. */
  mtime: number;
  dev: number;
  ino: number;
}

/** O_RDONLY | O_NONBLOCK, so that a FIFO does not hang the process; and O_CLOEXEC, which Node adds of its own accord. */
const OPEN_FLAGS = process.platform === 'linux' ? 0x800 : 0x4;
const CLOSE_ON_EXEC = 0x80000;
/** PATH_MAX of Linux, with the zero at the end. */
const LONGEST_PATH = 4096;
/** Calls through node:fs before the C library is asked for. */
const FIRST_CALLS = 500;

/** The status that the last successful stat has read: for that call's sake alone, to be copied. */
export const status: FileStatus = { mode: 0, size: 0, mtime: 0, dev: 0, ino: 0 };

let error = '';

/** errno's name of the last call, if it failed. */
export function failure(): string {
  return error;
}

interface Calls {
  open(path: string): number;
  stat(path: string): boolean;
  fstat(fd: number): boolean;
  pread(fd: number, buffer: Buffer, size: number): number;
  close(fd: number): void;
}

function take(stats: Stats): boolean {
  status.mode = stats.mode;
  status.size = stats.size;
  status.mtime = Math.floor(stats.mtimeMs / 1000);
  status.dev = stats.dev;
  status.ino = stats.ino;
  return true;
}

/** errno's name of what a function of node:fs has thrown. */
export function errorName(e: unknown): string {
  const { code } = e as { code?: unknown };
  // A zero byte in the path: Node refuses it, the system would not find it.
  if (code === 'ERR_INVALID_ARG_VALUE') return 'ENOENT';
  return typeof code === 'string' ? code : 'EIO';
}

/** Through node:fs. */
export const nodeCalls: Calls = {
  open(path) {
    try {
      return openSync(fsPath(path), OPEN_FLAGS);
    } catch (e) {
      error = errorName(e);
      return -1;
    }
  },
  stat(path) {
    try {
      return take(statSync(fsPath(path)));
    } catch (e) {
      error = errorName(e);
      return false;
    }
  },
  fstat(fd) {
    try {
      return take(fstatSync(fd));
    } catch (e) {
      error = errorName(e);
      return false;
    }
  },
  pread(fd, buffer, size) {
    try {
      return readSync(fd, buffer, 0, size, 0);
    } catch (e) {
      error = errorName(e);
      return -1;
    }
  },
  close: closeSync,
};

/** Where the fields of struct stat are, in 32-bit words; undefined for a system that was not looked at. */
const LAYOUT = { 'linux-x64': { mode: 6 }, 'linux-arm64': { mode: 4 } }[
  `${process.platform}-${process.arch}` as string
];
const DEV = 0;
const INO = 2;
const SIZE = 12;
const MTIME = 22;

/** Through the C library; undefined where that does not work. */
export function nativeCalls(): Calls | undefined {
  if (LAYOUT === undefined) return undefined;
  const { mode } = LAYOUT;
  const name = Buffer.alloc(LONGEST_PATH);
  const words = new Int32Array(64);
  const whole = (at: number): number => (words[at + 1] as number) * 0x1_0000_0000 + ((words[at] as number) >>> 0);
  /** The path for C, in `name`. */
  const spell = (path: string): boolean => {
    if (path.length >= LONGEST_PATH || path.includes('\0')) {
      error = path.includes('\0') ? 'ENOENT' : 'ENAMETOOLONG';
      return false;
    }
    latin1Write(name, path);
    name[path.length] = 0;
    return true;
  };
  const succeeded = (result: number): boolean => {
    if (result >= 0) return true;
    error = errnoName(-errno()) ?? 'EIO';
    return false;
  };
  const read = (): boolean => {
    status.mode = words[mode] as number;
    status.size = whole(SIZE);
    status.mtime = whole(MTIME);
    status.dev = whole(DEV);
    status.ino = whole(INO);
    return true;
  };
  const calls: Calls = {
    open(path) {
      if (!spell(path)) return -1;
      const fd = libc.open(name, OPEN_FLAGS | CLOSE_ON_EXEC);
      return succeeded(fd) ? fd : -1;
    },
    stat: (path) => spell(path) && succeeded(libc.stat(name, words)) && read(),
    fstat: (fd) => succeeded(libc.fstat(fd, words)) && read(),
    pread(fd, buffer, size) {
      const count = libc.pread(fd, buffer, size, 0);
      return succeeded(count) ? count : -1;
    },
    close(fd) {
      libc.close(fd);
    },
  };
  try {
    return agrees(calls) ? calls : undefined;
  } catch (e) {
    if (e instanceof LibcUnavailableError) return undefined;
    throw e;
  }
}

/** Whether they see in a file what node:fs sees: that the layout is right. */
function agrees(calls: Calls): boolean {
  const path = process.execPath;
  if (!nodeCalls.stat(path)) return false;
  const expected = { ...status };
  if (!calls.stat(path)) return false;
  const keys = Object.keys(expected) as (keyof FileStatus)[];
  return keys.every((key) => status[key] === expected[key]);
}

let calls = nodeCalls;
let count = 0;

function used(): Calls {
  if (count < FIRST_CALLS && ++count === FIRST_CALLS) calls = nativeCalls() ?? nodeCalls;
  return calls;
}

/** open(2) for reading. Returns the descriptor, or -1. */
export function openToRead(path: string): number {
  return used().open(path);
}

/** stat(2) into `status`. */
export function statPath(path: string): boolean {
  return used().stat(path);
}

/** fstat(2) into `status`. */
export function statDescriptor(fd: number): boolean {
  return calls.fstat(fd);
}

/** Reads from the start of a file into the start of a buffer. Returns how many bytes, or -1. */
export function readStart(fd: number, buffer: Buffer, size: number): number {
  return calls.pread(fd, buffer, size);
}

/** close(2). */
export function closeDescriptor(fd: number): void {
  calls.close(fd);
}
