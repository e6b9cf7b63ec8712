// cjson.decode: JSON text as Lua values.
//
// A recursive descent over bytes that builds tables directly; JSON.parse would need a second pass, cannot say where an
// error is, and knows no NaN. The text is copied into a byte array first, since V8 reads bytes of an array twice as
// fast as characters of a string; strings are cut from the text. The parser knows plain JSON only: whatever else it
// meets, it leaves the whole text to lenient.ts, which also words all errors. The state of the one parse under way is
// in module variables, since a parse never calls out.

import { LuaTable } from '../../table.ts';
import { type LuaValue, NULL } from '../../value.ts';
import { type CjsonConfig, HARD_DEPTH, JsonFailure } from './config.ts';
import { decodeLeniently } from './lenient.ts';
import type { RawBuffer } from './output.ts';
import { EMPTY_SHAPE, isTreeFull, Key, MAX_FIELDS, type Shape } from './shape.ts';
import { stringEnds, unescapeJson } from './unescape.ts';

const INITIAL = 1 << 16;
/** A larger array is given back after use. */
const KEEP = 1 << 20;

/** The text with a zero byte behind it. */
let bytes = Buffer.allocUnsafeSlow(INITIAL) as RawBuffer;
let text = '';
let at = 0;
let depth = 0;
let maxDepth = 0;
let arrayMt: LuaTable | undefined;
/** Whether escapes have been resolved, so that the ends of strings are in `stringEnds`; and the next of them. */
let resolved = false;
let string = 0;
/** The next zero byte at or behind the place where it was last looked for. */
let zeroAt = -1;

/** Thrown when the text is not plain JSON. */
const NOT_PLAIN = new Error('not plain JSON');

/** The value of a JSON text. Throws JsonFailure. */
export function decodeJson(config: CjsonConfig, json: string): LuaValue {
  const { length } = json;
  if (length >= 2 && (json.charCodeAt(0) === 0 || json.charCodeAt(1) === 0))
    throw new JsonFailure('JSON parser does not support UTF-16 or UTF-32');
  if (bytes.length <= length) bytes = Buffer.allocUnsafeSlow(length + INITIAL) as RawBuffer;
  bytes.latin1Write(json, 0, length);
  bytes[length] = 0;
  text = json;
  at = 0;
  depth = 0;
  maxDepth = Math.min(config.decodeMaxDepth, HARD_DEPTH);
  arrayMt = config.decodeArrayWithArrayMt ? config.arrayMt : undefined;
  zeroAt = -1;
  pending = 0;
  resolved = false;
  try {
    if (json.includes('\\')) {
      // In a comment there may be quotes.
      if (config.decodeAllowComment) throw NOT_PLAIN;
      const resolvedLength = unescapeJson(bytes, length, json);
      if (resolvedLength < 0) throw NOT_PLAIN;
      text = bytes.latin1Slice(0, resolvedLength);
      resolved = true;
      string = 0;
    }
    const value = parseValue(next());
    // A zero byte counts as the end, as the text is a C string to lua-cjson.
    if (next() !== 0) throw NOT_PLAIN;
    return value;
  } catch (error) {
    peak = KEEP_PENDING + 1;
    if (error !== NOT_PLAIN) throw error;
    return decodeLeniently(config, json);
  } finally {
    text = '';
    if (bytes.length > KEEP) bytes = Buffer.allocUnsafeSlow(INITIAL) as RawBuffer;
    // The values must not be kept alive from here.
    if (peak > KEEP_PENDING) pendingValues.length = pendingKeys.length = 0;
    else if (peak > 0) pendingValues.fill(undefined, 0, peak);
    peak = 0;
  }
}

/** Skips white space; the byte there, 0 at the end. */
function next(): number {
  let c = bytes[at]!;
  while (c === 32 || c === 10 || c === 13 || c === 9) c = bytes[++at]!;
  return c;
}

