/**
 * Certificates, keys and the like from files, with nginx's messages when they cannot be used. The files are read once,
 * by the process that loads the configuration. nginx: ngx_ssl_certificate(), ngx_ssl_read_password_file()
 * (src/event/ngx_event_openssl.c), src/event/ngx_event_openssl_cache.c.
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConfContext } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { fsPath } from '../../conf/glob.ts';
import { cycleOf } from '../../conf/resources.ts';
import { errnoNumber, errnoOf, errnoSuffix, strerror } from '../../log/errno.ts';
import { opensslSuffix } from '../../net/openssl-error.ts';
import type { CertificateCache } from './certificate-cache.ts';

/** A certificate with its chain and key, fit for tls.createSecureContext(). */
export interface CertificatePair {
  /** PEM: the certificate, then those of its issuers. */
  readonly certificate: string;
  readonly key: string;
  readonly passphrase: string | undefined;
}

/** Where names of files lead to, and how these are read. */
export interface PemFiles {
  /** A name made absolute. */
  fullName(name: string): string;
  /** The contents. Throws what readFileSync throws. */
  read(path: string): string;
  /** The call that refuses a key: of a context, or of a connection. */
  readonly useKey: 'SSL_CTX_use_PrivateKey' | 'SSL_use_PrivateKey';
}

/** The contents of a file of the configuration. Throws what readFileSync throws. */
export function readConfFile(cf: ConfContext, path: string): string {
  return cycleOf(cf).assets.get(path, () => readFileSync(fsPath(path), 'latin1'));
}

/** Files as a configuration that is being loaded names them. */
export function confFiles(cf: ConfContext): PemFiles {
  return {
    fullName: (name) => cf.fullName(name, 'conf'),
    read: (path) => readConfFile(cf, path),
    useKey: 'SSL_CTX_use_PrivateKey',
  };
}

/** Files named by variables, read when they are needed. */
export function runtimeFiles(confPrefix: string, cache: CertificateCache | null): PemFiles {
  return {
    fullName: (name) => (name.startsWith('/') ? name : confPrefix + name),
    read: (path) => cache?.read(path) ?? readFileSync(fsPath(path), 'latin1'),
    useKey: 'SSL_use_PrivateKey',
  };
}

/** What OpenSSL reports when BIO_new_file() cannot open a file. */
function openingFailed(path: string, error: unknown): string {
  const name = errnoOf(error);
  const number = errnoNumber(name);
  const code = (0x80000000 + number).toString(16).toUpperCase();
  const system = `error:${code}:system library::${strerror(name)}:calling fopen(${path}, r)`;
  const file = number === 2 ? 'error:10000080:BIO routines::no such file' : 'error:10080002:BIO routines::system lib';
  return `(SSL: ${system} ${file})`;
}

/** The PEM text that a directive's argument stands for: `data:PEM`, or a path, which is in `path` then. */
function readPem(files: PemFiles, what: string, name: string): { readonly path: string; readonly text: string } {
  if (name.startsWith('data:')) return { path: name, text: name.slice(5) };
  const path = files.fullName(name);
  try {
    return { path, text: files.read(path) };
  } catch (e) {
    throw new ConfError(`cannot load ${what} "${path}": BIO_new_file() failed ${openingFailed(path, e)}`);
  }
}

const NO_START_LINE = 'error:0480006C:PEM routines::no start line';

/** The certificates of a PEM file, each as its own text. */
export function splitCertificates(text: string): string[] {
  return text.match(/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END \1?CERTIFICATE-----/g) ?? [];
}

function parseCertificate(text: string, path: string, call: string): X509Certificate {
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  try {
    return new X509Certificate(text);
  } catch (e) {
    throw new ConfError(`cannot load certificate "${path}": ${call}() failed${opensslSuffix(e)}`);
  }
}

/** Certificates of authorities. */
export function loadAuthorities(files: PemFiles, name: string): string[] {
  const { path, text } = readPem(files, 'certificate', name);
  const certificates = splitCertificates(text);
  if (certificates.length === 0) throw noCertificate(path);
  for (const certificate of certificates) parseCertificate(certificate, path, 'PEM_read_bio_X509_AUX');
  return certificates;
}

function noCertificate(path: string): ConfError {
  return new ConfError(
    `cannot load certificate "${path}": PEM_read_bio_X509_AUX() failed ` +
      `(SSL: ${NO_START_LINE}:Expecting: TRUSTED CERTIFICATE)`,
  );
}

/** Certificate revocation lists. OpenSSL looks at what is in them when the context is made. */
export function loadCrl(files: PemFiles, name: string): string[] {
  const { path, text } = readPem(files, 'CRL', name);
  const lists = text.match(/-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----/g);
  if (lists === null) {
    throw new ConfError(
      `cannot load CRL "${path}": PEM_read_bio_X509_CRL() failed (SSL: ${NO_START_LINE}:Expecting: X509 CRL)`,
    );
  }
  return lists;
}

/** A file that one of OpenSSL's BIOs is opened on. */
function readBio(cf: ConfContext, path: string): string {
  try {
    return readConfFile(cf, path);
  } catch (e) {
    throw new ConfError(`BIO_new_file("${path}") failed ${openingFailed(path, e)}`);
  }
}

/** A file that nginx opens by itself. The position is the directive's. */
function readOwn(cf: ConfContext, path: string): string {
  try {
    return readConfFile(cf, path);
  } catch (e) {
    throw cf.error(`open() "${path}" failed${errnoSuffix(e)}`);
  }
}

