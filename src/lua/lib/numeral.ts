// The numeric conversions of string.format: %d %i %u %o %x %X %e %f %g %a with flags, width and precision.
//
// Integers are LuaJIT's 64 bit ones: a double is truncated, and what does not fit becomes -2^63. Doubles hold every
// integer up to 2^53, so only larger ones go through BigInt.

import { formatG, formatNonFinite, formatNumber, padExponent, stripZeros } from '../number.ts';

/** Flags, width (0: none) and precision (-1: none) of one conversion. */
export interface Layout {
  readonly left: boolean;
  readonly plus: boolean;
  readonly zero: boolean;
  readonly space: boolean;
  readonly alternate: boolean;
  readonly upper: boolean;
  readonly width: number;
  readonly precision: number;
}

/** Bytes in hexadecimal, the most frequent use of %x. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, n) => n.toString(16));

const TWO_63 = 2 ** 63;
const INT64_MIN = -(1n << 63n);

/** Puts a prefix (sign, 0x) and spaces or zeros around the digits of a number. */
function lay(layout: Layout, prefix: string, digits: string, zeros: boolean): string {
  const missing = layout.width - prefix.length - digits.length;
  if (missing <= 0) return prefix + digits;
  if (layout.left) return prefix + digits + ' '.repeat(missing);
  return zeros ? prefix + '0'.repeat(missing) + digits : ' '.repeat(missing) + prefix + digits;
}

function signOf(layout: Layout, negative: boolean): string {
  return negative ? '-' : layout.plus ? '+' : layout.space ? ' ' : '';
}

function toInt64(n: number): bigint {
  if (!(n >= -TWO_63 && n < TWO_63)) return INT64_MIN;
  return BigInt(Math.trunc(n));
}

/** Digits of an integer with at least `precision` of them; zero with precision 0 has none. */
function padDigits(layout: Layout, digits: string): string {
  if (layout.precision < 0) return digits;
  return digits === '0' && layout.precision === 0 ? '' : digits.padStart(layout.precision, '0');
}

/** %d and %i. */
export function formatSigned(layout: Layout, n: number | bigint): string {
  let digits: string;
  let negative: boolean;
  if (typeof n === 'number' && n > -9007199254740992 && n < 9007199254740992) {
    const whole = Math.trunc(n);
    negative = whole < 0;
    digits = '' + (negative ? -whole : whole);
  } else {
    const whole = typeof n === 'bigint' ? BigInt.asIntN(64, n) : toInt64(n);
    negative = whole < 0n;
    digits = (negative ? -whole : whole).toString();
  }
  return lay(layout, signOf(layout, negative), padDigits(layout, digits), layout.zero && layout.precision < 0);
}

/** %u (radix 10), %o (8), %x and %X (16): negative numbers are taken modulo 2^64. */
export function formatUnsigned(layout: Layout, n: number | bigint, radix: number): string {
  let digits: string;
  if (typeof n === 'bigint') digits = BigInt.asUintN(64, n).toString(radix);
  else if (radix === 16 && (n & 255) === n) digits = HEX[n]!;
  else if (n >= 0 && n < 9007199254740992) digits = Math.trunc(n).toString(radix);
  else digits = BigInt.asUintN(64, toInt64(n >= TWO_63 ? n - 2 * TWO_63 : n)).toString(radix);
  const zero = digits === '0';
  if (layout.upper) digits = digits.toUpperCase();
  let prefix = '';
  if (layout.alternate && radix === 8 && !(zero && layout.precision !== 0)) digits = zero ? '' : '0' + digits;
  if (layout.alternate && radix === 16 && !zero) prefix = layout.upper ? '0X' : '0x';
  digits =
    layout.alternate && radix === 8 && zero ? '0'.repeat(Math.max(1, layout.precision)) : padDigits(layout, digits);
  return lay(layout, prefix, digits, layout.zero && layout.precision < 0);
}

