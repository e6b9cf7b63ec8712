/** The bit library on 64 bit integers: http://bitop.luajit.org/ as LuaJIT extends it to cdata. */

import { argError, throwError } from '../error.ts';
import { argNumber } from '../lib/args.ts';
import { typeName } from '../runtime.ts';
import type { LuaResult, LuaValue } from '../value.ts';
import { makeInteger } from './arith.ts';
import { CData } from './cdata.ts';
import { numberIn } from './convert.ts';
import { target, typeText } from './ctype.ts';

const MASK = 0xffffffffffffffffn;

function operand(v: LuaValue, n: number, fname: string, given: number): bigint {
  if (v instanceof CData) {
    const x = numberIn(v);
    if (x === undefined) {
      argError(n, fname, `cannot convert '${typeText(v.ct)}' to 'int64_t'`);
    }
    return BigInt.asUintN(64, typeof x === 'bigint' ? x : BigInt(Math.trunc(x)));
  }
  return BigInt.asUintN(64, BigInt(Math.round(argNumber(v, n, fname, given)) | 0));
}

function isUnsigned(v: LuaValue): boolean {
  return v instanceof CData && target(v.ct).isUnsigned && target(v.ct).size === 8;
}

/** Any function of the bit library of which an operand is a cdata. */
export function bit64(name: string, args: ArrayLike<LuaValue>): LuaResult {
  const given = args.length;
  const first = args[0];
  const x = operand(first, 1, name, given);
  switch (name) {
    case 'tobit':
      return Number(BigInt.asIntN(32, x));
    case 'bnot':
      return makeInteger(~x & MASK, isUnsigned(first));
    case 'bswap': {
      let r = 0n;
      for (let i = 0n; i < 64n; i += 8n) r = (r << 8n) | ((x >> i) & 255n);
      return makeInteger(r, isUnsigned(first));
    }
    case 'band':
    case 'bor':
    case 'bxor': {
      let r = x;
      let unsigned = isUnsigned(first);
      for (let i = 1; i < given; i++) {
        const y = operand(args[i], i + 1, name, given);
        if (isUnsigned(args[i])) unsigned = true;
        r = name === 'band' ? r & y : name === 'bor' ? r | y : r ^ y;
      }
      return makeInteger(r, unsigned);
    }
    case 'tohex':
      return hex(x, first, args, given);
    default:
      return shift(name, x, first, args, given);
  }
}

function hex(x: bigint, first: LuaValue, args: ArrayLike<LuaValue>, given: number): LuaResult {
  let digits = first instanceof CData ? 16 : 8;
  if (given > 1) digits = Number(BigInt.asIntN(32, operand(args[1], 2, 'tohex', given)));
  const upper = digits < 0;
  if (upper) digits = -digits;
  if (digits > 254) digits = 254;
  if (digits === 0) return '';
  const text = x.toString(16).padStart(digits, '0').slice(-digits);
  return upper ? text.toUpperCase() : text;
}

function shift(name: string, x: bigint, first: LuaValue, args: ArrayLike<LuaValue>, given: number): LuaResult {
  const count = operand(args[1], 2, name, given);
  if (!(first instanceof CData)) {
    // Only the count is a cdata: the operation has 32 bits.
    const v = Number(BigInt.asIntN(32, x));
    const by = Number(count & 31n);
    switch (name) {
      case 'lshift':
        return v << by;
      case 'rshift':
        return (v >>> by) | 0;
      case 'arshift':
        return v >> by;
      case 'rol':
        return (v << by) | (v >>> (32 - by));
      default:
        return (v >>> by) | (v << (32 - by));
    }
  }
  const unsigned = isUnsigned(first);
  const by = count & 63n;
  switch (name) {
    case 'lshift':
      return makeInteger(x << by, unsigned);
    case 'rshift':
      return makeInteger(x >> by, unsigned);
    case 'arshift':
      return makeInteger(BigInt.asIntN(64, x) >> by, unsigned);
    case 'rol':
      return makeInteger((x << by) | (x >> (64n - by)), unsigned);
    case 'ror':
      return makeInteger((x >> by) | (x << (64n - by)), unsigned);
    default:
      return throwError(`bit.${name} has no 64 bit form for ${typeName(first)}`);
  }
}
