/**
 * Between JavaScript's text and the server's bytes. Handlers see text, which is UTF-8 on the wire; bytes that must stay
 * as they are go through Buffers.
 */

/** Text or bytes. */
export type Data = string | Uint8Array;

/** As the server keeps it: a character a byte. */
export function bytes(data: Data): string {
  if (typeof data !== 'string') return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
  return /^[\x00-\x7f]*$/.test(data) ? data : Buffer.from(data, 'utf8').toString('latin1');
}

/** Bytes as the text that they are in UTF-8; what is none becomes U+FFFD. */
export function utf8(text: string): string {
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, 'latin1').toString('utf8');
}
