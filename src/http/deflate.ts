/**
 * Compression to gzip in pieces, at once, as `inflate.ts` decompresses. Setting zlib up costs more than compressing a
 * small page, so that compressors which have finished are kept and reset.
 */
import { constants, createGzip } from 'node:zlib';
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

const EMPTY = new Uint8Array(0);
/** Output of one call, copied at once: one for the process. */
const scratch = Buffer.allocUnsafeSlow(65536);
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
   * @param flush NO_FLUSH, SYNC_FLUSH or FINISH
   * @param emit takes output: a view that is valid during the call only
   * @throws DeflateError when zlib fails, which it has no reason to
   */
  write(input: Uint8Array | undefined, flush: number, emit: (output: Buffer) => void): void {
    const data = input ?? EMPTY;
    let start = 0;
    for (;;) {
      this.#handle.writeSync(flush, data, start, data.length - start, scratch, 0, scratch.length);
      if (this.#error !== undefined) throw this.#error;
      const [room, left] = this.#state as unknown as [number, number];
      if (room < scratch.length) emit(scratch.subarray(0, scratch.length - room));
      start = data.length - left;
      if (room !== 0) return;
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
