// Questions about the subject at one place that both of the own engines ask: characters, line endings, word boundaries.

import type { AssertKind, PatternSettings } from './ast.ts';
import { contains, type Ranges } from './charset.ts';
import { caseVariants } from './unicode.ts';
import { charLength, codePointAt } from './utf8.ts';

/** A character set of UTF mode: a table for ASCII, ranges for the rest. */
export interface WideSet {
  ascii: Uint8Array;
  ranges: Ranges;
}

/** The order in which programs number the assertions. */
export const ASSERT_KINDS: readonly AssertKind[] = [
  'start',
  'lineStart',
  'end',
  'endNewline',
  'lineEnd',
  'word',
  'notWord',
  'here',
];

/** Whether the assertion (its place in ASSERT_KINDS) is true at `pos` of a search that began at `searchStart`. */
export function holds(
  kind: number,
  subject: string,
  pos: number,
  searchStart: number,
  settings: PatternSettings,
): boolean {
  const n = subject.length;
  const { newline, utf, ucp } = settings;
  switch (kind) {
    case 0:
      return pos === 0;
    case 1:
      return pos === 0 || (pos < n && lineEndsAt(subject, pos, newline, utf));
    case 2:
      return pos === n;
    case 3:
      return pos === n || lineBreakLength(subject, pos, newline, utf) === n - pos;
    case 4:
      return pos === n || lineBreakLength(subject, pos, newline, utf) > 0;
    case 5:
    case 6:
      return (wordBefore(subject, pos, utf, ucp) !== wordAt(subject, pos, utf, ucp)) === (kind === 5);
    default:
      return pos === searchStart;
  }
}

/** Steps back that many characters; -1 when the subject begins sooner. */
export function stepBack(subject: string, pos: number, steps: number, utf: boolean): number {
  if (!utf) return pos < steps ? -1 : pos - steps;
  while (steps > 0 && pos > 0) {
    pos--;
    while (pos > 0 && (subject.charCodeAt(pos) & 0xc0) === 0x80) pos--;
    steps--;
  }
  return steps > 0 ? -1 : pos;
}

/** The length of the character at `pos` if the set has it, else 0. */
export function wideMatch(set: WideSet, subject: string, pos: number): number {
  const c = subject.charCodeAt(pos);
  if (c < 0x80) return set.ascii[c]!;
  if (!contains(set.ranges, codePointAt(subject, pos))) return 0;
  const length = charLength(c);
  return pos + length <= subject.length ? length : subject.length - pos;
}

/** How many bytes at `pos` equal the text [from, to) when case is ignored, -1 when they do not. */
export function caselessLength(subject: string, from: number, to: number, pos: number, utf: boolean): number {
  let a = from;
  let b = pos;
  while (a < to) {
    if (b >= subject.length) return -1;
    const x = utf ? codePointAt(subject, a) : subject.charCodeAt(a);
    const y = utf ? codePointAt(subject, b) : subject.charCodeAt(b);
    if (x !== y && !caseVariants(x).includes(y)) return -1;
    a += utf ? charLength(subject.charCodeAt(a)) : 1;
    b += utf ? charLength(subject.charCodeAt(b)) : 1;
  }
  return b - pos;
}

/** The length of what \R matches at `pos`, or 0. */
export function newlineAt(subject: string, pos: number, unicode: boolean, utf: boolean): number {
  if (pos >= subject.length) return 0;
  const c = subject.charCodeAt(pos);
  if (c === 13) return subject.charCodeAt(pos + 1) === 10 ? 2 : 1;
  if (c === 10) return 1;
  if (!unicode) return 0;
  if (c === 11 || c === 12) return 1;
  if (!utf) return c === 0x85 ? 1 : 0;
  if (c === 0xc2) return subject.charCodeAt(pos + 1) === 0x85 ? 2 : 0;
  if (c !== 0xe2 || subject.charCodeAt(pos + 1) !== 0x80) return 0;
  const last = subject.charCodeAt(pos + 2);
  return last === 0xa8 || last === 0xa9 ? 3 : 0;
}

/** The length of the line ending at `pos` under a newline convention, or 0. */
function lineBreakLength(subject: string, pos: number, newline: string, utf: boolean): number {
  if (pos >= subject.length) return 0;
  const c = subject.charCodeAt(pos);
  switch (newline) {
    case 'lf':
      return c === 10 ? 1 : 0;
    case 'cr':
      return c === 13 ? 1 : 0;
    case 'nul':
      return c === 0 ? 1 : 0;
    case 'crlf':
      return c === 13 && subject.charCodeAt(pos + 1) === 10 ? 2 : 0;
    case 'anycrlf':
      return newlineAt(subject, pos, false, utf);
    default:
      return newlineAt(subject, pos, true, utf);
  }
}

/** Whether a line ending lies just before `pos`. */
function lineEndsAt(subject: string, pos: number, newline: string, utf: boolean): boolean {
  for (let length = 1; length <= 3 && length <= pos; length++) {
    // Between the CR and LF of one line ending is after a CR too, where that may end a line.
    const at = pos - length;
    if (lineBreakLength(subject, at, newline, utf) === length) return true;
    if (length === 1 && subject.charCodeAt(at) === 13 && (newline === 'any' || newline === 'anycrlf')) return true;
  }
  return false;
}

function isWordByte(c: number): boolean {
  return (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a) || (c >= 0x30 && c <= 0x39) || c === 0x5f;
}

function wordAt(subject: string, pos: number, utf: boolean, ucp: boolean): boolean {
  if (pos >= subject.length) return false;
  const c = subject.charCodeAt(pos);
  if (!ucp || c < 0x80) return isWordByte(c);
  return /[\p{L}\p{N}_]/u.test(String.fromCodePoint(utf ? codePointAt(subject, pos) : c));
}

function wordBefore(subject: string, pos: number, utf: boolean, ucp: boolean): boolean {
  if (pos === 0) return false;
  let at = pos - 1;
  if (utf) while (at > 0 && (subject.charCodeAt(at) & 0xc0) === 0x80) at--;
  return wordAt(subject, at, utf, ucp);
}
