/**
 * OCSP requests and responses: made, read and verified. RFC 6960. The order of checks, and what is wrong when one
 * fails, are OpenSSL's: OCSP_basic_verify(), OCSP_resp_find_status(), OCSP_check_validity() (crypto/ocsp/ocsp_vfy.c,
 * ocsp_cl.c), in nginx's words: ngx_ssl_ocsp_verify() (src/event/ngx_event_openssl_stapling.c).
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import {
  BIT_STRING,
  bitString,
  context,
  DerError,
  DerReader,
  type DerValue,
  ENUMERATED,
  encode,
  GENERALIZED_TIME,
  generalizedTime,
  INTEGER,
  NULL,
  OCTET_STRING,
  OID,
  oid,
  oidText,
  SEQUENCE,
} from '../../net/der.ts';
import { certificateFields } from './certificate-fields.ts';

/** What a responder says about a certificate. */
export type CertificateStatus = 'good' | 'revoked' | 'unknown';

/** A certificate's status, and until when it holds. */
export interface OcspAnswer {
  readonly status: CertificateStatus;
  /** Seconds since 1970; undefined when the response does not say. */
  readonly nextUpdate: number | undefined;
}

/** A response that is not to be believed. The message is for the log. */
export class OcspError extends Error {}

const SHA1 = '1.3.14.3.2.26';
const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';
/** Extended key usage of who answers for an authority. */
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';

/** Seconds by which clocks may differ. */
const TOLERANCE = 300;

function sha1(bytes: Buffer): Buffer {
  return process.getBuiltinModule('node:crypto').createHash('sha1').update(bytes).digest();
}

/** CertID of a certificate, by SHA-1, as OpenSSL makes them. @throws DerError */
function certificateId(certificate: X509Certificate, issuer: X509Certificate): Buffer {
  const { serial, issuer: name } = certificateFields(certificate);
  return encode(
    SEQUENCE,
    encode(SEQUENCE, oid(SHA1), encode(NULL)),
    encode(OCTET_STRING, sha1(name)),
    encode(OCTET_STRING, sha1(certificateFields(issuer).publicKey)),
    encode(INTEGER, serial),
  );
}

/** A request for the status of one certificate, in DER. @throws OcspError */
export function ocspRequest(certificate: X509Certificate, issuer: X509Certificate): Buffer {
  try {
    const one = encode(SEQUENCE, certificateId(certificate, issuer));
    return encode(SEQUENCE, encode(SEQUENCE, encode(SEQUENCE, one)));
  } catch (e) {
    if (e instanceof DerError) throw new OcspError('OCSP_cert_to_id() failed');
    throw e;
  }
}

// Reading.

interface SingleResponse {
  readonly id: Buffer;
  /** hashAlgorithm, issuerNameHash and issuerKeyHash: whose certificate it is. */
  readonly algorithm: string;
  readonly nameHash: Buffer;
  readonly keyHash: Buffer;
  readonly status: CertificateStatus;
  readonly thisUpdate: number;
  readonly nextUpdate: number | undefined;
}

/** A BasicOCSPResponse. */
export interface BasicResponse {
  /** What is signed. */
  readonly data: Buffer;
  /** The signer's name, with tag and length; or the SHA-1 of its key. */
  readonly responderName: Buffer | undefined;
  readonly responderKey: Buffer | undefined;
  readonly responses: readonly SingleResponse[];
  readonly algorithm: DerValue;
  readonly signature: Buffer;
  /** In DER. */
  readonly certificates: readonly Buffer[];
}

const RESPONSE_STATUS: ReadonlyMap<number, string> = new Map([
  [0, 'successful'],
  [1, 'malformedrequest'],
  [2, 'internalerror'],
  [3, 'trylater'],
  [5, 'sigrequired'],
  [6, 'unauthorized'],
]);

/** An error of OpenSSL's library for OCSP, by its number there. */
function opensslError(call: string, reason: number, text: string): OcspError {
  const code = (0x13800000 + reason).toString(16).toUpperCase();
  return new OcspError(`${call} failed (SSL: error:${code}:OCSP routines::${text})`);
}

