/**
 * The directives that modules with backends have for TLS, each under its own prefix. nginx: the proxy_ssl_* commands,
 * ngx_http_proxy_merge_ssl() and ngx_http_proxy_set_ssl() (src/http/modules/ngx_http_proxy_module.c).
 */
import type { ConfContext, ContextName, Directive } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import {
  bitmaskSlot,
  type FieldOf,
  flagSlot,
  type KeyValue,
  keyvalSlot,
  numSlot,
  slot,
  strSlot,
} from '../../conf/slots.ts';
import { type ComplexValue, complexValueSlot } from '../script.ts';
import { type CertificateCache, certificateCacheSlot } from '../ssl/certificate-cache.ts';
import { applyConfCommands } from '../ssl/conf-command.ts';
import { DEFAULT_PROTOCOLS, newContextOptions, PROTOCOL_WORDS, setCiphers, setProtocols } from '../ssl/context.ts';
import { confFiles, loadAuthorities, loadCrl, loadPair, loadPasswords } from '../ssl/files.ts';
import { setPairs, VariantContext } from '../ssl/variant-context.ts';
import type { BackendTlsSettings } from './ssl.ts';

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

/** The values of the directives, part of a location's configuration. */
export interface BackendSslFields {
  sslSessionReuse: boolean;
  /** Or-ed PROTOCOL_* bits. */
  sslProtocols: number;
  sslCiphers: string;
  sslName: ComplexValue | undefined;
  sslServerName: boolean;
  sslVerify: boolean;
  sslVerifyDepth: number;
  sslTrustedCertificate: string;
  sslCrl: string;
  sslCertificate: ComplexValue | undefined;
  sslCertificateKey: ComplexValue | undefined;
  sslCertificateCache: CertificateCache | null;
  sslPasswords: readonly string[] | undefined;
  sslConfCommands: readonly KeyValue[] | undefined;
  /** Shared by locations that say nothing of their own. */
  sslContext: VariantContext | undefined;
}

/** The fields before anything is read, for createLocation. */
export function unsetSslFields(): { [K in keyof BackendSslFields]: undefined } {
  return {
    sslSessionReuse: undefined,
    sslProtocols: undefined,
    sslCiphers: undefined,
    sslName: undefined,
    sslServerName: undefined,
    sslVerify: undefined,
    sslVerifyDepth: undefined,
    sslTrustedCertificate: undefined,
    sslCrl: undefined,
    sslCertificate: undefined,
    sslCertificateKey: undefined,
    sslCertificateCache: undefined,
    sslPasswords: undefined,
    sslConfCommands: undefined,
    sslContext: undefined,
  };
}

/** Values that hold where nothing is said. */
const DEFAULTS = {
  sslSessionReuse: true,
  sslProtocols: DEFAULT_PROTOCOLS,
  sslCiphers: 'DEFAULT',
  sslVerify: false,
  sslVerifyDepth: 1,
  sslTrustedCertificate: '',
  sslCrl: '',
  sslCertificate: undefined,
  sslCertificateKey: undefined,
  sslPasswords: undefined,
  sslConfCommands: undefined,
} as const satisfies Partial<BackendSslFields>;

