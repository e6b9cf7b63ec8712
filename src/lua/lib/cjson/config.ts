// Settings of one cjson instance, with lua-cjson's defaults (https://kyne.au/~mark/software/lua-cjson-manual.html and
// https://github.com/openresty/lua-cjson#readme).

import type { LuaTable } from '../../table.ts';
import { Userdata } from '../../value.ts';

/** What encode writes for NaN and the infinities: nothing (an error), their JavaScript names, or null. */
export type InvalidNumbers = 'off' | 'on' | 'null';

/** Settings of one instance (`cjson.new()` makes more); each configuration function changes one of them. */
export interface CjsonConfig {
  sparseConvert: boolean;
  sparseRatio: number;
  sparseSafe: number;
  encodeMaxDepth: number;
  decodeMaxDepth: number;
  encodeInvalidNumbers: InvalidNumbers;
  decodeInvalidNumbers: boolean;
  encodeKeepBuffer: boolean;
  numberPrecision: number;
  emptyTableAsObject: boolean;
  decodeArrayWithArrayMt: boolean;
  decodeAllowComment: boolean;
  escapeForwardSlash: boolean;
  skipUnsupported: boolean;
  indent: string;
  /** Metatables that mark arrays, shared by all instances of a state. */
  readonly arrayMt: LuaTable;
  readonly emptyArrayMt: LuaTable;
}

/** The settings of a new instance. */
export function defaultConfig(arrayMt: LuaTable, emptyArrayMt: LuaTable): CjsonConfig {
  return {
    sparseConvert: false,
    sparseRatio: 2,
    sparseSafe: 10,
    encodeMaxDepth: 1000,
    decodeMaxDepth: 1000,
    encodeInvalidNumbers: 'off',
    decodeInvalidNumbers: true,
    encodeKeepBuffer: true,
    numberPrecision: 14,
    emptyTableAsObject: true,
    decodeArrayWithArrayMt: false,
    decodeAllowComment: false,
    escapeForwardSlash: true,
    skipUnsupported: false,
    indent: '',
    arrayMt,
    emptyArrayMt,
  };
}

/** Nesting that lua-cjson cannot exceed whatever is configured: Lua's C stack ends there. */
export const HARD_DEPTH = 2600;

/** `cjson.empty_array`: a light userdata that is encoded as []. */
export const EMPTY_ARRAY = new Userdata();

/** A failure of encode or decode: becomes an error, or nil and a message in cjson.safe. */
export class JsonFailure {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}
