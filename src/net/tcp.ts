/**
 * A TCP or unix socket over a raw handle: the transport of the hot path.
 *
 * What makes it cheap: every read of the process lands in one buffer, so a read allocates nothing; a write is tried
 * at once and nearly always done at once, and then its request object was not used and serves the next write of
 * any socket; events are method calls on one owner object.
 */

import type { Socket as NetSocket, SocketConstructorOpts } from 'node:net';
import { errnoName } from '../log/errno.ts';
import { updateTime } from '../log/time.ts';
import { endConnection } from './activity.ts';
import {
  type HandleAddress,
  type PipeHandle,
  type StreamHandle,
  streamHandles,
  type TcpHandle,
  UV_EALREADY,
  UV_EOF,
  type WriteRequest,
} from './handles.ts';
import type { AcceptedSocket, SocketOwner } from './socket.ts';

const handles = streamHandles()!;

/** Largest read, in bytes. nginx reads into client_header_buffer_size; here it costs nothing to offer more. */
const READ_BUFFER_SIZE = 65536;

/** Where every read of every socket lands. See SocketOwner.onData. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BUFFER_SIZE);

/** The request object for the next write: replaced only when a write had to wait. */
let spareWrite: WriteRequest | undefined;

const peerName: HandleAddress = {};

/** One connection. Made paused and without an owner. */
export class TcpSocket implements AcceptedSocket {
  owner: SocketOwner | undefined = undefined;
  remoteAddress = '';
  remotePort = 0;
  failure = '';
  readonly handle: StreamHandle;
  /** TCP, that is: has ports, options and resets. */
  readonly tcp: boolean;
  /** Counted as activity of the worker until it is closed. */
  counted = false;
  closed = false;
  private local: HandleAddress | undefined;
  /** Writes that libuv holds. */
  private waiting = 0;
  /** A write returned false since the last onDrain. */
  private owesDrain = false;
  /** end() was called while writes were waiting. */
  private ending = false;

  /** @param local the address of the listening socket when it is not a wildcard, saving a system call */
  constructor(handle: StreamHandle, tcp: boolean, local: HandleAddress | undefined) {
    this.handle = handle;
    this.tcp = tcp;
    this.local = local;
    handle.socket = this;
    handle.onread = onRead;
    handle.useUserBuffer(readBuffer);
  }

  /** Learns the peer's address, while the peer is there: it cannot be asked for once the connection is reset. */
  readPeer(): void {
    if (!this.tcp) {
      this.remoteAddress = 'unix:';
    } else if ((this.handle as TcpHandle).getpeername(peerName) === 0) {
      this.remoteAddress = peerName.address!;
      this.remotePort = peerName.port!;
    }
  }

  get fd(): number {
    return this.closed ? -1 : this.handle.fd;
  }

  get pendingBytes(): number {
    return this.waiting === 0 || this.closed ? 0 : this.handle.writeQueueSize;
  }

  get localAddress(): string {
    return (this.local ?? this.readLocal()).address ?? '';
  }

  get localPort(): number {
    return (this.local ?? this.readLocal()).port ?? 0;
  }

  private readLocal(): HandleAddress {
    const out: HandleAddress = {};
    if (!this.tcp) out.address = 'unix:';
    else if (!this.closed) (this.handle as TcpHandle).getsockname(out);
    this.local = out;
    return out;
  }

  write(data: string | Uint8Array): boolean {
    if (this.closed || this.failure !== '') return false;
    const request = spareWrite ?? newWrite();
    const status =
      typeof data === 'string' ? this.handle.writeLatin1String(request, data) : this.handle.writeBuffer(request, data);
    if (status === 0 && handles.state[handles.kLastWriteWasAsync] === 0) return this.waiting === 0;
    return this.writeWaits(status, request, data);
  }

  writev(pieces: readonly (string | Uint8Array)[]): boolean {
    if (this.closed || this.failure !== '') return false;
    let strings = 0;
    for (let i = 0; i < pieces.length; i++) if (typeof pieces[i] === 'string') strings++;
    if (strings === pieces.length) return this.write(pieces.join(''));
    const request = spareWrite ?? newWrite();
    let chunks: readonly unknown[] = pieces;
    if (strings > 0) {
      // Node takes either buffers alone or pairs of a piece and its encoding.
      const pairs: unknown[] = [];
      for (let i = 0; i < pieces.length; i++)
        pairs.push(pieces[i], typeof pieces[i] === 'string' ? 'latin1' : 'buffer');
      chunks = pairs;
    }
    const status = this.handle.writev(request, chunks, strings === 0);
    if (status === 0 && handles.state[handles.kLastWriteWasAsync] === 0) return this.waiting === 0;
    return this.writeWaits(status, request, pieces);
  }

