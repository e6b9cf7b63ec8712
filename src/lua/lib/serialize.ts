// The binary form of Lua values that string.buffer encodes and decodes; the format is LuaJIT's (lj_serialize.c), so
// values can be exchanged with it. Integers of 32 bits are written as such, as by a LuaJIT with dual numbers.

import { throwError } from '../error.ts';
import { Cursor, LuaTable } from '../table.ts';
import { type LuaValue, NULL } from '../value.ts';
import { typeName } from './args.ts';
import { position, putByte, putText, rewind, take } from './cjson/output.ts';

const NIL = 0;
const FALSE = 1;
const TRUE = 2;
const NULL_POINTER = 3;
const INT = 6;
const NUM = 7;
/** Plus 1 with a hash part; plus 2 with an array part from 0, or 4 with one from 1. */
const TABLE = 8;
const METATABLE = 14;
const DICTIONARY_STRING = 15;
/** Plus the length. */
const STRING = 32;

const MAX_DEPTH = 100;

/** Strings and metatables that are written as numbers. */
export interface Dictionaries {
  readonly strings: ReadonlyMap<LuaValue, number> | undefined;
  readonly stringAt: LuaTable | undefined;
  readonly metatables: ReadonlyMap<LuaValue, number> | undefined;
  readonly metatableAt: LuaTable | undefined;
}

const NO_DICTIONARIES: Dictionaries = {
  strings: undefined,
  stringAt: undefined,
  metatables: undefined,
  metatableAt: undefined,
};

/** Reads the options `dict` and `metatable` of buffer.new. */
export function makeDictionaries(options: LuaTable | undefined): Dictionaries {
  const strings = options?.getStr('dict');
  const metatables = options?.getStr('metatable');
  if (!(strings instanceof LuaTable) && !(metatables instanceof LuaTable)) return NO_DICTIONARIES;
  return {
    strings: strings instanceof LuaTable ? indexOf(strings, (v) => typeof v === 'string') : undefined,
    stringAt: strings instanceof LuaTable ? strings : undefined,
    metatables: metatables instanceof LuaTable ? indexOf(metatables, (v) => v instanceof LuaTable) : undefined,
    metatableAt: metatables instanceof LuaTable ? metatables : undefined,
  };
}

function indexOf(list: LuaTable, fits: (v: LuaValue) => boolean): Map<LuaValue, number> {
  const index = new Map<LuaValue, number>();
  for (let i = 1; i <= list.length(); i++) {
    const v = list.getInt(i);
    if (v === false) continue; // a place that is left out
    if (!fits(v)) throwError('bad options table');
    if (!index.has(v)) index.set(v, i - 1);
  }
  return index;
}

// ---- encoding

/** The bytes of a value. */
export function encodeValue(value: LuaValue, dictionaries: Dictionaries): string {
  const start = position();
  try {
    put(value, dictionaries, MAX_DEPTH);
    return take(start);
  } catch (error) {
    rewind(start);
    throw error;
  }
}

/** An integer of 1, 2 or 5 bytes. */
function putUnsigned(n: number): void {
  if (n < 0xe0) putByte(n);
  else if (n < 0x1fe0) {
    putByte(0xe0 | ((n - 0xe0) >> 8));
    putByte((n - 0xe0) & 255);
  } else {
    putByte(0xff);
    putInt32(n);
  }
}

function putInt32(n: number): void {
  for (let shift = 0; shift < 32; shift += 8) putByte((n >>> shift) & 255);
}

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer); // little-endian, as all machines are on which Node runs

function put(v: LuaValue, dictionaries: Dictionaries, depth: number): void {
  if (typeof v === 'string') {
    putUnsigned(STRING + v.length);
    putText(v);
  } else if (typeof v === 'number') {
    if ((v | 0) === v && (v !== 0 || 1 / v > 0)) {
      putByte(INT);
      putInt32(v);
    } else {
      putByte(NUM);
      double[0] = v;
      putInt32(halves[0]!);
      putInt32(halves[1]!);
    }
  } else if (v === undefined) putByte(NIL);
  else if (typeof v === 'boolean') putByte(v ? TRUE : FALSE);
  else if (v instanceof LuaTable) putTable(v, dictionaries, depth);
  else if (v === NULL) putByte(NULL_POINTER);
  else throwError(`cannot serialize '${typeName(v)}'`);
}

