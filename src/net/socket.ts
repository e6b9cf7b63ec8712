/**
 * The transport behind one small interface, so that the fast one (libuv handles with one shared read buffer) and
 * the portable one (node:net, node:tls) serve the same HTTP code.
 */

/** What the owner of a socket is told. One object per connection, set once: no closures per event. */
export interface SocketOwner {
  /**
   * Bytes arrived. `buffer` is shared by all sockets of the process: what is not consumed before returning must
   * be copied. Valid from `start` to `end`.
   */
  onData(buffer: Buffer, start: number, end: number): void;
  /** The peer closed its side (FIN). */
  onEnd(): void;
  /** The connection failed (ECONNRESET, EPIPE, ...); `code` is the errno name. Nothing follows but onClose. */
  onError(code: string): void;
  /** All bytes given to `write` so far are in the kernel. Called only after a write returned false. */
  onDrain(): void;
  /** The descriptor is closed. Last event. */
  onClose(): void;
}

/** One byte-stream socket, TCP, unix or TLS. */
export interface Socket {
  owner: SocketOwner | undefined;
  /** Descriptor number, or -1 where the transport hides it (TLS, pipes on some systems). */
  readonly fd: number;
  /** Bytes written by `write` that the kernel has not taken yet. */
  readonly pendingBytes: number;
  /** The errno name once the connection has failed, known before `onError` is called; else ''. */
  readonly failure: string;
  /**
   * Queues bytes (a latin1 byte string, or a buffer that must not change). True: the kernel has them all. False:
   * they wait and `onDrain` will be called, or the connection has failed (`failure`) or is closed.
   */
  write(data: string | Uint8Array): boolean;
  /** Several pieces at once (writev). Same result as `write`. */
  writev(pieces: readonly (string | Uint8Array)[]): boolean;
  /** Stops and restarts reading (back-pressure). A new socket is paused. */
  pause(): void;
  resume(): void;
  /** Sends FIN after what is queued. */
  shutdown(): void;
  /** Closes after what is queued is written or has failed. */
  end(): void;
  /** Closes at once. With `reset`, by RST (SO_LINGER 0). */
  destroy(reset?: boolean): void;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean, idleSeconds?: number): void;
}

/** A socket accepted on a listening one, with both ends' addresses. */
export interface AcceptedSocket extends Socket {
  /** `127.0.0.1`, `::1`, or `unix:` for unix sockets. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The address that the client connected to. */
  readonly localAddress: string;
  readonly localPort: number;
}
