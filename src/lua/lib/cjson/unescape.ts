// Resolves the escapes of a whole JSON text before it is parsed.
//
// Strings of the text are then parts of one string, and taking them is as cheap as without escapes; putting each
// together on its own would cost a conversion from bytes for every one of them. Since a quote in such a text may be
// a character of a string, the places where strings end are kept.

import { putUtf8, readUnicode, SHORT_ESCAPES } from './token.ts';

const QUOTE = 34;
const BACKSLASH = 92;

/** Ends of strings of the text that was resolved last, in their order. */
export let stringEnds = new Int32Array(256);
const KEEP = 1 << 16;

/** Bytes that end a run of those that stand for themselves. */
const IS_SPECIAL = new Uint8Array(256);
IS_SPECIAL[0] = IS_SPECIAL[QUOTE] = IS_SPECIAL[BACKSLASH] = 1;

/**
 * Resolves escapes in place; `bytes` holds `length` bytes of a text and a zero byte. The number of bytes afterwards,
 * or -1 if something is wrong with the strings.
 */
export function unescapeJson(bytes: Uint8Array, length: number, text: string): number {
  if (stringEnds.length > KEEP) stringEnds = new Int32Array(256);
  let count = 0;
  let to = 0;
  let i = 0;
  while (i < length) {
    const c = bytes[i++]!;
    bytes[to++] = c;
    if (c !== QUOTE) continue;
    for (;;) {
      let d = bytes[i]!;
      // Two at a time; this saves a quarter.
      while (IS_SPECIAL[d] === 0) {
        const e = bytes[i + 1]!;
        bytes[to++] = d;
        i++;
        d = e;
        if (IS_SPECIAL[e] !== 0) break;
        bytes[to++] = e;
        d = bytes[++i]!;
      }
      if (d === QUOTE) break;
      if (d === 0) return -1;
      const letter = bytes[i + 1]!;
      const byte = SHORT_ESCAPES[letter]!;
      if (byte !== 0) {
        bytes[to++] = byte;
        i += 2;
      } else {
        const code = letter === 117 ? readUnicode(text, i) : -1;
        if (code < 0) return -1;
        to = putUtf8(bytes, code, to);
        i += code >= 0x10000 ? 12 : 6;
      }
    }
    if (count === stringEnds.length) enlarge();
    stringEnds[count++] = to;
    bytes[to++] = QUOTE;
    i++;
  }
  bytes[to] = 0;
  return to;
}

function enlarge(): void {
  const larger = new Int32Array(stringEnds.length * 2);
  larger.set(stringEnds);
  stringEnds = larger;
}
