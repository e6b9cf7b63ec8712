// The module `lpeg`: https://www.inf.puc-rio.br/~roberto/lpeg/, version 1.1.
//
// This file checks arguments and makes patterns of Lua values. Trees and what is known of them are in tree.ts and
// grammar.ts, matching in compile.ts, captured values in values.ts.

import { ret0, retN } from '../../call.ts';
import { argError, throwError } from '../../error.ts';
import { LuaTable } from '../../table.ts';
import { type LuaFunction, type LuaResult, type LuaValue, Userdata } from '../../value.ts';
import { argInteger, argNumber, argString, typeError, typeName } from '../args.ts';
import { markLibrary, markNative } from '../native.ts';
import { NO_CHARS, rangeSet, setOf, union } from './charset.ts';
import { Compiled } from './compile.ts';
import { NATIVE_DEPTH } from './generate.ts';
import { makeGrammar, ruleName } from './grammar.ts';
import { Matcher, MIN_STACK } from './matcher.ts';
import {
  type CaptureKind,
  choice,
  count,
  difference,
  FALSE,
  fixedLength,
  hasCaptures,
  not,
  nullable,
  openCall,
  repeat,
  seq,
  TRUE,
  type Tree,
  text,
} from './tree.ts';
import { matchValues } from './values.ts';

const VERSION = 'LPeg 1.1.0';
const MAX_VALUES = 65535;
const MAX_BEHIND = 255;
const MAX_SHORT = 32767;

/** Counts the Lua values that patterns refer to; patterns joined with themselves have the same. */
interface Values {
  readonly n: number;
}

const NO_VALUES: Values = { n: 0 };
const ONE: number = 1;

/** A pattern as Lua code has it. */
export class LuaPattern extends Userdata {
  readonly tree: Tree;
  readonly values: Values;
  compiled: Compiled | undefined = undefined;

  constructor(metatable: LuaTable, tree: Tree, values: Values) {
    super(metatable);
    this.tree = tree;
    this.values = values;
  }
}

function joined(a: Values, b: Values): Values {
  if (b.n === 0 || a === b) return a;
  if (a.n === 0) return b;
  return makeValues(a.n + b.n);
}

function makeValues(n: number): Values {
  if (n > MAX_VALUES) throwError('too many Lua values in pattern');
  return { n };
}

/** Matchers of matches under way, outermost first. */
const matchers: Matcher[] = [];
let running = 0;

const CLASSES: Readonly<Record<string, (c: number) => boolean>> = {
  alnum: (c) => isAlpha(c) || isDigit(c),
  alpha: (c) => isAlpha(c),
  cntrl: (c) => c < 32 || c === 127,
  digit: (c) => isDigit(c),
  graph: (c) => c > 32 && c < 127,
  lower: (c) => c >= 97 && c <= 122,
  print: (c) => c >= 32 && c < 127,
  punct: (c) => c > 32 && c < 127 && !isAlpha(c) && !isDigit(c),
  space: (c) => c === 32 || (c >= 9 && c <= 13),
  upper: (c) => c >= 65 && c <= 90,
  xdigit: (c) => isDigit(c) || (c >= 65 && c <= 70) || (c >= 97 && c <= 102),
};

