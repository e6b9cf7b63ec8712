// Sets of bytes, as bits: they are made and combined much more often than they are tested bit by bit.

/** Eight words of 32 bits; bit c & 31 of word c >> 5 is for byte c. Never changed once made. */
export type CharSet = readonly number[];

export const NO_CHARS: CharSet = [0, 0, 0, 0, 0, 0, 0, 0];
export const ALL_CHARS: CharSet = [-1, -1, -1, -1, -1, -1, -1, -1];

const singles: (CharSet | undefined)[] = [];

export function setOf(chars: string): CharSet {
  if (chars.length === 1) {
    const c = chars.charCodeAt(0);
    let single = singles[c];
    if (single === undefined) {
      single = rangeSet(c, c);
      singles[c] = single;
    }
    return single;
  }
  const set = NO_CHARS.slice();
  for (let i = 0; i < chars.length; i++) {
    const c = chars.charCodeAt(i);
    set[c >> 5]! |= 1 << (c & 31);
  }
  return set;
}

/** The bytes from..to, both included. */
export function rangeSet(from: number, to: number): CharSet {
  const set = NO_CHARS.slice();
  for (let c = from; c <= to; c++) set[c >> 5]! |= 1 << (c & 31);
  return set;
}

export function has(set: CharSet, c: number): boolean {
  return ((set[c >> 5]! >> (c & 31)) & 1) === 1;
}

export function union(a: CharSet, b: CharSet): CharSet {
  if (a === b || b === NO_CHARS) return a;
  return [
    a[0]! | b[0]!,
    a[1]! | b[1]!,
    a[2]! | b[2]!,
    a[3]! | b[3]!,
    a[4]! | b[4]!,
    a[5]! | b[5]!,
    a[6]! | b[6]!,
    a[7]! | b[7]!,
  ];
}

export function intersection(a: CharSet, b: CharSet): CharSet {
  if (a === b || b === ALL_CHARS) return a;
  return a === ALL_CHARS ? b : a.map((word, i) => word & b[i]!);
}

export function complement(set: CharSet): CharSet {
  return set.map((word) => ~word);
}

export function intersects(a: CharSet, b: CharSet): boolean {
  for (let i = 0; i < 8; i++) if ((a[i]! & b[i]!) !== 0) return true;
  return false;
}

/** For each byte 1 if it is in the set, else 0. */
export function tableOf(set: CharSet): Uint8Array {
  const table = new Uint8Array(256);
  for (let c = 0; c < 256; c++) if (has(set, c)) table[c] = 1;
  return table;
}

/** The members as ranges [from, to]. */
export function ranges(set: CharSet): [number, number][] {
  const result: [number, number][] = [];
  for (let c = 0; c < 256; c++) {
    if (!has(set, c)) continue;
    const from = c;
    while (c < 255 && has(set, c + 1)) c++;
    result.push([from, c]);
  }
  return result;
}
