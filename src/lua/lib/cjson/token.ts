// The parts of JSON texts that are rare or wrong: escapes, fractions and odd numbers, comments, and the names of
// tokens as lua-cjson's error messages give them.

import { parseNumber } from '../../number.ts';
import type { CjsonConfig } from './config.ts';
import type { RawBuffer } from './output.ts';

/** What stands at a place of the text, as an error message names it. `at` is a 0-based offset. */
interface Token {
  readonly name: string;
  readonly at: number;
}

const PUNCTUATION: Readonly<Record<string, string>> = {
  '{': 'T_OBJ_BEGIN',
  '}': 'T_OBJ_END',
  '[': 'T_ARR_BEGIN',
  ']': 'T_ARR_END',
  ',': 'T_COMMA',
  ':': 'T_COLON',
};

/** Skips white space and comments from `at` on. An unclosed comment is left for `readToken` to report. */
export function skipSpace(config: CjsonConfig, text: string, at: number): number {
  for (;;) {
    while (' \t\n\r'.includes(text[at] ?? 'x')) at++;
    if (!config.decodeAllowComment || text[at] !== '/') return at;
    if (text[at + 1] === '/') {
      while (at < text.length && text[at] !== '\n' && text[at] !== '\0') at++;
    } else if (text[at + 1] === '*') {
      const end = text.indexOf('*/', at + 2);
      if (end < 0 || text.slice(at, end).includes('\0')) return at;
      at = end + 2;
    } else return at;
  }
}

/** Names the token at `at`. */
export function readToken(config: CjsonConfig, text: string, at: number): Token {
  at = skipSpace(config, text, at);
  const c = text[at] ?? '\0';
  if (c === '\0') return { name: 'T_END', at };
  const punctuation = PUNCTUATION[c];
  if (punctuation !== undefined) return { name: punctuation, at };
  if (c === '"') {
    const string = readString(text, at + 1);
    return string.error === undefined ? { name: 'T_STRING', at } : { name: string.error, at: string.end };
  }
  if (c === '/' && config.decodeAllowComment && text[at + 1] === '*') {
    const nul = text.indexOf('\0', at);
    return { name: 'unclosed multi-line comment', at: nul < 0 ? text.length : nul };
  }
  if (text.startsWith('true', at) || text.startsWith('false', at)) return { name: 'T_BOOLEAN', at };
  if (text.startsWith('null', at)) return { name: 'T_NULL', at };
  if (isNumberStart(config, text, at)) {
    const number = readNumber(config, text, at);
    return { name: number === undefined ? 'invalid number' : number.integer ? 'T_INTEGER' : 'T_NUMBER', at };
  }
  return { name: 'invalid token', at };
}

/** Text that only a lenient reader of numbers takes: a plus sign, hexadecimal, leading zeros, inf and nan. */
const INVALID_NUMBER = /\+|-?(?:0[xX0-9]|[iI][nN][fF]|[nN][aA][nN])/y;

function isInvalidNumber(text: string, at: number): boolean {
  INVALID_NUMBER.lastIndex = at;
  return INVALID_NUMBER.test(text);
}

function isNumberStart(config: CjsonConfig, text: string, at: number): boolean {
  const c = text[at]!;
  if (c === '-' || (c >= '0' && c <= '9')) return true;
  return config.decodeInvalidNumbers && '+iInN'.includes(c) && isInvalidNumber(text, at);
}

/** What C's strtod takes from a place on. */
const STRTOD =
  /[-+]?(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][-+]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN](?:\(\w*\))?)/y;
const STRTOLL = /[-+]?\d+/y;
const TWO_63 = 2 ** 63;

/** A number in the text: its value, whether lua-cjson takes it for an integer, and the offset behind it. */
export interface NumberToken {
  readonly value: number;
  readonly integer: boolean;
  readonly end: number;
}

