import { LOG_ERR, type Log } from '../../log/log.ts';
import { currentMsec } from '../../log/time.ts';
import { nextConnectionNumber } from '../../net/activity.ts';
import { latin1Slice } from '../../net/latin1.ts';
import type { AcceptedSocket, SocketOwner } from '../../net/socket.ts';
import { Timer, type TimerOwner } from '../../net/timer.ts';
import type { Chain } from '../buf.ts';
import { OK } from '../codes.ts';
import type { ClientConnection, ProxyProtocolInfo } from '../connection.ts';
import type { CoreServer, ListenGroup } from '../core/conf.ts';
import { coreModule } from '../core/module.ts';
import type { HttpCycle } from '../cycle.ts';
import { handleRequest } from '../engine.ts';
import { closeRequest, finalizeRequest, runPostedRequests, terminateRequest } from '../finalize.ts';
import type { TlsConnection } from '../modules/ssl/handshake.ts';
import { checkTlsRequest } from '../modules/ssl/verify.ts';
import { HTTP_VERSION_10, HttpRequest, METHOD_UNKNOWN } from '../request.ts';
import {
  countStat,
  STAT_ACCEPTED,
  STAT_ACTIVE,
  STAT_HANDLED,
  STAT_READING,
  STAT_REQUESTS,
  STAT_WRITING,
} from '../stats.ts';
import { type BodyReader, readBody, readUnbufferedBody } from './body.ts';
import type { ChunkedDecoder } from './chunked.ts';
import { clientEnded, clientFailed } from './client-left.ts';
import { describeConnection } from './describe.ts';
import { continueDiscarding, discardBody, limitDiscarding } from './discard.ts';
import { readEarly, readsEarly } from './early-body.ts';
import { finishRequest, keepLingering } from './finish.ts';
import type { ValidHost } from './host.ts';
import { addReusable, type Reusable, removeReusable } from './idle.ts';
import { readProxyHeader } from './proxy-protocol.ts';
import { readHeader, readRequestLine } from './read-head.ts';
import type { RepeatedHeader } from './repeat.ts';
import { timedOut } from './timeouts.ts';
import { type OutputPiece, writeOutput } from './write.ts';

// What the connection does.
/** Accepted, nothing came yet. */
export const STATE_WAITING = 0;
/** Between two requests. */
export const STATE_KEEPALIVE = 1;
export const STATE_REQUEST_LINE = 2;
export const STATE_HEADER = 3;
/** A request is being worked on. */
export const STATE_REQUEST = 4;
/** The response is sent, the socket half closed: what the client still sends is thrown away. */
export const STATE_LINGERING = 5;
export const STATE_CLOSED = 6;

/** Early input beyond this many bytes stops the reading. */
const MOST_EARLY_INPUT = 65536;

/** The open connections of the process. */
const allConnections = new Set<Http1Connection>();

/** Ends all connections of an http block: worker_shutdown_timeout is over. */
export function abortConnections(http: HttpCycle): void {
  for (const c of [...allConnections]) if (c.http === http) c.abort();
}

/** What `active` is between requests. */
export const NO_REQUEST = undefined as unknown as HttpRequest;

export class Http1Connection implements ClientConnection, SocketOwner, TimerOwner, Reusable {
  readonly socket: AcceptedSocket;
  readonly http: HttpCycle;
  readonly group: ListenGroup;
  /** Of the address, or the one that the client named in the TLS handshake. */
  readonly defaultServer: CoreServer;
  readonly connectionNumber: number;
  readonly startTime: number;
  readonly tls: TlsConnection | undefined;
  readonly secure: boolean;
  /** A header of the PROXY protocol is still to come. */
  private awaitsProxyHeader: boolean;
  proxyProtocol: ProxyProtocolInfo | undefined;
  requests = 0;
  remoteAddress: string;
  remotePort: number;
  errorLog: Log;
  error = false;
  timedOut = false;
  action = 'waiting for request';
  state = STATE_WAITING;

