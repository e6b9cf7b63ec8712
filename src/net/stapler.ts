/** How node:tls is given an OCSP response for clients that ask for one: it asks a server, which nothing else is here. */
import type { SecureContext, Server as TlsServer } from 'node:tls';

/** A `server` for the options of a TLSSocket. The response is in DER. */
export function stapler(context: SecureContext, response: Buffer): TlsServer {
  const { EventEmitter } = process.getBuiltinModule('node:events');
  // Where node:tls looks for the certificate that it tells the listener.
  const server = Object.assign(new EventEmitter(), { _sharedCreds: context });
  server.on('OCSPRequest', (_certificate: Buffer, _issuer: Buffer, done: (error: null, response: Buffer) => void) => {
    done(null, response);
  });
  return server as unknown as TlsServer;
}
