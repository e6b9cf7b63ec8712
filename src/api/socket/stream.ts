/**
 * Reading and writing of stream cosockets: what connections to others and the client's own have in common.
 * ngx_lua: ngx_http_lua_socket_tcp.c, whose texts, log lines and order of checks are kept, as suites observe them.
 *
 * Input is a byte string, `text`, with the bytes behind `pos` not yet used. A read takes what it needs out of it at
 * once if it can; else it waits, and each piece that arrives is taken by it. Between reads the transport goes on
 * reading, up to a limit: switching it off and on costs system calls, and the peer's end is noticed early.
 */
import { connectionErrorLevel } from '../../log/connection-error.ts';
import { errnoSuffix, strerror } from '../../log/errno.ts';
import { LOG_DEBUG, LOG_ERR } from '../../log/log.ts';
import { latin1Slice } from '../../net/latin1.ts';
import type { Socket, SocketOwner } from '../../net/socket.ts';
import { getSocketOption, setSocketOption } from '../../net/sockopt.ts';
import { Timer, type TimerOwner } from '../../net/timer.ts';
import { TlsSocket } from '../../net/tls.ts';
import { type ApiContext, type Resource, requireContext } from '../context.ts';
import { apiError } from '../error.ts';
import { pointerText } from '../pointer-text.ts';
import type { Suspension } from '../suspension.ts';
import { socketOptions } from './options.ts';
import { tlsFailure } from './tls.ts';
import type { UntilReader } from './until.ts';

/** A read that did not give what was asked for. */
export class ReceiveFailure {
  /** undefined: nothing failed, the reader of receiveuntil is at its end. */
  readonly error: string | undefined;
  /** What had been read; undefined when the read was refused. */
  readonly partial: string | undefined;

  constructor(error: string | undefined, partial: string | undefined) {
    this.error = error;
    this.partial = partial;
  }
}

export type Received = string | ReceiveFailure;
/** Bytes sent, or an error text. */
export type Sent = number | string;

/** Input beyond this many bytes that nobody reads stops the reading. */
const MOST_UNREAD = 65536;

// What a read wants.
const LINE = 1;
const ALL = 2;
const BYTES = 3;
const ANY = 4;
const UNTIL = 5;
/** As BYTES, but they stay to be read again. */
const PEEK = 6;

let lastId = 0;

export abstract class StreamCosocket implements SocketOwner, TimerOwner, Resource {
  /** The context that may use it; it is closed when that ends. */
  protected ctx: ApiContext;
  /** The transport; undefined when there is no connection. */
  protected socket: Socket | undefined = undefined;
  /** Number for log lines, which have an address there. */
  private readonly id = ++lastId;

  readClosed = false;
  writeClosed = false;
  protected connWaiting = false;
  protected readWaiting = false;
  protected writeWaiting = false;

  // Milliseconds.
  protected connectTimeout = 0;
  protected sendTimeout = 0;
  protected readTimeout = 0;

  // Input.
  protected text = '';
  protected pos = 0;
  /** The peer closed its side. */
  protected eof = false;
  /** The connection failed; the errno name. */
  protected failure = '';
  /** Input came while nobody was reading. */
  protected unasked = false;
  /** The transport reads. */
  protected reading = false;

  // The read under way.
  private mode = 0;
  /** What it has so far. */
  private acc = '';
  /** Bytes it wants still. */
  private rest = 0;
  private until: UntilReader | undefined = undefined;
  private readDone: ((result: Received) => void) | undefined = undefined;
  private readTimer: Timer | undefined = undefined;
  private readWait: Suspension<Received> | undefined = undefined;

  // The write under way.
  private sending = 0;
  private writeDone: ((result: Sent) => void) | undefined = undefined;
  /** Also times connecting. */
  protected writeTimer: Timer | undefined = undefined;
  private writeWait: Suspension<Sent> | undefined = undefined;

  constructor(ctx: ApiContext) {
    this.ctx = ctx;
  }

  /** Ends it: whoever waits for it is not told. */
  abstract finalize(): void;

  /** Behind log lines about the peer: `, upstream: HOST:PORT(ADDRESS)`. */
  protected get peerText(): string {
    return '';
  }

  /** More input is needed now. */
  protected wantInput(): void {
    if (this.reading) return;
    this.reading = true;
    this.socket?.resume();
  }

  protected pauseInput(): void {
    if (!this.reading) return;
    this.reading = false;
    this.socket?.pause();
  }

  /** Forgets the state of a former connection. */
  protected resetInput(): void {
    this.text = '';
    this.pos = 0;
    this.eof = false;
    this.failure = '';
    this.unasked = false;
    this.reading = false;
    this.acc = '';
    this.until = undefined;
  }

