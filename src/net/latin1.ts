/** Bytes of a buffer as a byte string, by the quickest way there is: every request and body piece passes here. */

interface Latin1Buffer {
  latin1Slice(start: number, end: number): string;
}

/**
 * `buffer.toString('latin1', start, end)` without the look at the encoding's name. Node's type declarations leave the
 * method out, its own code and every version since 0.x have it.
 */
export function latin1Slice(buffer: Buffer, start: number, end: number): string {
  return (buffer as unknown as Latin1Buffer).latin1Slice(start, end);
}
