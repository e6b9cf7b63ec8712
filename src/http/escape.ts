/** Percent encoding of byte strings, for the several places that need it. nginx: ngx_escape_uri(), ngx_unescape_uri(). */

/** What stands escaped: in a path, in arguments, in a component, in HTML attributes, in a Refresh, in a memcached key. */
export type EscapeKind = 'uri' | 'args' | 'component' | 'html' | 'refresh' | 'memcached';

/** Printable characters that are escaped, beside those that always are. */
const COMMON = ' "<>\\^`{|}\x7f';
const EXTRA: Readonly<Record<Exclude<EscapeKind, 'component' | 'memcached'>, string>> = {
  uri: `${COMMON}#%?`,
  args: `${COMMON}#%&+;?`,
  html: `${COMMON}#%'`,
  // The refresh page's own list has the tilde in place of the closing brace.
  refresh: ` "<>\\^\`{|~\x7f'`,
};

const tables = new Map<EscapeKind, Uint8Array>();

function tableOf(kind: EscapeKind): Uint8Array {
  let table = tables.get(kind);
  if (table !== undefined) return table;
  table = new Uint8Array(256).fill(1, 0, 32);
  if (kind === 'component') {
    table.fill(1);
    for (const ch of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~') table[ch.charCodeAt(0)] = 0;
  } else if (kind === 'memcached') {
    table[0x20] = table[0x25] = 1;
  } else {
    table.fill(1, 128);
    for (const ch of EXTRA[kind]) table[ch.charCodeAt(0)] = 1;
  }
  tables.set(kind, table);
  return table;
}

const HEX = '0123456789ABCDEF';

/** The string with the bytes escaped that may not stand as they are; the same string when there are none. */
export function escapeUri(text: string, kind: EscapeKind): string {
  const table = tableOf(kind);
  let out = '';
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const ch = text.charCodeAt(i);
    if (table[ch] === 0) continue;
    out += `${text.slice(start, i)}%${HEX[ch >> 4]}${HEX[ch & 15]}`;
    start = i + 1;
  }
  return start === 0 ? text : out + text.slice(start);
}

/** Value of a hexadecimal digit, or -1. */
function hexValue(ch: number): number {
  if (ch >= 0x30 && ch <= 0x39) return ch - 0x30;
  const lower = ch | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/**
 * Decodes percent escapes. What is no escape loses its percent sign, as in nginx.
 *
 * @param kind 'all' decodes everything; 'uri' leaves alone what follows the first question mark; 'redirect' does so,
 *   too, and decodes only what may stand in a Location
 */
export function unescapeUri(text: string, kind: 'all' | 'uri' | 'redirect' = 'all'): string {
  const percent = text.indexOf('%');
  if (percent < 0) return text;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    let ch = text.charCodeAt(i);
    if (ch === 0x3f && kind !== 'all') return out + text.slice(i);
    if (ch !== 0x25) {
      out += text[i];
      continue;
    }
    if (++i === text.length) break;
    const high = hexValue(text.charCodeAt(i));
    if (high < 0) {
      out += text[i];
      continue;
    }
    if (++i === text.length) break;
    const low = hexValue(text.charCodeAt(i));
    if (low < 0) continue;
    ch = high * 16 + low;
    if (ch === 0x3f && low > 9 && kind !== 'all') return `${out}?${text.slice(i + 1)}`;
    if (kind === 'redirect' && !(ch > 0x25 && ch < 0x7f)) out += text.slice(i - 2, i + 1);
    else out += String.fromCharCode(ch);
  }
  return out;
}

const HTML: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };

/** Text inside HTML or XML. nginx: ngx_escape_html(). */
export function escapeHtml(text: string): string {
  return /[<>&"]/.test(text) ? text.replace(/[<>&"]/g, (ch) => HTML[ch] as string) : text;
}

const JSON_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
};

/** Text inside a string of JSON. nginx: ngx_escape_json(). */
export function escapeJson(text: string): string {
  return text.replace(/[\0-\x1f\\"]/g, (ch) => {
    return JSON_ESCAPES[ch] ?? `\\u${ch.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  });
}
