// cjson.encode: a Lua value as JSON text.

import { first } from '../../call.ts';
import { callNow } from '../../coroutine.ts';
import { formatG, formatNumber } from '../../number.ts';
import { index } from '../../runtime.ts';
import { LuaTable } from '../../table.ts';
import { type LuaValue, NULL } from '../../value.ts';
import { typeName } from '../args.ts';
import { type CjsonConfig, EMPTY_ARRAY, HARD_DEPTH, JsonFailure } from './config.ts';

type Fields = Record<string, LuaValue>;

/** JSON text of a value. Throws JsonFailure for what cannot be written, LuaError from metamethods. */
export function encodeJson(config: CjsonConfig, value: LuaValue): string {
  return encodeValue(config, value, 0) ?? '';
}

/** The text of a value, or undefined for one that is to be left out. */
function encodeValue(config: CjsonConfig, v: LuaValue, depth: number): string | undefined {
  switch (typeof v) {
    case 'string':
      return encodeString(v, config.escapeForwardSlash);
    case 'number':
      return encodeNumber(config, v);
    case 'boolean':
      return v ? 'true' : 'false';
    case 'undefined':
      return 'null';
    case 'object':
      if (v instanceof LuaTable) return encodeTable(config, v, depth + 1);
      if (v === NULL) return 'null';
      if (v === EMPTY_ARRAY) return '[]';
  }
  if (config.skipUnsupported) return undefined;
  fail(v, 'type not supported');
}

function fail(v: LuaValue, reason: string): never {
  throw new JsonFailure(`Cannot serialise ${typeName(v)}: ${reason}`);
}

function encodeNumber(config: CjsonConfig, n: number): string {
  if (n - n !== 0) {
    if (config.encodeInvalidNumbers === 'off') fail(n, 'must not be NaN or Infinity');
    if (config.encodeInvalidNumbers === 'null') return 'null';
    return Number.isNaN(n) ? 'NaN' : n > 0 ? 'Infinity' : '-Infinity';
  }
  return config.numberPrecision === 14 ? formatNumber(n) : formatG(n, config.numberPrecision);
}

// Classes of bytes in strings: 1 is always escaped, 2 only if slashes are.
const ESCAPED = new Uint8Array(256);
ESCAPED.fill(1, 0, 32);
ESCAPED[34] = ESCAPED[92] = ESCAPED[127] = 1;
ESCAPED[47] = 2;

