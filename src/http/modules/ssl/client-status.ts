/**
 * `ssl_ocsp`: asks the responders of a client's certificates for their status, before there are any requests. nginx:
 * ngx_ssl_ocsp_validate() and what follows it in src/event/ngx_event_openssl_stapling.c.
 */
import type { X509Certificate } from 'node:crypto';
import type { ZoneRequest } from '../../../conf/cycle.ts';
import type { ConfContext } from '../../../conf/directive.ts';
import { ConfError } from '../../../conf/error.ts';
import { LOG_ALERT, LOG_ERR } from '../../../log/log.ts';
import { currentSecond } from '../../../log/time.ts';
import { DerError } from '../../../net/der.ts';
import { coreModule } from '../../core/module.ts';
import { certificateFields } from '../../ssl/certificate-fields.ts';
import {
  type CertificateStatus,
  checkOcspResponse,
  OcspError,
  ocspRequest,
  parseOcspResponse,
  pathToAuthority,
} from '../../ssl/ocsp.ts';
import { OcspQuery, parseResponder, type Responder, ResponderError } from '../../ssl/ocsp-responder.ts';
import { shownCertificates } from '../../ssl/verify.ts';
import type { TlsConnection } from './handshake.ts';
import { parseSharedCache, zoneDict } from './session-cache.ts';

/** What the directives say. */
export interface ClientStatusConf {
  /** Only the client's own certificate is asked about. */
  readonly leaf: boolean;
  /** In place of those that certificates name. */
  readonly responder: Responder | undefined;
  readonly zone: ZoneRequest | null;
  readonly authorities: readonly X509Certificate[];
}

const ZONE_OWNER = 'ssl_ocsp_cache';

/** `ssl_ocsp_cache`. Null for `off`. */
export function parseStatusCache(cf: ConfContext, text: string): ZoneRequest | null {
  if (text === 'off') return null;
  const zone = parseSharedCache(cf, text, 'OCSP cache', ZONE_OWNER);
  if (typeof zone === 'string') throw cf.error(zone);
  return zone;
}

/** `ssl_ocsp_responder`. @throws ConfError without a position, as nginx's messages are */
export function parseClientResponder(url: string): Responder | undefined {
  if (url === '') return undefined;
  try {
    return parseResponder(url, true);
  } catch (e) {
    if (!(e instanceof ResponderError)) throw e;
    throw new ConfError(`${e.message} in OCSP responder "${e.rest}" in "ssl_ocsp_responder"`);
  }
}

/** Seconds for which a status is kept that says nothing about it. */
const DEFAULT_VALID = 3600;

const PROBLEMS: Readonly<Record<CertificateStatus, string | undefined>> = {
  good: undefined,
  revoked: 'certificate revoked',
  unknown: 'certificate status unknown',
};

const FAILED = 'certificate status request failed';

/** The check of one client. */
class ClientStatus {
  private readonly tls: TlsConnection;
  private readonly conf: ClientStatusConf;
  private readonly done: (problem: string | undefined) => void;
  private readonly path: readonly X509Certificate[];
  private index = 0;
  private query: OcspQuery | undefined = undefined;

  constructor(
    tls: TlsConnection,
    conf: ClientStatusConf,
    path: readonly X509Certificate[],
    done: (problem: string | undefined) => void,
  ) {
    this.tls = tls;
    this.conf = conf;
    this.path = path;
    this.done = done;
  }

  cancel(): void {
    this.query?.cancel();
    this.query = undefined;
  }

  /** Asks about the next certificate. The one at the end of the path is trusted as it is. */
  next(): void {
    const { path, conf } = this;
    for (;;) {
      const certificate = path[this.index] as X509Certificate;
      const issuer = path[this.index + 1];
      if (issuer === undefined || (conf.leaf && this.index === 1)) {
        this.done(undefined);
        return;
      }
      this.index++;
      let known: CertificateStatus | undefined;
      try {
        const responder = this.responderOf(certificate);
        const key = conf.zone === null ? '' : cacheKey(certificate, issuer);
        known = conf.zone === null ? undefined : this.lookUp(conf.zone, key);
        if (known === undefined) {
          this.ask(responder, certificate, issuer, key);
          return;
        }
      } catch (e) {
        if (!(e instanceof OcspError || e instanceof DerError)) throw e;
        if (e instanceof OcspError) this.tls.log(LOG_ERR, e.message);
        this.done(FAILED);
        return;
      }
      if (known !== 'good') {
        this.done(PROBLEMS[known]);
        return;
      }
    }
  }