  protected get unread(): boolean {
    return this.pos < this.text.length;
  }

  // Reading.

  /** A line, without its end: `*l`. Carriage returns are left out wherever they stand. */
  receiveLine(): Received | Suspension<Received> {
    const refused = this.refuseRead();
    if (refused !== undefined) return refused;
    const { text, pos } = this;
    const end = text.indexOf('\n', pos);
    if (end >= 0) {
      this.takenTo(end + 1);
      return withoutReturns(text.slice(pos, end));
    }
    return this.read(LINE, 0);
  }

  /** Exactly `n` bytes. */
  receiveBytes(n: number): Received | Suspension<Received> {
    const refused = this.refuseRead();
    if (refused !== undefined) return refused;
    if (n === 0) return '';
    const { text, pos } = this;
    if (text.length - pos >= n) {
      this.takenTo(pos + n);
      return text.slice(pos, pos + n);
    }
    return this.read(BYTES, n);
  }

  /** Everything until the peer closes: `*a`. */
  receiveAll(): Received | Suspension<Received> {
    return this.refuseRead() ?? this.read(ALL, 0);
  }

  /** What comes next, at most `max` bytes of it. */
  receiveAny(max: number): Received | Suspension<Received> {
    const refused = this.refuseRead();
    if (refused !== undefined) return refused;
    if (this.ctx.debugging) this.debug(`calling receiveany() method to read at most ${max} bytes`);
    return this.read(ANY, max);
  }

  /** The next `n` bytes, which stay to be read. */
  peekBytes(n: number): Received | Suspension<Received> {
    return this.refuseRead() ?? (n === 0 ? '' : this.read(PEEK, n));
  }

  /**
   * What comes before a pattern.
   * @param size 0, or the number of bytes after which a piece is given
   */
  receiveUntil(reader: UntilReader, size: number): Received | Suspension<Received> {
    if (this.socket === undefined || this.readClosed) return new ReceiveFailure('closed', undefined);
    const refused = this.refuseRead();
    if (refused !== undefined) return refused;
    if (reader.ended) {
      reader.ended = false;
      return new ReceiveFailure(undefined, undefined);
    }
    this.until = reader;
    return this.read(UNTIL, size);
  }

  /** Why nothing can be read now. */
  private refuseRead(): ReceiveFailure | undefined {
    if (this.socket === undefined || this.readClosed) {
      this.logClosed('receive');
      return new ReceiveFailure('closed', undefined);
    }
    this.checkOwner();
    if (this.connWaiting) return new ReceiveFailure('socket busy connecting', undefined);
    if (this.readWaiting) return new ReceiveFailure('socket busy reading', undefined);
    return undefined;
  }

  private read(mode: number, rest: number): Received | Suspension<Received> {
    this.mode = mode;
    this.rest = rest;
    this.acc = '';
    if (this.consume()) return this.result();
    this.fill();
    if (this.unread && this.consume()) return this.result();
    if (this.eof || this.failure !== '') return this.ended();
    if (this.ctx.debugging) this.debug(`read timeout: ${this.readTimeout}`);
    this.readWaiting = true;
    this.wantInput();
    this.readTimer ??= new Timer(this);
    this.readTimer.set(this.readTimeout);
    this.readWait ??= {
      start: (done) => {
        this.readDone = done;
        return () => this.finalize();
      },
    };
    return this.readWait;
  }

  /** Takes input that waits elsewhere; for sockets that are fed by somebody. */
  protected fill(): void {}

  /** What the read has gathered. */
  private result(): string {
    const { acc } = this;
    this.acc = '';
    return acc;
  }

  /** Input up to `pos` is used. */
  private takenTo(pos: number): void {
    if (pos === this.text.length) {
      this.text = '';
      this.pos = 0;
      this.unasked = false;
    } else {
      this.pos = pos;
    }
  }

