// Backslash escapes: what follows a backslash, inside and outside a class, with PCRE2's rules for telling octal codes
// from backreferences (pcre2pattern(3), "Backslash").
import { MAX_GROUP, type Reader } from './reader.ts';

/** A character, a backreference by number, or an escape letter for the caller to interpret. */
export type Escape =
  | { kind: 'char'; code: number }
  | { kind: 'backref'; group: number }
  | { kind: 'letter'; letter: string };

const LETTERS = 'ABCDEGHKNPQRSVWXZbdhkpsvwz';
const CONTROL: Readonly<Record<string, number>> = { a: 7, e: 27, f: 12, n: 10, r: 13, t: 9 };

const char = (code: number): Escape => ({ kind: 'char', code });

function hexValue(c: number): number {
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Reads the escape after a backslash that `r` has just passed. */
export function readEscape(r: Reader, inClass: boolean): Escape {
  if (r.pos >= r.end) r.fail(101);
  const code = r.next();
  if (code < 0x30 || code > 0x7a) return char(code);
  const letter = String.fromCharCode(code);
  const control = CONTROL[letter];
  if (control !== undefined) return char(control);
  if (LETTERS.includes(letter)) {
    if (letter === 'N' && r.peek() === 0x7b) return namedCharacter(r);
    return { kind: 'letter', letter };
  }
  if (code >= 0x30 && code <= 0x39) return digits(r, code, inClass);
  switch (letter) {
    case 'F':
    case 'l':
    case 'L':
      return r.fail(137);
    case 'u':
      return r.altBsux ? javascriptHex(r, code, 4) : r.fail(137);
    case 'U':
      return r.altBsux ? char(code) : r.fail(137);
    case 'x':
      return r.altBsux ? javascriptHex(r, code, 2) : hex(r);
    case 'o':
      return octalBraces(r);
    case 'c':
      return controlCharacter(r);
    case 'g':
      return inClass ? char(code) : groupReference(r);
    default:
      if (/[a-zA-Z]/.test(letter)) return r.fail(103, r.pos - 1);
      return char(code);
  }
}

/** \N{U+hhh} names a character in UTF mode; \N{2,3} is a repeat; anything else in braces is Perl's, not PCRE2's. */
function namedCharacter(r: Reader): Escape {
  const afterBrace = r.pos + 1;
  const brace = r.pos;
  r.pos = afterBrace;
  const isRepeat = r.repeatCounts(brace) !== null;
  r.pos = brace;
  if (isRepeat) return { kind: 'letter', letter: 'N' };
  if (r.s.startsWith('U+', afterBrace)) {
    if (!r.utf) return r.fail(193, brace);
    r.pos = afterBrace + 2;
    return char(bracedDigits(r, 16, 167));
  }
  return r.fail(137, brace);
}

function javascriptHex(r: Reader, letter: number, count: number): Escape {
  let value = 0;
  for (let i = 0; i < count; i++) {
    const digit = r.pos + i < r.end ? hexValue(r.s.charCodeAt(r.pos + i)) : -1;
    if (digit < 0) return char(letter);
    value = value * 16 + digit;
  }
  r.pos += count;
  if (r.utf) {
    if (value >= 0xd800 && value <= 0xdfff) r.fail(173);
  } else if (value > 0xff) {
    r.fail(177);
  }
  return char(value);
}

/** Digits up to a closing brace that must follow; the opening one has been passed. */
function bracedDigits(r: Reader, base: 8 | 16, notDigit: number): number {
  if (r.pos >= r.end || r.peek() === 0x7d) r.fail(178);
  let value = 0;
  const max = r.utf ? 0x10ffff : 0xff;
  for (;;) {
    const digit = r.pos < r.end ? hexValue(r.peek()) : -1;
    if (digit < 0 || digit >= base) break;
    r.pos++;
    if (value === 0 && digit === 0) continue;
    value = value * base + digit;
    if (value > max) {
      while (r.pos < r.end && hexValue(r.peek()) >= 0 && hexValue(r.peek()) < base) r.pos++;
      r.fail(134);
    }
  }
  // At the end of the pattern the fault is the last digit's.
  if (r.peek() !== 0x7d) r.fail(notDigit, r.pos >= r.end ? r.pos - 1 : r.pos);
  r.pos++;
  if (r.utf && value >= 0xd800 && value <= 0xdfff) r.fail(173, r.pos - 1);
  return value;
}

function hex(r: Reader): Escape {
  if (r.peek() === 0x7b) {
    r.pos++;
    return char(bracedDigits(r, 16, 167));
  }
  let value = 0;
  for (let i = 0; i < 2 && r.pos < r.end; i++) {
    const digit = hexValue(r.peek());
    if (digit < 0) break;
    value = value * 16 + digit;
    r.pos++;
  }
  return char(value);
}

function octalBraces(r: Reader): Escape {
  if (r.peek() !== 0x7b) r.fail(155, r.pos >= r.end ? r.pos - 1 : r.pos);
  r.pos++;
  return char(bracedDigits(r, 8, 164));
}

function controlCharacter(r: Reader): Escape {
  if (r.pos >= r.end) r.fail(102);
  let c = r.peek();
  if (c >= 0x61 && c <= 0x7a) c -= 32;
  if (c < 32 || c > 126) r.fail(168);
  r.pos++;
  return char(c ^ 0x40);
}

/** \0, an octal code, or outside a class a backreference when it is below 10 or such a group has been opened. */
function digits(r: Reader, first: number, inClass: boolean): Escape {
  if (first !== 0x30 && !inClass) {
    const match = /^\d+/.exec(r.s.slice(r.pos - 1, r.pos + 20))![0];
    const n = Number(match);
    if (n < 214748364 && (n < 10 || first >= 0x38 || n <= r.groupCount)) {
      r.pos += match.length - 1;
      if (n > MAX_GROUP) r.fail(161);
      return { kind: 'backref', group: n };
    }
  }
  if (first >= 0x38) return char(first);
  let value = first - 0x30;
  for (let i = 0; i < 2; i++) {
    const c = r.peek();
    if (c < 0x30 || c > 0x37) break;
    value = value * 8 + c - 0x30;
    r.pos++;
  }
  if (!r.utf && value > 0xff) r.fail(151);
  return char(value);
}

/** \g1, \g-1, \g{1}, \g{name}; \g<..> and \g'..' are subroutine calls, left to the caller as the letter g. */
function groupReference(r: Reader): Escape {
  if (r.pos >= r.end) r.fail(157);
  const c = r.peek();
  if (c === 0x3c || c === 0x27) return { kind: 'letter', letter: 'g' };
  let n: number | null;
  if (c === 0x7b) {
    const brace = r.pos;
    r.pos++;
    n = r.number(r.groupCount, MAX_GROUP, 161, brace);
    if (n === null) {
      r.pos = brace;
      return { kind: 'letter', letter: 'k' };
    }
    if (r.peek() !== 0x7d) r.fail(157, brace);
    r.pos++;
  } else {
    n = r.number(r.groupCount, MAX_GROUP, 161);
    if (n === null) return r.fail(157);
  }
  if (n <= 0) r.fail(115);
  return { kind: 'backref', group: n };
}
