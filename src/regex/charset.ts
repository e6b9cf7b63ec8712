// Sets of characters as sorted, disjoint, inclusive ranges. One form serves bytes and code points, both engines, and
// the overlap questions of the analysis; sets are built once a pattern, so clarity counts more than speed here.

/** `[lo, hi, lo, hi, ...]`: sorted, disjoint, not adjacent, both ends included. */
export type Ranges = readonly number[];

/** The highest code point. */
export const MAX_CODE_POINT = 0x10ffff;

/** Sorts and merges ranges in any order into a canonical set. */
export function normalize(ranges: readonly number[]): Ranges {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i]!, ranges[i + 1]!]);
  pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const out: number[] = [];
  for (const [lo, hi] of pairs) {
    const last = out.length - 1;
    if (last > 0 && lo <= out[last]! + 1) {
      if (hi > out[last]!) out[last] = hi;
    } else {
      out.push(lo, hi);
    }
  }
  return out;
}

export function union(a: Ranges, b: Ranges): Ranges {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  return normalize([...a, ...b]);
}

/** Everything from 0 to `max` that is not in the set. */
export function complement(set: Ranges, max: number): Ranges {
  const out: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i]! > max) break;
    if (set[i]! > next) out.push(next, set[i]! - 1);
    next = set[i + 1]! + 1;
  }
  if (next <= max) out.push(next, max);
  return out;
}

export function intersect(a: Ranges, b: Ranges): Ranges {
  const out: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const lo = Math.max(a[i]!, b[j]!);
    const hi = Math.min(a[i + 1]!, b[j + 1]!);
    if (lo <= hi) out.push(lo, hi);
    if (a[i + 1]! < b[j + 1]!) i += 2;
    else j += 2;
  }
  return out;
}

/** What the first has and the second has not. */
export function difference(a: Ranges, b: Ranges): Ranges {
  return intersect(a, complement(b, MAX_CODE_POINT));
}

export function disjoint(a: Ranges, b: Ranges): boolean {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i]! <= b[j + 1]! && b[j]! <= a[i + 1]!) return false;
    if (a[i + 1]! < b[j + 1]!) i += 2;
    else j += 2;
  }
  return true;
}

export function contains(set: Ranges, code: number): boolean {
  let lo = 0;
  let hi = set.length >> 1;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (code > set[mid * 2 + 1]!) lo = mid + 1;
    else if (code < set[mid * 2]!) hi = mid;
    else return true;
  }
  return false;
}

/** The only member of a one-member set, or -1. */
export function single(set: Ranges): number {
  return set.length === 2 && set[0] === set[1] ? set[0]! : -1;
}

/** A set by example, for constants: `fromChars('09AZ')` is [0-9A-Z]. */
export function fromChars(pairs: string): Ranges {
  const out: number[] = [];
  for (let i = 0; i < pairs.length; i++) out.push(pairs.charCodeAt(i));
  return normalize(out);
}

/** Adds the other case of ASCII letters: all the case there is in the C locale's tables. */
export function closeAsciiCase(set: Ranges): Ranges {
  const extra: number[] = [...set];
  const lower = intersect(set, [0x61, 0x7a]);
  const upper = intersect(set, [0x41, 0x5a]);
  for (let i = 0; i < lower.length; i += 2) extra.push(lower[i]! - 32, lower[i + 1]! - 32);
  for (let i = 0; i < upper.length; i += 2) extra.push(upper[i]! + 32, upper[i + 1]! + 32);
  return normalize(extra);
}

/** A lookup table for the characters below 256. */
export function byteTable(set: Ranges): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < set.length && set[i]! < 256; i += 2) table.fill(1, set[i]!, Math.min(set[i + 1]!, 255) + 1);
  return table;
}

export const DIGIT = fromChars('09');
export const WORD = fromChars('09AZ__az');
/** \s since Perl 5.18: the VT is a space too. */
export const SPACE: Ranges = [9, 13, 32, 32];
export const HSPACE: Ranges = normalize([
  9, 9, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x180e, 0x180e, 0x2000, 0x200a, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000,
  0x3000,
]);
export const VSPACE: Ranges = [10, 13, 0x85, 0x85, 0x2028, 0x2029];
/** Letters above ASCII have no class in the C locale, so the POSIX classes are these few ranges. */
export const POSIX: Readonly<Record<string, Ranges>> = {
  alpha: fromChars('AZaz'),
  lower: fromChars('az'),
  upper: fromChars('AZ'),
  alnum: fromChars('09AZaz'),
  ascii: [0, 127],
  blank: [9, 9, 32, 32],
  cntrl: [0, 31, 127, 127],
  digit: DIGIT,
  graph: [33, 126],
  print: [32, 126],
  punct: [33, 47, 58, 64, 91, 96, 123, 126],
  space: SPACE,
  word: WORD,
  xdigit: fromChars('09AFaf'),
};
