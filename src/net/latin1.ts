/** Bytes of a buffer as a byte string and back, by the quickest way there is: every request and body piece passes here. */

interface Latin1Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number, length: number): number;
}

/**
 * `buffer.toString('latin1', start, end)` without the look at the encoding's name. Node's type declarations leave the
 * method out, its own code and every version since 0.x have it.
 */
export function latin1Slice(buffer: Buffer, start: number, end: number): string {
  return (buffer as unknown as Latin1Buffer).latin1Slice(start, end);
}

/** Puts a byte string of at most `buffer.length` bytes at the start of a buffer, as `buffer.write(text, 'latin1')`. */
export function latin1Write(buffer: Buffer, text: string): void {
  (buffer as unknown as Latin1Buffer).latin1Write(text, 0, text.length);
}
