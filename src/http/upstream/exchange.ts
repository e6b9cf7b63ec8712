/**
 * One request's exchange with backends: chooses a peer, sends the request, reads the response's header, passes its body
 * on, and goes on with another peer when that is allowed. nginx: ngx_http_upstream_t (src/http/ngx_http_upstream.c).
 *
 *   start -> connect -> send -> header -> body -> finalize
 *              ^---------- next <-'
 *
 * What is sent and how a response is read is the business of a subclass, one for each protocol. There are no promises
 * and no streams: a connection calls the exchange when something happened to it, and the client's connection calls the
 * handlers that the exchange put into the request.
 */

import { connectionErrorLevel } from '../../log/connection-error.ts';
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_ALERT, LOG_CRIT, LOG_DEBUG, LOG_ERR, LOG_INFO } from '../../log/log.ts';
import { monotonicMsec } from '../../log/time.ts';
import { latin1Slice } from '../../net/latin1.ts';
import { parseLocal } from '../../net/local-address.ts';
import { isHarmless, opensslSuffix, verifyErrorByNumber } from '../../net/openssl-error.ts';
import { resolverOf } from '../../net/resolver/resolver.ts';
import { TlsSocket } from '../../net/tls.ts';
import type { TlsSession } from '../../net/tls-direct.ts';
import { inetAddress } from '../../net/url.ts';
import { type RoundRobinPeer, triesOf } from '../../upstream/peers.ts';
import { type Chain, memoryBuf } from '../buf.ts';
import {
  AGAIN,
  BUSY,
  DECLINED,
  DONE,
  ERROR,
  HTTP_BAD_GATEWAY,
  HTTP_CLIENT_CLOSED_REQUEST,
  HTTP_FORBIDDEN,
  HTTP_GATEWAY_TIME_OUT,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_NOT_FOUND,
  HTTP_REQUEST_TIME_OUT,
  HTTP_SERVICE_UNAVAILABLE,
  HTTP_SPECIAL_RESPONSE,
  HTTP_TOO_MANY_REQUESTS,
  HTTP_UNAUTHORIZED,
  OK,
} from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { finalizeRequest, runPostedRequests } from '../finalize.ts';
import { outputFilter, sendFlush, sendHeader, sendLast } from '../output.ts';
import { internalRedirect, namedLocation } from '../redirect.ts';
import {
  BUFFERED_BY_CODE,
  type HttpRequest,
  METHOD_GET,
  METHOD_HEAD,
  METHOD_LOCK,
  METHOD_PATCH,
  METHOD_POST,
  noEvent,
} from '../request.ts';
import type { PeerChain } from '../ssl/verify.ts';
import type { TempFile } from '../temp-file.ts';
import { parseUnsafeUri, unsafeUriText } from '../unsafe-uri.ts';
import { endBody, flushBody, keepReading, passBody, startBody } from './body.ts';
import {
  FT_ERROR,
  FT_HTTP_403,
  FT_HTTP_404,
  FT_HTTP_429,
  FT_HTTP_500,
  FT_HTTP_502,
  FT_HTTP_503,
  FT_HTTP_504,
  FT_INVALID_HEADER,
  FT_NOLIVE,
  FT_NON_IDEMPOTENT,
  FT_TIMEOUT,
  IGNORE_XA_REDIRECT,
  type Upstream,
  type UpstreamSettings,
} from './conf.ts';
import { UpstreamConnection } from './connection.ts';
import { sendEarlyHints } from './early-hints.ts';
import { BackendHandshake, type BackendHook, protocolOfAsker, rememberAsker } from './handshake.ts';
import { copyHeaders, copyRedirectHeaders, UpstreamHeaders } from './headers.ts';
import type { KeepaliveLimits, KeepalivePool } from './keepalive.ts';
import { findUpstream, upstreamModule } from './module.ts';
import {
  PEER_FAILED,
  PEER_NEXT,
  type PeerAddress,
  type PeerConnection,
  type PeerSelection,
  peerAddress,
} from './peer.ts';
import { EARLY_HINTS, INVALID_HEADER } from './results.ts';
import { makePeers, RoundRobinSelection } from './round-robin.ts';
import { onClientBody, sendRequest } from './send.ts';
import {
  type BackendVerdict,
  certificateProblem,
  configuredPair,
  forgetSession,
  handshakeOptions,
  hasSession,
  isRefused,
  judgeBackend,
  judges,
  planTls,
  type TlsPlan,
} from './ssl.ts';
import { newState, separator, type UpstreamState } from './state.ts';
import { startTunnel, type Tunnel } from './upgrade.ts';

/** A backend that was found out when the request was here. nginx: ngx_http_upstream_resolved_t. */
export interface ResolvedTarget {
  readonly host: string;
  readonly port: number;
  readonly noPort: boolean;
  /** Undefined for a name. */
  readonly address: PeerAddress | undefined;
}

// What the exchange waits for.
const PHASE_CONNECT = 0;
const PHASE_HANDSHAKE = 1;
const PHASE_HEADER = 2;
const PHASE_BODY = 3;

/** Statuses for which another peer may be asked. */
const NEXT_STATUSES: ReadonlyMap<number, number> = new Map([
  [HTTP_INTERNAL_SERVER_ERROR, FT_HTTP_500],
  [HTTP_BAD_GATEWAY, FT_HTTP_502],
  [HTTP_SERVICE_UNAVAILABLE, FT_HTTP_503],
  [HTTP_GATEWAY_TIME_OUT, FT_HTTP_504],
  [HTTP_FORBIDDEN, FT_HTTP_403],
  [HTTP_NOT_FOUND, FT_HTTP_404],
  [HTTP_TOO_MANY_REQUESTS, FT_HTTP_429],
]);

