// cjson.decode: JSON text as Lua values.
//
// A recursive descent over character codes that builds tables directly; JSON.parse would need a second pass, cannot
// say where an error is, and knows no NaN. The state of the one parse under way is in module variables, since a parse
// never calls out. The tokens named in error messages are worked out only when there is an error (see token.ts).

import { LuaTable, propertyName } from '../../table.ts';
import { type LuaValue, NULL } from '../../value.ts';
import { type CjsonConfig, HARD_DEPTH, JsonFailure } from './config.ts';
import { readNumber, readString, readToken, skipSpace } from './token.ts';

type Fields = Record<string, LuaValue>;

let config: CjsonConfig;
let text = '';
let at = 0;
let depth = 0;

/** The value of a JSON text. Throws JsonFailure. */
export function decodeJson(settings: CjsonConfig, json: string): LuaValue {
  if (json.length >= 2 && (json.charCodeAt(0) === 0 || json.charCodeAt(1) === 0))
    throw new JsonFailure('JSON parser does not support UTF-16 or UTF-32');
  config = settings;
  text = json;
  at = 0;
  depth = 0;
  try {
    const value = parseValue();
    // A zero byte counts as the end, as the text is a C string to lua-cjson.
    if (next() !== 0) unexpected('the end');
    return value;
  } finally {
    text = '';
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

function parseString(): string {
  const start = at + 1;
  let i = start;
  for (;;) {
    const c = text.charCodeAt(i);
    if (c === 34) {
      at = i + 1;
      return text.substring(start, i);
    }
    if (c === 92 || c === 0 || i >= text.length) break;
    i++;
  }
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

/** A key seen in JSON texts. */
interface Key {
  readonly text: string;
  readonly length: number;
  /** The property that holds it, or undefined if it belongs in the hash of a table. */
  readonly property: string | undefined;
  /** Whether it has been seen again: then it is taken for a field name rather than for data. */
  known: boolean;
}

const KEYS = 2048;
const MAX_KEY = 32;

/** Keys by a hash of their bytes; a new one replaces the old. It saves making and hashing a string for each key. */
const keys: (Key | undefined)[] = new Array(KEYS).fill(undefined);

/** Most properties that decode gives a table; the rest of a large object goes to its hash. */
const MAX_FIELDS = 30;

const PLAIN_WORD = /^[A-Za-z_]+$/;

/** Reads the key at `at` (its quote); undefined if it is long or has escapes. */
function cachedKey(): Key | undefined {
  const start = at + 1;
  let i = start;
  let hash = 0;
  for (;;) {
    const c = text.charCodeAt(i);
    if (c === 34) break;
    if (c === 92 || !(c > 0) || i - start >= MAX_KEY) return undefined;
    hash = (Math.imul(hash, 31) + c) | 0;
    i++;
  }
  at = i + 1;
  const slot = (hash ^ (hash >>> 11)) & (KEYS - 1);
  const length = i - start;
  const key = keys[slot];
  if (key !== undefined && key.length === length && text.startsWith(key.text, start)) {
    key.known = true;
    return key;
  }
  const name = text.substring(start, i);
  // Names without digits are field names; others may be data, and many different ones would cost V8 a hidden class
  // each, so these wait until they are seen a second time.
  const made = { text: name, length, property: propertyName(name), known: PLAIN_WORD.test(name) };
  keys[slot] = made;
  return made;
}

function parseObject(): LuaTable {
  at++;
  descend();
  const t = new LuaTable();
  let c = next();
  if (c === 125) {
    at++;
    depth--;
    return t;
  }
  for (;;) {
    if (c !== 34) unexpected('object key string');
    const keyAt = at;
    const key = cachedKey();
    let name: string | undefined;
    if (key === undefined) {
      at = keyAt;
      name = parseKey();
    }
    if (next() !== 58) unexpected('colon');
    at++;
    const value = parseValue();
    if (key !== undefined) put(t, key, value);
    else t.set(name, value);
    c = next();
    if (c === 44) {
      at++;
      c = next();
    } else if (c === 125) break;
    else unexpected('comma or object end');
  }
  at++;
  depth--;
  return t;
}

function parseKey(): string {
  const string = readString(text, at + 1);
  if (string.error !== undefined) unexpected('object key string');
  at = string.end;
  return string.value;
}

function put(t: LuaTable, key: Key, value: LuaValue): void {
  const { property } = key;
  if (property === undefined || !key.known || t.$n >= MAX_FIELDS) {
    t.set(key.text, value);
    return;
  }
  const fields = t as unknown as Fields;
  if (fields[property] === undefined) {
    if (t.$h?.has(key.text)) {
      t.set(key.text, value);
      return;
    }
    t.$n++;
  }
  fields[property] = value;
}
