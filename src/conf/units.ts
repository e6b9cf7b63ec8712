/**
 * Numbers, sizes and times of the configuration. Each function returns undefined for what nginx refuses, and the
 * caller says "invalid value". nginx: src/core/ngx_parse.c, ngx_string.c.
 */

const MAX = 0x7fff_ffff_ffff_ffffn;

/** Decimal digits only, as a 64-bit number (ngx_atoi, ngx_atosz, ngx_atoof). */
export function parseNumber(text: string): number | undefined {
  if (text.length === 0 || /[^0-9]/.test(text)) return undefined;
  if (text.length < 16) return Number(text);
  return BigInt(text) > MAX ? undefined : Number(text);
}

/** A decimal number with at most `point` fraction digits, scaled by 10^point (ngx_atofp). */
export function parseFixedPoint(text: string, point: number): number | undefined {
  const m = /^([0-9]*)(?:\.([0-9]*))?$/.exec(text);
  if (m === null || text.length === 0) return undefined;
  const fraction = m[2] ?? '';
  if (fraction.length > point) return undefined;
  return parseNumber(m[1] + fraction.padEnd(point, '0'));
}

/** Hexadecimal digits without prefix (ngx_hextoi). */
export function parseHex(text: string): number | undefined {
  if (text.length === 0 || /[^0-9a-fA-F]/.test(text)) return undefined;
  const value = BigInt(`0x${text}`);
  return value > MAX ? undefined : Number(value);
}

const SIZE_UNITS: Readonly<Record<string, number>> = { k: 1024, K: 1024, m: 1024 ** 2, M: 1024 ** 2 };
const OFFSET_UNITS: Readonly<Record<string, number>> = { ...SIZE_UNITS, g: 1024 ** 3, G: 1024 ** 3 };

function parseScaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const scale = units[text.charAt(text.length - 1)];
  if (scale === undefined) return parseNumber(text);
  const value = parseNumber(text.slice(0, -1));
  if (value === undefined || BigInt(value) > MAX / BigInt(scale)) return undefined;
  return value * scale;
}

/** Bytes with an optional k or m (ngx_parse_size). */
export function parseSize(text: string): number | undefined {
  return parseScaled(text, SIZE_UNITS);
}

/** Bytes with an optional k, m or g (ngx_parse_offset). */
export function parseOffset(text: string): number | undefined {
  return parseScaled(text, OFFSET_UNITS);
}

/** Units from large to small; each may stand once and only after larger ones. */
const TIME_UNITS: Readonly<Record<string, { readonly rank: number; readonly seconds: number }>> = {
  y: { rank: 1, seconds: 365 * 86400 },
  M: { rank: 2, seconds: 30 * 86400 },
  w: { rank: 3, seconds: 7 * 86400 },
  d: { rank: 4, seconds: 86400 },
  h: { rank: 5, seconds: 3600 },
  m: { rank: 6, seconds: 60 },
  s: { rank: 7, seconds: 1 },
  ms: { rank: 8, seconds: 0 },
};
/** A blank after a number without a unit: seconds, and nothing but milliseconds' slot is left after it. */
const BLANK_RANK = 9;

/**
 * A time such as `30`, `1h 30m`, `500ms` (ngx_parse_time). A number without a unit is in seconds.
 *
 * @param unit unit of the result; milliseconds know no `y` and `M`, seconds no `ms`
 */
export function parseTime(text: string, unit: 's' | 'ms'): number | undefined {
  const inMsec = unit === 'ms';
  const scaleUp = inMsec ? 1000n : 1n;
  let rank = inMsec ? 2 : 0;
  let total = 0n;
  let rest = 0n;
  let seenDigit = false;
  let pos = 0;
  while (pos < text.length) {
    const digits = /[0-9]*/y;
    digits.lastIndex = pos;
    const number = digits.exec(text)?.[0] ?? '';
    pos += number.length;
    if (number.length > 0) seenDigit = true;
    const value = number.length > 0 ? BigInt(number) : 0n;
    if (value > MAX) return undefined;
    if (pos === text.length) {
      rest = value;
      break;
    }
    let scale: bigint;
    if (text[pos] === ' ') {
      if (rank >= 7) return undefined;
      rank = BLANK_RANK;
      scale = scaleUp;
      pos++;
    } else {
      const name = text[pos] === 'm' && text[pos + 1] === 's' ? 'ms' : text[pos]!;
      const found = TIME_UNITS[name];
      if (found === undefined || rank >= found.rank || (name === 'ms' && !inMsec)) return undefined;
      rank = found.rank;
      scale = name === 'ms' ? 1n : BigInt(found.seconds) * scaleUp;
      pos += name.length;
    }
    if (value > MAX / scale) return undefined;
    total += value * scale;
    if (total > MAX) return undefined;
    while (text[pos] === ' ') pos++;
  }
  if (!seenDigit) return undefined;
  total += rest * scaleUp;
  return total > MAX ? undefined : Number(total);
}