const NON_IDEMPOTENT_METHODS = METHOD_POST | METHOD_LOCK | METHOD_PATCH;

/** The kernel reports these from the call itself, not from the connection that is being made. */
const IMMEDIATE_FAILURES = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EACCES', 'EPERM', 'EINVAL', 'EAFNOSUPPORT']);

export abstract class Exchange implements PeerConnection {
  readonly r: HttpRequest;
  readonly conf: UpstreamSettings;

  // The peer.
  resolved: ResolvedTarget | undefined = undefined;
  selection: PeerSelection | undefined = undefined;
  peer: RoundRobinPeer | undefined = undefined;
  hint: string | undefined = undefined;
  tries = 0;
  address: PeerAddress | undefined = undefined;
  name = '';
  /** What stands between `name` and the URI in logs; undefined until a peer is chosen. */
  private nameEnd: '' | ':' | undefined = undefined;
  cached = false;
  pool: KeepalivePool | undefined = undefined;
  /** Whose idle connections `pool` may give, where that matters. */
  poolOwner: object | string;
  /** In place of the pool's own. */
  poolLimits: KeepaliveLimits | undefined = undefined;
  local: { readonly address: string; readonly port: number } | undefined = undefined;
  connectTimeout: number;
  sendTimeout: number;
  readTimeout: number;
  connection: UpstreamConnection | undefined = undefined;
  /** Backends are spoken to by TLS. */
  secure = false;
  /** Name of the upstream, which its certificates are for if nothing else is said. */
  host = '';
  private plan: TlsPlan | undefined = undefined;
  /** The handshake that user code decides about now. */
  handshake: BackendHandshake | undefined = undefined;
  private cancelHook: (() => void) | undefined = undefined;
  state: UpstreamState | undefined = undefined;
  /** Monotonic milliseconds: of the first attempt, and of the present one. */
  private firstBegun = 0;
  private begun = 0;
  private phase = PHASE_CONNECT;

  // The request.
  /** Up to the body, or with a body of its own. */
  requestText = '';
  /** For the log. */
  uri = '';
  /** The client's body follows. */
  sendBody = false;
  /** What stands behind that. */
  requestTail = '';
  requestSent = false;
  requestBodySent = false;
  /** Of a body in a file. */
  filePosition = 0;

  // The response.
  /** Its header, or what has come of it; `pos` is behind what was read. */
  text = '';
  pos = 0;
  headers: UpstreamHeaders = new UpstreamHeaders();
  private responseReceived = false;
  private hintsSize = 0;
  headerSent = false;
  buffering: boolean;
  upgrade = false;
  /** The connection may serve another request. */
  keepalive = false;
  /** Bytes of body that must still come: 0 at the end, -1 when only the end of the connection tells. */
  length = -1;
  /** Although buffered, pieces do not wait for each other while the client takes them: they may be all for a while. */
  passAtOnce = false;
  /** Pieces of body for the client, and how many bytes of them are in memory. */
  pending: Chain = [];
  pendingSize = 0;
  /** The end of the response was passed on with its last piece. */
  lastSent = false;
  tempFile: TempFile | undefined = undefined;
  tunnel: Tunnel | undefined = undefined;
  sendTimerSet = false;
  /** Bytes a second that are read of the body; 0: no limit. Since when, in whole seconds, and whether it waits for that. */
  rate = 0;
  rateSince = 0;
  rateDelayed = false;
  /** The client gets no more. */
  downstreamError = false;
  /** The response becomes a file, whether the client waits for it or not. */
  storing = false;
  finalized = false;
  /** While the name of the target is looked up. */
  private cancelResolving: (() => void) | undefined = undefined;

  constructor(r: HttpRequest, conf: UpstreamSettings) {
    this.r = r;
    this.conf = conf;
    this.poolOwner = conf;
    this.buffering = conf.buffering;
    this.connectTimeout = conf.connectTimeout;
    this.sendTimeout = conf.sendTimeout;
    this.readTimeout = conf.readTimeout;
    r.upstream = this;
  }

  // What a protocol does.

  /** `http://`: in front of the peer's name in the log. */
  abstract readonly schema: string;
  /** Makes `requestText` and `uri`, and decides `sendBody`. Returns OK, or ERROR (logged). */
  protected abstract createRequest(): number;
  /** Forgets what was read of a response: another peer is asked. */
  protected abstract reinit(): void;
  /** Reads the header from `text` at `pos`, and leaves `pos` behind what it used. Returns OK, AGAIN, INVALID_HEADER, EARLY_HINTS or ERROR. */
  protected abstract readHeader(): number;
  /** Sets `length` to the body that must come. */
  abstract initBody(): void;
  /** Takes bytes of the body: `addPending`, `length`, and `keepalive` at the end. Returns OK, or ERROR (logged). */
  abstract readBody(data: string | Buffer): number;

  /** Frames a part of a body that is passed on while it arrives. */
  frameBody(chunks: readonly (string | Buffer)[], _last: boolean): (string | Uint8Array)[] {
    return [...chunks];
  }

  /** A Location (from 0) or a Refresh (behind its `url=`) for the client, or undefined to leave it as it is. */
  rewriteRedirect(_value: string, _from: number): string | undefined {
    return undefined;
  }

  rewriteCookie(_value: string): string | undefined {
    return undefined;
  }

  /** `, upstream: "http://127.0.0.1:80/x"` for the error log once a peer is chosen, else ''. nginx: ngx_http_log_error_handler(). */
  get logText(): string {
    const { nameEnd } = this;
    return nameEnd === undefined ? '' : `, upstream: "${this.schema}${this.name}${nameEnd}${this.uri}"`;
  }

