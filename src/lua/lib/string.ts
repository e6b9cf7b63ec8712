// The string library: https://www.lua.org/manual/5.1/manual.html#5.4, with LuaJIT's 5.2 additions.
//
// Strings are JavaScript strings of bytes, so most functions are one native operation behind the argument checks.
// Substitution and iteration over patterns are in gsub.ts.

import { ret0, ret2, ret3, retN } from '../call.ts';
import { dumpFunction } from '../dump.ts';
import { argError, throwError, throwValue } from '../error.ts';
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import { argInteger, argString, optInteger, typeError } from './args.ts';
import { formatString } from './format.ts';
import { gmatch, gsub } from './gsub.ts';
import { captures, found, hasMagic, patternOf } from './pattern.ts';

/** Longest string that V8 can hold on 64 bit machines. */
const MAX_LENGTH = 0x1fffffe8;

/** Most values a call of string.byte may return (LUAI_MAXCSTACK). */
const MAX_RESULTS = 8000;

function byte(s: LuaValue, i: LuaValue, j: LuaValue): LuaResult {
  if (typeof s !== 'string') s = argString(s, 1, 'byte', arguments.length);
  const length = s.length;
  let from =
    i === undefined ? 1 : typeof i === 'number' && (i | 0) === i ? i : argInteger(i, 2, 'byte', arguments.length);
  if (j === undefined) {
    if (from < 0) from += length + 1;
    return from >= 1 && from <= length ? s.charCodeAt(from - 1) : ret0();
  }
  let to = argInteger(j, 3, 'byte', arguments.length);
  if (to < 0) to += length + 1;
  if (from < 0) from += length + 1;
  if (from <= 0) from = 1;
  if (to > length) to = length;
  switch (to - from) {
    case 0:
      return s.charCodeAt(from - 1);
    case 1:
      return ret2(s.charCodeAt(from - 1), s.charCodeAt(from));
    case 2:
      return ret3(s.charCodeAt(from - 1), s.charCodeAt(from), s.charCodeAt(from + 1));
  }
  if (from > to) return ret0();
  if (to - from >= MAX_RESULTS) throwError('string slice too long');
  const values: LuaValue[] = [];
  for (let at = from - 1; at < to; at++) values.push(s.charCodeAt(at));
  return retN(values);
}

function char(...codes: LuaValue[]): LuaResult {
  if (codes.length === 1) return String.fromCharCode(codeOf(codes, 0));
  let text = '';
  for (let i = 0; i < codes.length; i++) text += String.fromCharCode(codeOf(codes, i));
  return text;
}

function codeOf(codes: LuaValue[], i: number): number {
  const v = codes[i];
  const code = typeof v === 'number' && (v & 255) === v ? v : argInteger(v, i + 1, 'char', codes.length);
  if (code < 0 || code > 255) argError(i + 1, 'char', 'invalid value');
  return code;
}

function len(s: LuaValue): LuaResult {
  return typeof s === 'string' ? s.length : argString(s, 1, 'len', 1).length;
}

function sub(s: LuaValue, i: LuaValue, j: LuaValue): LuaResult {
  if (typeof s !== 'string') s = argString(s, 1, 'sub', arguments.length);
  let from = typeof i === 'number' && (i | 0) === i ? i : argInteger(i, 2, 'sub', arguments.length);
  let to =
    j === undefined ? -1 : typeof j === 'number' && (j | 0) === j ? j : argInteger(j, 3, 'sub', arguments.length);
  const length = s.length;
  if (from < 0) from += length + 1;
  if (from < 1) from = 1;
  if (to < 0) to += length + 1;
  if (to > length) to = length;
  return from > to ? '' : s.substring(from - 1, to);
}

function rep(s: LuaValue, n: LuaValue, sep: LuaValue): LuaResult {
  if (typeof s !== 'string') s = argString(s, 1, 'rep', arguments.length);
  const count = argInteger(n, 2, 'rep', arguments.length);
  if (sep !== undefined && typeof sep !== 'string') sep = argString(sep, 3, 'rep', arguments.length);
  if (count <= 0) return '';
  const unit = sep === undefined || count === 1 ? s : s + sep;
  if (unit.length * count > MAX_LENGTH) throwValue('not enough memory');
  return unit === s ? s.repeat(count) : unit.repeat(count - 1) + s;
}

function reverse(s: LuaValue): LuaResult {
  if (typeof s !== 'string') s = argString(s, 1, 'reverse', arguments.length);
  if (s.length > 24) return Buffer.from(s, 'latin1').reverse().toString('latin1');
  let text = '';
  for (let i = s.length - 1; i >= 0; i--) text += s[i];
  return text;
}

