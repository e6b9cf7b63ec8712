/** Options of a socket's descriptor, by the names that tcpsock:getoption and setoption have for them. lua-resty-core: resty.core.socket. */
import { errnoName, strerror } from '../log/errno.ts';
import { errno, LibcUnavailableError, libc } from '../shm/libc.ts';

const linux = process.platform === 'linux';

const SOL_SOCKET = linux ? 1 : 0xffff;
const IPPROTO_TCP = 6;

/** Name -> level and number, on Linux and on macOS. */
const OPTIONS: Readonly<Record<string, readonly [level: number, name: number]>> = {
  keepalive: [SOL_SOCKET, linux ? 9 : 8],
  reuseaddr: [SOL_SOCKET, linux ? 2 : 4],
  'tcp-nodelay': [IPPROTO_TCP, 1],
  sndbuf: [SOL_SOCKET, linux ? 7 : 0x1001],
  rcvbuf: [SOL_SOCKET, linux ? 8 : 0x1002],
  keepintvl: [IPPROTO_TCP, linux ? 5 : 0x101],
  keepcnt: [IPPROTO_TCP, linux ? 6 : 0x102],
};

/** Whether there is such an option. */
export function isSocketOption(name: string): boolean {
  return Object.hasOwn(OPTIONS, name);
}

/** The option's value, or an error text. */
export function getSocketOption(fd: number, name: string): number | string {
  const option = OPTIONS[name];
  if (option === undefined) return `unsupported option ${name}`;
  const value = new Int32Array(1);
  if (libc.getsockopt(fd, option[0], option[1], value, new Uint32Array([4])) !== 0) return failure();
  return value[0] as number;
}

/** Sets the option; returns an error text, or undefined. */
export function setSocketOption(fd: number, name: string, value: number): string | undefined {
  const option = OPTIONS[name];
  if (option === undefined) return `unsupported option ${name}`;
  return libc.setsockopt(fd, option[0], option[1], new Int32Array([value]), 4) === 0 ? undefined : failure();
}

function failure(): string {
  const number = errno();
  return `${number}: ${strerror(errnoName(number) ?? '')}`;
}

const MSG_PEEK = 2;
const MSG_DONTWAIT = linux ? 0x40 : 0x80;
const oneByte = new Uint8Array(1);

/**
 * What waits on a connection that the event loop has not told of yet: 'data', its 'end' (or a failure), or nothing.
 * Undefined where the system cannot be asked.
 */
export function peekSocket(fd: number): 'data' | 'end' | 'nothing' | undefined {
  try {
    const n = libc.recv(fd, oneByte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n >= 0) return n > 0 ? 'data' : 'end';
    const code = errnoName(errno());
    return code === 'EAGAIN' || code === 'EINTR' ? 'nothing' : 'end';
  } catch (error) {
    if (error instanceof LibcUnavailableError) return undefined;
    throw error;
  }
}