  /** The main request; undefined between requests. */
  request: HttpRequest | undefined = undefined;
  /** As ClientConnection says; not set between requests. */
  active: HttpRequest = NO_REQUEST;
  posted: HttpRequest[] = [];

  // Input.
  text = '';
  pos = 0;
  /** Where nginx's buffer would end, in `text`; see src/http/protocol/read-head.ts. */
  bufferEnd = 0;
  largeBuffers = 0;
  /** The client closed its side. */
  eof = false;
  endedBy = '';
  reading = true;
  running = false;

  // The head being read.
  /** Where it begins in `text`, and what of it is not in `text` any more. */
  headStart = 0;
  headBefore = '';
  /** FIELD_* bits of the fields that have come. */
  seenFields = 0;
  fieldCount = 0;
  /** Start of the line before the current one, -1 on the first. */
  lastLine = -1;
  lastHostText = '';
  lastHost: ValidHost | undefined = undefined;

  /** The header of the request before, when it may be compared with. */
  repeat: RepeatedHeader | undefined = undefined;

  // The body.
  body: BodyReader | undefined = undefined;
  discarding = false;
  discardDecoder: ChunkedDecoder | undefined = undefined;
  /** Monotonic milliseconds when patience with a client that still sends ends, 0 while there is no limit. */
  lingeringUntil = 0;
  /** Begun with bytes that had come with the request before. */
  pipelined = false;

  // Output.
  /** Strings at the head of the queue, joined. */
  outText = '';
  outPieces: OutputPiece[] = [];
  /** Bytes queued here, not with the socket. */
  outSize = 0;
  outLast = false;
  outFlush = false;
  outSync = false;
  /** nginx: NGX_HTTP_WRITE_BUFFERED. */
  outBuffered = false;
  /** The socket has bytes that the kernel did not take yet. */
  socketWaiting = false;
  /** limit_rate holds the output back until `writeTimer` fires. */
  writeDelayed = false;
  private writeScheduled = false;
  /** Bytes given to the socket for this request. */
  handed = 0;
  /** Accepted sockets are made with TCP_NODELAY. */
  noDelay = true;

  readonly readTimer: Timer = new Timer(this);
  readonly writeTimer: Timer = new Timer(this);
  /** What is left of keepalive_timeout after keepalive_min_timeout. */
  keepaliveRest = 0;

  // Ring of reusable connections: src/http/protocol/idle.ts.
  olderReusable: Reusable | undefined = undefined;
  newerReusable: Reusable | undefined = undefined;
  reusable = false;
  reusableSince = 0;
  idle = false;

  private localAddressSet: string | undefined = undefined;
  private localPortSet: number | undefined = undefined;
  /** The request that a log line is about. */
  private logged: HttpRequest | undefined = undefined;

  /**
   * @param from what the connection was before: its handshake, on an HTTPS port
   * @param secure the handshake is done; else plain HTTP came
   */
  constructor(socket: AcceptedSocket, http: HttpCycle, group: ListenGroup, from?: TlsConnection, secure = false) {
    this.socket = socket;
    this.http = http;
    this.group = group;
    this.tls = secure ? from : undefined;
    this.secure = secure;
    this.proxyProtocol = from?.proxyProtocol;
    this.awaitsProxyHeader = group.proxyProtocol && from === undefined;
    if (this.awaitsProxyHeader) this.action = 'reading PROXY protocol';
    this.defaultServer = from?.server ?? group.defaultServer;
    this.connectionNumber = from?.connectionNumber ?? nextConnectionNumber();
    this.startTime = from?.startTime ?? currentMsec();
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.errorLog = coreModule.locationOf(this.defaultServer.confs).errorLog;
    this.bufferEnd = this.defaultServer.clientHeaderBufferSize;
    socket.owner = this;
    this.readTimer.set(this.defaultServer.clientHeaderTimeout);
    countStat(STAT_ACCEPTED, 1);
    countStat(STAT_HANDLED, 1);
    countStat(STAT_ACTIVE, 1);
    addReusable(this);
    allConnections.add(this);
    socket.resume();
  }

