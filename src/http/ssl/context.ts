/**
 * Contexts of OpenSSL, as servers, backends and cosockets need them: options gathered for tls.createSecureContext(),
 * and errors of making one in nginx's words. nginx: ngx_ssl_create(), ngx_ssl_ciphers() and others of
 * src/event/ngx_event_openssl.c.
 */
import type { SecureContext, SecureContextOptions, SecureVersion } from 'node:tls';
import { ConfError } from '../../conf/error.ts';
import { opensslSuffix } from '../../net/openssl-error.ts';

export const PROTOCOL_SSL2 = 0x0002;
export const PROTOCOL_SSL3 = 0x0004;
export const PROTOCOL_TLS1 = 0x0008;
export const PROTOCOL_TLS1_1 = 0x0010;
export const PROTOCOL_TLS1_2 = 0x0020;
export const PROTOCOL_TLS1_3 = 0x0040;
export const DEFAULT_PROTOCOLS: number = PROTOCOL_TLS1_2 | PROTOCOL_TLS1_3;

/** The words of `ssl_protocols` and its kin, in lower case. */
export const PROTOCOL_WORDS: Readonly<Record<string, number>> = {
  sslv2: PROTOCOL_SSL2,
  sslv3: PROTOCOL_SSL3,
  tlsv1: PROTOCOL_TLS1,
  'tlsv1.1': PROTOCOL_TLS1_1,
  'tlsv1.2': PROTOCOL_TLS1_2,
  'tlsv1.3': PROTOCOL_TLS1_3,
};

/** Options for tls.createSecureContext(), as they are put together. */
export type ContextOptions = { -readonly [K in keyof SecureContextOptions]: SecureContextOptions[K] } & {
  secureOptions: number;
};

/** OpenSSL: SSL_OP_NO_RENEGOTIATION, which Node's constants leave out. */
const NO_RENEGOTIATION = 0x40000000;

const VERSIONS: readonly (readonly [number, SecureVersion, string])[] = [
  [PROTOCOL_TLS1, 'TLSv1', 'SSL_OP_NO_TLSv1'],
  [PROTOCOL_TLS1_1, 'TLSv1.1', 'SSL_OP_NO_TLSv1_1'],
  [PROTOCOL_TLS1_2, 'TLSv1.2', 'SSL_OP_NO_TLSv1_2'],
  [PROTOCOL_TLS1_3, 'TLSv1.3', 'SSL_OP_NO_TLSv1_3'],
];

/** OpenSSL's number of an option by its name. */
export function opensslOption(name: string): number {
  const { constants } = process.getBuiltinModule('node:crypto');
  return (constants as unknown as Record<string, number>)[name] ?? 0;
}

/** What every context begins with: no renegotiation, no compression. */
export function newContextOptions(): ContextOptions {
  return { secureOptions: NO_RENEGOTIATION | opensslOption('SSL_OP_NO_COMPRESSION') };
}

/**
 * Whatever the options said before.
 *
 * @param protocols or-ed PROTOCOL_* bits; with none that OpenSSL knows, handshakes fail
 */
export function setProtocols(options: ContextOptions, protocols: number): void {
  const wanted = VERSIONS.filter(([bit]) => (protocols & bit) !== 0);
  const last = wanted[wanted.length - 1];
  if (last !== undefined) {
    options.minVersion = (wanted[0] as (typeof VERSIONS)[number])[1];
    options.maxVersion = last[1];
  }
  for (const [bit, , option] of VERSIONS) {
    if ((protocols & bit) === 0) options.secureOptions |= opensslOption(option);
    else options.secureOptions &= ~opensslOption(option);
  }
}

/** Ciphers in OpenSSL's format, which has several separators; Node knows one. */
export function setCiphers(options: ContextOptions, ciphers: string): void {
  options.ciphers = ciphers.replace(/[, ;]+/g, ':');
}

/** Which of nginx's calls reports what Node could not do. */
function failedCall(options: ContextOptions, error: NodeJS.ErrnoException): string {
  const { message, code } = error;
  if (/cipher/.test(message) && !/certificate/.test(message)) return `SSL_CTX_set_cipher_list("${options.ciphers}")`;
  if (/ECDH curve/i.test(message)) return `SSL_CTX_set1_curves_list("${options.ecdhCurve}")`;
  if (/DH parameter/i.test(message) || code === 'ERR_INVALID_ARG_VALUE') return 'SSL_CTX_set0_tmp_dh_pkey()';
  if (/CRL/.test(message)) return 'PEM_read_bio_X509_CRL()';
  return 'SSL_CTX_new()';
}

/**
 * Makes a context.
 *
 * @throws ConfError without a position, as nginx's messages about it are
 */
export function makeContext(options: ContextOptions): SecureContext {
  const { createSecureContext } = process.getBuiltinModule('node:tls');
  try {
    return createSecureContext(options);
  } catch (e) {
    const error = e as NodeJS.ErrnoException;
    const detail = opensslSuffix(error) || ` (${error.message})`;
    throw new ConfError(`${failedCall(options, error)} failed${detail}`);
  }
}