function isAlpha(c: number): boolean {
  return (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

/** The lpeg of one state: makes its patterns. */
export class Lpeg {
  /** The metatable of patterns; their methods are the module's functions. */
  readonly metatable = new LuaTable();
  /** The module. */
  readonly module = new LuaTable();
  private maxStack = MIN_STACK;

  constructor() {
    const { metatable, module } = this;
    for (const [name, fn] of Object.entries(this.functions())) module.setStr(name, fn);
    module.setStr('version', VERSION);
    markLibrary(module);
    for (const [name, fn] of Object.entries(this.metamethods())) metatable.setStr(name, markNative(fn, name));
    metatable.setStr('__name', 'lpeg-pattern');
    metatable.setStr('__index', module);
  }

  make(tree: Tree, values: Values = NO_VALUES): LuaPattern {
    return new LuaPattern(this.metatable, tree, values);
  }

  /** lpeg.P: the pattern that a value stands for, argument n of a function. */
  pattern(v: LuaValue, n: number, fname: string, given: number): LuaPattern {
    if (v instanceof LuaPattern) return v;
    switch (typeof v) {
      case 'string':
        return this.make(text(v));
      case 'number':
        return this.make(count(argInteger(v, n, fname, given)));
      case 'boolean':
        return this.make(v ? TRUE : FALSE);
      case 'function':
        return this.make({ kind: 'runtime', p: TRUE, fn: v }, makeValues(ONE));
    }
    if (v instanceof LuaTable) {
      let values = makeValues(0);
      const treeOf = (rule: LuaValue): Tree | undefined => {
        if (!(rule instanceof LuaPattern)) return undefined;
        values = joined(values, rule.values);
        return rule.tree;
      };
      return this.make(
        makeGrammar(v, treeOf, () => argError(n, fname, 'grammar has too many rules')),
        values,
      );
    }
    typeError(v, n, fname, 'lpeg-pattern', given);
  }

  seq(a: LuaPattern, b: LuaPattern): LuaPattern {
    return this.make(seq(a.tree, b.tree), joined(a.values, b.values));
  }

  choice(a: LuaPattern, b: LuaPattern): LuaPattern {
    return this.make(choice(a.tree, b.tree), joined(a.values, b.values));
  }

  difference(a: LuaPattern, b: LuaPattern): LuaPattern {
    return this.make(difference(a.tree, b.tree), joined(a.values, b.values));
  }

  repeat(p: LuaPattern, n: number): LuaPattern {
    if (n >= 0 && nullable(p.tree, undefined)) throwError('loop body may accept empty string');
    return this.make(repeat(p.tree, n), p.values);
  }

  and(p: LuaPattern): LuaPattern {
    return this.make({ kind: 'and', p: p.tree }, p.values);
  }

  not(p: LuaPattern): LuaPattern {
    return this.make(not(p.tree), p.values);
  }

  /** A capture; its value counts among those of the pattern unless it is a number. */
  capture(what: CaptureKind, p: LuaPattern, value?: LuaValue): LuaPattern {
    const own = what === 'number' || what === 'argument' || value === undefined ? NO_VALUES : makeValues(ONE);
    return this.make({ kind: 'capture', what, value, p: p.tree }, joined(p.values, own));
  }

  runtime(p: LuaPattern, fn: LuaFunction): LuaPattern {
    return this.make({ kind: 'runtime', p: p.tree, fn }, joined(p.values, makeValues(ONE)));
  }

  empty(): LuaPattern {
    return this.make(TRUE);
  }

  /** A nonterminal. */
  variable(key: LuaValue): LuaPattern {
    return this.make({ kind: 'call', key }, makeValues(ONE));
  }

  /** `p / v`. */
  transform(p: LuaPattern, v: LuaValue): LuaPattern {
    if (typeof v === 'string') return this.capture('string', p, v);
    if (typeof v === 'function') return this.capture('function', p, v);
    if (v instanceof LuaTable) return this.capture('query', p, v);
    if (typeof v === 'number') {
      const n = argInteger(v, 2, '__div', 2);
      if (n < 0 || n > MAX_SHORT) argError(1, '__div', 'invalid number');
      return this.capture('number', p, n);
    }
    throwError(`unexpected ${typeName(v)} as 2nd operand to LPeg '/'`);
  }

  constants(values: readonly LuaValue[]): LuaPattern {
    if (values.length === 0) return this.empty();
    let list = TRUE;
    for (const value of values) list = seq(list, { kind: 'capture', what: 'constant', value, p: TRUE });
    const tree: Tree = values.length === 1 ? list : { kind: 'capture', what: 'group', value: undefined, p: list };
    return this.make(tree, makeValues(values.length));
  }

  /** The class patterns of the C locale. */
  locale(t: LuaTable): void {
    for (const [name, has] of Object.entries(CLASSES)) {
      let chars = '';
      for (let c = 0; c < 256; c++) if (has(c)) chars += String.fromCharCode(c);
      t.setStr(name, this.make({ kind: 'set', set: setOf(chars) }));
    }
  }

  /** Matches at index i; the results are those of lpeg.match. */
  match(p: LuaPattern, subject: string, i: number, args: LuaValue[]): LuaResult {
    let { compiled } = p;
    if (compiled === undefined) {
      const open = openCall(p.tree);
      if (open !== undefined) throwError(`rule '${ruleName(open.key)}' used outside a grammar`);
      compiled = p.compiled = new Compiled(p.tree);
    }
    const m = running < matchers.length ? matchers[running]! : addMatcher();
    running++;
    m.setSubject(subject);
    m.args = args;
    m.maxStack = this.maxStack;
    m.limit = NATIVE_DEPTH;
    try {
      const end = compiled.match(m, i);
      if (end < 0) return undefined;
      if (m.top === 0) return end + 1;
      const values = matchValues(m);
      return values.length === 0 ? end + 1 : retN(values);
    } finally {
      running--;
      m.release();
    }
  }

  private functions(): Record<string, LuaFunction> {
    const lpeg = this;
    const simple = (what: CaptureKind, name: string): LuaFunction =>
      function (v: LuaValue): LuaResult {
        return lpeg.capture(what, lpeg.pattern(v, 1, name, arguments.length));
      };
    const debugOnly: LuaFunction = () => throwError('function only implemented in debug mode');
    return {
      P(v: LuaValue): LuaResult {
        if (arguments.length === 0) argError(1, 'P', 'value expected');
        return lpeg.pattern(v, 1, 'P', arguments.length);
      },
      S(v: LuaValue): LuaResult {
        const chars = argString(v, 1, 'S', arguments.length);
        return lpeg.make({ kind: 'set', set: setOf(chars) });
      },
      R(...list: LuaValue[]): LuaResult {
        let set = NO_CHARS;
        list.forEach((v, k) => {
          const range = argString(v, k + 1, 'R', list.length);
          if (range.length !== 2) argError(k + 1, 'R', 'range must have two characters');
          set = union(set, rangeSet(range.charCodeAt(0), range.charCodeAt(1)));
        });
        return lpeg.make({ kind: 'set', set });
      },
      utfR(from: LuaValue, to: LuaValue): LuaResult {
        const a = codePoint(from, 1, arguments.length);
        const b = codePoint(to, 2, arguments.length);
        if (a > b) argError(2, 'utfR', 'empty range');
        if (b > 0x7f) return lpeg.make({ kind: 'utf', from: a, to: b });
        return lpeg.make({ kind: 'set', set: rangeSet(a, b) });
      },
      B(v: LuaValue): LuaResult {
        const p = lpeg.pattern(v, 1, 'B', arguments.length);
        const n = fixedLength(p.tree, undefined);
        if (n < 0) argError(1, 'B', 'pattern may not have fixed length');
        if (hasCaptures(p.tree, undefined, true)) argError(1, 'B', 'pattern have captures');
        if (n > MAX_BEHIND) argError(1, 'B', 'pattern too long to look behind');
        return lpeg.make({ kind: 'behind', p: p.tree, n }, p.values);
      },
      V(v: LuaValue): LuaResult {
        if (v === undefined) argError(1, 'V', 'non-nil value expected');
        return lpeg.variable(v);
      },
      C: simple('simple', 'C'),
      Cs: simple('substitution', 'Cs'),
      Ct: simple('table', 'Ct'),
      Cp: () => lpeg.capture('position', lpeg.empty()),
      Cc: (...values: LuaValue[]) => lpeg.constants(values),
      Carg(v: LuaValue): LuaResult {
        const n = argInteger(v, 1, 'Carg', arguments.length);
        if (n <= 0 || n > MAX_SHORT) argError(1, 'Carg', 'invalid argument index');
        return lpeg.capture('argument', lpeg.empty(), n);
      },
      Cb(v: LuaValue): LuaResult {
        if (v === undefined) argError(1, 'Cb', 'value expected');
        return lpeg.capture('back', lpeg.empty(), v);
      },
      Cg(v: LuaValue, key: LuaValue): LuaResult {
        const p = lpeg.pattern(v, 1, 'Cg', arguments.length);
        return key === undefined ? lpeg.capture('group', p) : lpeg.capture('named', p, key);
      },
      Cf(v: LuaValue, f: LuaValue): LuaResult {
        const p = lpeg.pattern(v, 1, 'Cf', arguments.length);
        return lpeg.capture('fold', p, argFunction(f, 'Cf', arguments.length));
      },
      Cmt(v: LuaValue, f: LuaValue): LuaResult {
        const fn = argFunction(f, 'Cmt', arguments.length);
        return lpeg.runtime(lpeg.pattern(v, 1, 'Cmt', arguments.length), fn);
      },
      match(v: LuaValue, s: LuaValue, init: LuaValue, ...args: LuaValue[]): LuaResult {
        const p = lpeg.pattern(v, 1, 'match', arguments.length);
        const subject = typeof s === 'string' ? s : argString(s, 2, 'match', arguments.length);
        return lpeg.match(p, subject, init === undefined ? 0 : startAt(init, subject.length, 'match'), args);
      },
      type(v: LuaValue): LuaResult {
        return v instanceof LuaPattern ? 'pattern' : undefined;
      },
      setmaxstack(v: LuaValue): LuaResult {
        const n = argInteger(v, 1, 'setmaxstack', arguments.length);
        if (n <= 0 || n > 21474836) argError(1, 'setmaxstack', 'out of range');
        lpeg.maxStack = n;
        return ret0();
      },
      locale(v: LuaValue): LuaResult {
        if (v !== undefined && !(v instanceof LuaTable)) typeError(v, 1, 'locale', 'table', arguments.length);
        const t = v ?? new LuaTable();
        lpeg.locale(t);
        return t;
      },
      ptree: debugOnly,
      pcode: debugOnly,
    };
  }

  private metamethods(): Record<string, LuaFunction> {
    const lpeg = this;
    const binary = (name: string, combine: (a: LuaPattern, b: LuaPattern) => LuaPattern): LuaFunction =>
      function (a: LuaValue, b: LuaValue): LuaResult {
        return combine(lpeg.pattern(a, 1, name, arguments.length), lpeg.pattern(b, 2, name, arguments.length));
      };
    return {
      __mul: binary('__mul', (a, b) => lpeg.seq(a, b)),
      __add: binary('__add', (a, b) => lpeg.choice(a, b)),
      __sub: binary('__sub', (a, b) => lpeg.difference(a, b)),
      __pow(p: LuaValue, n: LuaValue): LuaResult {
        const times = argInteger(n, 2, '__pow', arguments.length);
        return lpeg.repeat(lpeg.pattern(p, 1, '__pow', arguments.length), times);
      },
      __len: (p: LuaValue) => lpeg.and(lpeg.pattern(p, 1, '__len', 1)),
      __unm: (p: LuaValue) => lpeg.not(lpeg.pattern(p, 1, '__unm', 1)),
      __div: (p: LuaValue, v: LuaValue) => lpeg.transform(lpeg.pattern(p, 1, '__div', 2), v),
      __mod(p: LuaValue, f: LuaValue): LuaResult {
        const fn = argFunction(f, '__mod', 2);
        return lpeg.capture('accumulator', lpeg.pattern(p, 1, '__mod', 2), fn);
      },
    };
  }
}

/** The index that an initial position (argument 3) means. */
export function startAt(init: LuaValue, length: number, fname: string): number {
  const n = Math.trunc(argNumber(init, 3, fname, 3));
  return n > 0 ? Math.min(n - 1, length) : Math.max(length + n, 0);
}

function addMatcher(): Matcher {
  const m = new Matcher();
  matchers.push(m);
  return m;
}

function codePoint(v: LuaValue, n: number, given: number): number {
  const code = Math.trunc(argNumber(v, n, 'utfR', given));
  if (!(code >= 0 && code <= 0x10ffff)) argError(n, 'utfR', 'invalid code point');
  return code;
}

function argFunction(v: LuaValue, fname: string, given: number): LuaFunction {
  if (typeof v !== 'function') typeError(v, 2, fname, 'function', given);
  return v;
}
