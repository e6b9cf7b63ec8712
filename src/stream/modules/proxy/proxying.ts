/**
 * One session that is passed on: connects to a peer, tries others when that fails, then carries bytes in both
 * directions until one side ends. nginx: ngx_stream_proxy_connect(), ngx_stream_proxy_process() and their kin
 * (src/stream/ngx_stream_proxy_module.c).
 *
 * The two sockets feed each other without a buffer between them: what a socket does not take at once waits in it, and
 * its source is not read meanwhile.
 */
import { connectionErrorLevel } from '../../../log/connection-error.ts';
import { errnoSuffix } from '../../../log/errno.ts';
import { LOG_ERR, LOG_INFO } from '../../../log/log.ts';
import { monotonicMsec } from '../../../log/time.ts';
import { type ConnectOwner, connectTcp } from '../../../net/connect.ts';
import { latin1Slice } from '../../../net/latin1.ts';
import { parseLocal } from '../../../net/local-address.ts';
import type { Socket, SocketOwner } from '../../../net/socket.ts';
import { Timer, type TimerOwner } from '../../../net/timer.ts';
import { PEER_FAILED, type PeerAddress, type PeerSelection } from '../../../upstream/peer.ts';
import type { RoundRobinPeer } from '../../../upstream/peers.ts';
import { BUSY, DECLINED, OK, STREAM_BAD_GATEWAY, STREAM_INTERNAL_SERVER_ERROR, STREAM_OK } from '../../codes.ts';
import { finalizeSession } from '../../finalize.ts';
import type { StreamSession } from '../../session.ts';
import type { PeerConnection, UpstreamState } from '../../upstream/conf.ts';
import type { ProxyServer } from './conf.ts';

export class Proxying implements PeerConnection, TimerOwner {
  readonly r: StreamSession;
  private readonly conf: ProxyServer;

  // For the balancing method.
  tries = 1;
  address: PeerAddress | undefined = undefined;
  name = '';
  peer: RoundRobinPeer | undefined = undefined;
  readonly hint = undefined;
  local: { readonly address: string; readonly port: number } | undefined = undefined;
  connectTimeout: number;
  sendTimeout: number;
  readTimeout: number;

  selection: PeerSelection<PeerConnection> | undefined = undefined;
  private readonly timer: Timer = new Timer(this);
  /** When the first attempt began, and the one under way. */
  private readonly startTime = monotonicMsec();
  private attemptTime = 0;
  private state: UpstreamState | undefined = undefined;
  private backend: Backend | undefined = undefined;
  private connected = false;
  private clientEof = false;
  private backendEof = false;
  /** What a closed side had its other half closed. */
  private halfClosed = false;

  constructor(s: StreamSession, conf: ProxyServer) {
    this.r = s;
    this.conf = conf;
    this.connectTimeout = conf.connectTimeout;
    this.sendTimeout = conf.timeout;
    this.readTimeout = conf.timeout;
    s.upstream = this;
    s.describeMore = () => this.describe();
    s.addCleanup(() => this.end());
  }

  get mostTries(): number {
    return this.conf.nextUpstreamTries;
  }

  private describe(): string {
    const { name } = this;
    const upstream = name === '' ? '' : `, upstream: "${name}"`;
    return upstream + this.traffic;
  }

  private get traffic(): string {
    const { r, state } = this;
    return (
      `, bytes from/to client:${r.received}/${r.sent}` +
      `, bytes from/to upstream:${state?.received ?? 0}/${state?.sent ?? 0}`
    );
  }

  /** Takes the address of proxy_bind. */
  bindLocal(): void {
    const { local } = this.conf;
    if (local === null) return;
    if (local.address !== undefined) {
      this.local = local.address;
      return;
    }
    const text = local.value.evaluate(this.r);
    if (text === '') return;
    this.local = parseLocal(text);
    if (this.local === undefined) this.r.log(LOG_ERR, `invalid local address "${text}"`);
  }

  begin(selection: PeerSelection<PeerConnection>): void {
    this.selection = selection;
    const most = this.conf.nextUpstreamTries;
    if (most > 0 && this.tries > most) this.tries = most;
    this.connect();
  }