  // The system is asked for the local address only when somebody wants to know.
  get localAddress(): string {
    return this.localAddressSet ?? this.socket.localAddress;
  }
  set localAddress(address: string) {
    this.localAddressSet = address;
  }
  get localPort(): number {
    return this.localPortSet ?? this.socket.localPort;
  }
  set localPort(port: number) {
    this.localPortSet = port;
  }

  get fd(): number {
    return this.socket.fd;
  }

  get sent(): number {
    return this.socketWaiting ? this.handed - this.socket.pendingBytes : this.handed;
  }

  get buffered(): boolean {
    return this.outBuffered || this.socketWaiting;
  }

  get listeningText(): string {
    return this.group.where.text;
  }

  get closed(): boolean {
    return this.state === STATE_CLOSED;
  }

  // Events of the socket.

  onData(buffer: Buffer, start: number, end: number): void {
    switch (this.state) {
      case STATE_WAITING:
      case STATE_KEEPALIVE:
        if (this.awaitsProxyHeader) {
          start = this.readProxyHeader(buffer, start, end);
          if (start < 0 || start === end) return;
        }
        removeReusable(this);
        if (this.state === STATE_KEEPALIVE) {
          this.idle = false;
          this.readTimer.clear();
        }
        this.text = latin1Slice(buffer, start, end);
        this.pos = 0;
        this.action = 'reading client request line';
        this.beginRequest();
        this.run();
        return;
      case STATE_REQUEST_LINE:
      case STATE_HEADER:
        this.append(latin1Slice(buffer, start, end));
        this.run();
        return;
      case STATE_REQUEST:
        this.append(latin1Slice(buffer, start, end));
        if (this.body !== undefined) this.body.onInput();
        else if (this.discarding) continueDiscarding(this, this.request as HttpRequest, false);
        if (this.text.length - this.pos >= MOST_EARLY_INPUT) this.setReading(false);
        break;
      case STATE_LINGERING:
        keepLingering(this);
        return;
      default:
        return;
    }
    this.afterEvent();
  }

  /** Returns where the header ends, or -1 (the connection is closed). */
  private readProxyHeader(buffer: Buffer, start: number, end: number): number {
    const header = readProxyHeader(latin1Slice(buffer, start, end), (message) => this.log(LOG_ERR, message));
    if (header === undefined) {
      this.close();
      return -1;
    }
    this.awaitsProxyHeader = false;
    this.action = 'waiting for request';
    this.proxyProtocol = header.info;
    return start + header.end;
  }

  onEnd(): void {
    clientEnded(this);
  }

  onError(code: string): void {
    clientFailed(this, code);
  }

  onDrain(): void {
    this.socketWaiting = false;
    if (this.state !== STATE_REQUEST || this.writeDelayed) return;
    this.active.writeEventHandler(this.active);
    this.afterEvent();
  }

  onClose(): void {
    this.readTimer.release();
    this.writeTimer.release();
    removeReusable(this);
    allConnections.delete(this);
  }

  onTimer(timer: Timer): void {
    timedOut(this, timer);
  }

  /** Gives up on whatever is under way. nginx: what handlers do about c->close. */
  abort(): void {
    const r = this.request;
    if (r === undefined) {
      this.close();
      return;
    }
    if (this.state === STATE_LINGERING) {
      closeRequest(r, 0);
      return;
    }
    this.error = true;
    r.main.count++;
    terminateRequest(r, 0);
    this.afterEvent();
  }

  closeReusable(): void {
    if (this.state === STATE_LINGERING) closeRequest(this.request as HttpRequest, 0);
    else this.close();
  }

  // Input.

