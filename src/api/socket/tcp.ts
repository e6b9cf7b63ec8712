/**
 * TCP and unix cosockets: ngx.socket.tcp(). Connecting by name or address, pools of kept connections, queueing.
 * Reading and writing are in stream.ts. ngx_lua: ngx_http_lua_socket_tcp.c.
 */

import type { SecureContext } from 'node:tls';
import { ConfError } from '../../conf/error.ts';
import { sessionId } from '../../http/ssl/names.ts';
import { connectionErrorLevel } from '../../log/connection-error.ts';
import { errnoSuffix, strerror } from '../../log/errno.ts';
import { LOG_CRIT, LOG_DEBUG, LOG_ERR } from '../../log/log.ts';
import { type ConnectOwner, type ConnectTarget, connectTcp } from '../../net/connect.ts';
import { isHarmless, opensslSuffix } from '../../net/openssl-error.ts';
import { type ResolveFailure, resolverOf } from '../../net/resolver/resolver.ts';
import type { Socket } from '../../net/socket.ts';
import { peekSocket } from '../../net/sockopt.ts';
import { Timer } from '../../net/timer.ts';
import { ClientHandshake, type ClientHandshakeOwner, type TlsClientOptions } from '../../net/tls-client.ts';
import type { TlsSession as TlsConnection } from '../../net/tls-direct.ts';
import { canonicalInet, canonicalInet6 } from '../../net/url.ts';
import { requireContext } from '../context.ts';
import { apiError } from '../error.ts';
import type { Suspension } from '../suspension.ts';
import { parseHost } from './host.ts';
import { coreSettings, socketOptions } from './options.ts';
import { type KeptConnection, poolsOf, type QueuedConnect, SocketPool } from './pool.ts';
import { StreamCosocket } from './stream.ts';
import {
  type Handshaken,
  type HandshakeWish,
  handshakeContext,
  type SocketTls,
  sessionOf,
  type TlsSession,
  tlsStreamOf,
  verifyServer,
} from './tls.ts';

/** The last argument of connect. */
export interface ConnectOptions {
  /** Name of the pool; `host:port` or the path by default. */
  readonly pool?: string;
  readonly poolSize?: number;
  readonly backlog?: number;
}

/** undefined: connected. Else an error text. */
export type Connected = string | undefined;

/** Hosts longer than this are cut in log lines. ngx_lua: COSOCKET_HOST_LEN. */
const LONGEST_HOST = 31;

/** Synchronous failures of connect(2) that are not worth `crit`. nginx: ngx_event_connect_peer(). */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EAGAIN',
  'ECONNRESET',
  'ENETDOWN',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EHOSTUNREACH',
]);

export class TcpCosocket extends StreamCosocket implements ConnectOwner, ClientHandshakeOwner, QueuedConnect {
  /** connect was called. */
  private used = false;
  // As settimeouts gave them; 0: not set.
  private ownConnectTimeout = 0;
  private ownSendTimeout = 0;
  private ownReadTimeout = 0;
  private local: { address: string; port: number; text: string } | undefined = undefined;

  private host = '';
  private port = 0;
  /** Of the peer in log lines: the host as given, its port once known, its numeric address once known. */
  private logHost = '';
  private logPort = 0;
  private logAddress = '';
  private name = '';
  private pool: SocketPool | undefined = undefined;
  private key = '';
  private reused = 0;
  private noDelaySet = false;
  private queued = false;
  /** TLS is established. */
  protected secure = false;

  private connectDone: ((result: Connected) => void) | undefined = undefined;
  private cancelResolving: (() => void) | undefined = undefined;
  private connectWait: Suspension<Connected> | undefined = undefined;

  private handshake: ClientHandshake | undefined = undefined;
  private wish: HandshakeWish | undefined = undefined;
  private handshakeDone: ((result: Handshaken) => void) | undefined = undefined;
  /** PEM, for the next handshake. */
  private authorities: readonly string[] | undefined = undefined;

  constructor() {
    const ctx = requireContext();
    ctx.checkWait();
    super(ctx);
  }

  protected override get isNew(): boolean {
    return !this.used;
  }

