/**
 * Binding one address. Two ways, with the same result:
 *
 * - a handle of this process's event loop: what a single process needs, and no library has to be loaded for it;
 * - a plain descriptor made with the C library's calls (bind-libc.ts): for a master, whose event loop must not accept,
 *   and for options that Node does not offer (reuseport, buffer sizes, deferred accept).
 */
import { chmodSync, closeSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoName, errnoSuffix } from '../log/errno.ts';
import { LOG_EMERG, type Log } from '../log/log.ts';
import type { Acceptor } from '../net/accept.ts';
import { type PipeHandle, type StreamHandle, streamHandles, type TcpHandle } from '../net/handles.ts';
import type { Listening } from '../net/listening.ts';
import { bindDescriptor, configureDescriptor } from './bind-libc.ts';

/** A bound and listening socket of this process. */
export interface OpenSocket {
  readonly fd: number;
  /** Set when it belongs to the event loop already. */
  readonly handle: StreamHandle | undefined;
  /** Set while connections are accepted on it: it has taken over the descriptor. */
  acceptor?: Acceptor;
}

/** Which call failed, and the errno name. */
export interface BindFailure {
  /** `socket()`, `bind`, `listen`, or a setsockopt() with its option. */
  readonly call: string;
  readonly code: string;
}

/** Mode of unix sockets: everybody may connect. */
const SOCKET_MODE = 0o666;

/** Binds and listens. @param handOver the socket is for another process, see the file's head */
export function bindListening(listening: Listening, handOver: boolean, log: Log): OpenSocket | BindFailure {
  const result =
    handOver || needsLibc(listening) || streamHandles() === undefined
      ? bindDescriptor(listening, log)
      : bindHandle(listening);
  if (!('code' in result) && listening.where.family === 'unix') {
    try {
      chmodSync(listening.where.address, SOCKET_MODE);
    } catch (e) {
      log.write(LOG_EMERG, `chmod() "${listening.where.address}" failed${errnoSuffix(e)}`);
    }
  }
  return result;
}

/** Whether the address asks for what a handle cannot do. */
function needsLibc({ kind, options }: Listening): boolean {
  return (
    kind === 'udp' ||
    options.reuseport ||
    options.deferred ||
    options.rcvbuf !== undefined ||
    options.sndbuf !== undefined ||
    options.fastopen !== undefined ||
    typeof options.keepalive === 'object' ||
    options.keepalive === false
  );
}

function bindHandle({ where, options }: Listening): OpenSocket | BindFailure {
  const native = streamHandles()!;
  let handle: StreamHandle;
  let status: number;
  if (where.family === 'unix') {
    handle = new native.Pipe(native.pipeKind.SERVER);
    status = (handle as PipeHandle).bind(where.address);
  } else {
    handle = new native.TCP(native.tcpKind.SERVER);
    status =
      where.family === 'inet'
        ? (handle as TcpHandle).bind(where.address, where.port)
        : (handle as TcpHandle).bind6(where.address, where.port, options.ipv6only ? native.ipv6Only : 0);
  }
  let call = 'bind';
  if (status === 0) {
    // libuv reports an address in use here, whether bind() or listen() has found out.
    status = handle.listen(options.backlog);
    if (status !== 0 && errnoName(status) !== 'EADDRINUSE') call = 'listen';
  }
  if (status === 0) return { fd: handle.fd, handle };
  handle.close();
  let code = errnoName(status) ?? 'EIO';
  // libuv says EACCES for a missing folder, as on Windows.
  if (where.family === 'unix' && code === 'EACCES' && !existsSync(dirname(where.address))) code = 'ENOENT';
  return { call, code };
}

/** Applies options that may have changed with a new configuration to a socket that is kept. */
export function configureSocket(socket: OpenSocket, listening: Listening, log: Log, before: Listening): void {
  if (socket.handle !== undefined) {
    if (listening.options.backlog !== before.options.backlog) socket.handle.listen(listening.options.backlog);
    return;
  }
  configureDescriptor(socket.fd, listening, log, before);
}

export function closeSocket({ fd, handle, acceptor }: OpenSocket): void {
  if (acceptor !== undefined) acceptor.close();
  else if (handle === undefined) closeSync(fd);
  else handle.close();
}
