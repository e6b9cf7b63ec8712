// The parts of JSON texts that are rare or wrong: escapes, fractions and odd numbers, comments, and the names of
// tokens as lua-cjson's error messages give them.

import { parseNumber } from '../../number.ts';
import type { CjsonConfig } from './config.ts';

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

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
};

/** A string of the text: its value and the offset behind its quote; or what is wrong and where. */
interface StringToken {
  readonly value: string;
  readonly end: number;
  readonly error: string | undefined;
}

/** Reads the string whose first character (behind the quote) is at `at`. */
export function readString(text: string, at: number): StringToken {
  let value = '';
  let copied = at;
  for (let i = at; ; i++) {
    const c = i < text.length ? text.charCodeAt(i) : 0;
    if (c === 34) return { value: value + text.substring(copied, i), end: i + 1, error: undefined };
    if (c === 0) return { value, end: i, error: 'unexpected end of string' };
    if (c !== 92) continue;
    value += text.substring(copied, i);
    const letter = text[i + 1] ?? '';
    const plain = ESCAPES[letter];
    if (plain !== undefined) {
      value += plain;
      i++;
    } else if (letter === 'u') {
      const [code, length] = readUnicode(text, i);
      if (length === 0) return { value, end: i, error: 'invalid unicode escape code' };
      value += utf8(code);
      i += length - 1;
    } else return { value, end: i, error: 'invalid escape code' };
    copied = i + 1;
  }
}

function hex4(text: string, at: number): number {
  const digits = text.slice(at, at + 4);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}

/** The code point of \uXXXX, or of a surrogate pair, at `at`, and the length of its text; 0 if it is invalid. */
function readUnicode(text: string, at: number): [code: number, length: number] {
  const high = hex4(text, at + 2);
  if (high < 0) return [0, 0];
  if ((high & 0xf800) !== 0xd800) return [high, 6];
  if ((high & 0x400) !== 0 || !text.startsWith('\\u', at + 6)) return [0, 0];
  const low = hex4(text, at + 8);
  if ((low & 0xfc00) !== 0xdc00) return [0, 0];
  return [(((high & 0x3ff) << 10) | (low & 0x3ff)) + 0x10000, 12];
}

/** The UTF-8 bytes of a code point. */
function utf8(code: number): string {
  if (code < 0x80) return String.fromCharCode(code);
  if (code < 0x800) return String.fromCharCode(0xc0 | (code >> 6), 0x80 | (code & 63));
  if (code < 0x10000) return String.fromCharCode(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  return String.fromCharCode(
    0xf0 | (code >> 18),
    0x80 | ((code >> 12) & 63),
    0x80 | ((code >> 6) & 63),
    0x80 | (code & 63),
  );
}
