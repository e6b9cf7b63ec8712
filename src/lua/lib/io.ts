// The io library: https://www.lua.org/manual/5.1/manual.html#5.7, with what OpenResty's LuaJIT has of Lua 5.2: write
// returns the file, close of a pipe the exit status, lines takes formats.
//
// Everything is synchronous, as in C. io.popen differs: the command runs to its end when it is opened for reading (but see
// popen.ts), and when it is closed for writing, since Node cannot run a process beside a synchronous program.

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { isatty } from 'node:tty';
import { ret0, ret2, retN } from '../call.ts';
import { dynamic } from '../coroutine.ts';
import { argError, throwError, withoutStack } from '../error.ts';
import { addFinalizer, removeFinalizer } from '../gc/finalizer.ts';
import { formatNumber, parseNumber } from '../number.ts';
import { LuaTable } from '../table.ts';
import { addressOf, type LuaFunction, type LuaResult, type LuaValue, Userdata } from '../value.ts';
import { argInteger, argNumber, argString, typeError } from './args.ts';
import { LuaBuffer } from './buffer.ts';
import { codeOf, describe, failure, pathOf } from './errno.ts';
import { natives } from './native.ts';
import { exitStatus, shellText } from './os.ts';
import { openSystemPipe } from './popen.ts';
import { type Buffering, Stream, type StreamOptions, systemError } from './stream.ts';

/** What a file reads from and writes to. */
type Source = Pick<
  Stream,
  'write' | 'flush' | 'readLine' | 'readAll' | 'readBytes' | 'peek' | 'skip' | 'atEnd' | 'seek'
> & {
  buffering: Buffering;
};

/** A Lua file handle. */
export class LuaFile extends Userdata {
  /** Undefined once closed. */
  source: Source | undefined;
  /** Closes and gives the results of `close`; undefined for the standard files, which cannot be closed. */
  readonly finish: (() => LuaResult) | undefined;

  constructor(metatable: LuaTable, source: Source, finish: (() => LuaResult) | undefined) {
    super(metatable);
    this.source = source;
    this.finish = finish;
  }
}

/** Closes a file that the program has dropped, as Lua's collector does. */
function closeDropped(stream: Stream): void {
  try {
    stream.close();
  } catch (error) {
    codeOf(error); // nobody is left to be told
  }
}

function openStream(metatable: LuaTable, fd: number, options: StreamOptions): LuaFile {
  const stream = new Stream(fd, options);
  const file: LuaFile = new LuaFile(metatable, stream, () => {
    removeFinalizer(finalizer);
    stream.close();
    return true;
  });
  const finalizer = addFinalizer(file, () => closeDropped(stream), dynamic.current!.state);
  return file;
}

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants;

/** Flags of open(2) for a mode of fopen(3), or undefined if it is none. */
function modeFlags(mode: string): number | undefined {
  const access = mode.includes('+') ? O_RDWR : mode[0] === 'r' ? O_RDONLY : O_WRONLY;
  const exclusive = mode.includes('x') ? O_EXCL : 0;
  switch (mode[0]) {
    case 'r':
      return access;
    case 'w':
      return access | O_CREAT | O_TRUNC | exclusive;
    case 'a':
      return access | O_CREAT | O_APPEND | exclusive;
    default:
      return undefined;
  }
}

/** fopen; the code of the failure if it fails. */
function fopen(metatable: LuaTable, name: string, mode: string): LuaFile | string {
  const flags = modeFlags(mode);
  if (flags === undefined) return 'EINVAL';
  try {
    const fd = withoutStack(() => fs.openSync(pathOf(name), flags, 0o666));
    const both = mode.includes('+');
    const readable = both || mode[0] === 'r';
    const writable = both || mode[0] !== 'r';
    return openStream(metatable, fd, { readable, writable, append: mode[0] === 'a' });
  } catch (error) {
    return codeOf(error);
  }
}

/** Results of a system failure. */
function failed(error: unknown): LuaResult {
  return failure(codeOf(error));
}

function sourceOf(file: LuaFile): Source {
  if (file.source === undefined) throwError('attempt to use a closed file');
  return file.source;
}

/** The file that a method is called on. */
function self(v: LuaValue, fname: string, given: number): LuaFile {
  if (!(v instanceof LuaFile)) typeError(v, 1, fname, 'FILE*', given);
  sourceOf(v);
  return v;
}

// ---- reading

