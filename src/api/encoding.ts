/**
 * Escaping, digests and base64 over byte strings. ngx_lua: ngx_http_lua_string.c, _uri.c and lua-resty-core's
 * resty.core.uri, .hash, .base64.
 */
import { createHmac, hash } from 'node:crypto';

/** Kinds of escaping, by nginx's numbers (NGX_ESCAPE_*). */
export const ESCAPE_URI = 0;
export const ESCAPE_ARGS = 1;
export const ESCAPE_URI_COMPONENT = 2;
export const ESCAPE_HTML = 3;
export const ESCAPE_REFRESH = 4;
export const ESCAPE_MEMCACHED = 5;
export const ESCAPE_MAIL_AUTH = 6;

/** What each kind escapes. */
const UNSAFE: readonly RegExp[] = [
  /[\x00-\x20#%?\x7f-\xff]/g,
  /[\x00-\x20#%+?\x7f-\xff]/g,
  /[^A-Za-z0-9\-._~!'()*]/g,
  /[\x00-\x20"#%'\x7f-\xff]/g,
  /[\x00-\x20"%'\x7f-\xff]/g,
  /[\x00-\x20%]/g,
  /[\x00-\x20%]/g,
];

const SAFE_COMPONENT = /^[A-Za-z0-9\-._~!'()*]*$/;

const HEX = Array.from({ length: 256 }, (_, i) => `%${i.toString(16).toUpperCase().padStart(2, '0')}`);

/** Methods of Buffer that Node.js's types leave out: without the checks of `write` and `toString`. */
interface Scratch extends Uint8Array {
  latin1Slice(start: number, end: number): string;
  base64Write(text: string, at: number): number;
}

/** Room for what is decoded or escaped: a new buffer for each call costs more than the work on a short text. */
const scratch = Buffer.allocUnsafeSlow(1 << 14) as unknown as Scratch;

/** 1 for what stays as it is in a component. */
const SAFE = Uint8Array.from({ length: 256 }, (_, i) => (SAFE_COMPONENT.test(String.fromCharCode(i)) ? 1 : 0));
const HEX_DIGITS = Buffer.from('0123456789ABCDEF');

function escapeComponent(text: string, n: number): string {
  let at = 0;
  for (let i = 0; i < n; i++) {
    const c = text.charCodeAt(i);
    if (SAFE[c] === 1) scratch[at++] = c;
    else {
      scratch[at] = 0x25;
      scratch[at + 1] = HEX_DIGITS[c >> 4]!;
      scratch[at + 2] = HEX_DIGITS[c & 15]!;
      at += 3;
    }
  }
  return at === n ? text : scratch.latin1Slice(0, at);
}

/** Percent-encodes what is unsafe in that kind of place. */
export function escapeUri(text: string, kind: number = ESCAPE_URI_COMPONENT): string {
  if (kind === ESCAPE_URI_COMPONENT) {
    const n = text.length;
    if (n * 3 <= scratch.length) return escapeComponent(text, n);
    if (SAFE_COMPONENT.test(text)) return text;
  }
  return text.replace(UNSAFE[kind] as RegExp, (ch) => HEX[ch.charCodeAt(0)] as string);
}

/** Decodes %XX and `+`; broken escapes stay as they are. */
export function unescapeUri(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  return text.replace(/\+|%[0-9A-Fa-f]{2}/g, (m) => {
    return m === '+' ? ' ' : String.fromCharCode(Number.parseInt(m.slice(1), 16));
  });
}

/** One argument of a query string; `true` when it has no `=`. */
export interface QueryArgument {
  readonly name: string;
  readonly value: string | true;
}

/** Splits a query string; empty names are dropped, at most `max` arguments are read (0 or less: all). */
export function decodeArgs(text: string, max: number): { readonly args: QueryArgument[]; readonly truncated: boolean } {
  const args: QueryArgument[] = [];
  if (text === '') return { args, truncated: false };
  const parts = text.split('&');
  // The limit is on what stands between the ampersands, whether it counts as an argument or not.
  const truncated = max > 0 && parts.length > max;
  if (truncated) parts.length = max;
  for (const part of parts) {
    const eq = part.indexOf('=');
    const name = unescapeUri(eq < 0 ? part : part.slice(0, eq));
    // ngx_lua skips arguments without a name, such as `=x` and empty parts.
    if (name === '') continue;
    args.push({ name, value: eq < 0 ? true : unescapeUri(part.slice(eq + 1)) });
  }
  return { args, truncated };
}

const NON_ASCII = /[\x80-\xff]/;

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** A digest as raw bytes or as hex. */
export function digest(algorithm: 'md5' | 'sha1', text: string, form: 'hex' | 'binary'): string {
  // The call in one go is twice as fast. It takes strings as UTF-8, which for ASCII is the same.
  return hash(algorithm, NON_ASCII.test(text) ? bytes(text) : text, form);
}

/** HMAC-SHA1 as raw bytes. */
export function hmacSha1(key: string, text: string): string {
  return createHmac('sha1', bytes(key)).update(text, 'latin1').digest('binary');
}

export function encodeBase64(text: string, padding: boolean): string {
  const encoded = bytes(text).toString('base64');
  return padding ? encoded : encoded.replace(/=+$/, '');
}

/** undefined when the text is no base64 (any other character, a wrong length), as nginx's decoder decides. */
export function decodeBase64(text: string): string | undefined {
  // Padding is not looked at any further: nginx stops at the first `=`.
  let n = text.length;
  if (n > 0 && text.charCodeAt(n - 1) === 0x3d && --n > 0 && text.charCodeAt(n - 1) === 0x3d) n--;
  if (n % 4 === 1) return undefined;
  const length = Math.floor((n * 3) / 4);
  // The decoder also takes the other alphabet, and leaves out what is in neither: then there are fewer bytes.
  if (text.includes('-') || text.includes('_')) return undefined;
  if (length <= scratch.length) {
    return scratch.base64Write(text, 0) === length ? scratch.latin1Slice(0, length) : undefined;
  }
  const decoded = Buffer.from(text, 'base64');
  return decoded.length === length ? decoded.toString('latin1') : undefined;
}

/** Decodes Base64 as it is in mails: what does not belong to the alphabet is skipped. */
export function decodeBase64Mime(text: string): string | undefined {
  const end = text.indexOf('=');
  const digits = (end < 0 ? text : text.slice(0, end)).replace(/[^A-Za-z0-9+/]+/g, '');
  return digits.length % 4 === 1 ? undefined : Buffer.from(digits, 'base64').toString('latin1');
}

/** Base64 with `-` and `_`, without padding. */
export function encodeBase64Url(text: string): string {
  return bytes(text).toString('base64url');
}

export function decodeBase64Url(text: string): string | undefined {
  const m = /^([A-Za-z0-9\-_]*)(={0,2})$/.exec(text);
  if (m === null || (m[1] as string).length % 4 === 1) return undefined;
  return Buffer.from(m[1] as string, 'base64url').toString('latin1');
}

let crcTable: Int32Array | undefined;

/** CRC-32 (IEEE 802.3), as an unsigned number. */
export function crc32(text: string): number {
  if (crcTable === undefined) {
    crcTable = new Int32Array(256);
    for (let n = 0; n < 256; n++) {
      let c = n;
      for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
      crcTable[n] = c;
    }
  }
  let crc = -1;
  for (let i = 0; i < text.length; i++) crc = (crcTable[(crc ^ text.charCodeAt(i)) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

const SQL_ESCAPES: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\b': '\\b',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x1a': '\\Z',
  '"': '\\"',
  "'": "\\'",
  '\\': '\\\\',
};

/** A string literal of MySQL. */
export function quoteSqlString(text: string): string {
  return `'${text.replace(/[\0\b\n\r\t\x1a"'\\]/g, (ch) => SQL_ESCAPES[ch] as string)}'`;
}
