// string.format. A format is taken apart once and kept; afterwards a call is a walk over its conversions.

import { argError, throwError } from '../error.ts';
import { CData, cdataOperations } from '../ffi/cdata.ts';
import { formatNumber } from '../number.ts';
import type { LuaValue } from '../value.ts';
import { argInteger, argNumber } from './args.ts';
import { formatFloat, formatSigned, formatUnsigned, type Layout } from './numeral.ts';
import { pointerText, toText } from './text.ts';

/** One conversion, and the literal text behind it. */
interface Conversion extends Layout {
  /** The conversion letter in lower case; '' for one that is invalid. */
  readonly letter: string;
  /** One of the conversions below that have a short way. */
  readonly simple: number;
  /** Literal text that follows; of an invalid conversion, its text. */
  tail: string;
}

const NOT_SIMPLE = 0;
const STRING = 1; // %s
const INTEGER = 2; // %d
const NUMBER = 3; // %.14g, which is what tostring does

function simpleKind(text: string): number {
  return text === '%s' ? STRING : text === '%d' ? INTEGER : text === '%.14g' ? NUMBER : NOT_SIMPLE;
}

interface Format {
  readonly head: string;
  readonly conversions: readonly Conversion[];
}

const LETTERS = 'aAcdeEfFgGiopqsuxX';
const MAX_KEPT = 2000;
const kept = new Map<string, Format>();

function formatOf(source: string): Format {
  let format = kept.get(source);
  if (format === undefined) {
    format = parse(source);
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(source, format);
  }
  return format;
}

function parse(source: string): Format {
  const conversions: Conversion[] = [];
  let head = '';
  let literal = '';
  const flush = (): void => {
    if (conversions.length === 0) head = literal;
    else conversions[conversions.length - 1]!.tail = literal;
    literal = '';
  };
  for (let at = 0; at < source.length; ) {
    const percent = source.indexOf('%', at);
    if (percent < 0) {
      literal += source.slice(at);
      break;
    }
    literal += source.slice(at, percent);
    at = percent + 1;
    if (source[at] === '%') {
      literal += '%';
      at++;
      continue;
    }
    flush();
    const end = specEnd(source, at);
    const conversion = parseConversion(source.slice(percent, end));
    conversions.push(conversion);
    at = end;
    if (conversion.letter === '') return { head, conversions };
  }
  flush();
  return { head, conversions };
}

/** Where the conversion whose '%' stands before `at` ends: flags, up to two digits of width and of precision, letter. */
function specEnd(source: string, at: number): number {
  while (at < source.length && '-+ #0'.includes(source[at]!)) at++;
  at = skipDigits(source, at);
  if (source[at] === '.') at = skipDigits(source, at + 1);
  // LuaJIT shows an invalid letter in its message, but no control character.
  return at < source.length && source.charCodeAt(at) >= 32 ? at + 1 : at;
}

function skipDigits(source: string, at: number): number {
  for (let n = 0; n < 2; n++, at++) {
    const c = source.charCodeAt(at);
    if (!(c >= 48 && c <= 57)) break;
  }
  return at;
}

function parseConversion(text: string): Conversion {
  const match = /^%([-+ #0]*)(\d*)(?:(\.)(\d*))?([A-Za-z])$/.exec(text);
  const letter = match?.[5] ?? '';
  const valid = letter !== '' && LETTERS.includes(letter);
  const flags = match?.[1] ?? '';
  const lower = letter.toLowerCase();
  return {
    letter: valid ? (lower === 'i' ? 'd' : lower) : '',
    simple: simpleKind(text),
    left: flags.includes('-'),
    plus: flags.includes('+'),
    zero: flags.includes('0'),
    space: flags.includes(' '),
    alternate: flags.includes('#'),
    upper: lower !== letter,
    width: Number(match?.[2] ?? 0),
    precision: match?.[3] === undefined ? -1 : Number(match[4]),
    tail: valid ? '' : text,
  };
}

/** string.format(format, ...). */
export function formatString(source: string, values: readonly LuaValue[]): string {
  const format = formatOf(source);
  const { conversions } = format;
  let out = format.head;
  for (let i = 0; i < conversions.length; i++) {
    const conversion = conversions[i]!;
    const v = values[i];
    // The common conversions of the common types.
    const { simple } = conversion;
    if (typeof v === 'string') {
      if (simple === STRING) {
        out += v + conversion.tail;
        continue;
      }
    } else if (typeof v === 'number') {
      if (simple === INTEGER && (v | 0) === v) {
        out += v + conversion.tail;
        continue;
      }
      if (simple === NUMBER) {
        out += formatNumber(v) + conversion.tail;
        continue;
      }
    }
    if (conversion.letter === '') throwError(`invalid option '${conversion.tail}' to 'format'`);
    if (i >= values.length) argError(i + 2, 'format', 'value expected');
    out += convert(conversion, v, i + 2, values.length + 1) + conversion.tail;
  }
  return out;
}

function convert(c: Conversion, v: LuaValue, n: number, given: number): string {
  switch (c.letter) {
    case 's':
      return lay(c, typeof v === 'number' ? formatNumber(v) : toText(v));
    case 'd':
      return formatSigned(c, argWide(v, n, given));
    case 'u':
      return formatUnsigned(c, argWide(v, n, given), 10);
    case 'x':
      return formatUnsigned(c, argWide(v, n, given), 16);
    case 'o':
      return formatUnsigned(c, argWide(v, n, given), 8);
    case 'c':
      return pad(c, String.fromCharCode(argInteger(v, n, 'format', given) & 255));
    case 'q':
      return quote(toText(v));
    case 'p':
      return pointerText(v);
    default:
      return formatFloat(c, argNumber(v, n, 'format', given), c.letter as 'e' | 'f' | 'g' | 'a');
  }
}

/** A number, or a 64 bit integer of the ffi library. */
function argWide(v: LuaValue, n: number, given: number): number | bigint {
  const wide = v instanceof CData ? cdataOperations.toInteger(v) : undefined;
  return wide ?? argNumber(v, n, 'format', given);
}

function lay(c: Conversion, text: string): string {
  return pad(c, c.precision >= 0 && text.length > c.precision ? text.slice(0, c.precision) : text);
}

function pad(c: Conversion, text: string): string {
  if (text.length >= c.width) return text;
  return c.left ? text.padEnd(c.width) : text.padStart(c.width);
}

/** %q: a string that Lua reads back as it was. */
function quote(text: string): string {
  return `"${text.replace(/["\\\n]|[\0-\x1f\x7f](?=(\d?))/g, escapeByte)}"`;
}

function escapeByte(c: string, digit: string | undefined): string {
  if (digit === undefined) return '\\' + c;
  const code = String(c.charCodeAt(0));
  return '\\' + (digit === '' ? code : code.padStart(3, '0'));
}