  private writeWaits(status: number, request: WriteRequest, data: unknown): boolean {
    if (status !== 0) {
      this.failSoon(status);
      return false;
    }
    // libuv keeps the request, and reads `data` when the socket becomes writable.
    spareWrite = undefined;
    request.data = data;
    this.waiting++;
    this.owesDrain = true;
    return false;
  }

  /** For onWritten. */
  written(status: number): void {
    this.waiting--;
    if (this.closed) return;
    if (status < 0) {
      this.fail(status);
    } else if (this.waiting === 0) {
      if (this.ending) this.destroy();
      else if (this.owesDrain) {
        this.owesDrain = false;
        this.owner?.onDrain();
      }
    }
  }

  pause(): void {
    if (!this.closed) this.handle.readStop();
  }

  resume(): void {
    if (this.closed || this.failure !== '') return;
    const status = this.handle.readStart();
    if (status !== 0 && status !== UV_EALREADY) this.failSoon(status);
  }

  shutdown(): void {
    if (this.closed || this.failure !== '') return;
    const request = new handles.ShutdownWrap();
    // A failed shutdown means that the peer has gone, which reading reports.
    request.oncomplete = nothing;
    this.handle.shutdown(request);
  }

  end(): void {
    if (this.waiting === 0) this.destroy();
    else this.ending = true;
  }

  destroy(reset = false): void {
    if (this.closed) return;
    this.closed = true;
    // Resetting is refused after shutdown(): then it is an ordinary close.
    if (reset && this.tcp && (this.handle as TcpHandle).reset(onClosed) === 0) return;
    this.handle.close(onClosed);
  }

  setNoDelay(on: boolean): void {
    if (this.tcp && !this.closed) (this.handle as TcpHandle).setNoDelay(on);
  }

  setKeepAlive(on: boolean, idleSeconds = 0): void {
    if (this.tcp && !this.closed) (this.handle as TcpHandle).setKeepAlive(on, idleSeconds);
  }

  /**
   * Gives the handle away, to TLS (src/net/tls-direct.ts); nothing may be waiting to be written. This object is dead
   * afterwards, but for its addresses and `counted`, which the taker looks after.
   */
  releaseHandle(): StreamHandle {
    this.handle.readStop();
    if (this.local === undefined) this.readLocal();
    this.closed = true;
    return this.handle;
  }

  /** As releaseHandle, but gives the connection to node:net, which node:tls needs (src/net/tls.ts). */
  release(): NetSocket {
    this.releaseHandle();
    const { Socket } = process.getBuiltinModule('node:net');
    return new Socket({ handle: this.handle, allowHalfOpen: true, manualStart: true } as SocketConstructorOpts);
  }

  /** The connection broke: tells the owner and closes. `status` is a negative errno. */
  fail(status: number): void {
    if (this.closed) return;
    if (this.failure === '') this.failure = errnoName(status) ?? 'EIO';
    this.owner?.onError(this.failure);
    this.destroy();
  }

  /** As fail, but not from within a call of the owner's: `failure` is set at once, the events come later. */
  failSoon(status: number): void {
    if (this.failure !== '') return;
    this.failure = errnoName(status) ?? 'EIO';
    process.nextTick(failNow, this, status);
  }
}

function failNow(socket: TcpSocket, status: number): void {
  socket.fail(status);
}

function nothing(): void {}

function newWrite(): WriteRequest {
  const request = new handles.WriteWrap();
  request.oncomplete = onWritten;
  spareWrite = request;
  return request;
}

function onWritten(this: WriteRequest, status: number, handle: StreamHandle): void {
  updateTime();
  this.data = undefined;
  (handle.socket as TcpSocket).written(status);
}

function onRead(this: StreamHandle): void {
  const n = handles.state[handles.kReadBytesOrError]!;
  const socket = this.socket as TcpSocket;
  updateTime();
  if (n > 0) socket.owner?.onData(readBuffer, 0, n);
  else if (n === UV_EOF) socket.owner?.onEnd();
  else if (n < 0) socket.fail(n);
}

function onClosed(this: StreamHandle): void {
  const socket = this.socket as TcpSocket;
  if (socket.counted) {
    socket.counted = false;
    endConnection();
  }
  socket.owner?.onClose();
}

/** A new, unconnected handle for connecting out. */
export function clientHandle(tcp: boolean): TcpHandle | PipeHandle {
  return tcp ? new handles.TCP(handles.tcpKind.SOCKET) : new handles.Pipe(handles.pipeKind.SOCKET);
}
