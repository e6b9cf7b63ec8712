/** A connection to a backend, with or without TLS: from connecting through its exchanges, and the waits between them, to its close. */
import { LOG_ALERT } from '../../log/log.ts';
import { monotonicMsec } from '../../log/time.ts';
import { type ConnectOwner, type ConnectTarget, connectTcp } from '../../net/connect.ts';
import type { Socket } from '../../net/socket.ts';
import { setSocketOption } from '../../net/sockopt.ts';
import { Timer, type TimerOwner } from '../../net/timer.ts';
import { ClientHandshake, type ClientHandshakeOwner, type TlsClientOptions } from '../../net/tls-client.ts';
import type { TlsSession } from '../../net/tls-direct.ts';
import type { HttpRequest } from '../request.ts';
import type { UpstreamSettings } from './conf.ts';
import type { Exchange } from './exchange.ts';
import type { KeepalivePool } from './keepalive.ts';

export class UpstreamConnection implements ConnectOwner, ClientHandshakeOwner, TimerOwner {
  /** After the handshake, the one with TLS. */
  socket: Socket;
  /** Name of the peer. */
  readonly name: string;
  readonly unix: boolean;
  /** Monotonic milliseconds of the connect. */
  readonly startTime: number = monotonicMsec();
  /** Monotonic milliseconds of the beginning of its present wait. */
  idleSince = 0;
  /** Exchanges begun on it. */
  requests = 0;
  /** Bytes written for the present exchange. */
  handed = 0;
  /** It stands, with TLS if there is to be any. */
  connected = false;
  private handshake: ClientHandshake | undefined = undefined;
  /** What can be asked about its TLS. */
  session: TlsSession | undefined = undefined;
  /** Who may share it: `TlsPlan.key`, or '' without TLS. */
  tlsKey = '';
  /** The backend closed its side. */
  eof = false;
  failed = false;
  closed = false;
  private reading = false;
  /** Who uses it; undefined while it is idle. */
  exchange: Exchange | undefined;
  pool: KeepalivePool | undefined = undefined;
  /** For `KeepaliveLimits.local`. */
  owner: object | string | undefined = undefined;
  readonly readTimer: Timer = new Timer(this);
  readonly writeTimer: Timer = new Timer(this);

  constructor(target: ConnectTarget, name: string, exchange: Exchange) {
    this.name = name;
    this.unix = 'path' in target;
    this.exchange = exchange;
    this.socket = connectTcp(target, this);
  }

  /** proxy_socket_rcvbuf and proxy_socket_sndbuf. The descriptor is there as soon as connecting has begun. */
  setBuffers(r: HttpRequest, { socketRcvbuf, socketSndbuf }: UpstreamSettings): void {
    if (socketRcvbuf !== 0) this.#setBuffer(r, 'rcvbuf', socketRcvbuf);
    if (socketSndbuf !== 0) this.#setBuffer(r, 'sndbuf', socketSndbuf);
  }

  #setBuffer(r: HttpRequest, option: 'rcvbuf' | 'sndbuf', size: number): void {
    const { fd } = this.socket;
    if (fd === -1) return;
    const failure = setSocketOption(fd, option, size);
    if (failure === undefined) return;
    r.log(LOG_ALERT, `setsockopt(SO_${option.toUpperCase()}, ${size}) failed, ignored (${failure})`);
  }

  /** Stops reading, when the client does not keep up. */
  pause(): void {
    if (!this.reading) return;
    this.reading = false;
    this.socket.pause();
  }

  resume(): void {
    if (this.reading) return;
    this.reading = true;
    this.socket.resume();
  }

  /** Bytes of the present exchange that the kernel has taken. */
  get sent(): number {
    return Math.max(this.handed - this.socket.pendingBytes, 0);
  }

  /** Writes; true when the kernel has it all. */
  write(data: string | Uint8Array): boolean {
    this.handed += data.length;
    return this.socket.write(data);
  }

  writev(pieces: readonly (string | Uint8Array)[]): boolean {
    for (const piece of pieces) this.handed += piece.length;
    return this.socket.writev(pieces);
  }

  // Events.

  onConnect(): void {
    this.exchange?.onConnect();
  }

  /** From now on the exchange may write, and hears what is read. */
  open(): void {
    this.connected = true;
    this.resume();
  }

  /** Begins TLS; the exchange hears onSecure, onHandshakeEnd or onHandshakeError. */
  startTls(options: TlsClientOptions, key: string): void {
    this.tlsKey = key;
    this.handshake = new ClientHandshake(this.socket, options, this);
  }

  /** Goes on with a handshake that waits: `TlsClientOptions.onCertificateRequest`. */
  goOn(): void {
    this.handshake?.goOn();
  }

  onSecure(socket: Socket, stream: TlsSession): void {
    this.handshake = undefined;
    this.socket = socket;
    socket.owner = this;
    this.session = stream;
    this.exchange?.onSecure(stream);
  }

  onHandshakeEnd(): void {
    this.exchange?.onHandshakeError(undefined);
  }

  onHandshakeError(error: NodeJS.ErrnoException): void {
    this.exchange?.onHandshakeError(error);
  }

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.exchange !== undefined) this.exchange.onData(buffer, start, end);
    else this.discard();
  }

  onEnd(): void {
    this.eof = true;
    if (this.exchange !== undefined) this.exchange.onEnd();
    else this.discard();
  }

  onError(code: string): void {
    this.failed = true;
    if (this.exchange !== undefined) this.exchange.onError(code);
    else this.discard();
  }

  onDrain(): void {
    this.exchange?.onDrain();
  }

  onClose(): void {
    this.closed = true;
    this.readTimer.release();
    this.writeTimer.release();
  }

  onTimer(timer: Timer): void {
    if (this.exchange === undefined) this.discard();
    else if (timer === this.readTimer) this.exchange.onReadTimeout();
    else this.exchange.onWriteTimeout();
  }

  // Idle.

  enterPool(pool: KeepalivePool, timeout: number): void {
    this.pool = pool;
    this.exchange = undefined;
    this.writeTimer.clear();
    this.readTimer.set(timeout);
    this.resume();
  }

  leavePool(): void {
    this.pool = undefined;
    this.readTimer.clear();
    this.handed = 0;
  }

  /** Something happened to an idle connection: it cannot be used again. */
  private discard(): void {
    this.pool?.drop(this);
    this.close(true);
  }

  /** @param regular with TLS: the backend is told by an alert that this is the end */
  close(regular: boolean): void {
    this.exchange = undefined;
    this.pool = undefined;
    if (this.closed) return;
    this.closed = true;
    this.readTimer.release();
    this.writeTimer.release();
    if (this.handshake !== undefined) this.handshake.destroy();
    else if (regular && this.tlsKey !== '' && this.connected && !this.failed) this.socket.end();
    else this.socket.destroy();
  }
}
