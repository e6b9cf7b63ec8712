// The module `lfs`: https://lunarmodules.github.io/luafilesystem/manual.html, version 1.8.
//
// Names are bytes. Locks of files are those of fcntl(2), which Node does not offer: they are set through koffi.

import * as fs from 'node:fs';
import { ret0, ret2, ret3 } from '../call.ts';
import { argError, throwError, withoutStack } from '../error.ts';
import { native, nativeFailure } from '../ffi/native.ts';
import { LuaTable } from '../table.ts';
import { type LuaFunction, type LuaResult, type LuaValue, truthy, Userdata } from '../value.ts';
import { argNumber, argString, typeError } from './args.ts';
import { attempt, codeOf, describe, failure, pathOf } from './errno.ts';
import { LuaFile } from './io.ts';
import { markLibrary, natives } from './native.ts';
import { Stream } from './stream.ts';

const VERSION = 'LuaFileSystem 1.8.0';
const DESCRIPTION = 'Attributes, directories, links and locks of files, for Lua';

/** nil and the text of a failure, without its number. */
function failureText(error: unknown): LuaResult {
  return ret2(undefined, describe(codeOf(error)).text);
}

// ---- attributes

function fileType(info: fs.Stats): string {
  if (info.isFile()) return 'file';
  if (info.isDirectory()) return 'directory';
  if (info.isSymbolicLink()) return 'link';
  if (info.isSocket()) return 'socket';
  if (info.isFIFO()) return 'named pipe';
  if (info.isCharacterDevice()) return 'char device';
  return info.isBlockDevice() ? 'block device' : 'other';
}

