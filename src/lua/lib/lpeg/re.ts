// The module `re`: https://www.inf.puc-rio.br/~roberto/lpeg/re.html.
//
// A pattern's text is read by recursive descent. Each part becomes a maker, which builds the part's pattern when all of
// the text has been read, so that an error of syntax is found before a name that is missing.

import { first, R, ret0, ret2, S } from '../../call.ts';
import { callNow } from '../../coroutine.ts';
import { throwError, throwValue } from '../../error.ts';
import { index } from '../../runtime.ts';
import { LuaTable } from '../../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../../value.ts';
import { argString, typeError } from '../args.ts';
import { markLibrary } from '../native.ts';
import { rangeSet } from './charset.ts';
import { type Lpeg, LuaPattern, startAt } from './library.ts';

/** Builds a part of a pattern. */
type Maker = () => LuaPattern;

/** Single letters for the classes of lpeg.locale; the capital letter is the complement. */
const LETTERS: Readonly<Record<string, string>> = {
  a: 'alpha',
  c: 'cntrl',
  d: 'digit',
  g: 'graph',
  l: 'lower',
  p: 'punct',
  s: 'space',
  u: 'upper',
  w: 'alnum',
  x: 'xdigit',
};

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const SPACE = /(?:[ \t-\r]|--[^\n]*)*/y;
const DIGITS = /[0-9]+/y;

/** Reads the text of one pattern. */
class Reader {
  private readonly lpeg: Lpeg;
  private readonly text: string;
  private readonly defs: LuaValue;
  private readonly predefined: LuaTable;
  private at = 0;
  /** Grammars around the current place. */
  private grammars = 0;

  constructor(lpeg: Lpeg, text: string, defs: LuaValue, predefined: LuaTable) {
    this.lpeg = lpeg;
    this.text = text;
    this.defs = defs;
    this.predefined = predefined;
  }

  pattern(): LuaPattern {
    this.space();
    const make = this.expression();
    if (make === undefined || this.at < this.text.length) this.fail();
    return make();
  }

  private fail(): never {
    const { text, at } = this;
    const near = text.length < at + 21 ? text.slice(at) : `${text.slice(at, at + 21)}...`;
    throwValue(`pattern error near '${near}'`);
  }

  // ---- tokens

  private match(token: RegExp): string | undefined {
    token.lastIndex = this.at;
    const found = token.exec(this.text);
    if (found === null) return undefined;
    this.at = token.lastIndex;
    return found[0];
  }

  private space(): void {
    this.match(SPACE);
  }