  // Begin.

  /** Begins, the client's body being here or on its way. nginx: ngx_http_upstream_init_request(). */
  start(): void {
    const { r, conf } = this;
    this.watchClient();
    if (this.createRequest() !== OK) {
      finalizeRequest(r, HTTP_INTERNAL_SERVER_ERROR);
      return;
    }
    this.setLocal();
    if (r.upstreamStates === undefined) r.upstreamStates = [];
    else r.upstreamStates.push(separator());
    r.main.addCleanup(() => {
      if (!this.finalized) this.finalize(DONE);
    });
    let upstream: Upstream | undefined = conf.upstream;
    if (this.resolved !== undefined) {
      upstream = findUpstream(upstreamModule.main(r), this.resolved);
      if (upstream === undefined) {
        this.startResolved(this.resolved);
        return;
      }
    }
    if (upstream === undefined) {
      r.log(LOG_ALERT, 'no upstream configuration');
      this.finalize(HTTP_INTERNAL_SERVER_ERROR);
      return;
    }
    this.pool = upstream.pool;
    this.host = upstream.host;
    const selection = upstream.initPeer(r, this, upstream);
    if (selection === undefined) {
      this.finalize(HTTP_INTERNAL_SERVER_ERROR);
      return;
    }
    this.begin(selection);
  }

  /** A target that no upstream block describes. */
  private startResolved(target: ResolvedTarget): void {
    const { r } = this;
    const { host, port, address } = target;
    this.host = host;
    if (port === 0 && (address === undefined || !('path' in address.target))) {
      r.log(LOG_ERR, `no port in upstream "${host}"`);
      this.finalize(HTTP_INTERNAL_SERVER_ERROR);
      return;
    }
    if (address !== undefined) {
      this.beginWith([address], host);
      return;
    }
    const { resolver, resolverTimeout } = coreModule.location(r);
    if (resolver === undefined) {
      r.log(LOG_ERR, `no resolver defined to resolve ${host}`);
      this.finalize(HTTP_BAD_GATEWAY);
      return;
    }
    const all = resolverOf(resolver, r.http.cycle.log);
    const known = all.lookup(host);
    if (known !== undefined) {
      this.beginWith(peersAt(known, port), host);
      return;
    }
    this.cancelResolving = all.resolve(host, resolverTimeout, (failed, addresses) => {
      this.cancelResolving = undefined;
      if (failed === undefined) {
        this.beginWith(peersAt(addresses, port), host);
      } else {
        r.log(LOG_ERR, `${host} could not be resolved (${failed.text})`);
        this.finalize(HTTP_BAD_GATEWAY);
      }
      runPostedRequests(r.connection);
    });
  }

  private beginWith(addresses: readonly PeerAddress[], host: string): void {
    const peers = makePeers(host, addresses);
    this.tries = triesOf(peers);
    this.begin(new RoundRobinSelection(peers));
  }

  private begin(selection: PeerSelection): void {
    this.selection = selection;
    this.firstBegun = monotonicMsec();
    const most = this.conf.nextUpstreamTries;
    if (most > 0 && this.tries > most) this.tries = most;
    this.connect();
  }

