// Failures of system calls, as C's strerror names them: "x: No such file or directory", with the number.

import { constants } from 'node:os';
import { ret3 } from '../call.ts';
import { withoutStack } from '../error.ts';
import type { LuaResult } from '../value.ts';

/** glibc's texts for the failures that file and process functions meet. */
const TEXTS: Readonly<Record<string, string>> = {
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
  ESRCH: 'No such process',
  EINTR: 'Interrupted system call',
  EIO: 'Input/output error',
  ENXIO: 'No such device or address',
  E2BIG: 'Argument list too long',
  EBADF: 'Bad file descriptor',
  EAGAIN: 'Resource temporarily unavailable',
  ENOMEM: 'Cannot allocate memory',
  EACCES: 'Permission denied',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  EXDEV: 'Invalid cross-device link',
  ENODEV: 'No such device',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EINVAL: 'Invalid argument',
  ENFILE: 'Too many open files in system',
  EMFILE: 'Too many open files',
  ENOTTY: 'Inappropriate ioctl for device',
  ETXTBSY: 'Text file busy',
  EFBIG: 'File too large',
  ENOSPC: 'No space left on device',
  ESPIPE: 'Illegal seek',
  EROFS: 'Read-only file system',
  EMLINK: 'Too many links',
  EPIPE: 'Broken pipe',
  ENAMETOOLONG: 'File name too long',
  ENOTEMPTY: 'Directory not empty',
  ELOOP: 'Too many levels of symbolic links',
  EDQUOT: 'Disk quota exceeded',
};

/** Text and number of an error code such as "ENOENT", or of the number of one. */
export function describe(code: string | number): { text: string; errno: number } {
  if (typeof code === 'number') {
    const known = Object.entries(constants.errno).find(([, n]) => n === code);
    return known === undefined ? { text: `Unknown error ${code}`, errno: code } : describe(known[0]);
  }
  const errno = (constants.errno as Record<string, number>)[code] ?? 0;
  return { text: TEXTS[code] ?? `Unknown error ${errno}`, errno };
}

/** The code of an error thrown by node:fs; anything else is thrown on. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  if (error instanceof Error && typeof code === 'string') return code;
  throw error;
}

/** Returns nil, "name: text" and the number of a failure, as luaL_fileresult does. */
export function failure(code: string, name?: string): LuaResult {
  const { text, errno } = describe(code);
  return ret3(undefined, name === undefined ? text : `${name}: ${text}`, errno);
}

/** Runs an operation: true, or the triple of its failure. */
export function attempt(operation: () => void, name?: string): LuaResult {
  try {
    withoutStack(operation);
    return true;
  } catch (error) {
    return failure(codeOf(error), name);
  }
}

/** A file name of bytes (up to a zero byte) for node:fs. */
export function pathOf(name: string): Buffer {
  const nul = name.indexOf('\0');
  return Buffer.from(nul < 0 ? name : name.slice(0, nul), 'latin1');
}