  private take(token: string): boolean {
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  /** A name that a "<-" follows; neither is taken if not both are there. */
  private definedName(): string | undefined {
    const start = this.at;
    const name = this.match(NAME);
    if (name !== undefined) {
      this.space();
      if (this.take('<-')) return name;
    }
    this.at = start;
    return undefined;
  }

  // ---- expressions; undefined says that there is none here, and nothing is taken

  private expression(): Maker | undefined {
    this.space();
    return this.grammar() ?? this.alternatives();
  }

  private grammar(): Maker | undefined {
    const definitions: [string, Maker][] = [];
    this.grammars++;
    for (;;) {
      const start = this.at;
      const name = this.definedName();
      const body = name === undefined ? undefined : this.expression();
      if (name === undefined || body === undefined) {
        this.at = start;
        break;
      }
      definitions.push([name, body]);
    }
    this.grammars--;
    if (definitions.length === 0) return undefined;
    return () => {
      const rules = new LuaTable();
      rules.set(1, definitions[0]![0]);
      for (const [name, make] of definitions) {
        const p = make();
        if (rules.get(name) !== undefined) throwError(`'${name}' already defined as a rule`);
        rules.set(name, p);
      }
      return this.lpeg.pattern(rules, 1, 'compile', 1);
    };
  }

  private alternatives(): Maker | undefined {
    const items = [this.sequence()];
    for (;;) {
      if (!this.take('/')) break;
      this.space();
      items.push(this.sequence());
    }
    if (items.length === 1) return items[0]!;
    return () => items.map((make) => make()).reduce((a, b) => this.lpeg.choice(a, b));
  }

  private sequence(): Maker {
    const items: Maker[] = [];
    for (let item = this.prefix(); item !== undefined; item = this.prefix()) items.push(item);
    if (!this.ends()) this.fail();
    if (items.length === 1) return items[0]!;
    return () => items.reduce((p, make) => this.lpeg.seq(p, make()), this.lpeg.empty());
  }

  /** Whether what comes here can follow a sequence. */
  private ends(): boolean {
    const { text, at } = this;
    if (at >= text.length || '/)}'.includes(text[at]!)) return true;
    const next = text.slice(at, at + 2);
    if (next === ':}' || next === '~}' || next === '|}') return true;
    const defined = this.definedName() !== undefined;
    this.at = at;
    return defined;
  }

  private prefix(): Maker | undefined {
    const start = this.at;
    for (const sign of ['&', '!']) {
      if (!this.take(sign)) continue;
      this.space();
      const make = this.prefix();
      if (make === undefined) {
        this.at = start;
        return undefined;
      }
      return sign === '&' ? () => this.lpeg.and(make()) : () => this.lpeg.not(make());
    }
    return this.suffix();
  }

  private suffix(): Maker | undefined {
    const start = this.at;
    let make = this.primary();
    if (make === undefined) {
      this.at = start;
      return undefined;
    }
    this.space();
    for (;;) {
      const before = this.at;
      const longer = this.suffixed(make);
      if (longer === undefined) {
        this.at = before;
        return make;
      }
      make = longer;
      this.space();
    }
  }

  /** What a suffix here makes of a pattern. */
  private suffixed(make: Maker): Maker | undefined {
    const { lpeg } = this;
    if (this.take('+')) return () => lpeg.repeat(make(), 1);
    if (this.take('*')) return () => lpeg.repeat(make(), 0);
    if (this.take('?')) return () => lpeg.repeat(make(), -1);
    if (this.take('^')) {
      const sign = this.take('+') ? 1 : this.take('-') ? -1 : 0;
      const digits = this.match(DIGITS);
      if (digits === undefined) return undefined;
      const n = Number(digits);
      if (sign !== 0) return () => lpeg.repeat(make(), sign * n);
      return () => {
        const p = make();
        let product = lpeg.empty();
        for (let i = 0; i < n; i++) product = lpeg.seq(product, p);
        return product;
      };
    }
    if (this.take('->')) {
      this.space();
      const literal = this.string();
      if (literal !== undefined) return () => lpeg.transform(make(), literal);
      const digits = this.match(DIGITS);
      if (digits !== undefined) return () => lpeg.transform(make(), Number(digits));
      if (this.take('{}')) return () => lpeg.capture('table', make());
      return this.withDefinition(make, (p, v) => lpeg.transform(p, v));
    }
    const withFunction = (f: (p: LuaPattern, v: LuaFunction) => LuaPattern): Maker | undefined => {
      this.space();
      return this.withDefinition(make, (p, v, name) => {
        if (typeof v !== 'function') throwError(`'${name}' is not a function`);
        return f(p, v);
      });
    };
    if (this.take('=>')) return withFunction((p, v) => lpeg.runtime(p, v));
    if (this.take('>>')) return withFunction((p, v) => lpeg.capture('accumulator', p, v));
    if (this.take('~>')) return withFunction((p, v) => lpeg.capture('fold', p, v));
    return undefined;
  }

  /** A name of the definitions, for a suffix. */
  private withDefinition(make: Maker, f: (p: LuaPattern, v: LuaValue, name: string) => LuaPattern): Maker | undefined {
    const name = this.match(NAME);
    if (name === undefined) return undefined;
    return () => {
      const p = make();
      const v = this.definition(name);
      if (v === undefined || v === false) throwError(`undefined name: ${name}`);
      return f(p, v, name);
    };
  }

  private definition(name: string): LuaValue {
    if (this.defs === undefined || this.defs === false) return undefined;
    return first(callNow(index as LuaFunction, [this.defs, name]));
  }

  private string(): string | undefined {
    const quote = this.text[this.at];
    if (quote !== '"' && quote !== "'") return undefined;
    const end = this.text.indexOf(quote, this.at + 1);
    if (end < 0) return undefined;
    const s = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    return s;
  }

  /** An expression between two tokens, the first of which has been taken. */
  private enclosed(close: string, build: (p: LuaPattern) => LuaPattern): Maker | undefined {
    const make = this.expression();
    if (make === undefined || !this.take(close)) return undefined;
    return () => build(make());
  }

  private primary(): Maker | undefined {
    const { lpeg } = this;
    switch (this.text[this.at]) {
      case '(':
        this.at++;
        return this.enclosed(')', (p) => p);
      case '"':
      case "'": {
        const s = this.string();
        return s === undefined ? undefined : () => lpeg.pattern(s, 1, 'compile', 1);
      }
      case '[':
        return this.charClass();
      case '%':
        return this.defined();
      case '=': {
        this.at++;
        const name = this.match(NAME);
        return name === undefined ? undefined : () => lpeg.runtime(lpeg.capture('back', lpeg.empty(), name), sameText);
      }
      case '.':
        this.at++;
        return () => lpeg.pattern(1, 1, 'compile', 1);
      case '{':
        return this.capture();
      case '<': {
        this.at++;
        const name = this.match(NAME);
        return name !== undefined && this.take('>') ? this.nonterminal(name) : undefined;
      }
    }
    const start = this.at;
    if (this.definedName() !== undefined) {
      this.at = start;
      return undefined;
    }
    const name = this.match(NAME);
    return name === undefined ? undefined : this.nonterminal(name);
  }

  private nonterminal(name: string): Maker {
    const inGrammar = this.grammars > 0;
    return () => {
      if (!inGrammar) throwError(`rule '${name}' used outside a grammar`);
      return this.lpeg.variable(name);
    };
  }

  /** What starts with a brace. */
  private capture(): Maker | undefined {
    const { lpeg } = this;
    const start = this.at;
    if (this.take('{}')) return () => lpeg.capture('position', lpeg.empty());
    const tries: (() => Maker | undefined)[] = [];
    switch (this.text[start + 1]) {
      case ':':
        tries.push(() => {
          const before = this.at;
          const name = this.match(NAME);
          if (name !== undefined && this.take(':')) return this.enclosed(':}', (p) => lpeg.capture('named', p, name));
          this.at = before;
          return this.enclosed(':}', (p) => lpeg.capture('group', p));
        });
        break;
      case '~':
        tries.push(() => this.enclosed('~}', (p) => lpeg.capture('substitution', p)));
        break;
      case '|':
        tries.push(() => this.enclosed('|}', (p) => lpeg.capture('table', p)));
        break;
    }
    for (const attempt of tries) {
      this.at = start + 2;
      const make = attempt();
      if (make !== undefined) return make;
    }
    this.at = start + 1;
    return this.enclosed('}', (p) => lpeg.capture('simple', p));
  }

  /** "%name": a pattern of the definitions or a predefined one. */
  private defined(): Maker | undefined {
    const start = this.at;
    this.at++;
    const name = this.match(NAME);
    if (name === undefined) {
      this.at = start;
      return undefined;
    }
    return () => {
      let v = this.definition(name);
      if (v === undefined || v === false) v = this.predefined.get(name);
      if (v === undefined) throwError(`name '${name}' undefined`);
      return this.lpeg.pattern(v, 1, 'compile', 1);
    };
  }

  private charClass(): Maker | undefined {
    const { lpeg } = this;
    this.at++;
    const complement = this.take('^');
    const items: Maker[] = [];
    do {
      const item = this.classItem();
      if (item === undefined) return undefined;
      items.push(item);
    } while (this.text[this.at] !== ']');
    this.at++;
    return () => {
      const p = items.map((make) => make()).reduce((a, b) => lpeg.choice(a, b));
      return complement ? lpeg.difference(lpeg.pattern(1, 1, 'compile', 1), p) : p;
    };
  }

  private classItem(): Maker | undefined {
    const { lpeg, text, at } = this;
    if (at >= text.length) return undefined;
    const defined = text[at] === '%' ? this.defined() : undefined;
    if (defined !== undefined) return defined;
    if (text[at + 1] === '-' && at + 2 < text.length && text[at + 2] !== ']') {
      this.at += 3;
      const set = rangeSet(text.charCodeAt(at), text.charCodeAt(at + 2));
      return () => lpeg.make({ kind: 'set', set });
    }
    this.at++;
    return () => lpeg.pattern(text[at], 1, 'compile', 1);
  }
}

/** "=name": the text of the group must come again. */
function sameText(s: LuaValue, i: LuaValue, group: LuaValue): LuaResult {
  if (typeof group !== 'string') return undefined;
  return (s as string).startsWith(group, (i as number) - 1) ? (i as number) + group.length : undefined;
}

/** Compiled patterns that are kept for the next call with the same text. */
const KEPT = 200;

/** A memory of patterns by what they were made from. */
class Memory {
  private readonly map = new Map<LuaValue, LuaPattern>();

