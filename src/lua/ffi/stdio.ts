/**
 * C's files and Lua's.
 *
 * LuaJIT's io library uses C's streams, so that printf and io.write share a buffer, and a file can be passed to C as
 * `FILE *`. Here both have buffers of their own: they are written out before and after each call of a C function that
 * uses files, which keeps the output in order. Reading through both loses what one of them has read ahead.
 */

import { LuaFile, standardStreams } from '../lib/io.ts';
import { Stream } from '../lib/stream.ts';
import type { LuaFunction, LuaValue } from '../value.ts';
import { type CType, Kind } from './ctype.ts';
import { addressOfPointer, Block, copyBytes, pointerBlock, pointerOffset, readPointer } from './memory.ts';
import { type Native, native } from './native.ts';

/** Functions that write to the standard streams without naming them. */
const WRITERS = new Set('printf vprintf puts putchar perror putchar_unlocked fflush psignal'.split(' '));

const files = new WeakMap<Stream, number>();
const STANDARD = ['stdin', 'stdout', 'stderr'];

function standardFile(n: Native, name: string): number {
  const b = new Block(8);
  copyBytes(b, 0, undefined, Number(n.process.symbol(name)), 8);
  readPointer(b, 0);
  return addressOfPointer(pointerBlock, pointerOffset);
}

function openFile(n: Native, fd: number): number {
  const fdopen = n.process.func('fdopen', 'uint64_t', ['int', 'str']);
  // The C library refuses what the descriptor was not opened for.
  for (const mode of ['r+', 'r', 'a']) {
    const address = Number(fdopen(fd, mode));
    if (address !== 0) return address;
  }
  return 0;
}

/** The `FILE *` of a file of the io library, as an address; undefined for other values and closed files. */
export function fileAddress(v: LuaValue): number | undefined {
  const source = v instanceof LuaFile ? v.source : undefined;
  if (!(source instanceof Stream)) return undefined;
  const n = native();
  if (n === undefined) return undefined;
  let address = files.get(source);
  if (address === undefined) {
    const name = STANDARD[source.fd];
    address = name === undefined ? openFile(n, source.fd) : standardFile(n, name);
    files.set(source, address);
  }
  source.flush();
  return address;
}

function isFile(ct: CType): boolean {
  const name = ct.raw.kind === Kind.PTR ? ct.raw.child!.raw.name : undefined;
  return name === 'FILE' || name === '_IO_FILE' || name === '__sFILE';
}

/** The function as it is, or one that keeps the order of the output if it uses C's files. */
export function ordered(ct: CType, name: string, fn: LuaFunction): LuaFunction {
  if (!WRITERS.has(name) && !ct.raw.params.some(isFile)) return fn;
  const flush = native()!.process.func('fflush', 'int', ['void *']);
  return (...args) => {
    const { stdout, stderr } = standardStreams();
    stdout.flush();
    stderr.flush();
    try {
      return fn(...args);
    } finally {
      // Not fclose: there is no file any more then, and nothing to be written.
      if (name !== 'fclose') flush(null);
    }
  };
}