  protected override get peerText(): string {
    if (this.logHost === '') return '';
    const port = this.logPort === 0 ? '' : `:${this.logPort}`;
    return `, upstream: ${this.logHost}${port}${this.logAddress === '' ? '' : `(${this.logAddress})`}`;
  }

  /** tcpsock:settimeout and settimeouts, in milliseconds. */
  setOwnTimeouts(connect: number, send: number, read: number): void {
    this.ownConnectTimeout = connect;
    this.ownSendTimeout = send;
    this.ownReadTimeout = read;
    if (this.used) this.setTimeouts(connect, send, read);
  }

  /** tcpsock:bind. Returns an error text, or undefined. */
  bind(address: string, port: number): string | undefined {
    requireContext().checkWait();
    if (port < 0 || port > 65535) return `bad port number: ${port}`;
    const numeric = canonicalInet(address) ?? canonicalInet6(address);
    if (numeric === undefined) return 'bad address';
    this.local = { address: numeric, port, text: address };
    this.ctx.log(LOG_DEBUG, `lua tcp socket bind ip: ${address}`);
    return undefined;
  }

  /**
   * tcpsock:connect.
   * @param port undefined for `unix:` paths
   */
  connect(host: string, port: number | undefined, options: ConnectOptions): Connected | Suspension<Connected> {
    const ctx = requireContext();
    ctx.checkWait();
    if (port === undefined) {
      if (!/^unix:/i.test(host)) return 'missing the port number';
    } else if (port < 0 || port > 65535) {
      return `bad port number: ${port}`;
    }
    this.key = options.pool ?? (port === undefined ? host : `${host}:${port}`);
    if (this.used) {
      this.checkOwner();
      const busy = this.busy();
      if (busy !== undefined) return busy;
      if (this.socket !== undefined) {
        this.debug('reconnect without shutting down');
        this.finalize();
      }
      ctx.log(LOG_DEBUG, 'lua reuse socket upstream ctx');
    }
    this.used = true;
    this.ctx = ctx;
    this.readClosed = false;
    this.writeClosed = false;
    this.resetInput();
    this.host = host;
    this.port = port ?? 0;
    this.logHost = '';
    this.logPort = 0;
    this.logAddress = '';
    this.reused = 0;
    this.secure = false;
    this.noDelaySet = false;
    this.setTimeouts(this.ownConnectTimeout, this.ownSendTimeout, this.ownReadTimeout);
    this.pool = this.choosePool(options);
    return this.begin(false);
  }

  private choosePool(options: ConnectOptions): SocketPool | undefined {
    const { ctx, key } = this;
    const pools = poolsOf(ctx.block);
    const pool = pools.get(key);
    if (pool !== undefined) return pool;
    const size = options.poolSize ?? (options.backlog === undefined ? 0 : socketOptions(ctx).socketPoolSize);
    if (size === 0) return undefined;
    return this.newPool(size, options.backlog);
  }

  private newPool(size: number, backlog: number | undefined): SocketPool {
    const { ctx, key } = this;
    if (ctx.debugging) {
      this.debug(`connection pool size: ${size}, backlog: ${backlog ?? -1}`);
      this.debug(`keepalive create connection pool for key "${key}"`);
    }
    return new SocketPool(poolsOf(ctx.block), ctx.block, key, size, backlog);
  }

  /** Connects, or waits for its turn. Returns undefined, an error text, or what to wait on. */
  private begin(resumed: boolean): Connected | Suspension<Connected> {
    const { pool, ctx } = this;
    if (pool !== undefined) {
      const kept = pool.take();
      if (kept !== undefined) {
        this.reuse(kept);
        return undefined;
      }
      pool.connections++;
      if (pool.backlog !== undefined && !resumed) {
        if (pool.connections > pool.size + pool.backlog) {
          pool.connections--;
          this.pool = undefined;
          return 'too many waiting connect operations';
        }
        if (pool.connections > pool.size) return this.enqueue(pool);
      }
    }
    const failure = this.start();
    if (failure !== undefined) {
      this.pool = undefined;
      pool?.notMade();
      return failure;
    }
    ctx.own(this);
    this.connWaiting = true;
    return this.waitForConnect();
  }

