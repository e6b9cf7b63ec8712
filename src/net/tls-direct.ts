/**
 * The server's side of TLS over a TCP handle, without node:tls around it. A TLSSocket and the net.Socket below it take
 * longer to make than a resumed handshake takes OpenSSL; the handle between them (`TLSWrap`) is all that is needed, and
 * driven as the TCP handles are. Where it has another shape than ours, src/net/tls.ts uses node:tls.
 */
import type { PeerCertificate, SecureContext } from 'node:tls';
import { type StreamHandle, streamHandles, type TcpHandle } from './handles.ts';
import { type HandshakeHooks, type HookedHandle, installHooks } from './tls-hooks.ts';

/** What can be asked about a connection. TLSSocket has these, too. */
export interface TlsSession {
  getProtocol(): string | null;
  getCipher(): { readonly name: string; readonly version: string };
  isSessionReused(): boolean;
  getSession(): Buffer | undefined;
  getTLSTicket(): Buffer | undefined;
  /** RFC 5705; undefined once closed. Throws OpenSSL's errors. */
  exportKeyingMaterial(length: number, label: string, context?: Buffer): Buffer | undefined;
  getPeerCertificate(detailed: true): Partial<PeerCertificate> | null;
  /** The one that was agreed on; false or null for none. */
  readonly alpnProtocol: string | false | null;
}

/** TLSWrap, as far as it is used. */
export interface TlsHandle extends StreamHandle {
  readonly _parent?: { readonly writeQueueSize?: number; readonly fd?: number };
}

interface ServerHandle extends HookedHandle {
  _parent: StreamHandle;
  onhandshakestart: () => void;
  onhandshakedone: () => void;
  onerror: (error: NodeJS.ErrnoException) => void;
  setALPNProtocols(list: Buffer): void;
  setMaxSendFragment(size: number): boolean;
  receive(bytes: Buffer): void;
  destroySSL(): void;
  getCipher(): { readonly name: string; readonly version: string };
  isSessionReused(): boolean;
  getSession(): Buffer | undefined;
  getTLSTicket(): Buffer | undefined;
  exportKeyingMaterial(length: number, label: string, context?: Buffer): Buffer | undefined;
  getPeerCertificate(detailed: boolean): Partial<PeerCertificate> | null;
  getALPNNegotiatedProtocol(): string | false | null;
}

type Wrap = (parent: StreamHandle, context: unknown, isServer: boolean, hasActiveWrite: boolean) => ServerHandle;

const METHODS: readonly (keyof ServerHandle)[] = [
  'setVerifyMode',
  'enableCertCb',
  'certCbDone',
  'enableSessionCallbacks',
  'endParser',
  'newSessionDone',
  'loadSession',
  'setKeyCert',
  'setOCSPResponse',
  'setALPNProtocols',
  'setMaxSendFragment',
  'receive',
  'destroySSL',
  'getProtocol',
  'getCipher',
  'isSessionReused',
  'getSession',
  'getTLSTicket',
  'getPeerCertificate',
  'getALPNNegotiatedProtocol',
  'useUserBuffer',
  'writeLatin1String',
  'writeBuffer',
  'readStart',
  'readStop',
  'shutdown',
];

/** Undefined until it was looked for; null where this Node has it not in the shape that we know. */
let found: Wrap | null | undefined;

function look(): Wrap | null {
  if (streamHandles() === undefined) return null;
  // The binding's prototypes are completed by node:tls.
  process.getBuiltinModule('node:tls');
  try {
    const binding = (process as unknown as { binding(name: string): Record<string, unknown> }).binding('tls_wrap');
    const { wrap, TLSWrap } = binding as { wrap?: Wrap; TLSWrap?: { prototype: object } };
    if (typeof wrap !== 'function' || typeof TLSWrap !== 'function') return null;
    return METHODS.every((method) => method in (TLSWrap as { prototype: object }).prototype) ? wrap : null;
  } catch {
    // No such binding in this Node: that is the answer, not an error.
    return null;
  }
}

/** Whether connections can be served this way. */
export function hasDirectTls(): boolean {
  found ??= look();
  return found !== null;
}

/** Lists of protocols are few: each in the form that OpenSSL wants is made once. RFC 7301, section 3.1. */
const alpnLists = new Map<readonly string[], Buffer>();

function alpnList(protocols: readonly string[]): Buffer {
  let list = alpnLists.get(protocols);
  if (list === undefined) {
    list = Buffer.concat(protocols.map((name) => Buffer.from(String.fromCharCode(name.length) + name, 'latin1')));
    alpnLists.set(protocols, list);
  }
  return list;
}

