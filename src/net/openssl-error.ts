/**
 * OpenSSL's errors as nginx prints them. Node hands them on as lines of ERR_print_errors(), with function, file and
 * line, or in the short form of ERR_error_string(); nginx prints the short form, and grades what a client may have
 * caused by itself as harmless. nginx: ngx_ssl_error(), ngx_ssl_connection_error() (src/event/ngx_event_openssl.c).
 */

/** `[thread:]error:CODE:LIBRARY:FUNCTION:REASON[:file:line[:data]]` */
const LINE = /error:([0-9A-Fa-f]{8}):([^:\n]*):([^:\n]*):([^:\n]*)(?::[^:\n]*:\d+:([^\n]*))?/g;

/** ` (SSL: error:CODE:LIBRARY::REASON...)`, or '' when the error is none of OpenSSL's. */
export function opensslSuffix(error: unknown): string {
  const text = messageOf(error);
  let out = '';
  for (const [, code, library, , reason, data] of text.matchAll(LINE)) {
    out += ` error:${(code as string).toUpperCase()}:${library}::${reason}`;
    if (data !== undefined && data !== '') out += `:${data}`;
  }
  return out === '' ? '' : ` (SSL:${out})`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { opensslErrorStack } = error as { opensslErrorStack?: unknown };
  // The stack has what was reported before the error itself, the latest first; from Node 24 on sometimes the error, too.
  const before = Array.isArray(opensslErrorStack) ? opensslErrorStack.toReversed() : [];
  if (before.at(-1) === error.message) before.pop();
  return [...before, error.message].join('\n');
}

const LIBRARY_SSL = 20;

/** Reasons that a client's doing explains, from OpenSSL's sslerr.h; alerts (1000 to 1255) are among them too. */
const HARMLESS = new Set([
  101, 102, 103, 108, 110, 111, 112, 115, 118, 122, 129, 133, 137, 145, 146, 149, 150, 151, 152, 154, 155, 156, 159,
  160, 182, 183, 186, 187, 193, 198, 205, 213, 220, 226, 227, 234, 235, 244, 245, 246, 252, 253, 256, 258, 266, 267,
  270, 271, 281, 291, 292, 293, 298, 300, 306, 313, 335, 336, 337, 338, 345, 373, 376, 377, 396, 409, 443,
]);

/** Whether nginx logs a failed handshake, read or write of this kind at level info, and not as critical. */
export function isHarmless(error: unknown): boolean {
  const codes = [...messageOf(error).matchAll(LINE)];
  const last = codes[codes.length - 1];
  if (last === undefined) return true;
  const code = Number.parseInt(last[1] as string, 16);
  const reason = code & 0x7fffff;
  if (code >>> 23 !== LIBRARY_SSL) return false;
  return HARMLESS.has(reason) || (reason >= 1000 && reason <= 1255);
}

/** Name and number in x509_vfy.h, and text, of why a certificate does not verify. Node tells name and text. */
const VERIFY_ERRORS: Readonly<Record<string, number>> = {
  UNABLE_TO_GET_ISSUER_CERT: 2,
  UNABLE_TO_GET_CRL: 3,
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: 4,
  UNABLE_TO_DECRYPT_CRL_SIGNATURE: 5,
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: 6,
  CERT_SIGNATURE_FAILURE: 7,
  CRL_SIGNATURE_FAILURE: 8,
  CERT_NOT_YET_VALID: 9,
  CERT_HAS_EXPIRED: 10,
  CRL_NOT_YET_VALID: 11,
  CRL_HAS_EXPIRED: 12,
  ERROR_IN_CERT_NOT_BEFORE_FIELD: 13,
  ERROR_IN_CERT_NOT_AFTER_FIELD: 14,
  ERROR_IN_CRL_LAST_UPDATE_FIELD: 15,
  ERROR_IN_CRL_NEXT_UPDATE_FIELD: 16,
  OUT_OF_MEM: 17,
  DEPTH_ZERO_SELF_SIGNED_CERT: 18,
  SELF_SIGNED_CERT_IN_CHAIN: 19,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 20,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 21,
  CERT_CHAIN_TOO_LONG: 22,
  CERT_REVOKED: 23,
  INVALID_CA: 24,
  PATH_LENGTH_EXCEEDED: 25,
  INVALID_PURPOSE: 26,
  CERT_UNTRUSTED: 27,
  CERT_REJECTED: 28,
  HOSTNAME_MISMATCH: 62,
};

/** Why a certificate does not verify. */
export interface VerifyError {
  /** X509_V_ERR_*; 1 (unspecified) for those that Node has no name for. */
  readonly number: number;
  readonly text: string;
}

/** From the error that Node makes of a verification result. */
export function verifyErrorOf(error: { readonly code?: string; readonly message: string }): VerifyError {
  // Newer versions of Node add advice behind OpenSSL's text.
  const text = error.message.replace(/; if the root CA is installed locally, .*$/, '');
  return { number: VERIFY_ERRORS[error.code ?? ''] ?? 1, text };
}

/** Texts of X509_V_ERR_* (x509_vfy.h), by number, for results that user code sets. */
const VERIFY_TEXTS: ReadonlyMap<number, string> = new Map([
  [1, 'unspecified certificate verification error'],
  [2, 'unable to get issuer certificate'],
  [3, 'unable to get certificate CRL'],
  [4, "unable to decrypt certificate's signature"],
  [5, "unable to decrypt CRL's signature"],
  [6, 'unable to decode issuer public key'],
  [7, 'certificate signature failure'],
  [8, 'CRL signature failure'],
  [9, 'certificate is not yet valid'],
  [10, 'certificate has expired'],
  [11, 'CRL is not yet valid'],
  [12, 'CRL has expired'],
  [13, "format error in certificate's notBefore field"],
  [14, "format error in certificate's notAfter field"],
  [15, "format error in CRL's lastUpdate field"],
  [16, "format error in CRL's nextUpdate field"],
  [17, 'out of memory'],
  [18, 'self-signed certificate'],
  [19, 'self-signed certificate in certificate chain'],
  [20, 'unable to get local issuer certificate'],
  [21, 'unable to verify the first certificate'],
  [22, 'certificate chain too long'],
  [23, 'certificate revoked'],
  [24, 'invalid CA certificate'],
  [25, 'path length constraint exceeded'],
  [26, 'unsuitable certificate purpose'],
  [27, 'certificate not trusted'],
  [28, 'certificate rejected'],
  [50, 'application verification failure'],
  [62, 'hostname mismatch'],
]);

/** An error by its number; undefined for 0, which is none. */
export function verifyErrorByNumber(number: number): VerifyError | undefined {
  if (number === 0) return undefined;
  return { number, text: VERIFY_TEXTS.get(number) ?? `unknown certificate verification error` };
}

/** The same as nginx sees it: it lets OpenSSL go on, which then misses the issuer of the last one that it may look at. */
export const CHAIN_CUT: VerifyError = { number: 20, text: 'unable to get local issuer certificate' };

/** Whether `optional_no_ca` lets it pass: the certificate may be good, its issuer is not known. */
export function isUntrustedOnly({ number }: VerifyError): boolean {
  return number === 18 || number === 19 || number === 20 || number === 21 || number === 27;
}