  private waitForConnect(): Suspension<Connected> {
    this.connectWait ??= {
      start: (done) => {
        this.connectDone = done;
        return () => this.finalize();
      },
    };
    return this.connectWait;
  }

  private enqueue(pool: SocketPool): Suspension<Connected> {
    if (this.ctx.debugging) {
      this.debug(`queue connect operation for connection pool "${pool.key}", connections: ${pool.connections}`);
    }
    this.queued = true;
    this.connWaiting = true;
    this.ctx.own(this);
    this.armConnectTimer();
    pool.enqueue(this);
    return this.waitForConnect();
  }

  private armConnectTimer(): void {
    this.writeTimer ??= new Timer(this);
    this.writeTimer.set(this.connectTimeout);
  }

  /** For SocketPool: there is room for this connection now. */
  resumeConnect(): void {
    this.queued = false;
    this.connWaiting = false;
    this.writeTimer?.clear();
    (this.pool as SocketPool).connections--;
    const result = this.begin(true);
    if (typeof result !== 'object') this.finishConnect(result);
  }

  /** Takes over a connection of the pool. */
  private reuse(kept: KeptConnection): void {
    const { socket } = kept;
    if (this.ctx.debugging) {
      this.debug(`get keepalive peer: using connection ${this.key}, fd:${socket.fd}`);
    }
    this.socket = socket;
    socket.owner = this;
    this.reading = true;
    this.noDelaySet = true;
    this.reused = kept.reused + 1;
    this.logHost = kept.host;
    this.logPort = kept.port;
    this.logAddress = kept.address;
    this.secure = kept.secure;
    this.ctx.own(this);
  }

  /** Finds the address and begins to connect. Returns an error text for what is known at once. */
  private start(): string | undefined {
    const { ctx, host, port } = this;
    const parsed = parseHost(host, port);
    if (typeof parsed === 'string') return parsed;
    const { where, name } = parsed;
    this.debug(`connect timeout: ${this.connectTimeout}`);
    this.logHost = name.length > LONGEST_HOST ? `${name.slice(0, LONGEST_HOST - 3)}...` : name;
    if (where !== undefined) {
      this.open(where.family === 'unix' ? { path: where.address } : { address: where.address, port: where.port });
      return undefined;
    }
    const { resolver, resolverTimeout } = coreSettings(ctx);
    if (resolver === undefined || ctx.block === undefined) return `no resolver defined to resolve "${host}"`;
    const all = resolverOf(resolver, ctx.block.cycle.log);
    const known = all.lookup(name);
    if (known !== undefined) {
      this.open({ address: pick(known), port });
      return undefined;
    }
    this.cancelResolving = all.resolve(name, resolverTimeout, (failure, addresses) => {
      this.cancelResolving = undefined;
      this.resolved(failure, addresses);
    });
    return undefined;
  }

  private resolved(failure: ResolveFailure | undefined, addresses: readonly string[]): void {
    if (failure !== undefined) {
      this.connectFailed(`${this.host} could not be resolved (${failure.text})`);
      return;
    }
    this.open({ address: pick(addresses), port: this.port });
  }

  private open(target: ConnectTarget): void {
    if ('path' in target) {
      this.name = `unix:${target.path}`;
      this.logAddress = this.name;
    } else {
      const { address, port } = target;
      this.name = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
      this.logPort = port;
      this.logAddress = address.includes(':') ? `[${address}]` : address;
      if (this.local !== undefined) target = { address, port, bind: this.local };
    }
    this.armConnectTimer();
    this.socket = connectTcp(target, this);
  }

  onConnect(): void {
    this.writeTimer?.clear();
    this.connWaiting = false;
    this.finishConnect(undefined);
  }

