/**
 * From an accepted connection of an HTTPS port to one that speaks HTTP: tells TLS from plain HTTP by the first byte,
 * chooses the server by the name in the client's first message, and runs the handshake.
 * nginx: ngx_http_ssl_handshake(), ngx_http_ssl_handshake_handler(), ngx_http_ssl_servername()
 * (src/http/ngx_http_request.c).
 */
import type { X509Certificate } from 'node:crypto';
import type { Block } from '../../../conf/block.ts';
import { ConfError } from '../../../conf/error.ts';
import { errnoSuffix } from '../../../log/errno.ts';
import { LOG_CRIT, LOG_DEBUG, LOG_ERR, LOG_INFO, type Log, type LogScope } from '../../../log/log.ts';
import { currentMsec } from '../../../log/time.ts';
import {
  type ClientHello,
  EMPTY_HELLO,
  HELLO_INCOMPLETE,
  HELLO_INVALID,
  parseClientHello,
} from '../../../net/client-hello.ts';
import { latin1Slice } from '../../../net/latin1.ts';
import { isHarmless, opensslSuffix, type VerifyError } from '../../../net/openssl-error.ts';
import type { AcceptedSocket, SocketOwner } from '../../../net/socket.ts';
import { Timer, type TimerOwner } from '../../../net/timer.ts';
import { type Handshake, type HandshakeOwner, newHandshake } from '../../../net/tls.ts';
import type { TlsSession } from '../../../net/tls-direct.ts';
import { alertRecord, type HandshakeControl, type HandshakeHooks } from '../../../net/tls-hooks.ts';
import type { ProxyProtocolInfo } from '../../connection.ts';
import type { CoreServer, ListenGroup } from '../../core/conf.ts';
import { coreModule } from '../../core/module.ts';
import { validateHost } from '../../protocol/host.ts';
import { addReusable, type Reusable, removeReusable } from '../../protocol/idle.ts';
import { readProxyHeader } from '../../protocol/proxy-protocol.ts';
import { type PeerChain, peerChain } from '../../ssl/verify.ts';
import { checkClientStatus } from './client-status.ts';
import { type HandshakeStep, type SslServer, VERIFY_OFF } from './conf.ts';
import { Decisions } from './decisions.ts';
import { sslModule } from './module.ts';
import { agreesOnTls13, findSession, sessionHook, sessionIdOf } from './sessions.ts';
import { renewTickets } from './ticket-keys.ts';
import { varyingContext } from './varying.ts';
import { verifyClient } from './verify.ts';

/** What becomes of a connection: HTTP over `socket`, with TLS or, when `tls` is undefined, without. */
export type StartHttp = (socket: AcceptedSocket, from: TlsConnection, tls: boolean, bytes: Buffer | undefined) => void;

/** Protocols of HTTP/1 for ALPN, as nginx lists them. */
const HTTP1_PROTOCOLS: readonly string[] = ['http/1.1', 'http/1.0', 'http/0.9'];

const ALERT_INTERNAL_ERROR = 80;
const ALERT_UNRECOGNIZED_NAME = 112;

/** One connection of an HTTPS port: its handshake, and then what is known about its TLS. */
export class TlsConnection implements SocketOwner, TimerOwner, HandshakeOwner, Reusable, LogScope {
  /** The block that it was accepted for: http's, or stream's. */
  readonly http: Block;
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
  /** Both ends' addresses. */
  readonly accepted: AcceptedSocket;
  readonly remoteAddress: string;
  /** What OCSP responders find wrong with the client's certificate. */
  statusProblem: string | undefined = undefined;
  /** What user code decides. */
  readonly decisions: Decisions = new Decisions();

  /** Told when it has ended, whether it has failed or not. */
  onLeave: (() => void) | undefined = undefined;

  readonly #start: StartHttp;
  readonly #timer: Timer = new Timer(this);
  #socket: AcceptedSocket | undefined;
  /** What a proxy in front said. */
  proxyProtocol: ProxyProtocolInfo | undefined = undefined;
  #awaitsProxyHeader: boolean;
  #received: Buffer | undefined = undefined;
  /** What came behind the handshake while the client's certificate is looked at. */
  #early: Buffer[] = [];
  #handshake: Handshake | undefined = undefined;
  #session: TlsSession | undefined = undefined;
  #control: HandshakeControl | undefined = undefined;
  /** Gives up user code that the handshake waits for. */
  #giveUp: (() => void) | undefined = undefined;
  #action = 'SSL handshaking';
  #chain: PeerChain | null | undefined = undefined;
  #verifyError: VerifyError | null | undefined = undefined;

