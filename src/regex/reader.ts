// The position in a pattern and the small readers every part of the parser shares: numbers, names, repeat counts.
// Errors are thrown at the position PCRE2 reports, which is where it had read to.

import { contains, union } from './charset.ts';
import { RegexError } from './errors.ts';
import { propertySet } from './unicode.ts';
import { charLength, codePointAt } from './utf8.ts';

/** Letters that change meaning with inline options: `(?imsx-J)`. Copied on entry to a group, restored at its end. */
export interface ModeFlags {
  caseless: boolean;
  multiline: boolean;
  dotall: boolean;
  extended: boolean;
  extendedMore: boolean;
  dupNames: boolean;
  noAutoCapture: boolean;
  ungreedy: boolean;
}

/** The highest group number PCRE2 knows. */
export const MAX_GROUP = 65535;
const MAX_REPEAT = 65535;
const MAX_NAME = 32;

const REPEAT = /\d+(?:,\d*)?\}/y;

const isDigit = (c: number) => c >= 0x30 && c <= 0x39;
const isWord = (c: number) => isDigit(c) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c === 0x5f;

export class Reader {
  readonly s: string;
  readonly end: number;
  pos = 0;
  utf = false;
  ucp = false;
  altBsux = false;
  allowEmptyClass = false;
  /** Whether CR or LF was read as a literal. */
  explicitLineEnds = false;
  /** Capture groups opened so far. */
  groupCount = 0;

  constructor(pattern: string) {
    this.s = pattern;
    this.end = pattern.length;
  }

  /** The byte at an offset from here, or -1 beyond the end. */
  peek(ahead = 0): number {
    const i = this.pos + ahead;
    return i < this.end ? this.s.charCodeAt(i) : -1;
  }

  peekDigit(ahead = 0): boolean {
    return isDigit(this.peek(ahead));
  }

  /** The next character (a code point in UTF mode), moving past it. */
  next(): number {
    const c = this.s.charCodeAt(this.pos);
    if (!this.utf || c < 0xc0) {
      this.pos++;
      return c;
    }
    const cp = codePointAt(this.s, this.pos);
    this.pos += charLength(c);
    return cp;
  }

  /** Throws the error as noticed at `pos`. */
  fail(code: number, pos = this.pos): never {
    throw new RegexError(code, pos);
  }

  /**
   * A decimal number, or null where there is none. With `relativeTo` >= 0, +n and -n count from that group.
   * A number above `max` is the error `tooBig`; faults are reported where they are noticed, or at `blame`.
   */
  number(relativeTo: number, max: number, tooBig: number, blame = -1): number | null {
    let sign = 0;
    let i = this.pos;
    if (relativeTo >= 0) {
      const c = this.peek();
      if (c === 0x2b) {
        sign = 1;
        max -= relativeTo;
        i++;
      } else if (c === 0x2d) {
        sign = -1;
        i++;
      }
    }
    if (i >= this.end || !isDigit(this.s.charCodeAt(i))) return null;
    let n = 0;
    while (i < this.end && isDigit(this.s.charCodeAt(i))) {
      n = n * 10 + this.s.charCodeAt(i++) - 0x30;
      if (n > max) this.fail(tooBig, blame < 0 ? i : blame);
    }
    this.pos = i;
    if (sign !== 0) {
      if (n === 0) this.fail(126, blame < 0 ? i : blame);
      if (sign > 0) n += relativeTo;
      else if (n > relativeTo) this.fail(115, blame < 0 ? i : blame);
      else n = relativeTo - n + 1;
    }
    return n;
  }

  /** `{n}`, `{n,}` or `{n,m}` after the brace, or null (and no movement) where the brace is a literal. Faults as `number`. */
  repeatCounts(blame = -1): { min: number; max: number } | null {
    const start = this.pos;
    // Only what is written as a repeat to its end is one, however large its numbers.
    REPEAT.lastIndex = start;
    if (!REPEAT.test(this.s)) return null;
    const min = this.number(-1, MAX_REPEAT, 105, blame);
    if (min === null || this.pos >= this.end) {
      this.pos = start;
      return null;
    }
    let max = min;
    if (this.peek() !== 0x7d) {
      if (this.peek() !== 0x2c || this.pos + 1 >= this.end) {
        this.pos = start;
        return null;
      }
      this.pos++;
      max = Infinity;
      if (this.peek() !== 0x7d) {
        const upper = this.number(-1, MAX_REPEAT, 105, blame);
        if (upper === null || this.peek() !== 0x7d) {
          this.pos = start;
          return null;
        }
        if (upper < min) this.fail(104, blame < 0 ? this.pos : blame);
        max = upper;
      }
    }
    this.pos++;
    return { min, max };
  }

  /**
   * A group name after the character at `pos`, up to `terminator` (a byte; 0 for verb names, which end where the word
   * characters do and whose faults are the verb's).
   */
  name(terminator: number): { name: string; offset: number } {
    const isGroup = terminator !== 0;
    if (++this.pos >= this.end) this.fail(isGroup ? 162 : 160);
    const offset = this.pos;
    if (this.utf && isGroup) this.unicodeName();
    else {
      if (isGroup && this.peekDigit()) this.fail(144);
      while (this.pos < this.end && isWord(this.peek())) this.pos++;
    }
    if (this.pos > offset + MAX_NAME) this.fail(148);
    const name = this.s.slice(offset, this.pos);
    if (isGroup) {
      if (name === '') this.fail(162);
      if (this.peek() !== terminator) this.fail(142);
      this.pos++;
    }
    return { name, offset };
  }

  private unicodeName(): void {
    const digit = propertySet('Nd')!;
    const letter = union(propertySet('L')!, digit);
    let first = true;
    while (this.pos < this.end) {
      const before = this.pos;
      const cp = this.next();
      if (first && contains(digit, cp)) this.fail(144, before);
      first = false;
      if (cp !== 0x5f && !contains(letter, cp)) {
        this.pos = before;
        return;
      }
    }
  }
}