/** Who is told about a connection. */
export interface DirectTlsOwner {
  /** The handshake is done. From within OpenSSL. */
  onTlsSecure(): void;
  /** OpenSSL refused what came, or failed. Its alert is sent. From within OpenSSL. */
  onTlsError(error: NodeJS.ErrnoException): void;
  /** The descriptor is closed. */
  onTlsClose(): void;
}

/** Renegotiations of TLS 1.2 that a client is allowed, as in node:tls. */
const MOST_RENEGOTIATIONS = 3;

/** One connection. */
export class DirectTls implements TlsSession {
  /** The handle to read from and to write to. Named as in TLSSocket. */
  readonly _handle: ServerHandle;
  owner: DirectTlsOwner | undefined = undefined;
  readonly #parent: StreamHandle;
  readonly #tcp: boolean;
  #secure = false;
  #renegotiations = 0;
  #closed = false;

  /**
   * @param parent a TCP or pipe handle that nobody else uses any more
   * @param protocols for ALPN; the same array for the same list
   * @param session an earlier one, for the id that the client presents
   */
  constructor(
    parent: StreamHandle,
    tcp: boolean,
    context: SecureContext,
    requestCertificate: boolean,
    protocols: readonly string[],
    recordSize: number,
    hooks: HandshakeHooks | undefined,
    session: Buffer | undefined,
  ) {
    this.#parent = parent;
    this.#tcp = tcp;
    const handle = (found as Wrap)(parent, (context as unknown as { context: unknown }).context, true, false);
    this._handle = handle;
    handle._parent = parent;
    if (requestCertificate) handle.setVerifyMode(true, false);
    handle.setALPNProtocols(alpnList(protocols));
    if (recordSize < 16384) handle.setMaxSendFragment(recordSize);
    if (hooks !== undefined || session !== undefined) installHooks(handle, hooks, session, () => this.#closed);
    handle.onhandshakestart = () => {
      if (this.#secure && ++this.#renegotiations > MOST_RENEGOTIATIONS) {
        this.owner?.onTlsError(Object.assign(new Error('too many renegotiations'), { code: 'EPROTO' }));
      }
    };
    handle.onhandshakedone = () => {
      if (this.#secure || this.#closed) return;
      this.#secure = true;
      this.owner?.onTlsSecure();
    };
    handle.onerror = (error) => {
      if (!this.#closed) this.owner?.onTlsError(error);
    };
  }

  /** Bytes that were read before. */
  receive(bytes: Buffer): void {
    this._handle.receive(bytes);
  }

  get closed(): boolean {
    return this.#closed;
  }

  getProtocol(): string | null {
    return this.#closed ? null : this._handle.getProtocol();
  }

  getCipher(): { readonly name: string; readonly version: string } {
    return this._handle.getCipher();
  }

  isSessionReused(): boolean {
    return this._handle.isSessionReused();
  }

  getSession(): Buffer | undefined {
    return this.#closed ? undefined : this._handle.getSession();
  }

  getTLSTicket(): Buffer | undefined {
    return this.#closed ? undefined : this._handle.getTLSTicket();
  }

  exportKeyingMaterial(length: number, label: string, context?: Buffer): Buffer | undefined {
    if (this.#closed) return undefined;
    return context === undefined
      ? this._handle.exportKeyingMaterial(length, label)
      : this._handle.exportKeyingMaterial(length, label, context);
  }

  getPeerCertificate(): Partial<PeerCertificate> | null {
    return this.#closed ? null : this._handle.getPeerCertificate(true);
  }

  get alpnProtocol(): string | false | null {
    return this.#closed ? null : this._handle.getALPNNegotiatedProtocol();
  }

  setNoDelay(on: boolean): void {
    if (this.#tcp && !this.#closed) (this.#parent as TcpHandle).setNoDelay(on);
  }

  setKeepAlive(on: boolean, idleSeconds: number): void {
    if (this.#tcp && !this.#closed) (this.#parent as TcpHandle).setKeepAlive(on, idleSeconds);
  }

  /** Closes at once, with `reset` by RST. */
  destroy(reset: boolean): void {
    if (this.#closed) return;
    this.#closed = true;
    this._handle.readStop();
    const closed = (): void => {
      this.owner?.onTlsClose();
      // Not now: this may be a call from within OpenSSL.
      setImmediate(destroySsl, this._handle);
    };
    if (reset && this.#tcp && (this.#parent as TcpHandle).reset(closed) === 0) return;
    this.#parent.close(closed);
  }
}

function destroySsl(handle: ServerHandle): void {
  handle.destroySSL();
}
