/** What Node does not tell about certificates and OCSP needs, read from their DER. RFC 5280 section 4.1. */
import type { X509Certificate } from 'node:crypto';
import {
  BIT_STRING,
  BOOLEAN,
  bitString,
  context,
  DerReader,
  INTEGER,
  OCTET_STRING,
  OID,
  oidText,
} from '../../net/der.ts';

/** Fields as they are encoded. */
export interface CertificateFields {
  /** The INTEGER's content. */
  readonly serial: Buffer;
  /** Names with tag and length. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  /** The subject's public key: the bits alone. */
  readonly publicKey: Buffer;
  /** URLs of OCSP responders, in the order of the certificate. */
  readonly responders: readonly string[];
}

const AUTHORITY_INFO_ACCESS = '1.3.6.1.5.5.7.1.1';
const ACCESS_OCSP = '1.3.6.1.5.5.7.48.1';
/** GeneralName: uniformResourceIdentifier. */
const URI = 6;

const known = new WeakMap<X509Certificate, CertificateFields>();

/** @throws DerError for certificates that OpenSSL takes and that have other fields than they should */
export function certificateFields(certificate: X509Certificate): CertificateFields {
  let fields = known.get(certificate);
  if (fields === undefined) known.set(certificate, (fields = parse(certificate.raw)));
  return fields;
}

function parse(der: Buffer): CertificateFields {
  const tbs = new DerReader(der).enter().enter();
  tbs.optional(context(0));
  const serial = tbs.next(INTEGER).content;
  tbs.next();
  const issuer = tbs.next().whole;
  tbs.next();
  const subject = tbs.next().whole;
  const key = tbs.enter();
  key.next();
  const publicKey = bitString(key.next(BIT_STRING));
  let responders: readonly string[] = [];
  while (!tbs.done) {
    const part = tbs.next();
    if (part.tag === context(3)) responders = respondersOf(new DerReader(part.content).enter());
  }
  return { serial, issuer, subject, publicKey, responders };
}

function respondersOf(extensions: DerReader): string[] {
  const out: string[] = [];
  while (!extensions.done) {
    const extension = extensions.enter();
    const id = oidText(extension.next(OID).content);
    extension.optional(BOOLEAN);
    const value = extension.next(OCTET_STRING).content;
    if (id !== AUTHORITY_INFO_ACCESS) continue;
    for (const entries = new DerReader(value).enter(); !entries.done; ) {
      const entry = entries.enter();
      const method = oidText(entry.next(OID).content);
      const where = entry.next();
      if (method === ACCESS_OCSP && where.tag === context(URI, false)) out.push(where.content.toString('latin1'));
    }
  }
  return out;
}