/** The value that starts with the byte `c` at `at`. */
function parseValue(c: number): LuaValue {
  switch (c) {
    case 34:
      return parseString();
    case 123:
      return parseObject();
    case 91:
      return parseArray();
    case 116:
      if (bytes[at + 1] !== 114 || bytes[at + 2] !== 117 || bytes[at + 3] !== 101) throw NOT_PLAIN;
      at += 4;
      return true;
    case 102:
      if (bytes[at + 1] !== 97 || bytes[at + 2] !== 108 || bytes[at + 3] !== 115 || bytes[at + 4] !== 101)
        throw NOT_PLAIN;
      at += 5;
      return false;
    case 110:
      if (bytes[at + 1] !== 117 || bytes[at + 2] !== 108 || bytes[at + 3] !== 108) throw NOT_PLAIN;
      at += 4;
      return NULL;
    default:
      return parseNumber(c);
  }
}

const POWERS = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
/** Digits that a double holds exactly, whichever they are. */
const EXACT = 15;

function parseNumber(c: number): number {
  const start = at;
  const into = bytes;
  let i = start;
  const negative = c === 45;
  if (negative) c = into[++i]!;
  if (c < 48 || c > 57) throw NOT_PLAIN;
  const first = i;
  let n = c - 48;
  let d = into[++i]!;
  if (c !== 48) for (; d >= 48 && d <= 57; d = into[++i]!) n = n * 10 + d - 48;
  let digits = i - first;
  if (d === 46) {
    const point = i;
    for (d = into[++i]!; d >= 48 && d <= 57; d = into[++i]!) n = n * 10 + d - 48;
    const places = i - point - 1;
    digits += places;
    if (digits <= EXACT && (d | 32) !== 101) {
      at = i;
      // A quotient of exact numbers is the double that is closest.
      n /= POWERS[places]!;
      return negative ? -n : n;
    }
  } else if ((d | 32) !== 101) {
    // An integer has no negative zero. What follows may make it one of the numbers that only strtod knows.
    if (digits > EXACT || (d >= 48 && d <= 57) || (d | 32) === 120) throw NOT_PLAIN;
    at = i;
    return negative ? 0 - n : n;
  }
  if ((d | 32) === 101) {
    d = into[++i]!;
    if (d === 43 || d === 45) d = into[++i]!;
    if (d < 48 || d > 57) throw NOT_PLAIN;
    do d = into[++i]!;
    while (d >= 48 && d <= 57);
  }
  at = i;
  return +text.substring(start, i);
}

/** Strings up to here are scanned byte by byte; for the rest of longer ones the native search is faster. */
const NEAR = 12;

function parseString(): string {
  const start = at + 1;
  if (resolved) {
    const end = stringEnds[string++]!;
    at = end + 1;
    return text.substring(start, end);
  }
  const into = bytes;
  let i = start;
  for (const near = start + NEAR; i < near; i++) {
    const c = into[i]!;
    if (c === 34) {
      at = i + 1;
      return text.substring(start, i);
    }
    if (c === 0) throw NOT_PLAIN;
  }
  const end = text.indexOf('"', i);
  if (end < 0) throw NOT_PLAIN;
  // Whether there is a zero byte before the quote: the next one of the text is remembered.
  if (zeroAt < i) {
    zeroAt = text.indexOf('\0', i);
    if (zeroAt < 0) zeroAt = text.length;
  }
  if (zeroAt < end) throw NOT_PLAIN;
  at = end + 1;
  return text.substring(start, end);
}

function parseArray(): LuaTable {
  at++;
  if (++depth > maxDepth) throw NOT_PLAIN;
  const t = new LuaTable();
  if (arrayMt !== undefined) t.metatable = arrayMt;
  let c = next();
  if (c !== 93) {
    const items: LuaValue[] = [undefined];
    for (;;) {
      items.push(parseValue(c));
      c = next();
      if (c === 93) break;
      if (c !== 44) throw NOT_PLAIN;
      at++;
      c = next();
    }
    t.$a = items;
  }
  at++;
  depth--;
  return t;
}

// ---- objects

const KEYS = 4096;
const MAX_KEY = 32;