  private connect(): void {
    const { r, state } = this;
    r.action = 'connecting to upstream';
    this.connected = false;
    const now = monotonicMsec();
    if (state !== undefined) state.sessionTime = now - this.attemptTime;
    this.attemptTime = now;
    const next: UpstreamState = {
      peer: '',
      connectTime: -1,
      firstByteTime: -1,
      sessionTime: -1,
      received: 0,
      sent: 0,
    };
    this.state = next;
    r.upstreamStates.push(next);
    const rc = (this.selection as PeerSelection<PeerConnection>).get(this);
    if (r.finalized) return;
    next.peer = this.name;
    switch (rc) {
      case OK:
        this.open((this.address as PeerAddress).target);
        return;
      case BUSY:
        r.log(LOG_ERR, 'no live upstreams');
        this.finalize(STREAM_BAD_GATEWAY);
        return;
      case DECLINED:
        this.next();
        return;
      default:
        this.finalize(rc < 0 ? STREAM_INTERNAL_SERVER_ERROR : rc);
    }
  }

  private open(target: PeerAddress['target']): void {
    const bound = this.local === undefined || 'path' in target ? target : { ...target, bind: this.local };
    this.backend = new Backend(this);
    this.backend.socket = connectTcp(bound, this.backend);
    this.timer.set(this.connectTimeout);
  }

  /** The attempt has failed. nginx: ngx_stream_proxy_next_upstream(). */
  private next(): void {
    const { conf } = this;
    this.timer.clear();
    this.free(PEER_FAILED);
    const late = conf.nextUpstreamTimeout > 0 && monotonicMsec() - this.startTime >= conf.nextUpstreamTimeout;
    if (this.tries === 0 || !conf.nextUpstream || late) {
      this.finalize(STREAM_BAD_GATEWAY);
      return;
    }
    this.closeBackend();
    this.connect();
  }

  private free(state: number): void {
    if (this.address === undefined) return;
    this.selection?.free(this, state);
    this.address = undefined;
  }

  private closeBackend(): void {
    const { backend } = this;
    this.backend = undefined;
    if (backend?.socket === undefined) return;
    backend.socket.owner = undefined;
    backend.socket.destroy();
  }

  finalize(status: number): void {
    // The log handlers see how long it took.
    this.end();
    finalizeSession(this.r, status);
  }

  /** The session ends. */
  private end(): void {
    this.timer.release();
    const { state } = this;
    if (state !== undefined && state.sessionTime < 0) state.sessionTime = monotonicMsec() - this.attemptTime;
    this.free(0);
    const { backend } = this;
    this.backend = undefined;
    // What was given to it is sent still.
    if (backend?.socket !== undefined) {
      backend.socket.owner = undefined;
      backend.socket.end();
    }
  }

  // Of the connection to the peer.

  backendConnected(socket: Socket): void {
    const { r, state } = this;
    this.connected = true;
    if (state !== undefined) state.connectTime = monotonicMsec() - this.attemptTime;
    socket.setNoDelay(r.server.tcpNodelay);
    if (this.conf.socketKeepalive) socket.setKeepAlive(true);
    r.action = 'proxying connection';
    r.reclaim?.();
    const client = new Client(this);
    r.socket.owner = client;
    r.onClientGone = undefined;
    const { preread } = r;
    r.preread = '';
    if (preread !== '') this.toBackend(preread);
    if (r.eof) {
      this.clientEof = true;
      if (this.testEnd(false)) return;
    } else if (socket.pendingBytes === 0) r.socket.resume();
    socket.resume();
    this.touch();
  }

  backendFailed(code: string): void {
    const { r } = this;
    if (this.connected) {
      r.log(connectionErrorLevel(code), `recv() failed${errnoSuffix(code)}`);
      this.backendEof = true;
      this.testEnd(true);
      return;
    }
    r.log(connectionErrorLevel(code), `connect() failed${errnoSuffix(code)}`);
    this.next();
  }

