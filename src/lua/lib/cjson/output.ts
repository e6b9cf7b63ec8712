// The growing byte buffer that cjson.encode writes into.
//
// One flat buffer and one conversion to a string at the end: a JavaScript string put together from thousands of pieces
// would have to be flattened before anything can be done with it. An encode within an encode (by a metamethod) writes
// behind what the outer one has written so far.

/** Methods of Buffer that node's types leave out: bytes from and to strings without the checks of write and toString. */
export interface RawBuffer extends Buffer {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, at: number, length: number): number;
}

const INITIAL = 1 << 16;
/** A larger buffer is given back after use. */
const KEEP = 1 << 21;

let bytes = Buffer.allocUnsafeSlow(INITIAL) as RawBuffer;
let at = 0;

/** Where the next byte goes. */
export function position(): number {
  return at;
}

/** Drops what has been written from a position on. */
export function rewind(position: number): void {
  at = position;
}

/** The bytes written from a position on, which are dropped. */
export function take(start: number): string {
  const text = bytes.latin1Slice(start, at);
  at = start;
  if (start === 0 && bytes.length > KEEP) bytes = Buffer.allocUnsafeSlow(INITIAL) as RawBuffer;
  return text;
}

function grow(room: number): void {
  const larger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, at + room)) as RawBuffer;
  bytes.copy(larger, 0, 0, at);
  bytes = larger;
}

/** Writes one byte. */
export function putByte(byte: number): void {
  if (at >= bytes.length) grow(1);
  bytes[at++] = byte;
}

/** Strings up to here are copied byte by byte; a native call costs more than that. */
const SHORT = 48;

/** Writes a text of bytes. */
export function putText(text: string): void {
  const length = text.length;
  if (at + length > bytes.length) grow(length);
  if (length > SHORT) {
    bytes.latin1Write(text, at, length);
    at += length;
    return;
  }
  const into = bytes;
  let to = at;
  for (let i = 0; i < length; i++) into[to++] = text.charCodeAt(i);
  at = to;
}

/** Writes an integer of up to 9 digits. */
export function putInteger(n: number): void {
  if (at + 10 > bytes.length) grow(10);
  if (n < 0) {
    bytes[at++] = 45;
    n = -n;
  }
  let end = at + 1;
  for (let limit = 10; n >= limit; limit *= 10) end++;
  at = end;
  do {
    const rest = (n / 10) | 0;
    bytes[--end] = 48 + n - rest * 10;
    n = rest;
  } while (n > 0);
}

const HEX = '0123456789abcdef';

/** What follows the backslash for bytes that are escaped; 'u' for \u00XX, 0 for bytes that stand for themselves. */
const ESCAPES = new Uint8Array(256);
ESCAPES.fill(117, 0, 32);
ESCAPES[127] = 117;
for (const [byte, letter] of ['\bb', '\tt', '\nn', '\ff', '\rr', '""', '\\\\', '//']) {
  ESCAPES[byte!.charCodeAt(0)] = letter!.charCodeAt(0);
}

const SLASH = 47;
const SPECIAL = /["\\/\0-\x1f\x7f]/;

/** Writes a string with its quotes and escapes. */
export function putString(text: string, slashes: boolean): void {
  const { length } = text;
  if (length > SHORT && !SPECIAL.test(text)) {
    putByte(34);
    putText(text);
    putByte(34);
    return;
  }
  if (at + length * 6 + 2 > bytes.length) grow(length * 6 + 2);
  const into = bytes;
  let to = at;
  into[to++] = 34;
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i);
    const letter = ESCAPES[c]!;
    if (letter === 0 || (c === SLASH && !slashes)) {
      into[to++] = c;
      continue;
    }
    into[to++] = 92;
    into[to++] = letter;
    if (letter === 117) {
      into[to++] = 48;
      into[to++] = 48;
      into[to++] = HEX.charCodeAt(c >> 4);
      into[to++] = HEX.charCodeAt(c & 15);
    }
  }
  into[to++] = 34;
  at = to;
}