function permissions(mode: number): string {
  let text = '';
  for (let bit = 8; bit >= 0; bit--) text += mode & (1 << bit) ? 'xwr'[bit % 3] : '-';
  return text;
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

const MEMBERS: ReadonlyMap<string, (info: fs.Stats) => LuaValue> = new Map<string, (info: fs.Stats) => LuaValue>([
  ['mode', fileType],
  ['dev', (info) => info.dev],
  ['ino', (info) => info.ino],
  ['nlink', (info) => info.nlink],
  ['uid', (info) => info.uid],
  ['gid', (info) => info.gid],
  ['rdev', (info) => info.rdev],
  ['access', (info) => seconds(info.atimeMs)],
  ['modification', (info) => seconds(info.mtimeMs)],
  ['change', (info) => seconds(info.ctimeMs)],
  ['size', (info) => info.size],
  ['permissions', (info) => permissions(info.mode)],
  ['blocks', (info) => info.blocks],
  ['blksize', (info) => info.blksize],
]);

/** The member that is asked for, or all of them in a table. */
function attributes(name: string, wanted: LuaValue, stat: (path: Buffer) => fs.Stats): LuaResult {
  let info: fs.Stats;
  try {
    info = withoutStack(() => stat(pathOf(name)));
  } catch (error) {
    const { text, errno } = describe(codeOf(error));
    return ret3(undefined, `cannot obtain information from file '${name}': ${text}`, errno);
  }
  if (typeof wanted === 'string' || typeof wanted === 'number') {
    const member = MEMBERS.get(String(wanted));
    if (member === undefined) throwError(`invalid attribute name '${wanted}'`);
    return member(info);
  }
  const t = wanted instanceof LuaTable ? wanted : new LuaTable();
  for (const [key, member] of MEMBERS) t.setStr(key, member(info));
  return t;
}

// ---- directories

/** An open directory. */
class Directory extends Userdata {
  readonly names: string[];
  next = 0;
  closed = false;

  constructor(metatable: LuaTable, names: string[]) {
    super(metatable);
    this.names = names;
  }
}

function directory(v: LuaValue, fname: string, given: number): Directory {
  if (!(v instanceof Directory)) typeError(v, 1, fname, 'directory metatable', given);
  return v;
}

const DIRECTORY = natives({
  next(v: LuaValue): LuaResult {
    const d = directory(v, 'next', arguments.length);
    if (d.closed) argError(1, 'next', 'closed directory');
    if (d.next < d.names.length) return d.names[d.next++];
    d.closed = true;
    return ret0();
  },
  close(v: LuaValue): LuaResult {
    directory(v, 'close', arguments.length).closed = true;
    return ret0();
  },
});

/** The lock of a directory: a symbolic link in it. */
class DirectoryLock extends Userdata {
  path: Buffer | undefined;

  constructor(metatable: LuaTable, path: Buffer) {
    super(metatable);
    this.path = path;
  }
}

/** Lock files to be removed when the process ends or the program drops the lock, as the collector does in C. */
const lockFiles = new Set<Buffer>();
let removesAtExit = false;
const droppedLocks = new FinalizationRegistry<Buffer>(removeLock);

function removeLock(path: Buffer): void {
  if (!lockFiles.delete(path)) return;
  try {
    fs.unlinkSync(path);
  } catch (error) {
    codeOf(error); // somebody has removed it; C does not tell either
  }
}

const DIRECTORY_LOCK = natives({
  free(v: LuaValue): LuaResult {
    if (!(v instanceof DirectoryLock)) typeError(v, 1, 'free', 'lock metatable', arguments.length);
    if (v.path !== undefined) removeLock(v.path);
    v.path = undefined;
    return ret0();
  },
});

function methodTable(methods: Readonly<Record<string, LuaFunction>>): LuaTable {
  const t = new LuaTable();
  t.setStr('__index', LuaTable.fromObject(methods));
  return t;
}

// ---- locks of files

/** Calls fcntl(fd, F_SETLK, lock); returns the number of the failure, 0 for none. */
let setLock: ((fd: number, type: number, start: number, length: number) => number) | undefined;

const IS_DARWIN = process.platform === 'darwin';
/** F_RDLCK, F_WRLCK and F_UNLCK. */
const LOCK_TYPES: Readonly<Record<string, number>> = IS_DARWIN ? { r: 1, w: 3, u: 2 } : { r: 0, w: 1, u: 2 };

function locker(): NonNullable<typeof setLock> {
  if (setLock !== undefined) return setLock;
  const lib = native();
  if (lib === undefined) throwError(`locking needs the package koffi, which cannot be loaded: ${nativeFailure}`);
  const fcntl = lib.process.func('fcntl', 'int', ['int', 'int', '...']);
  setLock = (fd, type, start, length) => {
    const lock = new DataView(new ArrayBuffer(32));
    // struct flock: the order of its members differs.
    const at = IS_DARWIN ? { type: 20, start: 0, length: 8 } : { type: 0, start: 8, length: 16 };
    lock.setInt16(at.type, type, true); // whence stays SEEK_SET, 0
    lock.setBigInt64(at.start, BigInt(start), true);
    lock.setBigInt64(at.length, BigInt(length), true);
    const result = fcntl(fd, IS_DARWIN ? 8 : 6, 'void *', new Uint8Array(lock.buffer));
    return result === -1 ? lib.koffi.errno() : 0;
  };
  return setLock;
}

function openFile(v: LuaValue, fname: string, given: number): LuaFile {
  if (!(v instanceof LuaFile)) typeError(v, 1, fname, 'FILE*', given);
  if (v.source === undefined) throwError(`${fname}: closed file`);
  return v;
}

/** Sets or removes a lock; the optional start and length are argument n and the one behind it. */
function lockFile(file: LuaFile, mode: string, fname: string, n: number, start: LuaValue, length: LuaValue): LuaResult {
  const from = start === undefined ? 0 : Math.trunc(argNumber(start, n, fname, n));
  const bytes = length === undefined ? 0 : Math.trunc(argNumber(length, n + 1, fname, n + 1));
  const type = LOCK_TYPES[mode[0] ?? ''];
  if (type === undefined) throwError(`${fname}: invalid mode`);
  if (!(file.source instanceof Stream)) return ret2(undefined, describe('EBADF').text);
  const errno = locker()(file.source.fd, type, from, bytes);
  return errno === 0 ? true : ret2(undefined, describe(errno).text);
}

// ---- the library

const FUNCTIONS = natives({
  attributes(name: LuaValue, wanted: LuaValue): LuaResult {
    return attributes(argString(name, 1, 'attributes', arguments.length), wanted, (path) => fs.statSync(path));
  },
  symlinkattributes(name: LuaValue, wanted: LuaValue): LuaResult {
    const path = argString(name, 1, 'symlinkattributes', arguments.length);
    if (wanted === 'target') {
      try {
        return fs.readlinkSync(pathOf(path), 'latin1');
      } catch (error) {
        return failure(codeOf(error), 'could not obtain link target');
      }
    }
    const r = attributes(path, wanted, (bytes) => fs.lstatSync(bytes));
    if (r instanceof LuaTable && r.getStr('mode') === 'link') {
      try {
        r.setStr('target', fs.readlinkSync(pathOf(path), 'latin1'));
      } catch (error) {
        return failure(codeOf(error), 'could not obtain link target');
      }
    }
    return r;
  },
  chdir(name: LuaValue): LuaResult {
    const path = argString(name, 1, 'chdir', arguments.length);
    try {
      process.chdir(pathOf(path).toString());
      return true;
    } catch (error) {
      const { text } = describe(codeOf(error));
      return ret2(undefined, `Unable to change working directory to '${path}'\n${text}\n`);
    }
  },
  currentdir(): LuaResult {
    try {
      return Buffer.from(process.cwd()).toString('latin1');
    } catch (error) {
      return failure(codeOf(error), 'get_dir getcwd() failed');
    }
  },
  mkdir(name: LuaValue): LuaResult {
    const path = argString(name, 1, 'mkdir', arguments.length);
    return attempt(() => fs.mkdirSync(pathOf(path), 0o775));
  },
  rmdir(name: LuaValue): LuaResult {
    const path = argString(name, 1, 'rmdir', arguments.length);
    return attempt(() => fs.rmdirSync(pathOf(path)));
  },
  link(from: LuaValue, to: LuaValue, symbolic: LuaValue): LuaResult {
    const target = pathOf(argString(from, 1, 'link', arguments.length));
    const path = pathOf(argString(to, 2, 'link', arguments.length));
    return attempt(() => (truthy(symbolic) ? fs.symlinkSync(target, path) : fs.linkSync(target, path)));
  },
  touch(name: LuaValue, atime: LuaValue, mtime: LuaValue): LuaResult {
    const path = argString(name, 1, 'touch', arguments.length);
    let access = Date.now() / 1000;
    let modification = access;
    if (arguments.length > 1) {
      access = atime === undefined ? 0 : Math.trunc(argNumber(atime, 2, 'touch', 2));
      modification = mtime === undefined ? access : Math.trunc(argNumber(mtime, 3, 'touch', 3));
    }
    return attempt(() => fs.utimesSync(pathOf(path), access, modification));
  },
  lock(file: LuaValue, mode: LuaValue, start: LuaValue, length: LuaValue): LuaResult {
    const f = openFile(file, 'lock', arguments.length);
    return lockFile(f, argString(mode, 2, 'lock', arguments.length), 'lock', 3, start, length);
  },
  unlock(file: LuaValue, start: LuaValue, length: LuaValue): LuaResult {
    return lockFile(openFile(file, 'unlock', arguments.length), 'u', 'unlock', 2, start, length);
  },
  setmode(file: LuaValue, mode: LuaValue): LuaResult {
    openFile(file, 'setmode', arguments.length);
    const option = argString(mode, 2, 'setmode', arguments.length);
    if (option !== 'binary' && option !== 'text') argError(2, 'setmode', `invalid option '${option}'`);
    return ret2(true, 'binary');
  },
});

/** Makes the module for a state. */
export function openLfs(): LuaTable {
  const directories = methodTable(DIRECTORY);
  const locks = methodTable(DIRECTORY_LOCK);
  const t = LuaTable.fromObject(FUNCTIONS);
  t.setStr('dir', function dir(name: LuaValue): LuaResult {
    const path = argString(name, 1, 'dir', arguments.length);
    let names: string[];
    try {
      names = fs.readdirSync(pathOf(path), { encoding: 'latin1' });
    } catch (error) {
      throwError(`cannot open ${path}: ${describe(codeOf(error)).text}`);
    }
    names.unshift('.', '..');
    return ret2(DIRECTORY.next, new Directory(directories, names));
  });
  // The time after which a lock may be taken over is for Windows; C ignores it elsewhere.
  t.setStr('lock_dir', function lockDir(name: LuaValue): LuaResult {
    const path = pathOf(`${argString(name, 1, 'lock_dir', arguments.length)}/lockfile.lfs`);
    try {
      fs.symlinkSync('lock', path);
    } catch (error) {
      return failureText(error);
    }
    if (!removesAtExit) {
      removesAtExit = true;
      process.once('exit', () => {
        for (const file of [...lockFiles]) removeLock(file);
      });
    }
    lockFiles.add(path);
    const lock = new DirectoryLock(locks, path);
    droppedLocks.register(lock, path);
    return lock;
  });
  t.setStr('_VERSION', VERSION);
  t.setStr('_DESCRIPTION', DESCRIPTION);
  return markLibrary(t);
}