  // Ring of reusable connections: src/http/protocol/idle.ts.
  olderReusable: Reusable | undefined = undefined;
  newerReusable: Reusable | undefined = undefined;
  reusable = false;
  reusableSince = 0;
  readonly idle = false;

  constructor(socket: AcceptedSocket, http: Block, group: ListenGroup, number: number, start: StartHttp) {
    this.http = http;
    this.group = group;
    this.connectionNumber = number;
    this.server = group.defaultServer;
    this.accepted = socket;
    this.remoteAddress = socket.remoteAddress;
    this.errorLog = coreModule.locationOf(this.server.confs).errorLog;
    this.#start = start;
    this.#awaitsProxyHeader = group.proxyProtocol;
    this.#socket = socket;
    socket.owner = this;
    this.#timer.set(this.server.clientHeaderTimeout);
    addReusable(this);
    this.log(LOG_DEBUG, 'reusable connection: 1');
    pending.add(this);
    socket.resume();
  }

  // Before the handshake.

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.#session !== undefined) {
      this.#early.push(Buffer.from(buffer.subarray(start, end)));
      return;
    }
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
      this.log(LOG_DEBUG, 'reusable connection: 0');
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
    const step = sslModule.serverOf(this.group.defaultServer.confs).code?.clientHello;
    if (step === undefined) this.#findSession();
    else {
      this.#run(step, 'loading SSL client hello by lua', (ok) => {
        if (ok) this.#findSession();
        else this.#fail('0A0000EA', 'callback failed');
      });
    }
  }

  /** Runs user code; `then` is not called when the connection is closed before. */
  #run(step: HandshakeStep, action: string, then: (ok: boolean) => void): void {
    let done = false;
    this.#action = action;
    const giveUp = step(this, (ok) => {
      done = true;
      this.#giveUp = undefined;
      this.#action = 'SSL handshaking';
      if (this.#socket !== undefined || this.#handshake !== undefined) then(ok);
    });
    if (!done) this.#giveUp = giveUp;
  }

  /** Looks for the session that the client wants to go on with. */
  #findSession(): void {
    const conf = sslModule.serverOf(this.group.defaultServer.confs);
    const fetch = conf.code?.sessionFetch;
    if (fetch === undefined && conf.sessions === undefined) {
      this.#begin(undefined);
      return;
    }
    const id = sessionIdOf(this, this.#conf());
    if (id === undefined) this.#begin(undefined);
    else if (fetch === undefined || id.tls13) this.#begin(findSession(conf, id.id));
    else {
      const { decisions } = this;
      decisions.sessionId = id.id;
      this.#run(fetch, 'fetching SSL session by lua', () => this.#begin(decisions.sessionData));
    }
  }

  /** Ends it as OpenSSL does when a callback fails. */
  #fail(code: string, reason: string): void {
    this.log(LOG_INFO, `SSL_do_handshake() failed (SSL: error:${code}:SSL routines::${reason})`);
    this.#end(ALERT_INTERNAL_ERROR);
  }

  /** Ends it with an alert. */
  #refuse(alert: number): void {
    this.log(LOG_INFO, 'handshake rejected');
    this.#end(alert);
  }

  #end(alert: number): void {
    const socket = this.#socket;
    if (socket === undefined) {
      this.#control?.sendAlert(alert);
      this.#close();
      return;
    }
    socket.write(alertRecord(alert));
    this.#leave();
    socket.end();
  }

  /** As in nginx, a server without certificates of its own is reached by those of the default server. */
  #conf(): SslServer {
    const conf: SslServer = sslModule.serverOf(this.server.confs);
    return conf.context === undefined ? sslModule.serverOf(this.group.defaultServer.confs) : conf;
  }

  /** @param session an earlier one, in DER */
  #begin(session: Buffer | undefined): void {
    const conf = this.#conf();
    const choosing = conf.code?.certificate;
    if (conf.context === undefined) {
      this.#refuse(ALERT_INTERNAL_ERROR);
      return;
    }
    const varying =
      choosing === undefined && conf.varying !== undefined
        ? varyingContext(this, this.#socket as AcceptedSocket, this.server, conf)
        : null;
    if (varying === undefined) {
      this.#fail('0A000179', 'cert cb error');
      return;
    }
    const context = varying ?? this.decisions.context(conf, choosing !== undefined);
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
        hooks: this.#hooks(conf, choosing),
        session,
      },
      this,
    );
    this.#handshake = handshake;
    // nginx: a session that goes on with TLS 1.3 gets a new ticket, since clients use a ticket once.
    renewTickets(agreesOnTls13(this, conf));
    handshake.begin(received);
    renewTickets(false);
  }

  #hooks(conf: SslServer, choosing: HandshakeStep | undefined): HandshakeHooks | undefined {
    const onNewSession = sessionHook(this, conf, sslModule.serverOf(this.group.defaultServer.confs));
    const staples = conf.ocspResponse !== undefined || conf.stapler !== undefined;
    if (choosing === undefined && !staples && onNewSession === undefined) return undefined;
    const { decisions } = this;
    const answer = (control: HandshakeControl, wantsStatus: boolean): void => {
      const response = wantsStatus ? (decisions.ocspResponse ?? conf.ocspResponse ?? this.#staple(conf)) : undefined;
      if (response !== undefined) control.setOcspResponse(response);
      this.#control = undefined;
      control.goOn();
    };
    const onCertificate = (control: HandshakeControl, wantsStatus: boolean): void => {
      if (choosing === undefined) {
        answer(control, wantsStatus);
        return;
      }
      this.#control = control;
      this.protocol = control.getProtocol() ?? '';
      this.#handshake?.pause();
      this.#run(choosing, 'loading SSL certificate by lua', (ok) => {
        if (!ok || !this.#show(control, conf)) {
          this.#fail('0A000179', 'cert cb error');
          return;
        }
        this.#handshake?.resume();
        answer(control, wantsStatus);
      });
    };
    const chooses = choosing !== undefined || staples;
    return { onCertificate: chooses ? onCertificate : undefined, onNewSession };
  }

  /** What a responder has said about the configured certificate; other ones are not stapled. */
  #staple(conf: SslServer): Buffer | undefined {
    if (conf.stapler === undefined || this.decisions.changed) return undefined;
    const { resolver, resolverTimeout } = coreModule.locationOf(this.server.confs);
    return conf.stapler.staple(this.http.cycle.log, { resolver, timeout: resolverTimeout });
  }

  /** Has the certificates shown that were chosen. */
  #show(control: HandshakeControl, conf: SslServer): boolean {
    try {
      this.decisions.show(control, conf);
      return true;
    } catch (e) {
      this.log(LOG_ERR, e instanceof ConfError ? e.message : `SSL_use_certificate() failed${opensslSuffix(e)}`);
      return false;
    }
  }

  onEnd(): void {
    // Its request may be here: who goes on reading sees the end again.
    if (this.#session !== undefined) return;
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
    this.log(LOG_DEBUG, 'SSL_do_handshake: 1');
    const { clientStatus, verify } = sslModule.serverOf(this.server.confs);
    if (clientStatus === undefined || verify === VERIFY_OFF || this.peerCertificate === undefined || this.verifyError) {
      this.#leave();
      this.#start(socket, this, true, undefined);
      return;
    }
    // Until it is known whether the certificate is still good the connection waits, as long as its handshake may last.
    this.#socket = socket;
    socket.owner = this;
    let done = false;
    const giveUp = checkClientStatus(this, clientStatus, (problem) => {
      done = true;
      this.statusProblem = problem;
      this.#giveUp = undefined;
      socket.owner = undefined;
      this.#leave();
      const early = this.#early;
      this.#start(socket, this, true, early.length === 0 ? undefined : Buffer.concat(early));
    });
    if (!done) this.#giveUp = giveUp;
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
    this.#control = undefined;
    const giveUp = this.#giveUp;
    this.#giveUp = undefined;
    giveUp?.();
    this.onLeave?.();
  }

  // Logging.

  log(level: number, message: string): void {
    if (level <= this.errorLog.level) this.errorLog.write(level, message, this);
  }

  describe(): string {
    const action = this.#awaitsProxyHeader ? 'reading PROXY protocol' : this.#action;
    return ` while ${action}, client: ${this.remoteAddress}, server: ${this.group.where.text}`;
  }

  // Once the handshake is done.

  /** An earlier session goes on; false before that is known. */
  isSessionReused(): boolean {
    return this.reused;
  }

  /** The handshake is done. */
  get established(): boolean {
    return this.#session !== undefined;
  }

  /** The configuration of the certificates that are shown. */
  get certificateConf(): SslServer {
    return this.#conf();
  }

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
      const depth = this.decisions.verification?.depth ?? sslModule.serverOf(this.server.confs).verifyDepth;
      this.#verifyError = verifyClient(this, depth) ?? null;
    }
    return this.#verifyError ?? undefined;
  }
}

const CLOSED_IN_HANDSHAKE = 'peer closed connection in SSL handshake';

/** Connections whose handshake is not done. */
const pending = new Set<TlsConnection>();

/** Ends all handshakes of an http block: worker_shutdown_timeout is over. */
export function abortHandshakes(http: Block): void {
  for (const connection of [...pending]) if (connection.http === http) connection.abort();
}
