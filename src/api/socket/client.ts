/**
 * The client's whole connection as a cosocket, taken over from the request's connection or from the session: what
 * ngx.req.socket() gives in stream, and with `raw` in http.
 */
import type { Socket, SocketOwner } from '../../net/socket.ts';
import type { ApiContext } from '../context.ts';
import { socketOptions } from './options.ts';
import { StreamCosocket } from './stream.ts';

export abstract class ClientCosocket extends StreamCosocket {
  /** Who had the transport, and gets it back at the end. */
  private readonly holder: SocketOwner | undefined;

  /** @param preread what was read of it already and not used */
  constructor(ctx: ApiContext, socket: Socket, holder: SocketOwner | undefined, preread: string) {
    super(ctx);
    this.socket = socket;
    this.holder = holder;
    this.text = preread;
    this.setTimeouts(0, 0, 0);
    socket.owner = this;
    ctx.own(this);
  }

  /** From here on the holder is told what happens to the transport. */
  protected giveBack(): SocketOwner | undefined {
    const { socket, holder } = this;
    if (socket?.owner === this) socket.owner = holder;
    return holder;
  }

  protected override endReason(): string {
    return socketOptions(this.ctx).checkClientAbort ? 'client aborted' : 'closed';
  }

  protected override get endIsFailure(): boolean {
    return socketOptions(this.ctx).checkClientAbort;
  }

  override finalize(): void {
    this.ctx.disown(this);
    this.stopWaiting();
    this.closeRead();
    this.writeClosed = true;
    this.giveBack();
    this.socket = undefined;
  }
}