  override onError(code: string): void {
    if (!this.connWaiting) {
      super.onError(code);
      return;
    }
    const suffix = errnoSuffix(code);
    if (this.logPort === 0 || !ASYNCHRONOUS.has(code)) {
      // The system refused at once; nginx has other lines for that.
      if (this.local !== undefined && BINDING.has(code)) {
        this.logPeer(LOG_CRIT, `bind(${this.local.text}) failed${suffix}`);
      } else this.logPeer(UNREACHABLE.has(code) ? LOG_ERR : LOG_CRIT, `connect() to ${this.name} failed${suffix}`);
    } else if (socketOptions(this.ctx).socketLogErrors) {
      this.ctx.log(connectionErrorLevel(code), `connect() failed${suffix}`);
    }
    this.connectFailed(strerror(code).toLowerCase());
  }

  protected override connectTimedOut(): void {
    if (this.handshake !== undefined) {
      this.handshakeFailed('timeout');
      return;
    }
    if (this.queued) {
      const { host, port } = this;
      this.logPeerError(`lua tcp socket queued connect timed out, when trying to connect to ${host}:${port}`);
      const pool = this.pool as SocketPool;
      pool.leaveQueue(this);
      this.queued = false;
      this.pool = undefined;
      pool.wake();
    } else {
      this.logPeerError('lua tcp socket connect timed out');
    }
    this.connectFailed('timeout');
  }

  /** The connection could not be made. */
  private connectFailed(error: string): void {
    const done = this.connectDone;
    this.connectDone = undefined;
    this.finalize();
    done?.(error);
  }

  private finishConnect(result: Connected): void {
    const done = this.connectDone;
    this.connectDone = undefined;
    done?.(result);
  }

  /**
   * tcpsock:settrustedstore: the next handshake trusts these authorities (PEM) instead of those of
   * lua_ssl_trusted_certificate; undefined: those again. ngx_lua: ngx_http_lua_ffi_socket_tcp_settrustedstore()
   *
   * @returns an error text, or undefined
   */
  setTrustedStore(authorities: readonly string[] | undefined): string | undefined {
    const { socket, ctx } = this;
    if (socket === undefined || this.readClosed || this.writeClosed) return 'closed';
    const now = requireContext();
    if (now !== ctx && (now.r === undefined || now.r !== ctx.r)) return 'bad request';
    if (tlsStreamOf(socket) !== undefined) {
      return 'ssl handshake already done; trusted store cannot be changed on an established TLS connection';
    }
    this.authorities = authorities;
    return undefined;
  }

  /**
   * tcpsock:sslhandshake. A connection that has TLS already gives its session.
   *
   * ngx_lua: ngx_http_lua_ffi_socket_tcp_sslhandshake()
   */
  sslHandshake(wish: HandshakeWish): Handshaken | Suspension<Handshaken> {
    const { socket, ctx } = this;
    this.debug('ssl handshake');
    if (socket === undefined || this.readClosed || this.writeClosed) return failed('closed');
    const now = requireContext();
    if (now !== ctx && (now.r === undefined || now.r !== ctx.r)) return failed('bad request');
    const busy = this.busy();
    if (busy !== undefined) return failed(busy);
    const stream = tlsStreamOf(socket);
    if (stream !== undefined) {
      // Who brings a session to a connection that has TLS gets it back.
      if (wish.session !== undefined) return { error: undefined, session: wish.session };
      return this.handshaken(stream, wish);
    }
    const { tls } = socketOptions(ctx);
    if (tls === undefined) return failed('failed to create ssl connection');
    let context: SecureContext;
    try {
      context = handshakeContext(tls.context, wish.pair, this.authorities);
      this.authorities = undefined;
    } catch (e) {
      if (!(e instanceof ConfError)) throw e;
      return failed('ssl set client private key failed');
    }
    if (ctx.debugging) {
      if (wish.session !== undefined) ctx.log(LOG_DEBUG, `lua ssl set session: ${wish.session}`);
      if (wish.serverName !== undefined) ctx.log(LOG_DEBUG, `lua ssl server name: "${wish.serverName}"`);
    }
    this.wish = wish;
    this.pauseInput();
    const options: TlsClientOptions = {
      context,
      serverName: wish.serverName === '' ? undefined : wish.serverName,
      session: wish.session?.bytes,
      requestStatus: wish.requestStatus,
    };
    this.handshake = new ClientHandshake(
      socket,
      tls.keyLog === undefined ? options : { ...options, onKeyLog: tls.keyLog },
      this,
    );
    this.connWaiting = true;
    this.armConnectTimer();
    return {
      start: (done) => {
        this.handshakeDone = done;
        return () => this.finalize();
      },
    };
  }

