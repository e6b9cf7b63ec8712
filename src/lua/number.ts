// Numbers as text, the way LuaJIT writes and reads them.
//
// Lua numbers are JavaScript numbers, but their text differs: `tostring` is C's "%.14g" ("1e+14", "inf"), and
// `tonumber` takes hexadecimal floats, 0b digits, "inf" and "nan", and no "1_0" or trailing garbage. Both are on hot
// paths (every concatenation of a number), so small integers and short decimals never reach the general code.
//
// LuaJIT rounds halfway cases away from zero, exactly as ECMAScript's toFixed, toExponential and toPrecision do; so
// these primitives can be used as they are.

const EXPONENT_LIMIT = 1 << 20; // LuaJIT refuses exponents that do not fit 20 bits.

/**
 * A number as `tostring` shows it: C's "%.14g"; "inf", "-inf", "nan" and "-0" as LuaJIT prints them.
 */
export function formatNumber(n: number): string {
  if ((n | 0) === n) return n === 0 && 1 / n < 0 ? '-0' : '' + n;
  return formatFraction(n);
}

/** Powers of ten that doubles hold exactly. */
const TEN: readonly number[] = Array.from({ length: 23 }, (_, i) => 10 ** i);

const ZEROS = '0000000';

function formatFraction(n: number): string {
  const a = n < 0 ? -n : n;
  if (!(a >= 1e-4 && a < 1e14)) return formatG(n, 14);
  // The decimal exponent.
  let e: number;
  if (a >= 1) {
    e = a >= 1e7 ? 7 : 0;
    while (e < 13 && a >= TEN[e + 1]!) e++;
  } else e = a >= 0.1 ? -1 : a >= 0.01 ? -2 : a >= 0.001 ? -3 : -4;
  // All 14 digits as an integer. The product is off by less than 0.01, which matters only close to one half.
  const scaled = a * TEN[13 - e]!;
  let digits = Math.floor(scaled);
  const rest = scaled - digits;
  if (rest > 0.48 && rest < 0.52) return formatG(n, 14);
  if (rest >= 0.5 && ++digits === 1e14) {
    digits = 1e13;
    e++;
    if (e === 14) return formatG(n, 14);
  }
  // Two halves of 7 digits are small integers, which V8 turns into text quickly.
  let high = Math.floor(digits / 1e7);
  let low = digits - high * 1e7;
  let text: string;
  if (low === 0) {
    while (high % 10 === 0) high /= 10;
    text = '' + high;
  } else {
    let width = 7;
    for (; low % 10 === 0; width--) low /= 10;
    const tail = '' + low;
    text = '' + high + (tail.length < width ? ZEROS.substring(tail.length, width) + tail : tail);
  }
  if (e < 0) text = (e === -1 ? '0.' : e === -2 ? '0.0' : e === -3 ? '0.00' : '0.000') + text;
  else if (text.length > e + 1) text = text.substring(0, e + 1) + '.' + text.substring(e + 1);
  else if (text.length <= e) text = text.padEnd(e + 1, '0');
  return n < 0 ? '-' + text : text;
}

/** "inf", "-inf" or "nan": how LuaJIT writes the numbers that have no digits. NaN has no sign in its output. */
export function formatNonFinite(n: number): string {
  return n > 0 ? 'inf' : n < 0 ? '-inf' : 'nan';
}

/**
 * C's "%.<precision>g" without flags: `precision` significant digits (1..100), trailing zeros removed.
 */
export function formatG(n: number, precision: number): string {
  if (n === 0) return 1 / n < 0 ? '-0' : '0';
  if (n - n !== 0) return formatNonFinite(n);
  const text = n.toPrecision(precision);
  if (text.indexOf('e') >= 0) return tidyExponent(text);
  const lead = text.charCodeAt(0) === 45 ? 1 : 0;
  // ECMAScript goes to exponents below 1e-6, C below 1e-4.
  if (text.startsWith('0.0000', lead)) return tidyExponent(n.toExponential(precision - 1));
  return stripZeros(text);
}

/** Gives an ECMAScript exponent ("1.50e-7") the shape of C's ("1.5e-07"), without trailing zeros in the mantissa. */
function tidyExponent(text: string): string {
  const at = text.indexOf('e');
  return stripZeros(text.slice(0, at)) + padExponent(text, at);
}

