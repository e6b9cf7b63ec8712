/**
 * ngx.req.socket(): the client's connection as a cosocket. Without `raw`, the request body as it arrives; with it,
 * the whole connection, for protocols of the user's own. ngx_lua: ngx_http_lua_req_socket().
 */
import { AGAIN, ERROR, HTTP_SPECIAL_RESPONSE, OK } from '../../http/codes.ts';
import { runPostedRequests } from '../../http/finalize.ts';
import { type HttpRequest, noEvent } from '../../http/request.ts';
import type { Socket, SocketOwner } from '../../net/socket.ts';
import { clientGone, watchClient } from '../abort.ts';
import { type ApiContext, current, requireRequest } from '../context.ts';
import { apiError } from '../error.ts';
import { IN_ACCESS, IN_CONTENT, IN_PRECONTENT, IN_REWRITE, IN_SERVER_REWRITE } from '../phase.ts';
import { ClientCosocket } from './client.ts';
import { StreamCosocket } from './stream.ts';

const PHASES = IN_REWRITE | IN_SERVER_REWRITE | IN_ACCESS | IN_PRECONTENT | IN_CONTENT;

/** The request socket, or an error text. */
export function requestSocket(raw: boolean): StreamCosocket | string {
  if (current?.r === undefined) current?.check(PHASES);
  const ctx = requireRequest(~0);
  const { r } = ctx;
  if (r !== r.main) apiError('attempt to read the request body in a subrequest');
  if (!raw && r.headersIn.chunked) return 'chunked request bodies not supported yet';
  ctx.check(PHASES);
  return raw ? rawSocket(ctx, r) : bodySocket(ctx, r);
}

function bodySocket(ctx: ApiContext, r: HttpRequest): StreamCosocket | string {
  if (r.requestBody !== undefined) return 'request body already exists';
  if (r.discardBody) return 'request body discarded';
  if (r.headersIn.contentLength <= 0) return 'no body';
  r.requestBodyNoBuffering = true;
  r.requestBodyUntimed = true;
  const rc = r.connection.readBody(r, noEvent);
  if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return 'test expect failed';
  r.main.count--;
  return new BodySocket(ctx, r);
}

function rawSocket(ctx: ApiContext, r: HttpRequest): StreamCosocket | string {
  const c = r.connection;
  if (r.requestBody !== undefined) {
    if (!r.bodyDone && (r.headersIn.contentLength > 0 || r.headersIn.chunked)) {
      return 'pending request body reading in some other thread';
    }
  } else {
    r.requestBody = { chunks: [], received: 0, file: undefined };
  }
  if (c.buffered || r.buffered !== 0) return 'pending data to write';
  if (ctx.buffering) return 'http 1.0 buffering';
  // No other part of the server may send a response header from now on.
  r.headerSent = true;
  ctx.headerSent = true;
  if (ctx.acquiredRawSocket) return 'duplicate call';
  ctx.acquiredRawSocket = true;
  r.keepalive = false;
  r.lingeringClose = true;
  const { socket, preread } = c.takeRawSocket(r);
  return new RawSocket(ctx, r, socket, preread);
}

/** Stands in for the transport of a body, which the connection reads itself. */
class BodyFeed implements Socket {
  owner: SocketOwner | undefined = undefined;
  readonly failure = '';
  readonly pendingBytes = 0;
  private readonly r: HttpRequest;

  constructor(r: HttpRequest) {
    this.r = r;
  }

  get fd(): number {
    return this.r.connection.fd ?? -1;
  }
  write(): boolean {
    return apiError('attempt to write to request sockets');
  }
  writev(): boolean {
    return apiError('attempt to write to request sockets');
  }
  pause(): void {}
  resume(): void {}
  shutdown(): void {}
  end(): void {}
  destroy(): void {}
  setNoDelay(): void {}
  setKeepAlive(): void {}
}

class BodySocket extends StreamCosocket {
  private readonly r: HttpRequest;
  private aborted = false;

  constructor(ctx: ApiContext, r: HttpRequest) {
    super(ctx);
    this.r = r;
    this.socket = new BodyFeed(r);
    this.setTimeouts(0, 0, 0);
    ctx.own(this);
    r.readEventHandler = () => this.onEvent();
    this.fill();
  }

  protected override wantInput(): void {}
  protected override pauseInput(): void {}

  /** More of the body has come, or the client has gone. */
  private onEvent(): void {
    const { r } = this;
    if (this.readWaiting) {
      const pieces = this.pull();
      if (pieces !== '') this.input(pieces);
      if (this.eof && this.readWaiting) this.onEnd();
    } else if (r.connection.error && this.ctx.watchesClient) {
      clientGone(r);
    }
  }

  /** What the connection has of the body now. */
  private pull(): string {
    const { r } = this;
    if (this.eof || r.freed) return '';
    const rc = r.connection.readUnbufferedBody(r);
    let text = '';
    const { requestBody } = r;
    if (requestBody !== undefined && requestBody.chunks.length > 0) {
      for (const chunk of requestBody.chunks) text += typeof chunk === 'string' ? chunk : chunk.toString('latin1');
      requestBody.chunks = [];
    }
    if (rc === AGAIN) return text;
    this.eof = true;
    if (rc === OK) watchClient(r, this.ctx);
    else this.aborted = true;
    return text;
  }

  protected override fill(): void {
    const pieces = this.pull();
    if (pieces !== '') {
      this.text = this.text.slice(this.pos) + pieces;
      this.pos = 0;
    }
  }

  protected override endReason(): string {
    return this.aborted ? 'client aborted' : 'closed';
  }

  protected override get endIsFailure(): boolean {
    return this.aborted;
  }

  override finalize(): void {
    this.ctx.disown(this);
    this.stopWaiting();
    this.closeRead();
    this.writeClosed = true;
    this.socket = undefined;
  }
}

class RawSocket extends ClientCosocket {
  private readonly r: HttpRequest;

  constructor(ctx: ApiContext, r: HttpRequest, socket: Socket, preread: string) {
    super(ctx, socket, socket.owner, preread);
    this.r = r;
    if (ctx.watchesClient) this.wantInput();
  }

  override refuseWrite(): string | undefined {
    const refused = super.refuseWrite();
    if (refused === undefined && this.r.connection.buffered) return 'socket busy writing';
    return refused;
  }

  // The response may be complete while the socket is not closed yet (lingering): then it is the connection's again.

  private get over(): boolean {
    return this.r.done || this.r.freed;
  }

  override onData(buffer: Buffer, start: number, end: number): void {
    if (this.over) this.giveBack()?.onData(buffer, start, end);
    else super.onData(buffer, start, end);
  }

  override onEnd(): void {
    if (this.over) {
      this.giveBack()?.onEnd();
      return;
    }
    const isReading = this.readWaiting;
    super.onEnd();
    // Nobody who reads is told: then it is the end of the client, as without the socket.
    if (!isReading && this.ctx.watchesClient) {
      clientGone(this.r);
      runPostedRequests(this.r.connection);
    }
  }

  override onError(code: string): void {
    if (this.over) this.giveBack()?.onError(code);
    else {
      super.onError(code);
      this.r.connection.error = true;
    }
  }

  override onClose(): void {
    this.giveBack()?.onClose();
  }
}
