// cjson.encode: a Lua value as JSON text.

import { first } from '../../call.ts';
import { callNow } from '../../coroutine.ts';
import { formatG, formatNumber } from '../../number.ts';
import { index } from '../../runtime.ts';
import { LuaTable } from '../../table.ts';
import { type LuaValue, NULL } from '../../value.ts';
import { typeName } from '../args.ts';
import { type CjsonConfig, EMPTY_ARRAY, HARD_DEPTH, JsonFailure } from './config.ts';
import { position, putByte, putInteger, putString, putStrings, putText, rewind, take } from './output.ts';

type Fields = Record<string, LuaValue>;

const COMMA = 44;
const COLON = 58;

let config: CjsonConfig;

/** JSON text of a value. Throws JsonFailure for what cannot be written, LuaError from metamethods. */
export function encodeJson(settings: CjsonConfig, value: LuaValue): string {
  const outer = config;
  const start = position();
  config = settings;
  try {
    put(value, 0);
    return take(start);
  } catch (error) {
    rewind(start);
    throw error;
  } finally {
    config = outer;
  }
}

/** Writes a value; false for one that is left out, of which nothing has been written. */
function put(v: LuaValue, depth: number): boolean {
  switch (typeof v) {
    case 'string':
      putString(v, config.escapeForwardSlash);
      return true;
    case 'number':
      putNumber(v);
      return true;
    case 'boolean':
      putText(v ? 'true' : 'false');
      return true;
    case 'undefined':
      putText('null');
      return true;
    case 'object':
      if (v instanceof LuaTable) {
        putTable(v, depth + 1);
        return true;
      }
      if (v === NULL || v === EMPTY_ARRAY) {
        putText(v === NULL ? 'null' : '[]');
        return true;
      }
  }
  if (config.skipUnsupported) return false;
  fail(v, 'type not supported');
}

function fail(v: LuaValue, reason: string): never {
  throw new JsonFailure(`Cannot serialise ${typeName(v)}: ${reason}`);
}

function putNumber(n: number): void {
  if ((n | 0) === n && n < 1e9 && n > -1e9 && (n !== 0 || 1 / n > 0) && config.numberPrecision >= 9) putInteger(n);
  else if (n - n !== 0) putInvalid(n);
  else putText(config.numberPrecision === 14 ? formatNumber(n) : formatG(n, config.numberPrecision));
}

function putInvalid(n: number): void {
  if (config.encodeInvalidNumbers === 'off') fail(n, 'must not be NaN or Infinity');
  if (config.encodeInvalidNumbers === 'null') putText('null');
  else putText(Number.isNaN(n) ? 'NaN' : n > 0 ? 'Infinity' : '-Infinity');
}

function putTable(t: LuaTable, depth: number): void {
  if (depth > config.encodeMaxDepth || depth > HARD_DEPTH)
    throw new JsonFailure(`Cannot serialise, excessive nesting (${depth})`);
  const metatable = t.$m;
  if (metatable !== undefined) {
    if (metatable === config.arrayMt) {
      putArray(t, t.length(), depth, true);
      return;
    }
    const length = metatable.getStr('__len');
    if (length !== undefined) {
      const n = first(callNow(length, [t]));
      putArray(t, typeof n === 'number' ? Math.trunc(n) : 0, depth, false);
      return;
    }
  }
  if (t.$n !== 0 && metatable !== config.emptyArrayMt) {
    // Nearly always an object; only if all its fields have been removed it may be something else.
    const start = position();
    if (putObject(t, depth)) return;
    rewind(start);
  }
  const length = arrayLength(t);
  if (length > 0 || (length === 0 && !config.emptyTableAsObject)) putArray(t, length, depth, metatable === undefined);
  else if (metatable !== undefined && metatable === config.emptyArrayMt) putArray(t, t.length(), depth, true);
  else putObject(t, depth);
}

/** The length of a table without fields whose keys are all positive integers, or -1. An empty table has length 0. */
function arrayLength(t: LuaTable): number {
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

/** With encode_indent: a new line with the indentation of a depth. */
function putLine(depth: number): void {
  if (config.indent !== '') putText('\n' + config.indent.repeat(depth));
}

function putArray(t: LuaTable, length: number, depth: number, raw: boolean): void {
  putByte(91);
  if (typeof t.$a[1] === 'string' && length === t.length() && config.indent === '') {
    if (putStrings(t.$a, config.escapeForwardSlash)) {
      putByte(93);
      return;
    }
  }
  let more = false;
  for (let i = 1; i <= length; i++) {
    let v = t.$a[i];
    if (v === undefined) v = raw ? t.getInt(i) : first(callNow(index, [t, i]));
    const start = position();
    if (more) putByte(COMMA);
    putLine(depth);
    if (put(v, depth)) more = true;
    else rewind(start);
  }
  if (length > 0) putLine(depth - 1);
  putByte(93);
}

/** Property names of tables, as JSON keys with their colon: there are as many as constants in programs. */
const keyTexts = new Map<string, string>();

function keyText(name: string): string {
  let text = keyTexts.get(name);
  if (text === undefined) {
    // A '$' stands in front of names that would hide a method of the table.
    text = `"${name.charCodeAt(0) === 36 ? name.slice(1) : name}":`;
    keyTexts.set(name, text);
  }
  return text;
}

/** Writes an object; true if it has fields, that is, properties. */
function putObject(t: LuaTable, depth: number): boolean {
  putByte(123);
  let hasFields = false;
  let more = false;
  let empty = true;
  const items = t.$a;
  for (let i = 1; i < items.length; i++) {
    if (items[i] === undefined) continue;
    empty = false;
    if (putPair(i, items[i], depth, more)) more = true;
  }
  if (t.$n !== 0) {
    for (const name in t) {
      if (name.charCodeAt(0) === 36 && name.length === 2) continue; // $a, $h, $m, $n
      const v = (t as unknown as Fields)[name];
      if (v === undefined) continue;
      empty = false;
      hasFields = true;
      const start = position();
      if (more) putByte(COMMA);
      putLine(depth);
      putText(keyText(name));
      if (config.indent !== '') putByte(32);
      if (put(v, depth)) more = true;
      else rewind(start);
    }
  }
  const hash = t.$h;
  if (hash !== undefined) {
    const { keys, values } = hash;
    for (let i = 0; i < keys.length; i++) {
      const v = values[i];
      if (v === undefined) continue;
      empty = false;
      if (putPair(keys[i], v, depth, more)) more = true;
    }
  }
  if (!empty) putLine(depth - 1);
  putByte(125);
  return hasFields;
}

/** Writes a key and its value, after a comma if there are pairs before; false if the value is left out. */
function putPair(k: LuaValue, v: LuaValue, depth: number, more: boolean): boolean {
  const start = position();
  if (more) putByte(COMMA);
  putLine(depth);
  if (typeof k === 'string') putString(k, config.escapeForwardSlash);
  else if (typeof k === 'number') {
    putByte(34);
    putNumber(k);
    putByte(34);
  } else fail(k, 'table key must be a number or string');
  putByte(COLON);
  if (config.indent !== '') putByte(32);
  if (put(v, depth)) return true;
  rewind(start);
  return false;
}
