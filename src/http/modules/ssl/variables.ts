/** $ssl_*: nginx's ngx_http_ssl_vars (src/http/modules/ngx_http_ssl_module.c) and what ngx_ssl_get_* make of them. */
import type { X509Certificate } from 'node:crypto';
import { ConfError } from '../../../conf/error.ts';
import { currentSecond } from '../../../log/time.ts';
import type { HttpCycle } from '../../cycle.ts';
import { escapeUri } from '../../escape.ts';
import type { HttpRequest } from '../../request.ts';
import { distinguishedName, legacyName, sessionId } from '../../ssl/names.ts';
import type { VariableSpec, VariableValue } from '../../variables.ts';
import { cipherName } from './cipher-names.ts';
import type { TlsConnection } from './handshake.ts';

/** Empty values are not found, as in nginx. */
function variable(name: string, get: (tls: TlsConnection) => string | undefined): VariableSpec {
  return {
    name,
    changeable: true,
    get: (r: HttpRequest): VariableValue => {
      const { tls } = r.connection;
      // While a certificate is chosen only the first message of the client is known.
      if (tls === undefined || (tls.protocol === '' && name !== 'ssl_server_name')) return null;
      return get(tls) || null;
    },
  };
}

function ofCertificate(name: string, get: (certificate: X509Certificate) => string): VariableSpec {
  return variable(name, (tls) => (tls.peerCertificate === undefined ? undefined : get(tls.peerCertificate)));
}

/** The certificate in PEM, with a newline at its end. */
function pem(certificate: X509Certificate): string {
  return certificate.toString();
}

const DAY = 86400;

function daysLeft(certificate: X509Certificate): string {
  const seconds = Math.floor(Date.parse(certificate.validTo) / 1000) - currentSecond();
  return seconds < DAY ? '0' : String(Math.floor(seconds / DAY));
}

function fingerprint({ raw }: X509Certificate): string {
  return process.getBuiltinModule('node:crypto').createHash('sha1').update(raw).digest('hex');
}

function clientVerify(tls: TlsConnection): string {
  if (tls.peerCertificate === undefined) return 'NONE';
  const error = tls.verifyError;
  const problem = error?.text ?? tls.statusProblem;
  return problem === undefined ? 'SUCCESS' : `FAILED:${problem}`;
}

/** Groups by their numbers; OpenSSL's short names. RFC 8446, section 4.2.7. */
const GROUPS: Readonly<Record<number, string>> = {
  19: 'prime192v1',
  21: 'secp224r1',
  23: 'prime256v1',
  24: 'secp384r1',
  25: 'secp521r1',
  26: 'brainpoolP256r1',
  27: 'brainpoolP384r1',
  28: 'brainpoolP512r1',
  29: 'X25519',
  30: 'X448',
  256: 'ffdhe2048',
  257: 'ffdhe3072',
  258: 'ffdhe4096',
  259: 'ffdhe6144',
  260: 'ffdhe8192',
  4588: 'X25519MLKEM768',
};

function groupName(number: number): string {
  return GROUPS[number] ?? `0x${number.toString(16).padStart(4, '0')}`;
}

export const sslVariables: readonly VariableSpec[] = [
  variable('ssl_protocol', ({ protocol }) => protocol),
  variable('ssl_cipher', ({ cipher }) => cipher),
  variable('ssl_ciphers', ({ hello }) => hello.ciphers.map(cipherName).join(':')),
  variable('ssl_curves', ({ hello }) => hello.groups.map(groupName).join(':')),
  variable('ssl_session_id', (connection) => {
    const session = connection.session.getSession();
    // Null once the connection is closed, whatever the types say.
    return session instanceof Uint8Array ? sessionId(session) : '';
  }),
  variable('ssl_session_reused', ({ reused }) => (reused ? 'r' : '.')),
  // Early data is never taken.
  { ...variable('ssl_early_data', () => ''), noCacheable: true },
  variable('ssl_server_name', ({ hello }) => hello.serverName),
  variable('ssl_alpn_protocol', ({ session }) => (session.alpnProtocol === false ? '' : (session.alpnProtocol ?? ''))),
  // Empty in an nginx whose OpenSSL has no ECH, as here.
  variable('ssl_ech_status', () => ''),
  variable('ssl_ech_outer_server_name', () => ''),
  ofCertificate('ssl_client_cert', (certificate) => pem(certificate).trimEnd().replaceAll('\n', '\n\t')),
  ofCertificate('ssl_client_raw_cert', pem),
  ofCertificate('ssl_client_escaped_cert', (certificate) => escapeUri(pem(certificate), 'component')),
  ofCertificate('ssl_client_s_dn', ({ raw }) => distinguishedName(raw, 'subject')),
  ofCertificate('ssl_client_i_dn', ({ raw }) => distinguishedName(raw, 'issuer')),
  ofCertificate('ssl_client_s_dn_legacy', ({ raw }) => legacyName(raw, 'subject')),
  ofCertificate('ssl_client_i_dn_legacy', ({ raw }) => legacyName(raw, 'issuer')),
  ofCertificate('ssl_client_serial', (certificate) => certificate.serialNumber),
  ofCertificate('ssl_client_fingerprint', fingerprint),
  variable('ssl_client_verify', clientVerify),
  ofCertificate('ssl_client_v_start', (certificate) => certificate.validFrom),
  ofCertificate('ssl_client_v_end', (certificate) => certificate.validTo),
  ofCertificate('ssl_client_v_remain', daysLeft),
];

/** What OpenSSL knows and Node does not tell. */
const UNKNOWN = new Set(['ssl_curve', 'ssl_sigalg', 'ssl_sigalgs', 'ssl_client_sigalg']);

/**
 * Refuses configurations that use a variable which could never have its value.
 *
 * @throws ConfError
 */
export function checkSslVariables(http: HttpCycle): void {
  const used = http.indexed.find(({ name }) => UNKNOWN.has(name) && !http.variables.has(name));
  if (used !== undefined) {
    throw new ConfError(`the "${used.name}" variable is not supported by tsresty: Node.js does not tell its value`);
  }
}
