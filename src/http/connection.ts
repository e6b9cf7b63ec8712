/**
 * A client connection as the request engine sees it: HTTP/1 over a socket (src/http/protocol), later an HTTP/2
 * stream. nginx: ngx_connection_t with ngx_http_connection_t.
 */
import type { Log, LogScope } from '../log/log.ts';
import type { AcceptedSocket } from '../net/socket.ts';
import type { Chain } from './buf.ts';
import type { TlsConnection } from './modules/ssl/handshake.ts';
import type { HttpRequest } from './request.ts';

/** What a proxy in front said about the connection (PROXY protocol). nginx: ngx_proxy_protocol_t. */
export interface ProxyProtocolInfo {
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  /** A TLV's value by nginx's name for it or its number (`0x01`); undefined when there is none. */
  tlv?(name: string): string | undefined;
}

export interface ClientConnection extends LogScope {
  /** $connection. */
  readonly connectionNumber: number;
  /** Milliseconds since 1970 when it was accepted. */
  readonly startTime: number;
  /** $connection_requests: requests begun on it. */
  requests: number;
  /** May be rewritten by the real IP module. */
  remoteAddress: string;
  remotePort: number;
  localAddress: string;
  localPort: number;
  /** TLS. */
  readonly secure: boolean;
  /** What is known about its TLS; undefined without. */
  readonly tls?: TlsConnection | undefined;
  /** Descriptor of the socket, where the transport shows it. */
  readonly fd?: number;
  /** Text of the listening socket that accepted it, as `0.0.0.0:80`. */
  readonly listeningText?: string;
  /** Undefined without `listen ... proxy_protocol`. */
  readonly proxyProtocol?: ProxyProtocolInfo | undefined;
  /** Bytes sent to the client, headers included. */
  sent: number;
  /** The (sub)request whose output may go to the client now. nginx: c->data. */
  active: HttpRequest;
  /** Requests to run before returning to the event loop; see src/http/subrequest.ts. */
  posted: HttpRequest[];
  /** Output is held back: bytes not yet taken by the kernel. nginx: c->buffered. */
  readonly buffered: boolean;
  /** The connection failed: nothing can be sent any more. */
  error: boolean;
  /** The errno name of the failure that ended it; '' when the client closed it in order, or nothing has happened. */
  readonly endedBy: string;
  timedOut: boolean;
  /** What is being done, for error_log: "reading client request headers", "sending to client", ... or ''. */
  action: string;
  /** Where `log` writes: the error_log of the location that the main request is in. */
  errorLog: Log;
  /** Writes to `errorLog`. `r`: the (sub)request that the line is about. */
  log(level: number, message: string, r?: HttpRequest): void;

  /**
   * The bottom of the output: sends a header (a byte string, '' for none) and a chain of pieces, holding small
   * output back until a piece has `flush` or `lastBuf` (postpone_output), and obeying limit_rate. nginx: the write
   * filter.
   * @returns OK when everything was taken, AGAIN when bytes wait (`buffered`), ERROR when the client is gone.
   */
  write(r: HttpRequest, header: string, chain: Chain | null): number;
  /** The main request has ended: keep-alive, lingering close, or close. nginx: ngx_http_finalize_connection(). */
  finalize(r: HttpRequest): void;
  /** Closes at once, the request being freed by the caller. */
  close(reset?: boolean): void;
  /** Stops or restarts the timer of send_timeout while output waits. */
  armSendTimeout(r: HttpRequest): void;
  clearSendTimeout(): void;

  /**
   * Reads the request body as client_body_* say, then calls `then`. nginx: ngx_http_read_client_request_body().
   * @returns OK when `then` has been called already, AGAIN when it will be, or a status to finalize with.
   */
  readBody(r: HttpRequest, then: (r: HttpRequest) => void): number;
  /**
   * Goes on with a body that is passed on while it arrives (`r.requestBodyNoBuffering`). Its consumer calls this from
   * `r.readEventHandler` and takes the pieces out of `r.requestBody.chunks`. nginx:
   * ngx_http_read_unbuffered_request_body().
   * @returns OK when the body is complete, AGAIN, or a status
   */
  readUnbufferedBody(r: HttpRequest): number;
  /** Throws the body away as it arrives. nginx: ngx_http_discard_request_body(). Returns OK or a status. */
  discardBody(r: HttpRequest): number;
  /** The response is complete, the body that is thrown away is not: limits the client's time by lingering_*. */
  limitDiscarding(r: HttpRequest): void;
  /**
   * Has `active.readEventHandler` called when the client closes or resets the connection, once, also when it has done
   * so already (then from the event loop). For handlers that were set at another time than output began to wait.
   */
  watchClose(r: HttpRequest): void;
  /**
   * Hands the bare socket over, for protocols that take over the connection (Upgrade, ngx.req.socket): the taker sets
   * the socket's owner, uses `preread` first, and resumes reading. The connection is closed with the request.
   */
  takeRawSocket(r: HttpRequest): { socket: AcceptedSocket; preread: string };
}
