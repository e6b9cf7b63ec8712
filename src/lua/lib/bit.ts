// The bit library: http://bitop.luajit.org/api.html. Numbers are taken modulo 2^32 and results are signed.

import { CData, cdataOperations } from '../ffi/cdata.ts';
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import { argNumber } from './args.ts';

const double = new Float64Array(1);
const low = new Int32Array(double.buffer); // little-endian: element 0 is the lower half

/**
 * The 32 bits that the bit library sees of a number: fractions are rounded to even, larger numbers taken modulo 2^32.
 * Adding 2^52 + 2^51 does this in the lower half of the double, and gives LuaJIT's results for what is out of range.
 */
function normalise(n: number): number {
  double[0] = n + 6755399441055744;
  return low[0]!;
}

/** Integers up to here need no rounding: JavaScript's operators take them modulo 2^32. */
const EXACT = 2 ** 51;

/** The 32 bits of a number. */
function word(x: number): number {
  const i = x | 0;
  return i === x || (Math.floor(x) === x && x <= EXACT && x >= -EXACT) ? i : normalise(x);
}

function bits(v: LuaValue, n: number, fname: string, given: number): number {
  return word(typeof v === 'number' ? v : argNumber(v, n, fname, given));
}

function isCData(x: LuaValue, y: LuaValue): boolean {
  if (typeof x === 'number' && typeof y === 'number') return false;
  return (typeof x === 'object' && x instanceof CData) || (typeof y === 'object' && y instanceof CData);
}

const isOne = (v: LuaValue): boolean => v instanceof CData;

function tobit(x: LuaValue): LuaResult {
  if (x instanceof CData) return cdataOperations.bit('tobit', [x]);
  return bits(x, 1, 'tobit', arguments.length);
}

function bnot(x: LuaValue): LuaResult {
  if (x instanceof CData) return cdataOperations.bit('bnot', [x]);
  return ~bits(x, 1, 'bnot', arguments.length);
}

// Short functions for what is most frequent, which V8 inlines, with the rest of each in another one. With rest parameters
// every call would make an array.

function band(x: LuaValue, y: LuaValue): LuaResult {
  if (arguments.length === 2 && typeof x === 'number' && typeof y === 'number') return word(x) & word(y);
  let r = -1;
  for (let i = 0; i < arguments.length; i++) {
    const v = arguments[i] as LuaValue;
    if (typeof v !== 'number') return bandAll(arguments);
    r &= word(v);
  }
  return arguments.length === 0 ? bandAll(arguments) : r;
}

function bandAll(args: ArrayLike<LuaValue>): LuaResult {
  const all = Array.from(args);
  if (all.some(isOne)) return cdataOperations.bit('band', all);
  let r = bits(all[0], 1, 'band', all.length);
  for (let i = 1; i < all.length; i++) r &= bits(all[i], i + 1, 'band', all.length);
  return r;
}

function bor(x: LuaValue, y: LuaValue): LuaResult {
  if (arguments.length === 2 && typeof x === 'number' && typeof y === 'number') return word(x) | word(y);
  let r = 0;
  for (let i = 0; i < arguments.length; i++) {
    const v = arguments[i] as LuaValue;
    if (typeof v !== 'number') return borAll(arguments);
    r |= word(v);
  }
  return arguments.length === 0 ? borAll(arguments) : r;
}

function borAll(args: ArrayLike<LuaValue>): LuaResult {
  const all = Array.from(args);
  if (all.some(isOne)) return cdataOperations.bit('bor', all);
  let r = bits(all[0], 1, 'bor', all.length);
  for (let i = 1; i < all.length; i++) r |= bits(all[i], i + 1, 'bor', all.length);
  return r;
}

function bxor(x: LuaValue, y: LuaValue): LuaResult {
  if (arguments.length === 2 && typeof x === 'number' && typeof y === 'number') return word(x) ^ word(y);
  let r = 0;
  for (let i = 0; i < arguments.length; i++) {
    const v = arguments[i] as LuaValue;
    if (typeof v !== 'number') return bxorAll(arguments);
    r ^= word(v);
  }
  return arguments.length === 0 ? bxorAll(arguments) : r;
}

