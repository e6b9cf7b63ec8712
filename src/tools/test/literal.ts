/**
 * The values of sections with the `eval` filter. Test::Nginx hands them to Perl; here they are read, not run: strings,
 * patterns, lists, `.` and `x` are what tests use it for. Anything else is an error that says so, never a guess.
 * perlop: Quote and Quote-like Operators.
 */
import { Regex } from '../../regex/regex.ts';

/** A section's value: text, a pattern, or a list with an entry for each request. Texts are byte strings. */
export type Value = string | Regex | readonly Value[];

const BRACKETS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '<': '>' };
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', a: '\x07', e: '\x1b', 0: '\0' };

/** A pattern as Perl compiles it, flags among `i m s x`. */
export function pattern(source: string, flags: string): Regex {
  return new Regex(source, {
    caseless: flags.includes('i'),
    multiline: flags.includes('m'),
    dotall: flags.includes('s'),
    extended: flags.includes('x'),
  });
}

/**
 * Reads a Perl literal: `"text\n"`, `'text'`, `q{}`, `qq{}`, `qr/pattern/flags`, numbers, `[list, of, them]`, joined
 * by `.` and repeated by `x`.
 *
 * @throws Error naming what it cannot read
 */
export function readLiteral(text: string): Value {
  const reader = new Reader(text);
  const value = reader.expression();
  reader.end();
  return value;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  expression(): Value {
    let value = this.#product();
    while (this.#take(/\./y) !== undefined) value = this.#string(value) + this.#string(this.#product());
    return value;
  }

  end(): void {
    this.#take(/;/y);
    this.#space();
    if (this.#at < this.#text.length) throw this.#error();
  }

  #product(): Value {
    let value = this.#term();
    while (this.#take(/x(?=[\s\d])/y) !== undefined) {
      value = this.#string(value).repeat(Number(this.#string(this.#term())));
    }
    return value;
  }

  #term(): Value {
    if (this.#take(/\[/y) !== undefined) return this.#list();
    if (this.#take(/\(/y) !== undefined) {
      const value = this.expression();
      if (this.#take(/\)/y) === undefined) throw this.#error();
      return value;
    }
    const number = this.#take(/-?\d+(?:\.\d+)?/y);
    if (number !== undefined) return number;
    const quote = this.#take(/qr|qq|q|(?=["'])/y);
    if (quote === undefined) throw this.#error();
    const { body, open } = this.#quoted();
    if (quote === 'qr') return pattern(body, this.#flags());
    const plain = quote === 'q' || (quote === '' && open === "'");
    return plain ? body.replace(/\\(?=[\\'])/g, '') : this.#interpolated(body);
  }

  #list(): Value[] {
    const values: Value[] = [];
    for (;;) {
      if (this.#take(/\]/y) !== undefined) return values;
      values.push(this.expression());
      if (this.#take(/,|=>/y) !== undefined) continue;
      if (this.#take(/\]/y) === undefined) throw this.#error();
      return values;
    }
  }

  /** What stands between a quote and its end, escapes as written. Brackets nest. */
  #quoted(): { body: string; open: string } {
    const text = this.#text;
    const open = text[this.#at] ?? '';
    const close = BRACKETS[open] ?? open;
    if (open === '' || /[\w\s]/.test(open)) throw this.#error();
    const start = ++this.#at;
    for (let depth = 1; this.#at < text.length; this.#at++) {
      const c = text[this.#at] as string;
      if (c === '\\') this.#at++;
      else if (c === close && --depth === 0) return { body: text.slice(start, this.#at++), open };
      else if (c === open) depth++;
    }
    throw new Error(`no ${close} after ${open}`);
  }

  #flags(): string {
    const flags = /[a-z]*/y;
    flags.lastIndex = this.#at;
    const found = flags.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #interpolated(body: string): string {
    // Names of Test::Nginx's own are put in later, in every section alike.
    if (/(?<!\\)(?:\\\\)*(?:\$(?!TEST_NGINX_|ServerPort\b)\w|@\w)/.test(body)) {
      throw new Error(`Perl variables are not put into strings: ${body}`);
    }
    return body.replace(/\\(x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{1,2})|[^x])/g, (_all, one, braced, hex) => {
      const code = braced ?? hex;
      if (code === undefined) return ESCAPES[one as string] ?? (one as string);
      const text = String.fromCodePoint(Number.parseInt(code as string, 16));
      return text > '\xff' ? Buffer.from(text, 'utf8').toString('latin1') : text;
    });
  }

  #string(value: Value): string {
    if (typeof value !== 'string') throw new Error('only strings can be joined or repeated');
    return value;
  }

  #space(): void {
    const blank = /(?:\s+|#.*)*/y;
    blank.lastIndex = this.#at;
    this.#at += blank.exec(this.#text)?.[0].length ?? 0;
  }

  /** The text of a sticky pattern that matches here, after blanks and comments. */
  #take(what: RegExp): string | undefined {
    this.#space();
    what.lastIndex = this.#at;
    const found = what.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #error(): Error {
    const near = this.#text.slice(this.#at, this.#at + 30).split('\n')[0];
    return new Error(`not a literal: ${near === '' ? 'ends too early' : near}`);
  }
}
