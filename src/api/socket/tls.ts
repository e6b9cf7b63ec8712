/**
 * TLS on cosockets: what tcpsock:sslhandshake wants, and what comes of it. ngx_lua: ngx_http_lua_ffi_socket_tcp_
 * sslhandshake(), ngx_http_lua_ssl_handshake_handler() (ngx_http_lua_socket_tcp.c).
 */
import type { X509Certificate } from 'node:crypto';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { CertificatePair } from '../../http/ssl/files.ts';
import { sessionCertificate } from '../../http/ssl/names.ts';
import { setPairs, type VariantContext } from '../../http/ssl/variant-context.ts';
import { matchesHost, peerChain, verifyPeer, verifyResult } from '../../http/ssl/verify.ts';
import { LOG_CRIT, LOG_ERR } from '../../log/log.ts';
import { CHAIN_CUT, isHarmless, opensslSuffix } from '../../net/openssl-error.ts';
import { PortableSocket } from '../../net/portable.ts';
import type { Socket } from '../../net/socket.ts';
import { TlsSocket } from '../../net/tls.ts';
import type { TlsSession as TlsConnection } from '../../net/tls-direct.ts';

/** The lua_ssl_* directives of a location. */
export interface SocketTls {
  readonly context: VariantContext;
  /** Most certificates between the server's and a trusted one. */
  readonly verifyDepth: number;
  /** lua_ssl_trusted_certificate names one. */
  readonly trusts: boolean;
  /** Takes lines for the key log file. */
  readonly keyLog: ((line: Buffer) => void) | undefined;
}

let lastSession = 0;

/** A session that may be resumed by a later connection. */
export class TlsSession {
  /** As OpenSSL stores sessions (i2d_SSL_SESSION). */
  readonly bytes: Buffer;
  /** Tells sessions apart in debug lines, which have an address there. */
  readonly id: number = ++lastSession;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  toString(): string {
    return (0x7f1000000000 + this.id * 512).toString(16).toUpperCase().padStart(16, '0');
  }
}

/** The arguments of tcpsock:sslhandshake. */
export interface HandshakeWish {
  /** To resume. */
  readonly session: TlsSession | undefined;
  /** The caller wants a session back. */
  readonly wantSession: boolean;
  /** For SNI and, with `verify`, what the certificate must be for; undefined or empty: no name. */
  readonly serverName: string | undefined;
  readonly verify: boolean;
  /** Ask for an OCSP response. */
  readonly requestStatus: boolean;
  /** To show to the server, in place of lua_ssl_certificate. */
  readonly pair: CertificatePair | undefined;
}

/** TLS is there (`error` undefined), or why it is not. */
export interface Handshaken {
  readonly error: string | undefined;
  readonly session: TlsSession | undefined;
}

/**
 * What a handshake begins with.
 *
 * @param pair to show in place of the context's
 * @param authorities PEM, to trust in place of the context's
 * @throws ConfError
 */
export function handshakeContext(
  context: VariantContext,
  pair: CertificatePair | undefined,
  authorities: readonly string[] | undefined,
): SecureContext {
  if (authorities === undefined) return pair === undefined ? context.context : context.withPairs([pair]);
  const name = ['trusting', ...authorities, pair?.passphrase ?? '', pair?.certificate ?? '', pair?.key ?? ''].join(
    '\n',
  );
  return context.variant(name, (options) => {
    options.ca = [...authorities];
    if (pair !== undefined) setPairs(options, [pair]);
  });
}

/** What can be asked about the TLS of a connection; undefined without TLS. */
export function tlsStreamOf(socket: Socket | undefined): TlsConnection | undefined {
  if (socket instanceof TlsSocket) return socket.session;
  if (!(socket instanceof PortableSocket)) return undefined;
  const stream = socket.stream as Partial<TLSSocket>;
  return stream.encrypted === true ? (stream as TLSSocket) : undefined;
}

/** The session of a connection as it is now; `resumed` itself if it is still that one. */
export function sessionOf(stream: TlsConnection, resumed?: TlsSession): TlsSession | undefined {
  const bytes = stream.getSession();
  if (bytes === undefined) return undefined;
  return resumed !== undefined && bytes.equals(resumed.bytes) ? resumed : new TlsSession(bytes);
}

/** X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE */
const UNVERIFIED_LEAF = 21;

/** A verification that failed: the caller's text, and the line for the log. */
export interface VerifyFailure {
  readonly error: string;
  readonly line: string;
}

/** Judges the server's certificate. */
export function verifyServer(stream: TlsConnection, tls: SocketTls, serverName: string): VerifyFailure | undefined {
  const chain = peerChain(stream);
  // A resumed session remembers what was found out about its chain, and of the chain the first certificate.
  let error = chain === undefined ? verifyResult(stream) : verifyPeer(stream, chain, tls.verifyDepth, CHAIN_CUT);
  // With lua_ssl_trusted_certificate OpenSSL is told to go on after a missing issuer, and finds a second error.
  if (!tls.trusts && error?.number === UNVERIFIED_LEAF) error = CHAIN_CUT;
  if (error !== undefined) {
    const text = `${error.number}: ${error.text}`;
    return { error: text, line: `lua ssl certificate verify error: (${text})` };
  }
  if (serverName === '') return undefined;
  const certificate = chain?.certificate ?? rememberedCertificate(stream);
  if (certificate !== undefined && matchesHost(certificate, serverName)) return undefined;
  return {
    error: 'certificate host mismatch',
    line: `lua ssl certificate does not match host "${serverName}"`,
  };
}

function rememberedCertificate(stream: TlsConnection): X509Certificate | undefined {
  const session = stream.isSessionReused() ? stream.getSession() : undefined;
  const der = session === undefined ? undefined : sessionCertificate(session);
  if (der === undefined) return undefined;
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  return new X509Certificate(der);
}

/** What OpenSSL found wrong with a connection, for the log; undefined when it was something else. */
export function tlsFailure(socket: Socket | undefined, call: string): { level: number; line: string } | undefined {
  const cause = socket instanceof TlsSocket ? socket.cause : undefined;
  const ssl = cause === undefined ? '' : opensslSuffix(cause);
  return ssl === '' ? undefined : { level: isHarmless(cause) ? LOG_ERR : LOG_CRIT, line: `${call}() failed${ssl}` };
}
