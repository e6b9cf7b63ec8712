/**
 * The certificates of one handshake while code chooses them: what OpenSSL keeps in an SSL object, one certificate and
 * key for each kind of key. OpenSSL: SSL_use_certificate(), SSL_use_PrivateKey(), SSL_add1_chain_cert(),
 * SSL_certs_clear() (ssl/ssl_rsa.c, ssl/ssl_cert.c).
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { CertificatePair } from '../../ssl/files.ts';

interface Slot {
  certificate: X509Certificate | undefined;
  /** PEM of the issuers' certificates. */
  chain: string[];
  key: KeyObject | undefined;
}

export class CertificateChoice {
  private readonly slots = new Map<string, Slot>();
  private last: Slot | undefined = undefined;

  /** No certificates any more, the server's own neither. */
  clear(): void {
    this.slots.clear();
    this.last = undefined;
  }

  private slot(kind: string | undefined): Slot {
    const name = kind ?? '';
    let slot = this.slots.get(name);
    if (slot === undefined) {
      slot = { certificate: undefined, chain: [], key: undefined };
      this.slots.set(name, slot);
    }
    return slot;
  }

  /** A key that does not belong to it is dropped. Its chain stays what it was: see `addIssuer`. */
  useCertificate(certificate: X509Certificate): void {
    const slot = this.slot(certificate.publicKey.asymmetricKeyType);
    slot.certificate = certificate;
    if (slot.key !== undefined && !certificate.checkPrivateKey(slot.key)) slot.key = undefined;
    this.last = slot;
  }

  /** Behind the certificate that was used last. */
  addIssuer(pem: string): void {
    this.last?.chain.push(pem);
  }

  /** @returns false for a key that does not belong to the certificate that is there for its kind */
  useKey(key: KeyObject): boolean {
    const slot = this.slot(key.asymmetricKeyType);
    if (slot.certificate !== undefined && !slot.certificate.checkPrivateKey(key)) return false;
    slot.key = key;
    return true;
  }

  /** What is fit to be shown. */
  pairs(): CertificatePair[] {
    const pairs: CertificatePair[] = [];
    for (const { certificate, chain, key } of this.slots.values()) {
      if (certificate === undefined || key === undefined) continue;
      pairs.push({
        certificate: [certificate.toString(), ...chain].join('\n'),
        key: key.export({ format: 'pem', type: 'pkcs8' }) as string,
        passphrase: undefined,
      });
    }
    return pairs;
  }
}
