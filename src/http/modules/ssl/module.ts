/** HTTPS: the directives of nginx's ngx_http_ssl_module (src/http/modules/ngx_http_ssl_module.c). */
import type { ZoneRequest } from '../../../conf/cycle.ts';
import type { ContextName, Directive } from '../../../conf/directive.ts';
import { ConfError } from '../../../conf/error.ts';
import {
  bitmaskSlot,
  enumSlot,
  flagSlot,
  keyvalSlot,
  numSlot,
  secSlot,
  sizeSlot,
  slot,
  strArraySlot,
  strSlot,
} from '../../../conf/slots.ts';
import { type ConfiguredAddress, configuredAddresses } from '../../core/listen.ts';
import { coreModule } from '../../core/module.ts';
import { httpModule } from '../../module.ts';
import { certificateCacheSlot } from '../../ssl/certificate-cache.ts';
import { DEFAULT_PROTOCOLS, PROTOCOL_WORDS } from '../../ssl/context.ts';
import { loadPasswords } from '../../ssl/files.ts';
import { parseStatusCache } from './client-status.ts';
import { type SslServer, VERIFY_OFF, VERIFY_ON, VERIFY_OPTIONAL, VERIFY_OPTIONAL_NO_CA } from './conf.ts';
import { buildContext } from './context.ts';
import { NO_SESSION_CACHE, parseSessionCache } from './session-cache.ts';
import { checkSslVariables, sslVariables } from './variables.ts';

const PLACES: readonly ContextName[] = ['http', 'server'];

const directives: readonly Directive<SslServer>[] = [
  strArraySlot<SslServer>('ssl_certificate', PLACES, 'server', 'certificates', undefined, {
    doc: 'A file with a certificate and those of its issuers in PEM format; several for several kinds of keys.',
  }),
  strArraySlot<SslServer>('ssl_certificate_key', PLACES, 'server', 'certificateKeys', undefined, {
    doc: 'The file with the key of the certificate.',
  }),
  certificateCacheSlot<SslServer>('ssl_certificate_cache', PLACES, 'server', 'certificateCache'),
  flagSlot<SslServer>('ssl_certificate_compression', PLACES, 'server', 'certificateCompression', false, {
    doc: 'Compresses certificates in handshakes; cannot be switched on.',
  }),
  slot<SslServer, readonly string[]>({
    name: 'ssl_password_file',
    contexts: PLACES,
    args: 1,
    level: 'server',
    field: 'passwords',
    default: undefined,
    parse: (cf, args) => loadPasswords(cf, args[0] as string),
    extra: 'A file of passwords for keys, one a line; they are tried in turn.',
  }),
  strSlot<SslServer>('ssl_dhparam', PLACES, 'server', 'dhparam', '', 'A file with parameters for DHE ciphers.'),
  strSlot<SslServer>('ssl_ecdh_curve', PLACES, 'server', 'ecdhCurve', 'auto', 'Curves for ECDHE ciphers.'),
  bitmaskSlot<SslServer>(
    'ssl_protocols',
    PLACES,
    'server',
    'protocols',
    PROTOCOL_WORDS,
    DEFAULT_PROTOCOLS,
    { min: 1 },
    { doc: 'The protocols that clients may use.', defaultText: 'TLSv1.2 TLSv1.3' },
  ),
  strSlot<SslServer>('ssl_ciphers', PLACES, 'server', 'ciphers', 'HIGH:!aNULL:!MD5', {
    doc: "Ciphers in the OpenSSL library's format.",
    defaultText: 'HIGH:!aNULL:!MD5',
  }),
  sizeSlot<SslServer>('ssl_buffer_size', PLACES, 'server', 'bufferSize', 16384, {
    doc: 'Most bytes in a record that is sent: from 512 to 16384, what OpenSSL takes.',
    defaultText: '16k',
  }),
  enumSlot<SslServer, number>(
    'ssl_verify_client',
    PLACES,
    'server',
    'verify',
    { off: VERIFY_OFF, on: VERIFY_ON, optional: VERIFY_OPTIONAL, optional_no_ca: VERIFY_OPTIONAL_NO_CA },
    VERIFY_OFF,
    { doc: 'Whether clients are asked for a certificate, and what becomes of those without a good one.' },
  ),
  numSlot<SslServer>('ssl_verify_depth', PLACES, 'server', 'verifyDepth', 1, {
    doc: "Most certificates between the client's and a trusted one.",
  }),
  strSlot<SslServer>(
    'ssl_client_certificate',
    PLACES,
    'server',
    'clientCertificate',
    '',
    'A file with the certificates of authorities that client certificates may be from; clients are told these.',
  ),
  strSlot<SslServer>(
    'ssl_trusted_certificate',
    PLACES,
    'server',
    'trustedCertificate',
    '',
    'A file with further certificates of authorities that client certificates may be from.',
  ),
  flagSlot<SslServer>('ssl_prefer_server_ciphers', PLACES, 'server', 'preferServerCiphers', false, {
    doc: "Lets the server's order of ciphers decide, not the client's.",
  }),
  {
    name: 'ssl_session_cache',
    contexts: PLACES,
    args: [1, 2],
    level: 'server',
    slot: { field: 'sessionCache', default: NO_SESSION_CACHE },
    doc: 'Where sessions are kept that clients have no tickets for; `shared:NAME:SIZE` for all workers.',
    defaultText: 'none',
    set(cf, conf, args) {
      const cache = parseSessionCache(cf, args);
      if (typeof cache === 'string') return cache;
      conf.sessionCache = cache;
      return undefined;
    },
  },
  flagSlot<SslServer>('ssl_session_tickets', PLACES, 'server', 'sessionTickets', true, {
    doc: 'Whether sessions may be resumed by tickets.',
  }),
  strArraySlot<SslServer>('ssl_session_ticket_key', PLACES, 'server', 'sessionTicketKeys', undefined, {
    doc: 'A file of 48 bytes with a key for tickets, for servers that share it. The first one encrypts.',
  }),
  secSlot<SslServer>('ssl_session_timeout', PLACES, 'server', 'sessionTimeout', 300, {
    doc: 'How long a session may be resumed.',
    defaultText: '5m',
  }),
  strSlot<SslServer>('ssl_crl', PLACES, 'server', 'crl', '', 'A file with revoked certificates.'),
  enumSlot<SslServer, number>(
    'ssl_ocsp',
    PLACES,
    'server',
    'ocsp',
    { off: 0, on: 1, leaf: 2 },
    0,
    "Whether OCSP responders are asked about client certificates: about all of a chain, or the client's own.",
  ),
  strSlot<SslServer>('ssl_ocsp_responder', PLACES, 'server', 'ocspResponder', '', {
    doc: 'The URL of the responder to ask about client certificates, in place of those that they name.',
  }),
  slot<SslServer, ZoneRequest | null>({
    name: 'ssl_ocsp_cache',
    contexts: PLACES,
    args: 1,
    level: 'server',
    field: 'ocspCache',
    default: null,
    parse: (cf, args) => parseStatusCache(cf, args[0] as string),
    extra: 'Where answers about client certificates are kept: `shared:NAME:SIZE`, or `off`.',
  }),
  flagSlot<SslServer>('ssl_stapling', PLACES, 'server', 'stapling', false, {
    doc: 'Whether clients get an OCSP response about the certificate.',
  }),
  strSlot<SslServer>('ssl_stapling_file', PLACES, 'server', 'staplingFile', '', 'A file with the response, in DER.'),
  strSlot<SslServer>('ssl_stapling_responder', PLACES, 'server', 'staplingResponder', '', {
    doc: 'The URL of the responder to ask for it, in place of the one that the certificate names.',
  }),
  flagSlot<SslServer>('ssl_stapling_verify', PLACES, 'server', 'staplingVerify', false, {
    doc: 'Whether it is verified who has signed the response.',
  }),
  flagSlot<SslServer>('ssl_early_data', PLACES, 'server', 'earlyData', false, {
    doc: 'Early data of TLS 1.3: ignored with a warning, Node.js does not take any.',
  }),
  keyvalSlot<SslServer>('ssl_conf_command', PLACES, 'server', 'confCommands', undefined, {
    doc: 'Settings of OpenSSL by their names there, as far as Node.js can make them.',
  }),
  flagSlot<SslServer>('ssl_reject_handshake', PLACES, 'server', 'rejectHandshake', false, {
    doc: 'Refuses handshakes with the server.',
  }),
];

