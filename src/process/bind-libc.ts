/**
 * Listening sockets made with the C library's own calls: every option that nginx has, and no event loop attached.
 *
 * nginx: ngx_open_listening_sockets, ngx_configure_listening_sockets (src/core/ngx_connection.c).
 */
import { closeSync } from 'node:fs';
import { errnoName, errnoSuffix } from '../log/errno.ts';
import { LOG_ALERT, LOG_EMERG, type Log } from '../log/log.ts';
import type { Listening } from '../net/listening.ts';
import { addressFamily, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM, socketAddress } from '../net/sockaddr.ts';
import { errno, libc } from '../shm/libc.ts';
import type { BindFailure, OpenSocket } from './bind.ts';

const linux = process.platform === 'linux';

// The numbers of Linux and of macOS.
const SOL_SOCKET = linux ? 1 : 0xffff;
const SO_REUSEADDR = linux ? 2 : 4;
const SO_REUSEPORT = linux ? 15 : 0x200;
const SO_SNDBUF = linux ? 7 : 0x1001;
const SO_RCVBUF = linux ? 8 : 0x1002;
const SO_KEEPALIVE = linux ? 9 : 8;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = linux ? 26 : 27;
const TCP_KEEPIDLE = linux ? 4 : 0x10;
const TCP_KEEPINTVL = linux ? 5 : 0x101;
const TCP_KEEPCNT = linux ? 6 : 0x102;
const TCP_FASTOPEN = linux ? 23 : 0x105;
const TCP_DEFER_ACCEPT = 9;
const F_SETFD = 2;
const F_SETFL = 4;
const FD_CLOEXEC = 1;
const O_NONBLOCK = linux ? 0o4000 : 4;

/** Binds and listens. Options that cannot be set are logged, as nginx does, and do not stop the start. */
export function bindDescriptor(listening: Listening, log: Log): OpenSocket | BindFailure {
  const { where, options, kind } = listening;
  const type = kind === 'udp' ? SOCK_DGRAM : SOCK_STREAM;
  const fd = libc.socket(addressFamily(where), linux ? type | SOCK_NONBLOCK | SOCK_CLOEXEC : type, 0);
  if (fd < 0) return failure('socket()');
  if (!linux) {
    libc.fcntl(fd, F_SETFD, 'int', FD_CLOEXEC);
    libc.fcntl(fd, F_SETFL, 'int', O_NONBLOCK);
  }
  const fail = (call: string): BindFailure => {
    const result = failure(call);
    closeSync(fd);
    return result;
  };
  if (!setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return fail('setsockopt(SO_REUSEADDR)');
  if (options.reuseport && !setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return fail('setsockopt(SO_REUSEPORT)');
  if (where.family === 'inet6' && !setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6only ? 1 : 0)) {
    log.write(LOG_EMERG, `setsockopt(IPV6_V6ONLY) ${where.text} failed, ignored${lastError()}`);
  }
  const address = socketAddress(where);
  if (libc.bind(fd, address, address.length) !== 0) return fail('bind');
  if (kind === 'tcp' && libc.listen(fd, options.backlog) !== 0) return fail('listen');
  configureDescriptor(fd, listening, log);
  return { fd, handle: undefined };
}

/**
 * Sets the options that can also be changed while a socket is in use.
 *
 * @param before the same address in the configuration before, when the socket is kept
 */
export function configureDescriptor(fd: number, listening: Listening, log: Log, before?: Listening): void {
  const { where, options, kind } = listening;
  const set = (level: number, name: number, value: number, what: string): void => {
    if (setOption(fd, level, name, value)) return;
    log.write(LOG_ALERT, `setsockopt(${what}, ${value}) ${where.text} failed, ignored${lastError()}`);
  };
  if (before !== undefined && options.reuseport && !before.options.reuseport) {
    set(SOL_SOCKET, SO_REUSEPORT, 1, 'SO_REUSEPORT');
  }
  if (options.rcvbuf !== undefined) set(SOL_SOCKET, SO_RCVBUF, options.rcvbuf, 'SO_RCVBUF');
  if (options.sndbuf !== undefined) set(SOL_SOCKET, SO_SNDBUF, options.sndbuf, 'SO_SNDBUF');
  if (kind === 'udp' || where.family === 'unix') return;
  const { keepalive, fastopen } = options;
  if (keepalive !== undefined) set(SOL_SOCKET, SO_KEEPALIVE, keepalive === false ? 0 : 1, 'SO_KEEPALIVE');
  if (typeof keepalive === 'object') {
    if (keepalive.idle) set(IPPROTO_TCP, TCP_KEEPIDLE, keepalive.idle, 'TCP_KEEPIDLE');
    if (keepalive.interval) set(IPPROTO_TCP, TCP_KEEPINTVL, keepalive.interval, 'TCP_KEEPINTVL');
    if (keepalive.count) set(IPPROTO_TCP, TCP_KEEPCNT, keepalive.count, 'TCP_KEEPCNT');
  }
  if (fastopen !== undefined) set(IPPROTO_TCP, TCP_FASTOPEN, fastopen, 'TCP_FASTOPEN');
  if (linux && (options.deferred || before?.options.deferred)) {
    set(IPPROTO_TCP, TCP_DEFER_ACCEPT, options.deferred ? 1 : 0, 'TCP_DEFER_ACCEPT');
  }
  if (before !== undefined && before.options.backlog !== options.backlog && libc.listen(fd, options.backlog) !== 0) {
    log.write(LOG_ALERT, `listen() to ${where.text}, backlog ${options.backlog} failed, ignored${lastError()}`);
  }
}

const value = new Int32Array(1);

function setOption(fd: number, level: number, name: number, number: number): boolean {
  value[0] = number;
  return libc.setsockopt(fd, level, name, value, 4) === 0;
}

function lastError(): string {
  return errnoSuffix(errnoName(errno()) ?? 'EIO');
}

function failure(call: string): BindFailure {
  return { call, code: errnoName(errno()) ?? 'EIO' };
}
