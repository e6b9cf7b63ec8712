// The modules `cjson` and `cjson.safe`, as OpenResty bundles them: https://github.com/openresty/lua-cjson.
//
// Errors carry the position of the Lua code that called; cjson.safe returns nil and the message without position.

import { ret2, ret3 } from '../call.ts';
import { argError, LuaError, throwError } from '../error.ts';
import { LuaTable } from '../table.ts';
import { type LuaFunction, type LuaResult, type LuaValue, NULL } from '../value.ts';
import { argInteger, argString } from './args.ts';
import { type CjsonConfig, defaultConfig, EMPTY_ARRAY, JsonFailure } from './cjson/config.ts';
import { decodeJson } from './cjson/decode.ts';
import { encodeJson } from './cjson/encode.ts';
import { markLibrary } from './native.ts';

const VERSION = '2.1.0.11';
const INT_MAX = 2147483647;

/** Makes both modules of a state. Metatables that mark arrays are common to them. */
export function openCjson(): { cjson: LuaTable; safe: LuaTable } {
  const arrayMt = new LuaTable();
  const emptyArrayMt = new LuaTable();
  return { cjson: makeModule(arrayMt, emptyArrayMt, false), safe: makeModule(arrayMt, emptyArrayMt, true) };
}

function makeModule(arrayMt: LuaTable, emptyArrayMt: LuaTable, safe: boolean): LuaTable {
  const config = defaultConfig(arrayMt, emptyArrayMt);
  const t = LuaTable.fromObject(settings(config));
  t.setStr('encode', safe ? protect(encoder(config)) : expose(encoder(config)));
  t.setStr('decode', safe ? protect(decoder(config)) : expose(decoder(config)));
  t.setStr('new', () => makeModule(arrayMt, emptyArrayMt, safe));
  t.setStr('null', NULL);
  t.setStr('array_mt', arrayMt);
  t.setStr('empty_array_mt', emptyArrayMt);
  t.setStr('empty_array', EMPTY_ARRAY);
  t.setStr('_NAME', 'cjson');
  t.setStr('_VERSION', VERSION);
  return markLibrary(t);
}

/** encode or decode on checked arguments; throws JsonFailure. */
type Conversion = (given: number, v: LuaValue) => LuaValue;

function encoder(config: CjsonConfig): Conversion {
  return (given, v) => {
    if (given !== 1) argError(1, 'encode', 'expected 1 argument');
    return encodeJson(config, v);
  };
}

function decoder(config: CjsonConfig): Conversion {
  return (given, v) => {
    if (given !== 1) argError(1, 'decode', 'expected 1 argument');
    return decodeJson(config, typeof v === 'string' ? v : argString(v, 1, 'decode', given));
  };
}

function expose(convert: Conversion): LuaFunction {
  return function convertOrThrow(v: LuaValue): LuaResult {
    try {
      return convert(arguments.length, v);
    } catch (error) {
      if (error instanceof JsonFailure) throwError(error.message);
      throw error;
    }
  };
}

function protect(convert: Conversion): LuaFunction {
  return function convertOrReturn(v: LuaValue): LuaResult {
    if (arguments.length !== 1) argError(1, 'cjson', 'expected 1 argument');
    try {
      return convert(1, v);
    } catch (error) {
      if (error instanceof JsonFailure) return ret2(undefined, error.message);
      if (error instanceof LuaError) return ret2(undefined, error.value);
      throw error;
    }
  };
}

/** Names of the boolean settings. */
type Flag = {
  [K in keyof CjsonConfig]: CjsonConfig[K] extends boolean ? K : never;
}[keyof CjsonConfig];

/** Names of the integer settings. */
type Count = {
  [K in keyof CjsonConfig]: CjsonConfig[K] extends number ? K : never;
}[keyof CjsonConfig];

/** The configuration functions: each sets its value if one is given and returns the current one. */
function settings(config: CjsonConfig): Record<string, LuaFunction> {
  return {
    encode_empty_table_as_object: flag(config, 'encode_empty_table_as_object', 'emptyTableAsObject'),
    decode_array_with_array_mt: flag(config, 'decode_array_with_array_mt', 'decodeArrayWithArrayMt'),
    decode_allow_comment: flag(config, 'decode_allow_comment', 'decodeAllowComment'),
    encode_max_depth: count(config, 'encode_max_depth', 'encodeMaxDepth', 1, INT_MAX),
    decode_max_depth: count(config, 'decode_max_depth', 'decodeMaxDepth', 1, INT_MAX),
    encode_number_precision: count(config, 'encode_number_precision', 'numberPrecision', 1, 16),
    // There is no buffer to keep: JavaScript strings are built in place.
    encode_keep_buffer: flag(config, 'encode_keep_buffer', 'encodeKeepBuffer'),
    decode_invalid_numbers: flag(config, 'decode_invalid_numbers', 'decodeInvalidNumbers'),
    encode_escape_forward_slash: flag(config, 'encode_escape_forward_slash', 'escapeForwardSlash'),
    encode_skip_unsupported_value_types: flag(config, 'encode_skip_unsupported_value_types', 'skipUnsupported'),
    encode_sparse_array: (...args) => {
      tooMany(args, 3, 'encode_sparse_array');
      if (args[0] !== undefined) config.sparseConvert = flagOf(args[0], 1, 'encode_sparse_array');
      if (args[1] !== undefined) config.sparseRatio = countOf(args[1], 2, 'encode_sparse_array', 0, INT_MAX);
      if (args[2] !== undefined) config.sparseSafe = countOf(args[2], 3, 'encode_sparse_array', 0, INT_MAX);
      return ret3(config.sparseConvert, config.sparseRatio, config.sparseSafe);
    },
    encode_invalid_numbers: (...args) => {
      tooMany(args, 1, 'encode_invalid_numbers');
      const v = args[0];
      if (v === 'null') config.encodeInvalidNumbers = 'null';
      else if (v !== undefined) config.encodeInvalidNumbers = flagOf(v, 1, 'encode_invalid_numbers') ? 'on' : 'off';
      return config.encodeInvalidNumbers === 'null' ? 'null' : config.encodeInvalidNumbers === 'on';
    },
    encode_indent: (...args) => {
      tooMany(args, 1, 'encode_indent');
      if (args[0] !== undefined) config.indent = argString(args[0], 1, 'encode_indent', args.length);
      return config.indent;
    },
  };
}

function tooMany(args: LuaValue[], most: number, fname: string): void {
  if (args.length > most) argError(most + 1, fname, 'found too many arguments');
}

function flagOf(v: LuaValue, n: number, fname: string): boolean {
  if (typeof v === 'boolean') return v;
  const option = argString(v, n, fname, n);
  if (option !== 'on' && option !== 'off') argError(n, fname, `invalid option '${option}'`);
  return option === 'on';
}

function countOf(v: LuaValue, n: number, fname: string, min: number, max: number): number {
  const value = argInteger(v, n, fname, n);
  // lua-cjson names argument 1 whichever it is.
  if (value < min || value > max) argError(1, fname, `expected integer between ${min} and ${max}`);
  return value;
}

function flag(config: CjsonConfig, fname: string, name: Flag): LuaFunction {
  return (...args) => {
    tooMany(args, 1, fname);
    if (args[0] !== undefined) config[name] = flagOf(args[0], 1, fname);
    return config[name];
  };
}

function count(config: CjsonConfig, fname: string, name: Count, min: number, max: number): LuaFunction {
  return (...args) => {
    tooMany(args, 1, fname);
    if (args[0] !== undefined) config[name] = countOf(args[0], 1, fname, min, max);
    return config[name];
  };
}