  private setLocal(): void {
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

  /** Makes the request anew, between two attempts. Returns OK, or ERROR (logged). */
  recreateRequest(): number {
    return this.createRequest();
  }

  /** Notices when the client goes, unless it does not matter. */
  watchClient(): void {
    const { r } = this;
    const watched = !r.postAction && !this.conf.ignoreClientAbort && this.conf.store === null;
    if (this.phase !== PHASE_BODY) r.writeEventHandler = watched ? onClientWritable : noEvent;
    if (r.readingBody) {
      r.readEventHandler = onClientBody;
      return;
    }
    r.readEventHandler = watched ? onClientGone : noEvent;
    if (watched) r.connection.watchClose(r);
  }

  // Connect.

  /** Makes an attempt. nginx: ngx_http_upstream_connect(). */
  private connect(): void {
    const { r } = this;
    r.connection.action = 'connecting to upstream';
    const now = monotonicMsec();
    if (this.state !== undefined && this.state.responseTime === -1) this.state.responseTime = now - this.begun;
    const state = newState();
    this.state = state;
    (r.upstreamStates as UpstreamState[]).push(state);
    this.begun = now;
    this.cached = false;
    const rc = (this.selection as PeerSelection).get(this);
    if (rc !== AGAIN) this.chosen(rc);
  }

  /** For a selection that could not choose at once: goes on with its result, from an event. */
  chosenLater(rc: number): void {
    if (this.finalized) return;
    const c = this.r.connection;
    this.chosen(rc);
    runPostedRequests(c);
  }

  /** @param rc as the selection's `get` gives it, but for AGAIN */
  private chosen(rc: number): void {
    const { r } = this;
    const state = this.state as UpstreamState;
    if (rc === ERROR || rc > OK) {
      this.finalize(rc > OK ? rc : HTTP_INTERNAL_SERVER_ERROR);
      return;
    }
    state.peer = this.name;
    this.nameEnd = this.address !== undefined && 'path' in this.address.target ? ':' : '';
    if (rc === BUSY) {
      r.log(LOG_ERR, 'no live upstreams');
      this.next(FT_NOLIVE);
      return;
    }
    if (rc === DECLINED) {
      this.next(FT_ERROR);
      return;
    }
    if (this.requestSent || this.responseReceived) this.forgetResponse();
    this.requestSent = false;
    this.requestBodySent = false;
    this.responseReceived = false;
    this.open(this.address as PeerAddress);
  }

  /** Takes an idle connection, or makes a new one. */
  private open(address: PeerAddress): void {
    this.phase = PHASE_CONNECT;
    const { tls } = this.conf;
    this.plan = this.secure && tls !== undefined ? planTls(this.r, tls, this.host) : undefined;
    const idle = this.pool?.take(address.name, this.poolOwner, this.plan?.key ?? '');
    this.selection?.onTake?.(this, idle);
    if (idle !== undefined) {
      this.cached = true;
      this.connection = idle;
      idle.exchange = this;
      idle.requests++;
      this.onReady();
      return;
    }
    this.connectTo(address);
  }

  private connectTo(address: PeerAddress): void {
    this.phase = PHASE_CONNECT;
    const { target } = address;
    const where = 'path' in target || this.local === undefined ? target : { ...target, bind: this.local };
    const connection = new UpstreamConnection(where, address.name, this);
    this.connection = connection;
    connection.requests = 1;
    connection.setBuffers(this.r, this.conf);
    connection.writeTimer.set(this.connectTimeout);
  }

  private forgetResponse(): void {
    this.reinit();
    this.text = '';
    this.pos = 0;
    this.headers = new UpstreamHeaders();
    this.keepalive = false;
    this.upgrade = false;
    this.hintsSize = 0;
    this.buffering = this.conf.buffering;
  }

  // Events of the connection.

  onConnect(): void {
    const connection = this.connection as UpstreamConnection;
    if (this.conf.socketKeepalive) connection.socket.setKeepAlive(true);
    if (this.plan !== undefined) this.startTls(connection, this.plan);
    else {
      connection.writeTimer.clear();
      connection.open();
      this.onReady();
    }
    runPostedRequests(this.r.connection);
  }

  /** The timer goes on: connecting and the handshake share proxy_connect_timeout. */
  private startTls(connection: UpstreamConnection, plan: TlsPlan): void {
    const { r } = this;
    const address = this.address as PeerAddress;
    const choose = plan.chosen === undefined ? plan.settings.hooks?.certificate : undefined;
    if (choose !== undefined) {
      const protocol = hasSession(plan, address) ? undefined : protocolOfAsker(address.name, plan.key);
      if (protocol !== undefined) {
        this.chooseCertificate(plan, choose, protocol, () => this.startTls(connection, plan));
        return;
      }
    }
    let options = handshakeOptions(r, plan, address);
    if (options === undefined) {
      this.finalize(HTTP_INTERNAL_SERVER_ERROR);
      return;
    }
    if (choose !== undefined) {
      options = { ...options, onCertificateRequest: (protocol) => this.onCertificateRequest(plan, choose, protocol) };
    }
    // An abbreviated handshake is slow with Nagle's algorithm.
    if (plan.settings.reuseSessions && coreModule.location(r).tcpNodelay) connection.socket.setNoDelay(true);
    this.phase = PHASE_HANDSHAKE;
    r.connection.action = 'SSL handshaking to upstream';
    connection.startTls(options, plan.key);
  }

  /** The backend asks for a certificate, and the handshake waits. */
  private onCertificateRequest(plan: TlsPlan, choose: BackendHook, protocol: string): void {
    const address = this.address as PeerAddress;
    rememberAsker(address.name, plan.key, protocol);
    this.chooseCertificate(plan, choose, protocol, (changed) => {
      if (!changed) {
        this.connection?.goOn();
        return;
      }
      // Only a new connection can show another certificate.
      this.dropConnection(false);
      this.connectTo(address);
    });
    runPostedRequests(this.r.connection);
  }

  /** Has user code choose what to show, which is in `plan.chosen` then. */
  private chooseCertificate(
    plan: TlsPlan,
    choose: BackendHook,
    protocol: string,
    next: (changed: boolean) => void,
  ): void {
    const { r } = this;
    const pair = configuredPair(r, plan);
    if (pair === undefined && plan.certificate !== '') {
      this.finalize(HTTP_INTERNAL_SERVER_ERROR);
      return;
    }
    const handshake = new BackendHandshake(r, protocol, pair, undefined);
    this.runHook(choose, handshake, (ok) => {
      r.connection.action = 'proxy pass SSL handshaking';
      if (!ok) {
        this.failHandshake('0A0000EA', 'callback failed', LOG_ERR);
        return;
      }
      const { pair: chosen, changed } = handshake;
      plan.chosen = { pair: chosen, changed };
      next(changed);
    });
  }

  private runHook(hook: BackendHook, handshake: BackendHandshake, then: (ok: boolean) => void): void {
    let ended = false;
    this.handshake = handshake;
    const cancel = hook(handshake, (ok) => {
      ended = true;
      this.cancelHook = undefined;
      this.handshake = undefined;
      then(ok);
    });
    if (!ended) this.cancelHook = cancel;
  }

  /** User code, or OpenSSL if it were up to it, refuses to go on. */
  private failHandshake(code: string, reason: string, level: number): void {
    this.r.log(level, `SSL_do_handshake() failed (SSL: error:${code}:SSL routines::${reason})`);
    this.next(FT_ERROR);
  }

  private stopHook(): void {
    const cancel = this.cancelHook;
    this.cancelHook = undefined;
    this.handshake = undefined;
    cancel?.();
  }

  /** What was agreed on with the backend; undefined without TLS. */
  get tlsProtocol(): string | undefined {
    if (this.handshake !== undefined) return this.handshake.protocol;
    return this.connection?.session?.getProtocol() ?? undefined;
  }

  onSecure(stream: TlsSession): void {
    const { r } = this;
    const plan = this.plan as TlsPlan;
    if (!judges(plan)) this.openTls();
    else {
      const verdict = judgeBackend(plan, stream);
      const hook = plan.settings.hooks?.verify;
      r.connection.action = 'SSL handshaking to upstream';
      if (isRefused(plan, verdict)) this.refuseBackend(plan);
      else if (hook === undefined || verdict.chain === undefined) {
        this.accept(plan, certificateProblem(plan, stream, verdict));
      } else this.verifyByHook(plan, hook, stream, verdict, verdict.chain);
    }
    runPostedRequests(r.connection);
  }

  private verifyByHook(
    plan: TlsPlan,
    hook: BackendHook,
    stream: TlsSession,
    verdict: BackendVerdict,
    chain: PeerChain,
  ): void {
    const { r } = this;
    const handshake = new BackendHandshake(r, stream.getProtocol() ?? '', undefined, chain.certificate);
    const skip = plan.settings.hooks?.skipDefaultVerify === true;
    if (!skip) {
      handshake.verifyResult = verdict.error?.number ?? 0;
      r.log(LOG_DEBUG, 'proxy_ssl_verify_by_lua: openssl default verify');
    }
    const before = handshake.verifyResult;
    this.runHook(hook, handshake, (ok) => {
      r.connection.action = 'proxy pass SSL handshaking';
      if (!ok) {
        this.refuseBackend(plan);
        return;
      }
      const { verifyResult } = handshake;
      const error = verifyResult === before && !skip ? verdict.error : verifyErrorByNumber(verifyResult);
      // No connection of the next request with other ideas resumes a session of ours without being asked.
      if (error !== undefined || verdict.error !== undefined) forgetSession(plan, this.address as PeerAddress);
      this.accept(plan, certificateProblem(plan, stream, { chain, error }));
    });
  }

  private refuseBackend(plan: TlsPlan): void {
    forgetSession(plan, this.address as PeerAddress);
    this.failHandshake('0A000086', 'certificate verify failed', LOG_CRIT);
  }

  private accept(plan: TlsPlan, problem: string | undefined): void {
    if (problem === undefined) {
      this.openTls();
      return;
    }
    forgetSession(plan, this.address as PeerAddress);
    this.r.log(LOG_ERR, problem);
    this.next(FT_ERROR);
  }

  private openTls(): void {
    const connection = this.connection as UpstreamConnection;
    connection.writeTimer.clear();
    connection.open();
    this.onReady();
  }

  /** OpenSSL refused, or the connection failed; undefined: the backend closed it. */
  onHandshakeError(error: NodeJS.ErrnoException | undefined): void {
    const { r } = this;
    this.stopHook();
    r.connection.action = 'SSL handshaking to upstream';
    const ssl = error === undefined ? '' : opensslSuffix(error);
    if (ssl !== '') {
      r.log(isHarmless(error) ? LOG_ERR : LOG_CRIT, `SSL_do_handshake() failed${ssl}`);
    } else {
      const suffix = error === undefined ? '' : errnoSuffix(error);
      const level = error?.code === undefined ? LOG_ERR : connectionErrorLevel(error.code);
      r.log(level, `peer closed connection in SSL handshake${suffix}`);
    }
    this.next(FT_ERROR);
    runPostedRequests(r.connection);
  }

  private onReady(): void {
    this.phase = PHASE_HEADER;
    this.continueRequest(true);
  }

  /** Sends the request, or goes on with it. nginx: ngx_http_upstream_send_request(). */
  continueRequest(mayWrite: boolean): void {
    const state = this.state as UpstreamState;
    if (state.connectTime === -1) state.connectTime = monotonicMsec() - this.begun;
    if (this.requestBodySent) return;
    this.r.connection.action = 'sending request to upstream';
    const rc = sendRequest(this, mayWrite);
    if (rc === OK) {
      const connection = this.connection as UpstreamConnection;
      connection.writeTimer.clear();
      this.requestBodySent = true;
      if (!this.headerSent) connection.readTimer.set(this.readTimeout);
    } else if (rc === AGAIN) {
      const { socket, writeTimer } = this.connection as UpstreamConnection;
      if (socket.pendingBytes > 0) writeTimer.set(this.sendTimeout);
      else writeTimer.clear();
    } else if (rc === ERROR) {
      this.next(FT_ERROR);
    } else {
      this.finalize(rc);
    }
  }

  onDrain(): void {
    if (this.tunnel !== undefined) {
      this.tunnel.backendDrained();
      return;
    }
    // A response that came before the request was sent ends the sending.
    if (this.headerSent || this.requestBodySent) return;
    this.continueRequest(true);
    runPostedRequests(this.r.connection);
  }

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.tunnel !== undefined) {
      this.tunnel.fromBackend(buffer, start, end);
      return;
    }
    const size = end - start;
    (this.state as UpstreamState).bytesReceived += size;
    const { connection: c } = this.r;
    if (this.phase === PHASE_BODY) {
      c.action = 'reading upstream';
      // Large pieces are cheaper as buffers, for they are only passed on; filters and chunks want strings.
      passBody(this, size >= LARGE ? copy(buffer, start, end) : latin1Slice(buffer, start, end));
    } else {
      c.action = 'reading response header from upstream';
      this.responseReceived = true;
      const piece = latin1Slice(buffer, start, end);
      this.text = this.text === '' ? piece : this.text + piece;
      if (this.requestBodySent) (this.connection as UpstreamConnection).readTimer.set(this.readTimeout);
      this.processHeader();
    }
    runPostedRequests(c);
  }

  onEnd(): void {
    if (this.tunnel !== undefined) {
      this.tunnel.backendEnd();
      return;
    }
    const { r } = this;
    if (this.phase === PHASE_BODY) {
      r.connection.action = 'reading upstream';
      this.endBody(this.length === -1 ? 0 : HTTP_BAD_GATEWAY, 'upstream prematurely closed connection');
    } else {
      r.connection.action = 'reading response header from upstream';
      r.log(LOG_ERR, 'upstream prematurely closed connection');
      this.next(FT_ERROR);
    }
    runPostedRequests(r.connection);
  }

  onError(code: string): void {
    if (this.tunnel !== undefined) {
      this.r.log(connectionErrorLevel(code), `recv() failed${errnoSuffix(code)}`);
      this.tunnel.backendEnd();
      return;
    }
    const { r } = this;
    const tls = this.tlsFailure();
    const level = tls === undefined ? connectionErrorLevel(code) : tlsLevel(this.tlsCause());
    const suffix = errnoSuffix(code);
    if (this.phase === PHASE_BODY) {
      r.connection.action = 'reading upstream';
      const failed = tls ?? `${this.buffering ? 'readv' : 'recv'}() failed${suffix}`;
      this.endBody(HTTP_BAD_GATEWAY, failed, level);
    } else if (this.phase === PHASE_CONNECT) {
      const connection = this.connection as UpstreamConnection;
      r.connection.action = 'connecting to upstream';
      const immediate = connection.unix || IMMEDIATE_FAILURES.has(code);
      if (code === 'EADDRNOTAVAIL' && this.local !== undefined) {
        r.log(LOG_CRIT, `bind(${localText(this.local)}) failed${suffix}`);
        this.finalize(HTTP_INTERNAL_SERVER_ERROR);
      } else {
        const critical = immediate && level === LOG_ALERT;
        const what = immediate ? `connect() to ${connection.name} failed` : 'connect() failed';
        r.log(critical ? LOG_CRIT : level, `${what}${suffix}`);
        this.next(FT_ERROR);
      }
    } else {
      r.connection.action = 'reading response header from upstream';
      r.log(level, tls ?? `recv() failed${suffix}`);
      this.next(FT_ERROR);
    }
    runPostedRequests(r.connection);
  }

  private tlsCause(): Error | undefined {
    const socket = this.connection?.socket;
    return socket instanceof TlsSocket ? socket.cause : undefined;
  }

  /** What to log of a failure that OpenSSL reported; undefined of any other. */
  private tlsFailure(): string | undefined {
    const cause = this.tlsCause();
    const ssl = cause === undefined ? '' : opensslSuffix(cause);
    return ssl === '' ? undefined : `SSL_read() failed${ssl}`;
  }

  onReadTimeout(): void {
    if (this.tunnel !== undefined) {
      this.tunnel.backendTimedOut();
      return;
    }
    if (this.rateDelayed) {
      this.rateDelayed = false;
      keepReading(this);
      return;
    }
    const { r } = this;
    if (this.phase === PHASE_BODY) {
      r.connection.action = 'reading upstream';
      // What has not filled a buffer when the time is over is lost with it.
      if (this.buffering && r.capture !== undefined) this.pending = [];
      this.endBody(this.buffering ? HTTP_BAD_GATEWAY : HTTP_GATEWAY_TIME_OUT, TIMED_OUT);
    } else {
      r.connection.action = 'reading response header from upstream';
      this.next(FT_TIMEOUT);
    }
    runPostedRequests(r.connection);
  }

  onWriteTimeout(): void {
    if (this.tunnel !== undefined) {
      this.tunnel.backendTimedOut();
      return;
    }
    if (this.headerSent) return;
    this.next(FT_TIMEOUT);
    runPostedRequests(this.r.connection);
  }

  // The response.

  /** nginx: ngx_http_upstream_process_header(). */
  private processHeader(): void {
    const { r, conf } = this;
    for (;;) {
      const rc = this.readHeader();
      if (rc === ERROR) {
        this.finalize(HTTP_INTERNAL_SERVER_ERROR);
        return;
      }
      if (rc === INVALID_HEADER) {
        this.next(FT_INVALID_HEADER);
        return;
      }
      if (rc === AGAIN ? this.text.length >= conf.bufferSize : this.pos > conf.bufferSize) {
        r.log(LOG_ERR, 'upstream sent too big header');
        this.next(FT_INVALID_HEADER);
        return;
      }
      if (rc === AGAIN) return;
      if (rc !== EARLY_HINTS) break;
      this.hintsSize += this.pos;
      if (this.hintsSize > conf.bufferSize) r.log(LOG_INFO, 'upstream sent too big early hints');
      else if (sendEarlyHints(r, this.headers.list, conf.hidden) === ERROR) {
        this.finalize(HTTP_INTERNAL_SERVER_ERROR);
        return;
      }
      this.headers = new UpstreamHeaders();
      this.text = this.text.slice(this.pos);
      this.pos = 0;
      if (this.text === '') return;
    }
    (this.state as UpstreamState).headerTime = monotonicMsec() - this.begun;
    if (this.headers.status >= HTTP_SPECIAL_RESPONSE && (this.testNext() || this.interceptError())) return;
    this.selection?.onHeader?.(this);
    if (this.redirect()) return;
    copyHeaders(this);
    this.sendResponse();
  }

  /** Asks the next peer when the status is one of those that proxy_next_upstream names. */
  private testNext(): boolean {
    const type = NEXT_STATUSES.get(this.headers.status);
    if (type === undefined) return false;
    const { conf, r } = this;
    let mask = type;
    if (this.requestSent && (r.method & NON_IDEMPOTENT_METHODS) !== 0) mask |= FT_NON_IDEMPOTENT;
    if (this.tries <= 1 || (conf.nextUpstream & mask) !== mask) return false;
    if ((this.requestSent && r.requestBodyNoBuffering) || this.isLate()) return false;
    this.next(type);
    return true;
  }

  private isLate(): boolean {
    const timeout = this.conf.nextUpstreamTimeout;
    return timeout > 0 && monotonicMsec() - this.firstBegun >= timeout;
  }

  /** proxy_intercept_errors: an error_page of our own takes the response's place. */
  private interceptError(): boolean {
    if (!this.conf.interceptErrors) return false;
    const { status, list } = this.headers;
    const { r } = this;
    if (status === HTTP_NOT_FOUND && this.conf.intercept404) {
      this.finalize(HTTP_NOT_FOUND);
      return true;
    }
    const pages = coreModule.location(r).errorPages;
    if (pages?.some((page) => page.status === status) !== true) return false;
    if (status === HTTP_UNAUTHORIZED) {
      for (const value of list.getAll('www-authenticate')) {
        r.headersOut.list.add('WWW-Authenticate', value, 'www-authenticate');
      }
    }
    this.finalize(status);
    return true;
  }

  /** X-Accel-Redirect: the response comes from another location. */
  private redirect(): boolean {
    const uri = this.headers.list.get('x-accel-redirect');
    if (uri === undefined || (this.conf.ignoreHeaders & IGNORE_XA_REDIRECT) !== 0) return false;
    const { r } = this;
    this.finalize(DECLINED);
    copyRedirectHeaders(this);
    if (uri.startsWith('@')) {
      namedLocation(r, uri);
    } else {
      const target = parseUnsafeUri(uri);
      if (target === undefined) {
        r.log(LOG_ERR, `unsafe URI "${unsafeUriText(uri)}" was detected`);
        finalizeRequest(r, HTTP_NOT_FOUND);
        return true;
      }
      if (r.method !== METHOD_HEAD) {
        r.method = METHOD_GET;
        r.methodName = 'GET';
      }
      internalRedirect(r, target.uri, target.args ?? '');
    }
    finalizeRequest(r, DONE);
    return true;
  }

  /** nginx: ngx_http_upstream_send_response(). */
  private sendResponse(): void {
    const { r } = this;
    const connection = this.connection as UpstreamConnection;
    this.storing = this.conf.store !== null && this.buffering;
    const rc = sendHeader(r);
    if (rc === ERROR && this.storing && r.connection.error) this.downstreamError = true;
    else if (rc === ERROR || rc > OK || r.postAction) {
      this.finalize(rc);
      return;
    }
    this.headerSent = true;
    connection.writeTimer.clear();
    if (this.upgrade) {
      if ((r.buffered & BUFFERED_BY_CODE) === 0) startTunnel(this);
      else {
        // The tunnel's bytes go past the filters: not before the head has.
        connection.pause();
        r.writeEventHandler = onHeadPassed;
      }
      return;
    }
    const rest = this.text.length > this.pos ? this.text.slice(this.pos) : '';
    this.text = '';
    this.pos = 0;
    if (r.headerOnly && this.storing) this.downstreamError = true;
    else if (r.headerOnly) {
      // What came behind the header was not asked for: nobody shall find it in front of the next response.
      if (rest !== '') this.keepalive = false;
      this.finalize(rc);
      return;
    }
    this.phase = PHASE_BODY;
    startBody(this, rest);
  }

  /** A piece of body for the client. */
  addPending(data: string | Uint8Array): void {
    this.pending.push(memoryBuf(data));
    this.pendingSize += data.length;
  }

  /** No more of the body will come. `rc` 0: it is complete; else why it is not. */
  private endBody(rc: number, message: string, level: number = LOG_ERR): void {
    if (rc === 0) {
      endBody(this);
      return;
    }
    this.r.log(level, message);
    if (flushBody(this, false)) this.finalize(rc);
  }

  // End.

  /** Another attempt, or the end. nginx: ngx_http_upstream_next(). */
  next(type: number): void {
    const { r, conf } = this;
    const state = this.state as UpstreamState;
    const { connection } = this;
    if (this.address !== undefined) {
      if (connection !== undefined) state.bytesSent = connection.sent;
      const result = type === FT_HTTP_403 || type === FT_HTTP_404 ? PEER_NEXT : PEER_FAILED;
      if (this.connection !== undefined) this.selection?.onRelease?.(this, this.connection, false);
      this.releasePeer(result);
    }
    if (type === FT_TIMEOUT) r.log(LOG_ERR, TIMED_OUT);
    this.stopHook();
    // An idle connection may have been closed just now: that says nothing about the peer.
    if (this.cached && type === FT_ERROR && this.selection?.countsCached !== true) this.tries++;
    const status = statusOf(type);
    if (r.connection.error) {
      this.finalize(HTTP_CLIENT_CLOSED_REQUEST);
      return;
    }
    state.status = status;
    let mask = type;
    if (this.requestSent && (r.method & NON_IDEMPOTENT_METHODS) !== 0) mask |= FT_NON_IDEMPOTENT;
    if (
      this.tries === 0 ||
      (conf.nextUpstream & mask) !== mask ||
      (this.requestSent && r.requestBodyNoBuffering) ||
      this.isLate()
    ) {
      this.finalize(status);
      return;
    }
    this.dropConnection(false);
    this.connect();
  }

  private releasePeer(result: number): void {
    this.selection?.free(this, result);
    this.address = undefined;
  }

  private dropConnection(regular: boolean): void {
    const { connection } = this;
    this.stopHook();
    this.connection = undefined;
    connection?.close(regular);
  }

  /**
   * Ends the exchange and, but for DECLINED, the request. nginx: ngx_http_upstream_finalize_request().
   * @param rc 0 for a complete response, a status, ERROR, DONE when the request is being cleaned up
   */
  finalize(rc: number): void {
    const { r } = this;
    if (this.finalized) {
      finalizeRequest(r, DONE);
      return;
    }
    this.finalized = true;
    this.cancelResolving?.();
    this.stopHook();
    const { connection, state } = this;
    if (state !== undefined && state.responseTime === -1) {
      state.responseTime = monotonicMsec() - this.begun;
      if (connection !== undefined) state.bytesSent = connection.sent;
    }
    const kept =
      connection !== undefined &&
      this.mayKeep(connection) &&
      this.pool?.put(connection, this.poolOwner, this.poolLimits) === true;
    if (kept) this.connection = undefined;
    if (this.address !== undefined) {
      if (connection !== undefined) this.selection?.onRelease?.(this, connection, kept);
      this.releasePeer(0);
    }
    this.dropConnection(true);
    r.readEventHandler = noEvent;
    if (this.sendTimerSet) {
      this.sendTimerSet = false;
      if (!r.connection.buffered) r.connection.clearSendTimeout();
    }
    if (rc === DECLINED) return;
    r.connection.action = 'sending to client';
    if (!this.headerSent || rc === HTTP_REQUEST_TIME_OUT || rc === HTTP_CLIENT_CLOSED_REQUEST) {
      finalizeRequest(r, rc);
      return;
    }
    const truncated = rc >= HTTP_SPECIAL_RESPONSE;
    if (truncated) rc = ERROR;
    if (r.headerOnly || this.downstreamError) {
      finalizeRequest(r, rc);
      return;
    }
    if (rc === 0) {
      if (!this.lastSent) {
        this.passTrailers();
        rc = sendLast(r);
      }
    } else if (truncated) {
      // The client must see that the end is missing.
      r.keepalive = false;
      rc = sendFlush(r);
    }
    finalizeRequest(r, rc);
  }

  /** proxy_pass_trailers. */
  passTrailers(): void {
    const { trailers } = this.headers;
    if (!this.conf.passTrailers || trailers === undefined) return;
    const { hidden } = this.conf;
    for (let i = 0; i < trailers.length; i++) {
      const key = trailers.keys[i] as string;
      if (hidden.has(key)) continue;
      (this.r.headersOut.trailers ??= new UpstreamHeaders().list).add(
        trailers.names[i] as string,
        trailers.values[i] as string,
        key,
      );
    }
  }

  private mayKeep(connection: UpstreamConnection): boolean {
    return (
      this.keepalive &&
      this.requestBodySent &&
      !connection.eof &&
      !connection.failed &&
      !connection.closed &&
      this.address !== undefined &&
      !this.r.http.cycle.exiting
    );
  }
}

