/**
 * Tokens of Lua source, as LuaJIT 2.1 reads it.
 *
 * The source is a byte string. A token's kind is its own spelling for keywords and operators, and `<name>`,
 * `<string>`, `<number>` or `<eof>` otherwise, which is also how LuaJIT's messages show it.
 */

import { LuaError } from '../error.ts';
import { type CData, cdataOperations } from '../ffi/cdata.ts';
import { parseNumber } from '../number.ts';

/** Kind of a token. */
export type Token = string;

const KEYWORDS = new Set(
  'and break do else elseif end false for function goto if in local nil not or repeat return then true until while'.split(
    ' ',
  ),
);

/** Class of each byte: 1 letter or _ or >= 0x80, 2 digit, 4 space, 8 hex letter. */
const CLASS = new Uint8Array(256);
for (let c = 0; c < 256; c++) {
  const upper = c & ~32;
  if ((upper >= 65 && upper <= 90) || c === 95 || c >= 128) CLASS[c] = 1;
  if (upper >= 65 && upper <= 70) CLASS[c] = 9;
  if (c >= 48 && c <= 57) CLASS[c] = 2;
  if (c === 32 || (c >= 9 && c <= 13)) CLASS[c] = 4;
}

const ESCAPES: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** Reads tokens one after the other; `token`, `text`, `value` describe the current one. */
export class Lexer {
  /** Kind of the current token. */
  token: Token = '<eof>';
  /** Name or string contents of the current token. */
  text = '';
  /** Value of a number token. */
  value = 0;
  /** Value of a number token that is no plain number: 1LL, 2i. */
  cdata: CData | undefined = undefined;
  /** Line of the current token. */
  line = 1;
  /** Line of the token before it. */
  lastLine = 1;

  private readonly source: string;
  private readonly shortSource: string;
  private pos = 0;
  /** Start of the current token in the source. */
  private start = 0;
  /** Line at `pos`. */
  private at = 1;

  constructor(source: string, shortSource: string) {
    this.source = source;
    this.shortSource = shortSource;
    if (source.startsWith('\xef\xbb\xbf')) this.pos = 3;
    if (source.charCodeAt(this.pos) === 35) {
      while (this.pos < source.length && source.charCodeAt(this.pos) !== 10) this.pos++;
    }
    this.next();
  }

  /** The line where the current token ends. */
  get currentLine(): number {
    return this.at;
  }

  /** Throws a syntax error at the current token: "chunk:line: message near 'token'". */
  error(message: string): never {
    this.fail(message, this.token === '<eof>' ? '<eof>' : this.token === '<string>' ? this.shownString() : this.raw());
  }

  private raw(): string {
    return this.source.slice(this.start, this.pos);
  }