const SHORT = 40; // up to here a loop beats a regular expression
const ANY = /["\\/\0-\x1f\x7f]/;
const ALL = /["\\/\0-\x1f\x7f]/g;
const ALL_BUT_SLASH = /["\\\0-\x1f\x7f]/g;

const NAMED: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

function escapeByte(c: string): string {
  return NAMED[c] ?? '\\u00' + c.charCodeAt(0).toString(16).padStart(2, '0');
}

function encodeString(s: string, slashes: boolean): string {
  if (s.length <= SHORT) {
    let i = 0;
    while (i < s.length && ESCAPED[s.charCodeAt(i)] === 0) i++;
    if (i === s.length) return '"' + s + '"';
  } else if (!ANY.test(s)) return '"' + s + '"';
  return '"' + s.replace(slashes ? ALL : ALL_BUT_SLASH, escapeByte) + '"';
}

function encodeTable(config: CjsonConfig, t: LuaTable, depth: number): string {
  if (depth > config.encodeMaxDepth || depth > HARD_DEPTH)
    throw new JsonFailure(`Cannot serialise, excessive nesting (${depth})`);
  const metatable = t.$m;
  if (metatable !== undefined) {
    if (metatable === config.arrayMt) return encodeArray(config, t, t.length(), depth, true);
    const length = metatable.getStr('__len');
    if (length !== undefined) return encodeArray(config, t, callLength(length, t), depth, false);
  }
  const length = arrayLength(config, t);
  if (length > 0 || (length === 0 && !config.emptyTableAsObject))
    return encodeArray(config, t, length, depth, metatable === undefined);
  if (metatable !== undefined && metatable === config.emptyArrayMt)
    return encodeArray(config, t, t.length(), depth, true);
  return encodeObject(config, t, depth);
}

function callLength(handler: LuaValue, t: LuaTable): number {
  const n = first(callNow(handler, [t]));
  return typeof n === 'number' ? Math.trunc(n) : 0;
}

/** The length of a table whose keys are all positive integers, or -1. An empty table has length 0. */
function arrayLength(config: CjsonConfig, t: LuaTable): number {
  if (t.$n !== 0) for (const name in t) if (isField(name) && (t as unknown as Fields)[name] !== undefined) return -1;
  const items = t.$a;
  let max = items.length - 1;
  let count = 0;
  for (let i = 1; i <= max; i++) if (items[i] !== undefined) count++;
  const hash = t.$h;
  if (hash !== undefined) {
    const { keys, values } = hash;
    for (let i = 0; i < keys.length; i++) {
      if (values[i] === undefined) continue;
      const k = keys[i];
      if (typeof k !== 'number' || k < 1 || Math.floor(k) !== k) return -1;
      if (k > max) max = k;
      count++;
    }
  }
  if (config.sparseRatio > 0 && max > count * config.sparseRatio && max > config.sparseSafe) {
    if (config.sparseConvert) return -1;
    fail(t, 'excessively sparse array');
  }
  return max;
}

function encodeArray(config: CjsonConfig, t: LuaTable, length: number, depth: number, raw: boolean): string {
  if (length <= 0) return '[]';
  const gap = config.indent === '' ? '' : '\n' + config.indent.repeat(depth);
  let out = '[';
  let separator = gap;
  for (let i = 1; i <= length; i++) {
    let v = t.$a[i];
    if (v === undefined) v = raw ? t.getInt(i) : readItem(t, i);
    const text = encodeValue(config, v, depth);
    if (text === undefined) continue;
    out += separator + text;
    separator = ',' + gap;
  }
  return out + (gap === '' ? ']' : '\n' + config.indent.repeat(depth - 1) + ']');
}

function readItem(t: LuaTable, i: number): LuaValue {
  return first(callNow(index, [t, i]));
}

/** Property names of tables, as JSON keys with their colon: there are as many as constants in programs. */
const keyTexts = new Map<string, string>();

/** Whether a JavaScript property of a table is a Lua key (not one of the internal $a, $h, $m, $n). */
function isField(name: string): boolean {
  return name.charCodeAt(0) !== 36 || name.length > 2;
}

function encodeObject(config: CjsonConfig, t: LuaTable, depth: number): string {
  const gap = config.indent === '' ? '' : '\n' + config.indent.repeat(depth);
  const colon = gap === '' ? '' : ' ';
  let out = '{';
  let separator = gap;
  let empty = true;
  const items = t.$a;
  for (let i = 1; i < items.length; i++) {
    if (items[i] === undefined) continue;
    empty = false;
    const text = encodeValue(config, items[i], depth);
    if (text === undefined) continue;
    out += `${separator}"${i}":${colon}${text}`;
    separator = ',' + gap;
  }
  if (t.$n !== 0) {
    for (const name in t) {
      if (name.charCodeAt(0) === 36 && name.length === 2) continue;
      const v = (t as unknown as Fields)[name];
      if (v === undefined) continue;
      empty = false;
      const text = encodeValue(config, v, depth);
      if (text === undefined) continue;
      out += separator + (keyTexts.get(name) ?? addKeyText(name)) + colon + text;
      separator = ',' + gap;
    }
  }
  const hash = t.$h;
  if (hash !== undefined) {
    const { keys, values } = hash;
    for (let i = 0; i < keys.length; i++) {
      const v = values[i];
      if (v === undefined) continue;
      empty = false;
      const key = encodeKey(config, keys[i]);
      const text = encodeValue(config, v, depth);
      if (text === undefined) continue;
      out += separator + key + colon + text;
      separator = ',' + gap;
    }
  }
  return out + (gap === '' || empty ? '}' : '\n' + config.indent.repeat(depth - 1) + '}');
}

function addKeyText(name: string): string {
  // A '$' stands in front of names that would hide a method of the table.
  const text = `"${name.charCodeAt(0) === 36 ? name.slice(1) : name}":`;
  keyTexts.set(name, text);
  return text;
}

function encodeKey(config: CjsonConfig, k: LuaValue): string {
  if (typeof k === 'string') return encodeString(k, config.escapeForwardSlash) + ':';
  if (typeof k === 'number') return `"${encodeNumber(config, k)}":`;
  fail(k, 'table key must be a number or string');
}
