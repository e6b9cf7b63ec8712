// The one place where C functions are declared. Node offers no mmap, memfd_create or sendfile; koffi calls them.
//
// Loading koffi costs some milliseconds at start, so nothing here happens before the first call of a function: the
// library is loaded by the first use of any, and each prototype is compiled by its own first use. A server without
// shared zones, or one that runs as a single process, never pays.
//
// The functions keep C's conventions (-1 and errno); `errno()` must be read before anything else is called. Pointers
// are BigInts; buffers and typed arrays may be passed wherever a pointer is expected and are read and written in place.
import { createRequire } from 'node:module';

type Pointer = bigint | null;
type Memory = Pointer | ArrayBuffer | NodeJS.TypedArray;

interface Koffi {
  load(path: string | null): { func(prototype: string): (...args: unknown[]) => unknown };
  view(pointer: bigint, length: number): ArrayBuffer;
  errno(): number;
}

/** The C functions available to the rest of the server, with their C meaning (see each one's manual page). */
export interface Libc {
  /** mmap(2). Returns the address, or `MAP_FAILED`. */
  mmap(address: Pointer, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  munmap(address: bigint, length: number): number;
  /** memfd_create(2), Linux only. */
  memfd_create(name: string, flags: number): number;
  /** open(2), without O_CREAT; the path ends with a zero. */
  open(path: Memory, flags: number): number;
  /** stat(2) and fstat(2); `status` is a struct stat. C libraries before glibc 2.33 do not have them by these names. */
  stat(path: Memory, status: Memory): number;
  fstat(fd: number, status: Memory): number;
  close(fd: number): number;
  pread(fd: number, buffer: Memory, length: number, offset: number): number;
  flock(fd: number, operation: number): number;
  dup2(from: number, to: number): number;
  socket(family: number, type: number, protocol: number): number;
  /** bind(2); `address` is a struct sockaddr. */
  bind(fd: number, address: Memory, length: number): number;
  listen(fd: number, backlog: number): number;
  recv(fd: number, buffer: Memory, length: number, flags: number): number;
  connect(fd: number, address: Memory, length: number): number;
  send(fd: number, buffer: Memory, length: number, flags: number): number;
  /** recvfrom(2); `size` is an Uint32Array of one element, read and written. */
  recvfrom(fd: number, buffer: Memory, length: number, flags: number, address: Memory, size: Uint32Array): number;
  sendto(fd: number, buffer: Memory, length: number, flags: number, address: Memory, size: number): number;
  /** fcntl(2), for the commands that take an integer: variadic arguments come with their types. */
  fcntl(fd: number, command: number, type: 'int', argument: number): number;
  setsockopt(fd: number, level: number, name: number, value: Memory, length: number): number;
  /** getsockopt(2); `length` is an Uint32Array of one element, read and written. */
  getsockopt(fd: number, level: number, name: number, value: Memory, length: Uint32Array): number;
  initgroups(user: string, group: number): number;
  /** getrlimit(2); `limit` is a BigUint64Array of two elements: soft and hard. */
  getrlimit(resource: number, limit: BigUint64Array): number;
  setrlimit(resource: number, limit: BigUint64Array): number;
  /** sched_setaffinity(2), Linux only; `mask` is a bit set of CPUs. */
  sched_setaffinity(pid: number, length: number, mask: Memory): number;
  /** prctl(2), Linux only, for the operations that take one integer. */
  prctl(operation: number, argument: number): number;
  strerror(errno: number): string;
}

export const PROT_NONE = 0;
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = process.platform === 'darwin' ? 0x1000 : 0x20;
export const MAP_NORESERVE = process.platform === 'darwin' ? 0x40 : 0x4000;
export const MAP_FAILED = 0xffffffffffffffffn;
export const MFD_CLOEXEC = 1;

const prototypes: Record<keyof Libc, string> = {
  mmap: 'void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)',
  munmap: 'int munmap(void *address, size_t length)',
  memfd_create: 'int memfd_create(const char *name, unsigned int flags)',
  // A fixed prototype of a variadic function: right where nothing else is passed.
  open: 'int open(void *path, int flags)',
  stat: 'int stat(void *path, void *status)',
  fstat: 'int fstat(int fd, void *status)',
  close: 'int close(int fd)',
  pread: 'intptr_t pread(int fd, void *buffer, size_t length, int64_t offset)',
  flock: 'int flock(int fd, int operation)',
  dup2: 'int dup2(int from, int to)',
  socket: 'int socket(int family, int type, int protocol)',
  bind: 'int bind(int fd, void *address, uint32_t length)',
  listen: 'int listen(int fd, int backlog)',
  recv: 'intptr_t recv(int fd, void *buffer, size_t length, int flags)',
  connect: 'int connect(int fd, void *address, uint32_t length)',
  send: 'intptr_t send(int fd, void *buffer, size_t length, int flags)',
  recvfrom: 'intptr_t recvfrom(int fd, void *buffer, size_t length, int flags, void *address, void *size)',
  sendto: 'intptr_t sendto(int fd, void *buffer, size_t length, int flags, void *address, uint32_t size)',
  fcntl: 'int fcntl(int fd, int command, ...)',
  setsockopt: 'int setsockopt(int fd, int level, int name, void *value, uint32_t length)',
  getsockopt: 'int getsockopt(int fd, int level, int name, void *value, void *length)',
  initgroups: 'int initgroups(const char *user, uint32_t group)',
  getrlimit: 'int getrlimit(int resource, void *limit)',
  setrlimit: 'int setrlimit(int resource, void *limit)',
  sched_setaffinity: 'int sched_setaffinity(int pid, size_t length, void *mask)',
  // A fixed prototype of a variadic function: right on x86-64 and on Linux/arm64, where prctl is called.
  prctl: 'int prctl(int operation, unsigned long argument)',
  strerror: 'const char *strerror(int errno)',
};

/** Thrown when koffi, or a function of the C library, cannot be loaded. `cause` is the loader's own error. */
export class LibcUnavailableError extends Error {
  override name = 'LibcUnavailableError';
}

let loaded: { koffi: Koffi; library: ReturnType<Koffi['load']> } | undefined;

function load(): NonNullable<typeof loaded> {
  if (loaded !== undefined) return loaded;
  try {
    const koffi: Koffi = createRequire(import.meta.url)('koffi');
    // A null path means the symbols of the running executable, and with them the C library it is linked to.
    loaded = { koffi, library: koffi.load(null) };
    return loaded;
  } catch (cause) {
    throw new LibcUnavailableError(
      `the native call library "koffi" cannot be loaded on ${process.platform}-${process.arch}: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function declare(prototype: string): (...args: unknown[]) => unknown {
  const { library } = load();
  try {
    return library.func(prototype);
  } catch (cause) {
    throw new LibcUnavailableError(`the C library lacks "${prototype}": ${(cause as Error).message}`, { cause });
  }
}

/**
 * The C library. Each function is bound by its first use.
 * @throws {LibcUnavailableError} on that first use, when koffi or the function is missing.
 */
export const libc = {} as Libc;

for (const [name, prototype] of Object.entries(prototypes)) {
  Object.defineProperty(libc, name, {
    configurable: true,
    enumerable: true,
    get() {
      const value = declare(prototype);
      Object.defineProperty(libc, name, { value, enumerable: true });
      return value;
    },
  });
}

/** errno of the last call made through `libc`. */
export function errno(): number {
  return load().koffi.errno();
}

/** An Error for a failed call, in nginx's form: `mmap(1048576) failed (12: Cannot allocate memory)`. */
export function systemError(call: string, number: number): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${call} failed (${number}: ${libc.strerror(number)})`);
  error.errno = number;
  error.syscall = call.replace(/\(.*/, '');
  return error;
}

/**
 * `length` bytes of memory at `address` as an ArrayBuffer. It borrows the memory: nothing is freed when it is
 * collected, and nothing stops the memory from being unmapped below it. Make one view of an address at a time.
 */
export function viewMemory(address: bigint, length: number): ArrayBuffer {
  return load().koffi.view(address, length);
}

let sendfileBound: ((...args: unknown[]) => unknown) | undefined;
const offsetArgument = new BigInt64Array(1);

/**
 * sendfile(2): up to `count` bytes of the file `input`, from byte `offset`, to the socket `output`.
 * Returns the bytes sent, or a negated errno (`-EAGAIN` when the socket is full).
 */
export function sendfile(output: number, input: number, offset: number, count: number): number {
  if (process.platform === 'darwin') {
    // off_t *len carries the count in and the bytes sent out, also when the call fails with EAGAIN.
    sendfileBound ??= declare(
      'int sendfile(int file, int socket, int64_t offset, void *length, void *head, int flags)',
    );
    offsetArgument[0] = BigInt(count);
    const result = sendfileBound(input, output, offset, offsetArgument, null, 0) as number;
    const sent = Number(offsetArgument[0]);
    return result === 0 || sent > 0 ? sent : -errno();
  }
  sendfileBound ??= declare('intptr_t sendfile(int output, int input, void *offset, size_t count)');
  offsetArgument[0] = BigInt(offset);
  const sent = sendfileBound(output, input, offsetArgument, count) as number;
  return sent >= 0 ? sent : -errno();
}
