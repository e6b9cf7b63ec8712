/**
 * `ssl_stapling` with a responder: the response is fetched when the first client asks for it, which gets none yet, and
 * again before it is out of date; each worker has its own. nginx: ngx_ssl_stapling_certificate(),
 * ngx_ssl_certificate_status_callback(), ngx_ssl_stapling_update() (src/event/ngx_event_openssl_stapling.c).
 */
import type { X509Certificate } from 'node:crypto';
import { LOG_ERR, type Log } from '../../../log/log.ts';
import { currentSecond } from '../../../log/time.ts';
import { DerError } from '../../../net/der.ts';
import { certificateFields } from '../../ssl/certificate-fields.ts';
import { checkOcspResponse, OcspError, type OcspTrust, ocspRequest, parseOcspResponse } from '../../ssl/ocsp.ts';
import { OcspQuery, parseResponder, type Resolving, type Responder, ResponderError } from '../../ssl/ocsp-responder.ts';

/** Milliseconds that a responder may be silent. */
const TIMEOUT = 60000;

/** Seconds: after a failure, and before the end of a response. */
const RETRY = 300;
/** Seconds after which a response is fetched anew in any case. */
const LONGEST = 3600;

/** What stapling is made of. */
export interface StaplingSource {
  /** The certificate's file, for messages. */
  readonly name: string;
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
  readonly trust: OcspTrust;
  readonly responder: Responder;
}

export class Stapler {
  private readonly source: StaplingSource;
  private response: Buffer | undefined = undefined;
  /** Seconds since 1970: the response is good until then, and looked for anew from then on. */
  private valid = 0;
  private refresh = 0;
  private query: OcspQuery | undefined = undefined;

  constructor(source: StaplingSource) {
    this.source = source;
  }

  /** What a client gets that asks; undefined for nothing. */
  staple(log: Log, resolving: Resolving): Buffer | undefined {
    const now = currentSecond();
    const response = this.valid >= now ? this.response : undefined;
    if (this.query === undefined && this.refresh < now) this.fetch(log, resolving);
    return response;
  }

  private fetch(log: Log, resolving: Resolving): void {
    const { name, certificate, issuer, responder } = this.source;
    const query = new OcspQuery(responder, ocspRequest(certificate, issuer), TIMEOUT, log, 0, name, (body) => {
      this.query = undefined;
      const error = body === undefined ? '' : this.take(body);
      if (error === undefined) return;
      if (error !== '') log.write(LOG_ERR, error, query);
      this.refresh = currentSecond() + RETRY;
    });
    this.query = query;
    query.start(resolving);
  }

  /** @returns what is wrong with it */
  private take(body: Buffer): string | undefined {
    const { certificate, issuer, trust } = this.source;
    const now = currentSecond();
    try {
      const { status, nextUpdate } = checkOcspResponse(parseOcspResponse(body), certificate, issuer, trust, now);
      if (status !== 'good') return `certificate status "${status}" in the OCSP response`;
      this.response = body;
      this.valid = nextUpdate ?? Number.POSITIVE_INFINITY;
      this.refresh = Math.max(Math.min(this.valid - RETRY, now + LONGEST), now + RETRY);
      return undefined;
    } catch (e) {
      if (e instanceof OcspError) return e.message;
      throw e;
    }
  }
}

/**
 * Stapling for a certificate.
 *
 * @param name its file
 * @param chain it and those that are sent with it
 * @param url `ssl_stapling_responder`, '' for what the certificate says
 * @returns a text why there is none: `"ssl_stapling" ignored, ...`
 */
export function makeStapler(
  name: string,
  chain: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  url: string,
  verify: boolean,
): Stapler | string {
  const [certificate, ...others] = chain as [X509Certificate, ...X509Certificate[]];
  const issuer = [...others, ...authorities].find((one) => certificate.checkIssued(one));
  if (issuer === undefined) {
    return `"ssl_stapling" ignored, issuer certificate not found for certificate "${name}"`;
  }
  let named: string | undefined = url;
  if (url === '') {
    try {
      [named] = certificateFields(certificate).responders;
    } catch (e) {
      if (!(e instanceof DerError)) throw e;
      named = undefined;
    }
  }
  if (named === undefined) {
    return `"ssl_stapling" ignored, no OCSP responder URL in the certificate "${name}"`;
  }
  try {
    const responder = parseResponder(named, true);
    const trust = { chain: others, authorities, verify: verify ? 'chain' : 'signature' } as const;
    return new Stapler({ name, certificate, issuer, trust, responder });
  } catch (e) {
    if (!(e instanceof ResponderError)) throw e;
    return `"ssl_stapling" ignored, ${e.message} in OCSP responder "${e.rest}" in the certificate "${name}"`;
  }
}
