/**
 * TLS to backends: what the PREFIX_ssl_* directives of a location come down to, and what one connection needs of them.
 * The directives are in ssl-directives.ts, the handshake is run by exchange.ts.
 *
 * A connection is kept for, and a session resumed by, requests with the same settings only: the same context, names,
 * wishes and client certificate, which `TlsPlan.key` stands for. (nginx looks at the address alone unless `local` is
 * said, so that a connection whose certificate nobody looked at may serve a location that wants it verified.)
 *
 * nginx: ngx_http_upstream_ssl_init_connection(), ngx_http_upstream_ssl_name(), ngx_http_upstream_ssl_certificate()
 * (src/http/ngx_http_upstream.c), ngx_http_upstream_set_round_robin_peer_session().
 */
import type { SecureContext } from 'node:tls';
import { ConfError } from '../../conf/error.ts';
import { LOG_ERR } from '../../log/log.ts';
import { CHAIN_CUT, type VerifyError } from '../../net/openssl-error.ts';
import type { TlsClientOptions } from '../../net/tls-client.ts';
import type { TlsSession } from '../../net/tls-direct.ts';
import { canonicalInet } from '../../net/url.ts';
import type { HttpRequest } from '../request.ts';
import type { ComplexValue } from '../script.ts';
import type { CertificateCache } from '../ssl/certificate-cache.ts';
import { type CertificatePair, loadPair, runtimeFiles } from '../ssl/files.ts';
import { withoutCertificate } from '../ssl/names.ts';
import type { VariantContext } from '../ssl/variant-context.ts';
import { matchesHost, type PeerChain, peerChain, verifyPeer, verifyResult } from '../ssl/verify.ts';
import type { BackendHooks } from './handshake.ts';
import type { PeerAddress } from './peer.ts';

/** Sessions kept of one peer, where names vary. */
const MOST_SESSIONS = 64;

/** The settings of a location. */
export interface BackendTlsSettings {
  readonly context: VariantContext;
  /** In place of the upstream's name. */
  readonly name: ComplexValue | undefined;
  /** Send the name (SNI). */
  readonly sendName: boolean;
  readonly verify: boolean;
  readonly verifyDepth: number;
  /** `VerifyMode Peer`: OpenSSL itself refuses chains that are not good, unless proxy_ssl_verify looks at them. */
  readonly mustVerify: boolean;
  readonly reuseSessions: boolean;
  /** A client certificate whose name, or whose key's, has variables. */
  readonly certificate: { readonly certificate: ComplexValue; readonly key: ComplexValue } | undefined;
  readonly certificateCache: CertificateCache | null;
  readonly passwords: readonly string[] | undefined;
  /** User code in handshakes; set by hosts. */
  hooks: BackendHooks | undefined;
}

/** What one connection is made by. */
export interface TlsPlan {
  readonly settings: BackendTlsSettings;
  /** Who may share the connection. */
  readonly key: string;
  /** The name that the certificate must be for, and that is asked for. */
  readonly name: string;
  readonly certificate: string;
  readonly certificateKey: string;
  /** The backend's certificate was found bad: its sessions are not kept. */
  refused: boolean;
  /**
   * User code has chosen what to show; `pair` undefined: nothing. Sessions with another certificate than configured are
   * not kept: who resumed one would be taken for the request that it was chosen for.
   */
  chosen: { readonly pair: CertificatePair | undefined; readonly changed: boolean } | undefined;
}

/** The name without a port: it may come from $proxy_host or $http_host. */
function withoutPort(name: string): string {
  const bracket = name.startsWith('[') ? name.indexOf(']') : -1;
  const colon = name.indexOf(':', bracket < 0 ? 0 : bracket);
  return colon < 0 ? name : name.slice(0, colon);
}

/**
 * Works out what a request wants of its connections.
 *
 * @param host name of the upstream block, or the host of the URL
 */
export function planTls(r: HttpRequest, settings: BackendTlsSettings, host: string): TlsPlan {
  let name = host;
  if (settings.sendName || settings.verify) name = withoutPort(settings.name?.evaluate(r) ?? host);
  const certificate = settings.certificate?.certificate.evaluate(r) ?? '';
  const certificateKey = certificate === '' ? '' : (settings.certificate?.key.evaluate(r) as string);
  const { sendName, verify, verifyDepth } = settings;
  const wanted = sendName || verify ? name : '';
  const flags = (sendName ? 1 : 0) + (verify ? 2 : 0);
  const key = `${settings.context.id}:${settings.hooks?.id ?? 0}:${flags}:${verifyDepth}:${wanted}\n${certificate}\n${certificateKey}`;
  return { settings, key, name, certificate, certificateKey, refused: false, chosen: undefined };
}

/** Addresses are not sent as names. RFC 6066 section 3. */
function serverName({ settings, name }: TlsPlan): string | undefined {
  if (!settings.sendName || name === '' || name.startsWith('[') || canonicalInet(name) !== undefined) return undefined;
  return name;
}

