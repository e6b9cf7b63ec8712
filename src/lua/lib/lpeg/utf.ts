// Code points in UTF-8, as lpeg.utfR matches them: shortest forms up to 0x10FFFF, surrogates included.

/** Matches one code point of a range at `i`. Returns where it ends, or -1. */
export function matchUtf(bytes: Uint8Array, i: number, length: number, from: number, to: number): number {
  if (i >= length) return -1;
  const lead = bytes[i]!;
  let code: number;
  let more: number;
  if (lead < 0x80) {
    code = lead;
    more = 0;
  } else if (lead >= 0xc2 && lead < 0xe0) {
    code = lead & 0x1f;
    more = 1;
  } else if (lead >= 0xe0 && lead < 0xf0) {
    code = lead & 0x0f;
    more = 2;
  } else if (lead >= 0xf0 && lead < 0xf5) {
    code = lead & 0x07;
    more = 3;
  } else return -1;
  if (i + more >= length) return -1;
  for (let k = 1; k <= more; k++) {
    const c = bytes[i + k]!;
    if ((c & 0xc0) !== 0x80) return -1;
    code = (code << 6) | (c & 0x3f);
  }
  if (code < (more === 3 ? 0x10000 : more === 2 ? 0x800 : 0)) return -1;
  return code >= from && code <= to ? i + more + 1 : -1;
}
