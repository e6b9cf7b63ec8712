/**
 * Ties listening sockets to HTTP connections. The seam for what comes before HTTP on a connection (PROXY protocol, TLS)
 * and beside HTTP/1 (HTTP/2): they take the socket here and hand on one that speaks HTTP/1.
 */
import type { AcceptedSocket } from '../../net/socket.ts';
import type { ListenGroup } from '../core/conf.ts';
import type { HttpCycle } from '../cycle.ts';
import { Http1Connection } from './http1.ts';

/** What `Listening.accept` is to be for a group of servers. */
export function acceptHttp(http: HttpCycle, group: ListenGroup): (socket: AcceptedSocket) => void {
  return (socket) => {
    new Http1Connection(socket, http, group);
  };
}
