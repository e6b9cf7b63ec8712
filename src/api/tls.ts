/**
 * TLS of client connections: what ngx.ssl, ngx.ssl.clienthello and ngx.ssl.session do. Functions that decide something
 * answer undefined or an error text. ngx_lua: ngx_http_lua_ssl_certby.c, _ssl_client_helloby.c, _ssl_session_fetchby.c,
 * _ssl_session_storeby.c.
 */
import { cipherName, cipherNumbers } from '../http/modules/ssl/cipher-names.ts';
import type { SslServer } from '../http/modules/ssl/conf.ts';
import type { TlsConnection } from '../http/modules/ssl/handshake.ts';
import { sslModule } from '../http/modules/ssl/module.ts';
import { PROTOCOL_TLS1_2, PROTOCOL_TLS1_3 } from '../http/ssl/context.ts';
import { masterKey } from '../http/ssl/names.ts';
import { addressBytes } from '../net/address.ts';
import { helloExtension } from '../net/client-hello.ts';
import { type CertificateChain, type PrivateKey, parseDerCertificates, parseDerKey } from './certificates.ts';
import { current } from './context.ts';
import { apiError } from './error.ts';
import { IN_SSL_CERT, IN_SSL_CLIENT_HELLO } from './phase.ts';

/** The TLS of the client's connection, or the error text `bad request` where there is none. Throws outside of requests. */
export function clientTls(): TlsConnection | 'bad request' {
  if (current === undefined) return apiError('no request found');
  return current.tls ?? current.r?.connection.tls ?? 'bad request';
}

/** The connection whose client's first message is being looked at. Throws in other phases. */
export function clientHello(): TlsConnection {
  if (current === undefined) return apiError('no request found');
  if (current.phase !== IN_SSL_CLIENT_HELLO) apiError('API disabled in the current context');
  return current.tls as TlsConnection;
}

function conf(tls: TlsConnection): SslServer {
  return tls.certificateConf;
}

// Certificates.

export function clearCertificates(tls: TlsConnection): void {
  tls.decisions.certificates(conf(tls)).clear();
}

/** Shows a chain, instead of the certificate with the same kind of key. */
export function setCertificate(tls: TlsConnection, chain: CertificateChain): string | undefined {
  const [first, ...issuers] = chain.certificates;
  if (first === undefined) return 'invalid certificate chain';
  const choice = tls.decisions.certificates(conf(tls));
  try {
    choice.useCertificate(first);
  } catch {
    // A public key that OpenSSL does not know.
    return 'SSL_use_certificate() failed';
  }
  for (const issuer of issuers) choice.addIssuer(issuer.toString());
  return undefined;
}

export function setPrivateKey(tls: TlsConnection, { key }: PrivateKey): string | undefined {
  return tls.decisions.certificates(conf(tls)).useKey(key) ? undefined : 'SSL_use_PrivateKey() failed';
}

/** `setCertificate` of DER, a byte string. */
export function setDerCertificate(tls: TlsConnection, der: string): string | undefined {
  const chain = parseDerCertificates(der);
  return typeof chain === 'string' ? 'd2i_X509_bio() failed' : setCertificate(tls, chain);
}

/** `setPrivateKey` of DER, a byte string. */
export function setDerPrivateKey(tls: TlsConnection, der: string): string | undefined {
  const key = parseDerKey(der);
  return typeof key === 'string' ? 'd2i_PrivateKey_bio() failed' : setPrivateKey(tls, key);
}

/**
 * Asks the client for a certificate; what is wrong with it is in $ssl_client_verify.
 *
 * @param authorities trusted, and named to the client; with `trusted` undefined as well: those of the server
 * @param depth of the chain; negative: that of the server
 */
export function verifyClient(
  tls: TlsConnection,
  authorities: CertificateChain | undefined,
  depth: number,
  trusted: CertificateChain | undefined,
): string | undefined {
  if (current?.phase !== IN_SSL_CERT) return 'API disabled in the current context';
  const own = authorities === undefined && trusted === undefined;
  const chains = [authorities, trusted].filter((chain) => chain !== undefined);
  tls.decisions.verification = {
    authorities: own ? undefined : chains.flatMap(({ certificates }) => certificates.map((one) => one.toString())),
    depth: depth < 0 ? sslModule.serverOf(tls.server.confs).verifyDepth : depth,
  };
  return undefined;
}

// The connection.

