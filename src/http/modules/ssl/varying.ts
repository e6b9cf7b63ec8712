/**
 * Certificates whose names have variables: read in each handshake, for the name that the client asks for. nginx:
 * ngx_http_ssl_certificate() (src/http/modules/ngx_http_ssl_module.c).
 */
import type { SecureContext } from 'node:tls';
import { ConfError } from '../../../conf/error.ts';
import { LOG_ERR } from '../../../log/log.ts';
import type { AcceptedSocket } from '../../../net/socket.ts';
import type { ClientConnection } from '../../connection.ts';
import type { CoreServer } from '../../core/conf.ts';
import type { HttpCycle } from '../../cycle.ts';
import { HttpRequest } from '../../request.ts';
import { loadPair, runtimeFiles } from '../../ssl/files.ts';
import type { VariantContext } from '../../ssl/variant-context.ts';
import type { SslServer, VaryingCertificates } from './conf.ts';
import type { TlsConnection } from './handshake.ts';

/**
 * The context with the certificates for one handshake; undefined when they cannot be loaded, which was logged.
 *
 * @param conf with `varying`
 */
export function varyingContext(
  tls: TlsConnection,
  socket: AcceptedSocket,
  server: CoreServer,
  conf: SslServer,
): SecureContext | undefined {
  const { pairs } = conf.varying as VaryingCertificates;
  const r = requestOf(tls, socket, server);
  const files = runtimeFiles(tls.http.cycle.confPrefix, conf.certificateCache);
  try {
    return (conf.variants as VariantContext).withPairs(
      pairs.map(({ certificate, key }) => loadPair(files, certificate.evaluate(r), key.evaluate(r), conf.passwords)),
    );
  } catch (e) {
    if (!(e instanceof ConfError)) throw e;
    tls.log(LOG_ERR, e.message);
    return undefined;
  }
}

/** A request that has nothing but its connection: variables of the connection and the server have values. */
function requestOf(tls: TlsConnection, socket: AcceptedSocket, server: CoreServer): HttpRequest {
  const { confs } = server;
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const connection: Partial<ClientConnection> = {
    connectionNumber: tls.connectionNumber,
    startTime: tls.startTime,
    requests: 0,
    remoteAddress,
    remotePort,
    localAddress,
    localPort,
    secure: true,
    tls,
    sent: 0,
    posted: [],
    buffered: false,
    error: false,
    endedBy: '',
    timedOut: false,
    action: 'SSL handshaking',
    errorLog: tls.errorLog,
    log: (level, message) => tls.log(level, message),
    describe: () => tls.describe(),
  };
  return new HttpRequest(
    connection as ClientConnection,
    tls.http as HttpCycle,
    confs.main,
    confs.server,
    confs.location,
  );
}
