// Sets of bytes.

/** For each byte 1 if it is in the set, else 0. Never changed once made. */
export type CharSet = Uint8Array;

export function setOf(chars: string): CharSet {
  const set = new Uint8Array(256);
  for (let i = 0; i < chars.length; i++) set[chars.charCodeAt(i)] = 1;
  return set;
}

export function union(a: CharSet, b: CharSet): CharSet {
  const set = new Uint8Array(256);
  for (let c = 0; c < 256; c++) set[c] = a[c]! | b[c]!;
  return set;
}

export function intersects(a: CharSet, b: CharSet): boolean {
  for (let c = 0; c < 256; c++) if (a[c]! & b[c]!) return true;
  return false;
}

/** The members as ranges [from, to]. */
export function ranges(set: CharSet): [number, number][] {
  const result: [number, number][] = [];
  for (let c = 0; c < 256; c++) {
    if (set[c] === 0) continue;
    const from = c;
    while (c < 255 && set[c + 1] === 1) c++;
    result.push([from, c]);
  }
  return result;
}
