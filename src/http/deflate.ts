/**
 * Compression to gzip in pieces, at once, as `inflate.ts` decompresses. Setting zlib up costs more than compressing a
 * small page, so that compressors which have finished are kept and reset.
 */
import { constants, createGzip } from 'node:zlib';
import { latin1Slice, latin1Write } from '../net/latin1.ts';
import type { ZlibHandle } from './inflate.ts';

/** zlib refused; `code` is its number. */
export class DeflateError extends Error {
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** zlib's parameters: level 1 to 9, window of 2^windowBits bytes, memory level 1 to 9. */
export interface DeflateParameters {
  readonly level: number;
  readonly windowBits: number;
  readonly memLevel: number;
}

/** What zlib is told about a piece: keep what helps compression, write all out, end the stream. */
export const NO_FLUSH = constants.Z_NO_FLUSH;
export const SYNC_FLUSH = constants.Z_SYNC_FLUSH;
export const FINISH = constants.Z_FINISH;

/** Where text becomes bytes for zlib, and its output bytes, for one call: memory of their own for each would be garbage at once. */
const input = Buffer.allocUnsafeSlow(65536);
const output = Buffer.allocUnsafeSlow(65536);
/** Compressors kept for each set of parameters; each holds up to 256 KB. */
const KEPT = 16;
const idle = new Map<number, GzipDeflater[]>();

/** One gzip stream. */
export class GzipDeflater {
  readonly #handle: ZlibHandle;
  readonly #state: Uint32Array;
  readonly #key: number;
  #error: DeflateError | undefined = undefined;
  #closed = false;

  /** A compressor at the start of a stream. */
  static take(parameters: DeflateParameters): GzipDeflater {
    const key = (parameters.level << 8) | (parameters.windowBits << 4) | parameters.memLevel;
    const kept = idle.get(key)?.pop();
    if (kept === undefined) return new GzipDeflater(parameters, key);
    kept.#closed = false;
    return kept;
  }

  private constructor(parameters: DeflateParameters, key: number) {
    const stream = createGzip({ ...parameters }) as unknown as { _handle?: ZlibHandle; _writeState?: Uint32Array };
    if (typeof stream._handle?.writeSync !== 'function' || stream._writeState === undefined) {
      throw new Error(`zlib of Node.js ${process.version} cannot compress in pieces`);
    }
    this.#handle = stream._handle;
    this.#state = stream._writeState;
    this.#key = key;
    this.#handle.onerror = (message, errno) => {
      this.#error = new DeflateError(message, errno);
    };
  }

  /**
   * Compresses a piece.
   *
   * @param data bytes, or a byte string
   * @param flush NO_FLUSH, SYNC_FLUSH or FINISH
   * @returns what came out, a byte string
   * @throws DeflateError when zlib fails, which it has no reason to
   */
  write(data: string | Uint8Array, flush: number): string {
    if (typeof data !== 'string') return this.#run(data, data.length, flush);
    let text = data;
    let out = '';
    while (text.length > input.length) {
      latin1Write(input, text.slice(0, input.length));
      out += this.#run(input, input.length, NO_FLUSH);
      text = text.slice(input.length);
    }
    latin1Write(input, text);
    return out + this.#run(input, text.length, flush);
  }

  #run(data: Uint8Array, length: number, flush: number): string {
    let start = 0;
    let out = '';
    for (;;) {
      this.#handle.writeSync(flush, data, start, length - start, output, 0, output.length);
      if (this.#error !== undefined) throw this.#error;
      const [room, left] = this.#state as unknown as [number, number];
      if (room < output.length) out += latin1Slice(output, 0, output.length - room);
      start = length - left;
      if (room !== 0) return out;
    }
  }

  /** The stream is over, finished or not. */
  release(): void {
    if (this.#closed) return;
    this.#closed = true;
    let kept = idle.get(this.#key);
    if (kept === undefined) idle.set(this.#key, (kept = []));
    if (this.#error !== undefined || kept.length >= KEPT) {
      this.#handle.close();
      return;
    }
    this.#handle.reset();
    kept.push(this);
  }
}