function putTable(t: LuaTable, dictionaries: Dictionaries, depth: number): void {
  if (depth <= 0) throwError('too deep to serialize');
  const metatable = t.$m === undefined ? undefined : dictionaries.metatables?.get(t.$m);
  if (metatable !== undefined) {
    putByte(METATABLE);
    putUnsigned(metatable);
  }
  const items = t.$a;
  const count = items.length - 1;
  const cursor = new Cursor(t);
  let fields = 0;
  while (cursor.next()) if (!isItem(cursor.k, count)) fields++;
  putByte(TABLE + (fields > 0 ? 1 : 0) + (count > 0 ? 4 : 0));
  if (count > 0) putUnsigned(count + 1);
  if (fields > 0) putUnsigned(fields);
  for (let i = 1; i <= count; i++) put(items[i], dictionaries, depth - 1);
  const pairs = new Cursor(t);
  while (fields > 0 && pairs.next()) {
    const { k } = pairs;
    if (isItem(k, count)) continue;
    const known = typeof k === 'string' ? dictionaries.strings?.get(k) : undefined;
    if (known === undefined) put(k, dictionaries, depth - 1);
    else {
      putByte(DICTIONARY_STRING);
      putUnsigned(known);
    }
    put(pairs.v, dictionaries, depth - 1);
  }
}

function isItem(k: LuaValue, count: number): boolean {
  return typeof k === 'number' && k >= 1 && k <= count && Number.isInteger(k);
}

// ---- decoding

/** The value at the beginning of the bytes, and where it ends. */
export function decodeAt(bytes: string, dictionaries: Dictionaries): { value: LuaValue; end: number } {
  const decoder = new Decoder(bytes, dictionaries);
  const value = decoder.value(MAX_DEPTH);
  return { value, end: decoder.at };
}

class Decoder {
  readonly #bytes: string;
  readonly #dictionaries: Dictionaries;
  at = 0;

  constructor(bytes: string, dictionaries: Dictionaries) {
    this.#bytes = bytes;
    this.#dictionaries = dictionaries;
  }

  value(depth: number): LuaValue {
    const tag = this.#unsigned();
    if (tag >= STRING) return this.#take(tag - STRING);
    switch (tag) {
      case NIL:
        return undefined;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case NULL_POINTER:
        return NULL;
      case INT:
        return this.#int32();
      case NUM:
        halves[0] = this.#int32();
        halves[1] = this.#int32();
        return double[0];
      case DICTIONARY_STRING:
        return this.#fromDictionary(this.#dictionaries.stringAt, (v) => typeof v === 'string');
    }
    if (tag >= TABLE && tag <= METATABLE) return this.#table(tag, depth);
    throwError(`cannot deserialize tag 0x${tag.toString(16).padStart(2, '0')}`);
  }

  #byte(): number {
    if (this.at >= this.#bytes.length) throwError('unexpected end of buffer');
    return this.#bytes.charCodeAt(this.at++);
  }

  #unsigned(): number {
    const n = this.#byte();
    if (n < 0xe0) return n;
    return n === 0xff ? this.#int32() >>> 0 : ((n & 0x1f) << 8) + this.#byte() + 0xe0;
  }

  #int32(): number {
    return this.#byte() | (this.#byte() << 8) | (this.#byte() << 16) | (this.#byte() << 24);
  }

  #take(length: number): string {
    if (length > this.#bytes.length - this.at) throwError('unexpected end of buffer');
    this.at += length;
    return this.#bytes.substring(this.at - length, this.at);
  }

  #fromDictionary(list: LuaTable | undefined, fits: (v: LuaValue) => boolean): LuaValue {
    const index = this.#unsigned() + 1;
    const v = list?.getInt(index);
    if (!fits(v)) throwError(`cannot deserialize dictionary index ${index}`);
    return v;
  }

  #table(first: number, depth: number): LuaTable {
    if (depth <= 0) throwError('too deep to serialize');
    let tag = first;
    const t = new LuaTable();
    if (tag === METATABLE) {
      const isTable = (v: LuaValue): boolean => v instanceof LuaTable;
      t.metatable = this.#fromDictionary(this.#dictionaries.metatableAt, isTable) as LuaTable;
      tag = this.#unsigned();
      if (tag < TABLE || tag >= METATABLE) throwError(`cannot deserialize tag 0x${tag.toString(16).padStart(2, '0')}`);
    }
    const slots = tag >= TABLE + 2 ? this.#unsigned() : 0;
    const fields = (tag & 1) !== 0 ? this.#unsigned() : 0;
    for (let i = tag >= TABLE + 4 ? 1 : 0; i < slots; i++) t.setInt(i, this.value(depth - 1));
    for (let n = 0; n < fields; n++) {
      const k = this.value(depth - 1);
      if (t.get(k) !== undefined) throwError('duplicate table key');
      const v = this.value(depth - 1);
      if (typeof k === 'string') t.setStr(k, v);
      else t.set(k, v);
    }
    return t;
  }
}
