/**
 * What OpenSSL found out about a peer's certificate. Handshakes go on whatever it is; who wants a good certificate asks
 * here. nginx: SSL_get_verify_result(), ngx_ssl_check_host() (src/event/ngx_event_openssl.c).
 */
import type { X509Certificate } from 'node:crypto';
import type { PeerCertificate as NodeCertificate } from 'node:tls';
import { type VerifyError, verifyErrorOf } from '../../net/openssl-error.ts';
import type { TlsSession } from '../../net/tls-direct.ts';

/** Node's result of a verification: an error, or nothing when the chain is good. */
interface VerifyingHandle {
  verifyError?(): { readonly code?: string; readonly message: string } | null | undefined;
}

/** A link of a chain as Node shows it; the last one is its own issuer or has none. */
type Link = Partial<NodeCertificate> & { readonly issuerCertificate?: Link };

/** A peer's certificate. */
export interface PeerChain {
  readonly certificate: X509Certificate;
  /** How many certificates there are from the peer's to the one at the end, both included. */
  readonly length: number;
}

/**
 * The certificates that the peer has shown, its own first, in DER; none also of a server whose session was resumed. Node
 * forgets the chain when the certificate alone is asked for, and all of it when the connection is closed.
 */
export function shownCertificates(stream: TlsSession): Buffer[] {
  const shown: Buffer[] = [];
  let link = stream.getPeerCertificate(true) as Link | null | undefined;
  while (link?.raw !== undefined) {
    shown.push(link.raw);
    const issuer: Link | undefined = link.issuerCertificate;
    if (issuer === link) break;
    link = issuer;
  }
  return shown;
}

/** What the peer has shown; undefined when that was nothing. */
export function peerChain(stream: TlsSession): PeerChain | undefined {
  const shown = shownCertificates(stream);
  const [first] = shown;
  if (first === undefined) return undefined;
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  return { certificate: new X509Certificate(first), length: shown.length };
}

/** Why OpenSSL does not trust the peer's certificate; undefined when it does. */
export function verifyResult(stream: TlsSession): VerifyError | undefined {
  const handle = (stream as unknown as { _handle?: VerifyingHandle | null })._handle;
  const error = handle?.verifyError?.();
  return error === null || error === undefined ? undefined : verifyErrorOf(error);
}

/**
 * Why a chain is not to be trusted, by OpenSSL and by its length, which Node leaves unlimited.
 *
 * @param depth most certificates between the peer's and the trusted one
 * @param tooLong what a chain with more is
 */
export function verifyPeer(
  stream: TlsSession,
  chain: PeerChain,
  depth: number,
  tooLong: VerifyError,
): VerifyError | undefined {
  return verifyResult(stream) ?? (chain.length - 2 > depth ? tooLong : undefined);
}

/** Whether a certificate is for a host, as X509_check_host() sees it. */
export function matchesHost(certificate: X509Certificate, name: string): boolean {
  return name !== '' && !name.includes('\0') && certificate.checkHost(name) !== undefined;
}