/** Parameters for Diffie-Hellman, as PEM. */
export function loadDhParameters(cf: ConfContext, name: string): string {
  const path = cf.fullName(name, 'conf');
  const text = readBio(cf, path);
  if (!text.includes('-----BEGIN DH PARAMETERS-----')) {
    throw new ConfError(`PEM_read_bio_DHparams("${path}") failed (SSL: ${NO_START_LINE}:Expecting: DH PARAMETERS)`);
  }
  return text;
}

/** An OCSP response for `ssl_stapling_file`. nginx: ngx_ssl_stapling_file() (src/event/ngx_event_openssl_stapling.c). */
export function loadOcspResponse(cf: ConfContext, name: string): Buffer {
  const path = cf.fullName(name, 'conf');
  const bytes = Buffer.from(readBio(cf, path), 'latin1');
  // A SEQUENCE that begins with an ENUMERATED. RFC 6960, section 4.2.1.
  const length = bytes[1] ?? 0;
  const start = length < 0x80 ? 2 : 2 + (length & 0x7f);
  if (bytes[0] !== 0x30 || bytes[start] !== 0x0a) throw new ConfError(`d2i_OCSP_RESPONSE_bio("${path}") failed`);
  return bytes;
}

/** A certificate and its key; that they belong together is checked. */
export function loadPair(
  files: PemFiles,
  certificateName: string,
  keyName: string,
  passwords: readonly string[] | undefined,
): CertificatePair {
  const { path, text } = readPem(files, 'certificate', certificateName);
  const chain = splitCertificates(text);
  if (chain.length === 0) throw noCertificate(path);
  const first = parseCertificate(chain[0] as string, path, 'PEM_read_bio_X509_AUX');
  for (const certificate of chain.slice(1)) parseCertificate(certificate, path, 'PEM_read_bio_X509');
  if (/^(engine|store):/.test(keyName)) {
    const kind = keyName.slice(0, keyName.indexOf(':'));
    throw new ConfError(
      `cannot load certificate key "${keyName}": loading "${kind}:..." certificate keys is not supported`,
    );
  }
  const { path: keyPath, text: keyText } = readPem(files, 'certificate key', keyName);
  const { key, passphrase } = parseKey(keyText, keyPath, passwords);
  if (!first.checkPrivateKey(key)) {
    throw new ConfError(
      `${files.useKey}("${keyPath}") failed ` + '(SSL: error:05800074:x509 certificate routines::key values mismatch)',
    );
  }
  return { certificate: chain.join('\n'), key: keyText, passphrase };
}

/** A private key in PEM. The passphrase is a byte string. Throws OpenSSL's errors. */
export function privateKeyOf(key: string, passphrase: string | undefined): KeyObject {
  const bytes = passphrase === undefined ? undefined : Buffer.from(passphrase, 'latin1');
  return process.getBuiltinModule('node:crypto').createPrivateKey({ key, format: 'pem', passphrase: bytes });
}

function parseKey(
  text: string,
  path: string,
  passwords: readonly string[] | undefined,
): { key: KeyObject; passphrase: string | undefined } {
  let problem: unknown;
  for (const passphrase of passwords ?? [undefined]) {
    try {
      return { key: privateKeyOf(text, passphrase), passphrase };
    } catch (e) {
      problem = e;
    }
  }
  let reason = opensslSuffix(problem);
  if ((problem as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE') {
    // nginx would ask for it; there is nobody to ask here.
    reason = ' (SSL: error:07880109:common libcrypto routines::interrupted or cancelled)';
  } else if (reason.endsWith(':DECODER routines::unsupported)')) {
    // What OpenSSL has to say besides, Node leaves out.
    reason = `${reason.slice(0, -1)}:No supported data to decode. Input type: PEM)`;
  }
  throw new ConfError(`cannot load certificate key "${path}": PEM_read_bio_PrivateKey() failed${reason}`);
}

/** Longest line of a file of passwords. nginx: NGX_SSL_PASSWORD_BUFFER_SIZE. */
const LONGEST_PASSWORD = 4096;

/** Passwords, one a line; one empty password when there is none. The position is the directive's. */
export function loadPasswords(cf: ConfContext, name: string): string[] {
  const path = cf.fullName(name, 'conf');
  const lines = readOwn(cf, path).split('\n');
  if (lines.some((line) => line.length >= LONGEST_PASSWORD)) throw cf.error(`too long line in "${path}"`);
  const passwords = lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line)).filter((line) => line !== '');
  return passwords.length === 0 ? [''] : passwords;
}

/**
 * A key for session tickets, in Node's order: name, HMAC key, AES key. A file of 48 bytes has name, AES key, HMAC key;
 * the algorithms are the same (AES-128-CBC, HMAC-SHA256), so tickets are good for nginx with the same file.
 */
export function loadTicketKey(cf: ConfContext, name: string): Buffer {
  const path = cf.fullName(name, 'conf');
  const bytes = Buffer.from(readOwn(cf, path), 'latin1');
  if (bytes.length !== 48 && bytes.length !== 80) throw cf.error(`"${path}" must be 48 or 80 bytes`);
  if (bytes.length === 80) {
    throw cf.error(`"${path}": session ticket keys of 80 bytes (AES256) are not supported by tsresty, use 48 bytes`);
  }
  return Buffer.concat([bytes.subarray(0, 16), bytes.subarray(32, 48), bytes.subarray(16, 32)]);
}