  onSecure(socket: Socket, stream: TlsConnection): void {
    const { ctx } = this;
    const wish = this.wish as HandshakeWish;
    this.handshake = undefined;
    this.socket = socket;
    socket.owner = this;
    this.reading = false;
    if (ctx.debugging) {
      const { name, version } = stream.getCipher();
      ctx.log(LOG_DEBUG, `SSL: ${stream.getProtocol()}, cipher: "${name} ${version}"`);
      if (stream.isSessionReused()) ctx.log(LOG_DEBUG, 'SSL reused session');
    }
    if (wish.verify) {
      const tls = socketOptions(ctx).tls as SocketTls;
      const failure = verifyServer(stream, tls, wish.serverName ?? '');
      if (failure !== undefined) {
        this.logPeerError(failure.line);
        this.handshakeFailed(failure.error);
        return;
      }
    }
    this.writeTimer?.clear();
    this.connWaiting = false;
    this.secure = true;
    this.wish = undefined;
    this.finishHandshake(this.handshaken(stream, wish));
  }

  onHandshakeEnd(): void {
    this.logPeer(LOG_ERR, 'peer closed connection in SSL handshake');
    this.handshakeFailed('handshake failed');
  }

  onHandshakeError(error: NodeJS.ErrnoException): void {
    const ssl = opensslSuffix(error);
    if (ssl !== '') this.logPeer(isHarmless(error) ? LOG_ERR : LOG_CRIT, `SSL_do_handshake() failed${ssl}`);
    else this.logPeer(LOG_ERR, `peer closed connection in SSL handshake${errnoSuffix(error)}`);
    this.handshakeFailed('handshake failed');
  }

  private handshakeFailed(error: string): void {
    const done = this.handshakeDone;
    this.handshakeDone = undefined;
    this.finalize();
    done?.(failed(error));
  }

  private finishHandshake(result: Handshaken): void {
    const done = this.handshakeDone;
    this.handshakeDone = undefined;
    done?.(result);
  }

  private handshaken(stream: TlsConnection, wish: HandshakeWish): Handshaken {
    if (!wish.wantSession) return { error: undefined, session: undefined };
    const session = sessionOf(stream, wish.session);
    if (session !== undefined && this.ctx.debugging) this.ctx.log(LOG_DEBUG, `lua ssl save session: ${session}`);
    return { error: undefined, session };
  }

  /** What can be asked about the TLS of the connection, or an error text. */
  tlsStream(): TlsConnection | string {
    if (this.socket === undefined || (this.readClosed && this.writeClosed)) return 'closed';
    return tlsStreamOf(this.socket) ?? 'no ssl connection';
  }

  /** tcpsock:getsslsession: a session that can be resumed, or an error text. */
  resumableSession(): TlsSession | string {
    const stream = this.tlsStream();
    if (stream === 'closed') return stream;
    const session = typeof stream === 'string' ? undefined : sessionOf(stream);
    if (session === undefined || typeof stream === 'string') return 'no session';
    // Either the server gave a ticket, or it keeps the session under its ID.
    return stream.getTLSTicket() === undefined && sessionId(session.bytes) === '' ? 'not resumable' : session;
  }

  override send(data: string): ReturnType<StreamCosocket['send']> {
    if (!this.noDelaySet && this.socket !== undefined) {
      this.noDelaySet = true;
      if (coreSettings(this.ctx).tcpNodelay) {
        this.ctx.log(LOG_DEBUG, 'lua socket tcp_nodelay');
        this.socket.setNoDelay(true);
      }
    }
    return super.send(data);
  }

  /** tcpsock:close. Returns an error text, or undefined. */
  close(): string | undefined {
    if (this.socket === undefined || (this.readClosed && this.writeClosed)) return 'closed';
    this.checkOwner();
    const busy = this.busy();
    if (busy !== undefined) return busy;
    this.finalize();
    return undefined;
  }