/** `inet` with 4 bytes, `inet6` with 16, `unix` with a path, maybe empty. */
export interface RawAddress {
  readonly family: 'inet' | 'inet6' | 'unix';
  readonly bytes: string;
}

function rawAddress(text: string): RawAddress {
  if (text.startsWith('unix:')) return { family: 'unix', bytes: text.slice(5) };
  return {
    family: text.includes(':') ? 'inet6' : 'inet',
    bytes: Buffer.from(addressBytes(text)).toString('latin1'),
  };
}

export function rawServerAddress(tls: TlsConnection): RawAddress {
  const { where } = tls.group;
  if (where.family === 'unix') return { family: 'unix', bytes: where.address };
  return rawAddress(tls.accepted.localAddress);
}

/** Not changed by the real IP module. */
export function rawClientAddress(tls: TlsConnection): RawAddress {
  return rawAddress(tls.accepted.remoteAddress);
}

/** A number, or an error text. */
export function serverPort(tls: TlsConnection): number | string {
  return tls.accepted.localAddress.startsWith('unix:') ? 'unix domain has no port' : tls.accepted.localPort;
}

/** Numbers of versions by their names. */
export const TLS_VERSIONS: Readonly<Record<string, number>> = {
  SSLv3: 0x300,
  TLSv1: 0x301,
  'TLSv1.1': 0x302,
  'TLSv1.2': 0x303,
  'TLSv1.3': 0x304,
};

/** OpenSSL's highest version, while nothing has been agreed on. */
const NOT_YET = 'TLSv1.3';

/** The name of the version that was agreed on. */
export function tlsVersionName(tls: TlsConnection): string {
  return tls.protocol === '' ? NOT_YET : tls.protocol;
}

/** Its number. */
export function tlsVersion(tls: TlsConnection): number {
  return TLS_VERSIONS[tlsVersionName(tls)] ?? 0;
}

export function clientRandom(tls: TlsConnection): Buffer {
  return tls.hello.random;
}

/** Why there is no such thing as `clientRandom` for it. */
export const SERVER_RANDOM_UNKNOWN = 'the random of the server is not known: Node.js does not tell it';

/** Of the session; empty before there is one. For TLS 1.3 the secret for resumption. */
export function sessionMasterKey(tls: TlsConnection): Buffer {
  const session = tls.established ? tls.session.getSession() : undefined;
  // Null once the connection is closed, whatever the types say.
  return Buffer.from(session instanceof Uint8Array ? masterKey(session) : '');
}

/** RFC 5705. An error text when OpenSSL cannot. */
export function exportKeyingMaterial(
  tls: TlsConnection,
  length: number,
  label: string,
  context: string | undefined,
): Buffer | string {
  try {
    const given = context === undefined ? undefined : Buffer.from(context, 'latin1');
    const material = tls.established ? tls.session.exportKeyingMaterial(length, label, given) : undefined;
    return material ?? 'SSL_export_keying_material() failed';
  } catch {
    return 'SSL_export_keying_material() failed';
  }
}

/** Numbers that mean nothing, which clients send so that servers get used to unknown ones. RFC 8701. */
export function isGrease(number: number): boolean {
  return (number & 0x0f0f) === 0x0a0a;
}

/** What ciphers each list of `ssl_ciphers` has, found out once. */
const cipherSets = new Map<string, ReadonlySet<number>>();

/**
 * The ciphers of TLS 1.2 and older in a list in OpenSSL's format. Node does not tell what OpenSSL makes of one; it does
 * tell when a list is empty, which it is without a cipher that it has and all others excluded.
 */
function ciphersIn(list: string): ReadonlySet<number> {
  let set = cipherSets.get(list);
  if (set === undefined) {
    const { createSecureContext } = process.getBuiltinModule('node:tls');
    const candidates = cipherNumbers().filter((number) => !isTls13Cipher(number));
    set = new Set(
      candidates.filter((number) => {
        const others = candidates.filter((other) => other !== number).map((other) => `!${cipherName(other)}`);
        try {
          createSecureContext({ ciphers: [list.replace(/[, ;]+/g, ':'), ...others].join(':'), maxVersion: 'TLSv1.2' });
          return true;
        } catch {
          return false;
        }
      }),
    );
    cipherSets.set(list, set);
  }
  return set;
}

function isTls13Cipher(number: number): boolean {
  return number >> 8 === 0x13;
}

/** Of TLS 1.3, those that OpenSSL has switched on: AES 256, ChaCha20, AES 128, all with GCM or Poly1305. */
const TLS13_CIPHERS: readonly number[] = [0x1302, 0x1303, 0x1301];

