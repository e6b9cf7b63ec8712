/**
 * Splits a configuration file into statements: words up to `;`, `{`, or a lone `}`. The rules are nginx's
 * (ngx_conf_read_token in src/core/ngx_conf_file.c), with its oddities: quotes and `#` mean something only where a
 * word begins, `}` only where a statement begins, `${` never opens a block, and a closing parenthesis may follow a
 * closing quote (`if ($a = "b") {`).
 */
import { COMMAND_LINE, ConfError } from './error.ts';
import { BUFFER_SIZE, TextWindow } from './window.ts';

/** How a statement ended: with `;`, with `{`, it is a `}`, or there is none left. */
export type StatementEnd = ';' | '{' | '}' | 'end';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const HASH = 0x23;
const DOLLAR = 0x24;
const SINGLE_QUOTE = 0x27;
const CLOSE_PAREN = 0x29;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

function isBlank(c: number): boolean {
  return c === SPACE || c === TAB || c === CR || c === LF;
}

const ESCAPE = /\\(["'\\trn])/g;
const CONTROL: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' };

/** Resolves `\"`, `\'`, `\\`, `\t`, `\r` and `\n`; a backslash before anything else stays. */
export function unescapeWord(raw: string): string {
  if (!raw.includes('\\')) return raw;
  return raw.replace(ESCAPE, (_, c: string) => CONTROL[c] ?? c);
}

/** Reads one file, or the text of -g. Positions in errors are those that nginx reports. */
export class Lexer {
  readonly file: string;
  readonly window: TextWindow;
  /** Words of the last statement, the directive's name first. */
  words: string[] = [];

  /** @param file absolute path, or COMMAND_LINE; @param text a latin1 byte string */
  constructor(file: string, text: string) {
    this.file = file;
    this.window = new TextWindow(text, file !== COMMAND_LINE);
  }

  /** Line of the last byte read: where nginx reports an error of the current directive. */
  get line(): number {
    return this.window.line;
  }

  /** An error at the current line. */
  error(message: string): ConfError {
    return new ConfError(message, this);
  }

  private unexpected(c: number): ConfError {
    return this.error(`unexpected "${String.fromCharCode(c)}"`);
  }

  private unexpectedEnd(): ConfError {
    if (this.file === COMMAND_LINE) return this.error('unexpected end of parameter, expecting ";"');
    return this.error('unexpected end of file, expecting ";" or "}"');
  }

  /**
   * Next byte, or -1 at the end. `start` is where the current word or comment begins, `startLine` its line and
   * `quote` its opening quote, for the message when it does not fit nginx's buffer.
   */
  private next(start: number, startLine: number, quote: number): number {
    const w = this.window;
    if (w.pos >= w.end) {
      if (w.complete) return -1;
      if (w.pos - start === BUFFER_SIZE) {
        w.line = startLine;
        if (quote !== 0) {
          const mark = String.fromCharCode(quote);
          throw this.error(`too long parameter, probably missing terminating "${mark}" character`);
        }
        throw this.error(`too long parameter "${w.text.slice(start, start + 10)}..." started`);
      }
      w.refill(start);
    }
    const c = w.text.charCodeAt(w.pos++);
    if (c === LF) w.line++;
    return c;
  }

  /** Reads one statement; its words are in `words`. */
  readStatement(): StatementEnd {
    const w = this.window;
    const words: string[] = [];
    this.words = words;
    let start = w.pos;
    let startLine = w.line;
    // What nginx keeps in its buffer between two words is the word before: it counts as the start until the next
    // byte is read.
    for (;;) {
      let c = this.next(start, startLine, 0);
      if (c === -1) {
        if (words.length > 0) throw this.unexpectedEnd();
        return 'end';
      }
      start = w.pos - 1;
      startLine = w.line;
      if (isBlank(c)) continue;
      if (c === HASH) {
        do c = this.next(start, startLine, 0);
        while (c !== LF && c !== -1);
        if (c === -1) {
          if (words.length > 0) throw this.unexpectedEnd();
          return 'end';
        }
        start = w.pos - 1;
        startLine = w.line;
        continue;
      }
      if (c === SEMICOLON || c === OPEN_BRACE) {
        if (words.length === 0) throw this.unexpected(c);
        return c === SEMICOLON ? ';' : '{';
      }
      if (c === CLOSE_BRACE) {
        if (words.length > 0) throw this.unexpected(c);
        return '}';
      }
      let last: number;
      if (c === DOUBLE_QUOTE || c === SINGLE_QUOTE) {
        start++;
        this.readQuoted(c, start, startLine);
        words.push(unescapeWord(w.text.slice(start, w.pos - 1)));
        last = this.next(start, startLine, 0);
        if (last === -1) throw this.unexpectedEnd();
        if (last === CLOSE_PAREN) {
          start = w.pos - 1;
          startLine = w.line;
          last = this.readBare(last, start, startLine);
          words.push(unescapeWord(w.text.slice(start, w.pos - 1)));
        } else if (!isBlank(last) && last !== SEMICOLON && last !== OPEN_BRACE) {
          throw this.unexpected(last);
        }
      } else {
        last = this.readBare(c, start, startLine);
        words.push(unescapeWord(w.text.slice(start, w.pos - 1)));
      }
      if (last === SEMICOLON) return ';';
      if (last === OPEN_BRACE) return '{';
    }
  }

  /** Reads up to and with the closing quote. */
  private readQuoted(quote: number, start: number, startLine: number): void {
    for (;;) {
      let c = this.next(start, startLine, quote);
      if (c === BACKSLASH) c = this.next(start, startLine, quote) === -1 ? -1 : 0;
      if (c === -1) throw this.unexpectedEnd();
      if (c === quote) return;
    }
  }

  /** Reads the rest of an unquoted word that began with `first`, and the byte that ends it, which it returns. */
  private readBare(first: number, start: number, startLine: number): number {
    let c = first;
    let afterDollar = false;
    for (;;) {
      if (c === BACKSLASH) {
        afterDollar = false;
        if (this.next(start, startLine, 0) === -1) throw this.unexpectedEnd();
      } else {
        // Several braces after one dollar are all taken, as nginx does.
        afterDollar = c === DOLLAR || (afterDollar && c === OPEN_BRACE);
      }
      c = this.next(start, startLine, 0);
      if (c === -1) throw this.unexpectedEnd();
      if (c === OPEN_BRACE && afterDollar) continue;
      if (isBlank(c) || c === SEMICOLON || c === OPEN_BRACE) return c;
    }
  }
}
