// A set of code points as sequences of byte ranges that match its members' UTF-8 encodings, so that a byte-wise engine
// can match characters. Each range is cut where the length of the encoding changes and where a continuation byte wraps.
import { intersect, type Ranges } from './charset.ts';
import { encodeUtf8 } from './utf8.ts';

const LENGTHS: Ranges[] = [
  [0, 0x7f],
  [0x80, 0x7ff],
  // Surrogates have no encoding.
  [0x800, 0xd7ff, 0xe000, 0xffff],
  [0x10000, 0x10ffff],
];

/** Splits [lo, hi], equally long in UTF-8, into boxes whose every byte varies independently of the others. */
function boxes(lo: number, hi: number, out: Ranges[][]): void {
  const a = encodeUtf8(lo);
  const b = encodeUtf8(hi);
  const n = a.length;
  for (let tail = 1; tail < n; tail++) {
    // The last `tail` bytes carry 6 bits each.
    const mask = (1 << (6 * tail)) - 1;
    if ((lo & ~mask) === (hi & ~mask)) continue;
    if ((lo & mask) !== 0) {
      boxes(lo, lo | mask, out);
      boxes((lo | mask) + 1, hi, out);
      return;
    }
    if ((hi & mask) !== mask) {
      boxes(lo, (hi & ~mask) - 1, out);
      boxes(hi & ~mask, hi, out);
      return;
    }
  }
  const box: Ranges[] = [];
  for (let i = 0; i < n; i++) box.push([a.charCodeAt(i), b.charCodeAt(i)]);
  out.push(box);
}

/** The byte sequences of a set; single bytes are collected into one range list. */
export function utf8Sequences(set: Ranges): Ranges[][] {
  const out: Ranges[][] = [];
  for (const [index, lengthRange] of LENGTHS.entries()) {
    const part = intersect(set, lengthRange);
    if (part.length === 0) continue;
    if (index === 0) {
      out.push([part]);
      continue;
    }
    for (let i = 0; i < part.length; i += 2) boxes(part[i]!, part[i + 1]!, out);
  }
  return out;
}