/** Reads the number at `at`; undefined if there is none that the configuration allows. */
export function readNumber(config: CjsonConfig, text: string, at: number): NumberToken | undefined {
  if (at >= text.length || !isNumberStart(config, text, at)) return undefined;
  if (!config.decodeInvalidNumbers && isInvalidNumber(text, at)) return undefined;
  STRTOLL.lastIndex = at;
  const whole = STRTOLL.exec(text);
  if (whole !== null) {
    const end = STRTOLL.lastIndex;
    const after = text[end];
    if (after !== '.' && after !== 'e' && after !== 'E' && after !== 'x') {
      // Saturates, as C's strtoll; and an integer has no negative zero.
      const value = Math.min(Math.max(Number(whole[0]), -TWO_63), TWO_63);
      return { value: value + 0, integer: true, end };
    }
  }
  STRTOD.lastIndex = at;
  const match = STRTOD.exec(text);
  if (match === null) return undefined;
  const value = parseNumber(match[0].replace(/\(.*/, '')) ?? Number.NaN;
  return { value, integer: false, end: STRTOD.lastIndex };
}

/** The byte that a letter behind a backslash stands for, by the letter's code; 0 if none. */
export const SHORT_ESCAPES = new Uint8Array(256);
for (const [letter, byte] of ['b\b', 't\t', 'n\n', 'f\f', 'r\r', '""', '\\\\', '//']) {
  SHORT_ESCAPES[letter!.charCodeAt(0)] = byte!.charCodeAt(0);
}

/** Where strings with escapes are put together; a text is never shorter than the string in it. */
let scratch = Buffer.allocUnsafeSlow(4096) as RawBuffer;
const KEEP = 1 << 20;

/** A string of the text: its value and the offset behind its quote; or what is wrong and where. */
interface StringToken {
  readonly value: string;
  readonly end: number;
  readonly error: string | undefined;
}

/** Reads the string whose first character (behind the quote) is at `at`. */
export function readString(text: string, at: number): StringToken {
  const bad = (end: number, error: string): StringToken => ({ value: '', end, error });
  let to = 0;
  for (let i = at; ; i++) {
    if (to + 4 > scratch.length) enlarge();
    const c = i < text.length ? text.charCodeAt(i) : 0;
    if (c === 34) {
      const value = scratch.latin1Slice(0, to);
      if (scratch.length > KEEP) scratch = Buffer.allocUnsafeSlow(4096) as RawBuffer;
      return { value, end: i + 1, error: undefined };
    }
    if (c === 0) return bad(i, 'unexpected end of string');
    if (c !== 92) {
      scratch[to++] = c;
      continue;
    }
    const letter = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
    if (SHORT_ESCAPES[letter] !== 0) {
      scratch[to++] = SHORT_ESCAPES[letter]!;
      i++;
    } else if (letter === 117) {
      const code = readUnicode(text, i);
      if (code < 0) return bad(i, 'invalid unicode escape code');
      to = putUtf8(scratch, code, to);
      i += code >= 0x10000 ? 11 : 5;
    } else return bad(i, 'invalid escape code');
  }
}

function enlarge(): void {
  const larger = Buffer.allocUnsafeSlow(scratch.length * 2) as RawBuffer;
  scratch.copy(larger);
  scratch = larger;
}

/** Values of hexadecimal digits by their code, 255 for other bytes. */
const HEX = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit;
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/** The four hexadecimal digits at `at`, or -1. */
function hex4(text: string, at: number): number {
  if (at + 4 > text.length) return -1;
  const a = HEX[text.charCodeAt(at)]!;
  const b = HEX[text.charCodeAt(at + 1)]!;
  const c = HEX[text.charCodeAt(at + 2)]!;
  const d = HEX[text.charCodeAt(at + 3)]!;
  return (a | b | c | d) > 15 ? -1 : (a << 12) | (b << 8) | (c << 4) | d;
}

/** The code point of \uXXXX, or of a surrogate pair, at `at`; -1 if it is invalid. */
export function readUnicode(text: string, at: number): number {
  const high = hex4(text, at + 2);
  if ((high & 0xf800) !== 0xd800 || high < 0) return high;
  if ((high & 0x400) !== 0 || text.charCodeAt(at + 6) !== 92 || text.charCodeAt(at + 7) !== 117) return -1;
  const low = hex4(text, at + 8);
  if ((low & 0xfc00) !== 0xdc00 || low < 0) return -1;
  return (((high & 0x3ff) << 10) | (low & 0x3ff)) + 0x10000;
}

/** Puts the UTF-8 bytes of a code point at offset `to`; the offset behind them. */
export function putUtf8(into: Uint8Array, code: number, to: number): number {
  if (code < 0x80) into[to++] = code;
  else {
    if (code < 0x800) into[to++] = 0xc0 | (code >> 6);
    else {
      if (code < 0x10000) into[to++] = 0xe0 | (code >> 12);
      else {
        into[to++] = 0xf0 | (code >> 18);
        into[to++] = 0x80 | ((code >> 12) & 63);
      }
      into[to++] = 0x80 | ((code >> 6) & 63);
    }
    into[to++] = 0x80 | (code & 63);
  }
  return to;
}