/** Reads a number as C's scanf does: the longest text that can be one. */
function readNumber(source: Source): number | undefined {
  let c = source.peek();
  while (c === 32 || (c >= 9 && c <= 13)) {
    source.skip();
    c = source.peek();
  }
  const prefix = /^[-+]?(0[xX]?[\da-fA-F]*\.?[\da-fA-F]*([pP][-+]?\d*)?|\d*\.?\d*([eE][-+]?\d*)?|[iInN][a-zA-Z]{0,7})$/;
  let text = '';
  for (; c >= 0 && text.length < 200; c = source.peek()) {
    const longer = text + String.fromCharCode(c);
    if (!prefix.test(longer)) break;
    text = longer;
    source.skip();
  }
  return parseNumber(text);
}

/** One read format; undefined at the end of the file. */
function readFormat(source: Source, format: LuaValue, n: number): LuaValue {
  if (typeof format === 'number') {
    const length = argInteger(format, n, 'read', n);
    return length === 0 ? (source.atEnd() ? undefined : '') : source.readBytes(length);
  }
  if (typeof format !== 'string') argError(n, 'read', 'invalid option');
  switch (format[0] === '*' ? format[1] : format[0]) {
    case 'n':
      return readNumber(source);
    case 'l':
      return source.readLine(false);
    case 'L':
      return source.readLine(true);
    case 'a':
      return source.readAll();
    default:
      argError(n, 'read', 'invalid format');
  }
}

/** Reads formats, the first of which is argument `n`. */
function read(file: LuaFile, formats: readonly LuaValue[], n: number): LuaResult {
  const source = sourceOf(file);
  try {
    if (formats.length === 0) return source.readLine(false);
    if (formats.length === 1) return readFormat(source, formats[0], n);
    const values: LuaValue[] = [];
    for (let i = 0; i < formats.length; i++) {
      const v = readFormat(source, formats[i], n + i);
      values.push(v);
      if (v === undefined) break;
    }
    return retN(values);
  } catch (error) {
    return failed(error);
  }
}

// ---- writing

/** Writes values, the first of which is argument `n`. */
function write(file: LuaFile, values: readonly LuaValue[], n: number): LuaResult {
  const source = sourceOf(file);
  try {
    for (let i = 0; i < values.length; i++) {
      const v = values[i];
      if (typeof v === 'string') source.write(v);
      else if (typeof v === 'number') source.write(formatNumber(v));
      else if (v instanceof LuaBuffer) source.write(v.toString());
      else typeError(v, n + i, 'write', 'string', n + values.length);
    }
    return file;
  } catch (error) {
    return failed(error);
  }
}

function flush(file: LuaFile): LuaResult {
  try {
    sourceOf(file).flush();
    return true;
  } catch (error) {
    return failed(error);
  }
}

function close(file: LuaFile): LuaResult {
  sourceOf(file);
  if (file.finish === undefined) return ret2(undefined, 'cannot close standard file');
  file.source = undefined;
  try {
    return file.finish();
  } catch (error) {
    return failed(error);
  }
}

/** An iterator that reads the formats each time. @param closes whether it closes the file at its end (io.lines) */
function iterator(file: LuaFile, formats: LuaValue[], closes: boolean): LuaFunction {
  return {
    'C:for iterator'(): LuaResult {
      const source = sourceOf(file);
      let values: LuaValue[];
      try {
        values = formats.length === 0 ? [source.readLine(false)] : [];
        for (let i = 0; i < formats.length; i++) {
          const v = readFormat(source, formats[i], i + 1);
          values.push(v);
          if (v === undefined) break;
        }
      } catch (error) {
        throwError(describe(codeOf(error)).text);
      }
      if (values[0] === undefined && closes) {
        close(file);
        return ret0();
      }
      return retN(values);
    },
  }['C:for iterator'];
}

