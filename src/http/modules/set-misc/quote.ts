/** Strings as literals of SQL, PostgreSQL and JSON, and URI escapes as set-misc-nginx-module does them. */

const SQL: Readonly<Record<string, string>> = {
  '\0': '\\0',
  '\b': '\\b',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x1a': '\\Z',
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  $: '\\$',
};

export function quoteSql(text: string): string {
  return `'${text.replace(/[\0\b\n\r\t\x1a\\'"$]/g, (ch) => SQL[ch] as string)}'`;
}

/** As far as the module looks: the first continuation byte of each character, and that no byte is out of range. */
function isUtf8(text: string): boolean {
  for (let i = 0; i < text.length; ) {
    const lead = text.charCodeAt(i);
    const size = lead < 0xc0 || lead >= 0xf8 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (i + size > text.length) return false;
    if (size === 1 && lead >= 0x80) return false;
    const last = text.charCodeAt(i + size - 1);
    if (size > 1 && (last < 0x80 || last > 0xbf)) return false;
    i += size;
  }
  return true;
}

/** `E'...'`; bytes that are not UTF-8 as octal escapes. */
export function quotePgsql(text: string): string {
  if (text === '') return "''";
  const quoted = `E${quoteSql(text)}`;
  if (isUtf8(quoted)) return quoted;
  return quoted.replace(/[\x80-\xff]/g, (ch) => `\\\\${ch.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

const JSON_ESCAPES: Readonly<Record<string, string>> = {
  '\r': '\\r',
  '\n': '\\n',
  '\\': '\\\\',
  '"': '\\"',
  '\f': '\\f',
  '\b': '\\b',
  '\t': '\\t',
};

export function quoteJson(text: string): string {
  if (text === '') return 'null';
  const escaped = text.replace(/[\0-\x1f\\"]/g, (ch) => {
    return JSON_ESCAPES[ch] ?? `\\u00${ch.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}

/** More is escaped than nginx does in paths: whatever means something in a URI. */
export function escapeComponent(text: string): string {
  return text.replace(/[\0- "#%&+/:;<=>?[\\\]^{}\x7f-\xff]/g, (ch) => {
    return `%${ch.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

/** Escapes and `+` decoded; what is no escape loses its percent sign. */
export function unescapeComponent(text: string): string {
  if (!/[%+]/.test(text)) return text;
  return text.replace(/\+|%([0-9a-fA-F]{2})|%([0-9a-fA-F])[\s\S]?|%([\s\S]?)/g, (whole, hex, _bad, other) => {
    if (whole === '+') return ' ';
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return other ?? '';
  });
}
