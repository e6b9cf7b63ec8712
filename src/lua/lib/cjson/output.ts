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
const SHORT = 28;

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
function escapeTable(): Uint8Array {
  const table = new Uint8Array(256);
  table.fill(117, 0, 32);
  table[127] = 117;
  for (const [byte, letter] of ['\bb', '\tt', '\nn', '\ff', '\rr', '""', '\\\\', '//']) {
    table[byte!.charCodeAt(0)] = letter!.charCodeAt(0);
  }
  return table;
}

const SLASH = 47;

/** Bytes that a byte can become. */
const MOST = 6;

/** Writes a string with its quotes and escapes. */
export function putString(text: string, slashes: boolean): void {
  const { length } = text;
  if (at + length * MOST + 2 > bytes.length) grow(length * MOST + 2);
  const into = bytes;
  const start = at + 1;
  into[at] = 34;
  let end = start + length;
  if (length <= SHORT) {
    if (!putPlain(text, into, start)) {
      end = start;
      for (let i = 0; i < length; i++) end = putEscaped(into, end, text.charCodeAt(i), slashes);
    }
  } else {
    // Bytes of an array are looked through faster than characters of a string.
    into.latin1Write(text, start, length);
    if (!isPlain(into, start, end)) {
      // Once more, behind the place where its end is if all its bytes become the most there can be.
      const from = start + length * (MOST - 1);
      into.latin1Write(text, from, length);
      end = copyEscaped(into, from, from + length, start, slashes);
    }
  }
  into[end] = 34;
  at = end + 1;
}

// The table is a constant to V8 only where it is the constant of a function: the bundler makes variables of those of
// a module. Knowing it saves a third of the time.
const { putPlain, isPlain, putEscaped, copyEscaped } = (() => {
  const escapes = escapeTable();

  /** Writes a string as it is; whether that was right. */
  function putPlain(text: string, into: Uint8Array, to: number): boolean {
    const { length } = text;
    let found = 0;
    for (let i = 0; i < length; i++) {
      const c = text.charCodeAt(i) & 255;
      found |= escapes[c]!;
      into[to++] = c;
    }
    return found === 0;
  }

  /** Whether all bytes of a range stand for themselves. */
  function isPlain(into: Uint8Array, from: number, end: number): boolean {
    for (const last = end - 3; from < last; from += 4) {
      const found =
        escapes[into[from]!]! | escapes[into[from + 1]!]! | escapes[into[from + 2]!]! | escapes[into[from + 3]!]!;
      if (found !== 0) return false;
    }
    for (; from < end; from++) if (escapes[into[from]!] !== 0) return false;
    return true;
  }

  /** Writes the byte `c` or its escape; the place behind it. */
  function putEscaped(into: Uint8Array, to: number, c: number, slashes: boolean): number {
    const letter = escapes[c]!;
    if (letter === 0 || (c === SLASH && !slashes)) {
      into[to] = c;
      return to + 1;
    }
    into[to++] = 92;
    into[to++] = letter;
    if (letter === 117) {
      into[to++] = 48;
      into[to++] = 48;
      into[to++] = HEX.charCodeAt(c >> 4);
      into[to++] = HEX.charCodeAt(c & 15);
    }
    return to;
  }

  /** Copies bytes to a place before them, with escapes; the place behind the copy. */
  function copyEscaped(into: Uint8Array, from: number, end: number, to: number, slashes: boolean): number {
    const last = end - 3;
    while (from < last) {
      const a = into[from]!;
      const b = into[from + 1]!;
      const c = into[from + 2]!;
      const d = into[from + 3]!;
      if ((escapes[a]! | escapes[b]! | escapes[c]! | escapes[d]!) === 0) {
        into[to] = a;
        into[to + 1] = b;
        into[to + 2] = c;
        into[to + 3] = d;
        to += 4;
      } else {
        to = putEscaped(into, to, a, slashes);
        to = putEscaped(into, to, b, slashes);
        to = putEscaped(into, to, c, slashes);
        to = putEscaped(into, to, d, slashes);
      }
      from += 4;
    }
    for (; from < end; from++) to = putEscaped(into, to, into[from]!, slashes);
    return to;
  }

  return { putPlain, isPlain, putEscaped, copyEscaped };
})();

const MIN_STRINGS = 4;
const MAX_TOTAL = 1 << 20;

/**
 * Writes the strings `items[1]` and on with commas between them, if all are strings and so long that it pays to turn
 * them into bytes together; false if not.
 */
export function putStrings(items: readonly unknown[], slashes: boolean): boolean {
  const count = items.length - 1;
  if (count < MIN_STRINGS) return false;
  let total = 0;
  for (let i = 1; i <= count; i++) {
    const item = items[i];
    if (typeof item !== 'string') return false;
    total += item.length;
  }
  if (total < count * (SHORT - 8) || total > MAX_TOTAL) return false;
  const room = (total + count) * MOST;
  if (at + room > bytes.length) grow(room);
  const into = bytes;
  // The text is always further behind than the copy: quotes and commas are three bytes a string.
  let from = at + room - total;
  // Item 0 is nil, which adds nothing.
  into.latin1Write(items.join(''), from, total);
  let to = at;
  for (let i = 1; i <= count; i++) {
    if (i > 1) into[to++] = 44;
    into[to++] = 34;
    const end = from + (items[i] as string).length;
    to = copyEscaped(into, from, end, to, slashes);
    from = end;
    into[to++] = 34;
  }
  at = to;
  return true;
}
