/**
 * What flows through body filters: a chain (array) of pieces of the response. nginx: ngx_buf_t, ngx_chain_t.
 *
 * A piece is memory (a latin1 byte string or a buffer), a range of an open file, or nothing but flags. A filter
 * that keeps a piece keeps the object; one that changes a piece makes a new one, since the pieces of static
 * content may be shared between requests.
 */

/** An open file that pieces refer to. `close()` is called by who opened it, when the request is freed. */
export interface OpenFile {
  readonly fd: number;
  readonly path: string;
}

/** One piece of a response body. */
export interface Buf {
  /** Bytes in memory; undefined for a file range or a piece of flags alone. */
  data: string | Uint8Array | undefined;
  file: OpenFile | undefined;
  /** Byte offsets in the file, `fileLast` exclusive. */
  filePos: number;
  fileLast: number;
  /** Send what is gathered so far now. */
  flush: boolean;
  /** Nothing in it; only keeps the chain's order (nginx's `sync`). */
  sync: boolean;
  /** The response ends here (main request). */
  lastBuf: boolean;
  /** This (sub)request's part ends here. */
  lastInChain: boolean;
}

export type Chain = Buf[];

/** A piece of memory. */
export function memoryBuf(data: string | Uint8Array): Buf {
  return {
    data,
    file: undefined,
    filePos: 0,
    fileLast: 0,
    flush: false,
    sync: false,
    lastBuf: false,
    lastInChain: false,
  };
}

/** A range of an open file. */
export function fileBuf(file: OpenFile, filePos: number, fileLast: number): Buf {
  return { data: undefined, file, filePos, fileLast, flush: false, sync: false, lastBuf: false, lastInChain: false };
}

/** A piece without bytes; set its flags. nginx: an empty buf with flush, sync or last_buf. */
export function flagBuf(): Buf {
  return {
    data: undefined,
    file: undefined,
    filePos: 0,
    fileLast: 0,
    flush: false,
    sync: false,
    lastBuf: false,
    lastInChain: false,
  };
}

/** Bytes that a piece holds. nginx: ngx_buf_size(). */
export function bufSize(b: Buf): number {
  return b.data !== undefined ? b.data.length : b.fileLast - b.filePos;
}

/** Bytes in a whole chain. */
export function chainSize(chain: Chain): number {
  let size = 0;
  for (const b of chain) size += bufSize(b);
  return size;
}