  /** The current string token as messages show it: its delimiters, and its value between them. */
  private shownString(): string {
    const open = /^\[=*\[|^./.exec(this.source.slice(this.start, this.pos))![0];
    return open + this.text + open.replaceAll('[', ']');
  }

  /** Throws a syntax error without "near". */
  errorAt(message: string, line = this.line): never {
    throw new LuaError(`${this.shortSource}:${line}: ${message}`);
  }

  private fail(message: string, near: string): never {
    // A token's text ends at a NUL byte, and a control character is shown by its code.
    const shown = near.length === 1 && near < ' ' ? `char(${near.charCodeAt(0)})` : near.split('\0')[0];
    throw new LuaError(`${this.shortSource}:${this.at}: ${message} near '${shown}'`);
  }

  /** The kind of the token after the current one. */
  peek(): Token {
    const { token, text, value, cdata, line, lastLine, pos, start, at } = this;
    this.next();
    const kind = this.token;
    Object.assign(this, { token, text, value, cdata, line, lastLine, pos, start, at });
    return kind;
  }

  /** Advances to the next token. */
  next(): void {
    const s = this.source;
    // As LuaJIT counts them: a token's line is the one where it ends.
    this.lastLine = this.line;
    for (;;) {
      const c = s.charCodeAt(this.pos);
      if (c === 10 || c === 13) this.newline(c);
      else if (CLASS[c] === 4) this.pos++;
      else if (c === 45 && s.charCodeAt(this.pos + 1) === 45) this.comment();
      else break;
    }
    this.start = this.pos;
    this.token = this.scan();
    this.line = this.at;
  }

  private newline(c: number): void {
    const d = this.source.charCodeAt(++this.pos);
    if (d !== c && (d === 10 || d === 13)) this.pos++;
    this.at++;
  }

  private comment(): void {
    const s = this.source;
    this.pos += 2;
    if (s.charCodeAt(this.pos) === 91) {
      const level = this.longOpening();
      if (level >= 0) {
        this.longBracket(level, 'unfinished long comment');
        return;
      }
    }
    while (this.pos < s.length) {
      const c = s.charCodeAt(this.pos);
      if (c === 10 || c === 13) break;
      this.pos++;
    }
  }

  /** The number of `=` in a long bracket that opens here, or -1. */
  private longOpening(): number {
    const s = this.source;
    let p = this.pos + 1;
    while (s.charCodeAt(p) === 61) p++;
    return s.charCodeAt(p) === 91 ? p - this.pos - 1 : -1;
  }

  private longBracket(level: number, unfinished: string): string {
    const s = this.source;
    this.pos += level + 2;
    const first = s.charCodeAt(this.pos);
    if (first === 10 || first === 13) this.newline(first);
    const close = ']' + '='.repeat(level) + ']';
    const end = s.indexOf(close, this.pos);
    const stop = end < 0 ? s.length : end;
    let text = '';
    let from = this.pos;
    while (this.pos < stop) {
      const c = s.charCodeAt(this.pos);
      if (c !== 10 && c !== 13) {
        this.pos++;
        continue;
      }
      text += s.slice(from, this.pos) + '\n';
      this.newline(c);
      from = this.pos;
    }
    if (end < 0) this.fail(unfinished, '<eof>');
    text += s.slice(from, stop);
    this.pos = end + close.length;
    return text;
  }

  private scan(): Token {
    const s = this.source;
    if (this.pos >= s.length) return '<eof>';
    const c = s.charCodeAt(this.pos);
    const kind = CLASS[c]!;
    if (kind & 1) {
      let p = this.pos + 1;
      while (CLASS[s.charCodeAt(p)]! & 3) p++;
      this.pos = p;
      this.text = s.slice(this.start, p);
      return KEYWORDS.has(this.text) ? this.text : '<name>';
    }
    if (kind === 2) return this.number();
    const d = s.charCodeAt(this.pos + 1);
    switch (c) {
      case 34:
      case 39:
        return this.string(c);
      case 46: // .
        if (CLASS[d] === 2) return this.number();
        if (d !== 46) return this.take(1);
        return this.take(s.charCodeAt(this.pos + 2) === 46 ? 3 : 2);
      case 91: {
        // [
        const level = this.longOpening();
        if (level >= 0) {
          this.text = this.longBracket(level, 'unfinished long string');
          return '<string>';
        }
        if (d === 61) {
          this.pos++;
          while (s.charCodeAt(this.pos) === 61) this.pos++;
          this.fail('invalid long string delimiter', this.raw());
        }
        return this.take(1);
      }
      case 61: // =
      case 60: // <
      case 62: // >
      case 126: // ~
        return this.take(d === 61 ? 2 : 1);
      case 58: // :
        return this.take(d === 58 ? 2 : 1);
      default:
        return this.take(1);
    }
  }

  private take(n: number): Token {
    this.pos += n;
    return this.source.slice(this.start, this.pos);
  }

  private number(): Token {
    const s = this.source;
    let p = this.pos;
    let exponent = 101; // e
    if (s.charCodeAt(p) === 48 && (s.charCodeAt(p + 1) | 32) === 120) exponent = 112; // p
    let before = 0;
    for (;;) {
      const c = s.charCodeAt(p);
      if (CLASS[c]! & 3 || c === 46 || ((c === 43 || c === 45) && (before | 32) === exponent)) {
        before = c;
        p++;
      } else break;
    }
    this.pos = p;
    const text = s.slice(this.start, p);
    const value = parseNumber(text);
    if (value === undefined) {
      this.cdata = cdataOperations.literal(text);
      if (this.cdata === undefined) this.fail('malformed number', text);
      return '<number>';
    }
    this.value = value;
    this.cdata = undefined;
    return '<number>';
  }

  private string(quote: number): Token {
    const s = this.source;
    let text = '';
    let from = ++this.pos;
    for (;;) {
      const c = s.charCodeAt(this.pos);
      if (c === quote) break;
      if (c === 92) {
        text += s.slice(from, this.pos);
        text += this.escape(text);
        from = this.pos;
      } else if (c === 10 || c === 13) {
        this.fail('unfinished string', s[this.start] + text + s.slice(from, this.pos));
      } else if (this.pos >= s.length) this.fail('unfinished string', '<eof>');
      else this.pos++;
    }
    this.text = text + s.slice(from, this.pos);
    this.pos++;
    return '<string>';
  }

  /** As in LuaJIT the message shows the string as read so far: with its escape sequences replaced. */
  private badEscape(text: string): never {
    this.fail('invalid escape sequence', this.source[this.start] + text);
  }

  /** Reads the escape sequence that follows `text`. */
  private escape(text: string): string {
    const s = this.source;
    const p = this.pos + 1;
    const c = s[p] ?? '';
    const simple = ESCAPES[c];
    if (simple !== undefined) {
      this.pos = p + 1;
      return simple;
    }
    const code = s.charCodeAt(p);
    if (CLASS[code] === 2) {
      let n = 0;
      let q = p;
      while (q < p + 3 && CLASS[s.charCodeAt(q)] === 2) n = n * 10 + s.charCodeAt(q++) - 48;
      if (n > 255) this.badEscape(text);
      this.pos = q;
      return String.fromCharCode(n);
    }
    if (code === 10 || code === 13) {
      this.pos = p;
      this.newline(code);
      return '\n';
    }
    if (c === 'x') {
      const hex = s.slice(p + 1, p + 3);
      if (!/^[0-9a-fA-F]{2}$/.test(hex)) this.badEscape(text);
      this.pos = p + 3;
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    if (c === 'z') {
      this.pos = p + 1;
      for (;;) {
        const d = s.charCodeAt(this.pos);
        if (d === 10 || d === 13) this.newline(d);
        else if (CLASS[d] === 4) this.pos++;
        else return '';
      }
    }
    if (c === 'u') return this.unicode(p, text);
    if (p >= s.length) this.fail('unfinished string', '<eof>');
    return this.badEscape(text);
  }

  private unicode(p: number, text: string): string {
    const m = /^\{([0-9a-fA-F]{1,8})\}/.exec(this.source.slice(p + 1, p + 12));
    const n = m === null ? -1 : Number.parseInt(m[1]!, 16);
    if (n < 0 || n >= 0x110000 || (n >= 0xd800 && n < 0xe000)) this.badEscape(text);
    this.pos = p + 1 + m![0].length;
    if (n < 0x80) return String.fromCharCode(n);
    if (n < 0x800) return String.fromCharCode(0xc0 | (n >> 6), 0x80 | (n & 63));
    if (n < 0x10000) return String.fromCharCode(0xe0 | (n >> 12), 0x80 | ((n >> 6) & 63), 0x80 | (n & 63));
    return String.fromCharCode(0xf0 | (n >> 18), 0x80 | ((n >> 12) & 63), 0x80 | ((n >> 6) & 63), 0x80 | (n & 63));
  }
}