/** %e, %f, %g and %a. */
export function formatFloat(layout: Layout, n: number, style: 'e' | 'f' | 'g' | 'a'): string {
  if (style === 'g' && layout.width === 0 && !layout.plus && !layout.space && !layout.alternate && !layout.upper) {
    if (layout.precision === 14) return formatNumber(n);
    if (layout.precision > 0) return formatG(n, layout.precision);
  }
  if (n - n !== 0) {
    const text = formatNonFinite(Math.abs(n));
    const sign = !Number.isNaN(n) ? signOf(layout, n < 0) : layout.space ? ' ' : '';
    return lay(layout, sign, layout.upper ? text.toUpperCase() : text, false);
  }
  const negative = n < 0 || (n === 0 && 1 / n < 0);
  const magnitude = negative ? -n : n;
  let prefix = signOf(layout, negative);
  let digits: string;
  if (style === 'f') digits = fixed(magnitude, layout);
  else if (style === 'e') digits = exponential(magnitude, layout.precision < 0 ? 6 : layout.precision, layout);
  else if (style === 'g') digits = general(magnitude, layout);
  else {
    prefix += layout.upper ? '0X' : '0x';
    digits = hexadecimal(magnitude, layout);
  }
  return lay(layout, prefix, layout.upper ? digits.toUpperCase() : digits, layout.zero);
}

const TEN: readonly number[] = Array.from({ length: 7 }, (_, i) => 10 ** i);

/** The digits of a number with 1 to 6 decimals if that can be told without exact arithmetic, or ''. */
function fixedQuickly(n: number, precision: number): string {
  const unit = TEN[precision]!;
  const scaled = n * unit;
  // Here the product is off by less than 0.001, which matters only close to one half.
  if (!(scaled < 4e12)) return '';
  let whole = Math.floor(scaled);
  const rest = scaled - whole;
  if (rest > 0.49 && rest < 0.51) return '';
  if (rest > 0.5) whole++;
  const high = Math.floor(whole / unit);
  // A digit in front keeps the zeros behind the point.
  return high + '.' + ('' + (whole - high * unit + unit)).substring(1);
}

function fixed(n: number, layout: Layout): string {
  const precision = layout.precision < 0 ? 6 : layout.precision;
  let digits: string;
  if (precision > 0 && precision <= 6) {
    digits = fixedQuickly(n, precision);
    if (digits !== '') return digits;
  }
  if (n < 1e21) digits = n.toFixed(precision);
  else digits = BigInt(n).toString() + (precision > 0 ? '.' + '0'.repeat(precision) : '');
  return precision === 0 && layout.alternate ? digits + '.' : digits;
}

function exponential(n: number, precision: number, layout: Layout): string {
  const text = n.toExponential(precision);
  const at = text.indexOf('e');
  return text.slice(0, at) + (precision === 0 && layout.alternate ? '.' : '') + padExponent(text, at);
}

function general(n: number, layout: Layout): string {
  const precision = layout.precision < 0 ? 6 : layout.precision || 1;
  const text = n.toExponential(precision - 1);
  const at = text.indexOf('e');
  const exponent = +text.slice(at + 1);
  if (exponent < -4 || exponent >= precision) {
    if (layout.alternate) return exponential(n, precision - 1, layout);
    return stripZeros(text.slice(0, at)) + padExponent(text, at);
  }
  const decimals = precision - 1 - exponent;
  // toFixed has at most 100 decimals (a number >= 1e-4 with 99 digits has up to 103) and no digits from 1e21 on.
  const digits = decimals <= 100 && n < 1e21 ? n.toFixed(decimals) : n.toPrecision(precision);
  if (!layout.alternate) return stripZeros(digits);
  return decimals === 0 ? digits + '.' : digits;
}

function hexadecimal(n: number, layout: Layout): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, n);
  let bits = view.getBigUint64(0);
  let exponent = Number(bits >> 52n);
  bits &= 0xfffffffffffffn;
  if (exponent !== 0) {
    bits |= 1n << 52n;
    exponent -= 1023;
  } else if (bits !== 0n) {
    // A subnormal is shown with a leading 1, too.
    const shift = 53 - bits.toString(2).length;
    exponent = -1022 - shift;
    bits <<= BigInt(shift);
  }
  let { precision } = layout;
  let fraction: string;
  if (precision < 0) {
    fraction = (bits & 0xfffffffffffffn).toString(16).padStart(13, '0').replace(/0+$/, '');
    precision = fraction.length;
  } else {
    if (precision < 13) bits += 1n << BigInt(51 - precision * 4);
    fraction = (bits & 0xfffffffffffffn).toString(16).padStart(13, '0').padEnd(precision, '0').slice(0, precision);
  }
  const point = precision > 0 || layout.alternate ? '.' : '';
  const sign = exponent < 0 ? '-' : '+';
  return `${bits >> 52n}${point}${fraction}p${sign}${Math.abs(exponent)}`;
}