  /** Takes what the read wants of the input; true when it has enough. */
  private consume(): boolean {
    const { text, pos } = this;
    const available = text.length - pos;
    if (available === 0) return false;
    switch (this.mode) {
      case LINE: {
        const end = text.indexOf('\n', pos);
        const line = withoutReturns(text.slice(pos, end < 0 ? text.length : end));
        this.acc = this.acc === '' ? line : this.acc + line;
        this.takenTo(end < 0 ? text.length : end + 1);
        return end >= 0;
      }
      case BYTES: {
        const n = Math.min(available, this.rest);
        this.acc += text.slice(pos, pos + n);
        this.rest -= n;
        this.takenTo(pos + n);
        return this.rest === 0;
      }
      case PEEK:
        if (available < this.rest) return false;
        this.acc = text.slice(pos, pos + this.rest);
        return true;
      case ANY: {
        if (this.ctx.debugging) this.debug('read any');
        const n = Math.min(available, this.rest);
        this.acc = text.slice(pos, pos + n);
        this.takenTo(pos + n);
        return true;
      }
      case UNTIL: {
        const until = this.until as UntilReader;
        const matched = until.read(text, pos, this.rest);
        this.acc += until.data;
        this.rest = until.rest;
        this.takenTo(until.pos);
        return matched;
      }
      default:
        this.acc += pos === 0 ? text : text.slice(pos);
        this.takenTo(text.length);
        return false;
    }
  }

  /** No more input will come: what the read gives then. */
  private ended(): Received {
    if (this.failure === '') {
      if (this.mode === ALL && !this.endIsFailure) return this.result();
      return this.readFailed(this.endReason());
    }
    const code = this.failure;
    const tls = tlsFailure(this.socket, 'SSL_read');
    if (tls !== undefined) this.logPeer(tls.level, tls.line);
    else this.logPeer(connectionErrorLevel(code), `recv() failed${errnoSuffix(code)}`);
    return this.readFailed(strerror(code).toLowerCase());
  }

  /** What a read says when the input has ended before it had enough. */
  protected endReason(): string {
    return 'closed';
  }

  /** The end of the input is a failure also for who reads until the end. */
  protected get endIsFailure(): boolean {
    return false;
  }

  private readFailed(error: string): ReceiveFailure {
    this.closeRead();
    return new ReceiveFailure(error, this.result());
  }

  protected closeRead(): void {
    this.readClosed = true;
    this.text = '';
    this.pos = 0;
  }

  private finishRead(result: Received): void {
    this.readWaiting = false;
    this.readTimer?.clear();
    const done = this.readDone;
    this.readDone = undefined;
    done?.(result);
  }

  // Writing.

  /** Sends bytes. */
  send(data: string): Sent | Suspension<Sent> {
    const refused = this.refuseWrite();
    if (refused !== undefined) return refused;
    if (this.ctx.debugging) this.debug(`send timeout: ${this.sendTimeout}`);
    if (data === '') return 0;
    return this.write(data);
  }

  /** Why nothing can be written now. */
  refuseWrite(): string | undefined {
    if (this.socket === undefined || this.writeClosed) {
      this.logClosed('send');
      return 'closed';
    }
    this.checkOwner();
    if (this.connWaiting) return 'socket busy connecting';
    if (this.writeWaiting) return 'socket busy writing';
    return undefined;
  }

  private write(data: string): Sent | Suspension<Sent> {
    const socket = this.socket as Socket;
    if (this.failure !== '') return this.writeFailed(this.failure);
    if (socket.write(data)) return data.length;
    if (socket.failure !== '') return this.writeFailed(socket.failure);
    this.sending = data.length;
    this.writeWaiting = true;
    this.writeTimer ??= new Timer(this);
    this.writeTimer.set(this.sendTimeout);
    this.writeWait ??= {
      start: (done) => {
        this.writeDone = done;
        return () => this.finalize();
      },
    };
    return this.writeWait;
  }

  private writeFailed(code: string): string {
    this.logPeer(connectionErrorLevel(code), `send() failed${errnoSuffix(code)}`);
    this.writeClosed = true;
    return strerror(code).toLowerCase();
  }

  private finishWrite(result: Sent): void {
    this.writeWaiting = false;
    this.writeTimer?.clear();
    const done = this.writeDone;
    this.writeDone = undefined;
    done?.(result);
  }

  // Events of the transport.

  onData(buffer: Buffer, start: number, end: number): void {
    this.input(latin1Slice(buffer, start, end));
  }

  /** A piece of input has come. */
  protected input(piece: string): void {
    if (this.pos === this.text.length) {
      this.text = piece;
      this.pos = 0;
    } else {
      this.text = this.text.slice(this.pos) + piece;
      this.pos = 0;
    }
    if (!this.readWaiting) {
      this.unasked = true;
      if (this.text.length >= MOST_UNREAD) this.pauseInput();
      return;
    }
    if (this.consume()) {
      this.finishRead(this.result());
    } else {
      this.wantInput();
      this.readTimer?.set(this.readTimeout);
    }
  }

  onEnd(): void {
    this.eof = true;
    if (this.readWaiting) this.finishRead(this.ended());
  }

