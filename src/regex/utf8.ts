// UTF-8 inside byte strings: PCRE2 checks subject and pattern before a match in UTF mode and names the fault precisely
// (RFC 3629; pcre2unicode(3)), and ngx_lua shows the number to the user.

const NON_ASCII = /[\x80-\xff]/;

/** Whether every byte is below 0x80. */
export function isAscii(s: string): boolean {
  return !NON_ASCII.test(s);
}

/** A fault found by `checkUtf8`; one object is reused, `code` 0 means valid. */
export interface Utf8Fault {
  code: number;
  offset: number;
}
const fault: Utf8Fault = { code: 0, offset: 0 };

function report(code: number, offset: number): Utf8Fault {
  fault.code = code;
  fault.offset = offset;
  return fault;
}

/** Checks a byte string from `start`; the result is overwritten by the next call. Codes are those of `UTF8_ERRORS`. */
export function checkUtf8(s: string, start = 0): Utf8Fault {
  const n = s.length;
  for (let i = start; i < n; ) {
    const c = s.charCodeAt(i);
    if (c < 0x80) {
      i++;
      continue;
    }
    if (c < 0xc0) return report(-22, i);
    if (c >= 0xfe) return report(-23, i);
    const extra = c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf8 ? 3 : c < 0xfc ? 4 : 5;
    const have = n - i - 1;
    if (have < extra) return report(-2 - (extra - have), i);
    const d = s.charCodeAt(i + 1);
    if ((d & 0xc0) !== 0x80) return report(-8, i);
    if (extra === 1) {
      if ((c & 0x3e) === 0) return report(-17, i);
    } else if (extra === 2) {
      if ((s.charCodeAt(i + 2) & 0xc0) !== 0x80) return report(-9, i);
      if (c === 0xe0 && (d & 0x20) === 0) return report(-18, i);
      if (c === 0xed && d >= 0xa0) return report(-16, i);
    } else if (extra === 3) {
      if ((s.charCodeAt(i + 2) & 0xc0) !== 0x80) return report(-9, i);
      if ((s.charCodeAt(i + 3) & 0xc0) !== 0x80) return report(-10, i);
      if (c === 0xf0 && (d & 0x30) === 0) return report(-19, i);
      if (c > 0xf4 || (c === 0xf4 && d > 0x8f)) return report(-15, i);
    } else {
      if ((s.charCodeAt(i + 2) & 0xc0) !== 0x80) return report(-9, i);
      if ((s.charCodeAt(i + 3) & 0xc0) !== 0x80) return report(-10, i);
      if ((s.charCodeAt(i + 4) & 0xc0) !== 0x80) return report(-11, i);
      if (extra === 5 && (s.charCodeAt(i + 5) & 0xc0) !== 0x80) return report(-12, i);
      if (extra === 4) return report(c === 0xf8 && (d & 0x38) === 0 ? -20 : -13, i);
      return report(c === 0xfc && (d & 0x3c) === 0 ? -21 : -14, i);
    }
    i += extra + 1;
  }
  return report(0, 0);
}

/** How many bytes the character led by byte `c` takes. Continuation bytes count as characters of one byte. */
export function charLength(c: number): number {
  return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/** The code point at `i`; bytes missing at the end read as zero bits, so that unchecked subjects stay harmless. */
export function codePointAt(s: string, i: number): number {
  const c = s.charCodeAt(i);
  if (c < 0xc0) return c;
  const d = s.charCodeAt(i + 1) & 0x3f;
  if (c < 0xe0) return ((c & 0x1f) << 6) | d;
  const e = s.charCodeAt(i + 2) & 0x3f;
  if (c < 0xf0) return ((c & 0x0f) << 12) | (d << 6) | e;
  return ((c & 0x07) << 18) | (d << 12) | (e << 6) | (s.charCodeAt(i + 3) & 0x3f);
}

/** The UTF-8 bytes of a code point, as a byte string. */
export function encodeUtf8(cp: number): string {
  if (cp < 0x80) return String.fromCharCode(cp);
  if (cp < 0x800) return String.fromCharCode(0xc0 | (cp >> 6), 0x80 | (cp & 0x3f));
  if (cp < 0x10000) return String.fromCharCode(0xe0 | (cp >> 12), 0x80 | ((cp >> 6) & 0x3f), 0x80 | (cp & 0x3f));
  return String.fromCharCode(
    0xf0 | (cp >> 18),
    0x80 | ((cp >> 12) & 0x3f),
    0x80 | ((cp >> 6) & 0x3f),
    0x80 | (cp & 0x3f),
  );
}
