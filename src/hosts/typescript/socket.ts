/**
 * Cosockets for TypeScript: connections with nginx's pools, resolver, timeouts and log lines, which end with the request.
 * Where Lua's methods return nil and an error, these throw a SocketError. Packages that bring their own connections
 * (node:net) work as well; they know nothing of the request. Manual: ngx.socket.tcp, ngx.socket.udp.
 */
import { requestSocket } from '../../api/socket/request.ts';
import { type Received, ReceiveFailure, type StreamCosocket } from '../../api/socket/stream.ts';
import { TcpCosocket } from '../../api/socket/tcp.ts';
import type { TlsSession } from '../../api/socket/tls.ts';
import { type Datagram, DatagramFailure, UdpCosocket } from '../../api/socket/udp.ts';
import { UntilReader } from '../../api/socket/until.ts';
import type { Suspension } from '../../api/suspension.ts';
import { SocketError } from './socket-error.ts';
import { bytes, type Data, utf8 } from './text.ts';
import { type Run, settled } from './wait.ts';

/** Which pool a connection belongs to. Manual: tcpsock:connect. */
export interface ConnectOptions {
  /** Its name; `host:port`, or the path, by default. */
  readonly pool?: string;
  /** Most connections of a pool that is made now. */
  readonly poolSize?: number;
  /** How many connects may wait for a place in the pool; without it there is no limit to connections. */
  readonly backlog?: number;
}

/** How TLS is begun. Manual: tcpsock:sslhandshake. */
export interface HandshakeOptions {
  /** For SNI, and what the certificate must be for. */
  readonly serverName?: string;
  /** Check the certificate by lua_ssl_trusted_certificate. */
  readonly verify?: boolean;
  /** To resume: what an earlier handshake gave. */
  readonly session?: TlsSession;
}

const LARGEST_DATAGRAM = 65536;

/** The client's connection (ngx.req.socket), or one of your own. Numbers of timeouts are milliseconds. */
export class NgxStreamSocket {
  protected readonly run: Run;
  readonly #socket: StreamCosocket;

  constructor(run: Run, socket: StreamCosocket) {
    this.run = run;
    this.#socket = socket;
  }

