/**
 * From directives to a context of OpenSSL's. nginx: ngx_http_ssl_merge_srv_conf() (src/http/modules/
 * ngx_http_ssl_module.c) and the functions that it calls in src/event/ngx_event_openssl.c, in their order, since the
 * first thing that is wrong is the one that is reported.
 */
import type { SecureContext, SecureContextOptions, SecureVersion } from 'node:tls';
import type { ConfContext } from '../../../conf/directive.ts';
import { ConfError } from '../../../conf/error.ts';
import { cycleOf } from '../../../conf/resources.ts';
import { LOG_WARN } from '../../../log/log.ts';
import { opensslSuffix } from '../../../net/openssl-error.ts';
import { type SslServer, VERIFY_OFF, VERIFY_OPTIONAL_NO_CA } from './conf.ts';
import { applyConfCommands } from './conf-command.ts';
import { loadAuthorities, loadCrl, loadDhParameters, loadPair, loadTicketKey } from './files.ts';

export const PROTOCOL_SSL2 = 0x0002;
export const PROTOCOL_SSL3 = 0x0004;
export const PROTOCOL_TLS1 = 0x0008;
export const PROTOCOL_TLS1_1 = 0x0010;
export const PROTOCOL_TLS1_2 = 0x0020;
export const PROTOCOL_TLS1_3 = 0x0040;
export const DEFAULT_PROTOCOLS: number = PROTOCOL_TLS1_2 | PROTOCOL_TLS1_3;

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

function setProtocols(options: ContextOptions, protocols: number): void {
  const wanted = VERSIONS.filter(([bit]) => (protocols & bit) !== 0);
  if (wanted.length === 0) {
    throw new ConfError('no protocol of "ssl_protocols" is supported by tsresty: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3 are');
  }
  options.minVersion = (wanted[0] as (typeof VERSIONS)[number])[1];
  options.maxVersion = (wanted[wanted.length - 1] as (typeof VERSIONS)[number])[1];
  for (const [bit, , option] of VERSIONS) {
    if ((protocols & bit) === 0) options.secureOptions |= opensslOption(option);
  }
}

/** Makes the server's context and leaves it in `conf.context`. */
export function buildContext(cf: ConfContext, conf: SslServer): void {
  const { certificates, certificateKeys } = conf;
  if (certificates !== undefined) {
    if (certificateKeys === undefined || certificateKeys.length < certificates.length) {
      const last = certificates[certificates.length - 1] as string;
      throw new ConfError(`no "ssl_certificate_key" is defined for certificate "${last}"`);
    }
  } else {
    // A server that refuses all handshakes refuses them before there is any use for a context.
    return;
  }
  const options: ContextOptions = { secureOptions: NO_RENEGOTIATION | opensslOption('SSL_OP_NO_COMPRESSION') };
  setProtocols(options, conf.protocols);
  setCiphers(options, conf);
  setCertificates(cf, options, conf);
  setAuthorities(cf, options, conf);
  if (conf.crl !== '') options.crl = loadCrl(cf, conf.crl);
  if (conf.dhparam !== '') options.dhparam = loadDhParameters(cf, conf.dhparam);
  if (conf.ecdhCurve !== 'auto') options.ecdhCurve = conf.ecdhCurve;
  setSessions(cf, options, conf);
  if (conf.stapling) throw new ConfError('"ssl_stapling" is not supported yet by tsresty');
  if (conf.ocsp) throw new ConfError('"ssl_ocsp" is not supported yet by tsresty');
  if (conf.certificateCompression) {
    throw new ConfError('"ssl_certificate_compression" is not supported by tsresty: Node.js does not offer it');
  }
  if (conf.earlyData) warn(cf, '"ssl_early_data" is not supported on this platform, ignored');
  applyConfCommands(options, conf.confCommands ?? []);
  conf.context = makeContext(options);
}

/** A warning about the server as a whole: without a position. */
function warn(cf: ConfContext, message: string): void {
  cycleOf(cf).log.write(LOG_WARN, message);
}

function setCiphers(options: ContextOptions, conf: SslServer): void {
  // OpenSSL takes several separators, Node one.
  options.ciphers = conf.ciphers.replace(/[, ;]+/g, ':');
  if (conf.preferServerCiphers) options.secureOptions |= opensslOption('SSL_OP_CIPHER_SERVER_PREFERENCE');
}

function setCertificates(cf: ConfContext, options: ContextOptions, conf: SslServer): void {
  const certificates = conf.certificates as readonly string[];
  const keys = conf.certificateKeys as readonly string[];
  for (const name of [...certificates, ...keys.slice(0, certificates.length)]) {
    if (name.includes('$')) {
      throw new ConfError(
        'variables in "ssl_certificate" and "ssl_certificate_key" directives are not supported yet by tsresty',
      );
    }
  }
  const pairs = certificates.map((name, i) => loadPair(cf, name, keys[i] as string, conf.passwords));
  options.cert = pairs.map((pair) => pair.certificate);
  options.key = pairs.map(({ key, passphrase }) =>
    passphrase === undefined ? { pem: key } : { pem: key, passphrase },
  );
}

/** Nobody is trusted but those that are named; Node would trust its own list. */
function setAuthorities(cf: ConfContext, options: ContextOptions, conf: SslServer): void {
  const authorities: string[] = [];
  if (conf.verify !== VERIFY_OFF) {
    if (conf.verify !== VERIFY_OPTIONAL_NO_CA && conf.clientCertificate === '' && conf.trustedCertificate === '') {
      throw new ConfError('no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client');
    }
    if (conf.clientCertificate !== '') authorities.push(...loadAuthorities(cf, conf.clientCertificate));
  }
  if (conf.trustedCertificate !== '') authorities.push(...loadAuthorities(cf, conf.trustedCertificate));
  options.ca = authorities;
}

/** Under this name a cycle's workers share the secret that ticket keys are made of. */
const TICKET_SECRET = 'secret of TLS session tickets';

/**
 * Sessions live in tickets. The keys are made of a secret of the cycle, so that a ticket is good in every worker, and
 * of the certificates, so that a session cannot be moved to a server with others.
 */
function setSessions(cf: ConfContext, options: ContextOptions, conf: SslServer): void {
  const { createHash, randomBytes } = process.getBuiltinModule('node:crypto');
  const identity = createHash('sha256').update('HTTP');
  for (const certificate of options.cert as string[]) identity.update(certificate);
  for (const authority of options.ca as string[]) identity.update(authority);
  const context = identity.digest('hex');
  // OpenSSL lets it have 32 bytes.
  options.sessionIdContext = context.slice(0, 32);
  options.sessionTimeout = Math.min(conf.sessionTimeout, 2 ** 31 - 1);
  if (!conf.sessionTickets) {
    options.secureOptions |= opensslOption('SSL_OP_NO_TICKET');
    if (conf.sessionCache === 'builtin' || conf.sessionCache === 'shared') {
      warn(cf, 'sessions cannot be reused without "ssl_session_tickets": tsresty keeps them in tickets only');
    }
  }
  const files = conf.sessionTicketKeys;
  if (files === undefined) {
    const secret = cycleOf(cf).assets.get(TICKET_SECRET, () => randomBytes(48).toString('latin1'));
    options.ticketKeys = createHash('sha384').update(secret, 'latin1').update(context).digest();
    return;
  }
  const keys = files.map((file) => loadTicketKey(cf, file));
  if (keys.length > 1) warn(cf, 'tsresty reads session tickets with the first "ssl_session_ticket_key" only');
  options.ticketKeys = keys[0] as Buffer;
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