  private append(piece: string): void {
    if (this.pos === this.text.length) {
      if (this.state === STATE_HEADER) this.keepHead(this.pos);
      this.bufferEnd -= this.pos;
      this.lastLine = -1;
      this.text = piece;
      this.pos = 0;
      return;
    }
    // A rope: flat again when it is next parsed. What was used is kept as far as the log may quote it.
    const used = this.state === STATE_HEADER && this.lastLine >= 0 ? this.lastLine : this.pos;
    if (this.state === STATE_HEADER) this.keepHead(used);
    this.text = used === 0 ? this.text + piece : this.text.slice(used) + piece;
    this.pos -= used;
    this.bufferEnd -= used;
    this.lastLine -= used;
  }

  /** The first bytes of the text are about to be dropped. */
  private keepHead(used: number): void {
    if (this.headStart >= used) {
      this.headStart -= used;
      return;
    }
    this.headBefore += this.text.slice(this.headStart, used);
    this.headStart = 0;
  }

  /** All input is used: lets go of it. */
  releaseText(): void {
    if (this.pos < this.text.length || this.pos === 0) return;
    this.bufferEnd -= this.pos;
    this.text = '';
    this.pos = 0;
  }

  /** More input is needed now. */
  wantInput(): void {
    this.setReading(true);
  }

  setReading(on: boolean): void {
    if (on === this.reading) return;
    this.reading = on;
    if (on) this.socket.resume();
    else this.socket.pause();
  }

  /** Reads requests from the input and works on them, one after the other, as far as it goes. */
  private run(): void {
    if (this.running) return;
    this.running = true;
    for (;;) {
      const r = this.request as HttpRequest;
      let more = false;
      if (this.state === STATE_REQUEST_LINE) more = readRequestLine(this, r);
      else if (this.state === STATE_HEADER) more = readHeader(this, r);
      else break;
      if (this.posted.length > 0) runPostedRequests(this);
      if (!more && (this.state === STATE_REQUEST_LINE || this.state === STATE_HEADER) && this.request === r) {
        this.awaitHead();
        break;
      }
    }
    this.running = false;
  }

  /** The head is incomplete. */
  private awaitHead(): void {
    if (this.eof) {
      this.onEnd();
      return;
    }
    if (!this.readTimer.isSet) this.readTimer.set(coreModule.server(this.request as HttpRequest).clientHeaderTimeout);
    this.setReading(true);
  }

  beginRequest(): void {
    const { confs } = this.defaultServer;
    const r = new HttpRequest(this, this.http, confs.main, confs.server, confs.location);
    r.method = METHOD_UNKNOWN;
    r.methodName = '';
    r.httpVersion = HTTP_VERSION_10;
    r.startTime = currentMsec();
    this.request = r;
    this.active = r;
    this.requests++;
    r.stat = STAT_READING;
    countStat(STAT_REQUESTS, 1);
    countStat(STAT_READING, 1);
    this.handed = 0;
    this.lingeringUntil = 0;
    this.errorLog = coreModule.location(r).errorLog;
    this.state = STATE_REQUEST_LINE;
  }

  /** The head is complete. nginx: ngx_http_process_request(). */
  startRequest(r: HttpRequest): void {
    this.readTimer.clear();
    this.state = STATE_REQUEST;
    countStat(STAT_READING, -1);
    r.stat = STAT_WRITING;
    countStat(STAT_WRITING, 1);
    const { clientBodyEarlyRead } = coreModule.server(r);
    r.rawHeader = this.headBefore + this.text.slice(this.headStart, this.pos);
    this.headBefore = '';
    this.releaseText();
    if (this.group.ssl) {
      const status = checkTlsRequest(r, this.tls);
      if (status !== OK) {
        finalizeRequest(r, status);
        return;
      }
    }
    if (clientBodyEarlyRead !== undefined && readsEarly(r, clientBodyEarlyRead)) readEarly(this, r);
    else handleRequest(r);
  }

  /** The end of each event: what was posted meanwhile, and what was pipelined. */
  afterEvent(): void {
    if (this.posted.length > 0) runPostedRequests(this);
    if (this.state === STATE_REQUEST_LINE && !this.running) this.run();
  }

  /** The first line of the input as far as it has come, for the log. */
  firstLine(): string {
    const match = /[^\r\n]+/.exec(this.text.slice(this.pos, this.bufferEnd));
    return match === null ? '' : match[0];
  }