  /** 0 stands for the directives' values. Manual: tcpsock:settimeouts. */
  setTimeouts(connect: number, send: number, read: number): void {
    this.run(() => this.#socket.setTimeouts(connect, send, read));
  }

  /** Sends all of it, and waits until the system has taken it. Manual: tcpsock:send. */
  async send(...data: readonly Data[]): Promise<void> {
    const text = data.map(bytes).join('');
    const sent = await settled(this.run, () => this.#socket.send(text));
    if (typeof sent === 'string') throw new SocketError(sent);
  }

  /** A line without its end. Manual: tcpsock:receive('*l'). */
  async receiveLine(): Promise<string> {
    return utf8(await this.#received(() => this.#socket.receiveLine()));
  }

  /** Exactly so many bytes. Manual: tcpsock:receive(size). */
  async receive(size: number): Promise<Buffer> {
    return Buffer.from(await this.#received(() => this.#socket.receiveBytes(size)), 'latin1');
  }

  /** All until the peer closes. Manual: tcpsock:receive('*a'). */
  async receiveAll(): Promise<Buffer> {
    return Buffer.from(await this.#received(() => this.#socket.receiveAll()), 'latin1');
  }

  /** What comes next, at most so many bytes of it. Manual: tcpsock:receiveany. */
  async receiveAny(max: number): Promise<Buffer> {
    if (!(max > 0)) throw new SocketError('bad max argument');
    return Buffer.from(await this.#received(() => this.#socket.receiveAny(Math.trunc(max))), 'latin1');
  }

  /** What comes before the pattern, with `inclusive` the pattern as well. Manual: tcpsock:receiveuntil. */
  async receiveUntil(pattern: Data, options: { readonly inclusive?: boolean } = {}): Promise<Buffer> {
    const text = bytes(pattern);
    if (text === '') throw new SocketError('pattern is empty');
    const reader = new UntilReader(text, options.inclusive === true);
    return Buffer.from(await this.#received(() => this.#socket.receiveUntil(reader, 0)), 'latin1');
  }

  async #received(operation: () => Received | Suspension<Received>): Promise<string> {
    const result = await settled(this.run, operation);
    if (result instanceof ReceiveFailure) throw new SocketError(result.error ?? 'closed', result.partial);
    return result;
  }
}

/** A connection of your own. Manual: ngx.socket.tcp. */
export class NgxTcpSocket extends NgxStreamSocket {
  readonly #socket: TcpCosocket;

  constructor(run: Run) {
    const socket = run(() => new TcpCosocket());
    super(run, socket);
    this.#socket = socket;
  }

  override setTimeouts(connect: number, send: number, read: number): void {
    this.run(() => this.#socket.setOwnTimeouts(connect, send, read));
  }

  /** Connects to a name or an address, or to `unix:PATH`; a kept connection of the pool serves first. Manual: tcpsock:connect. */
  async connect(host: string, port?: number, options: ConnectOptions = {}): Promise<void> {
    throwIf(await settled(this.run, () => this.#socket.connect(bytes(host), port, options)));
  }

  /** The local address of connections to come. Manual: tcpsock:bind. */
  bind(address: string, port = 0): void {
    throwIf(this.run(() => this.#socket.bind(address, port)));
  }

  /** Begins TLS; gives the session, for later handshakes. Manual: tcpsock:sslhandshake. */
  async sslHandshake(options: HandshakeOptions = {}): Promise<TlsSession | undefined> {
    const { serverName, verify = false, session } = options;
    const wish = { session, wantSession: true, serverName, verify, requestStatus: false, pair: undefined };
    const result = await settled(this.run, () => this.#socket.sslHandshake(wish));
    throwIf(result.error);
    return result.session;
  }

  /**
   * Gives the connection to its pool. Manual: tcpsock:setkeepalive.
   * @param timeout milliseconds it may wait there, 0 for ever; the directive's by default
   * @param size of a pool that is made now; the directive's by default
   */
  setKeepalive(timeout?: number, size?: number): void {
    throwIf(this.run(() => this.#socket.setKeepalive(timeout, size)));
  }

  /** How often the connection came out of a pool. Manual: tcpsock:getreusedtimes. */
  getReusedTimes(): number {
    const times = this.run(() => this.#socket.reusedTimes());
    if (typeof times === 'string') throw new SocketError(times);
    return times;
  }

  close(): void {
    throwIf(this.run(() => this.#socket.close()));
  }
}

/** Datagrams to and from one peer. Manual: ngx.socket.udp. */
export class NgxUdpSocket {
  readonly #run: Run;
  readonly #socket: UdpCosocket;

  constructor(run: Run) {
    this.#run = run;
    this.#socket = run(() => new UdpCosocket());
  }

  /** Milliseconds; 0 stands for the directive's value. */
  setTimeout(milliseconds: number): void {
    this.#run(() => this.#socket.setTimeout(milliseconds));
  }

  bind(address: string): void {
    throwIf(this.#run(() => this.#socket.bind(address)));
  }

  /** Manual: udpsock:setpeername. */
  async setPeerName(host: string, port: number): Promise<void> {
    throwIf(await settled(this.#run, () => this.#socket.setPeerName(bytes(host), port)));
  }

  send(data: Data): void {
    throwIf(this.#run(() => this.#socket.refuseSend() ?? this.#socket.send(bytes(data))));
  }

  /** The next datagram, cut to so many bytes. */
  async receive(size = LARGEST_DATAGRAM): Promise<Buffer> {
    const result: Datagram = await settled(this.#run, () => this.#socket.receive(size));
    if (result instanceof DatagramFailure) throw new SocketError(result.error);
    return Buffer.from(result, 'latin1');
  }

  close(): void {
    throwIf(this.#run(() => this.#socket.close()));
  }
}

/** Makes sockets. Manual: ngx.socket. */
export class NgxSockets {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  tcp(): NgxTcpSocket {
    return new NgxTcpSocket(this.#run);
  }

  udp(): NgxUdpSocket {
    return new NgxUdpSocket(this.#run);
  }

  /** A connection that stands. Manual: ngx.socket.connect. */
  async connect(host: string, port?: number, options: ConnectOptions = {}): Promise<NgxTcpSocket> {
    const socket = this.tcp();
    await socket.connect(host, port, options);
    return socket;
  }
}

/** The request's body as it comes, or with `raw` the client's whole connection. Manual: ngx.req.socket. */
export function clientSocket(run: Run, raw: boolean): NgxStreamSocket {
  const socket = run(() => requestSocket(raw));
  if (typeof socket === 'string') throw new SocketError(socket);
  return new NgxStreamSocket(run, socket);
}

function throwIf(error: string | undefined): void {
  if (error !== undefined) throw new SocketError(error);
}
