/** Tokens of C declarations. */

/** 'name', 'integer', 'string', 'end'; punctuation is its own kind. */
export type TokenKind = string;

const SPACE = /(?:[ \t\r\f\v\n]+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|\\\r?\n)+/y;
const NAME = /[A-Za-z_\x80-\xff$][\w\x80-\xff$]*/y;
const NUMBER = /0[xX][0-9a-fA-F]+|\d+/y;
const SUFFIX = /[uUlL]*(?![\w.])/y;
const STRING = /"((?:[^"\\\n]|\\[\s\S])*)"/y;
const CHARACTER = /'((?:[^'\\\n]|\\[\s\S])+?)'/y;
const PUNCTUATION = /\.\.\.|<<|>>|->|&&|\|\||[=!<>]=|[\s\S]/y;

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  e: '\x1b',
};

/** Reads the tokens of a declaration; `kind`, `text` and `value` are those of the current one. */
export class Scanner {
  kind: TokenKind = 'end' as TokenKind;
  text = '';
  /** Of an integer. */
  value = 0;
  unsigned = false;
  line = 1;
  /** Set by `#pragma pack`: the largest alignment, or 0. */
  pack = 0;
  private readonly source: string;
  private readonly packs: number[] = [];
  private pos = 0;

  constructor(source: string) {
    // A line that ends with a backslash goes on in the next, also within a name.
    this.source = source.includes('\\\n') ? source.replaceAll('\\\n', '') : source;
    this.next();
  }

  private match(re: RegExp): RegExpExecArray | null {
    re.lastIndex = this.pos;
    const m = re.exec(this.source);
    if (m !== null) this.pos += m[0].length;
    return m;
  }

  private skipSpace(): void {
    for (;;) {
      const m = this.match(SPACE);
      if (m !== null) {
        for (let i = m[0].indexOf('\n'); i >= 0; i = m[0].indexOf('\n', i + 1)) this.line++;
      }
      if (this.source[this.pos] !== '#') return;
      const end = this.source.indexOf('\n', this.pos);
      const directive = this.source.slice(this.pos, end < 0 ? undefined : end);
      this.pos = end < 0 ? this.source.length : end;
      this.directive(directive);
    }
  }

  /** Line markers are skipped, `#pragma pack` is obeyed. */
  private directive(text: string): void {
    const m = /^#\s*pragma\s+pack\s*\(\s*(push|pop)?\s*,?\s*(\d+)?\s*\)/.exec(text);
    if (m === null) {
      if (/^#\s*(?:\d|line\b|pragma\b|ident\b)/.test(text)) return;
      throw new DeclarationError(`unexpected symbol near '#'`);
    }
    if (m[1] === 'push') this.packs.push(this.pack);
    if (m[1] === 'pop') this.pack = this.packs.pop() ?? 0;
    if (m[2] !== undefined) this.pack = Number(m[2]);
    else if (m[1] === undefined) this.pack = 0;
  }

  next(): void {
    this.skipSpace();
    const { source } = this;
    if (this.pos >= source.length) {
      this.kind = 'end';
      this.text = '';
      return;
    }
    let m = this.match(NAME);
    if (m !== null) {
      this.kind = m[0] === '$' ? '$' : 'name';
      this.text = m[0];
      return;
    }
    m = this.match(NUMBER);
    if (m !== null) {
      this.kind = 'integer';
      const digits = m[0];
      const n = digits.startsWith('0') && !/^0[xX]/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
      const suffix = this.match(SUFFIX);
      if (suffix === null || Number.isNaN(n)) {
        // Only an error where a number is wanted: the bodies of inline functions are skipped.
        const rest = /^[\w.]*/.exec(source.slice(this.pos))![0];
        this.pos += rest.length;
        this.text = digits + rest;
        this.kind = 'malformed number';
        return;
      }
      this.text = digits + suffix[0];
      this.unsigned = /u/i.test(suffix[0]) || n > 0x7fffffff;
      this.value = this.unsigned ? n >>> 0 : n | 0;
      return;
    }
    m = this.match(STRING);
    if (m !== null) {
      this.kind = 'string';
      this.text = unescaped(m[1]!);
      return;
    }
    m = this.match(CHARACTER);
    if (m !== null) {
      this.kind = 'integer';
      this.text = m[0];
      this.value = (unescaped(m[1]!).charCodeAt(0) << 24) >> 24;
      this.unsigned = false;
      return;
    }
    this.text = this.match(PUNCTUATION)![0];
    this.kind = this.text;
  }

  /** The kind of the token after the current one. */
  peek(): TokenKind {
    const { kind, text, value, unsigned, line, pos } = this;
    this.next();
    const seen = this.kind;
    Object.assign(this, { kind, text, value, unsigned, line, pos });
    return seen;
  }

  /** An error at the current token. */
  error(message: string): DeclarationError {
    const near = this.kind === 'end' ? '<eof>' : this.kind === 'name' && this.text === '' ? '$' : this.text;
    return new DeclarationError(`${message} near '${near}'${this.line > 1 ? ` at line ${this.line}` : ''}`);
  }
}

function unescaped(s: string): string {
  return s.replace(/\\(x[0-9a-fA-F]+|[0-7]{1,3}|[\s\S])/g, (_, e: string) => {
    if (/^[0-7]/.test(e)) return String.fromCharCode(Number.parseInt(e, 8) & 255);
    if (e.startsWith('x')) return String.fromCharCode(Number.parseInt(e.slice(1), 16) & 255);
    return ESCAPES[e] ?? e;
  });
}

/** A declaration that cannot be understood; becomes a Lua error at the calling function. */
export class DeclarationError extends Error {}
