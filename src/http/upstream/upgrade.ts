/**
 * After `101 Switching Protocols` bytes go both ways as they come, until one side has ended and all of it was passed on.
 * nginx: ngx_http_upstream_process_upgraded().
 */
import { LOG_ERR, LOG_INFO } from '../../log/log.ts';
import type { Socket, SocketOwner } from '../../net/socket.ts';
import { Timer, type TimerOwner } from '../../net/timer.ts';
import { ERROR, HTTP_GATEWAY_TIME_OUT, HTTP_REQUEST_TIME_OUT } from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { runPostedRequests } from '../finalize.ts';
import { sendFlush } from '../output.ts';
import { noEvent } from '../request.ts';
import type { UpstreamConnection } from './connection.ts';
import type { Exchange } from './exchange.ts';
import type { UpstreamState } from './state.ts';

/** Joins the client's socket and the backend's. The two ends of the tunnel are its owners. */
class Tunnel implements TimerOwner {
  readonly x: Exchange;
  readonly client: Socket;
  readonly backend: UpstreamConnection;
  /** The client connection, which gets its socket back at the end. */
  readonly clientOwner: SocketOwner | undefined;
  readonly clientTimer: Timer = new Timer(this);
  private clientEnded = false;
  private backendEnded = false;
  private clientPaused = false;
  private over = false;

  constructor(x: Exchange, client: Socket) {
    this.x = x;
    this.client = client;
    this.backend = x.connection as UpstreamConnection;
    this.clientOwner = client.owner;
  }

  /** Towards the backend; the client waits when it does not take it. */
  toBackend(data: string | Uint8Array): void {
    if (this.backend.write(data)) return;
    this.client.pause();
    this.clientPaused = true;
    this.backend.writeTimer.set(this.x.sendTimeout);
  }

  toClient(data: string | Uint8Array): void {
    if (this.client.write(data)) return;
    this.backend.pause();
    this.clientTimer.set(coreModule.location(this.x.r).sendTimeout);
  }

  fromClient(buffer: Buffer, start: number, end: number): void {
    this.toBackend(copy(buffer, start, end));
  }

  fromBackend(buffer: Buffer, start: number, end: number): void {
    (this.x.state as UpstreamState).bytesReceived += end - start;
    this.waitForBackend();
    this.toClient(copy(buffer, start, end));
  }

  waitForBackend(): void {
    this.backend.readTimer.set(this.x.readTimeout);
  }

  clientDrained(): void {
    this.clientTimer.clear();
    if (this.backendEnded) this.end();
    else {
      this.backend.resume();
      this.waitForBackend();
    }
  }

  backendDrained(): void {
    this.backend.writeTimer.clear();
    if (this.clientEnded) this.end();
    else if (this.clientPaused) {
      this.clientPaused = false;
      this.client.resume();
    }
  }

  clientEnd(): void {
    this.clientEnded = true;
    if (this.backend.socket.pendingBytes === 0 || this.backendEnded) this.end();
  }

  backendEnd(): void {
    this.backendEnded = true;
    if (this.client.pendingBytes === 0 || this.clientEnded) this.end();
  }

  onTimer(): void {
    this.x.r.log(LOG_INFO, 'client timed out (110: Connection timed out)');
    this.x.r.connection.timedOut = true;
    this.end(HTTP_REQUEST_TIME_OUT);
  }

  backendTimedOut(): void {
    this.x.r.log(LOG_INFO, 'upstream timed out (110: Connection timed out)');
    this.end(HTTP_GATEWAY_TIME_OUT);
  }

  /** Both sockets go back to their connections, which close them. */
  end(rc = 0): void {
    if (this.over) return;
    this.over = true;
    const { x } = this;
    this.clientTimer.release();
    this.client.owner = this.clientOwner;
    x.lastSent = true;
    const c = x.r.connection;
    x.finalize(rc);
    runPostedRequests(c);
  }

  /** The request is cleaned up from elsewhere. */
  abandon(): void {
    this.over = true;
    this.clientTimer.release();
    this.client.owner = this.clientOwner;
  }
}

class ClientEnd implements SocketOwner {
  readonly tunnel: Tunnel;
  constructor(tunnel: Tunnel) {
    this.tunnel = tunnel;
  }
  onData(buffer: Buffer, start: number, end: number): void {
    this.tunnel.fromClient(buffer, start, end);
  }
  onEnd(): void {
    this.tunnel.clientEnd();
  }
  onError(): void {
    this.tunnel.x.r.connection.error = true;
    this.tunnel.end(ERROR);
  }
  onDrain(): void {
    this.tunnel.clientDrained();
  }
  onClose(): void {
    this.tunnel.clientOwner?.onClose();
  }
}

function copy(buffer: Buffer, start: number, end: number): Buffer {
  const piece = Buffer.allocUnsafeSlow(end - start);
  buffer.copy(piece, 0, start, end);
  return piece;
}

/** The header of the 101 response is sent: from now on this is a tunnel. */
export function startTunnel(x: Exchange): void {
  const { r } = x;
  const connection = x.connection as UpstreamConnection;
  if (r !== r.main) {
    r.log(LOG_ERR, 'connection upgrade in subrequest');
    x.finalize(ERROR);
    return;
  }
  r.keepalive = false;
  r.connection.action = 'proxying upgraded connection';
  r.readEventHandler = noEvent;
  r.writeEventHandler = noEvent;
  if (sendFlush(r) === ERROR) {
    x.finalize(ERROR);
    return;
  }
  const { socket, preread } = r.connection.takeRawSocket(r);
  const tunnel = new Tunnel(x, socket);
  r.main.addCleanup(() => tunnel.abandon());
  x.tunnel = tunnel;
  socket.owner = new ClientEnd(tunnel);
  if (coreModule.location(r).tcpNodelay) {
    socket.setNoDelay(true);
    connection.socket.setNoDelay(true);
  }
  const rest = x.text.slice(x.pos);
  x.text = '';
  x.pos = 0;
  socket.resume();
  tunnel.waitForBackend();
  if (rest !== '') tunnel.toClient(rest);
  if (preread !== '') tunnel.toBackend(preread);
  if (connection.eof) tunnel.backendEnd();
}

export type { Tunnel };
