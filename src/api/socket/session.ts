/**
 * ngx.req.socket() in stream: the client's connection as a cosocket, for reading and writing.
 * stream-lua-nginx-module: ngx_stream_lua_req_socket_tcp().
 */
import { LOG_DEBUG } from '../../log/log.ts';
import type { StreamSession } from '../../stream/session.ts';
import type { ApiContext } from '../context.ts';
import { apiError } from '../error.ts';
import { IN_CONTENT, IN_PREREAD } from '../phase.ts';
import type { Suspension } from '../suspension.ts';
import { ClientCosocket } from './client.ts';
import type { Sent, StreamCosocket } from './stream.ts';

/** The session's socket, or an error text. */
export function sessionSocket(ctx: ApiContext, s: StreamSession): SessionSocket | string {
  ctx.check(IN_CONTENT | IN_PREREAD);
  if (s.buffered) return 'pending data to write';
  if (ctx.acquiredRawSocket) return 'duplicate call';
  ctx.acquiredRawSocket = true;
  return new SessionSocket(ctx, s);
}

export class SessionSocket extends ClientCosocket {
  private readonly s: StreamSession;

  constructor(ctx: ApiContext, s: StreamSession) {
    super(ctx, s.socket, s, s.preread);
    this.s = s;
    s.preread = '';
    this.eof = s.eof;
    this.failure = s.failure;
    s.reclaim = () => this.returnToSession();
  }

  /** The session goes on without it: what was not read is the session's. */
  private returnToSession(): void {
    const { s } = this;
    s.reclaim = undefined;
    if (this.socket === undefined) return;
    this.pauseInput();
    s.preread = this.text.slice(this.pos);
    this.finalize();
  }

  override send(data: string): Sent | Suspension<Sent> {
    const result = super.send(data);
    if (typeof result !== 'string') this.s.sent += data.length;
    return result;
  }

  /** shutdown("send"): the client sees the end of what it gets. */
  shutdownSend(): string | undefined {
    const refused = this.refuseWrite();
    if (refused !== undefined) return refused;
    this.ctx.log(LOG_DEBUG, 'stream lua shutdown socket write direction');
    this.socket?.shutdown();
    this.writeClosed = true;
    return undefined;
  }

  /** Bytes that the preread phase must not take from who comes later. */
  peek(n: number): ReturnType<StreamCosocket['peekBytes']> {
    this.ctx.check(IN_PREREAD);
    const most = this.s.server.prereadBufferSize;
    if (n > most) apiError(`bad bytes argument: more than the ${most} bytes of preread_buffer_size`);
    return this.peekBytes(n);
  }

  override onData(buffer: Buffer, start: number, end: number): void {
    this.s.received += end - start;
    super.onData(buffer, start, end);
  }

  override onEnd(): void {
    this.s.eof = true;
    const waited = this.readWaiting;
    super.onEnd();
    if (!waited) this.s.onClientGone?.();
  }

  override onError(code: string): void {
    this.s.failure = code;
    const waited = this.readWaiting || this.writeWaiting;
    super.onError(code);
    if (!waited) this.s.onClientGone?.();
  }

  override onDrain(): void {
    super.onDrain();
    this.s.onDrain();
  }

  override onClose(): void {
    super.onClose();
    this.s.onClose();
  }
}
