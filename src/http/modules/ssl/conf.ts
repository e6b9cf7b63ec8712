/** The configuration of TLS for one server, and what handshakes run on. nginx: ngx_http_ssl_srv_conf_t. */
import type { SecureContext } from 'node:tls';
import type { ZoneRequest } from '../../../conf/cycle.ts';
import type { KeyValue } from '../../../conf/slots.ts';
import type { ComplexValue } from '../../script.ts';
import type { CertificateCache } from '../../ssl/certificate-cache.ts';
import type { CertificatePair } from '../../ssl/files.ts';
import type { VariantContext } from '../../ssl/variant-context.ts';
import type { ClientStatusConf } from './client-status.ts';
import type { TlsConnection } from './handshake.ts';
import type { SessionCacheConf } from './session-cache.ts';
import type { SessionCache } from './sessions.ts';
import type { Stapler } from './stapling.ts';

export const VERIFY_OFF = 0;
export const VERIFY_ON = 1;
export const VERIFY_OPTIONAL = 2;
export const VERIFY_OPTIONAL_NO_CA = 3;

/**
 * User code at a point of a handshake, which waits meanwhile. `ended` is called once, maybe before this returns; with
 * false the handshake fails. What is returned gives the code up, when the connection is closed before.
 */
export type HandshakeStep = (tls: TlsConnection, ended: (ok: boolean) => void) => () => void;

/** User code in handshakes; set by hosts. ngx_lua: ssl_client_hello_by_lua and others. */
export interface HandshakeCode {
  /** The client's first message is known, nothing is decided yet. */
  readonly clientHello: HandshakeStep | undefined;
  /** A session of the client is looked for; leaves it in `tls.sessionData`. TLS 1.2 and older. */
  readonly sessionFetch: HandshakeStep | undefined;
  /** Certificates are to be chosen; leaves them in `tls.choice`. */
  readonly certificate: HandshakeStep | undefined;
  /** A new session is in `tls.sessionId` and `tls.sessionData`. TLS 1.2 and older. Does not wait. */
  readonly sessionStore: ((tls: TlsConnection) => void) | undefined;
}

/** Certificates whose names are evaluated in each handshake. */
export interface VaryingCertificates {
  readonly pairs: readonly { readonly certificate: ComplexValue; readonly key: ComplexValue }[];
}

export interface SslServer {
  certificates: readonly string[] | undefined;
  certificateKeys: readonly string[] | undefined;
  certificateCache: CertificateCache | null;
  certificateCompression: boolean;
  passwords: readonly string[] | undefined;
  /** Or-ed PROTOCOL_* bits. */
  protocols: number;
  ciphers: string;
  preferServerCiphers: boolean;
  ecdhCurve: string;
  dhparam: string;
  bufferSize: number;
  verify: number;
  verifyDepth: number;
  clientCertificate: string;
  trustedCertificate: string;
  crl: string;
  sessionCache: SessionCacheConf;
  sessionTimeout: number;
  sessionTickets: boolean;
  sessionTicketKeys: readonly string[] | undefined;
  earlyData: boolean;
  rejectHandshake: boolean;
  stapling: boolean;
  /** A file with the response; '' for none. */
  staplingFile: string;
  /** What is in it. */
  ocspResponse: Buffer | undefined;
  /** In place of the responder that the certificate names; '' for none. */
  staplingResponder: string;
  staplingVerify: boolean;
  /** Fetches responses. */
  stapler: Stapler | undefined;
  /** 0 for off, 1 for on, 2 for leaf. */
  ocsp: number;
  ocspResponder: string;
  ocspCache: ZoneRequest | null;
  /** What comes of `ssl_ocsp`. */
  clientStatus: ClientStatusConf | undefined;
  confCommands: readonly KeyValue[] | undefined;

  /** Undefined without certificates; where their names have variables, without any. */
  context: SecureContext | undefined;
  /** Certificates and keys whose names have variables. */
  varying: VaryingCertificates | undefined;
  /** What `context` is made of, for handshakes with other certificates or protocols. */
  variants: VariantContext | undefined;
  /** What is shown. */
  pairs: readonly CertificatePair[];
  /** Where sessions are kept, to be asked in this order; undefined for nowhere. */
  sessions: readonly SessionCache[] | undefined;
  /** Undefined where nobody runs code in handshakes. */
  code: HandshakeCode | undefined;
}
