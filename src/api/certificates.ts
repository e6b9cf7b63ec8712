/**
 * Certificates and private keys that user code reads: from PEM and DER, and handles for what was read. Errors are
 * texts: ngx_lua names the call of OpenSSL's that failed and throws its reasons away. ngx_lua: ngx_http_lua_ssl_certby.c.
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { privateKeyOf, splitCertificates } from '../http/ssl/files.ts';

/** A chain of certificates, the server's or client's own first. */
export class CertificateChain {
  readonly pem: string;
  #certificates: readonly X509Certificate[] | undefined;

  constructor(pem: string, certificates?: readonly X509Certificate[]) {
    this.pem = pem;
    this.#certificates = certificates;
  }

  /** They, parsed. */
  get certificates(): readonly X509Certificate[] {
    if (this.#certificates === undefined) {
      const { X509Certificate } = process.getBuiltinModule('node:crypto');
      this.#certificates = splitCertificates(this.pem).map((text) => new X509Certificate(text));
    }
    return this.#certificates;
  }

  static of(certificates: readonly X509Certificate[]): CertificateChain {
    return new CertificateChain(certificates.map((certificate) => certificate.toString()).join(''), certificates);
  }
}

/** A private key. */
export class PrivateKey {
  /** Without a password. */
  readonly pem: string;
  #key: KeyObject | undefined;

  constructor(pem: string, key?: KeyObject) {
    this.pem = pem;
    this.#key = key;
  }

  get key(): KeyObject {
    this.#key ??= privateKeyOf(this.pem, undefined);
    return this.#key;
  }

  static of(key: KeyObject): PrivateKey {
    return new PrivateKey(key.export({ format: 'pem', type: 'pkcs8' }) as string, key);
  }
}

/** The certificates of a PEM text (a byte string). Error texts: `PEM_read_bio_X509_AUX() failed` and the like. */
export function parsePemCertificates(pem: string): CertificateChain | string {
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  const found = splitCertificates(pem);
  if (found.length === 0) return 'PEM_read_bio_X509_AUX() failed';
  const out: X509Certificate[] = [];
  for (const text of found) {
    try {
      out.push(new X509Certificate(text));
    } catch {
      return out.length === 0 ? 'PEM_read_bio_X509_AUX() failed' : 'PEM_read_bio_X509() failed';
    }
  }
  return CertificateChain.of(out);
}

/** Certificates in DER, one behind the other (a byte string). */
export function parseDerCertificates(der: string): CertificateChain | string {
  const bytes = Buffer.from(der, 'latin1');
  if (bytes.length === 0) return 'invalid argument';
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  const out: X509Certificate[] = [];
  for (let pos = 0; pos < bytes.length; ) {
    try {
      const certificate = new X509Certificate(bytes.subarray(pos));
      out.push(certificate);
      pos += certificate.raw.length;
    } catch {
      return out.length === 0 ? 'd2i_X509_bio() failed' : 'd2i_X509_bio() failed in rest of chain';
    }
  }
  return CertificateChain.of(out);
}

/** A private key in PEM (a byte string). */
export function parsePemKey(pem: string, passphrase?: string): PrivateKey | string {
  try {
    return PrivateKey.of(privateKeyOf(pem, passphrase));
  } catch {
    return 'PEM_read_bio_PrivateKey() failed';
  }
}

/** A private key in DER (a byte string). */
export function parseDerKey(der: string): PrivateKey | string {
  const key = Buffer.from(der, 'latin1');
  if (key.length === 0) return 'invalid argument';
  const { createPrivateKey } = process.getBuiltinModule('node:crypto');
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return PrivateKey.of(createPrivateKey({ key, format: 'der', type }));
    } catch {
      // DER does not say which of the kinds it is.
    }
  }
  return 'd2i_PrivateKey_bio() failed';
}

/** The certificates one behind the other, as a byte string. */
export function chainToDer(chain: CertificateChain): string {
  return Buffer.concat(chain.certificates.map(({ raw }) => raw)).toString('latin1');
}

/** A key as OpenSSL writes it by itself (i2d_PrivateKey): by its algorithm's own format where there is one. */
export function keyToDer({ key }: PrivateKey): string {
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs8';
  return key.export({ format: 'der', type }).toString('latin1');
}
