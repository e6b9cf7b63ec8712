/**
 * One client connection and what happens on it, from its acceptance to its line in the log. nginx: ngx_stream_session_t
 * with its ngx_connection_t.
 *
 * The session owns the client's socket until somebody takes it over (proxy_pass, ngx.req.socket()): it reads for the
 * preread phase only, and otherwise only to notice that the client goes, when somebody wants to know.
 */
import type { VariableOwner, VariableValue } from '../conf/variables.ts';
import { errnoSuffix } from '../log/errno.ts';
import { LOG_ERR, LOG_INFO, type Log, type LogScope } from '../log/log.ts';
import { currentMsec } from '../log/time.ts';
import { nextConnectionNumber } from '../net/activity.ts';
import { latin1Slice } from '../net/latin1.ts';
import type { AcceptedSocket, SocketOwner } from '../net/socket.ts';
import { Timer, type TimerOwner } from '../net/timer.ts';
import { STREAM_BAD_REQUEST, STREAM_OK } from './codes.ts';
import type { CoreServer, ListenGroup } from './core/conf.ts';
import { coreModule } from './core/module.ts';
import type { StreamCycle } from './cycle.ts';
import { runPhases } from './engine.ts';
import { finalizeSession } from './finalize.ts';
import type { PeerConnection, UpstreamState } from './upstream/conf.ts';

/** Input beyond this many bytes that nobody takes stops the reading. */
const MOST_UNREAD = 65536;

export class StreamSession implements LogScope, SocketOwner, TimerOwner, VariableOwner {
  readonly stream: StreamCycle;
  readonly group: ListenGroup;
  socket: AcceptedSocket;
  readonly mainConf: readonly unknown[];
  readonly srvConf: unknown[];
  /** State of the modules, by their index. */
  readonly ctx: unknown[];
  readonly variables: (VariableValue | undefined)[] = [];
  captures: readonly (string | undefined)[] | undefined = undefined;

  readonly connectionNumber: number = nextConnectionNumber();
  /** Milliseconds since 1970. */
  readonly startTime: number = currentMsec();
  remoteAddress: string;
  remotePort: number;
  /** Bytes from the client and to it. */
  received = 0;
  sent = 0;
  /** $status; 0 until it is finalized. */
  status = 0;
  /** Index of the phase engine's entry that runs. */
  phaseHandler = 0;
  /** What was read and not taken yet: the preread buffer. */
  preread = '';
  /** The preread phase waits for more of it. */
  prereading = false;
  /** The preread phase has waited for too long. */
  timedOut = false;
  /** The client has closed its side. */
  eof = false;
  /** The errno name of the failure that ended the connection; '' for none. */
  failure = '';
  /** It was finalized: nothing may touch it any more. */
  finalized = false;
  /** What is being done, for error_log. */
  action = 'initializing session';
  errorLog: Log;
  /** More for error_log, of who serves the session. nginx: s->log_handler. */
  describeMore: (() => string) | undefined = undefined;
  /** What is known about its TLS, for user code; of a type that stream does not know. */
  tls: unknown = undefined;
  /** TLS is established. */
  secured = false;
  /** Of proxy_pass, with what is remembered of its attempts. */
  upstream: PeerConnection | undefined = undefined;
  readonly upstreamStates: UpstreamState[] = [];
  /** Told when the client closes or resets its connection while nobody reads. */
  onClientGone: (() => void) | undefined = undefined;

  /** Takes the client's socket back from who has it (ngx.req.socket()), with what that has not read. */
  reclaim: (() => void) | undefined = undefined;

  private readonly timer: Timer = new Timer(this);
  private cleanups: (() => void)[] = [];
  /** Who waits for the client's socket to take what was written. */
  private drains: Drain[] = [];

  constructor(socket: AcceptedSocket, stream: StreamCycle, group: ListenGroup) {
    const { server } = group;
    this.stream = stream;
    this.group = group;
    this.socket = socket;
    this.mainConf = server.confs.main;
    this.srvConf = server.confs.server;
    this.ctx = new Array(stream.modules.length);
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.errorLog = server.errorLog;
    socket.owner = this;
    stream.sessions.add(this);
    if (this.errorLog.level >= LOG_INFO) {
      const from = this.remotePort === 0 ? this.remoteAddress : `${bracketed(this.remoteAddress)}:${this.remotePort}`;
      const message = `*${this.connectionNumber} client ${from} connected to ${group.where.text}`;
      this.errorLog.write(LOG_INFO, message);
    }
  }

  get server(): CoreServer {
    return coreModule.server(this);
  }

  get localAddress(): string {
    return this.socket.localAddress;
  }

  get localPort(): number {
    return this.socket.localPort;
  }

  // Log lines.

  log(level: number, message: string): void {
    this.errorLog.write(level, message, this);
  }

  describe(): string {
    const doing = this.action === '' ? '' : ` while ${this.action}`;
    return `${doing}${this.origin}${this.describeMore?.() ?? ''}`;
  }

