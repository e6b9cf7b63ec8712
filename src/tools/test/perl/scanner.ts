/**
 * Reads the characters of Perl source. Perl cannot be cut into tokens beforehand: whether `/` divides or opens a
 * pattern depends on what the parser waits for, so the parser asks for what it wants, character by character.
 * perlop: Quote and Quote-like Operators, here-documents.
 */
import { PerlError } from './ast.ts';

const CLOSERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '<': '>' };

/** A text between delimiters. */
export interface Quoted {
  readonly text: string;
  /** The opening delimiter. */
  readonly open: string;
  readonly line: number;
}

/** A place in a source text that moves forward. */
export class Scanner {
  readonly file: string;
  readonly text: string;
  pos = 0;
  readonly #firstLine: number;
  /** Newlines before #counted. */
  #newlines = 0;
  #counted = 0;
  /** Newlines after which a here-document's text stands, and where the source goes on. */
  readonly #jumps = new Map<number, number>();

  /** @param firstLine the line number of the text's first character */
  constructor(file: string, text: string, firstLine = 1) {
    this.file = file;
    this.text = text;
    this.#firstLine = firstLine;
  }

  /** The line number of the present place. */
  get line(): number {
    if (this.pos < this.#counted) this.#counted = this.#newlines = 0;
    for (; this.#counted < this.pos; this.#counted++) {
      if (this.text.charCodeAt(this.#counted) === 10) this.#newlines++;
    }
    return this.#firstLine + this.#newlines;
  }

  /** @param wrong Perl itself would refuse it */
  error(what: string, wrong = false): PerlError {
    return new PerlError(this.file, this.line, what, wrong);
  }

  get ended(): boolean {
    return this.pos >= this.text.length;
  }

  /** The character at a distance, without moving; '' behind the end. */
  peek(ahead = 0): string {
    return this.text.charAt(this.pos + ahead);
  }

  /** Takes a string when it stands here. */
  take(text: string): boolean {
    if (!this.text.startsWith(text, this.pos)) return false;
    this.pos += text.length;
    return true;
  }

  /** Takes what a sticky pattern finds here. */
  takeMatch(regex: RegExp): RegExpExecArray | null {
    regex.lastIndex = this.pos;
    const found = regex.exec(this.text);
    if (found !== null) this.pos = regex.lastIndex;
    return found;
  }

  /** Whether a sticky pattern matches here. */
  sees(regex: RegExp): boolean {
    regex.lastIndex = this.pos;
    return regex.test(this.text);
  }

  /** Passes white space before a delimiter, where "#" is no comment. */
  skipSpaceBefore(): void {
    while (/\s/.test(this.peek())) this.pos++;
  }

  /** Passes white space, comments, documentation, and here-documents that begin at a newline. */
  skipSpace(): void {
    for (;;) {
      const c = this.peek();
      if (c === '\n') {
        this.pos = this.#jumps.get(this.pos) ?? this.pos + 1;
        if (this.peek() === '=' && this.sees(/=[a-zA-Z]/y)) {
          const end = /^=cut.*$/gm;
          end.lastIndex = this.pos;
          this.pos = end.exec(this.text) === null ? this.text.length : end.lastIndex;
        }
      } else if (c === ' ' || c === '\t' || c === '\r' || c === '\f') this.pos++;
      else if (c === '#') {
        const end = this.text.indexOf('\n', this.pos);
        this.pos = end === -1 ? this.text.length : end;
      } else return;
    }
  }

  /** Reads a text from its opening delimiter, which stands here. Brackets nest; a backslash keeps the next character. */
  delimited(): Quoted {
    const { line } = this;
    const open = this.peek();
    const close = CLOSERS[open] ?? open;
    const start = ++this.pos;
    for (let depth = 1; !this.ended; this.pos++) {
      const c = this.peek();
      if (c === '\\') this.pos++;
      else if (c === close) {
        if (--depth === 0) return { text: this.text.slice(start, this.pos++), open, line };
      } else if (c === open) depth++;
    }
    this.pos = start;
    throw this.error(`no ${close} that closes ${open}`, true);
  }

  /**
   * Reads a here-document's label behind `<<` and the text that follows the present line. Undefined when `<<` is no
   * here-document here.
   */
  hereDocument(): { readonly text: string; readonly raw: boolean; readonly line: number } | undefined {
    const head = this.takeMatch(/<<(~?)(?:"([^"\n]*)"|'([^'\n]*)'|([A-Za-z_]\w*))/y);
    if (head === null) return undefined;
    const label = head[2] ?? head[3] ?? head[4] ?? '';
    const lineEnd = this.text.indexOf('\n', this.pos);
    if (lineEnd === -1) throw this.error(`no text of the here-document ${label}`);
    const start = this.#jumps.get(lineEnd) ?? lineEnd + 1;
    const end = new RegExp(`^${head[1] === '' ? '' : '[ \\t]*'}${label.replace(/[^\w]/g, '\\$&')}$`, 'gm');
    end.lastIndex = start;
    const found = end.exec(this.text);
    if (found === null) throw this.error(`no end of the here-document ${label}`);
    this.#jumps.set(lineEnd, Math.min(end.lastIndex + 1, this.text.length));
    let text = this.text.slice(start, found.index);
    if (head[1] !== '') {
      const lines = text.split('\n').filter((one) => one.trim() !== '');
      const indent = Math.min(...lines.map((one) => one.length - one.trimStart().length), 1000);
      text = text.replace(new RegExp(`^[ \\t]{0,${indent}}`, 'gm'), '');
    }
    return { text, raw: head[3] !== undefined, line: this.line + 1 };
  }
}
