// cjson.decode: JSON text as Lua values.
//
// A recursive descent over character codes that builds tables directly; JSON.parse would need a second pass, cannot
// say where an error is, and knows no NaN. The state of the one parse under way is in module variables, since a parse
// never calls out. The tokens named in error messages are worked out only when there is an error (see token.ts).

import { LuaTable } from '../../table.ts';
import { type LuaValue, NULL } from '../../value.ts';
import { type CjsonConfig, HARD_DEPTH, JsonFailure } from './config.ts';
import { EMPTY_SHAPE, isTreeFull, Key, MAX_FIELDS, type Shape } from './shape.ts';
import { readNumber, readString, readToken, skipSpace } from './token.ts';

let config: CjsonConfig;
let text = '';
let at = 0;
let depth = 0;
/** The next backslash and the next zero byte at or behind the place where they were last looked for. */
let escapeAt = -1;
let zeroAt = -1;

/** The value of a JSON text. Throws JsonFailure. */
export function decodeJson(settings: CjsonConfig, json: string): LuaValue {
  if (json.length >= 2 && (json.charCodeAt(0) === 0 || json.charCodeAt(1) === 0))
    throw new JsonFailure('JSON parser does not support UTF-16 or UTF-32');
  config = settings;
  text = json;
  at = 0;
  depth = 0;
  escapeAt = -1;
  zeroAt = -1;
  pending = 0;
  try {
    const value = parseValue();
    // A zero byte counts as the end, as the text is a C string to lua-cjson.
    if (next() !== 0) unexpected('the end');
    return value;
  } finally {
    text = '';
    // The values must not be kept alive from here.
    if (peak > KEEP_PENDING) pendingValues.length = pendingKeys.length = 0;
    else if (peak > 0) pendingValues.fill(undefined, 0, peak);
    peak = 0;
  }
}

function unexpected(wanted: string): never {
  const token = readToken(config, text, at);
  throw new JsonFailure(`Expected ${wanted} but found ${token.name} at character ${token.at + 1}`);
}

/** Skips white space; the code of the character there, 0 at the end. */
function next(): number {
  let c = text.charCodeAt(at);
  while (c === 32 || c === 10 || c === 13 || c === 9) c = text.charCodeAt(++at);
  if (c === 47 && config.decodeAllowComment) {
    at = skipSpace(config, text, at);
    c = text.charCodeAt(at);
  }
  return Number.isNaN(c) ? 0 : c; // behind the end
}

function parseValue(): LuaValue {
  const c = next();
  switch (c) {
    case 34:
      return parseString();
    case 123:
      return parseObject();
    case 91:
      return parseArray();
    case 116:
      if (text.startsWith('true', at)) {
        at += 4;
        return true;
      }
      break;
    case 102:
      if (text.startsWith('false', at)) {
        at += 5;
        return false;
      }
      break;
    case 110:
      if (text.startsWith('null', at)) {
        at += 4;
        return NULL;
      }
  }
  return parseNumber(c);
}

const isDigit = (c: number): boolean => c >= 48 && c <= 57;

/** A number of the JSON grammar; everything else is left to the lenient reader. */
function parseNumber(c: number): number {
  const negative = c === 45;
  let i = negative ? at + 1 : at;
  if (negative) c = text.charCodeAt(i);
  if (isDigit(c)) {
    const start = i;
    let n = c - 48;
    let d = text.charCodeAt(++i);
    if (c !== 48) for (; isDigit(d); d = text.charCodeAt(++i)) n = n * 10 + d - 48;
    const fraction = d === 46 || (d | 32) === 101;
    if (!fraction && !isDigit(d) && (d | 32) !== 120 && i - start <= 15) {
      at = i;
      return negative ? 0 - n : n;
    }
    if (fraction) {
      if (d === 46) {
        do d = text.charCodeAt(++i);
        while (isDigit(d));
      }
      if ((d | 32) === 101) {
        d = text.charCodeAt(++i);
        if (d === 43 || d === 45) d = text.charCodeAt(++i);
        const digits = i;
        while (isDigit(d)) d = text.charCodeAt(++i);
        if (i === digits) i = -1;
      }
      if (i > 0) {
        const value = +text.substring(at, i);
        at = i;
        return value;
      }
    }
  }
  const number = readNumber(config, text, at);
  if (number === undefined) unexpected('value');
  at = number.end;
  return number.value;
}

