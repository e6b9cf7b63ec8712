/**
 * From an accepted connection of an HTTPS port to one that speaks HTTP: tells TLS from plain HTTP by the first byte,
 * chooses the server by the name in the client's first message, and runs the handshake.
 * nginx: ngx_http_ssl_handshake(), ngx_http_ssl_handshake_handler(), ngx_http_ssl_servername()
 * (src/http/ngx_http_request.c).
 */
import type { X509Certificate } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { errnoSuffix } from '../../../log/errno.ts';
import { LOG_CRIT, LOG_ERR, LOG_INFO, type Log, type LogScope } from '../../../log/log.ts';
import { currentMsec } from '../../../log/time.ts';
import { type ClientHello, HELLO_INCOMPLETE, HELLO_INVALID, parseClientHello } from '../../../net/client-hello.ts';
import { latin1Slice } from '../../../net/latin1.ts';
import { isHarmless, opensslSuffix, type VerifyError } from '../../../net/openssl-error.ts';
import type { AcceptedSocket, SocketOwner } from '../../../net/socket.ts';
import { Timer, type TimerOwner } from '../../../net/timer.ts';
import { type Handshake, type HandshakeOwner, newHandshake } from '../../../net/tls.ts';
import type { TlsSession } from '../../../net/tls-direct.ts';
import type { ProxyProtocolInfo } from '../../connection.ts';
import type { CoreServer, ListenGroup } from '../../core/conf.ts';
import { coreModule } from '../../core/module.ts';
import type { HttpCycle } from '../../cycle.ts';
import { validateHost } from '../../protocol/host.ts';
import { addReusable, type Reusable, removeReusable } from '../../protocol/idle.ts';
import { readProxyHeader } from '../../protocol/proxy-protocol.ts';
import { type PeerChain, peerChain } from '../../ssl/verify.ts';
import { type ChosenContext, type SslServer, VERIFY_OFF } from './conf.ts';
import { sslModule } from './module.ts';
import { varyingContext } from './varying.ts';
import { verifyClient } from './verify.ts';

/** What becomes of a connection: HTTP over `socket`, with TLS or, when `tls` is undefined, without. */
export type StartHttp = (socket: AcceptedSocket, from: TlsConnection, tls: boolean, bytes: Buffer | undefined) => void;

/** Protocols of HTTP/1 for ALPN, as nginx lists them. */
const HTTP1_PROTOCOLS: readonly string[] = ['http/1.1', 'http/1.0', 'http/0.9'];

const EMPTY_HELLO: ClientHello = {
  serverName: undefined,
  protocols: [],
  ciphers: [],
  groups: [],
  signatureAlgorithms: [],
};

const ALERT_INTERNAL_ERROR = 80;
const ALERT_UNRECOGNIZED_NAME = 112;

/** A fatal alert in a record of its own, as it is sent before there are keys. RFC 8446, sections 5.1 and 6. */
function alertRecord(description: number): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, description]);
}

/** One connection of an HTTPS port: its handshake, and then what is known about its TLS. */
export class TlsConnection implements SocketOwner, TimerOwner, HandshakeOwner, Reusable, LogScope {
  readonly http: HttpCycle;
  readonly group: ListenGroup;
  readonly connectionNumber: number;
  readonly startTime: number = currentMsec();
  /** The server by the client's name for it, else the default server. */
  server: CoreServer;
  /** The name that the client asked for, in lower case, when a server has it. */
  serverName: string | undefined = undefined;
  hello: ClientHello = EMPTY_HELLO;
  /** `TLSv1.3` and the like; '' before the handshake is done. */
  protocol = '';
  /** OpenSSL's name. */
  cipher = '';
  /** The session is an earlier one. */
  reused = false;
  errorLog: Log;
  readonly remoteAddress: string;

  readonly #start: StartHttp;
  readonly #timer: Timer = new Timer(this);
  #socket: AcceptedSocket | undefined;
  /** What a proxy in front said. */
  proxyProtocol: ProxyProtocolInfo | undefined = undefined;
  #awaitsProxyHeader: boolean;
  #received: Buffer | undefined = undefined;
  #handshake: Handshake | undefined = undefined;
  #session: TlsSession | undefined = undefined;
  #chain: PeerChain | null | undefined = undefined;
  #verifyError: VerifyError | null | undefined = undefined;

  // Ring of reusable connections: src/http/protocol/idle.ts.
  olderReusable: Reusable | undefined = undefined;
  newerReusable: Reusable | undefined = undefined;
  reusable = false;
  reusableSince = 0;
  readonly idle = false;