// Only ASCII letters have cases in the C locale; JavaScript would also change Latin-1 letters. Most strings that are
// given to `lower` are short and small already, which a loop finds out before anything is called.

const UPPER = 1;
const LOWER = 2;
const BEYOND_ASCII = 4;
const KIND = new Uint8Array(256);
KIND.fill(UPPER, 65, 91);
KIND.fill(LOWER, 97, 123);
KIND.fill(BEYOND_ASCII, 128);

const SHORT = 64;
const NON_ASCII = /[\x80-\xff]/;

/** The kinds of bytes that a string has; of a long one only whether it goes beyond ASCII. */
function kinds(s: string): number {
  if (s.length > SHORT) return NON_ASCII.test(s) ? UPPER | LOWER | BEYOND_ASCII : UPPER | LOWER;
  let all = 0;
  for (let i = 0; i < s.length; i++) all |= KIND[s.charCodeAt(i)]!;
  return all;
}

function lower(s: LuaValue): LuaResult {
  if (typeof s !== 'string') s = argString(s, 1, 'lower', arguments.length);
  const kind = kinds(s);
  if ((kind & UPPER) === 0) return s;
  return (kind & BEYOND_ASCII) === 0 ? s.toLowerCase() : s.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function upper(s: LuaValue): LuaResult {
  if (typeof s !== 'string') s = argString(s, 1, 'upper', arguments.length);
  const kind = kinds(s);
  if ((kind & LOWER) === 0) return s;
  return (kind & BEYOND_ASCII) === 0 ? s.toUpperCase() : s.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

function find(s: LuaValue, pattern: LuaValue, init: LuaValue, plain: LuaValue): LuaResult {
  if (typeof s !== 'string') s = argString(s, 1, 'find', arguments.length);
  if (typeof pattern !== 'string') pattern = argString(pattern, 2, 'find', arguments.length);
  let from = 0;
  if (init !== undefined) {
    from = startOf(s, optInteger(init, 3, 'find', arguments.length, 1));
    if (from > s.length) return undefined;
  }
  if ((plain !== undefined && plain !== false) || !hasMagic(pattern)) {
    const at = s.indexOf(pattern, from);
    return at < 0 ? undefined : ret2(at + 1, at + pattern.length);
  }
  const compiled = patternOf(pattern);
  if (!compiled.search(s, from)) return undefined;
  const start = found[0]! + 1;
  const end = found[1]!;
  switch (compiled.captures) {
    case 0:
      return ret2(start, end);
    case 1:
      return ret3(start, end, compiled.capture(s, 0));
    case 2:
      return retN([start, end, compiled.capture(s, 0), compiled.capture(s, 1)]);
  }
  const values: LuaValue[] = [start, end];
  compiled.pushCaptures(s, values);
  return retN(values);
}

function match(s: LuaValue, pattern: LuaValue, init: LuaValue): LuaResult {
  if (typeof s !== 'string') s = argString(s, 1, 'match', arguments.length);
  if (typeof pattern !== 'string') pattern = argString(pattern, 2, 'match', arguments.length);
  let from = 0;
  if (init !== undefined) {
    from = startOf(s, optInteger(init, 3, 'match', arguments.length, 1));
    if (from > s.length) return undefined;
  }
  const compiled = patternOf(pattern);
  return compiled.search(s, from) ? captures(compiled, s) : undefined;
}

/** The offset that an `init` argument means. */
function startOf(s: string, init: number): number {
  if (init > 0) return init - 1;
  return init < 0 && s.length + init > 0 ? s.length + init : 0;
}

/** Without debug information a dump lacks the chunk's name; lines and variables are those of the source. */
function dump(f: LuaValue, strip: LuaValue): LuaResult {
  if (typeof f !== 'function') typeError(f, 1, 'dump', 'function', arguments.length);
  return dumpFunction(f, strip !== undefined && strip !== false) ?? throwError('unable to dump given function');
}

function format(template: LuaValue, ...values: LuaValue[]): LuaResult {
  return formatString(
    typeof template === 'string' ? template : argString(template, 1, 'format', arguments.length),
    values,
  );
}

const FUNCTIONS: Readonly<Record<string, LuaFunction>> = {
  byte,
  char,
  dump,
  find,
  format,
  gmatch,
  gsub,
  len,
  lower,
  match,
  rep,
  reverse,
  sub,
  upper,
};

/** Makes the `string` table of a new state. */
export function openString(): LuaTable {
  return LuaTable.fromObject(FUNCTIONS);
}
