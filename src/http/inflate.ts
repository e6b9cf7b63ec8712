/**
 * Decompression of gzip in pieces, at once: filters pass on what they are given before they return. Node's streams only
 * answer later, so the binding beneath them is called directly, by the method that its own synchronous functions use.
 */
import { constants, createGunzip } from 'node:zlib';

/** What lies beneath a zlib stream of Node's. */
export interface ZlibHandle {
  writeSync(
    flush: number,
    input: Uint8Array | null,
    inputStart: number,
    inputLength: number,
    output: Uint8Array,
    outputStart: number,
    outputLength: number,
  ): void;
  reset(): void;
  close(): void;
  onerror: (message: string, errno: number, code: string) => void;
}

/** zlib refused the data; `code` is its number (Z_DATA_ERROR is -3). */
export class InflateError extends Error {
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

const EMPTY = new Uint8Array(0);

/** One gzip stream, of one member or several. */
export class GzipInflater {
  readonly #handle: ZlibHandle;
  /** After each write: bytes left in the output and in the input. */
  readonly #state: Uint32Array;
  readonly #size: number;
  #error: InflateError | undefined = undefined;
  #closed = false;

  /** @param size bytes of an output buffer */
  constructor(size: number) {
    const stream = createGunzip() as unknown as { _handle?: ZlibHandle; _writeState?: Uint32Array };
    if (typeof stream._handle?.writeSync !== 'function' || stream._writeState === undefined) {
      throw new Error(`zlib of Node.js ${process.version} cannot decompress in pieces`);
    }
    this.#handle = stream._handle;
    this.#state = stream._writeState;
    this.#size = size;
    this.#handle.onerror = (message, errno) => {
      this.#error = new InflateError(message, errno);
    };
  }

  /**
   * Decompresses a piece.
   *
   * @param finish the input ends here
   * @param emit takes output, a buffer of its own each time
   * @throws InflateError for bad data, and at the end for incomplete data
   */
  write(input: Uint8Array | undefined, finish: boolean, emit: (output: Buffer) => void): void {
    const data = input ?? EMPTY;
    let start = 0;
    for (;;) {
      const output = Buffer.allocUnsafe(this.#size);
      const flush = finish ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
      this.#handle.writeSync(flush, data, start, data.length - start, output, 0, this.#size);
      if (this.#error !== undefined) throw this.#error;
      const [room, left] = this.#state as unknown as [number, number];
      if (room < this.#size) emit(output.subarray(0, this.#size - room));
      start = data.length - left;
      // A full buffer: there may be more.
      if (room !== 0) return;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
  }
}