/** Reads a response, without believing it. What follows it is left alone. @throws OcspError */
export function parseOcspResponse(bytes: Buffer): BasicResponse {
  let status: number;
  let inner: DerReader | undefined;
  try {
    const response = new DerReader(bytes).enter();
    const { content } = response.next(ENUMERATED);
    if (content.length !== 1) throw new DerError('bad status');
    status = content[0] as number;
    inner = response.done ? undefined : response.enter(context(0)).enter();
    response.end();
  } catch (e) {
    if (!(e instanceof DerError)) throw e;
    throw new OcspError('d2i_OCSP_RESPONSE() failed');
  }
  if (status !== 0) {
    throw new OcspError(`OCSP response not successful (${status}: ${RESPONSE_STATUS.get(status) ?? '(UNKNOWN)'})`);
  }
  if (inner === undefined) throw opensslError('OCSP_response_get1_basic()', 108, 'no response data');
  try {
    if (oidText(inner.next(OID).content) !== BASIC_RESPONSE) {
      throw opensslError('OCSP_response_get1_basic()', 104, 'not basic response');
    }
    return parseBasic(new DerReader(inner.next(OCTET_STRING).content).enter());
  } catch (e) {
    if (!(e instanceof DerError)) throw e;
    throw new OcspError('OCSP_response_get1_basic() failed');
  }
}

function parseBasic(basic: DerReader): BasicResponse {
  const data = basic.next(SEQUENCE);
  const algorithm = basic.next(SEQUENCE);
  const signature = bitString(basic.next(BIT_STRING));
  const certificates: Buffer[] = [];
  const given = basic.optional(context(0));
  if (given !== undefined) {
    for (const list = new DerReader(given.content).enter(); !list.done; ) certificates.push(list.next(SEQUENCE).whole);
  }
  basic.end();
  const fields = new DerReader(data.content);
  fields.optional(context(0));
  const responder = fields.next();
  let responderName: Buffer | undefined;
  let responderKey: Buffer | undefined;
  if (responder.tag === context(1)) responderName = new DerReader(responder.content).next(SEQUENCE).whole;
  else if (responder.tag === context(2)) responderKey = new DerReader(responder.content).next(OCTET_STRING).content;
  else throw new DerError('bad responder');
  fields.next(GENERALIZED_TIME);
  const responses: SingleResponse[] = [];
  for (const list = fields.enter(); !list.done; ) responses.push(parseSingle(list.enter()));
  return { data: data.whole, responderName, responderKey, responses, algorithm, signature, certificates };
}

function parseSingle(single: DerReader): SingleResponse {
  const id = single.next(SEQUENCE);
  const parts = new DerReader(id.content);
  const algorithm = oidText(parts.enter().next(OID).content);
  const nameHash = parts.next(OCTET_STRING).content;
  const keyHash = parts.next(OCTET_STRING).content;
  const serial = parts.next(INTEGER).content;
  parts.end();
  const { tag } = single.next();
  const status = STATUS_TAGS.get(tag);
  if (status === undefined) throw new DerError('bad status');
  const thisUpdate = generalizedTime(single.next(GENERALIZED_TIME));
  const next = single.optional(context(0));
  const nextUpdate =
    next === undefined ? undefined : generalizedTime(new DerReader(next.content).next(GENERALIZED_TIME));
  // Whether the parameters of the algorithm are NULL or missing does not matter.
  const key = encode(SEQUENCE, oid(algorithm), nameHash, keyHash, serial);
  return { id: key, algorithm, nameHash, keyHash, status, thisUpdate, nextUpdate };
}

const STATUS_TAGS: ReadonlyMap<number, CertificateStatus> = new Map([
  [context(0, false), 'good'],
  [context(1), 'revoked'],
  [context(2, false), 'unknown'],
]);

// Verifying.

/** Who is believed. */
export interface OcspTrust {
  /** Certificates that belong to the one asked about: its issuers. */
  readonly chain: readonly X509Certificate[];
  /** Authorities; their issuers are not asked for. */
  readonly authorities: readonly X509Certificate[];
  /**
   * `signature`: whoever has signed is believed. `chain`: those of the chain are, others must come from an authority.
   * `all`: everyone must.
   */
  readonly verify: 'signature' | 'chain' | 'all';
}

/**
 * What a response says about a certificate, once it is known to be meant so.
 *
 * @param now seconds since 1970
 * @throws OcspError
 */