function createServer(): SslServer {
  const server: { [K in keyof SslServer]: SslServer[K] | undefined } = {
    certificates: undefined,
    certificateKeys: undefined,
    certificateCache: undefined,
    certificateCompression: undefined,
    passwords: undefined,
    protocols: undefined,
    ciphers: undefined,
    preferServerCiphers: undefined,
    ecdhCurve: undefined,
    dhparam: undefined,
    bufferSize: undefined,
    verify: undefined,
    verifyDepth: undefined,
    clientCertificate: undefined,
    trustedCertificate: undefined,
    crl: undefined,
    sessionCache: undefined,
    sessionTimeout: undefined,
    sessionTickets: undefined,
    sessionTicketKeys: undefined,
    earlyData: undefined,
    rejectHandshake: undefined,
    stapling: undefined,
    staplingFile: undefined,
    ocspResponse: undefined,
    staplingResponder: undefined,
    staplingVerify: undefined,
    stapler: undefined,
    ocsp: undefined,
    ocspResponder: undefined,
    ocspCache: undefined,
    clientStatus: undefined,
    confCommands: undefined,
    context: undefined,
    varying: undefined,
    variants: undefined,
    pairs: [],
    sessions: undefined,
    code: undefined,
  };
  return server as SslServer;
}

/**
 * Refuses addresses with `ssl` whose handshakes nobody could answer. nginx: ngx_http_ssl_init().
 *
 * @throws ConfError
 */
function checkSslAddresses(addresses: readonly ConfiguredAddress[]): void {
  for (const { options, defaultServer, servers } of addresses) {
    if (!options.ssl) continue;
    const conf = sslModule.serverOf(defaultServer.confs);
    if (conf.certificates !== undefined) continue;
    const bad = conf.rejectHandshake
      ? servers.find((server) => {
          const { certificates, rejectHandshake } = sslModule.serverOf(server.confs);
          return certificates === undefined && !rejectHandshake;
        })
      : defaultServer;
    if (bad !== undefined) {
      throw new ConfError(
        `no "ssl_certificate" is defined for the "listen ... ssl" directive in ${bad.file}:${bad.line}`,
      );
    }
  }
}

export const sslModule = httpModule<object, SslServer>({
  name: 'ngx_http_ssl_module',
  directives,
  variables: sslVariables,
  createServer,
  mergeServer(_parent, conf, cf) {
    buildContext(cf, conf);
  },
  postconfiguration(http) {
    checkSslVariables(http);
    checkSslAddresses(configuredAddresses(coreModule.mainOf(http.confs)));
  },
});
