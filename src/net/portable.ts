/**
 * The same socket interface over a node:net Socket: where the raw handles of src/net/tcp.ts cannot be had, and for
 * streams that are not handles (TLS).
 */
import type { Socket as NetSocket } from 'node:net';
import { updateTime } from '../log/time.ts';
import { endConnection } from './activity.ts';
import type { AcceptedSocket, SocketOwner } from './socket.ts';

/** One connection over a net.Socket or tls.TLSSocket. Made paused and without an owner. */
export class PortableSocket implements AcceptedSocket {
  owner: SocketOwner | undefined = undefined;
  failure = '';
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Counted as activity of the worker until it is closed. */
  counted = false;
  readonly stream: NetSocket;
  #closed = false;

  /** @param unixAddress the listening socket's name when it is a unix socket */
  constructor(stream: NetSocket, unixAddress?: string) {
    this.stream = stream;
    this.remoteAddress = unixAddress === undefined ? (stream.remoteAddress ?? '') : 'unix:';
    this.remotePort = stream.remotePort ?? 0;
    this.localAddress = unixAddress ?? stream.localAddress ?? '';
    this.localPort = stream.localPort ?? 0;
    stream.pause();
    stream.on('data', (bytes: Buffer) => {
      updateTime();
      this.owner?.onData(bytes, 0, bytes.length);
    });
    stream.on('end', () => {
      updateTime();
      this.owner?.onEnd();
    });
    stream.on('drain', () => {
      updateTime();
      if (!this.#closed) this.owner?.onDrain();
    });
    stream.on('error', (e: NodeJS.ErrnoException) => {
      if (this.#closed || this.failure !== '') return;
      this.failure = e.code ?? 'EIO';
      this.owner?.onError(this.failure);
    });
    stream.on('close', () => {
      this.#closed = true;
      if (this.counted) {
        this.counted = false;
        endConnection();
      }
      this.owner?.onClose();
    });
    // Listening to 'data' has set it flowing.
    stream.pause();
  }

  /** As TcpSocket.release. */
  release(): NetSocket {
    this.owner = undefined;
    this.stream.pause();
    return this.stream;
  }

  get fd(): number {
    return (this.stream as unknown as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
  }

  get pendingBytes(): number {
    return this.stream.writableLength;
  }

  write(data: string | Uint8Array): boolean {
    if (this.#unwritable()) return false;
    if (typeof data === 'string') this.stream.write(data, 'latin1');
    else this.stream.write(data);
    return this.#taken();
  }

  writev(pieces: readonly (string | Uint8Array)[]): boolean {
    if (this.#unwritable()) return false;
    this.stream.cork();
    for (const piece of pieces) {
      if (typeof piece === 'string') this.stream.write(piece, 'latin1');
      else this.stream.write(piece);
    }
    this.stream.uncork();
    return this.#taken();
  }

  #unwritable(): boolean {
    return this.#closed || this.failure !== '' || this.stream.destroyed;
  }

  #taken(): boolean {
    if (this.stream.writableLength === 0) return true;
    // 'drain' comes only when the stream has asked for it; below the high water mark it is asked for here.
    if (!this.stream.writableNeedDrain) {
      (this.stream as unknown as { _writableState: { needDrain: boolean } })._writableState.needDrain = true;
    }
    return false;
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    if (!this.#closed) this.stream.resume();
  }

  shutdown(): void {
    if (!this.#unwritable()) this.stream.end();
  }

  end(): void {
    if (this.#closed) return;
    if (this.stream.writableLength === 0) this.stream.destroy();
    else this.stream.destroySoon();
  }

  destroy(reset = false): void {
    if (this.#closed) return;
    if (reset && this.failure === '') this.stream.resetAndDestroy();
    else this.stream.destroy();
  }

  setNoDelay(on: boolean): void {
    this.stream.setNoDelay(on);
  }

  setKeepAlive(on: boolean, idleSeconds = 0): void {
    this.stream.setKeepAlive(on, idleSeconds * 1000);
  }
}