/** The exponent part of `text` from the 'e' at `at`, with its sign and at least two digits. */
export function padExponent(text: string, at: number): string {
  return text.length - at === 3 ? text.slice(at, at + 2) + '0' + text.slice(at + 2) : text.slice(at);
}

/** Removes the zeros (and the point) at the end of the fraction of a decimal. */
export function stripZeros(text: string): string {
  if (text.indexOf('.') < 0) return text;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  if (text.charCodeAt(end - 1) === 46) end--;
  return end === text.length ? text : text.slice(0, end);
}

const isSpace = (c: number): boolean => c === 32 || (c >= 9 && c <= 13);

/**
 * Reads a whole string as a Lua number, as `tonumber(s)` and arithmetic on strings do: white space around, a sign,
 * decimals, exponents, 0x (also fractions and p exponents), 0b, "inf", "infinity" and "nan" in any case.
 * Undefined when it is not a number.
 */
export function parseNumber(s: string): number | undefined {
  let at = 0;
  let end = s.length;
  while (at < end && isSpace(s.charCodeAt(at))) at++;
  while (end > at && isSpace(s.charCodeAt(end - 1))) end--;
  let c = at < end ? s.charCodeAt(at) : 0;
  let negative = false;
  if (c === 45 || c === 43) {
    negative = c === 45;
    c = ++at < end ? s.charCodeAt(at) : 0;
  }
  if (end - at <= 16) {
    // Up to 15 digits are exact in a double, and so is the power of ten that a point divides by.
    let n = 0;
    let i = at;
    let point = -1;
    for (; i < end; i++) {
      const d = s.charCodeAt(i) - 48;
      if (d >= 0 && d <= 9) n = n * 10 + d;
      else if (d === -2 && point < 0) point = i;
      else break;
    }
    if (i === end) {
      if (point < 0) {
        if (i > at && i - at <= 15) return negative ? -n : n;
      } else if (i - at > 1) {
        n /= TEN[i - point - 1]!;
        return negative ? -n : n;
      }
    }
  }
  let value: number | undefined;
  if (c === 48 && end - at > 1) {
    const kind = s.charCodeAt(at + 1) | 32;
    if (kind === 120) value = parseHex(s, at + 2, end);
    else if (kind === 98) value = parseBinary(s, at + 2, end);
    else value = parseDecimal(s, at, end);
  } else if (c >= 65) value = parseWord(s.slice(at, end).toLowerCase());
  else value = parseDecimal(s, at, end);
  return value !== undefined && negative ? -value : value;
}

function parseWord(word: string): number | undefined {
  if (word === 'inf' || word === 'infinity') return Infinity;
  return word === 'nan' ? NaN : undefined;
}

function parseDecimal(s: string, at: number, end: number): number | undefined {
  let i = at;
  let digits = 0;
  let point = false;
  for (; i < end; i++) {
    const c = s.charCodeAt(i);
    if (c >= 48 && c <= 57) digits++;
    else if (c === 46 && !point) point = true;
    else break;
  }
  if (digits === 0) return undefined;
  if (i < end) {
    if ((s.charCodeAt(i) | 32) !== 101 || scanExponent(s, i + 1, end) === undefined) return undefined;
  }
  return +s.slice(at, end);
}

/** The signed decimal exponent that fills s[at..end), or undefined. */
function scanExponent(s: string, at: number, end: number): number | undefined {
  let c = at < end ? s.charCodeAt(at) : 0;
  const negative = c === 45;
  if (negative || c === 43) at++;
  if (at >= end) return undefined;
  let n = 0;
  for (let i = at; i < end; i++) {
    c = s.charCodeAt(i) - 48;
    if (c < 0 || c > 9) return undefined;
    n = n * 10 + c;
    if (n >= EXPONENT_LIMIT) return undefined;
  }
  return negative ? -n : n;
}