  fromBackend(buffer: Buffer, start: number, end: number): void {
    const { r, state, backend } = this;
    if (state !== undefined) {
      if (state.firstByteTime < 0) state.firstByteTime = monotonicMsec() - this.attemptTime;
      state.received += end - start;
    }
    this.touch();
    if (!r.write(latin1Slice(buffer, start, end))) {
      this.finalize(STREAM_OK);
      return;
    }
    if (r.buffered) backend?.socket?.pause();
  }

  backendEnded(): void {
    this.backendEof = true;
    this.testEnd(true);
  }

  backendDrained(): void {
    this.touch();
    if (this.clientEof) this.testEnd(false);
    else this.r.socket.resume();
  }

  // Of the client.

  fromClient(buffer: Buffer, start: number, end: number): void {
    this.r.received += end - start;
    this.touch();
    this.toBackend(latin1Slice(buffer, start, end));
  }

  private toBackend(data: string): void {
    const { r, state, backend } = this;
    const socket = backend?.socket;
    if (socket === undefined) return;
    const taken = socket.write(data);
    if (!taken && socket.failure !== '') {
      this.finalize(STREAM_OK);
      return;
    }
    if (state !== undefined) state.sent += data.length;
    if (!taken) r.socket.pause();
  }

  clientEnded(): void {
    this.clientEof = true;
    this.testEnd(false);
  }

  clientFailed(code: string): void {
    const { r } = this;
    r.failure = code;
    r.log(LOG_INFO, `recv() failed${errnoSuffix(code)}`);
    this.clientEof = true;
    this.testEnd(false);
  }

  clientDrained(): void {
    this.touch();
    if (this.backendEof) this.testEnd(true);
    else this.backend?.socket?.resume();
  }

  // Both.

  /** Something moved: the timeout begins anew. */
  private touch(): void {
    this.timer.set(this.readTimeout);
  }

  onTimer(): void {
    const { r } = this;
    if (!this.connected) {
      r.log(LOG_ERR, `upstream timed out${errnoSuffix('ETIMEDOUT')}`);
      this.next();
      return;
    }
    r.log(LOG_INFO, `connection timed out${errnoSuffix('ETIMEDOUT')}`);
    this.finalize(STREAM_OK);
  }

  /** One side has ended: so does the session, once the other has got everything. Returns whether it did. */
  private testEnd(fromBackend: boolean): boolean {
    const { r, conf } = this;
    if (r.finalized) return true;
    const socket = this.backend?.socket;
    const waiting = (r.buffered && !this.clientEof) || ((socket?.pendingBytes ?? 0) > 0 && !this.backendEof);
    if (waiting) return false;
    if (conf.halfClose && !(this.clientEof && this.backendEof)) {
      if (!this.halfClosed) {
        this.halfClosed = true;
        if (fromBackend) r.socket.shutdown();
        else socket?.shutdown();
      }
      return false;
    }
    r.errorLog.write(LOG_INFO, `${fromBackend ? 'upstream' : 'client'} disconnected${this.traffic}`, {
      connectionNumber: r.connectionNumber,
      describe: () => '',
    });
    this.finalize(STREAM_OK);
    return true;
  }
}

/** Hears the connection to the peer. */
class Backend implements ConnectOwner {
  socket: Socket | undefined = undefined;
  private readonly to: Proxying;

  constructor(to: Proxying) {
    this.to = to;
  }

  onConnect(): void {
    this.to.backendConnected(this.socket as Socket);
  }
  onData(buffer: Buffer, start: number, end: number): void {
    this.to.fromBackend(buffer, start, end);
  }
  onEnd(): void {
    this.to.backendEnded();
  }
  onError(code: string): void {
    this.to.backendFailed(code);
  }
  onDrain(): void {
    this.to.backendDrained();
  }
  onClose(): void {}
}

/** Hears the client. */
class Client implements SocketOwner {
  private readonly to: Proxying;

  constructor(to: Proxying) {
    this.to = to;
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.to.fromClient(buffer, start, end);
  }
  onEnd(): void {
    this.to.clientEnded();
  }
  onError(code: string): void {
    this.to.clientFailed(code);
  }
  onDrain(): void {
    this.to.clientDrained();
  }
  onClose(): void {
    this.to.r.onClose();
  }
}