export function checkOcspResponse(
  basic: BasicResponse,
  certificate: X509Certificate,
  issuer: X509Certificate,
  trust: OcspTrust,
  now: number,
): OcspAnswer {
  verifyBasic(basic, trust, now);
  const single = findSingle(basic, certificate, issuer);
  if (single === undefined) throw new OcspError('certificate status not found in the OCSP response');
  const { status, thisUpdate, nextUpdate } = single;
  if (thisUpdate > now + TOLERANCE) throw opensslError('OCSP_check_validity()', 126, 'status not yet valid');
  if (nextUpdate !== undefined) {
    if (nextUpdate < now - TOLERANCE) throw opensslError('OCSP_check_validity()', 125, 'status expired');
    if (nextUpdate < thisUpdate) throw opensslError('OCSP_check_validity()', 124, 'nextupdate before thisupdate');
  }
  return { status, nextUpdate };
}

function findSingle(
  basic: BasicResponse,
  certificate: X509Certificate,
  issuer: X509Certificate,
): SingleResponse | undefined {
  const { serial, issuer: name } = fieldsOf(certificate);
  const wanted = encode(SEQUENCE, oid(SHA1), sha1(name), sha1(fieldsOf(issuer).publicKey), serial);
  return basic.responses.find(({ id }) => id.equals(wanted));
}

function fieldsOf(certificate: X509Certificate) {
  try {
    return certificateFields(certificate);
  } catch (e) {
    if (e instanceof DerError) throw new OcspError('OCSP_cert_to_id() failed');
    throw e;
  }
}

function verifyBasic(basic: BasicResponse, trust: OcspTrust, now: number): void {
  const own = parsed(basic.certificates);
  const known = trust.chain.find((one) => answers(basic, one));
  const signer = known ?? own.find((one) => answers(basic, one));
  if (signer === undefined) throw opensslError('OCSP_basic_verify()', 118, 'signer certificate not found');
  const key = publicKeyOf(signer);
  if (key === undefined) throw opensslError('OCSP_basic_verify()', 130, 'no signer key');
  if (!isSigned(basic, key)) throw opensslError('OCSP_basic_verify()', 117, 'signature failure');
  if (trust.verify === 'signature' || (trust.verify === 'chain' && known !== undefined)) return;
  const path = pathToAuthority(signer, [...own, ...trust.chain], trust.authorities, now);
  if (path === undefined) {
    const why = `certificate verify error:Verify error: ${untrusted(signer, now)}`;
    throw opensslError('OCSP_basic_verify()', 101, why);
  }
  checkIssuer(basic, path);
}

function parsed(certificates: readonly Buffer[]): X509Certificate[] {
  const { X509Certificate: Certificate } = process.getBuiltinModule('node:crypto');
  const out: X509Certificate[] = [];
  for (const der of certificates) {
    try {
      out.push(new Certificate(der));
    } catch {
      throw new OcspError('OCSP_response_get1_basic() failed');
    }
  }
  return out;
}

/** The response names this certificate as its signer's. */
function answers({ responderName, responderKey }: BasicResponse, certificate: X509Certificate): boolean {
  const { subject, publicKey } = fieldsOf(certificate);
  return responderName === undefined ? sha1(publicKey).equals(responderKey as Buffer) : subject.equals(responderName);
}