function parseHex(s: string, at: number, end: number): number | undefined {
  let i = at;
  let point = -1;
  let small = 0; // the value while it has at most 13 digits: exact
  let digits = 0;
  for (; i < end; i++) {
    const c = s.charCodeAt(i);
    const d = hexDigit(c);
    if (d >= 0) {
      if (++digits <= 13) small = small * 16 + d;
    } else if (c === 46 && point < 0) point = i;
    else break;
  }
  if (digits === 0) return undefined;
  let exponent = 0;
  if (point >= 0) exponent = -4 * (i - point - 1);
  if (i < end) {
    if ((s.charCodeAt(i) | 32) !== 112) return undefined;
    const e = scanExponent(s, i + 1, end);
    if (e === undefined) return undefined;
    exponent += e;
  }
  if (digits <= 13 && exponent > -960 && exponent < 960) return small * 2 ** exponent;
  const mantissa = s.slice(at, i).replace('.', '');
  return scaleBigInt(BigInt('0x' + mantissa), exponent);
}

function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const d = (c | 32) - 87;
  return d >= 10 && d <= 15 ? d : -1;
}

/** mantissa * 2^exponent, rounded once to the nearest double (halves to even). */
function scaleBigInt(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const bits = mantissa.toString(2).length;
  if (bits + exponent > 1024) return Infinity;
  if (bits + exponent < -1075) return 0;
  // The last bit that the result can hold: 53 bits, fewer for a subnormal.
  const last = Math.max(bits + exponent - 53, -1074);
  const drop = last - exponent;
  if (drop > 0) {
    const shift = BigInt(drop);
    const rest = mantissa & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    mantissa >>= shift;
    if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa += 1n;
    exponent = last;
  }
  let n = Number(mantissa);
  // Two exact steps: 2 ** exponent alone may be outside the range of doubles.
  if (exponent < -1000) {
    n *= 2 ** -537;
    exponent += 537;
  } else if (exponent > 900) {
    n *= 2 ** 100;
    exponent -= 100;
  }
  return n * 2 ** exponent;
}

function parseBinary(s: string, at: number, end: number): number | undefined {
  if (at >= end) return undefined;
  let n = 0;
  let significant = 0;
  for (let i = at; i < end; i++) {
    const d = s.charCodeAt(i) - 48;
    if (d !== 0 && d !== 1) return undefined;
    if (significant > 0 || d === 1) significant++;
    n = n * 2 + d;
  }
  if (significant <= 53) return n;
  return significant > 64 ? undefined : scaleBigInt(BigInt('0b' + s.slice(at, end)), 0);
}

/**
 * `tonumber(s, base)` for a base of 2..36 other than 10: C's strtoul with a sign and white space around; saturates at
 * 2^64 - 1. Undefined when it is not a number.
 */
export function parseInteger(s: string, base: number): number | undefined {
  const nul = s.indexOf('\0'); // strtoul sees a C string
  let end = nul < 0 ? s.length : nul;
  let at = 0;
  while (at < end && isSpace(s.charCodeAt(at))) at++;
  while (end > at && isSpace(s.charCodeAt(end - 1))) end--;
  const sign = at < end ? s.charCodeAt(at) : 0;
  if (sign === 45 || sign === 43) at++;
  if (base === 16 && end - at > 2 && s.charCodeAt(at) === 48 && (s.charCodeAt(at + 1) | 32) === 120) at += 2;
  if (at >= end) return undefined;
  let n = 0;
  for (let i = at; i < end; i++) {
    const c = s.charCodeAt(i);
    const letter = c | 32;
    const d = c >= 48 && c <= 57 ? c - 48 : letter >= 97 && letter <= 122 ? letter - 87 : 99;
    if (d >= base) return undefined;
    n = n * base + d;
  }
  if (n > Number.MAX_SAFE_INTEGER) n = exactInteger(s, at, end, base);
  return sign === 45 ? -n : n;
}

function exactInteger(s: string, at: number, end: number, base: number): number {
  const radix = BigInt(base);
  let n = 0n;
  for (let i = at; i < end; i++) n = n * radix + BigInt(parseInt(s[i]!, base));
  return Number(n > 0xffffffffffffffffn ? 0xffffffffffffffffn : n);
}

/**
 * A number as the 32 bit integer argument that a C function of LuaJIT sees: truncated towards zero; what does not fit
 * (and NaN) is -2^31, as the processor's conversion gives.
 */
export function toInt32(n: number): number {
  const i = n | 0;
  if (i === n) return i;
  return n > -2147483649 && n < 2147483648 ? i : -2147483648;
}