/**
 * Ciphers that the server accepts and the client offers: by TLS 1.3 in the server's order, others in the client's.
 * @param limit most numbers; with more an error text
 */
export function sharedCiphers(tls: TlsConnection, limit: number): readonly number[] | string {
  const { ciphers, protocols } = conf(tls);
  const allowed = tls.decisions.protocols ?? protocols;
  const offered = tls.hello.ciphers;
  const shared = (allowed & PROTOCOL_TLS1_3) === 0 ? [] : TLS13_CIPHERS.filter((number) => offered.includes(number));
  if ((allowed & (2 * PROTOCOL_TLS1_2 - 1)) !== 0) {
    const own = ciphersIn(ciphers);
    shared.push(...offered.filter((number) => own.has(number)));
  }
  return shared.length > limit ? 'buffer too small' : shared;
}

// The client's first message.

const EXTENSION_SERVER_NAME = 0;
const EXTENSION_VERSIONS = 43;

/** An error text for what cannot be read. */
export function helloServerName(tls: TlsConnection): { readonly name?: string; readonly error?: string } {
  const data = helloExtension(tls.hello, EXTENSION_SERVER_NAME);
  if (data === undefined) return {};
  const name = tls.hello.serverName;
  return name === undefined || name === '' ? { error: 'Bad SSL Client Hello Extension' } : { name };
}

export function helloExtensionData(tls: TlsConnection, type: number): string | undefined {
  return helloExtension(tls.hello, type)?.toString('latin1');
}

/** Extensions that OpenSSL knows, which it lists; GREASE and others it does not. */
const KNOWN_EXTENSIONS = new Set([
  0, 1, 5, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22, 23, 35, 41, 42, 43, 44, 45, 47, 49, 50, 51, 13172, 65281,
]);

/** Types of the extensions that the client sent. */
export function helloExtensionTypes(tls: TlsConnection): number[] {
  return tls.hello.extensions.map(({ type }) => type).filter((type) => KNOWN_EXTENSIONS.has(type));
}

/** Most ciphers that are looked at. */
const MOST_CIPHERS = 128;

export function helloCiphers(tls: TlsConnection): number[] {
  return tls.hello.ciphers.slice(0, MOST_CIPHERS).filter((number) => !isGrease(number));
}

/** Names by numbers, as ngx.ssl.clienthello has them. */
const VERSION_NAMES = new Map([
  [2, 'SSLv2'],
  ...Object.entries(TLS_VERSIONS).map(([name, number]) => [number, name] as const),
]);

/** The last one first; undefined without the extension, which clients of TLS 1.2 do not send, or when it is broken. */
export function helloVersions(tls: TlsConnection): string[] | undefined {
  const data = helloExtension(tls.hello, EXTENSION_VERSIONS);
  if (data === undefined || data.length === 0 || data.length - 1 !== data[0]) return undefined;
  const names: string[] = [];
  for (let pos = data.length - 2; pos >= 1; pos -= 2) {
    const name = VERSION_NAMES.get(data.readUInt16BE(pos));
    if (name !== undefined) names.push(name);
  }
  return names;
}

/** @param protocols or-ed PROTOCOL_* bits of http/ssl/context.ts */
export function setProtocols(tls: TlsConnection, protocols: number): void {
  tls.decisions.protocols = protocols;
}

// Sessions.

/** OpenSSL's session of the phase in DER, or an error text. */
export function serializedSession(tls: TlsConnection): Buffer | string {
  return tls.decisions.sessionData ?? 'bad session in lua context';
}

/** Its id in hexadecimal digits; undefined when there is none. */
export function sessionIdText(tls: TlsConnection): string | undefined {
  const { sessionId } = tls.decisions;
  return sessionId.length === 0 ? undefined : sessionId.toString('hex');
}

/** nginx: NGX_SSL_MAX_SESSION_SIZE. */
const LONGEST_SESSION = 4096;

/** Goes on with a session: DER, as a byte string. */
export function setSerializedSession(tls: TlsConnection, session: string): string | undefined {
  if (session.length === 0 || session.length > LONGEST_SESSION) return 'invalid session length';
  const bytes = Buffer.from(session, 'latin1');
  if (!isSession(bytes)) return 'failed to de-serialize session';
  tls.decisions.sessionData = bytes;
  return undefined;
}

/** Whether OpenSSL reads it. */
function isSession(bytes: Buffer): boolean {
  return masterKey(bytes).length > 0;
}
