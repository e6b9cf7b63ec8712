/**
 * Handshakes with backends for user code: ngx.ssl.proxysslcert, ngx.ssl.proxysslverify, ngx.proxyssl. ngx_lua:
 * ngx_http_lua_proxy_ssl_certby.c, ngx_http_lua_proxy_ssl_verifyby.c.
 */
import type { X509Certificate } from 'node:crypto';
import { privateKeyOf } from '../http/ssl/files.ts';
import type { Exchange } from '../http/upstream/exchange.ts';
import type { BackendHandshake } from '../http/upstream/handshake.ts';
import type { TlsSession } from '../net/tls-direct.ts';
import type { CertificateChain, PrivateKey } from './certificates.ts';
import { current } from './context.ts';
import { apiError } from './error.ts';
import { IN_PROXY_SSL_VERIFY } from './phase.ts';

/** Why a function could not do its work. */
export type Problem = string;

function exchange(): Exchange | Problem {
  const r = current?.r;
  if (r === undefined) apiError('no request found');
  return r.upstream === undefined ? 'bad request' : (r.upstream as Exchange);
}

function handshake(): BackendHandshake | Problem {
  const x = exchange();
  if (typeof x === 'string') return x;
  if (x.handshake !== undefined) return x.handshake;
  return x.connection?.session === undefined ? 'bad upstream connection' : 'bad ssl conn';
}

/** `TLSv1.3` and the like: what the present backend's connection speaks. */
export function backendProtocol(): { readonly protocol: string } | Problem {
  const x = exchange();
  if (typeof x === 'string') return x;
  const protocol = x.tlsProtocol;
  return protocol === undefined ? 'bad upstream connection' : { protocol };
}

/** TLS of the present backend's connection. */
export function backendSession(): TlsSession | Problem {
  const r = current?.r;
  if (r === undefined) return apiError('no request found');
  if (r.upstream === undefined) return 'bad upstream';
  const { connection } = r.upstream as Exchange;
  if (connection === undefined) return 'bad peer connection';
  return connection.session ?? 'not ssl connection';
}

/** Shows the backend no certificate, unless one is set afterwards. */
export function clearCertificates(): Problem | undefined {
  const h = handshake();
  if (typeof h === 'string') return h;
  h.certificate = undefined;
  h.key = undefined;
  h.changed = true;
  return undefined;
}

function fits(certificate: string, key: string, passphrase: string | undefined): boolean {
  const { X509Certificate: Certificate } = process.getBuiltinModule('node:crypto');
  return new Certificate(certificate).checkPrivateKey(privateKeyOf(key, passphrase));
}

/** @param chain the certificate to show, then those of its issuers */
export function showCertificate({ pem: chain }: CertificateChain): Problem | undefined {
  const h = handshake();
  if (typeof h === 'string') return h;
  h.certificate = chain;
  h.changed = true;
  // OpenSSL drops the key of another certificate.
  if (h.key !== undefined && !fits(chain, h.key, h.passphrase)) h.key = undefined;
  return undefined;
}

/** The key of the certificate. */
export function useKey({ pem: key }: PrivateKey): Problem | undefined {
  const h = handshake();
  if (typeof h === 'string') return h;
  if (h.certificate !== undefined && !fits(h.certificate, key, undefined)) return 'SSL_use_PrivateKey() failed';
  h.key = key;
  h.passphrase = undefined;
  h.changed = true;
  return undefined;
}

function verification(): BackendHandshake | Problem {
  if (current?.r === undefined) apiError('no request found');
  if (current.phase !== IN_PROXY_SSL_VERIFY) apiError('API disabled in the current context');
  return handshake();
}

/** @param result X509_V_ERR_*, 0 for a certificate that is good */
export function setVerifyResult(result: number): Problem | undefined {
  const h = verification();
  if (typeof h === 'string') return h;
  h.verifyResult = result;
  return undefined;
}

/** What was found out so far: X509_V_ERR_* or 0. */
export function getVerifyResult(): number | Problem {
  const h = verification();
  return typeof h === 'string' ? h : h.verifyResult;
}

/** The backend's certificate. */
export function getVerifyCertificate(): X509Certificate | Problem {
  const h = verification();
  return typeof h === 'string' ? h : (h.peer ?? 'bad lua context');
}