  /** `, client: 127.0.0.1, server: 0.0.0.0:1985`. */
  get origin(): string {
    return `, client: ${this.remoteAddress}, server: ${this.group.where.text}`;
  }

  // The client's socket.

  /** Bytes wait that the client's socket has not taken. nginx: c->buffered. */
  get buffered(): boolean {
    return this.socket.pendingBytes > 0;
  }

  /** Sends bytes. False when the connection has failed. */
  write(data: string): boolean {
    if (this.finalized || this.failure !== '') return false;
    const { socket } = this;
    if (!socket.write(data) && socket.failure !== '') {
      this.failure = socket.failure;
      this.log(LOG_INFO, `send() failed${errnoSuffix(socket.failure)}`);
      return false;
    }
    this.sent += data.length;
    return true;
  }

  /**
   * Calls `then` when the client's socket has taken all that was written, the connection has failed, or `timeout`
   * milliseconds have passed.
   * @returns a function that takes it back
   */
  whenDrained(timeout: number, then: (timedOut: boolean) => void): () => void {
    const drain = new Drain(then, (one) => {
      this.drains = this.drains.filter((other) => other !== one);
    });
    this.drains.push(drain);
    drain.timer.set(timeout);
    return () => drain.leave();
  }

  private endDrains(): void {
    const { drains } = this;
    if (drains.length === 0) return;
    this.drains = [];
    for (const drain of drains) drain.end(false);
  }

  /** TLS is established: `socket` takes the place of the one below. @param bytes what has come behind the handshake */
  secure(socket: AcceptedSocket, bytes: string): void {
    this.secured = true;
    this.socket = socket;
    socket.owner = this;
    this.preread = bytes;
    this.received += bytes.length;
  }

  /** Waits for more input for the preread phase. nginx: c->read with the timer of preread_timeout. */
  waitForPreread(): void {
    if (!this.prereading) {
      this.prereading = true;
      this.timer.set(this.server.prereadTimeout);
    }
    this.socket.resume();
  }

  /** The preread phase has enough. */
  endPreread(): void {
    this.prereading = false;
    this.timer.clear();
    this.socket.pause();
  }

  /** Has `onClientGone` called when the client goes. What it sends meanwhile is kept. */
  watchClient(): void {
    this.socket.resume();
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.received += end - start;
    this.preread += latin1Slice(buffer, start, end);
    if (this.prereading) this.moreInput();
    else if (this.preread.length >= MOST_UNREAD) this.socket.pause();
  }

  private moreInput(): void {
    if (this.preread.length > this.server.prereadBufferSize) this.socket.pause();
    runPhases(this);
  }

  /** After a preread handler has seen all there is and wants more: a status to end with, or undefined to wait. */
  whyNoMore(): number | undefined {
    if (this.preread.length >= this.server.prereadBufferSize) {
      this.log(LOG_ERR, 'preread buffer full');
      return STREAM_BAD_REQUEST;
    }
    return this.eof || this.failure !== '' ? STREAM_OK : undefined;
  }

  onEnd(): void {
    this.eof = true;
    if (this.prereading) runPhases(this);
    else this.onClientGone?.();
  }

  onError(code: string): void {
    this.failure = code;
    if (this.prereading) {
      this.log(LOG_INFO, `recv() failed${errnoSuffix(code)}`);
      runPhases(this);
    } else {
      this.endDrains();
      this.onClientGone?.();
    }
  }

  onDrain(): void {
    this.endDrains();
  }

  onClose(): void {
    if (this.failure === '') this.eof = true;
    this.stream.sessions.delete(this);
  }

  onTimer(): void {
    this.timedOut = true;
    runPhases(this);
  }

  // Its end.

  /** Called when the session ends, last one first. nginx: cleanups of the connection's pool. */
  addCleanup(cleanup: () => void): void {
    this.cleanups.push(cleanup);
  }

  /** For finalizeSession. */
  close(): void {
    this.timer.release();
    this.onClientGone = undefined;
    for (const drain of this.drains) drain.leave();
    const { cleanups } = this;
    this.cleanups = [];
    for (let i = cleanups.length - 1; i >= 0; i--) cleanups[i]?.();
    this.socket.owner = this;
    this.socket.end();
  }

  /** worker_shutdown_timeout is over. */
  abort(): void {
    if (!this.finalized) finalizeSession(this, STREAM_OK);
    this.socket.destroy();
  }
}

/** One who waits for the client's socket. */
class Drain implements TimerOwner {
  readonly timer: Timer = new Timer(this);
  private readonly done: (timedOut: boolean) => void;
  private readonly forget: (drain: Drain) => void;

  constructor(done: (timedOut: boolean) => void, forget: (drain: Drain) => void) {
    this.done = done;
    this.forget = forget;
  }

  leave(): void {
    this.timer.release();
    this.forget(this);
  }

  end(timedOut: boolean): void {
    this.leave();
    this.done(timedOut);
  }

  onTimer(): void {
    this.end(true);
  }
}

function bracketed(address: string): string {
  return address.includes(':') && !address.startsWith('unix:') ? `[${address}]` : address;
}
