/**
 * What requests need of a TLS connection before they are worked on: that it is one, and the client's certificate.
 * nginx: the beginning of ngx_http_process_request(), and ngx_http_set_virtual_server() (src/http/ngx_http_request.c).
 */
import { LOG_INFO } from '../../../log/log.ts';
import { CHAIN_CUT, isUntrustedOnly, type VerifyError } from '../../../net/openssl-error.ts';
import { HTTP_TO_HTTPS, HTTPS_CERT_ERROR, HTTPS_NO_CERT, OK } from '../../codes.ts';
import type { HttpRequest } from '../../request.ts';
import { verifyPeer } from '../../ssl/verify.ts';
import { type SslServer, VERIFY_OFF, VERIFY_ON, VERIFY_OPTIONAL_NO_CA } from './conf.ts';
import type { TlsConnection } from './handshake.ts';
import { sslModule } from './module.ts';

/** Undefined when the client's chain is good, or when there is none. */
export function verifyClient(tls: TlsConnection, depth: number): VerifyError | undefined {
  const chain = tls.peerChain;
  return chain === undefined ? undefined : verifyPeer(tls.session, chain, depth, CHAIN_CUT);
}

/** @returns OK, or the status to finalize the request with; what is wrong is logged */
export function checkTlsRequest(r: HttpRequest, tls: TlsConnection | undefined): number {
  if (tls === undefined) {
    r.log(LOG_INFO, 'client sent plain HTTP request to HTTPS port');
    return HTTP_TO_HTTPS;
  }
  const conf: SslServer = sslModule.server(r);
  if (conf.verify === VERIFY_OFF) return OK;
  const error = tls.verifyError;
  if (error !== undefined && (conf.verify !== VERIFY_OPTIONAL_NO_CA || !isUntrustedOnly(error))) {
    r.log(LOG_INFO, `client SSL certificate verify error: (${error.number}:${error.text})`);
    return HTTPS_CERT_ERROR;
  }
  if (conf.verify === VERIFY_ON && tls.peerCertificate === undefined) {
    r.log(LOG_INFO, 'client sent no required SSL certificate');
    return HTTPS_NO_CERT;
  }
  if (tls.statusProblem !== undefined) {
    r.log(LOG_INFO, `client SSL certificate verify error: ${tls.statusProblem}`);
    return HTTPS_CERT_ERROR;
  }
  return OK;
}

/**
 * Whether a request on a connection made for one server may go to another: not to one that wants certificates, since
 * the client was not asked for one by its rules.
 */
export function mayChangeServer(tls: TlsConnection, host: string, conf: SslServer): boolean {
  return tls.serverName === undefined || tls.serverName === host || conf.verify === VERIFY_OFF;
}