/** Keys by a hash of their bytes; a new one replaces the old. It saves making and hashing a string for each key. */
const keys: (Key | undefined)[] = new Array(KEYS).fill(undefined);

// Kinds of bytes in keys.
const LETTER = 0;
const DIGIT = 1;
const OTHER = 2;
const KIND = new Uint8Array(256).fill(OTHER);
KIND.fill(LETTER, 65, 91);
KIND.fill(LETTER, 97, 123);
KIND.fill(DIGIT, 48, 58);
KIND[95] = LETTER;

/** Reads the key at `at` (its quote), which is probably `expected`. */
function parseKey(expected: Key | undefined): Key | string {
  const start = at + 1;
  const into = bytes;
  if (expected !== undefined) {
    const wanted = expected.bytes;
    const { length } = wanted;
    let i = 0;
    while (i < length && into[start + i] === wanted[i]) i++;
    if (i === length && (resolved ? stringEnds[string] === start + i : into[start + i] === 34)) {
      string++;
      at = start + i + 1;
      return expected;
    }
  }
  let i = start;
  let hash = 0;
  let kinds = 0;
  for (;;) {
    const c = into[i]!;
    if (c === 34) break;
    if (c === 0 || i - start >= MAX_KEY) return parseString();
    hash = (Math.imul(hash, 31) + c) | 0;
    kinds |= KIND[c]!;
    i++;
  }
  // A quote in the key itself.
  if (resolved && stringEnds[string] !== i) return parseString();
  string++;
  at = i + 1;
  const slot = (hash ^ (hash >>> 12)) & (KEYS - 1);
  const length = i - start;
  const key = keys[slot];
  if (key !== undefined && key.bytes.length === length && isAt(key.bytes, start)) {
    if (!key.isField) key.seen();
    return key;
  }
  const isWord = kinds === LETTER && length > 0;
  const isIdentifier = length > 0 && (kinds & OTHER) === 0 && KIND[into[start]!] === LETTER;
  const made = new Key(text.substring(start, i), new Uint8Array(into.subarray(start, i)), isWord, isIdentifier);
  keys[slot] = made;
  return made;
}

function isAt(key: Uint8Array, start: number): boolean {
  for (let i = 0; i < key.length; i++) if (key[i] !== bytes[start + i]) return false;
  return true;
}

/** Keys and values of the objects that are being parsed, the inner ones behind the outer. */
const pendingKeys: (Key | string)[] = [];
const pendingValues: LuaValue[] = [];
let pending = 0;
/** The most that has been pending in this parse. */
let peak = 0;
const KEEP_PENDING = 4096;

function parseObject(): LuaTable {
  at++;
  if (++depth > maxDepth) throw NOT_PLAIN;
  let c = next();
  if (c === 125) {
    at++;
    depth--;
    return new LuaTable();
  }
  const base = pending;
  let shape: Shape | undefined = EMPTY_SHAPE;
  for (;;) {
    if (c !== 34) throw NOT_PLAIN;
    const key = parseKey(shape?.lastKey);
    if (typeof key === 'string') shape = undefined;
    else if (shape !== undefined) shape = shape.with(key);
    if (next() !== 58) throw NOT_PLAIN;
    at++;
    const slot = pending++;
    pendingKeys[slot] = key;
    pendingValues[slot] = parseValue(next());
    c = next();
    if (c === 125) break;
    if (c !== 44) throw NOT_PLAIN;
    at++;
    c = next();
  }
  at++;
  depth--;
  if (pending > peak) peak = pending;
  const t = shape?.table(pendingValues, base) ?? collect(base);
  pending = base;
  return t;
}

/** The table of the keys and values from `base` on. */
function collect(base: number): LuaTable {
  const t = new LuaTable();
  const small = pending - base <= MAX_FIELDS && !isTreeFull();
  for (let i = base; i < pending; i++) {
    const key = pendingKeys[i]!;
    if (typeof key === 'string') t.set(key, pendingValues[i]);
    else if (small && key.isField) t.setStr(key.text, pendingValues[i]);
    else t.set(key.text, pendingValues[i]);
  }
  return t;
}