  onError(code: string): void {
    const { socket } = this;
    this.failure = code;
    if (this.readWaiting) this.finishRead(this.ended());
    if (this.writeWaiting && this.socket === socket) this.finishWrite(this.writeFailed(code));
  }

  onDrain(): void {
    if (this.writeWaiting) this.finishWrite(this.sending);
  }

  onClose(): void {
    if (this.failure === '') this.eof = true;
  }

  onTimer(timer: Timer): void {
    if (timer === this.readTimer) {
      if (!this.readWaiting) return;
      this.logPeerError('lua tcp socket read timed out');
      // The connection is fine as far as one can tell: reading may go on.
      this.finishRead(new ReceiveFailure('timeout', this.result()));
    } else if (this.connWaiting) {
      this.connectTimedOut();
    } else if (this.writeWaiting) {
      this.logPeerError('lua tcp socket write timed out');
      this.writeClosed = true;
      this.finishWrite('timeout');
    }
  }

  protected connectTimedOut(): void {}

  /** Nothing is waited for any more. */
  protected stopWaiting(): void {
    this.readWaiting = false;
    this.writeWaiting = false;
    this.connWaiting = false;
    this.readDone = undefined;
    this.writeDone = undefined;
    this.readTimer?.release();
    this.writeTimer?.release();
  }

  // Both.

  /** Milliseconds; 0 or less go back to the directives. */
  setTimeouts(connect: number, send: number, read: number): void {
    const options = socketOptions(this.ctx);
    this.connectTimeout = connect > 0 ? connect : options.socketConnectTimeout;
    this.sendTimeout = send > 0 ? send : options.socketSendTimeout;
    this.readTimeout = read > 0 ? read : options.socketReadTimeout;
  }

  /** Is it used by the request that made it? ngx_lua: u->request != r. */
  protected checkOwner(): void {
    const now = requireContext();
    if (now !== this.ctx && (now.r === undefined || now.r !== this.ctx.r)) apiError('bad request');
  }

  /** Whether all of reading, writing and connecting is idle; else an error text. */
  protected busy(): string | undefined {
    if (this.connWaiting) return 'socket busy connecting';
    if (this.readWaiting) return 'socket busy reading';
    if (this.writeWaiting) return 'socket busy writing';
    return undefined;
  }

  /** Descriptor number, or an error text. */
  fd(): number | string {
    if (this.socket === undefined) return 'closed';
    const { socket } = this;
    const fd = socket instanceof TlsSocket ? socket.descriptor : socket.fd;
    return fd < 0 ? 'faked connection' : fd;
  }

  /** The value of a socket option, or an error text. */
  getOption(name: string): number | string {
    const fd = this.fd();
    return typeof fd === 'string' ? fd : getSocketOption(fd, name);
  }

  /** Sets a socket option. Returns an error text, or undefined. */
  setOption(name: string, value: number): string | undefined {
    const fd = this.fd();
    return typeof fd === 'string' ? fd : setSocketOption(fd, name, value);
  }

  /** How stream-lua begins lines that ngx_lua has too. */
  private get subsystem(): string {
    return this.ctx.block?.subsystem === 'stream' ? 'stream ' : '';
  }

  protected logPeer(level: number, message: string): void {
    this.ctx.log(level, message + this.peerText);
  }

  /** A line that lua_socket_log_errors can switch off. */
  protected logPeerError(message: string): void {
    if (socketOptions(this.ctx).socketLogErrors) this.logPeer(LOG_ERR, this.subsystem + message);
  }

  protected debug(message: string): void {
    this.ctx.log(LOG_DEBUG, `${this.subsystem}lua tcp socket ${message}`);
  }

  private logClosed(what: string): void {
    const ctx = requireContext();
    if (!socketOptions(ctx).socketLogErrors) return;
    const u = this.isNew ? '0'.repeat(16) : pointerText(this.id);
    const c = this.socket === undefined ? '0'.repeat(16) : pointerText(this.id + 1);
    const direction = what === 'send' ? 'send data on' : 'receive data on';
    ctx.log(
      LOG_ERR,
      `attempt to ${direction} a closed socket: u:${u}, c:${c}, ft:0 eof:${this.eof ? 1 : 0}${
        this.socket === undefined ? '' : this.peerText
      }`,
    );
  }

  /** It was never used. */
  protected get isNew(): boolean {
    return false;
  }
}

function withoutReturns(line: string): string {
  const n = line.length;
  if (n > 0 && line.charCodeAt(n - 1) === 13) line = line.slice(0, n - 1);
  return line.includes('\r') ? line.replaceAll('\r', '') : line;
}