/** The directives of a module. `prefix`: `proxy`, `grpc`, ... */
export function backendSslDirectives<C extends BackendSslFields>(prefix: string): readonly Directive<C>[] {
  // Each field is one of C, which the compiler cannot see through the type parameter.
  const field = <V>(name: keyof BackendSslFields): FieldOf<C, V> => name as unknown as FieldOf<C, V>;
  const flag = (name: string, key: keyof BackendSslFields, fallback: boolean, doc: string): Directive<C> =>
    flagSlot<C>(`${prefix}_ssl_${name}`, CONTEXTS, 'location', field<boolean>(key), fallback, doc);
  const text = (name: string, key: keyof BackendSslFields, fallback: string, doc: string): Directive<C> =>
    strSlot<C>(`${prefix}_ssl_${name}`, CONTEXTS, 'location', field<string>(key), fallback, doc);
  const value = (name: string, key: keyof BackendSslFields, doc: string): Directive<C> =>
    complexValueSlot<C>(`${prefix}_ssl_${name}`, CONTEXTS, 'location', field<ComplexValue>(key), undefined, doc);
  return [
    flag('session_reuse', 'sslSessionReuse', DEFAULTS.sslSessionReuse, 'Whether TLS sessions are resumed.'),
    bitmaskSlot<C>(
      `${prefix}_ssl_protocols`,
      CONTEXTS,
      'location',
      field<number>('sslProtocols'),
      PROTOCOL_WORDS,
      DEFAULTS.sslProtocols,
      { min: 1 },
      { doc: 'The protocols that backends may use.', defaultText: 'TLSv1.2 TLSv1.3' },
    ),
    text('ciphers', 'sslCiphers', DEFAULTS.sslCiphers, "Ciphers in the OpenSSL library's format."),
    value('name', 'sslName', "The name that the backend's certificate is for, and that is sent as SNI."),
    flag('server_name', 'sslServerName', false, 'Whether the name is sent to the backend (SNI).'),
    flag('verify', 'sslVerify', DEFAULTS.sslVerify, "Whether the backend's certificate must be good."),
    numSlot<C>(
      `${prefix}_ssl_verify_depth`,
      CONTEXTS,
      'location',
      field<number>('sslVerifyDepth'),
      DEFAULTS.sslVerifyDepth,
      "Most certificates between the backend's and a trusted one.",
    ),
    text('trusted_certificate', 'sslTrustedCertificate', '', 'A file with the certificates of trusted authorities.'),
    text('crl', 'sslCrl', '', 'A file with revoked certificates.'),
    value('certificate', 'sslCertificate', 'A file with the certificate that is shown to backends.'),
    value('certificate_key', 'sslCertificateKey', 'The file with the key of that certificate.'),
    certificateCacheSlot<C>(
      `${prefix}_ssl_certificate_cache`,
      CONTEXTS,
      'location',
      field<CertificateCache | null>('sslCertificateCache'),
    ),
    slot<C, readonly string[]>({
      name: `${prefix}_ssl_password_file`,
      contexts: CONTEXTS,
      args: 1,
      level: 'location',
      field: field<readonly string[]>('sslPasswords'),
      default: undefined,
      parse: (cf, args) => loadPasswords(cf, args[0] as string),
      extra: 'A file of passwords for the key, one a line; they are tried in turn.',
    }),
    keyvalSlot<C>(
      `${prefix}_ssl_conf_command`,
      CONTEXTS,
      'location',
      field<readonly KeyValue[]>('sslConfCommands'),
      undefined,
      'Settings of OpenSSL by their names there, as far as Node.js can make them.',
    ),
  ];
}

/** Gives the location its context, its parent's when it says nothing of its own. For mergeLocation. */
export function mergeBackendSsl(parent: BackendSslFields, conf: BackendSslFields): void {
  for (const [name, fallback] of Object.entries(DEFAULTS)) {
    const key = name as keyof typeof DEFAULTS;
    if (conf[key] !== (parent[key] ?? fallback)) {
      conf.sslContext = new VariantContext();
      return;
    }
  }
  // What the http block has is made once, for all servers.
  parent.sslContext ??= new VariantContext();
  conf.sslContext = parent.sslContext;
}

/**
 * The settings of a location that speaks TLS to its backends. Makes the context when no other location has.
 *
 * @throws ConfError
 */
export function backendTls(cf: ConfContext, prefix: string, conf: BackendSslFields): BackendTlsSettings {
  const { sslCertificate: certificate, sslCertificateKey: key } = conf;
  const context = conf.sslContext as VariantContext;
  const client = { mustVerify: false };
  if (!context.made) makeBackendContext(cf, prefix, conf, context);
  applyConfCommands(newContextOptions(), conf.sslConfCommands ?? [], client);
  const varies =
    certificate !== undefined &&
    key !== undefined &&
    certificate.text !== '' &&
    (certificate.literal === undefined || key.literal === undefined);
  return {
    context,
    name: conf.sslName,
    sendName: conf.sslServerName,
    verify: conf.sslVerify,
    verifyDepth: conf.sslVerifyDepth,
    mustVerify: client.mustVerify,
    reuseSessions: conf.sslSessionReuse,
    certificate: varies ? { certificate, key } : undefined,
    certificateCache: conf.sslCertificateCache,
    passwords: conf.sslPasswords,
    hooks: undefined,
  };
}

function makeBackendContext(cf: ConfContext, prefix: string, conf: BackendSslFields, context: VariantContext): void {
  const { sslCertificate: certificate, sslCertificateKey: key } = conf;
  const files = confFiles(cf);
  const options = newContextOptions();
  setProtocols(options, conf.sslProtocols);
  setCiphers(options, conf.sslCiphers);
  if (certificate !== undefined && certificate.text !== '') {
    if (key === undefined) {
      throw new ConfError(`no "${prefix}_ssl_certificate_key" is defined for certificate "${certificate.text}"`);
    }
    if (certificate.literal !== undefined && key.literal !== undefined) {
      setPairs(options, [loadPair(files, certificate.literal, key.literal, conf.sslPasswords)]);
    }
  }
  // Nobody is trusted but those that are named; Node would trust its own list.
  options.ca = [];
  if (conf.sslVerify) {
    if (conf.sslTrustedCertificate === '') {
      throw new ConfError(`no ${prefix}_ssl_trusted_certificate for ${prefix}_ssl_verify`);
    }
    options.ca = loadAuthorities(files, conf.sslTrustedCertificate);
    if (conf.sslCrl !== '') options.crl = loadCrl(files, conf.sslCrl);
  }
  applyConfCommands(options, conf.sslConfCommands ?? [], { mustVerify: false });
  context.make(options);
}