const METHODS = natives({
  close(file) {
    return close(self(file, 'close', arguments.length));
  },
  flush(file) {
    return flush(self(file, 'flush', arguments.length));
  },
  lines(file, ...formats) {
    return iterator(self(file, 'lines', arguments.length), formats, false);
  },
  read(file, ...formats) {
    return read(self(file, 'read', arguments.length), formats, 2);
  },
  seek(file, whence, offset) {
    const source = sourceOf(self(file, 'seek', arguments.length));
    const mode = whence === undefined ? 'cur' : argString(whence, 2, 'seek', arguments.length);
    const by = offset === undefined ? 0 : Math.trunc(argNumber(offset, 3, 'seek', arguments.length));
    if (mode !== 'set' && mode !== 'cur' && mode !== 'end') argError(2, 'seek', `invalid option '${mode}'`);
    try {
      const position = source.seek(mode, by);
      if (position === undefined) return failure('ESPIPE');
      return position < 0 ? failure('EINVAL') : position;
    } catch (error) {
      return failed(error);
    }
  },
  setvbuf(file, mode, size) {
    const source = sourceOf(self(file, 'setvbuf', arguments.length));
    const buffering = argString(mode, 2, 'setvbuf', arguments.length);
    if (size !== undefined) argInteger(size, 3, 'setvbuf', arguments.length);
    if (buffering !== 'full' && buffering !== 'line' && buffering !== 'no')
      argError(2, 'setvbuf', `invalid option '${buffering}'`);
    source.buffering = buffering;
    return true;
  },
  write(file, ...values) {
    return write(self(file, 'write', arguments.length), values, 2);
  },
  __gc(file) {
    if (file instanceof LuaFile && file.source !== undefined && file.finish !== undefined) close(file);
    return undefined;
  },
  __tostring(file) {
    if (!(file instanceof LuaFile)) typeError(file, 1, '__tostring', 'FILE*', arguments.length);
    return file.source === undefined ? 'file (closed)' : `file (${addressOf(file)})`;
  },
});

// ---- pipes

/** A command whose output is read: io.popen(command, "r"). */
function popenRead(metatable: LuaTable, command: string): LuaFile {
  const pipe = openSystemPipe(command);
  if (pipe !== undefined) {
    const stream = new Stream(pipe.fd, { writable: false, sequential: true });
    const file: LuaFile = new LuaFile(metatable, stream, () => {
      removeFinalizer(finalizer);
      return exitStatus(pipe.close());
    });
    // As in C, what the program has dropped is waited for.
    const finalizer = addFinalizer(file, () => void pipe.close(), dynamic.current!.state);
    return file;
  }
  const result = spawnSync('/bin/sh', ['-c', shellText(command)], {
    argv0: 'sh',
    stdio: ['inherit', 'pipe', 'inherit'],
    maxBuffer: Number.POSITIVE_INFINITY,
  });
  if (result.error !== undefined) throw result.error;
  return new LuaFile(metatable, new MemoryInput(result.stdout), () => exitStatus(result));
}

