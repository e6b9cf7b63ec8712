/**
 * Ties listening sockets to HTTP connections. The seam for what comes before HTTP on a connection (PROXY protocol, TLS)
 * and beside HTTP/1 (HTTP/2): they take the socket here and hand on one that speaks HTTP/1.
 */
import { nextConnectionNumber } from '../../net/activity.ts';
import type { AcceptedSocket } from '../../net/socket.ts';
import type { ListenGroup } from '../core/conf.ts';
import type { HttpCycle } from '../cycle.ts';
import { abortHandshakes, type StartHttp, TlsConnection } from '../modules/ssl/handshake.ts';
import { abortConnections, Http1Connection } from './http1.ts';
import { closeIdleConnections } from './idle.ts';

/** What `Listening.accept` is to be for a group of servers. */
export function acceptHttp(http: HttpCycle, group: ListenGroup): (socket: AcceptedSocket) => void {
  if (group.ssl) {
    const start: StartHttp = (socket, from, secure, bytes) => {
      const connection = new Http1Connection(socket, http, group, from, secure);
      if (bytes !== undefined) connection.onData(bytes, 0, bytes.length);
    };
    return (socket) => {
      new TlsConnection(socket, http, group, nextConnectionNumber(), start);
    };
  }
  return (socket) => {
    new Http1Connection(socket, http, group);
  };
}

/** Has the connections of an http block end with its cycle: idle ones first, what is under way at the last moment. */
export function endConnectionsWithCycle(http: HttpCycle): void {
  const { drain, abort } = http.cycle.hooks;
  drain.push(() => closeIdleConnections(http));
  abort.push(() => {
    abortConnections(http);
    abortHandshakes(http);
  });
}