  constructor(socket: AcceptedSocket, http: HttpCycle, group: ListenGroup, number: number, start: StartHttp) {
    this.http = http;
    this.group = group;
    this.connectionNumber = number;
    this.server = group.defaultServer;
    this.remoteAddress = socket.remoteAddress;
    this.errorLog = coreModule.locationOf(this.server.confs).errorLog;
    this.#start = start;
    this.#awaitsProxyHeader = group.proxyProtocol;
    this.#socket = socket;
    socket.owner = this;
    this.#timer.set(this.server.clientHeaderTimeout);
    addReusable(this);
    pending.add(this);
    socket.resume();
  }

  // Before the handshake.

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.#awaitsProxyHeader) {
      const header = readProxyHeader(latin1Slice(buffer, start, end), (message) => this.log(LOG_ERR, message));
      if (header === undefined) {
        const socket = this.#socket as AcceptedSocket;
        this.#leave();
        socket.end();
        return;
      }
      this.#awaitsProxyHeader = false;
      this.proxyProtocol = header.info;
      start += header.end;
      if (start === end) return;
    }
    const piece = Buffer.from(buffer.subarray(start, end));
    if (this.#received === undefined) {
      const first = piece[0] as number;
      removeReusable(this);
      // SSL 2 had a length with its highest bit set there, since then it is the type of a record.
      if ((first & 0x80) === 0 && first !== 0x16) {
        this.#speakPlain(piece);
        return;
      }
      this.#received = piece;
    } else {
      this.#received = Buffer.concat([this.#received, piece]);
    }
    const hello = parseClientHello(this.#received);
    if (hello === HELLO_INCOMPLETE) return;
    this.#socket?.pause();
    if (hello === HELLO_INVALID) {
      this.#begin(undefined);
      return;
    }
    this.hello = hello;
    this.#choose();
  }

  #speakPlain(piece: Buffer): void {
    const socket = this.#socket as AcceptedSocket;
    this.#leave();
    socket.pause();
    this.#start(socket, this, false, piece);
  }

  #choose(): void {
    const name = this.hello.serverName;
    if (name !== undefined && name !== '') {
      const host = validateHost(name);
      if (host === undefined) {
        this.#refuse(ALERT_INTERNAL_ERROR);
        return;
      }
      const server = this.group.matchServer(host.host);
      if (server !== undefined) {
        this.serverName = host.host;
        this.server = server;
        this.errorLog = coreModule.locationOf(server.confs).errorLog;
      }
    }
    const conf = sslModule.serverOf(this.server.confs);
    if (conf.rejectHandshake) {
      this.#refuse(ALERT_UNRECOGNIZED_NAME);
      return;
    }
    if (conf.chooser === undefined) {
      this.#begin(undefined);
      return;
    }
    const chosen = conf.chooser({ hello: this.hello, connection: this, server: this.server });
    if (chosen instanceof Promise) {
      chosen.then(
        (context) => this.#chosen(context),
        (error: unknown) => {
          this.log(LOG_CRIT, `choosing a certificate failed: ${String(error)}`);
          this.#chosen('reject');
        },
      );
    } else this.#chosen(chosen);
  }

  #chosen(context: ChosenContext): void {
    // The client may have left meanwhile, or the time be over.
    if (this.#socket === undefined) return;
    if (context === 'reject') this.#refuse(ALERT_INTERNAL_ERROR);
    else this.#begin(context);
  }

  /** Ends it with an alert. */
  #refuse(alert: number): void {
    this.log(LOG_INFO, 'handshake rejected');
    this.#end(alert);
  }

  #end(alert: number): void {
    const socket = this.#socket as AcceptedSocket;
    socket.write(alertRecord(alert));
    this.#leave();
    socket.end();
  }

  #begin(chosen: SecureContext | undefined): void {
    let conf: SslServer = sslModule.serverOf(this.server.confs);
    // As in nginx, a server without certificates of its own is reached by those of the default server.
    if (conf.context === undefined) conf = sslModule.serverOf(this.group.defaultServer.confs);
    let context = chosen ?? conf.context;
    if (chosen === undefined && conf.varying !== undefined) {
      context = varyingContext(this, this.#socket as AcceptedSocket, this.server, conf);
      if (context === undefined) {
        this.log(LOG_INFO, 'SSL_do_handshake() failed (SSL: error:0A000179:SSL routines::cert cb error)');
        this.#end(ALERT_INTERNAL_ERROR);
        return;
      }
    }
    if (context === undefined) {
      this.#refuse(ALERT_INTERNAL_ERROR);
      return;
    }
    const socket = this.#socket as AcceptedSocket;
    this.#socket = undefined;
    socket.owner = undefined;
    const received = this.#received as Buffer;
    this.#received = undefined;
    const handshake = newHandshake(
      socket,
      {
        context,
        requestCertificate: conf.verify !== VERIFY_OFF,
        protocols: HTTP1_PROTOCOLS,
        recordSize: Math.min(Math.max(conf.bufferSize, 512), 16384),
        ocspResponse: conf.ocspResponse,
      },
      this,
    );
    this.#handshake = handshake;
    handshake.begin(received);
  }

  onEnd(): void {
    this.log(LOG_INFO, this.#received === undefined ? 'client closed connection' : CLOSED_IN_HANDSHAKE);
    this.#close();
  }

  onError(code: string): void {
    const what = this.#received === undefined ? 'recv() failed' : CLOSED_IN_HANDSHAKE;
    this.log(LOG_INFO, `${what}${errnoSuffix(code)}`);
    this.#close();
  }

  onDrain(): void {}

  onClose(): void {
    this.#leave();
  }

  // The handshake.

  onSecure(socket: AcceptedSocket, session: TlsSession): void {
    this.#handshake = undefined;
    this.#session = session;
    // What access logs want to know also of a connection that has broken.
    this.protocol = session.getProtocol() ?? '';
    this.cipher = session.getCipher().name;
    this.reused = session.isSessionReused();
    this.#leave();
    this.#start(socket, this, true, undefined);
  }

  onHandshakeEnd(): void {
    this.log(LOG_INFO, CLOSED_IN_HANDSHAKE);
    this.#close();
  }

  onHandshakeError(error: NodeJS.ErrnoException): void {
    const ssl = opensslSuffix(error);
    if (ssl === '') this.log(LOG_INFO, `${CLOSED_IN_HANDSHAKE}${errnoSuffix(error)}`);
    else this.log(isHarmless(error) ? LOG_INFO : LOG_CRIT, `SSL_do_handshake() failed${ssl}`);
    this.#close();
  }

  onTimer(): void {
    this.log(LOG_INFO, 'client timed out (110: Connection timed out)');
    this.#close();
  }

  closeReusable(): void {
    this.#close();
  }

  /** Closes it at once. */
  abort(): void {
    this.#close();
  }

  #close(): void {
    const socket = this.#socket;
    const handshake = this.#handshake;
    this.#leave();
    socket?.destroy();
    handshake?.destroy();
  }

  /** Nothing more is to happen here. */
  #leave(): void {
    this.#timer.release();
    removeReusable(this);
    pending.delete(this);
    this.#socket = undefined;
    this.#handshake = undefined;
    this.#received = undefined;
  }

  // Logging.

  log(level: number, message: string): void {
    if (level <= this.errorLog.level) this.errorLog.write(level, message, this);
  }

  describe(): string {
    const action = this.#awaitsProxyHeader ? 'reading PROXY protocol' : 'SSL handshaking';
    return ` while ${action}, client: ${this.remoteAddress}, server: ${this.group.where.text}`;
  }

  // Once the handshake is done.

  /** Node's view of the connection. */
  get session(): TlsSession {
    return this.#session as TlsSession;
  }

  /** What the client has shown; nothing before the handshake is done. */
  get peerChain(): PeerChain | undefined {
    if (this.#session === undefined) return undefined;
    if (this.#chain === undefined) this.#chain = peerChain(this.session) ?? null;
    return this.#chain ?? undefined;
  }

  get peerCertificate(): X509Certificate | undefined {
    return this.peerChain?.certificate;
  }

  /** Why the client's certificate is not to be trusted; undefined when it is, or when there is none. */
  get verifyError(): VerifyError | undefined {
    if (this.#verifyError === undefined) {
      this.#verifyError = verifyClient(this, sslModule.serverOf(this.server.confs).verifyDepth) ?? null;
    }
    return this.#verifyError ?? undefined;
  }
}

const CLOSED_IN_HANDSHAKE = 'peer closed connection in SSL handshake';

/** Connections whose handshake is not done. */
const pending = new Set<TlsConnection>();

/** Ends all handshakes of an http block: worker_shutdown_timeout is over. */
export function abortHandshakes(http: HttpCycle): void {
  for (const connection of [...pending]) if (connection.http === http) connection.abort();
}