/** A command that gets all that was written when it is closed: io.popen(command, "w"). */
function popenWrite(metatable: LuaTable, command: string): LuaFile {
  const output = new MemoryOutput();
  return new LuaFile(metatable, output, () => {
    const result = spawnSync('/bin/sh', ['-c', shellText(command)], {
      argv0: 'sh',
      input: Buffer.from(output.text, 'latin1'),
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    return exitStatus(result);
  });
}

/** Bytes at hand, read like a pipe. */
class MemoryInput implements Source {
  buffering: Buffering = 'full';
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  write(): void {
    throw systemError('EBADF');
  }

  flush(): void {}

  readLine(keep: boolean): string | undefined {
    if (this.atEnd()) return undefined;
    const end = this.#bytes.indexOf(10, this.#at);
    const from = this.#at;
    this.#at = end < 0 ? this.#bytes.length : end + 1;
    return this.#bytes.toString('latin1', from, end < 0 || keep ? this.#at : end);
  }

  readAll(): string {
    return this.readBytes(this.#bytes.length) ?? '';
  }

  readBytes(length: number): string | undefined {
    if (this.atEnd()) return undefined;
    const from = this.#at;
    this.#at = Math.min(this.#bytes.length, from + length);
    return this.#bytes.toString('latin1', from, this.#at);
  }

  peek(): number {
    return this.#bytes[this.#at] ?? -1;
  }

  skip(): void {
    this.#at++;
  }

  atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  seek(): undefined {
    return undefined;
  }
}

/** Collects what is written. */
class MemoryOutput implements Source {
  buffering: Buffering = 'full';
  text = '';

  write(bytes: string): void {
    this.text += bytes;
  }

  flush(): void {}

  #unreadable(): never {
    throw systemError('EBADF');
  }

  readLine(): undefined {
    this.#unreadable();
  }

  readAll(): string {
    this.#unreadable();
  }

  readBytes(): undefined {
    this.#unreadable();
  }

  peek(): number {
    this.#unreadable();
  }

  skip(): void {}

  atEnd(): boolean {
    this.#unreadable();
  }

  seek(): undefined {
    return undefined;
  }
}

// ---- the library

/** Linux's major number of /dev/null, zero and random. */
const MEMORY_DEVICES = 1;

/** Asks only for character devices, on Linux not for /dev/null either: loading node:tty takes milliseconds. */
function isTerminal(fd: number): boolean {
  try {
    const status = fs.fstatSync(fd);
    if (!status.isCharacterDevice()) return false;
    return (process.platform !== 'linux' || status.rdev >> 8 !== MEMORY_DEVICES) && isatty(fd);
  } catch (error) {
    codeOf(error); // closed
    return false;
  }
}

let standard: { stdin: Stream; stdout: Stream; stderr: Stream } | undefined;

/** The standard streams, common to all states of the process. Other writers to stdout should write through them. */
export function standardStreams(): { stdin: Stream; stdout: Stream; stderr: Stream } {
  if (standard === undefined) {
    const stdout = new Stream(1, { sequential: true, buffering: isTerminal(1) ? 'line' : 'full' });
    standard = {
      stdin: new Stream(0, { sequential: true, prompts: isTerminal(0) ? stdout : undefined }),
      stdout,
      stderr: new Stream(2, { sequential: true, buffering: 'no' }),
    };
  }
  return standard;
}

/** Makes the `io` table of a new state. */
export function openIo(): LuaTable {
  const t = new LuaTable();
  renewIo(t);
  return t;
}

/** Gives an `io` table files and functions that use these. */
export function renewIo(t: LuaTable): void {
  const metatable = LuaTable.fromObject(METHODS);
  metatable.setStr('__index', metatable);
  const file = (source: Source): LuaFile => new LuaFile(metatable, source, undefined);
  const { stdin, stdout, stderr } = standardStreams();
  let input = file(stdin);
  let output = file(stdout);
  t.setStr('stdin', input);
  t.setStr('stdout', output);
  t.setStr('stderr', file(stderr));

  const openOrThrow = (name: LuaValue, mode: string, fname: string): LuaFile => {
    const text = argString(name, 1, fname, 1);
    const opened = fopen(metatable, text, mode);
    if (typeof opened === 'string') argError(1, fname, `${text}: ${describe(opened).text}`);
    return opened;
  };
  const usable = (current: LuaFile): LuaFile => {
    if (current.source === undefined) throwError('standard file is closed');
    return current;
  };

  // Written with the mark of natives in their names, since every state has its own.
  const functions: Record<`C:${string}`, LuaFunction> = {
    'C:close'(v) {
      return close(arguments.length === 0 ? output : self(v, 'close', 1));
    },
    'C:flush': () => flush(usable(output)),
    'C:input'(v) {
      if (v !== undefined) input = v instanceof LuaFile ? self(v, 'input', 1) : openOrThrow(v, 'r', 'input');
      return input;
    },
    'C:lines'(v, ...formats) {
      return v === undefined ? iterator(input, formats, false) : iterator(openOrThrow(v, 'r', 'lines'), formats, true);
    },
    'C:open'(name, mode) {
      const text = argString(name, 1, 'open', arguments.length);
      const opened = fopen(metatable, text, mode === undefined ? 'r' : argString(mode, 2, 'open', arguments.length));
      return typeof opened === 'string' ? failure(opened, text) : opened;
    },
    'C:output'(v) {
      if (v !== undefined) output = v instanceof LuaFile ? self(v, 'output', 1) : openOrThrow(v, 'w', 'output');
      return output;
    },
    'C:popen'(command, mode) {
      const text = argString(command, 1, 'popen', arguments.length);
      const direction = mode === undefined ? 'r' : argString(mode, 2, 'popen', arguments.length);
      stdout.flush();
      if (direction[0] !== 'r' && direction[0] !== 'w') return failure('EINVAL', text);
      return direction[0] === 'r' ? popenRead(metatable, text) : popenWrite(metatable, text);
    },
    'C:read': (...formats) => read(usable(input), formats, 1),
    'C:tmpfile'() {
      try {
        const name = fs.mkdtempSync(`${tmpdir()}/lua-`);
        const fd = fs.openSync(`${name}/tmpfile`, 'wx+', 0o600);
        fs.rmSync(name, { recursive: true });
        return openStream(metatable, fd, {});
      } catch (error) {
        return failed(error);
      }
    },
    'C:type'(v) {
      if (arguments.length === 0) argError(1, 'type', 'value expected');
      return v instanceof LuaFile ? (v.source === undefined ? 'closed file' : 'file') : undefined;
    },
    'C:write': (...values) => write(usable(output), values, 1),
  };
  for (const [name, fn] of Object.entries(functions)) t.setStr(name.slice(2), fn);
}
