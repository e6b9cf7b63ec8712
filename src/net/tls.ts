/**
 * TLS on an accepted connection; src/net/tls-client.ts has the other side's handshake. Handshake and connection are
 * driven through the handle that node:tls has below its TLSSocket, as TcpSocket does with its own: one buffer for all
 * reads, no stream's bookkeeping. Where that handle has another shape than ours, the handshake is node:tls's, and
 * PortableSocket serves over the TLSSocket as it is.
 *
 * nginx: ngx_ssl_handshake(), ngx_ssl_recv(), ngx_ssl_write(), ngx_ssl_shutdown() (src/event/ngx_event_openssl.c).
 */
import type { Socket as NetSocket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { errnoName } from '../log/errno.ts';
import { updateTime } from '../log/time.ts';
import { endConnection } from './activity.ts';
import {
  type ShutdownRequest,
  type StreamHandle,
  streamHandles,
  UV_EALREADY,
  UV_EOF,
  type WriteRequest,
} from './handles.ts';
import { latin1Write } from './latin1.ts';
import { PortableSocket } from './portable.ts';
import type { AcceptedSocket, SocketOwner } from './socket.ts';
import { TcpSocket } from './tcp.ts';
import { DirectTls, type DirectTlsOwner, hasDirectTls, type TlsHandle, type TlsSession } from './tls-direct.ts';
import { type HandshakeHooks, type HookedHandle, installHooks } from './tls-hooks.ts';

/** How to answer a handshake. */
export interface TlsServerOptions {
  readonly context: SecureContext;
  /** Ask for a client certificate. The handshake goes on whatever comes of it. */
  readonly requestCertificate: boolean;
  /** For ALPN, the preferred one first. A client that offers none of them is refused with an alert. */
  readonly protocols: readonly string[];
  /** Bytes of plain text in a record, 512 to 16384. */
  readonly recordSize: number;
  readonly hooks?: HandshakeHooks | undefined;
  /** An earlier session in DER, for the id that the client presents. */
  readonly session?: Buffer | undefined;
}

/** Who began a handshake. One of the three is called, once. */
export interface HandshakeOwner {
  /** `socket` is paused and without an owner. */
  onSecure(socket: AcceptedSocket, session: TlsSession): void;
  /** The peer closed its side. The connection is still to be destroyed. */
  onHandshakeEnd(): void;
  /** OpenSSL refused (its alert is sent), or the connection failed (an errno's name as `code`). It is closed. */
  onHandshakeError(error: NodeJS.ErrnoException): void;
}

/** A handshake under way. */
export interface Handshake {
  /** Begins, with what came so far. What comes of it may come before this returns. */
  begin(preread: Buffer): void;
  /** What the client sends meanwhile stays in the system; neither is its leaving noticed. */
  pause(): void;
  resume(): void;
  /** Gives up, without a word to the client. The owner hears nothing more. */
  destroy(): void;
}

/**
 * Takes over an accepted socket that has read some bytes.
 *
 * @param socket a TcpSocket or PortableSocket; not to be used any more
 */
export function newHandshake(socket: AcceptedSocket, options: TlsServerOptions, owner: HandshakeOwner): Handshake {
  if (socket instanceof TcpSocket && hasDirectTls()) return new DirectHandshake(socket, options, owner);
  if (!(socket instanceof TcpSocket || socket instanceof PortableSocket)) throw new Error('TLS over TLS');
  return new NodeHandshake(socket, options, owner);
}

/** By the handle alone. */
class DirectHandshake implements Handshake, DirectTlsOwner {
  readonly #tls: DirectTls;
  readonly #accepted: TcpSocket;
  #owner: HandshakeOwner | undefined;
  #paused = false;

  constructor(socket: TcpSocket, options: TlsServerOptions, owner: HandshakeOwner) {
    this.#owner = owner;
    this.#accepted = socket;
    const { context, requestCertificate, protocols, recordSize, hooks, session } = options;
    const handle = socket.releaseHandle();
    this.#tls = new DirectTls(handle, socket.tcp, context, requestCertificate, protocols, recordSize, hooks, session);
  }

  begin(preread: Buffer): void {
    const tls = this.#tls;
    tls.owner = this;
    const handle: TlsHandle = tls._handle;
    readBuffer ??= Buffer.allocUnsafeSlow(65536);
    handle.socket = this;
    handle.onread = onHandshakeRead;
    handle.useUserBuffer(readBuffer);
    tls.receive(preread);
    if (!tls.closed && this.#owner !== undefined && !this.#paused) handle.readStart();
  }

  pause(): void {
    this.#paused = true;
    if (!this.#tls.closed) this.#tls._handle.readStop();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#tls.closed && this.#owner !== undefined) this.#tls._handle.readStart();
  }

  #take(): HandshakeOwner | undefined {
    const owner = this.#owner;
    this.#owner = undefined;
    return owner;
  }

  onTlsSecure(): void {
    const taken = this.#take();
    if (taken === undefined) return;
    const tls = this.#tls;
    const socket = new TlsSocket(new DirectCarrier(tls), tls._handle, this.#accepted);
    taken.onSecure(socket, tls);
  }

  onTlsError(error: NodeJS.ErrnoException): void {
    updateTime();
    this.#take()?.onHandshakeError(error);
    this.#tls.destroy(false);
  }

  onTlsClose(): void {
    updateTime();
    if (this.#accepted.counted) {
      this.#accepted.counted = false;
      endConnection();
    }
    this.#take()?.onHandshakeEnd();
  }

  /** The client closed its side. */
  onEnd(): void {
    updateTime();
    this.#take()?.onHandshakeEnd();
  }

  destroy(): void {
    this.#owner = undefined;
    this.#tls.destroy(false);
  }
}

function onHandshakeRead(this: StreamHandle): void {
  const handles = streamHandles()!;
  const n = handles.state[handles.kReadBytesOrError]!;
  const handshake = this.socket as DirectHandshake;
  if (n === UV_EOF) handshake.onEnd();
  else if (n < 0) handshake.onTlsError(Object.assign(new Error(), { code: errnoName(n) ?? 'EIO' }));
}

/** By node:tls. */
class NodeHandshake implements Handshake {
  readonly #plain: NetSocket;
  readonly #inner: TcpSocket | PortableSocket;
  readonly #options: TlsServerOptions;
  #stream: TLSSocket | undefined = undefined;
  #owner: HandshakeOwner | undefined;

  constructor(socket: TcpSocket | PortableSocket, options: TlsServerOptions, owner: HandshakeOwner) {
    this.#inner = socket;
    this.#owner = owner;
    this.#options = options;
    this.#plain = socket.release();
  }

  begin(preread: Buffer): void {
    const { TLSSocket } = process.getBuiltinModule('node:tls');
    const socket = this.#inner;
    const plain = this.#plain;
    const options = this.#options;
    const hooked = options.hooks !== undefined || options.session !== undefined;
    if (!hooked) plain.unshift(preread);
    const stream = new TLSSocket(plain, {
      isServer: true,
      secureContext: options.context,
      requestCert: options.requestCertificate,
      rejectUnauthorized: false,
      ALPNProtocols: [...options.protocols],
    });
    this.#stream = stream;
    if (options.recordSize < 16384) stream.setMaxSendFragment(options.recordSize);
    const onEnd = (): void => {
      updateTime();
      this.#take()?.onHandshakeEnd();
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      updateTime();
      this.#take()?.onHandshakeError(error);
      stream.destroy();
    };
    const onClose = (): void => {
      updateTime();
      if (socket.counted) {
        socket.counted = false;
        endConnection();
      }
      this.#take()?.onHandshakeEnd();
    };
    stream.once('secure', () => {
      updateTime();
      const taken = this.#take();
      if (taken === undefined) return;
      stream.off('end', onEnd).off('_tlsError', onError).off('error', onError).off('close', onClose);
      taken.onSecure(secured(stream, socket), stream);
    });
    stream.on('end', onEnd).on('_tlsError', onError).on('error', onError).on('close', onClose);
    // An error of the connection below reaches the TLSSocket as well; unheard here it would end the process.
    plain.on('error', onError);
    if (!hooked) return;
    const handle = (stream as unknown as { _handle: HookedHandle & { receive(bytes: Buffer): void } })._handle;
    installHooks(handle, options.hooks, options.session, () => stream.destroyed);
    handle.receive(preread);
  }

  pause(): void {
    this.#handle?.readStop();
  }

  resume(): void {
    this.#handle?.readStart();
  }

  get #handle(): StreamHandle | undefined {
    return (this.#stream as unknown as { _handle?: StreamHandle | null })?._handle ?? undefined;
  }

  #take(): HandshakeOwner | undefined {
    const owner = this.#owner;
    this.#owner = undefined;
    return owner;
  }

  destroy(): void {
    this.#owner = undefined;
    (this.#stream ?? this.#plain).destroy();
  }
}

/** What carries a TlsSocket: a TLSSocket, or the handle alone. */
interface Carrier {
  readonly session: TlsSession;
  /** From now on `socket` is told of errors and of the close. */
  attach(socket: TlsSocket): void;
  destroy(reset: boolean): void;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean, idleSeconds: number): void;
}

class DirectCarrier implements Carrier, DirectTlsOwner {
  readonly #tls: DirectTls;
  #socket: TlsSocket | undefined = undefined;

  constructor(tls: DirectTls) {
    this.#tls = tls;
  }

  get session(): TlsSession {
    return this.#tls;
  }

  attach(socket: TlsSocket): void {
    this.#socket = socket;
    this.#tls.owner = this;
  }

  destroy(reset: boolean): void {
    this.#tls.destroy(reset);
  }

  setNoDelay(on: boolean): void {
    this.#tls.setNoDelay(on);
  }

  setKeepAlive(on: boolean, idleSeconds: number): void {
    this.#tls.setKeepAlive(on, idleSeconds);
  }

  onTlsSecure(): void {}

  onTlsError(error: NodeJS.ErrnoException): void {
    this.#socket?.fail(error);
  }

  onTlsClose(): void {
    this.#socket?.gone();
  }
}

class NodeCarrier implements Carrier {
  readonly #stream: TLSSocket;

  constructor(stream: TLSSocket) {
    this.#stream = stream;
  }

  get session(): TlsSession {
    return this.#stream;
  }

  attach(socket: TlsSocket): void {
    const onError = (error: NodeJS.ErrnoException): void => socket.fail(error);
    this.#stream.on('_tlsError', onError);
    this.#stream.on('error', onError);
    this.#stream.on('close', () => socket.gone());
  }

  destroy(reset: boolean): void {
    if (reset) this.#stream.resetAndDestroy();
    else this.#stream.destroy();
  }

  setNoDelay(on: boolean): void {
    this.#stream.setNoDelay(on);
  }

  setKeepAlive(on: boolean, idleSeconds: number): void {
    this.#stream.setKeepAlive(on, idleSeconds * 1000);
  }
}

/** The socket for a connection whose handshake is done. For both sides. */
export function secured(stream: TLSSocket, accepted: TcpSocket | PortableSocket): AcceptedSocket {
  const handle = (stream as unknown as { _handle?: TlsHandle })._handle;
  const direct =
    streamHandles() !== undefined &&
    handle !== undefined &&
    typeof handle._parent?.writeQueueSize === 'number' &&
    ['useUserBuffer', 'writeLatin1String', 'writeBuffer', 'writev', 'readStart', 'readStop', 'shutdown'].every(
      (method) => typeof (handle as unknown as Record<string, unknown>)[method] === 'function',
    );
  if (direct) return new TlsSocket(new NodeCarrier(stream), handle, accepted);
  const unix = accepted.remoteAddress === 'unix:' ? accepted.localAddress : undefined;
  const socket = new PortableSocket(stream, unix);
  socket.counted = accepted.counted;
  accepted.counted = false;
  stream.on('_tlsError', (error: Error) => stream.destroy(error));
  return socket;
}

/** Where every read of every TLS connection lands: a record is 16 KiB at most, and OpenSSL decrypts one at a time. */
let readBuffer: Buffer | undefined;

/** Plain text that OpenSSL encrypts and hands to the system in one go. */
const WHOLE_WRITE = 65536;

type Piece = string | Uint8Array;

/** A TLS connection over the handle of a TLSSocket. Made paused and without an owner. */
export class TlsSocket implements AcceptedSocket {
  owner: SocketOwner | undefined = undefined;
  failure = '';
  /** What broke it, when OpenSSL or the connection did. */
  cause: Error | undefined = undefined;
  private readonly carrier: Carrier;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly handle: TlsHandle;
  /** sendfile() and the like must not write to the descriptor. */
  readonly fd: number = -1;
  private readonly accepted: TcpSocket | PortableSocket;
  counted: boolean;
  private closed = false;
  /** Bytes of the write that OpenSSL has; it takes one at a time. */
  private writing = 0;
  private busy = false;
  /** OpenSSL is in a call of ours: what it reports now must not reach the owner before that call returns. */
  private sending = false;
  private queue: Piece[] = [];
  private queued = 0;
  private owesDrain = false;
  private ending = false;
  private shuttingDown = false;
  private shutdownSent = false;

  constructor(carrier: Carrier, handle: TlsHandle, accepted: TcpSocket | PortableSocket) {
    this.carrier = carrier;
    this.handle = handle;
    this.accepted = accepted;
    this.remoteAddress = accepted.remoteAddress;
    this.remotePort = accepted.remotePort;
    this.counted = accepted.counted;
    accepted.counted = false;
    readBuffer ??= Buffer.allocUnsafeSlow(65536);
    handle.readStop();
    handle.socket = this;
    handle.onread = onRead;
    handle.useUserBuffer(readBuffer);
    carrier.attach(this);
  }

  /** The descriptor is closed. */
  gone(): void {
    updateTime();
    this.closed = true;
    if (this.counted) {
      this.counted = false;
      endConnection();
    }
    this.owner?.onClose();
  }

  /** The descriptor below, for socket options and logs; -1 once closed. */
  get descriptor(): number {
    return this.closed ? -1 : (this.handle._parent?.fd ?? -1);
  }

  /** What can be asked about the connection. */
  get session(): TlsSession {
    return this.carrier.session;
  }

  get localAddress(): string {
    return this.accepted.localAddress;
  }

  get localPort(): number {
    return this.accepted.localPort;
  }

  get pendingBytes(): number {
    return this.closed ? 0 : this.queued + (this.parentQueue > 0 ? this.writing : 0);
  }

  /** Encrypted bytes that the system did not take. */
  private get parentQueue(): number {
    return this.handle._parent?.writeQueueSize ?? 0;
  }

  write(data: Piece): boolean {
    if (this.closed || this.failure !== '') return false;
    if (this.busy || this.queued > 0) {
      this.queue.push(data);
      this.queued += data.length;
      this.owesDrain = true;
      return false;
    }
    const status = this.send(data);
    if (status !== 0) {
      this.failSoon(status);
      return false;
    }
    if (this.failure !== '') return false;
    // OpenSSL reports each write from the event loop; whether the system has the bytes is known now.
    if (data.length <= WHOLE_WRITE && this.parentQueue === 0) return true;
    this.owesDrain = true;
    return false;
  }

  writev(pieces: readonly Piece[]): boolean {
    if (pieces.length === 1) return this.write(pieces[0] as Piece);
    return this.write(join(pieces));
  }

  private send(data: Piece): number {
    const request = new (streamHandles()!.WriteWrap)();
    request.oncomplete = onWritten;
    request.data = data;
    this.busy = true;
    this.writing = data.length;
    this.sending = true;
    const status =
      typeof data !== 'string'
        ? this.handle.writeBuffer(request, data)
        : data.length <= TEXT_ROOM
          ? this.handle.writeBuffer(request, textBytes(data))
          : this.handle.writeLatin1String(request, data);
    this.sending = false;
    return status;
  }

  /** For onWritten. */
  written(status: number): void {
    this.busy = false;
    this.writing = 0;
    if (this.closed) return;
    // Nearly always nobody waits for it.
    if (status >= 0 && this.queued === 0 && !this.ending && !this.shuttingDown && !this.owesDrain) return;
    updateTime();
    if (status < 0) {
      this.fail(Object.assign(new Error(), { code: errnoName(status) ?? 'EIO' }));
      return;
    }
    if (this.queued > 0) {
      const data = this.queue.length === 1 ? (this.queue[0] as Piece) : join(this.queue);
      this.queue = [];
      this.queued = 0;
      const sent = this.send(data);
      if (sent !== 0) this.fail(Object.assign(new Error(), { code: errnoName(sent) ?? 'EIO' }));
      return;
    }
    if (this.ending) {
      this.finish();
      return;
    }
    if (this.shuttingDown) this.sendShutdown();
    if (this.owesDrain) {
      this.owesDrain = false;
      this.owner?.onDrain();
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

  /** Sends the alert close_notify, then FIN. */
  shutdown(): void {
    if (this.closed || this.failure !== '') return;
    if (this.busy) this.shuttingDown = true;
    else this.sendShutdown();
  }

  private sendShutdown(): void {
    this.shuttingDown = false;
    if (this.shutdownSent) return;
    this.shutdownSent = true;
    const request: ShutdownRequest = new (streamHandles()!.ShutdownWrap)();
    // A failed shutdown means that the peer has gone, which reading reports.
    request.oncomplete = nothing;
    this.handle.shutdown(request);
  }

  end(): void {
    if (this.closed) return;
    if (this.busy) this.ending = true;
    else this.finish();
  }

  /** close_notify is sent and not waited for, as nginx does. */
  private finish(): void {
    if (this.failure === '') this.sendShutdown();
    this.destroy();
  }

  destroy(reset = false): void {
    if (this.closed) return;
    this.closed = true;
    this.carrier.destroy(reset);
  }

  setNoDelay(on: boolean): void {
    if (!this.closed) this.carrier.setNoDelay(on);
  }

  setKeepAlive(on: boolean, idleSeconds = 0): void {
    if (!this.closed) this.carrier.setKeepAlive(on, idleSeconds);
  }

  /** The connection broke: tells the owner and closes. */
  fail(error: NodeJS.ErrnoException): void {
    if (this.closed) return;
    if (this.failure === '') this.failure = failureOf(error);
    this.cause ??= error;
    if (this.sending) {
      process.nextTick(failNow, this, error);
      return;
    }
    updateTime();
    this.owner?.onError(this.failure);
    this.destroy();
  }

  private failSoon(status: number): void {
    if (this.failure !== '') return;
    const code = errnoName(status) ?? 'EIO';
    this.failure = code;
    process.nextTick(failNow, this, Object.assign(new Error(), { code }));
  }
}

/** An errno's name; what OpenSSL found wrong with the client's bytes is a protocol error. */
function failureOf({ code }: NodeJS.ErrnoException): string {
  return code?.startsWith('E') && !code.startsWith('ERR_') ? code : 'EPROTO';
}

function join(pieces: readonly Piece[]): Piece {
  let size = 0;
  let text = true;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i] as Piece;
    size += piece.length;
    if (typeof piece !== 'string') text = false;
  }
  if (text) return pieces.join('');
  const joined = Buffer.allocUnsafe(size);
  let at = 0;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i] as Piece;
    if (typeof piece === 'string') joined.write(piece, at, 'latin1');
    else joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

function failNow(socket: TlsSocket, error: NodeJS.ErrnoException): void {
  socket.fail(error);
}

function nothing(): void {}

/** Texts of up to this many bytes are turned into bytes here; Node would allocate memory for each. */
const TEXT_ROOM = 16384;
let textRoom: Buffer | undefined;
/** The first n bytes of it, by n, where they have been needed. */
let textViews: (Buffer | undefined)[] = [];

/** A text's bytes, until the next call: OpenSSL has taken them, or Node a copy, when a write returns. */
function textBytes(text: string): Buffer {
  if (textRoom === undefined) {
    textRoom = Buffer.allocUnsafeSlow(TEXT_ROOM);
    textViews = new Array(TEXT_ROOM + 1).fill(undefined);
  }
  latin1Write(textRoom, text);
  const { length } = text;
  let view = textViews[length];
  if (view === undefined) textViews[length] = view = textRoom.subarray(0, length);
  return view;
}

function onWritten(this: WriteRequest, status: number, handle: StreamHandle): void {
  this.data = undefined;
  (handle.socket as TlsSocket).written(status);
}

function onRead(this: StreamHandle): void {
  const handles = streamHandles()!;
  const n = handles.state[handles.kReadBytesOrError]!;
  const socket = this.socket as TlsSocket;
  updateTime();
  if (n > 0) socket.owner?.onData(readBuffer as Buffer, 0, n);
  else if (n === UV_EOF) socket.owner?.onEnd();
  else if (n < 0) socket.fail(Object.assign(new Error(), { code: errnoName(n) ?? 'EIO' }));
}
