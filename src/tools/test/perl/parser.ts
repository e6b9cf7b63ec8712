/**
 * Parses the Perl of test files: what stands before `__DATA__`, the modules beside the tests, and sections with the
 * `eval` filter. Recursive descent with perlop's table of precedence. Names of functions matter to the grammar (how
 * many arguments follow a name without parentheses), so declared subs are known while parsing.
 */
import type { Block, Node, Sigil, Statement } from './ast.ts';
import { Scanner } from './scanner.ts';
import { interpolated, plain } from './strings.ts';

/** How much a sub takes when it is called without parentheses. perlsub: Prototypes. */
export type Prototype = 'none' | 'one' | 'list';

/** Binary operators by how tightly they bind; assignment and `?:` are apart. */
const LEVELS: Readonly<Record<string, number>> = {
  '..': 7,
  '...': 7,
  '||': 8,
  '//': 8,
  '&&': 9,
  '|': 10,
  '^': 10,
  '&': 11,
  '==': 12,
  '!=': 12,
  '<=>': 12,
  eq: 12,
  ne: 12,
  cmp: 12,
  '<': 13,
  '>': 13,
  '<=': 13,
  '>=': 13,
  lt: 13,
  gt: 13,
  le: 13,
  ge: 13,
  '<<': 15,
  '>>': 15,
  '+': 16,
  '-': 16,
  '.': 16,
  '*': 17,
  '/': 17,
  '%': 17,
  x: 17,
  '=~': 18,
  '!~': 18,
  '**': 20,
};
const ASSIGN = 5;
const CHOICE = 6;
const NAMED_UNARY = 14;
const PREFIX = 19;

