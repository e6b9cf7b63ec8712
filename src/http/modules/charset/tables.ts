/** Tables of `charset_map`, and recoding by them. */

/** What one charset's characters are in another. */
export type Table =
  /** By byte: what stands for it, one byte or UTF-8. */
  | { readonly from: 'byte'; readonly text: readonly string[] }
  /** By code point: the byte; what is not there becomes a character reference. */
  | { readonly from: 'utf-8'; readonly byte: ReadonlyMap<number, string> };

/** One `charset_map`: both directions. */
export class CharsetMap {
  readonly toDestination: string[] = [];
  readonly toSource: string[] = [];
  readonly fromUtf8 = new Map<number, string>();
  readonly #utf8: boolean;

  /** @param utf8 the destination is UTF-8 */
  constructor(utf8: boolean) {
    this.#utf8 = utf8;
    for (let i = 0; i < 256; i++) {
      const ch = i < 128 ? String.fromCharCode(i) : '?';
      this.toDestination.push(ch);
      this.toSource.push(ch);
      if (i < 128) this.fromUtf8.set(i, ch);
    }
  }

  get forward(): Table {
    return { from: 'byte', text: this.toDestination };
  }

  get backward(): Table {
    return this.#utf8 ? { from: 'utf-8', byte: this.fromUtf8 } : { from: 'byte', text: this.toSource };
  }

  /** A line: hexadecimal numbers. Returns the one that is wrong. */
  add(source: string, destination: string): string | undefined {
    const from = parseByte(source);
    if (from < 0) return source;
    if (!this.#utf8) {
      const to = parseByte(destination);
      if (to < 0) return destination;
      this.toDestination[from] = String.fromCharCode(to);
      this.toSource[to] = String.fromCharCode(from);
      return undefined;
    }
    if (!/^(?:[0-9a-f]{2}){1,3}$/i.test(destination)) return destination;
    const text = Buffer.from(destination, 'hex').toString('latin1');
    const code = decode(text, 0).code;
    // A single byte from 80 on is no character: nginx takes it as it stands, for this direction only.
    if (code < 0 && text.length > 1) return destination;
    this.toDestination[from] = text;
    this.fromUtf8.set(code < 0 ? text.charCodeAt(0) : code, String.fromCharCode(from));
    return undefined;
  }
}

function parseByte(text: string): number {
  return /^0*[0-9a-f]{1,2}$/i.test(text) ? Number.parseInt(text, 16) : -1;
}

const INVALID = -1;
const INCOMPLETE = -2;

/** The character at a place, as ngx_utf8_decode() sees it, and where the next one begins. */
function decode(text: string, at: number): { code: number; end: number } {
  const lead = text.charCodeAt(at);
  if (lead < 0x80) return { code: lead, end: at + 1 };
  if (lead < 0xc2 || lead >= 0xf8) return { code: INVALID, end: at + 1 };
  const more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (at + more >= text.length) return { code: INCOMPLETE, end: at };
  let code = lead & (0x3f >> more);
  for (let i = 1; i <= more; i++) {
    const byte = text.charCodeAt(at + i);
    if (byte < 0x80) return { code: INVALID, end: at + i + 1 };
    code = (code << 6) | (byte & 0x3f);
  }
  const least = more === 3 ? 0x10000 : more === 2 ? 0x800 : 0x80;
  return { code: code < least || code > 0x10ffff ? INVALID : code, end: at + more + 1 };
}

/** Recodes one body that comes in pieces. */
export class Recoder {
  readonly #table: Table;
  /** The beginning of a character whose rest has not come. */
  #saved = '';

  constructor(table: Table) {
    this.#table = table;
  }

  push(text: string): string {
    const table = this.#table;
    if (table.from === 'byte') return recodeBytes(text, table.text);
    if (this.#saved === '' && !/[\x80-\xff]/.test(text)) return text;
    return this.#fromUtf8(text, table.byte);
  }

  #fromUtf8(piece: string, bytes: ReadonlyMap<number, string>): string {
    const text = this.#saved + piece;
    // A broken character takes with it all that was saved.
    let least = this.#saved.length;
    this.#saved = '';
    let out = '';
    for (let at = 0; at < text.length; least = 0) {
      const { code, end } = decode(text, at);
      if (code === INCOMPLETE) {
        this.#saved = text.slice(at);
        break;
      }
      at = code === INVALID ? Math.max(end, least) : end;
      out += code === INVALID ? '?' : (bytes.get(code) ?? `&#${code};`);
    }
    return out;
  }
}

function recodeBytes(text: string, table: readonly string[]): string {
  let out = '';
  for (let i = 0; i < text.length; i++) out += table[text.charCodeAt(i)] as string;
  return out;
}