  // ClientConnection.

  write(r: HttpRequest, header: string, chain: Chain | null): number {
    return writeOutput(this, r, header, chain);
  }

  /** Goes on with the output in the next round of the event loop: a long response must not starve the others. */
  continueWriting(): void {
    if (this.writeScheduled) return;
    this.writeScheduled = true;
    setImmediate(continueWriting, this);
  }

  /** For continueWriting. */
  onWriteTurn(): void {
    this.writeScheduled = false;
    if (this.state !== STATE_REQUEST || this.socketWaiting || this.writeDelayed || !this.outBuffered) return;
    this.active.writeEventHandler(this.active);
    this.afterEvent();
  }

  armSendTimeout(r: HttpRequest): void {
    if (!this.writeDelayed) this.writeTimer.set(coreModule.location(r).sendTimeout);
    if (this.text.length - this.pos < MOST_EARLY_INPUT) this.setReading(true);
    this.reportEnd();
  }

  clearSendTimeout(): void {
    this.writeDelayed = false;
    this.writeTimer.clear();
  }

  watchClose(_r: HttpRequest): void {
    this.setReading(true);
    this.reportEnd();
  }

  /** The client's end came before anybody wanted to know: tells the one who does now, from the event loop. */
  private reportEnd(): void {
    if (this.eof) setImmediate(reportEnd, this, this.request as HttpRequest);
  }

  /** For reportEnd. */
  onLateEnd(r: HttpRequest): void {
    if (this.state !== STATE_REQUEST || this.request !== r || this.body !== undefined || this.discarding) return;
    this.active.readEventHandler(this.active);
    this.afterEvent();
  }

  readBody(r: HttpRequest, then: (r: HttpRequest) => void): number {
    return readBody(this, r, then);
  }

  readUnbufferedBody(r: HttpRequest): number {
    return readUnbufferedBody(this, r);
  }

  discardBody(r: HttpRequest): number {
    return discardBody(this, r);
  }

  limitDiscarding(r: HttpRequest): void {
    limitDiscarding(this, r);
  }

  finalize(r: HttpRequest): void {
    finishRequest(this, r);
  }

  /** What a request held back and never sent is not for the next one. */
  dropOutput(): void {
    this.outText = '';
    this.outPieces = [];
    this.outSize = 0;
    this.outLast = false;
    this.outFlush = false;
    this.outSync = false;
  }

  close(reset?: boolean): void {
    if (this.state === STATE_CLOSED) return;
    const r = this.request;
    const abort =
      reset === true || (this.timedOut && r !== undefined && coreModule.location(r).resetTimedoutConnection);
    this.state = STATE_CLOSED;
    countStat(STAT_ACTIVE, -1);
    this.readTimer.release();
    this.writeTimer.release();
    removeReusable(this);
    this.body = undefined;
    this.text = '';
    this.dropOutput();
    if (abort || this.error || this.timedOut) this.socket.destroy(abort);
    else this.socket.end();
  }

  /**
   * Hands the bare socket over, for protocols that take over the connection (Upgrade, ngx.req.socket). The taker sets
   * the socket's owner; the bytes that were read already come first. Reading is paused.
   */
  takeRawSocket(r: HttpRequest): { socket: AcceptedSocket; preread: string } {
    const preread = this.text.slice(this.pos);
    this.text = '';
    this.pos = 0;
    r.keepalive = false;
    this.setReading(false);
    return { socket: this.socket, preread };
  }

  // Logging.

  log(level: number, message: string, r?: HttpRequest): void {
    if (level > this.errorLog.level) return;
    this.logged = r;
    this.errorLog.write(level, message, this);
    this.logged = undefined;
  }

  describe(): string {
    return describeConnection(this, this.logged);
  }
}

function continueWriting(c: Http1Connection): void {
  c.onWriteTurn();
}

function reportEnd(c: Http1Connection, r: HttpRequest): void {
  c.onLateEnd(r);
}