const OPERATOR =
  /\*\*=|\|\|=|&&=|\/\/=|<=>|\*\*|=~|!~|==|!=|<=|>=|<<|>>|&&|\|\||\/\/|\.\.\.?|[-+*/.%&|^]=|x=(?![=~>])|[-+*/%.<>&|^?]|=(?!>)|(?:lt|gt|le|ge|eq|ne|cmp)\b|x(?=[\s\d($"'])/y;

/** Functions of Perl that take one argument, or none. */
const ONE = new Set(
  (
    'defined ref scalar lc uc lcfirst ucfirst length chr ord int abs sqrt hex oct quotemeta shift pop chomp chop exists ' +
    'delete each keys values rand srand sleep rmdir readline close undef localtime gmtime require exit chdir fc log exp'
  ).split(' '),
);
const NONE = new Set('time wantarray wait times'.split(' '));

const NAME = /(?:::)?[A-Za-z_]\w*(?:(?:::|')[A-Za-z_]\w*)*(?:::)?/y;
const QUOTE = /(qw|qq|qr|qx|q|m|s|tr|y)(?=[^\w\s,;)=]|\s+[^\w\s,;)=#]|=[^=>~\s])(?!\s*=>)/y;

/** Parses one source text. */
export class Parser {
  readonly #scanner: Scanner;
  readonly #prototypes: Map<string, Prototype>;

  /** @param prototypes what is known of subs; the parser adds those that it sees */
  constructor(scanner: Scanner, prototypes: Map<string, Prototype>) {
    this.#scanner = scanner;
    this.#prototypes = prototypes;
  }

  /**
   * Yields the statements of a whole text one by one, so that a `use` can run before what follows it is parsed.
   * @throws PerlError
   */
  *program(): Generator<Statement> {
    for (;;) {
      const found = this.#statement();
      if (found === undefined) break;
      yield found;
    }
    if (!this.#scanner.ended) throw this.#unexpected();
  }

  // --- Statements

  #statement(): Statement | undefined {
    const s = this.#scanner;
    for (;;) {
      s.skipSpace();
      if (s.ended || s.peek() === '}') return undefined;
      if (!s.take(';')) break;
    }
    const { line } = s;
    if (s.peek() === '{') return { s: 'block', body: this.#block(), line };
    let label = '';
    const named = s.takeMatch(/(?!(?:q[qwrx]?|m|s|y|tr)\s*:)([A-Za-z_]\w*)\s*:(?!:)/y);
    if (named !== null) {
      label = named[1]!;
      s.skipSpace();
      if (s.peek() === '{')
        return {
          s: 'for',
          variable: undefined,
          list: { t: 'const', value: 1, line },
          body: this.#block(),
          label,
          line,
        };
    }
    const word = s.takeMatch(
      /(?:if|unless|while|until|for|foreach|sub(?=\s+\w)|package|use|no|BEGIN|END)\b(?!\s*(?:=>|::))/y,
    )?.[0];
    switch (word) {
      case 'if':
      case 'unless':
        return this.#if(word === 'unless', line);
      case 'while':
      case 'until': {
        const test = this.#condition(word === 'until');
        const body = this.#block();
        s.skipSpace();
        const step = s.takeMatch(/continue\b/y) === null ? undefined : this.#doBlock(line);
        return { s: 'while', test, step, body, label, line };
      }
      case 'for':
      case 'foreach':
        return this.#for(label, line);
      case 'sub':
        return this.#sub(line);
      case 'package': {
        s.skipSpace();
        const name = this.#name();
        return { s: 'package', name, line };
      }
      case 'BEGIN':
        return { s: 'begin', body: this.#block(), line };
      case 'END': {
        return { s: 'sub', name: 'END', body: this.#block(), line };
      }
      case 'use':
      case 'no':
        return this.#use(word, line);
      default:
        return this.#simple(line);
    }
  }

  #doBlock(line: number): Node {
    return { t: 'do', body: this.#block(), line };
  }

  /** An expression, and `if`, `unless`, `while`, `until`, `for` behind it. */
  #simple(line: number): Statement {
    const s = this.#scanner;
    const node = this.#expression();
    let result: Statement = { s: 'expression', node, line };
    const body: Block = { statements: [result] };
    s.skipSpace();
    const word = s.takeMatch(/(?:if|unless|while|until|foreach|for)\b/y)?.[0];
    if (word !== undefined) {
      let test = this.#expression();
      if (word === 'for' || word === 'foreach') {
        result = { s: 'for', variable: undefined, list: test, body, label: '', line };
      } else {
        if (word === 'unless' || word === 'until') test = { t: 'unary', op: '!', of: test, line };
        if (word === 'if' || word === 'unless') {
          // As an expression, so that a block that ends with it has a value.
          result = { s: 'if', cases: [{ test, body }], rest: undefined, line };
        } else result = { s: 'while', test, step: undefined, body, label: '', line };
      }
      s.skipSpace();
    }
    if (!s.take(';') && !s.ended && s.peek() !== '}') throw this.#unexpected(s.sees(/[["'$@\w]/y));
    return result;
  }

  #if(negate: boolean, line: number): Statement {
    const s = this.#scanner;
    const cases = [{ test: this.#condition(negate), body: this.#block() }];
    let rest: Block | undefined;
    for (;;) {
      s.skipSpace();
      if (s.takeMatch(/elsif\b/y) !== null) cases.push({ test: this.#condition(false), body: this.#block() });
      else {
        if (s.takeMatch(/else\b/y) !== null) rest = this.#block();
        return { s: 'if', cases, rest, line };
      }
    }
  }

  #condition(negate: boolean): Node {
    const { line } = this.#scanner;
    const test = this.#parenthesised();
    return negate ? { t: 'unary', op: '!', of: test, line } : test;
  }

  #for(label: string, line: number): Statement {
    const s = this.#scanner;
    s.skipSpace();
    let variable: Node | undefined;
    if (s.peek() !== '(') {
      const declared = s.takeMatch(/(my|our)\s+/y) !== null;
      variable = this.#variable();
      if (declared) variable = { t: 'declare', kind: 'my', what: variable, listed: false, line };
      s.skipSpace();
    }
    this.#need('(');
    s.skipSpace();
    const first = s.peek() === ';' ? undefined : this.#optional(')');
    s.skipSpace();
    if (variable === undefined && s.take(';')) {
      const test = this.#optional(';');
      this.#need(';');
      const step = this.#optional(')');
      this.#need(')');
      const loop: Statement = { s: 'while', test, step, body: this.#block(), label, line };
      const statements: Statement[] = first === undefined ? [loop] : [{ s: 'expression', node: first, line }, loop];
      return { s: 'block', body: { statements }, line };
    }
    this.#need(')');
    return { s: 'for', variable, list: first ?? { t: 'list', items: [], line }, body: this.#block(), label, line };
  }

  #sub(line: number): Statement {
    const s = this.#scanner;
    s.skipSpace();
    const name = this.#name();
    s.skipSpace();
    if (s.peek() === '(') this.#prototypes.set(name, prototypeOf(s.delimited().text));
    else if (!this.#prototypes.has(name)) this.#prototypes.set(name, 'list');
    s.skipSpace();
    if (s.take(';')) return { s: 'block', body: { statements: [] }, line };
    return { s: 'sub', name, body: this.#block(), line };
  }

  #use(word: string, line: number): Statement {
    const s = this.#scanner;
    s.skipSpace();
    if (s.takeMatch(/v?[\d.]+\s*;/y) !== null) return { s: 'block', body: { statements: [] }, line };
    const module = this.#name();
    s.skipSpace();
    const args = s.peek() === ';' ? undefined : this.#expression();
    s.skipSpace();
    if (!s.take(';') && !s.ended) throw this.#unexpected();
    if (word === 'no') return { s: 'block', body: { statements: [] }, line };
    return { s: 'use', module, args, line };
  }

  #block(): Block {
    const s = this.#scanner;
    s.skipSpace();
    this.#need('{');
    const statements: Statement[] = [];
    for (;;) {
      const found = this.#statement();
      if (found === undefined) break;
      statements.push(found);
    }
    this.#need('}');
    return { statements };
  }

  // --- Expressions

  /** With `or`, `and`, `not` and commas. */
  #expression(): Node {
    let left = this.#conjunction();
    for (;;) {
      const { line } = left;
      this.#scanner.skipSpace();
      if (this.#scanner.takeMatch(/or\b/y) !== null)
        left = { t: 'logical', op: '||', left, right: this.#conjunction(), line };
      else return left;
    }
  }

  #conjunction(): Node {
    let left = this.#negation();
    for (;;) {
      const { line } = left;
      this.#scanner.skipSpace();
      if (this.#scanner.takeMatch(/and\b/y) !== null)
        left = { t: 'logical', op: '&&', left, right: this.#negation(), line };
      else return left;
    }
  }

  #negation(): Node {
    const s = this.#scanner;
    s.skipSpace();
    const { line } = s;
    if (s.takeMatch(/not\b(?!\s*=>)/y) !== null) return { t: 'unary', op: '!', of: this.#negation(), line };
    return this.#commas();
  }

  /** One expression, or a list of them. */
  #commas(): Node {
    const s = this.#scanner;
    const { line } = s;
    const first = this.#binary(ASSIGN);
    s.skipSpace();
    if (!s.sees(/,|=>/y)) return first;
    const items = [first];
    while (s.takeMatch(/,|=>/y) !== null) {
      s.skipSpace();
      if (this.#atEnd()) break;
      if (s.sees(/,|=>/y)) continue;
      items.push(this.#binary(ASSIGN));
      s.skipSpace();
    }
    return { t: 'list', items, line };
  }

  /** Whether an expression cannot begin here. */
  #atEnd(): boolean {
    const s = this.#scanner;
    return s.ended || /[)\]};:]/.test(s.peek()) || s.sees(/(?:or|and|if|unless|while|until|foreach|for)\b(?!\s*=>)/y);
  }

  #optional(end: string): Node | undefined {
    this.#scanner.skipSpace();
    return this.#scanner.peek() === end ? undefined : this.#expression();
  }

  #binary(level: number): Node {
    const s = this.#scanner;
    let left = this.#prefix();
    for (;;) {
      s.skipSpace();
      const { pos, line } = s;
      const op = s.takeMatch(OPERATOR)?.[0];
      if (op === undefined) return left;
      if (op === '?' || (op.endsWith('=') && LEVELS[op] === undefined)) {
        if ((op === '?' ? CHOICE : ASSIGN) < level) {
          s.pos = pos;
          return left;
        }
        if (op === '?') {
          const yes = this.#binary(ASSIGN);
          s.skipSpace();
          this.#need(':');
          left = { t: 'choice', test: left, yes, no: this.#binary(ASSIGN), line };
        } else left = { t: 'assign', op: op.slice(0, -1), left, right: this.#binary(ASSIGN), line };
        continue;
      }
      const own = LEVELS[op]!;
      if (own < level) {
        s.pos = pos;
        return left;
      }
      const right = this.#binary(op === '**' ? own : own + 1);
      left = this.#joinBinary(op, left, right, line);
    }
  }

  #joinBinary(op: string, left: Node, right: Node, line: number): Node {
    if (op === '&&' || op === '||' || op === '//') return { t: 'logical', op, left, right, line };
    if (op !== '=~' && op !== '!~') return { t: 'binary', op, left, right, line };
    return { t: 'match', target: left, pattern: right, negate: op === '!~', line };
  }

  #prefix(): Node {
    const s = this.#scanner;
    s.skipSpace();
    const { line } = s;
    const test = s.takeMatch(/-([edfrwxszl])(?=\s+["'$]|["'$])/y);
    if (test !== null) return { t: 'filetest', op: test[1]!, of: this.#binary(NAMED_UNARY + 1), line };
    const step = s.takeMatch(/\+\+|--/y)?.[0];
    if (step !== undefined) return { t: 'step', op: step as '++' | '--', prefix: true, of: this.#prefix(), line };
    if (s.take('!')) return { t: 'unary', op: '!', of: this.#binary(PREFIX), line };
    if (s.take('~')) return { t: 'unary', op: '~', of: this.#binary(PREFIX), line };
    if (s.take('\\')) return { t: 'reference', to: this.#binary(PREFIX), line };
    if (s.peek() === '-') {
      const word = s.takeMatch(/-([A-Za-z_]\w*)\b(?!\s*\()/y);
      if (word !== null) return { t: 'const', value: word[0], line };
      s.pos++;
      return { t: 'unary', op: '-', of: this.#binary(PREFIX + 1), line };
    }
    if (s.take('+')) return this.#binary(PREFIX);
    const term = this.#subscripts(this.#term(), false);
    const after = s.takeMatch(/[ \t]*(\+\+|--)/y)?.[1];
    return after === undefined ? term : { t: 'step', op: after as '++' | '--', prefix: false, of: term, line };
  }

  /** `[0]`, `{key}`, `->...` and calls behind a term. In a string no space may stand between them. */
  #subscripts(term: Node, inString: boolean): Node {
    const s = this.#scanner;
    let of = term;
    for (let chained = false; ; chained = true) {
      const start = s.pos;
      if (!inString) s.skipSpace();
      const { line } = s;
      const arrow = s.takeMatch(inString ? /->(?=[[{])/y : /->\s*/y) !== null;
      const c = s.peek();
      if ((arrow || chained) && c === '[') {
        s.pos++;
        const at = this.#expression();
        this.#need(']');
        of = { t: 'index', of: { t: 'deref', sigil: '@', of, line }, at, line };
      } else if ((arrow || chained) && c === '{') {
        of = { t: 'key', of: { t: 'deref', sigil: '%', of, line }, at: this.#hashKey(), line };
      } else if (!inString && (arrow || (chained && isSubscript(of))) && c === '(') {
        of = { t: 'invoke', code: of, args: this.#arguments(), line };
      } else if (arrow) {
        const sigil = s.takeMatch(/([@%$])\*/y)?.[1];
        if (sigil !== undefined) of = { t: 'deref', sigil: sigil as Sigil, of, line };
        else {
          const name = this.#name();
          of = { t: 'method', object: of, name, args: s.peek() === '(' ? this.#arguments() : [], line };
        }
      } else {
        s.pos = start;
        if (!chained && isSubscript(of) && (c === '[' || c === '{' || c === '(')) continue;
        return of;
      }
    }
  }

  /** Inside braces: a bare word, or an expression. */
  #hashKey(): Node {
    const s = this.#scanner;
    const { line } = s;
    const word = s.takeMatch(/\{\s*(-?[A-Za-z_]\w*)\s*\}/y);
    if (word !== null) return { t: 'const', value: word[1]!, line };
    this.#need('{');
    const at = this.#expression();
    this.#need('}');
    return at;
  }

  #term(): Node {
    const s = this.#scanner;
    const { line } = s;
    const c = s.peek();
    if (c === '"' || c === '`' || c === "'") return this.#quoted(c === '"' ? 'qq' : c === '`' ? 'qx' : 'q', line);
    if (c === '$' || c === '@' || c === '&' || (c === '%' && s.sees(/%[$A-Za-z_:{]/y))) return this.#variable();
    // A version such as 1.25.5 is the string of these characters.
    const version = s.takeMatch(/\d+(?:\.\d+){2,}|v\d+(?:\.\d+)+/y);
    if (version !== null) {
      const value = version[0]
        .replace('v', '')
        .split('.')
        .map((n) => String.fromCharCode(Number(n)))
        .join('');
      return { t: 'const', value, line };
    }
    const number = s.takeMatch(/0[xX][0-9a-fA-F_]+|0[bB][01_]+|(?:\d[\d_]*)(?:\.(?!\.)\d*)?(?:[eE][-+]?\d+)?|\.\d+/y);
    if (number !== null) return { t: 'const', value: numberOf(number[0]), line };
    if (c === '(') return this.#parenthesisedList(line);
    if (c === '[' || c === '{') return { t: 'anonymous', kind: c, items: this.#items(c === '[' ? ']' : '}'), line };
    if (c === '/') return this.#quoted('m', line);
    if (c === '<') {
      const document = s.hereDocument();
      if (document !== undefined) {
        if (document.raw) return { t: 'const', value: document.text, line };
        return interpolated(s.file, document.text, document.line, false, this.#readVariable);
      }
      const handle = s.takeMatch(/<(\$?)(\w*)>/y);
      if (handle !== null) {
        const name = handle[2]!;
        const of: Node =
          handle[1] === '$' ? { t: 'variable', sigil: '$', name, line } : { t: 'const', value: name, line };
        return { t: 'readline', handle: of, line };
      }
    }
    const key = s.takeMatch(/[A-Za-z_]\w*(?=\s*=>)/y);
    if (key !== null) return { t: 'const', value: key[0], line };
    const quote = s.takeMatch(QUOTE);
    if (quote !== null) return this.#quoted(quote[1]!, line);
    if (s.sees(NAME)) return this.#word(line);
    throw this.#unexpected();
  }

  #parenthesisedList(line: number): Node {
    const s = this.#scanner;
    const items = this.#items(')');
    s.skipSpace();
    const list: Node = { t: 'list', items, line };
    if (s.peek() !== '[') return list;
    s.pos++;
    const at = this.#expression();
    this.#need(']');
    return { t: 'slice', of: list, keys: false, at, line };
  }

  #parenthesised(): Node {
    const s = this.#scanner;
    s.skipSpace();
    this.#need('(');
    const node = this.#expression();
    this.#need(')');
    return node;
  }

  /** Comma-separated items between an opening character, which stands here, and a closing one. */
  #items(close: string): readonly Node[] {
    const s = this.#scanner;
    s.pos++;
    s.skipSpace();
    if (s.take(close)) return [];
    const node = this.#expression();
    this.#need(close);
    return node.t === 'list' ? node.items : [node];
  }

  #arguments(): readonly Node[] {
    return this.#items(')');
  }

  #quoted(kind: string, line: number): Node {
    const s = this.#scanner;
    s.skipSpaceBefore();
    const { text, open, line: at } = s.delimited();
    const raw = open === "'";
    const string = (source: string, pattern: boolean): Node => {
      if (raw) return { t: 'const', value: pattern ? source : plain(source, open), line };
      return interpolated(s.file, source, at, pattern, this.#readVariable);
    };
    switch (kind) {
      case 'q':
        return { t: 'const', value: plain(text, open), line };
      case 'qq':
        return interpolated(s.file, text, at, false, this.#readVariable);
      case 'qx':
        return { t: 'command', text: string(text, false), line };
      case 'qw': {
        const items = text.split(/\s+/).filter((one) => one !== '');
        const list: Node = { t: 'list', items: items.map((value) => ({ t: 'const', value, line })), line };
        return list;
      }
      case 'qr':
      case 'm':
        return { t: 'regex', kind, source: string(unescaped(text, open), true), flags: this.#flags(), line };
      default: {
        if (open !== this.#closer(open)) s.skipSpace();
        else s.pos--;
        const second = s.delimited();
        const flags = this.#flags();
        if (kind !== 's') return { t: 'transliterate', from: text, to: second.text, flags, line };
        const replacement = flags.includes('e')
          ? new Parser(new Scanner(s.file, second.text, second.line), this.#prototypes).#whole()
          : interpolated(s.file, second.text, second.line, false, this.#readVariable);
        return { t: 'substitute', source: string(unescaped(text, open), true), replacement, flags, line };
      }
    }
  }

  #closer(open: string): string {
    return { '(': ')', '[': ']', '{': '}', '<': '>' }[open] ?? open;
  }

  /** The whole text as the body of a block. */
  #whole(): Node {
    const { line } = this.#scanner;
    return { t: 'do', body: { statements: [...this.program()] }, line };
  }

  #flags(): string {
    return this.#scanner.takeMatch(/[a-z]*/y)?.[0] ?? '';
  }

  // --- Variables

  readonly #readVariable = (scanner: Scanner, inPattern: boolean): Node => {
    return new Parser(scanner, this.#prototypes).#inString(inPattern);
  };

  #inString(inPattern: boolean): Node {
    const s = this.#scanner;
    const { line } = s;
    const sigil = s.peek() as Sigil;
    const base = this.#bareVariable();
    if (sigil === '@') return base;
    // What looks like a subscript may be a part of the text.
    const index = /\[(?:-?\d+|\$\w+(?:[-+]\d+)?)\]/y;
    const key = /\{(?:\w*[A-Za-z_]\w*|\$\w+|"[^"]*"|'[^']*')\}/y;
    let of = base;
    if (s.sees(index) && !(inPattern && s.sees(/\[\d+-/y))) {
      s.pos++;
      const at = this.#expression();
      this.#need(']');
      of = { t: 'index', of: container(base, '@'), at, line };
    } else if (s.sees(key)) of = { t: 'key', of: container(base, '%'), at: this.#hashKey(), line };
    if (of !== base || s.sees(/->[[{]/y)) {
      if (of !== base && !s.sees(/->[[{]|[[{]/y)) return of;
      if (inPattern && !s.sees(/->[[{]/y)) return of;
      return this.#subscripts(of, true);
    }
    return of;
  }

  #variable(): Node {
    const s = this.#scanner;
    const { line } = s;
    const sigil = s.peek() as Sigil;
    const last = s.takeMatch(/\$#\{?(?=[$A-Za-z_])/y);
    if (last !== null) {
      const braced = last[0].endsWith('{');
      const of: Node =
        s.peek() === '$'
          ? { t: 'deref', sigil: '@', of: this.#variable(), line }
          : { t: 'variable', sigil: '@', name: this.#name(), line };
      if (braced) this.#need('}');
      return { t: 'last', of, line };
    }
    const base = this.#bareVariable();
    s.takeMatch(/[ \t]*(?=[[{])/y);
    const c = s.peek();
    if (sigil === '$' && c === '[') {
      s.pos++;
      const at = this.#expression();
      this.#need(']');
      return { t: 'index', of: container(base, '@'), at, line };
    }
    if (sigil === '$' && c === '{') return { t: 'key', of: container(base, '%'), at: this.#hashKey(), line };
    if (sigil === '@' && c === '[') return { t: 'slice', of: base, keys: false, at: this.#sliceKeys(']'), line };
    if (sigil === '@' && c === '{')
      return { t: 'slice', of: container(base, '%'), keys: true, at: this.#sliceKeys('}'), line };
    if (sigil === '&') return { t: 'invoke', code: base, args: s.peek() === '(' ? this.#arguments() : undefined, line };
    return base;
  }

  #sliceKeys(close: string): Node {
    const { line } = this.#scanner;
    return { t: 'list', items: this.#items(close), line };
  }

  /** A sigil and a name, or what it dereferences, without subscripts. */
  #bareVariable(): Node {
    const s = this.#scanner;
    const { line } = s;
    const sigil = s.peek() as Sigil;
    s.pos++;
    const name = s.takeMatch(/(?:::)?[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*|\d+|\{\s*(\^?\w+(?:::\w+)*)\s*\}|\^[A-Z]/y);
    if (name !== null) return { t: 'variable', sigil, name: name[1] ?? name[0], line };
    if (s.peek() === '$') {
      if (!s.sees(/\$+[A-Za-z_{:]/y)) {
        s.pos++;
        return { t: 'variable', sigil, name: '$', line };
      }
      return { t: 'deref', sigil, of: this.#bareVariable(), line };
    }
    if (s.peek() === '{') {
      s.pos++;
      const of = this.#expression();
      s.skipSpace();
      this.#need('}');
      return { t: 'deref', sigil, of, line };
    }
    const special = sigil === '$' ? s.takeMatch(/[&@!,.;0/\\|?"<>]/y) : sigil === '@' ? s.takeMatch(/_/y) : null;
    if (special !== null) return { t: 'variable', sigil, name: special[0], line };
    throw this.#unexpected();
  }

  // --- Words

  #name(): string {
    const found = this.#scanner.takeMatch(NAME);
    if (found === null) throw this.#unexpected();
    return found[0].replaceAll("'", '::');
  }

  #word(line: number): Node {
    const s = this.#scanner;
    const name = this.#name().replace(/^CORE::/, '');
    switch (name) {
      case 'my':
      case 'our':
      case 'local':
        return this.#declare(name, line);
      case 'sub': {
        s.skipSpace();
        if (s.peek() === '(') s.delimited();
        return { t: 'closure', body: this.#block(), name: '', line };
      }
      case 'do':
        s.skipSpace();
        if (s.peek() === '{') return this.#doBlock(line);
        break;
      case 'eval':
        s.skipSpace();
        if (s.peek() === '{') return { t: 'eval', body: this.#block(), line };
        return { t: 'call', name, args: this.#atEnd() ? [] : [this.#binary(NAMED_UNARY)], bare: false, line };
      case 'return':
        s.skipSpace();
        return { t: 'leave', how: 'return', label: '', value: this.#atEnd() ? undefined : this.#commas(), line };
      case 'next':
      case 'last': {
        const label = s.takeMatch(/\s+([A-Z_]+)\b/y)?.[1] ?? '';
        return { t: 'leave', how: name, label, value: undefined, line };
      }
      case 'map':
      case 'grep':
      case 'sort':
      case 'first':
      case 'any':
        return this.#each(name, line);
      case 'print':
      case 'printf':
      case 'say':
        return this.#print(name, line);
      case '__FILE__':
        return { t: 'const', value: s.file, line };
      case '__LINE__':
        return { t: 'const', value: line, line };
      default:
        break;
    }
    s.skipSpace();
    if (name === 'undef' && !s.sees(/\(|[$@%&]/y)) return { t: 'undef', line };
    if (s.peek() === '(') return { t: 'call', name, args: this.#arguments(), bare: false, line };
    if (s.sees(/->/y) && !this.#prototypes.has(name)) return { t: 'const', value: name.replace(/::$/, ''), line };
    const prototype = NONE.has(name) ? 'none' : ONE.has(name) ? 'one' : this.#prototypes.get(name);
    if (prototype === 'none' || this.#atEnd()) return { t: 'call', name, args: [], bare: true, line };
    if (prototype === 'one') {
      // An operator that cannot begin a term ends a call without arguments, as in `shift || 1`.
      if (s.sees(/[=.,*|)\]}?:]|\/\/|[-+<>]\s|(?:eq|ne|lt|gt|le|ge|cmp|x)\b|&&/y)) {
        return { t: 'call', name, args: [], bare: true, line };
      }
      return { t: 'call', name, args: [this.#binary(NAMED_UNARY + 1)], bare: false, line };
    }
    if (
      (!(name === 'split' && s.peek() === '/') &&
        !s.sees(/["'`$@\\[\d]|%[A-Za-z_$]|<<["'A-Z_]|[A-Za-z_](?!\s*=>)|-[A-Za-z_\d$]|\{|!/y)) ||
      s.sees(/(?:x|eq|ne|lt|gt|le|ge|cmp)\b/y)
    ) {
      return { t: 'call', name, args: [], bare: true, line };
    }
    const args = this.#commas();
    return { t: 'call', name, args: args.t === 'list' ? args.items : [args], bare: false, line };
  }

  #declare(kind: 'my' | 'our' | 'local', line: number): Node {
    const s = this.#scanner;
    s.skipSpace();
    if (s.peek() === '(') {
      const items = this.#items(')');
      return { t: 'declare', kind, what: { t: 'list', items, line }, listed: true, line };
    }
    const what = kind === 'local' ? this.#subscripts(this.#variable(), false) : this.#bareVariable();
    return { t: 'declare', kind, what, listed: what.t === 'variable' && what.sigil !== '$', line };
  }

  #each(name: string, line: number): Node {
    const s = this.#scanner;
    s.skipSpace();
    const paren = s.take('(');
    s.skipSpace();
    let code: Block | Node | undefined;
    if (s.peek() === '{') {
      code = this.#block();
      s.skipSpace();
      s.take(',');
    } else if (name === 'sort') {
      if (s.sees(/\$\w+\s+[@(]/y)) code = this.#variable();
    } else {
      code = this.#binary(ASSIGN);
      s.skipSpace();
      this.#need(',');
    }
    s.skipSpace();
    const list: Node = this.#atEnd() ? { t: 'list', items: [], line } : this.#commas();
    if (paren) this.#need(')');
    return { t: 'each', name, code, list, line };
  }

  #print(name: string, line: number): Node {
    const s = this.#scanner;
    s.skipSpace();
    const paren = s.take('(');
    s.skipSpace();
    let handle: Node | undefined;
    if (s.peek() === '{') {
      s.pos++;
      handle = this.#expression();
      this.#need('}');
    } else {
      const word = s.takeMatch(/(STDERR|STDOUT|[A-Z]+)\b(?=\s+[^,\s])(?!\s*\()/y);
      const variable = s.takeMatch(/\$(\w+)(?=[ \t]+["'$@\w(<]|[ \t]*\()(?![ \t]+(?:x|eq|ne|if|unless|or|and|for)\b)/y);
      if (word !== null) handle = { t: 'const', value: word[1]!, line };
      else if (variable !== null) handle = { t: 'variable', sigil: '$', name: variable[1]!, line };
    }
    s.skipSpace();
    const list = this.#atEnd() ? undefined : this.#commas();
    if (paren) this.#need(')');
    const args = list === undefined ? [] : list.t === 'list' ? list.items : [list];
    return { t: 'print', name, handle, args, line };
  }

  #need(text: string): void {
    this.#scanner.skipSpace();
    if (!this.#scanner.take(text)) throw this.#unexpected();
  }

  #unexpected(wrong = false): Error {
    const rest = this.#scanner.text.slice(this.#scanner.pos).split('\n')[0]!;
    return this.#scanner.error(rest.trim() === '' ? 'the text ends too early' : `"${rest.slice(0, 60)}"`, wrong);
  }
}

/** `$name` before `[` or `{` is an element of the array or hash of that name. */
function container(base: Node, sigil: '@' | '%'): Node {
  if (base.t === 'variable') return { ...base, sigil };
  if (base.t === 'deref') return { ...base, sigil };
  return base;
}

function isSubscript(node: Node): boolean {
  return node.t === 'index' || node.t === 'key' || node.t === 'invoke';
}

function prototypeOf(text: string): Prototype {
  const signs = text.replace(/\s/g, '');
  if (signs === '') return 'none';
  return signs === '$' || signs === '_' ? 'one' : 'list';
}

function numberOf(text: string): number {
  const digits = text.replaceAll('_', '');
  return /^0\d+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
}

/** A delimiter that was escaped in a pattern stands for itself. */
function unescaped(text: string, open: string): string {
  if (!/[/#!,~%@"':;]/.test(open)) return text;
  return text.replace(/\\([\s\S])/g, (all, c: string) => (c === open ? c : all));
}
