/**
 * From directives to a context of OpenSSL's. nginx: ngx_http_ssl_merge_srv_conf() (src/http/modules/
 * ngx_http_ssl_module.c) and the functions that it calls in src/event/ngx_event_openssl.c, in their order, since the
 * first thing that is wrong is the one that is reported.
 */
import type { X509Certificate } from 'node:crypto';
import type { ConfContext } from '../../../conf/directive.ts';
import { ConfError } from '../../../conf/error.ts';
import { cycleOf } from '../../../conf/resources.ts';
import { LOG_WARN } from '../../../log/log.ts';
import { compileComplexValue, hasVariables } from '../../script.ts';
import { applyConfCommands } from '../../ssl/conf-command.ts';
import { type ContextOptions, newContextOptions, opensslOption, setCiphers, setProtocols } from '../../ssl/context.ts';
import {
  confFiles,
  loadAuthorities,
  loadCrl,
  loadDhParameters,
  loadOcspResponse,
  loadPair,
  loadTicketKey,
  splitCertificates,
} from '../../ssl/files.ts';
import { setPairs, VariantContext } from '../../ssl/variant-context.ts';
import { parseClientResponder } from './client-status.ts';
import { type SslServer, VERIFY_OFF, VERIFY_OPTIONAL_NO_CA } from './conf.ts';
import { BuiltinSessionCache, SharedSessionCache } from './session-cache.ts';
import type { SessionCache } from './sessions.ts';
import { makeStapler } from './stapling.ts';
import {
  canChooseTicketKeys,
  FixedTicketKeys,
  SharedTicketKeys,
  type TicketKeys,
  useTicketKeys,
} from './ticket-keys.ts';

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
  const options = newContextOptions();
  setProtocols(options, conf.protocols);
  setCiphers(options, conf.ciphers);
  if (conf.preferServerCiphers) options.secureOptions |= opensslOption('SSL_OP_CIPHER_SERVER_PREFERENCE');
  setCertificates(cf, options, conf);
  setAuthorities(cf, options, conf);
  if (conf.crl !== '') options.crl = loadCrl(confFiles(cf), conf.crl);
  if (conf.dhparam !== '') options.dhparam = loadDhParameters(cf, conf.dhparam);
  if (conf.ecdhCurve !== 'auto') options.ecdhCurve = conf.ecdhCurve;
  if (conf.ocsp !== 0) setClientStatus(options, conf);
  const ticketKeys = setSessions(cf, options, conf);
  if (conf.stapling) setStapling(cf, options, conf);
  if (conf.certificateCompression) {
    throw new ConfError('"ssl_certificate_compression" is not supported by tsresty: Node.js does not offer it');
  }
  if (conf.earlyData) warn(cf, '"ssl_early_data" is not supported on this platform, ignored');
  applyConfCommands(options, conf.confCommands ?? []);
  const variants = new VariantContext((context) => {
    if (ticketKeys !== undefined && canChooseTicketKeys(context)) useTicketKeys(context, ticketKeys);
    return context;
  });
  variants.make(options);
  if ((conf.sessionTicketKeys?.length ?? 0) > 1 && !canChooseTicketKeys(variants.context)) {
    warn(cf, 'session tickets are read with the first "ssl_session_ticket_key" only: this Node.js cannot do more');
  }
  conf.variants = variants;
  conf.context = variants.context;
}

function certificates(pems: readonly string[]): X509Certificate[] {
  const { X509Certificate: Certificate } = process.getBuiltinModule('node:crypto');
  return pems.map((pem) => new Certificate(pem));
}

function setClientStatus(options: ContextOptions, conf: SslServer): void {
  if (conf.verify === VERIFY_OPTIONAL_NO_CA) {
    throw new ConfError('"ssl_ocsp" is incompatible with "ssl_verify_client optional_no_ca"');
  }
  conf.clientStatus = {
    leaf: conf.ocsp === 2,
    responder: parseClientResponder(conf.ocspResponder),
    zone: conf.ocspCache,
    authorities: certificates(options.ca as string[]),
  };
}

function setStapling(cf: ConfContext, options: ContextOptions, conf: SslServer): void {
  if (conf.certificateCompression) {
    throw new ConfError('"ssl_stapling" is incompatible with "ssl_certificate_compression"');
  }
  if (conf.staplingFile !== '') {
    conf.ocspResponse = loadOcspResponse(cf, conf.staplingFile);
    return;
  }
  const names = conf.certificates as readonly string[];
  const [pair] = conf.pairs ?? [];
  // As in nginx: certificates whose names have variables are not stapled.
  if (pair === undefined) return;
  if (names.length > 1) {
    warn(cf, '"ssl_stapling" ignored, several certificates: Node.js does not tell which one a client is shown');
    return;
  }
  const name = names[0] as string;
  const made = makeStapler(
    name.startsWith('data:') ? name : cf.fullName(name, 'conf'),
    certificates(splitCertificates(pair.certificate)),
    certificates(options.ca as string[]),
    conf.staplingResponder,
    conf.staplingVerify,
  );
  if (typeof made === 'string') warn(cf, made);
  else conf.stapler = made;
}