/** Strings up to here are scanned byte by byte; for the rest of longer ones the native search is faster. */
const NEAR = 24;

function parseString(): string {
  const start = at + 1;
  let i = start;
  for (const near = start + NEAR; i < near; i++) {
    const c = text.charCodeAt(i);
    if (c === 34) {
      at = i + 1;
      return text.substring(start, i);
    }
    if (c === 92 || !(c > 0)) return parseEscapes(start);
  }
  const end = text.indexOf('"', i);
  if (end < 0) return parseEscapes(start);
  // Whether there is a backslash or a zero byte before the quote: the next ones of the text are remembered.
  if (escapeAt < i) escapeAt = nextOf('\\', i);
  if (zeroAt < i) zeroAt = nextOf('\0', i);
  if (escapeAt < end || zeroAt < end) return parseEscapes(start);
  at = end + 1;
  return text.substring(start, end);
}

function nextOf(byte: string, from: number): number {
  const found = text.indexOf(byte, from);
  return found < 0 ? text.length : found;
}

function parseEscapes(start: number): string {
  const string = readString(text, start);
  if (string.error !== undefined) unexpected('value');
  at = string.end;
  return string.value;
}

function descend(): void {
  depth++;
  if (depth > config.decodeMaxDepth || depth > HARD_DEPTH)
    throw new JsonFailure(`Found too many nested data structures (${depth}) at character ${at}`);
}

function parseArray(): LuaTable {
  at++;
  descend();
  const t = new LuaTable();
  if (config.decodeArrayWithArrayMt) t.metatable = config.arrayMt;
  if (next() === 93) {
    at++;
    depth--;
    return t;
  }
  const items: LuaValue[] = [undefined];
  for (;;) {
    items.push(parseValue());
    const c = next();
    if (c === 44) at++;
    else if (c === 93) break;
    else unexpected('comma or array end');
  }
  at++;
  depth--;
  t.$a = items;
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

/** Reads the key at `at` (its quote); undefined if it is long or has escapes. */
function parseKey(): Key | undefined {
  const start = at + 1;
  let i = start;
  let hash = 0;
  let kinds = 0;
  for (;;) {
    const c = text.charCodeAt(i);
    if (c === 34) break;
    if (c === 92 || !(c > 0) || i - start >= MAX_KEY) return undefined;
    hash = (Math.imul(hash, 31) + c) | 0;
    kinds |= KIND[c]!;
    i++;
  }
  at = i + 1;
  const slot = (hash ^ (hash >>> 12)) & (KEYS - 1);
  const length = i - start;
  const key = keys[slot];
  if (key !== undefined && key.length === length && sameText(key.text, start)) {
    if (!key.isField) key.seen();
    return key;
  }
  const isWord = kinds === LETTER && length > 0;
  const isIdentifier = length > 0 && (kinds & OTHER) === 0 && KIND[text.charCodeAt(start)] === LETTER;
  const made = new Key(text.substring(start, i), isWord, isIdentifier);
  keys[slot] = made;
  return made;
}

function sameText(key: string, start: number): boolean {
  for (let i = 0; i < key.length; i++) if (key.charCodeAt(i) !== text.charCodeAt(start + i)) return false;
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
  descend();
  let c = next();
  if (c === 125) {
    at++;
    depth--;
    return new LuaTable();
  }
  const base = pending;
  let shape: Shape | undefined = EMPTY_SHAPE;
  for (;;) {
    if (c !== 34) unexpected('object key string');
    const keyAt = at;
    const key = parseKey();
    if (key !== undefined) {
      if (shape !== undefined) shape = shape.with(key);
      pendingKeys[pending] = key;
    } else {
      at = keyAt;
      shape = undefined;
      pendingKeys[pending] = parseLongKey();
    }
    if (next() !== 58) unexpected('colon');
    at++;
    const slot = pending++;
    pendingValues[slot] = parseValue();
    c = next();
    if (c === 44) {
      at++;
      c = next();
    } else if (c === 125) break;
    else unexpected('comma or object end');
  }
  at++;
  depth--;
  if (pending > peak) peak = pending;
  const t = shape?.table(pendingValues, base) ?? collect(base);
  pending = base;
  return t;
}

function parseLongKey(): string {
  const string = readString(text, at + 1);
  if (string.error !== undefined) unexpected('object key string');
  at = string.end;
  return string.value;
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
