/** Base 32 with an alphabet of the configuration's choice (RFC 4648 section 6). */

/** @param padding whether `=` fills the last group of eight */
export function encodeBase32(text: string, alphabet: string, padding: boolean): string {
  let out = '';
  let bits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    value = ((value << 8) | text.charCodeAt(i)) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += alphabet[(value >> bits) & 31];
    }
  }
  if (bits > 0) out += alphabet[(value << (5 - bits)) & 31];
  return padding ? out.padEnd(Math.ceil(out.length / 8) * 8, '=') : out;
}

/** Undefined for bytes that are not of the alphabet, and for lengths that cannot be. */
export function decodeBase32(text: string, alphabet: string): string | undefined {
  const end = text.indexOf('=');
  const length = end < 0 ? text.length : end;
  const rest = length % 8;
  if (rest === 1 || rest === 3 || rest === 6) return undefined;
  let out = '';
  let bits = 0;
  let value = 0;
  for (let i = 0; i < length; i++) {
    const digit = alphabet.indexOf(text[i] as string);
    if (digit < 0) return undefined;
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out += String.fromCharCode((value >> bits) & 0xff);
    }
  }
  return out;
}