  get(key: LuaValue, make: () => LuaPattern): LuaPattern {
    let p = this.map.get(key);
    if (p === undefined) {
      p = make();
      if (this.map.size >= KEPT) this.map.clear();
      this.map.set(key, p);
    }
    return p;
  }

  clear(): void {
    this.map.clear();
  }
}

/** Makes the module `re` over an lpeg. */
export function openRe(lpeg: Lpeg): LuaTable {
  const predefined = new LuaTable();
  const matches = new Memory();
  const finds = new Memory();
  const substitutions = new Map<LuaValue, Memory>();
  const any = lpeg.pattern(1, 1, 'P', 1);

  const updateLocale = (): void => {
    lpeg.locale(predefined);
    predefined.setStr('nl', lpeg.pattern('\n', 1, 'P', 1));
    for (const [letter, name] of Object.entries(LETTERS)) {
      const p = predefined.get(name) as LuaPattern;
      predefined.setStr(letter, p);
      predefined.setStr(letter.toUpperCase(), lpeg.difference(any, p));
    }
    matches.clear();
    finds.clear();
    substitutions.clear();
  };
  updateLocale();

  const compile = (p: LuaValue, defs: LuaValue, n: number, fname: string, given: number): LuaPattern => {
    if (p instanceof LuaPattern) return p;
    const text = typeof p === 'string' || typeof p === 'number' ? argString(p, n, fname, given) : undefined;
    if (text === undefined) typeError(p, n, fname, 'string', given);
    return new Reader(lpeg, text, defs, predefined).pattern();
  };
  const start = (init: LuaValue, length: number, fname: string): number =>
    init === undefined || init === false ? 0 : startAt(init, length, fname);

  const functions: Record<string, LuaFunction> = {
    compile(p: LuaValue, defs: LuaValue): LuaResult {
      return compile(p, defs, 1, 'compile', arguments.length);
    },
    match(s: LuaValue, p: LuaValue, init: LuaValue): LuaResult {
      const given = arguments.length;
      const subject = argString(s, 1, 'match', given);
      const cp = p instanceof LuaPattern ? p : matches.get(p, () => compile(p, undefined, 2, 'match', given));
      return lpeg.match(cp, subject, start(init, subject.length, 'match'), []);
    },
    find(s: LuaValue, p: LuaValue, init: LuaValue): LuaResult {
      const given = arguments.length;
      const subject = argString(s, 1, 'find', given);
      const cp = finds.get(p, () => {
        const silent = lpeg.transform(compile(p, undefined, 2, 'find', given), 0);
        const position = lpeg.capture('position', lpeg.empty());
        const rules = new LuaTable();
        const found = lpeg.seq(lpeg.seq(position, silent), position);
        rules.set(1, lpeg.choice(found, lpeg.seq(any, lpeg.variable(1))));
        return lpeg.pattern(rules, 1, 'P', 1);
      });
      const r = lpeg.match(cp, subject, start(init, subject.length, 'find'), []);
      return r === S ? ret2(R.a, (R.b as number) - 1) : r;
    },
    gsub(s: LuaValue, p: LuaValue, replacement: LuaValue): LuaResult {
      const given = arguments.length;
      const subject = argString(s, 1, 'gsub', given);
      let memory = substitutions.get(p);
      if (memory === undefined) {
        if (substitutions.size >= KEPT) substitutions.clear();
        memory = new Memory();
        substitutions.set(p, memory);
      }
      const cp = memory.get(replacement, () => {
        const replaced = lpeg.transform(compile(p, undefined, 2, 'gsub', given), replacement);
        return lpeg.capture('substitution', lpeg.repeat(lpeg.choice(replaced, any), 0));
      });
      return lpeg.match(cp, subject, 0, []);
    },
    updatelocale(): LuaResult {
      updateLocale();
      return ret0();
    },
  };
  const t = new LuaTable();
  for (const [name, fn] of Object.entries(functions)) t.setStr(name, fn);
  return markLibrary(t);
}