/** A warning about the server as a whole: without a position. */
function warn(cf: ConfContext, message: string): void {
  cycleOf(cf).log.write(LOG_WARN, message);
}

function setCertificates(cf: ConfContext, options: ContextOptions, conf: SslServer): void {
  const certificates = conf.certificates as readonly string[];
  const keys = conf.certificateKeys as readonly string[];
  if ([...certificates, ...keys.slice(0, certificates.length)].some(hasVariables)) {
    const pairs = certificates.map((name, i) => ({
      certificate: compileComplexValue(cf, name),
      key: compileComplexValue(cf, keys[i] as string),
    }));
    conf.varying = { pairs };
    return;
  }
  const files = confFiles(cf);
  const pairs = certificates.map((name, i) => loadPair(files, name, keys[i] as string, conf.passwords));
  conf.pairs = pairs;
  setPairs(options, pairs);
}

/** Nobody is trusted but those that are named; Node would trust its own list. */
function setAuthorities(cf: ConfContext, options: ContextOptions, conf: SslServer): void {
  const authorities: string[] = [];
  if (conf.verify !== VERIFY_OFF) {
    if (conf.verify !== VERIFY_OPTIONAL_NO_CA && conf.clientCertificate === '' && conf.trustedCertificate === '') {
      throw new ConfError('no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client');
    }
    if (conf.clientCertificate !== '') authorities.push(...loadAuthorities(confFiles(cf), conf.clientCertificate));
  }
  if (conf.trustedCertificate !== '') authorities.push(...loadAuthorities(confFiles(cf), conf.trustedCertificate));
  options.ca = authorities;
}

/** Under this name a cycle's workers share the secret that ticket keys are made of. */
const TICKET_SECRET = 'secret of TLS session tickets';

/**
 * Sessions live in tickets, or in caches. The keys of tickets are made of a secret of the cycle, so that a ticket is
 * good in every worker, and of the certificates, so that a session cannot be moved to a server with others; where there
 * is a shared cache they are in it.
 *
 * @returns keys to ask for where the context can
 */
function setSessions(cf: ConfContext, options: ContextOptions, conf: SslServer): TicketKeys | undefined {
  const { createHash, randomBytes } = process.getBuiltinModule('node:crypto');
  const identity = createHash('sha256').update('HTTP');
  // Names with variables stand for themselves.
  for (const certificate of (options.cert as string[] | undefined) ?? (conf.certificates as string[])) {
    identity.update(certificate);
  }
  for (const authority of options.ca as string[]) identity.update(authority);
  const context = identity.digest('hex');
  // OpenSSL lets it have 32 bytes.
  options.sessionIdContext = context.slice(0, 32);
  options.sessionTimeout = Math.min(conf.sessionTimeout, 2 ** 31 - 1);
  setCaches(cf, conf);
  if (!conf.sessionTickets) options.secureOptions |= opensslOption('SSL_OP_NO_TICKET');
  const files = conf.sessionTicketKeys;
  if (files !== undefined) {
    const keys = files.map((file) => loadTicketKey(cf, file));
    options.ticketKeys = keys[0] as Buffer;
    return new FixedTicketKeys(keys);
  }
  const secret = cycleOf(cf).assets.get(TICKET_SECRET, () => randomBytes(48).toString('latin1'));
  options.ticketKeys = createHash('sha384').update(secret, 'latin1').update(context).digest();
  if (!conf.sessionTickets) return undefined;
  const { zone } = conf.sessionCache;
  return zone === undefined
    ? new FixedTicketKeys([options.ticketKeys])
    : new SharedTicketKeys(zone, conf.sessionTimeout);
}

function setCaches(cf: ConfContext, conf: SslServer): void {
  const { builtin, zone } = conf.sessionCache;
  const caches: SessionCache[] = [];
  if (builtin !== undefined) caches.push(new BuiltinSessionCache(builtin, conf.sessionTimeout));
  if (zone !== undefined) caches.push(new SharedSessionCache(zone, conf.sessionTimeout, cycleOf(cf).log));
  conf.sessions = caches.length === 0 ? undefined : caches;
}