  /** tcpsock:getreusedtimes. Returns a number, or an error text. */
  reusedTimes(): number | string {
    if (this.socket === undefined || (this.readClosed && this.writeClosed)) return 'closed';
    return this.reused;
  }

  /** setKeepalive would have to make a pool. */
  get makesPool(): boolean {
    return this.socket !== undefined && !poolsOf(this.ctx.block).has(this.key);
  }

  /**
   * tcpsock:setkeepalive: gives the connection to the pool.
   * @param timeout milliseconds, 0 for none; the directive's by default
   * @param size of a pool that is made now; the directive's by default
   * @returns an error text, or undefined
   */
  setKeepalive(timeout: number | undefined, size: number | undefined): string | undefined {
    const { socket, ctx } = this;
    if (socket === undefined || this.readClosed || this.writeClosed || this.eof) return 'closed';
    this.checkOwner();
    const busy = this.busy();
    if (busy !== undefined) return busy;
    if (this.unread && !this.unasked) return 'unread data in buffer';
    // A peer that answered and closed: its end is often on the way up when the answer has just been read.
    const { fd } = socket;
    const waiting = fd >= 0 && !this.secure ? peekSocket(fd) : undefined;
    if (waiting === 'end') return 'closed';
    if (this.failure !== '' || this.unasked || waiting === 'data') {
      this.finalize();
      return 'connection in dubious state';
    }
    if (ctx.block?.cycle.exiting === true) {
      this.finalize();
      return undefined;
    }
    const options = socketOptions(ctx);
    let pool = poolsOf(ctx.block).get(this.key);
    if (pool === undefined) {
      const most = size ?? options.socketPoolSize;
      if (most <= 0) apiError(`bad "pool_size" option value: ${most}`);
      pool = this.newPool(most, undefined);
    }
    const idle = timeout ?? options.socketKeepaliveTimeout;
    this.debug(idle === 0 ? 'keepalive timeout: unlimited' : `keepalive timeout: ${idle} ms`);
    const counted = this.pool !== undefined;
    const kept: KeptConnection = {
      socket,
      reused: this.reused,
      host: this.logHost,
      port: this.logPort,
      address: this.logAddress,
      secure: this.secure,
    };
    // The connection is not this object's any more; what is left of it ends.
    this.socket = undefined;
    this.pool = undefined;
    this.finalize();
    pool.keep(kept, counted, idle);
    pool.wake();
    return undefined;
  }

  /** connect was called. */
  get wasUsed(): boolean {
    return this.used;
  }

  override finalize(): void {
    this.ctx.disown(this);
    this.stopWaiting();
    this.connectDone = undefined;
    this.handshakeDone = undefined;
    this.wish = undefined;
    this.cancelResolving?.();
    this.cancelResolving = undefined;
    this.readClosed = true;
    this.writeClosed = true;
    this.text = '';
    this.pos = 0;
    const { socket, pool } = this;
    this.socket = undefined;
    this.pool = undefined;
    if (this.queued) {
      this.queued = false;
      this.debug('abort queueing');
      pool?.leaveQueue(this);
      pool?.wake();
      return;
    }
    if (socket !== undefined) {
      socket.owner = undefined;
      if (this.secure) {
        // With close_notify, as nginx; and not before OpenSSL has sent the end of the handshake, which this may be in.
        setImmediate(endSocket, socket);
      } else if (this.handshake === undefined) socket.destroy();
      else this.handshake.destroy();
      this.handshake = undefined;
      pool?.closed();
    } else {
      // Given up before there was a connection.
      pool?.notMade();
    }
  }
}

function endSocket(socket: Socket): void {
  socket.end();
}

/** Failures of bind(2). */
const BINDING = new Set(['EADDRNOTAVAIL', 'EADDRINUSE', 'EACCES']);

/** Failures of connecting that come only later. */
const ASYNCHRONOUS = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);

function failed(error: string): Handshaken {
  return { error, session: undefined };
}

function pick(addresses: readonly string[]): string {
  return addresses[addresses.length === 1 ? 0 : Math.floor(Math.random() * addresses.length)] as string;
}
