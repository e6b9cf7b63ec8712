/** The configuration of TLS for one server, and what handshakes run on. nginx: ngx_http_ssl_srv_conf_t. */
import type { SecureContext } from 'node:tls';
import type { KeyValue } from '../../../conf/slots.ts';
import type { ClientHello } from '../../../net/client-hello.ts';
import type { CoreServer } from '../../core/conf.ts';
import type { ComplexValue } from '../../script.ts';
import type { CertificateCache } from '../../ssl/certificate-cache.ts';
import type { VariantContext } from '../../ssl/variant-context.ts';
import type { TlsConnection } from './handshake.ts';

export const VERIFY_OFF = 0;
export const VERIFY_ON = 1;
export const VERIFY_OPTIONAL = 2;
export const VERIFY_OPTIONAL_NO_CA = 3;

/**
 * Chooses the context for one handshake, when the server and the client's first message are known and nothing has
 * been answered yet: what ssl_client_hello_by_lua and ssl_certificate_by_lua come down to.
 *
 * @returns undefined for the server's own context, another context (`makeContext` in http/ssl/context.ts), or 'reject'
 */
export type ContextChooser = (handshake: HandshakeRequest) => ChosenContext | Promise<ChosenContext>;
export type ChosenContext = SecureContext | 'reject' | undefined;

/** What a chooser is told. */
export interface HandshakeRequest {
  readonly hello: ClientHello;
  readonly connection: TlsConnection;
  readonly server: CoreServer;
}

/** Certificates whose names are evaluated in each handshake. */
export interface VaryingCertificates {
  readonly pairs: readonly { readonly certificate: ComplexValue; readonly key: ComplexValue }[];
  readonly contexts: VariantContext;
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
  sessionCache: 'off' | 'none' | 'builtin' | 'shared';
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
  ocsp: boolean;
  confCommands: readonly KeyValue[] | undefined;

  /** Undefined without certificates; where their names have variables, without any. */
  context: SecureContext | undefined;
  /** Certificates and keys whose names have variables. */
  varying: VaryingCertificates | undefined;
  /** Set by who runs code in handshakes. */
  chooser: ContextChooser | undefined;
}