  private responderOf(certificate: X509Certificate): Responder {
    if (this.conf.responder !== undefined) return this.conf.responder;
    const [url] = certificateFields(certificate).responders;
    if (url === undefined) throw new OcspError('no OCSP responder URL in certificate');
    try {
      const responder = parseResponder(url, false);
      if (responder.host === '') throw new OcspError('empty host in OCSP responder in certificate');
      return responder;
    } catch (e) {
      if (!(e instanceof ResponderError)) throw e;
      throw new OcspError(`${e.message} in OCSP responder "${e.rest}" in certificate`);
    }
  }

  private lookUp(zone: ZoneRequest, key: string): CertificateStatus | undefined {
    const found = zoneDict(zone).get(key);
    return typeof found === 'string' ? (found as CertificateStatus) : undefined;
  }

  private ask(responder: Responder, certificate: X509Certificate, issuer: X509Certificate, key: string): void {
    const { tls, path, conf } = this;
    const { resolver, resolverTimeout } = coreModule.locationOf(tls.server.confs);
    const log = tls.errorLog;
    // The connection's own timer goes on meanwhile.
    const query = new OcspQuery(
      responder,
      ocspRequest(certificate, issuer),
      0,
      log,
      tls.connectionNumber,
      '',
      (body) => {
        this.query = undefined;
        if (body === undefined) {
          this.done(FAILED);
          return;
        }
        const trust = { chain: path, authorities: conf.authorities, verify: 'all' } as const;
        try {
          const basic = parseOcspResponse(body);
          const { status, nextUpdate } = checkOcspResponse(basic, certificate, issuer, trust, currentSecond());
          if (!this.keep(key, status, nextUpdate)) this.done(FAILED);
          else if (status === 'good') this.next();
          else this.done(PROBLEMS[status]);
        } catch (e) {
          if (!(e instanceof OcspError)) throw e;
          log.write(LOG_ERR, e.message, query);
          this.done(FAILED);
        }
      },
    );
    this.query = query;
    query.start({ resolver, timeout: resolverTimeout });
  }

  private keep(key: string, status: CertificateStatus, nextUpdate: number | undefined): boolean {
    const { zone } = this.conf;
    if (zone === null) return true;
    const seconds = nextUpdate === undefined ? DEFAULT_VALID : nextUpdate - currentSecond();
    if (seconds <= 0 || zoneDict(zone).set(key, status, seconds)) return true;
    this.tls.log(LOG_ALERT, `could not allocate new entry in OCSP cache "${zone.name}"`);
    return false;
  }
}

/** Whose certificate it is, and its number. @throws OcspError */
function cacheKey(certificate: X509Certificate, issuer: X509Certificate): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  const { subject, publicKey } = certificateFields(issuer);
  const { serial } = certificateFields(certificate);
  const hash = (bytes: Buffer): string => createHash('sha1').update(bytes).digest().toString('latin1');
  return hash(subject) + hash(publicKey) + serial.toString('latin1');
}

/**
 * Asks for the status of a client's certificates, which OpenSSL has found good.
 *
 * @param done gets what is wrong with one of them; maybe before this returns
 * @returns gives it up: the connection is closed
 */
export function checkClientStatus(
  tls: TlsConnection,
  conf: ClientStatusConf,
  done: (problem: string | undefined) => void,
): () => void {
  const { X509Certificate: Certificate } = process.getBuiltinModule('node:crypto');
  const shown = shownCertificates(tls.session).map((der) => new Certificate(der));
  const [first] = shown;
  const path = first && pathToAuthority(first, shown, conf.authorities, currentSecond());
  if (path === undefined) {
    tls.log(LOG_ERR, 'X509_verify_cert() failed');
    done(FAILED);
    return () => {};
  }
  const check = new ClientStatus(tls, conf, path, done);
  check.next();
  return () => check.cancel();
}
