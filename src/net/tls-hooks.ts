/**
 * What a server decides while a handshake runs: which certificate is shown, which earlier session goes on, and what
 * becomes of new ones. TLSWrap, the handle below a TLSSocket, has calls for all of it, which node:tls uses for its own
 * events ('resumeSession', 'newSession', 'OCSPRequest', SNICallback); these are too few, and each is for a server object
 * that is not there. nginx: ngx_ssl_new_session(), ngx_ssl_get_cached_session() (src/event/ngx_event_openssl.c); ngx_lua
 * sets OpenSSL's callbacks themselves.
 */
import { writeSync } from 'node:fs';
import type { SecureContext } from 'node:tls';
import { type StreamHandle, streamHandles, type WriteRequest } from './handles.ts';

/** What a server wants to be asked. */
export interface HandshakeHooks {
  /**
   * A certificate is to be shown: no session goes on. The handshake waits until `goOn`, or for ever. It may be called
   * from within this.
   *
   * @param wantsStatus the client asks for an OCSP response
   */
  readonly onCertificate?: ((control: HandshakeControl, wantsStatus: boolean) => void) | undefined;
  /** OpenSSL made a session that may go on later under its id. `session` is in DER, fit for `HandshakeStart.session`. */
  readonly onNewSession?: ((id: Buffer, session: Buffer) => void) | undefined;
}

/** A handshake that waits for its certificate. */
export interface HandshakeControl {
  /**
   * The certificate and key of a context are shown, instead of an earlier one with the same kind of key. Authorities
   * for client certificates are those of the last context. Throws OpenSSL's errors.
   */
  use(context: SecureContext): void;
  /** The client is asked for a certificate; the handshake goes on whatever comes of it. */
  requestCertificate(): void;
  /** DER; for clients that ask for it. */
  setOcspResponse(response: Buffer): void;
  /** The protocol that was agreed on. */
  getProtocol(): string | null;
  goOn(): void;
  /** Sends a fatal alert, in the clear: there are no keys yet. The connection is to be destroyed then. */
  sendAlert(description: number): void;
}

/** TLSWrap, as far as it is used here. */
export interface HookedHandle extends StreamHandle {
  readonly _parent?: unknown;
  oncertcb: (info: { readonly OCSPRequest: boolean }) => void;
  onclienthello: () => void;
  onnewsession: (id: Buffer, session: Buffer) => void;
  enableCertCb(): void;
  certCbDone(): void;
  enableSessionCallbacks(): void;
  endParser(): void;
  newSessionDone(): void;
  loadSession(session: Buffer): void;
  setKeyCert(context: unknown): void;
  setVerifyMode(request: boolean, reject: boolean): void;
  setOCSPResponse(response: Buffer): void;
  getProtocol(): string | null;
}

/** A fatal alert in a record of its own, as it is sent before there are keys. RFC 8446, sections 5.1 and 6. */
export function alertRecord(description: number): Buffer {
  return Buffer.from([21, 3, 3, 0, 2, 2, description]);
}

function nothing(): void {}

class Control implements HandshakeControl {
  readonly #handle: HookedHandle;
  readonly #closed: () => boolean;

  constructor(handle: HookedHandle, closed: () => boolean) {
    this.#handle = handle;
    this.#closed = closed;
  }

  use(context: SecureContext): void {
    if (!this.#closed()) this.#handle.setKeyCert((context as unknown as { context: unknown }).context);
  }

  requestCertificate(): void {
    if (!this.#closed()) this.#handle.setVerifyMode(true, false);
  }

  setOcspResponse(response: Buffer): void {
    if (!this.#closed()) this.#handle.setOCSPResponse(response);
  }

  getProtocol(): string | null {
    return this.#closed() ? null : this.#handle.getProtocol();
  }

  goOn(): void {
    if (!this.#closed()) this.#handle.certCbDone();
  }

  sendAlert(description: number): void {
    const parent = this.#handle._parent as StreamHandle | undefined;
    if (this.#closed() || typeof parent?.writeBuffer !== 'function') return;
    const handles = streamHandles();
    if (handles === undefined) {
      writeNow(parent.fd, alertRecord(description));
      return;
    }
    const request: WriteRequest = new handles.WriteWrap();
    request.oncomplete = nothing;
    parent.writeBuffer(request, alertRecord(description));
  }
}

/** To a descriptor that nothing was written to before: there is room. */
function writeNow(fd: number, bytes: Buffer): void {
  try {
    if (fd >= 0) writeSync(fd, bytes);
  } catch (error) {
    // The client has left: nobody is there to be told.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

/**
 * Makes a handle that has read nothing yet ask.
 *
 * @param session an earlier session in DER, for the id that the client presents
 * @param closed the handle is closed: it must not be called any more
 */
export function installHooks(
  handle: HookedHandle,
  hooks: HandshakeHooks | undefined,
  session: Buffer | undefined,
  closed: () => boolean,
): void {
  const { onCertificate, onNewSession } = hooks ?? {};
  if (onCertificate !== undefined) {
    handle.oncertcb = (info) => {
      if (!closed()) onCertificate(new Control(handle, closed), info.OCSPRequest);
    };
    handle.enableCertCb();
  }
  if (onNewSession !== undefined) {
    // Sessions are looked up before the handshake; the parser that comes with these callbacks has nothing to do.
    handle.onclienthello = () => handle.endParser();
    handle.onnewsession = (id, made) => {
      if (closed()) return;
      onNewSession(id, made);
      if (!closed()) handle.newSessionDone();
    };
    handle.enableSessionCallbacks();
  }
  if (session !== undefined) handle.loadSession(session);
}