function bxorAll(args: ArrayLike<LuaValue>): LuaResult {
  const all = Array.from(args);
  if (all.some(isOne)) return cdataOperations.bit('bxor', all);
  let r = bits(all[0], 1, 'bxor', all.length);
  for (let i = 1; i < all.length; i++) r ^= bits(all[i], i + 1, 'bxor', all.length);
  return r;
}

// Shift counts are taken modulo 32, as JavaScript's operators do.

/** To the left. A rotation by 0 is the value, combined with itself. */
function rotate(v: number, by: number): number {
  return (v << by) | (v >>> -by);
}

function lshift(x: LuaValue, n: LuaValue): LuaResult {
  if (typeof x === 'number' && typeof n === 'number') return word(x) << word(n);
  return lshiftAny(x, n, arguments.length);
}

function lshiftAny(x: LuaValue, n: LuaValue, given: number): LuaResult {
  if (isCData(x, n)) return cdataOperations.bit('lshift', [x, n]);
  return bits(x, 1, 'lshift', given) << bits(n, 2, 'lshift', given);
}

function rshift(x: LuaValue, n: LuaValue): LuaResult {
  if (typeof x === 'number' && typeof n === 'number') return (word(x) >>> word(n)) | 0;
  return rshiftAny(x, n, arguments.length);
}

function rshiftAny(x: LuaValue, n: LuaValue, given: number): LuaResult {
  if (isCData(x, n)) return cdataOperations.bit('rshift', [x, n]);
  return (bits(x, 1, 'rshift', given) >>> bits(n, 2, 'rshift', given)) | 0;
}

function arshift(x: LuaValue, n: LuaValue): LuaResult {
  if (typeof x === 'number' && typeof n === 'number') return word(x) >> word(n);
  return arshiftAny(x, n, arguments.length);
}

function arshiftAny(x: LuaValue, n: LuaValue, given: number): LuaResult {
  if (isCData(x, n)) return cdataOperations.bit('arshift', [x, n]);
  return bits(x, 1, 'arshift', given) >> bits(n, 2, 'arshift', given);
}

function rol(x: LuaValue, n: LuaValue): LuaResult {
  if (typeof x === 'number' && typeof n === 'number') return rotate(word(x), word(n));
  return rolAny(x, n, arguments.length);
}

function rolAny(x: LuaValue, n: LuaValue, given: number): LuaResult {
  if (isCData(x, n)) return cdataOperations.bit('rol', [x, n]);
  const v = bits(x, 1, 'rol', given);
  const by = bits(n, 2, 'rol', given) & 31;
  return rotate(v, by);
}

function ror(x: LuaValue, n: LuaValue): LuaResult {
  if (typeof x === 'number' && typeof n === 'number') return rotate(word(x), -word(n));
  return rorAny(x, n, arguments.length);
}

function rorAny(x: LuaValue, n: LuaValue, given: number): LuaResult {
  if (isCData(x, n)) return cdataOperations.bit('ror', [x, n]);
  const v = bits(x, 1, 'ror', given);
  const by = bits(n, 2, 'ror', given) & 31;
  return rotate(v, -by);
}

function bswap(x: LuaValue): LuaResult {
  if (x instanceof CData) return cdataOperations.bit('bswap', [x]);
  const v = bits(x, 1, 'bswap', arguments.length);
  return (v << 24) | ((v & 0xff00) << 8) | ((v >>> 8) & 0xff00) | (v >>> 24);
}

function tohex(x: LuaValue, n: LuaValue): LuaResult {
  if (isCData(x, n)) return cdataOperations.bit('tohex', arguments.length < 2 ? [x] : [x, n]);
  const v = bits(x, 1, 'tohex', arguments.length) >>> 0;
  let digits = arguments.length < 2 ? 8 : bits(n, 2, 'tohex', arguments.length);
  const upper = digits < 0;
  if (upper) digits = -digits;
  if (digits > 254) digits = 254;
  if (digits === 0) return '';
  const text = v.toString(16).padStart(digits, '0').slice(-digits);
  return upper ? text.toUpperCase() : text;
}

const FUNCTIONS: Readonly<Record<string, LuaFunction>> = {
  arshift,
  band,
  bnot,
  bor,
  bswap,
  bxor,
  lshift,
  rol,
  ror,
  rshift,
  tobit,
  tohex,
};

/** Makes the `bit` table of a new state. */
export function openBit(): LuaTable {
  return LuaTable.fromObject(FUNCTIONS);
}