const sessions = new WeakMap<PeerAddress, Map<string, Buffer>>();

/** What to begin a handshake with; undefined when the client certificate cannot be loaded, which was logged. */
export function handshakeOptions(r: HttpRequest, plan: TlsPlan, address: PeerAddress): TlsClientOptions | undefined {
  const { settings } = plan;
  const context = contextOf(r, plan);
  if (context === undefined) return undefined;
  const options = { context, serverName: serverName(plan), session: undefined };
  if (!settings.reuseSessions) return options;
  const { key } = plan;
  return {
    ...options,
    session: sessions.get(address)?.get(key),
    onSession: (session) => {
      // Whoever verifies wants to know what was found out about the certificate, which OpenSSL tells only with it.
      if (!plan.refused && plan.chosen?.changed !== true)
        saveSession(address, key, settings.verify ? session : withoutCertificate(session));
    },
  };
}

function saveSession(address: PeerAddress, key: string, session: Buffer): void {
  let ofPeer = sessions.get(address);
  if (ofPeer === undefined) sessions.set(address, (ofPeer = new Map()));
  if (!ofPeer.has(key) && ofPeer.size >= MOST_SESSIONS) ofPeer.delete(ofPeer.keys().next().value as string);
  ofPeer.set(key, session);
}

/** A session of a handshake that did not satisfy us is not resumed: who resumes one is not shown the chain again. */
export function forgetSession(plan: TlsPlan, address: PeerAddress): void {
  plan.refused = true;
  sessions.get(address)?.delete(plan.key);
}

function contextOf(r: HttpRequest, plan: TlsPlan): SecureContext | undefined {
  const { context } = plan.settings;
  if (plan.chosen === undefined && plan.certificate === '') return context.context;
  const pair = plan.chosen === undefined ? configuredPair(r, plan) : plan.chosen.pair;
  if (pair === undefined && plan.chosen === undefined) return undefined;
  try {
    return context.withPairs(pair === undefined ? [] : [pair]);
  } catch (e) {
    if (!(e instanceof ConfError)) throw e;
    r.log(LOG_ERR, e.message);
    return undefined;
  }
}

/** There is a session that may be resumed. */
export function hasSession(plan: TlsPlan, address: PeerAddress): boolean {
  return plan.settings.reuseSessions && sessions.get(address)?.has(plan.key) === true;
}

/** The certificate that the directives name; undefined for none, and for one that cannot be loaded, which was logged. */
export function configuredPair(r: HttpRequest, plan: TlsPlan): CertificatePair | undefined {
  const { context, certificateCache, passwords } = plan.settings;
  if (plan.certificate === '') return context.pair;
  const files = runtimeFiles(r.http.cycle.confPrefix, certificateCache);
  try {
    return loadPair(files, plan.certificate, plan.certificateKey, passwords);
  } catch (e) {
    if (!(e instanceof ConfError)) throw e;
    r.log(LOG_ERR, e.message);
    return undefined;
  }
}

function verifyFailed({ number, text }: VerifyError): string {
  return `upstream SSL certificate verify error: (${number}:${text})`;
}

/** What OpenSSL, and the depth that is allowed, say about the backend's chain. */
export interface BackendVerdict {
  /** Undefined for a session that was resumed. */
  readonly chain: PeerChain | undefined;
  readonly error: VerifyError | undefined;
}

/** Looks at the backend's certificate. */
export function judgeBackend(plan: TlsPlan, stream: TlsSession): BackendVerdict {
  const chain = peerChain(stream);
  // The session remembers what was found out then. Its chain was no longer than it is now allowed, and its
  // certificate for the same name, or it would not be kept under this plan's key.
  const error =
    chain === undefined ? verifyResult(stream) : verifyPeer(stream, chain, plan.settings.verifyDepth, CHAIN_CUT);
  return { chain, error };
}

/** Somebody wants to know about the backend's certificate. */
export function judges({ settings }: TlsPlan): boolean {
  return settings.verify || settings.mustVerify || settings.hooks?.verify !== undefined;
}

/** OpenSSL itself ends the handshake. */
export function isRefused({ settings }: TlsPlan, { error }: BackendVerdict): boolean {
  return settings.mustVerify && !settings.verify && error !== undefined && settings.hooks?.skipDefaultVerify !== true;
}

/** What is wrong with the backend's certificate; undefined when it is good, or nobody wants to know. */
export function certificateProblem(plan: TlsPlan, stream: TlsSession, verdict: BackendVerdict): string | undefined {
  const { settings, name } = plan;
  if (!settings.verify) return undefined;
  const { chain, error } = verdict;
  if (error !== undefined) return verifyFailed(error);
  if (chain === undefined && stream.isSessionReused()) return undefined;
  if (chain === undefined || !matchesHost(chain.certificate, name)) {
    return `upstream SSL certificate does not match "${name}"`;
  }
  return undefined;
}