/** Hashes by signature algorithm. RFC 8017, RFC 5758, RFC 8410. */
const HASHES: ReadonlyMap<string, string | null> = new Map([
  ['1.2.840.113549.1.1.5', 'sha1'],
  ['1.2.840.113549.1.1.14', 'sha224'],
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10045.4.1', 'sha1'],
  ['1.2.840.10045.4.3.1', 'sha224'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.3.101.112', null],
  ['1.3.101.113', null],
]);

const RSA_PSS = '1.2.840.113549.1.1.10';
const HASH_NAMES: ReadonlyMap<string, string> = new Map([
  [SHA1, 'sha1'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

function isSigned({ data, algorithm, signature }: BasicResponse, key: KeyObject): boolean {
  const { constants, verify } = process.getBuiltinModule('node:crypto');
  try {
    const fields = new DerReader(algorithm.content);
    const id = oidText(fields.next(OID).content);
    if (id === RSA_PSS) {
      const { hash, saltLength } = pssParameters(fields);
      return verify(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature);
    }
    const hash = HASHES.get(id);
    return hash !== undefined && verify(hash, data, key, signature);
  } catch {
    // Parameters that are none, or a key of another kind: it is not signed by this key.
    return false;
  }
}

/** RSASSA-PSS-params. RFC 8017, appendix A.2.3. */
function pssParameters(fields: DerReader): { readonly hash: string; readonly saltLength: number } {
  const parameters = fields.enter();
  const named = parameters.optional(context(0));
  const id = named === undefined ? SHA1 : oidText(new DerReader(named.content).enter().next(OID).content);
  const hash = HASH_NAMES.get(id);
  if (hash === undefined) throw new DerError('unknown hash');
  parameters.optional(context(1));
  const salt = parameters.optional(context(2));
  const bytes = salt === undefined ? Buffer.from([20]) : new DerReader(salt.content).next(INTEGER).content;
  if (bytes.length === 0 || bytes.length > 4) throw new DerError('bad salt length');
  return { hash, saltLength: bytes.readIntBE(0, bytes.length) };
}

/** Most certificates of a path. */
const LONGEST_PATH = 10;

function isCurrent(certificate: X509Certificate, now: number): boolean {
  return Date.parse(certificate.validFrom) / 1000 <= now && now <= Date.parse(certificate.validTo) / 1000;
}

/** Why there is no path, as far as the certificate itself tells. */
function untrusted(certificate: X509Certificate, now: number): string {
  if (Date.parse(certificate.validFrom) / 1000 > now) return 'certificate is not yet valid';
  if (Date.parse(certificate.validTo) / 1000 < now) return 'certificate has expired';
  return hasIssued(certificate, certificate) ? 'self-signed certificate' : 'unable to get local issuer certificate';
}

/** Undefined for a key that OpenSSL cannot read. */
function publicKeyOf(certificate: X509Certificate): KeyObject | undefined {
  try {
    return certificate.publicKey;
  } catch {
    return undefined;
  }
}

/** Whether one has issued the other. */
function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  const key = publicKeyOf(issuer);
  try {
    return key !== undefined && certificate.checkIssued(issuer) && certificate.verify(key);
  } catch {
    // A signature of a kind that OpenSSL does not know.
    return false;
  }
}

/**
 * The certificates from one to a trusted one that has issued itself, both included; undefined when there is no such
 * path. Each must be valid now, and each issuer an authority.
 *
 * @param others that may be used on the way and are not trusted
 */
export function pathToAuthority(
  certificate: X509Certificate,
  others: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  now: number,
): X509Certificate[] | undefined {
  const path = [certificate];
  for (let last = certificate; isCurrent(last, now); ) {
    const trusted = authorities.find((one) => one.raw.equals(last.raw));
    if (trusted !== undefined && hasIssued(last, last)) return path;
    const issuer = [...authorities, ...others].find((one) => one.ca && !path.includes(one) && hasIssued(one, last));
    if (issuer === undefined || path.length >= LONGEST_PATH) return undefined;
    path.push((last = issuer));
  }
  return undefined;
}

/** The signer must be the issuer of the certificates that the response is about, or act for it. */
function checkIssuer(basic: BasicResponse, path: readonly X509Certificate[]): void {
  const [signer, next] = path as [X509Certificate, X509Certificate?];
  if (next !== undefined && basic.responses.every((single) => isIssuer(next, single))) {
    if (signer.keyUsage?.includes(OCSP_SIGNING) === true) return;
    throw opensslError('OCSP_basic_verify()', 103, 'missing ocspsigning usage');
  }
  if (basic.responses.length === 0 || !basic.responses.every((single) => isIssuer(signer, single))) {
    throw opensslError('OCSP_basic_verify()', 112, 'root ca not trusted');
  }
}

function isIssuer(certificate: X509Certificate, { algorithm, nameHash, keyHash }: SingleResponse): boolean {
  const hash = HASH_NAMES.get(algorithm);
  if (hash === undefined) return false;
  const { createHash } = process.getBuiltinModule('node:crypto');
  const { subject, publicKey } = fieldsOf(certificate);
  return (
    createHash(hash).update(subject).digest().equals(nameHash) &&
    createHash(hash).update(publicKey).digest().equals(keyHash)
  );
}