/** From this size on a piece of a body is a buffer. */
const LARGE = 16384;

/** nginx: ngx_ssl_connection_error(), for connections whose failures are errors. */
function tlsLevel(cause: Error | undefined): number {
  return isHarmless(cause) ? LOG_ERR : LOG_CRIT;
}

const TIMED_OUT = 'upstream timed out (110: Connection timed out)';

function peersAt(addresses: readonly string[], port: number): PeerAddress[] {
  return addresses.map((address) => peerAddress(inetAddress(address, port)));
}

function copy(buffer: Buffer, start: number, end: number): Buffer {
  const piece = Buffer.allocUnsafeSlow(end - start);
  buffer.copy(piece, 0, start, end);
  return piece;
}

/** The response's status when no other peer is asked. */
function statusOf(type: number): number {
  switch (type) {
    case FT_TIMEOUT:
    case FT_HTTP_504:
      return HTTP_GATEWAY_TIME_OUT;
    case FT_HTTP_500:
      return HTTP_INTERNAL_SERVER_ERROR;
    case FT_HTTP_503:
      return HTTP_SERVICE_UNAVAILABLE;
    case FT_HTTP_403:
      return HTTP_FORBIDDEN;
    case FT_HTTP_404:
      return HTTP_NOT_FOUND;
    case FT_HTTP_429:
      return HTTP_TOO_MANY_REQUESTS;
    default:
      return HTTP_BAD_GATEWAY;
  }
}

