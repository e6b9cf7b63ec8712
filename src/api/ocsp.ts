/**
 * ngx.ocsp: OCSP for user code, which fetches responses by itself. Chains are certificates in DER, one behind the other,
 * as byte strings: the one that is asked about, then its issuer. ngx_lua: ngx_http_lua_ssl_ocsp.c.
 */
import type { X509Certificate } from 'node:crypto';
import { certificateFields } from '../http/ssl/certificate-fields.ts';
import { checkOcspResponse, OcspError, ocspRequest, parseOcspResponse } from '../http/ssl/ocsp.ts';
import { currentSecond } from '../log/time.ts';
import { helloExtension } from '../net/client-hello.ts';
import { DerError } from '../net/der.ts';
import { clientTls } from './tls.ts';

/** What lua-resty-core gives of a text, if nothing else is said: the size of its buffer. */
export const DEFAULT_SIZE = 4096;

const EXTENSION_STATUS_REQUEST = 5;

/** The certificate at a place of a chain, and where it ends. */
function certificateAt(der: Buffer, pos: number): { readonly certificate: X509Certificate; readonly end: number } {
  const { X509Certificate: Certificate } = process.getBuiltinModule('node:crypto');
  try {
    const certificate = new Certificate(der.subarray(pos));
    return { certificate, end: pos + certificate.raw.length };
  } catch {
    throw new OcspError('d2i_X509_bio() failed');
  }
}

function issuerIn(der: Buffer, pos: number): X509Certificate {
  if (pos >= der.length) throw new OcspError('no issuer certificate in chain');
  return certificateAt(der, pos).certificate;
}

/** Runs it; errors become texts. */
function attempt<T>(action: () => T): T | { readonly error: string } {
  try {
    return action();
  } catch (e) {
    if (e instanceof OcspError) return { error: e.message };
    if (e instanceof DerError) return { error: 'd2i_X509_bio() failed' };
    throw e;
  }
}

/** The URL of the responder; undefined when the certificate names none. */
export function ocspResponder(
  chain: string,
  most: number,
): { readonly url: string; readonly truncated: boolean } | { readonly error: string } | undefined {
  return attempt(() => {
    const der = Buffer.from(chain, 'latin1');
    const { certificate, end } = certificateAt(der, 0);
    const [url] = certificateFields(certificate).responders;
    if (url === undefined) return undefined;
    const issuer = issuerIn(der, end);
    if (!certificate.checkIssued(issuer)) throw new OcspError('issuer certificate not next to leaf');
    return { url: url.slice(0, most), truncated: url.length > most };
  });
}

/** A request in DER. */
export function createOcspRequest(
  chain: string,
  most: number,
): { readonly request: string } | { readonly error: string } {
  return attempt(() => {
    const der = Buffer.from(chain, 'latin1');
    const { certificate, end } = certificateAt(der, 0);
    const request = ocspRequest(certificate, issuerIn(der, end));
    if (request.length > most) throw new OcspError(`output buffer too small: ${request.length} > ${most}`);
    return { request: request.toString('latin1') };
  });
}

/** Whether a response says that the certificate is good. It must be signed; who has signed it is not looked at. */
export function validateOcspResponse(
  response: string,
  chain: string,
): { readonly nextUpdate: number | undefined } | { readonly error: string } {
  return attempt(() => {
    const basic = parseOcspResponse(Buffer.from(response, 'latin1'));
    const der = Buffer.from(chain, 'latin1');
    const { certificate, end } = certificateAt(der, 0);
    const issuer = issuerIn(der, end);
    const trust = { chain: [issuer], authorities: [], verify: 'signature' } as const;
    const { status, nextUpdate } = checkOcspResponse(basic, certificate, issuer, trust, currentSecond());
    if (status !== 'good') throw new OcspError(`certificate status "${status}" in the OCSP response`);
    return { nextUpdate };
  });
}

/**
 * Sends a response to the client with the certificate. Returns `no status req` when the client does not want any, and
 * then nothing happens.
 */
export function setOcspStatus(response: string): 'no status req' | undefined | { readonly error: string } {
  const tls = clientTls();
  if (typeof tls === 'string') return { error: tls };
  if (helloExtension(tls.hello, EXTENSION_STATUS_REQUEST) === undefined) return 'no status req';
  tls.decisions.ocspResponse = Buffer.from(response, 'latin1');
  return undefined;
}
