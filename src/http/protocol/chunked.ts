/**
 * The chunked transfer coding of a request body (RFC 9112 section 7.1), strictly: CR LF everywhere, no signs, no
 * spaces before the size. nginx: ngx_http_parse_chunked().
 *
 * Extensions and trailer fields are read over and dropped. Their length is bounded by what the connection buffers,
 * and by the time that a client may take.
 */

// States. What is expected next:
const CHUNK_START = 0;
const SIZE = 1;
const EXTENSION = 2;
const EXTENSION_LF = 3;
const DATA = 4;
const AFTER_DATA = 5;
const AFTER_DATA_LF = 6;
const LAST_EXTENSION = 7;
const LAST_EXTENSION_LF = 8;
const TRAILER = 9;
const END_LF = 10;
const TRAILER_FIELD = 11;
const TRAILER_FIELD_LF = 12;

/** The decoder found: */
export const CHUNK_DATA = 1;
export const CHUNK_AGAIN = 2;
export const CHUNK_DONE = 3;
export const CHUNK_INVALID = 4;

/** Larger sizes would not be exact as numbers, and no body is that large. */
const LARGEST = Number.MAX_SAFE_INTEGER / 16 - 1;

/** Decodes one body piece by piece. */
export class ChunkedDecoder {
  /** Done behind the last chunk: the trailer is left to the caller, with the empty line that ends it. */
  private readonly keepTrailer: boolean;
  /** Bytes of the current chunk that are still to come. */
  size = 0;
  /** Position behind what was understood. */
  pos = 0;
  private state = CHUNK_START;

  constructor(keepTrailer = false) {
    this.keepTrailer = keepTrailer;
  }

  /**
   * Goes on from `pos` in `text`, up to `end`.
   * @returns CHUNK_DATA: `size` bytes of data (or as many as are there) begin at `this.pos`: take them, and subtract
   *   what was taken from `size`; CHUNK_AGAIN: all was understood, more is needed; CHUNK_DONE: the body ends at
   *   `this.pos`; CHUNK_INVALID
   */
  decode(text: string, pos: number, end: number): number {
    let { state, size } = this;
    if (state === DATA && size === 0) state = AFTER_DATA;
    let i = pos;
    for (; i < end; i++) {
      const ch = text.charCodeAt(i);
      switch (state) {
        case CHUNK_START: {
          size = hexDigit(ch);
          if (size < 0) return CHUNK_INVALID;
          state = SIZE;
          break;
        }
        case SIZE: {
          const digit = hexDigit(ch);
          if (digit >= 0) {
            if (size > LARGEST) return CHUNK_INVALID;
            size = size * 16 + digit;
          } else if (ch === 0x0d) {
            state = size === 0 ? LAST_EXTENSION_LF : EXTENSION_LF;
          } else if (ch === 0x3b || ch === 0x20 || ch === 0x09) {
            state = size === 0 ? LAST_EXTENSION : EXTENSION;
          } else {
            return CHUNK_INVALID;
          }
          break;
        }
        case EXTENSION:
        case LAST_EXTENSION:
        case TRAILER_FIELD:
          if (ch === 0x0d) state++;
          else if (ch === 0x0a) return CHUNK_INVALID;
          break;
        case EXTENSION_LF:
          if (ch !== 0x0a) return CHUNK_INVALID;
          state = DATA;
          break;
        case DATA:
          this.state = DATA;
          this.size = size;
          this.pos = i;
          return CHUNK_DATA;
        case AFTER_DATA:
          if (ch !== 0x0d) return CHUNK_INVALID;
          state = AFTER_DATA_LF;
          break;
        case AFTER_DATA_LF:
          if (ch !== 0x0a) return CHUNK_INVALID;
          state = CHUNK_START;
          break;
        case LAST_EXTENSION_LF:
        case TRAILER_FIELD_LF:
          if (ch !== 0x0a) return CHUNK_INVALID;
          if (this.keepTrailer) {
            this.pos = i + 1;
            return CHUNK_DONE;
          }
          state = TRAILER;
          break;
        case TRAILER:
          if (ch === 0x0d) state = END_LF;
          else if (ch === 0x0a) return CHUNK_INVALID;
          else state = TRAILER_FIELD;
          break;
        default:
          if (ch !== 0x0a) return CHUNK_INVALID;
          this.pos = i + 1;
          return CHUNK_DONE;
      }
    }
    this.state = state;
    this.size = size;
    this.pos = i;
    return CHUNK_AGAIN;
  }

  /** Bytes that are certainly still to come before the end of the body. */
  get atLeast(): number {
    return this.state === DATA ? this.size + 7 : 1;
  }
}

function hexDigit(ch: number): number {
  if (ch >= 0x30 && ch <= 0x39) return ch - 0x30;
  const c = ch | 0x20;
  return c >= 0x61 && c <= 0x66 ? c - 0x57 : -1;
}
