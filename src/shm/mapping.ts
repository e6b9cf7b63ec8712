// Memory that several processes see. Node cannot fork, so a region must be reachable from processes that are spawned:
// it is a file without a name (memfd on Linux, an unlinked temporary file elsewhere), whose descriptor the master
// hands down through the `stdio` of spawn; each process maps it where it likes. Nothing remains in a file system, and
// the memory is given back when the last process that maps it ends, however it ends.
//
// What keeps a view valid. The ArrayBuffer over a mapping borrows its memory: collecting the ArrayBuffer does not
// unmap anything, and unmapping would leave a live ArrayBuffer pointing nowhere, where one stray read kills the
// process (V8 offers no way to detach it). So close() does not unmap: it replaces the shared pages, at the same
// address, by private empty ones. The shared memory is released at once; a forgotten view reads zeros and writes to
// nobody; and the addresses are unmapped once the garbage collector proves that no view is left.
//
// A server of one process needs none of this: its zones are ordinary ArrayBuffers, and koffi is not loaded.
import { closeSync, fstatSync, ftruncateSync, mkdtempSync, openSync, rmdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  errno,
  libc,
  MAP_ANONYMOUS,
  MAP_FAILED,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  MFD_CLOEXEC,
  PROT_READ,
  PROT_WRITE,
  systemError,
  viewMemory,
} from './libc.ts';

/** A region of memory, zero-filled when created. */
export interface Mapping {
  readonly buffer: ArrayBuffer;
  /** The descriptor to hand to other processes; -1 when the memory is private or the mapping does not own one. */
  readonly fd: number;
  /** Gives the memory and the descriptor back. Views made of `buffer` stay safe to touch but are dead. */
  close(): void;
}

const leftovers = new FinalizationRegistry<{ address: bigint; length: number }>(({ address, length }) => {
  libc.munmap(address, length);
});

function namelessFile(name: string): number {
  if (process.platform === 'linux') {
    const fd = libc.memfd_create(`tsresty:${name}`.slice(0, 200), MFD_CLOEXEC);
    if (fd < 0) throw systemError('memfd_create()', errno());
    return fd;
  }
  const directory = mkdtempSync(join(tmpdir(), 'tsresty-'));
  const path = join(directory, 'zone');
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  rmdirSync(directory);
  return fd;
}

function map(fd: number, length: number): ArrayBuffer {
  const address = libc.mmap(null, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address === MAP_FAILED) throw systemError(`mmap(${length})`, errno());
  const buffer = viewMemory(address, length);
  addresses.set(buffer, address);
  return buffer;
}

const addresses = new WeakMap<ArrayBuffer, bigint>();

function release(buffer: ArrayBuffer): void {
  const address = addresses.get(buffer);
  if (address === undefined) return;
  addresses.delete(buffer);
  const length = buffer.byteLength;
  const flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  if (libc.mmap(address, length, PROT_READ | PROT_WRITE, flags, -1, 0) === MAP_FAILED) {
    throw systemError(`mmap(${length})`, errno());
  }
  leftovers.register(buffer, { address, length });
}

/**
 * A new shared region of `length` bytes. `name` shows in /proc/PID/maps.
 * @throws {LibcUnavailableError} without koffi; an Error with `errno` when the system refuses.
 */
export function createMapping(name: string, length: number): Mapping {
  const fd = namelessFile(name);
  try {
    ftruncateSync(fd, length);
    const buffer = map(fd, length);
    let open = true;
    return {
      buffer,
      fd,
      close() {
        if (!open) return;
        open = false;
        release(buffer);
        closeSync(fd);
      },
    };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * The region behind an inherited descriptor. The descriptor stays the caller's and may be closed afterwards.
 * @throws when it is not a region of `length` bytes: touching memory beyond the end would kill the process
 */
export function openMapping(fd: number, length: number): Mapping {
  const { size } = fstatSync(fd);
  if (size !== length) throw new Error(`descriptor ${fd} has ${size} bytes, expected ${length} of shared memory`);
  const buffer = map(fd, length);
  return { buffer, fd: -1, close: () => release(buffer) };
}

/** Memory of this process alone, in the shape of a shared region. */
export function privateMapping(length: number): Mapping {
  return { buffer: new ArrayBuffer(length), fd: -1, close: () => {} };
}