function localText({ address, port }: { readonly address: string; readonly port: number }): string {
  const text = address.includes(':') && port !== 0 ? `[${address}]` : address;
  return port === 0 ? text : `${text}:${port}`;
}

/** The client closed or reset its connection while a backend works for it. */
function onClientGone(r: HttpRequest): void {
  const x = r.upstream as Exchange;
  const c = r.connection;
  const { endedBy } = c;
  // A failed write was logged already.
  const known = c.error && endedBy === '';
  c.error = true;
  if (!known) {
    const tail = x.connection === undefined ? '' : ', so upstream connection is closed too';
    const suffix = endedBy === '' ? '' : errnoSuffix(endedBy);
    r.log(LOG_INFO, `epoll_wait() reported that client prematurely closed connection${tail}${suffix}`);
  }
  x.finalize(HTTP_CLIENT_CLOSED_REQUEST);
}

/** Code in a header filter that the head of an upgrade waited for has ended. */
function onHeadPassed(r: HttpRequest): void {
  const x = r.upstream as Exchange;
  if (outputFilter(r, null) === ERROR) x.finalize(ERROR);
  else if ((r.buffered & BUFFERED_BY_CODE) === 0) {
    (x.connection as UpstreamConnection).resume();
    startTunnel(x);
  }
}

function onClientWritable(r: HttpRequest): void {
  if (r.connection.error) (r.upstream as Exchange).finalize(HTTP_CLIENT_CLOSED_REQUEST);
}
