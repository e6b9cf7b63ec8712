/**
 * TLS on a connection that we made: the client's side of what src/net/tls.ts does for accepted ones, for backends and
 * cosockets. node:tls runs the handshake and never judges the peer's certificate: whoever wants that asks afterwards
 * (src/http/ssl/verify.ts). There is no timeout here: who wants one destroys the handshake.
 *
 * nginx: ngx_ssl_create_connection() with NGX_SSL_CLIENT, ngx_ssl_handshake() (src/event/ngx_event_openssl.c).
 */
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, SecureContext, TLSSocket } from 'node:tls';
import { updateTime } from '../log/time.ts';
import { type HeldStream, holdStream } from './held-stream.ts';
import { PortableSocket } from './portable.ts';
import type { Socket } from './socket.ts';
import { TcpSocket } from './tcp.ts';
import { type HandshakeOwner, secured } from './tls.ts';

/** How to speak to a server. */
export interface TlsClientOptions {
  readonly context: SecureContext;
  /** The name to ask for (SNI); an address is not sent (RFC 6066 section 3). */
  readonly serverName: string | undefined;
  /** An earlier session with this server to resume, as `onSession` gave it. */
  readonly session: Buffer | undefined;
  /** For ALPN, the preferred one first; none by default. */
  readonly protocols?: readonly string[];
  /** Ask for an OCSP response, which `TLSSocket` reports with the event OCSPResponse. */
  readonly requestStatus?: boolean;
  /**
   * The server gave a session that can be resumed. With TLS 1.3 that is after the handshake, while reading, and may
   * happen several times.
   */
  readonly onSession?: (session: Buffer) => void;
  /** A line for a key log file, as Wireshark reads them, with its line feed. */
  readonly onKeyLog?: (line: Buffer) => void;
  /**
   * The server asks for a certificate of ours: the handshake waits for `ClientHandshake.goOn`, and shows what `context`
   * has. (Node can change that for servers only; who wants to show another one begins again.) Not called for a resumed
   * session.
   */
  readonly onCertificateRequest?: (protocol: string) => void;
}

/** Who began one. One of the three is called, once. */
export interface ClientHandshakeOwner extends Pick<HandshakeOwner, 'onHandshakeEnd' | 'onHandshakeError'> {
  /** `socket` is paused and without an owner. */
  onSecure(socket: Socket, stream: TLSSocket): void;
}

/** A handshake under way, as a client. */
export class ClientHandshake {
  readonly #stream: TLSSocket;
  readonly #held: HeldStream | undefined;
  #owner: ClientHandshakeOwner | undefined;

  /**
   * Takes over a connected socket.
   *
   * @param socket a TcpSocket or PortableSocket with nothing left to write; not to be used any more
   * @param owner gets a socket in its place, or hears of the failure; never before the constructor returns
   */
  constructor(socket: Socket, options: TlsClientOptions, owner: ClientHandshakeOwner) {
    if (!(socket instanceof TcpSocket || socket instanceof PortableSocket)) throw new Error('TLS over TLS');
    this.#owner = owner;
    const { connect } = process.getBuiltinModule('node:tls');
    const held = holdFor(socket, options, () => this.#owner !== undefined);
    this.#held = held;
    const plain = held === undefined ? socket.release() : undefined;
    const { serverName } = options;
    const settings: ConnectionOptions & { requestOCSP?: boolean } = {
      socket: (held?.stream ?? plain) as Duplex,
      secureContext: options.context,
      // Node wants no addresses here, and takes no name for the address of the connection.
      servername: serverName === undefined || isIP(serverName) !== 0 ? '' : serverName,
      requestOCSP: options.requestStatus === true,
      rejectUnauthorized: false,
      checkServerIdentity: nobodyChecks,
    };
    if (options.session !== undefined) settings.session = options.session;
    if (options.protocols !== undefined) settings.ALPNProtocols = [...options.protocols];
    const stream = connect(settings);
    this.#stream = stream;
    if (options.onSession !== undefined) stream.on('session', options.onSession);
    if (options.onKeyLog !== undefined) stream.on('keylog', options.onKeyLog);
    if (held !== undefined) stream.on('keylog', held.addSecret);
    const onEnd = (): void => {
      updateTime();
      this.#take()?.onHandshakeEnd();
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      updateTime();
      this.#take()?.onHandshakeError(error);
      stream.destroy();
    };
    // 'secure' is what TLSSocket says when the handshake is done; its own listener is called before ours.
    stream.once('secure', () => {
      updateTime();
      const taken = this.#take();
      if (taken === undefined) return;
      stream.off('end', onEnd).off('_tlsError', onError).off('error', onError).off('close', onEnd);
      taken.onSecure(secured(stream, socket), stream);
    });
    // Node's own listener makes an error of the end; ours must hear of the end itself.
    stream.prependListener('end', onEnd);
    stream.on('_tlsError', onError).on('error', onError).on('close', onEnd);
    (held?.stream ?? plain)?.on('error', onError);
  }

  #take(): ClientHandshakeOwner | undefined {
    const owner = this.#owner;
    this.#owner = undefined;
    return owner;
  }

  /** Goes on after `onCertificateRequest`. */
  goOn(): void {
    this.#held?.release();
  }

  /** Gives up, without a word to the server. The owner hears nothing more. */
  destroy(): void {
    this.#owner = undefined;
    this.#stream.destroy();
  }
}

function holdFor(socket: Socket, options: TlsClientOptions, wanted: () => boolean): HeldStream | undefined {
  const { onCertificateRequest } = options;
  if (onCertificateRequest === undefined) return undefined;
  const held = holdStream(socket, () => {
    updateTime();
    if (wanted()) onCertificateRequest(held.flight.protocol);
  });
  return held;
}

function nobodyChecks(): undefined {
  return undefined;
}
