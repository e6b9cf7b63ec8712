/**
 * Random Lua programs. An expression is made for a type that is wanted, from variables known to have it, so that most
 * programs run to their end; now and then it gets another type, for the error messages. What would not be the same
 * everywhere is not made: addresses, the order of a hash, the length of tables with holes. Every loop and function
 * uses fuel (harness.lua), so that all programs end.
 */

import type { Random } from './random.ts';

type Type = 'num' | 'str' | 'bool' | 'seq' | 'rec' | 'fn' | 'obj' | 'nil';

interface Signature {
  readonly params: readonly Type[];
  readonly ret: Type;
}

interface Variable {
  readonly name: string;
  readonly type: Type | 'any';
  readonly signature: Signature | undefined;
  /** Number of the function it belongs to; 0 for globals. */
  readonly level: number;
}

interface FunctionContext {
  readonly vararg: boolean;
  readonly ret: Type;
  /** Loops around the current statement. */
  loops: number;
  /** Labels at the ends of the loops around it. */
  readonly labels: string[];
}

/** What the reference can do. */
export interface Dialect {
  readonly compat52: boolean;
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'x', 'y', 'k', 's', 'n'];
const FIELDS = ['p', 'q', 'r', 'name', 'n', '_x1'];
const SMALL = '0 1 2 3 4 5 7 8 10 12 100'.split(' ');
const NUMBERS = (
  '-1 -2 -7 0.5 1.5 -0.25 .1 3. 1e3 1e15 1e16 123456789012 0x10 0xff 0X7fffffff 0xffffffff ' +
  '2147483647 -2147483648 4294967296 9007199254740992 1e100 1e308 -1e308 5e-324 1e-5 1e14 ' +
  '99999999999999 0x1p4 0x.8 12345.678 1/3 -0 -0.0 math.huge -math.huge 0/0 math.pi 2^53 1e-7 255 ' +
  '256 32 31 33 64'
).split(' ');
const STRINGS = [
  '""',
  '"a"',
  '"b"',
  '"abc"',
  '"10"',
  '"0x10"',
  '" 5 "',
  '"1e2"',
  '"x\\ny"',
  "'it\\'s'",
  '[[long]]',
  '[==[\nl]]2]==]',
  '"\\0z"',
  '"\\65\\066"',
  '"\\x41\\z\n  b"',
  '"hello world"',
  '"key=val"',
  '"%d"',
  '"-7"',
  '"nan"',
  '"inf"',
  '"0x"',
  '"\\200\\255"',
  '"B"',
  '"aa"',
  '"1,2,3"',
  '"\\u{e9}"',
];
const PATTERNS = (
  '"%a+" "." "(.)(.)" "[^,]*" "%d" "()" "^%s*(.-)%s*$" "l+" "%w*" "(%w+)=(%w+)" "[%l]" "" ' +
  '"%f[%w]%w+" "a-b" "x" "."'
).split(' ');
const BINARY_EVENTS = ['__add', '__sub', '__mul', '__div', '__mod', '__pow', '__concat', '__eq', '__lt', '__le'];

export function generateProgram(random: Random, dialect: Dialect): string {
  return new Generator(random, dialect).program();
}

class Generator {
  private readonly r: Random;
  private readonly dialect: Dialect;
  private readonly lines: string[] = [];
  private vars: Variable[] = [];
  private fns: FunctionContext[] = [];
  private level = 0;
  private labels = 0;
  /** Statements that may still be made. */
  private budget: number;
  /** Inside a function that must not yield: nothing is called there that might. */
  private pure = 0;
  /** Whether metamethods have been declared. */
  private hasObjects = false;
  private readonly mistakes: number;

  constructor(random: Random, dialect: Dialect) {
    this.r = random;
    this.dialect = dialect;
    this.budget = 6 + random.below(random.once(4) ? 40 : 18);
    this.mistakes = random.pick([40, 80, 150, 400]);
  }

  program(): string {
    this.level = 1;
    this.fns.push({ vararg: true, ret: 'num', loops: 0, labels: [] });
    for (const name of ['g1', 'g2', 'g3']) {
      if (this.r.once(2)) continue;
      const type = this.r.pick<Type>(['num', 'str', 'rec', 'seq']);
      this.put(`${name} = ${this.value(type, 1)}`);
      this.vars.push({ name, type, signature: undefined, level: 0 });
    }
    if (this.r.once(2)) this.metatable();
    for (let n = 1 + this.r.below(3); n > 0; n--) this.localStatement();
    while (this.budget > 0) this.statement(0);
    this.showAll();
    if (this.r.once(3)) this.put(`return ${this.list(this.r.below(3), 2)}`);
    return this.lines.join('\n');
  }

  private put(text: string): void {
    this.lines.push(this.r.once(12) ? text + ';' : text);
  }

  /** Text of what `make` puts, on lines of its own. */
  private captureLines(make: () => void): string {
    const from = this.lines.length;
    make();
    return this.lines.splice(from).join('\n');
  }

  // Variables

  private visible(test: (v: Variable) => boolean): Variable[] {
    const seen = new Set<string>();
    const found: Variable[] = [];
    for (let i = this.vars.length - 1; i >= 0; i--) {
      const v = this.vars[i]!;
      if (seen.has(v.name)) continue;
      seen.add(v.name);
      if (test(v)) found.push(v);
    }
    return found;
  }

  private variable(type: Type): Variable | undefined {
    const found = this.visible((v) => v.type === type);
    return found.length === 0 ? undefined : this.r.pick(found);
  }

  private declare(name: string, type: Type | 'any', signature?: Signature): void {
    this.vars.push({ name, type, signature, level: this.level });
  }

  private type(): Type {
    return this.r.weighted({
      num: 40,
      str: 25,
      bool: 6,
      seq: 14,
      rec: 12,
      fn: this.pure ? 0 : 12,
      obj: this.hasObjects && !this.pure ? 12 : 0,
      nil: 2,
    });
  }

  // Expressions

  /** An expression of a type; `depth` is how much more it may nest. */
  private exp(type: Type, depth: number): string {
    if (this.r.once(this.mistakes)) {
      const other = this.r.pick<Type>(['num', 'str', 'bool', 'seq', 'rec', 'nil', 'nil']);
      if (this.r.once(3)) return this.r.pick(['undefinedglobal', 'g4', 'g5.x', '_G.zz']);
      return this.value(other, depth - 1);
    }
    return this.value(type, depth);
  }

  private value(type: Type, depth: number): string {
    if (depth > 0 && this.r.once(25)) {
      const inner = this.value(type, depth - 1);
      switch (this.r.below(7)) {
        case 0:
          return `(${inner})`;
        case 1:
          return `T("t${this.r.below(9)}", ${inner})`;
        case 2:
          return type === 'nil' || type === 'bool'
            ? inner
            : `(${this.exp('bool', depth - 1)} and ${inner} or ${this.value(type, 0)})`;
        case 3:
          return this.pure ? inner : `(function(...) return ... end)(${inner})`;
        case 4:
          return `select(${this.r.pick(['1', '-1', '2'])}, ${inner}, ${this.value(type, 0)})`;
        case 5:
          return type === 'nil' || type === 'bool' ? inner : `(nil or ${inner})`;
        default:
          return type === 'nil' || type === 'bool' ? inner : `(${inner} or ${this.value(this.type(), 0)})`;
      }
    }
    switch (type) {
      case 'num':
        return this.num(depth);
      case 'str':
        return this.str(depth);
      case 'bool':
        return this.bool(depth);
      case 'seq':
        return this.seq(depth);
      case 'rec':
        return this.rec(depth);
      case 'fn':
        return this.fn(depth);
      case 'obj':
        return this.obj(depth);
      default:
        return 'nil';
    }
  }

  private nl(): string {
    return this.r.once(25) ? '\n' : ' ';
  }

  private literal(): string {
    return this.r.once(4) ? this.r.pick(NUMBERS) : this.r.pick(SMALL);
  }

  private num(depth: number): string {
    const v = this.variable('num');
    if (depth <= 0) return v !== undefined && !this.r.once(3) ? v.name : this.literal();
    const d = depth - 1;
    switch (
      this.r.weighted({
        literal: 10,
        variable: 30,
        arith: 30,
        unary: 6,
        length: 5,
        math: 6,
        bit: 5,
        tonumber: 4,
        item: 7,
        field: 6,
        call: this.pure ? 0 : 10,
        object: this.hasObjects && !this.pure ? 9 : 0,
        vararg: 4,
        yield: this.pure ? 0 : 3,
        any: 3,
        byte: 2,
        line: 1,
        coerced: 1,
      })
    ) {
      case 'literal':
        return this.literal();
      case 'variable':
        return v?.name ?? this.literal();
      case 'arith': {
        const op = this.r.pick(['+', '-', '*', '/', '%', '^', '+', '-', '*']);
        // Powers that are exact, or a square root: of others the last digit may differ.
        if (op === '^') {
          return this.r.once(2)
            ? `(${this.exp('num', d)} ^ ${this.r.pick(['2', '0.5', '0', '1', '"2"'])})`
            : `(2 ^ ${this.r.pick(['3', '0.5', '-1', '10', '31', '53', '1000'])})`;
        }
        const text = `${this.exp('num', d)} ${op}${this.nl()}${this.exp('num', d)}`;
        return this.r.once(3) ? text : `(${text})`;
      }
      case 'unary':
        return `- ${this.exp('num', d)}`;
      case 'length':
        return `#${this.r.once(2) ? this.primary('str', d) : this.primary('seq', d)}`;
      case 'math':
        switch (this.r.below(5)) {
          case 0:
            return `math.${this.r.pick(['floor', 'ceil', 'abs', 'sqrt'])}(${this.exp('num', d)})`;
          case 1:
            return `math.${this.r.pick(['max', 'min'])}(${this.expList('num', 1 + this.r.below(3), d)})`;
          case 2:
            return `math.fmod(${this.exp('num', d)}, ${this.exp('num', d)})`;
          case 3:
            return `math.modf(${this.exp('num', d)})`;
          default:
            return `math.${this.r.pick(['frexp', 'abs', 'floor'])}(${this.exp('num', d)})`;
        }
      case 'bit': {
        const f = this.r.pick([
          'band',
          'bor',
          'bxor',
          'lshift',
          'rshift',
          'arshift',
          'rol',
          'ror',
          'bnot',
          'tobit',
          'bswap',
        ]);
        const small = (): string => this.r.pick(['1', '255', '0xff00', '-1', '7', '2^31', '4', this.r.pick(SMALL)]);
        const x = v !== undefined && this.r.once(2) ? `${v.name} % 65536` : small();
        return `bit.${f}(${x}${/^b?(not|swap|tobit)/.test(f) ? '' : `, ${small()}`})`;
      }
      case 'tonumber':
        return `(tonumber(${this.exp('str', d)}${this.r.once(3) ? `, ${this.r.pick(['10', '16', '2', '36'])}` : ''}) or ${this.literal()})`;
      case 'item': {
        const s = this.variable('seq');
        if (s === undefined) return this.literal();
        const k = this.r.once(2) ? String(1 + this.r.below(3)) : this.exp('num', d);
        return `(${s.name}[${k}] or ${this.exp('num', d)})`;
      }
      case 'field': {
        const t = this.variable('rec');
        if (t === undefined) return this.literal();
        const f = this.r.pick(FIELDS);
        return `(tonumber(${t.name}${this.r.once(3) ? `["${f}"]` : `.${f}`}) or ${this.literal()})`;
      }
      case 'call':
        return this.call('num', d) ?? this.literal();
      case 'object': {
        const o = this.variable('obj');
        if (o === undefined) return this.literal();
        switch (this.r.below(6)) {
          case 0:
            return `${o.name}:m(${this.exp('num', d)})`;
          case 1:
            return `${o.name}.v`;
          case 2:
            return `${o.name}(${this.list(this.r.below(3), d)})`;
          case 3:
            return `(- ${o.name})`;
          default: {
            const op = this.r.pick(['+', '-', '*', '/', '%', '^']);
            const other = this.r.once(2) ? this.exp('num', d) : this.value('obj', 0);
            return this.r.once(2) ? `(${o.name} ${op} ${other})` : `(${other} ${op} ${o.name})`;
          }
        }
      }
      case 'vararg':
        if (!this.fn0.vararg) return this.literal();
        return this.r
          .pick(
            ["select('#', ...)", '(tonumber((...)) or 9)', '#{...}', "(select('#', ...))"].slice(0, this.pure ? 2 : 4),
          )
          .replace('#{...}', "select('#', ...)");
      case 'yield':
        return this.r.once(2)
          ? `(tonumber(yield(${this.list(this.r.below(3), d)})) or 1)`
          : `(yield(${this.exp('num', d)}) or 2)`;
      case 'any': {
        const a = this.visible((x) => x.type === 'any');
        return a.length === 0 ? this.literal() : `(tonumber(${this.r.pick(a).name}) or ${this.literal()})`;
      }
      case 'byte':
        return `(${this.primary('str', d)}:byte(${this.r.pick(['', '1', '2', '-1'])}) or 0)`;
      case 'line':
        return 'L()';
      default:
        return this.r.pick([
          '"10" + 1',
          '("0x10" * 2)',
          '-"2"',
          '("3" % "2")',
          '10 .. 20',
          '(" 7 " - 1)',
          '("a" + 1)',
          '("1" .. 2) + 1',
        ]);
    }
  }

  private get fn0(): FunctionContext {
    return this.fns[this.fns.length - 1]!;
  }

  /** An expression that can be indexed or called. */
  private primary(type: Type, depth: number): string {
    const text = this.exp(type, depth);
    return /^[A-Za-z_]\w*$/.test(text) || /^\([^()]*\)$/.test(text) ? text : `(${text})`;
  }

  private str(depth: number): string {
    const v = this.variable('str');
    if (depth <= 0) return v !== undefined && !this.r.once(3) ? v.name : this.r.pick(STRINGS);
    const d = depth - 1;
    switch (
      this.r.weighted({
        literal: 14,
        variable: 26,
        concat: 22,
        tostring: 7,
        method: 14,
        format: 5,
        gsub: 5,
        tableconcat: 4,
        type: 4,
        call: this.pure ? 0 : 5,
        object: this.hasObjects && !this.pure ? 4 : 0,
        match: 4,
        error: this.pure ? 0 : 2,
      })
    ) {
      case 'literal':
        return this.r.pick(STRINGS);
      case 'variable':
        return v?.name ?? this.r.pick(STRINGS);
      case 'concat': {
        const parts = [this.exp('str', d)];
        for (let n = 1 + this.r.below(3); n > 0; n--) parts.push(this.exp(this.r.once(3) ? 'num' : 'str', d));
        return `(${parts.join(` ..${this.nl()}`)})`;
      }
      case 'tostring':
        return `tostring(${this.exp(this.r.pick(['num', 'bool', 'nil', 'str', 'num', 'num']), d)})`;
      case 'method': {
        const s = this.primary('str', d);
        const i = (): string => this.r.pick(['1', '2', '3', '-1', '-2', '0', '5', '-9']);
        switch (this.r.below(5)) {
          case 0:
            return `${s}:sub(${i()}${this.r.once(2) ? `, ${i()}` : ''})`;
          case 1:
            return `${s}:${this.r.pick(['upper', 'lower', 'reverse'])}()`;
          case 2:
            return `${s}:rep(${this.r.below(4)})`;
          case 3:
            return `string.${this.r.pick(['upper', 'lower', 'reverse'])}(${s})`;
          default:
            return `string.char(${this.r.pick(['65', '97, 98', '', '48, 0, 255'])})`;
        }
      }
      case 'format': {
        const [f, type] = this.r.pick<[string, Type]>([
          ['%d', 'num'],
          ['%s', 'str'],
          ['%5.1f', 'num'],
          ['%g', 'num'],
          ['%q', 'str'],
          ['%x', 'num'],
          ['%5s|', 'str'],
          ['%s', 'num'],
          ['%c', 'num'],
          ['%s', 'bool'],
          ['%i', 'num'],
          ['%.3s', 'str'],
          ['%e', 'num'],
          ['%-6d|', 'num'],
        ]);
        const arg =
          f === '%d' || f === '%x' || f === '%c' || f === '%i' || f === '%-6d|'
            ? this.r.pick(['65', '-1', '3.7', '100', '2^31', '"12"'])
            : this.exp(type, d);
        return `string.format("${f}", ${arg})`;
      }
      case 'gsub': {
        const how = this.r.below(4);
        const replacement =
          how === 0
            ? '"<%0>"'
            : how === 1
              ? '"%1"'
              : how === 2
                ? `{ a = "A", b = ${this.r.pick(['1', 'false', '"-"'])}, l = true }`
                : this.callback();
        return `(${this.primary('str', d)}:gsub(${this.r.pick(PATTERNS)}, ${replacement}${this.r.once(4) ? `, ${this.r.below(3)}` : ''}))`;
      }
      case 'tableconcat':
        return `table.concat(${this.exp('seq', d)}${this.r.once(2) ? `, ${this.r.pick(['","', '""', '1', '" "'])}` : ''})`;
      case 'type':
        return `type(${this.value(this.type(), d)})`;
      case 'call':
        return this.call('str', d) ?? this.r.pick(STRINGS);
      case 'object': {
        const o = this.variable('obj');
        if (o === undefined) return this.r.pick(STRINGS);
        return this.r.once(3)
          ? `(${o.name} .. ${this.exp('str', d)})`
          : this.r.once(2)
            ? `(${this.exp('str', d)} .. ${o.name})`
            : `(${this.literal()} .. ${o.name} .. "z")`;
      }
      case 'match':
        return `(${this.primary('str', d)}:match(${this.r.pick(PATTERNS)}) or "")`;
      default:
        return `tostring(select(2, pcall(${this.r.once(2) ? 'error' : 'assert'}, ${this.r.pick(['"m"', 'nil', 'false', '5', '"m", 0', '"m", 2', 'nil, "am"'])})))`;
    }
  }

  /** A function for gsub: of strings, to something that may replace. */
  private callback(): string {
    this.pure++;
    const text = this.functionText(['m'], ['str'], false, 'str', 0);
    this.pure--;
    return text;
  }

  private bool(depth: number): string {
    const v = this.variable('bool');
    if (depth <= 0) return v !== undefined && this.r.once(2) ? v.name : this.r.pick(['true', 'false']);
    const d = depth - 1;
    switch (
      this.r.weighted({
        literal: 6,
        variable: 10,
        numbers: 25,
        strings: 8,
        equal: 15,
        not: 8,
        logic: 12,
        object: this.hasObjects && !this.pure ? 8 : 0,
        rawequal: 2,
        nil: 5,
      })
    ) {
      case 'literal':
        return this.r.pick(['true', 'false']);
      case 'variable':
        return v?.name ?? 'true';
      case 'numbers':
        return `(${this.exp('num', d)} ${this.r.pick(['<', '<=', '>', '>=', '==', '~='])}${this.nl()}${this.exp('num', d)})`;
      case 'strings':
        return `(${this.exp('str', d)} ${this.r.pick(['<', '<=', '>', '>=', '==', '~='])} ${this.exp('str', d)})`;
      case 'equal':
        return `(${this.value(this.type(), d)} ${this.r.pick(['==', '~='])} ${this.value(this.type(), d)})`;
      case 'not':
        return `not ${this.primary(this.r.once(3) ? this.type() : 'bool', d)}`;
      case 'logic':
        return `(${this.exp('bool', d)} ${this.r.pick(['and', 'or'])} ${this.exp('bool', d)})`;
      case 'object': {
        const op = this.r.pick(['<', '<=', '>', '>=', '==', '~=']);
        const mixed = this.dialect.compat52 && this.r.once(4);
        return `(${this.value('obj', 0)} ${op} ${mixed ? this.exp('num', d) : this.value('obj', 0)})`;
      }
      case 'rawequal':
        return `rawequal(${this.exp('num', d)}, ${this.exp('str', d)})`;
      default:
        return `(${this.value(this.type(), 0)} ${this.r.pick(['==', '~='])} nil)`;
    }
  }

  /** A sequence of numbers or strings, without holes. */
  private seq(depth: number): string {
    const v = this.variable('seq');
    if (v !== undefined && (depth <= 0 || this.r.once(2))) return v.name;
    const d = Math.max(depth - 1, 0);
    switch (this.r.below(7)) {
      case 0:
        return v === undefined ? '{}' : `{ unpack(${v.name}) }`;
      case 1:
        return this.fn0.vararg ? "{ select('#', ...) }" : '{}';
      case 2:
        return `{ ${this.primary('str', d)}:byte(1, -1) }`;
      case 3:
        return v === undefined
          ? '{ 3, 1, 2 }'
          : `{ ${this.exp('num', d)}, unpack(${v.name}, ${this.r.pick(['1', '2', '1, 2'])}) }`;
      default: {
        const items: string[] = [];
        for (let n = this.r.below(5); n > 0; n--) {
          items.push(
            this.r.once(12)
              ? `[${this.r.below(2) + 20}] = ${this.value('num', d)}`
              : this.value(this.r.once(4) ? 'str' : 'num', d),
          );
        }
        return items.length === 0 ? '{}' : `{ ${items.filter((i) => !i.startsWith('[2')).join(`,${this.nl()}`)} }`;
      }
    }
  }

  private rec(depth: number): string {
    const v = this.variable('rec');
    if (v !== undefined && (depth <= 0 || this.r.once(2))) return v.name;
    const d = Math.max(depth - 1, 0);
    const fields: string[] = [];
    for (let n = this.r.below(4); n > 0; n--) {
      const f = this.r.pick(FIELDS);
      const value = this.exp(this.r.pick(['num', 'num', 'str', 'bool', 'seq', 'rec']), d);
      fields.push(
        this.r.once(4)
          ? `["${f}"] = ${value}`
          : this.r.once(5)
            ? `[${this.value('str', 0)}] = ${value}`
            : `${f} = ${value}`,
      );
    }
    return fields.length === 0
      ? '{}'
      : `{ ${fields.join(`${this.r.pick([',', ',', ';'])}${this.nl()}`)}${this.r.once(6) ? ',' : ''} }`;
  }

  private obj(depth: number): string {
    const v = this.variable('obj');
    if (v !== undefined && (depth <= 0 || !this.r.once(4))) return v.name;
    return `setmetatable({ v = ${this.exp('num', Math.max(depth - 1, 0))} }, MT)`;
  }

  private fn(depth: number): string {
    const v = this.variable('fn');
    if (v !== undefined && (depth <= 0 || this.r.once(2) || this.budget <= 0)) return v.name;
    return this.functionText([], [], true, 'num', this.budget > 0 ? 2 : 0);
  }

  private call(ret: Type, depth: number): string | undefined {
    const found = this.visible((v) => v.type === 'fn' && (v.signature?.ret ?? 'num') === ret);
    if (found.length === 0) return undefined;
    const f = this.r.pick(found);
    return `${f.name}(${this.args(f.signature?.params ?? [], depth)})`;
  }

  private args(params: readonly Type[], depth: number): string {
    const texts = params.map((type) => this.exp(type, depth)).map(short);
    if (this.r.once(15)) texts.pop();
    if (this.r.once(8)) texts.push(this.short('num', depth));
    if (this.fn0.vararg && this.r.once(10)) texts.push('...');
    return texts.join(', ');
  }

  /** Like `exp`, of a length that does not grow when it is assigned again and again. */
  private short(type: Type, depth: number): string {
    return short(this.exp(type, depth));
  }

  private expList(type: Type, n: number, depth: number): string {
    return Array.from({ length: n }, () => this.exp(type, depth)).join(', ');
  }

  /** n expressions of any type; the last may have several values. */
  private list(n: number, depth: number): string {
    const texts: string[] = [];
    for (let i = 0; i < n; i++) {
      if (i === n - 1 && this.r.once(4)) {
        const many = this.multi(depth);
        if (many !== undefined) {
          texts.push(many);
          continue;
        }
      }
      texts.push(this.short(this.type(), depth));
    }
    return texts.join(`,${this.nl()}`);
  }

  private multi(depth: number): string | undefined {
    switch (this.r.below(6)) {
      case 0:
        return this.fn0.vararg ? '...' : undefined;
      case 1:
        return this.pure ? undefined : this.call('num', depth);
      case 2:
        return `unpack(${this.exp('seq', depth)})`;
      case 3:
        return this.fn0.vararg ? `select(${this.r.pick(['1', '2', '-1'])}, ...)` : undefined;
      case 4:
        return `${this.primary('str', depth)}:find(${this.r.pick(PATTERNS)})`;
      default:
        return this.pure ? undefined : `pcall(${this.protectedCall(depth)})`;
    }
  }

  private protectedCall(depth: number): string {
    const f = this.variable('fn');
    if (f !== undefined && this.r.once(2)) return `${f.name}, ${this.args(f.signature?.params ?? [], depth) || 'nil'}`;
    return this.r.pick([
      `error, ${this.short(this.type(), depth)}`,
      `error, ${this.short('str', depth)}, ${this.r.below(4)}`,
      `string.rep, ${this.short(this.type(), depth)}, ${this.r.below(3)}`,
      `yield, ${this.short('num', depth)}`,
      `next, {}, ${this.r.pick(['nil', '1', '"x"'])}`,
      'pcall, error, "deep"',
      `unpack, ${this.exp('seq', depth)}`,
      `setmetatable, ${this.short(this.type(), depth)}, nil`,
      `select, ${this.exp('num', 0)}, 1, 2`,
      `rawset, ${this.value('rec', depth)}, "p", 1`,
      `table.concat, ${this.value('seq', depth)}, ${this.exp('str', 0)}`,
      `math.floor, ${this.short(this.type(), depth)}`,
      `string.format, "%d", ${this.short('num', depth)}`,
      `loadstring(${this.r.pick(['"return ..."', '"x ="', '"error(\'in\')"', '"local a = nil; a.b = 1"', '"return yield(7)"'])}), 4`,
    ]);
  }

  // Functions

  /** `function(...) ... end`; up to `size` statements besides its return. */
  private functionText(
    names: readonly string[],
    types: readonly (Type | 'any')[],
    mayVararg: boolean,
    ret: Type,
    size: number,
  ): string {
    return `function${this.functionRest(names, types, mayVararg, ret, size)}`;
  }

  private functionRest(
    names: readonly string[],
    types: readonly (Type | 'any')[],
    mayVararg: boolean,
    ret: Type,
    size: number,
  ): string {
    const vararg = mayVararg && this.r.once(3);
    const mark = this.vars.length;
    this.level++;
    this.fns.push({ vararg, ret, loops: 0, labels: [] });
    names.forEach((name, i) => {
      this.declare(name, types[i]!);
    });
    const params = vararg ? [...names, '...'] : names;
    const body = this.captureLines(() => {
      if (size > 0 || !this.pure) this.put('F()');
      for (let n = size === 0 ? 0 : this.r.below(size + 1); n > 0; n--) this.statement(3);
      if (this.r.once(10)) return;
      const tail = this.pure ? undefined : this.r.once(8) ? this.call(ret, 1) : undefined;
      this.put(`return ${tail ?? this.short(ret, 2)}${this.r.once(4) ? `, ${this.list(1, 1)}` : ''}`);
    });
    this.fns.pop();
    this.level--;
    this.vars.length = mark;
    if (body === '') return `(${params.join(', ')}) end`;
    const onOne = this.r.once(3) && !body.includes('\n');
    return onOne ? `(${params.join(', ')}) ${body} end` : `(${params.join(', ')})\n${body}\nend`;
  }

  private signature(): { names: string[]; signature: Signature } {
    const names: string[] = [];
    const params: Type[] = [];
    for (let n = this.r.below(4); n > 0; n--) {
      const name = this.r.pick(NAMES);
      if (names.includes(name)) continue;
      names.push(name);
      params.push(this.r.pick<Type>(['num', 'num', 'str', 'seq', 'rec', 'bool']));
    }
    return { names, signature: { params, ret: this.r.pick<Type>(['num', 'num', 'str']) } };
  }

  private metatable(): void {
    this.put('local MT = {}');
    this.hasObjects = true;
    const simple = this.r.once(3);
    for (const event of BINARY_EVENTS) {
      if (this.r.once(4)) continue;
      const ret: Type =
        event === '__concat' ? 'str' : event === '__eq' || event === '__lt' || event === '__le' ? 'bool' : 'num';
      this.metamethod(event, ['a', 'b'], ret, simple);
    }
    if (!this.r.once(4)) this.metamethod('__unm', this.r.once(3) ? ['a', 'b'] : ['a'], 'num', simple);
    if (!this.r.once(4)) this.metamethod('__call', ['self', 'x'], 'num', simple, true);
    if (this.dialect.compat52 && !this.r.once(4)) this.metamethod('__len', ['self'], 'num', simple);
    switch (this.r.below(5)) {
      case 0:
        this.metamethod('__index', ['t', 'k'], 'num', simple);
        break;
      case 1:
        this.put(
          'MT.__index = setmetatable({ p = 4 }, { __index = function(t, k) F() return k == "m" and function(self, n) return n end or nil end })',
        );
        break;
      default:
        this.put('MT.__index = MT');
        this.metamethod('m', ['self', 'n'], 'num', simple, true);
    }
    const how = this.r.below(9);
    if (how < 3) this.metamethod('__newindex', ['t', 'k', 'v'], 'num', simple);
    else if (how < 5) this.put('function MT.__newindex(t, k, v) F() P("newindex", k, v) rawset(t, k, v) end');
    else if (how < 6) this.put('MT.__newindex = {}');
    if (this.r.once(3)) this.put('function MT.__tostring(o) return "obj" end');
    if (this.r.once(9)) this.put(`MT.__metatable = ${this.r.pick(['"locked"', 'false', '{}'])}`);
  }

  private metamethod(event: string, names: string[], ret: Type, simple: boolean, vararg = false): void {
    const rest = this.functionRest(
      names,
      names.map((n) => (n === 'x' || (n === 'n' && event === 'm') ? 'any' : 'any')),
      vararg,
      ret,
      simple ? 0 : 1,
    );
    this.put(this.r.once(2) ? `function MT.${event}${rest}` : `MT.${event} = function${rest}`);
  }

  // Statements

  private block(max: number, depth: number): void {
    const mark = this.vars.length;
    for (let n = 1 + this.r.below(max); n > 0; n--) this.statement(depth);
    const { loops, labels } = this.fn0;
    if (loops > 0 && this.r.once(6)) this.put('break');
    else if (labels.length > 0 && this.r.once(6)) this.put(`goto ${this.r.pick(labels)}`);
    else if (this.r.once(25)) this.put(`return ${this.short(this.fn0.ret, 1)}`);
    this.vars.length = mark;
  }

  private loopBody(depth: number, prepare?: () => void, mayContinue = true): void {
    const mark = this.vars.length;
    prepare?.();
    this.put('F()');
    this.fn0.loops++;
    const label = mayContinue && this.r.once(4) ? `l${++this.labels}` : undefined;
    if (label !== undefined) this.fn0.labels.push(label);
    const before = this.lines.length;
    this.block(3, depth + 1);
    if (label !== undefined) {
      this.fn0.labels.pop();
      // Nothing may follow these but the end of a block.
      if (/^(break|return|goto)\b/.test(this.lines[this.lines.length - 1]!))
        this.lines.push(`do ${this.lines.pop()!} end`);
      this.lines.push(`::${label}::`);
    }
    if (this.lines.length === before) this.put('P()');
    this.fn0.loops--;
    this.vars.length = mark;
  }

  private statement(depth: number): void {
    this.budget--;
    if (this.budget < -20) {
      this.put('P(1)');
      return;
    }
    const deep = depth < 4 && this.budget > 0;
    switch (
      this.r.weighted({
        local: 22,
        assign: 22,
        show: 18,
        localFunction: deep && !this.pure ? 8 : 0,
        if: deep ? 10 : 0,
        while: deep ? 4 : 0,
        repeat: deep ? 4 : 0,
        for: deep ? 8 : 0,
        forIn: deep ? 8 : 0,
        do: deep ? 4 : 0,
        goto: deep ? 4 : 0,
        pcall: deep && !this.pure ? 10 : 0,
        coroutine: deep && !this.pure ? 5 : 0,
        call: this.pure ? 0 : 8,
        field: 6,
        sort: 2,
        environment: this.pure ? 0 : 1,
        closures: deep && !this.pure ? 3 : 0,
        error: this.pure ? 0 : 1,
        table: 4,
        method: deep && !this.pure ? 3 : 0,
        load: this.pure ? 0 : 1,
      })
    ) {
      case 'local':
        this.localStatement();
        break;
      case 'assign':
        this.assign();
        break;
      case 'show':
        this.put(`P(${this.list(1 + this.r.below(3), 3)})`);
        break;
      case 'localFunction':
        this.localFunction();
        break;
      case 'if': {
        this.put1(`if ${this.condition(2)} then`);
        this.block(2, depth + 1);
        while (this.r.once(3)) {
          this.put1(`elseif ${this.condition(2)} then`);
          this.block(2, depth + 1);
        }
        if (this.r.once(3)) {
          this.put1('else');
          this.block(2, depth + 1);
        }
        this.put('end');
        break;
      }
      case 'while':
        this.put1(`while ${this.condition(2)} do`);
        this.loopBody(depth);
        this.put('end');
        break;
      case 'repeat': {
        const mark = this.vars.length;
        this.put1('repeat');
        this.put('F()');
        this.fn0.loops++;
        for (let n = 1 + this.r.below(3); n > 0; n--) this.statement(depth + 1);
        this.put(`until ${this.condition(2)}`);
        this.fn0.loops--;
        this.vars.length = mark;
        break;
      }
      case 'for': {
        const v = this.r.pick(NAMES);
        const [from, to, step] = this.r.pick([
          ['1', '3'],
          ['3', '1', '-1'],
          ['0', '1', '0.25'],
          ['1', '10', '4'],
          ['5', '1'],
          ['"1"', '2'],
          ['1', this.exp('num', 1)],
          [this.exp('num', 1), this.exp('num', 1)],
          [this.exp('num', 1), this.exp('num', 1), this.exp('num', 1)],
        ]) as [string, string, string?];
        this.put1(`for ${v} = ${from}, ${to}${step === undefined ? '' : `, ${step}`} do`);
        this.loopBody(depth, () => this.declare(v, 'num'));
        this.put('end');
        break;
      }
      case 'forIn':
        this.forIn(depth);
        break;
      case 'do':
        this.put1('do');
        this.block(3, depth + 1);
        this.put('end');
        break;
      case 'goto':
        this.gotoStatement(depth);
        break;
      case 'pcall':
        this.pcall(depth);
        break;
      case 'coroutine':
        this.coroutine(depth);
        break;
      case 'call': {
        const text = this.call(this.r.once(2) ? 'num' : 'str', 2);
        if (text !== undefined) this.put(this.r.once(3) ? text : `P(${text})`);
        else this.put(`P(${this.list(2, 2)})`);
        break;
      }
      case 'field':
        this.fieldAssign();
        break;
      case 'sort': {
        const t = this.variable('seq');
        if (t === undefined) break;
        this.put(
          this.r.once(2)
            ? `P(pcall(table.sort, ${t.name}))`
            : `table.sort(${t.name}, function(a, b) return tostring(a) ${this.r.pick(['<', '>'])} tostring(b) end)`,
        );
        break;
      }
      case 'environment': {
        const f = this.variable('fn');
        const env =
          `setmetatable({ g1 = ${this.exp('num', 0)} }, { __index = getfenv(${this.r.pick(['', '1', '0'])}) })`.replace(
            'getfenv(0)',
            '_G',
          );
        if (f !== undefined && this.r.once(2)) this.put(`setfenv(${f.name}, ${env})`);
        else this.put(`P(getfenv(${this.r.pick(['', '1', f?.name ?? '1'])}) == _G)`);
        break;
      }
      case 'closures':
        this.closures();
        break;
      case 'error':
        this.put(this.errorCall());
        break;
      case 'table':
        this.tableCall();
        break;
      case 'method':
        this.method();
        break;
      default:
        this.put(
          `P(${this.r.pick([
            'loadstring("return ... + 1")(2)',
            'pcall(loadstring("local t = nil return t.x", "=in"))',
            'loadstring("x = = 1", "=in")',
            'loadstring("return yield(...)", "=in")(3)',
            'pcall(loadstring("local a, b = ... return a + b", "@in.lua"), 1)',
            'loadstring("goto nowhere")',
            'load(function() return nil end)',
            'loadstring("for i = 1 do end")',
            'pcall(load("g1 = 1 return g1 .. {}", "=(load)", "t", {}))',
          ])})`,
        );
    }
  }

  /** A line that needs no `;` behind it. */
  private put1(text: string): void {
    this.lines.push(text);
  }

  private condition(depth: number): string {
    return this.r.once(5) ? this.exp(this.r.once(3) ? 'num' : this.type(), depth) : this.exp('bool', depth);
  }

  private localStatement(): void {
    if (this.r.once(4)) {
      // Several at once: values are made before the names are visible.
      const n = 2 + this.r.below(2);
      const names = Array.from({ length: n }, () => this.r.pick(NAMES));
      if (new Set(names).size < n) {
        this.localStatement();
        return;
      }
      if (this.r.once(4)) {
        const many = this.multi(2) ?? '1, 2, 3';
        this.put(`local ${names.join(', ')} = ${many}`);
        for (const name of names) this.declare(name, 'any');
        return;
      }
      const types = names.map(() => this.type()).map((t) => (t === 'fn' ? 'num' : t));
      const values = types.map((t) => this.short(t, 2));
      this.put(`local ${names.join(', ')} = ${values.join(', ')}`);
      names.forEach((name, i) => {
        this.declare(name, types[i]!);
      });
      return;
    }
    const name = this.r.pick(NAMES);
    if (this.r.once(25)) {
      this.put(`local ${name}`);
      this.declare(name, 'nil');
      return;
    }
    const type = this.type();
    if (type === 'fn') {
      this.localFunction();
      return;
    }
    this.put(`local ${name} = ${this.short(type, 3)}`);
    this.declare(name, type);
  }

  private localFunction(): void {
    if (this.pure) return;
    const name = this.r.pick(['f', 'g', 'h', 'f1', 'f2']);
    const { names, signature } = this.signature();
    const isGlobal = this.r.once(4);
    const recursive = !isGlobal && this.r.once(3);
    const global = `G${name}`;
    const mark = this.vars.length;
    if (recursive) this.declare(name, 'fn', signature);
    const rest = this.functionRest(names, signature.params, true, signature.ret, this.budget > 0 ? 3 : 0);
    this.vars.length = mark;
    if (isGlobal) {
      this.put(`function ${global}${rest}`);
      // Known from here on only: a global function made in a branch may not be there.
      this.vars.push({ name: global, type: 'fn', signature, level: 0 });
      return;
    }
    this.put(recursive || this.r.once(2) ? `local function ${name}${rest}` : `local ${name} = function${rest}`);
    this.declare(name, 'fn', signature);
  }

  private assignable(): Variable[] {
    return this.visible((v) => v.type !== 'fn' && v.type !== 'any' && v.type !== 'nil');
  }

  private assign(): void {
    const found = this.assignable();
    if (found.length === 0) {
      this.localStatement();
      return;
    }
    const v = this.r.pick(found);
    if (this.r.once(4)) {
      const other = this.r.pick(found);
      const targets = [v, other].map((x) => this.target(x, 1));
      if (this.r.once(4)) {
        const third = this.r.pick(found);
        targets.push(this.target(third, 1));
      }
      const values = targets.map(([, type]) => this.short(type, 2));
      if (this.r.once(10)) values.push(this.short('num', 1));
      this.put(`${targets.map(([text]) => text).join(', ')} = ${values.join(', ')}`);
      return;
    }
    const [text, type] = this.target(v, 2);
    this.put(`${text} = ${this.short(type, 3)}`);
  }

  /** A place that a variable gives, and the type of what belongs there. */
  private target(v: Variable, depth: number): [string, Type] {
    if (v.type === 'seq' && this.r.once(2)) {
      return [this.r.once(2) ? `${v.name}[#${v.name} + 1]` : `${v.name}[1]`, this.r.once(4) ? 'str' : 'num'];
    }
    if (v.type === 'rec' && !this.r.once(4)) {
      const f = this.r.pick(FIELDS);
      return [
        this.r.once(4) ? `${v.name}[${this.exp('str', depth - 1)}]` : `${v.name}.${f}`,
        this.r.pick(['num', 'str', 'bool', 'nil']),
      ];
    }
    if (v.type === 'obj' && !this.r.once(6)) return [`${v.name}.${this.r.pick(['v', 'v', 'w', 'p'])}`, 'num'];
    return [v.name, v.type as Type];
  }

  private fieldAssign(): void {
    const found = this.visible((v) => v.type === 'rec' || v.type === 'seq' || v.type === 'obj');
    if (found.length === 0) {
      this.localStatement();
      return;
    }
    const v = this.r.pick(found);
    if (v.type === 'obj' && this.pure) return;
    const [text, type] = this.target(v, 2);
    this.put(`${text} = ${this.short(type, 3)}`);
  }

  private forIn(depth: number): void {
    const [k, v] = this.r.pick([
      ['k', 'v'],
      ['i', 'x'],
      ['a', 'b'],
    ]) as [string, string];
    switch (this.r.below(this.pure ? 4 : 7)) {
      case 0:
        this.put1(`for ${k}, ${v} in ipairs(${this.exp('seq', 2)}) do`);
        this.loopBody(depth, () => {
          this.declare(k, 'num');
          this.declare(v, 'any');
        });
        break;
      case 1:
        // The order of keys is not the same everywhere: one key, or a constructor's items.
        this.put1(
          `for ${k}, ${v} in ${this.r.pick(['pairs', 'next,'])}${this.r.pick(['{ 5, 6, 7 }', '{ p = 1 }', '{}', '{ "x", nil, "z" }', '{ [0.5] = true }']).replace(/^/, '(')}) do`,
        );
        this.loopBody(depth, () => {
          this.declare(k, 'any');
          this.declare(v, 'any');
        });
        break;
      case 2:
        this.put1(`for ${k}, ${v} in ${this.primary('str', 1)}:gmatch(${this.r.pick(PATTERNS)}) do`);
        this.loopBody(depth, () => {
          this.declare(k, 'any');
          this.declare(v, 'any');
        });
        break;
      case 3:
        this.put1(`for ${k}, ${v} in next, { ${this.exp('num', 1)} }${this.r.pick(['', ', nil'])} do`);
        this.loopBody(depth, () => {
          this.declare(k, 'num');
          this.declare(v, 'any');
        });
        break;
      case 4: {
        const body = this.captureLines(() => {
          this.level++;
          this.fns.push({ vararg: false, ret: 'num', loops: 0, labels: [] });
          const mark = this.vars.length;
          this.put('for i = 1, 3 do F()');
          this.declare('i', 'num');
          if (this.r.once(2)) this.statement(3);
          this.put(`yield(${this.r.pick(['i', this.short('num', 1)])}, ${this.short('num', 1)})`);
          this.put('end');
          this.vars.length = mark;
          this.fns.pop();
          this.level--;
        });
        this.put1(`for ${k}, ${v} in coroutine.wrap(function()\n${body}\nend) do`);
        this.loopBody(depth, () => {
          this.declare(k, 'num');
          this.declare(v, 'any');
        });
        break;
      }
      case 5: {
        const rest = this.functionRest(['s', 'c'], ['num', 'num'], false, 'num', 1);
        this.put1(`for ${k}, ${v} in function${rest}, ${this.list(1, 1)}, 0 do`);
        this.loopBody(depth, () => {
          this.declare(k, 'num');
          this.declare(v, 'any');
        });
        break;
      }
      default:
        this.put1(`for ${k}, ${v} in ${this.list(1 + this.r.below(3), 1)} do`);
        this.loopBody(depth, () => {
          this.declare(k, 'any');
          this.declare(v, 'any');
        });
    }
    this.put('end');
  }

  private gotoStatement(depth: number): void {
    const label = `l${++this.labels}`;
    if (this.r.once(2)) {
      this.put(`if ${this.condition(2)} then goto ${label} end`);
      this.put1('do');
      this.fn0.labels.push(label);
      this.block(3, depth + 1);
      this.fn0.labels.pop();
      this.put('end');
      this.put1(`::${label}::`);
      return;
    }
    this.put1(`::${label}::`);
    for (let n = 1 + this.r.below(3); n > 0; n--) this.statement(depth + 1);
    this.put(`if F() and ${this.condition(2)} then goto ${label} end`);
  }

  private pcall(depth: number): void {
    const body = this.functionRest([], [], true, 'num', 3);
    if (this.r.once(3)) {
      this.pure++;
      const handler = this.r.once(3)
        ? 'function(m) P("handler", m) return m end'
        : this.functionText(['m'], ['any'], false, 'str', 1);
      this.pure--;
      this.put(`P(xpcall(function${body}, ${handler}))`);
      return;
    }
    if (this.r.once(3)) this.put(`P(pcall(${this.protectedCall(depth > 2 ? 1 : 2)}))`);
    else this.put(`P(pcall(function${body}${this.r.once(3) ? `, ${this.list(1, 1)}` : ''}))`);
  }

  private errorCall(): string {
    return this.r.pick([
      `error(${this.short('str', 1)})`,
      `error(${this.short('str', 1)}, ${this.r.below(4)})`,
      `error({ code = ${this.exp('num', 1)} })`,
      'error()',
      'error(nil)',
      'error(true)',
      `error(${this.exp('num', 1)})`,
      `assert(${this.exp('bool', 1)}, ${this.short('str', 1)})`,
      `assert(${this.exp('bool', 1)})`,
      `assert(nil, { ${this.exp('num', 1)} })`,
      'assert(false, nil)',
    ]);
  }

  private coroutine(depth: number): void {
    const { names, signature } = this.signature();
    const rest = this.functionRest(names, signature.params, true, 'num', 3);
    const args = this.args(signature.params, 1);
    const comma = args === '' ? '' : ', ';
    if (this.r.once(3)) {
      this.put(`local w = coroutine.wrap(function${rest})`);
      for (let n = 1 + this.r.below(3); n > 0; n--)
        this.put(`P(${this.r.once(2) ? `pcall(w${comma}${args})` : `w(${args})`})`);
      return;
    }
    this.put(`local co = coroutine.create(function${rest})`);
    if (this.r.once(2)) {
      this.put1('repeat F()');
      this.put(`P(coroutine.resume(co${comma}${args}))`);
      if (this.r.once(3)) this.statement(depth + 1);
      this.put('until coroutine.status(co) == "dead"');
    } else {
      for (let n = 1 + this.r.below(3); n > 0; n--)
        this.put(`P(coroutine.resume(co${comma}${args}), coroutine.status(co))`);
    }
    this.put('P(coroutine.resume(co))');
  }

  /** Functions made in a loop, each with variables of its own, called afterwards. */
  private closures(): void {
    this.put('local fs = {}');
    this.put1(
      this.r.pick([
        'for i = 1, 3 do F()',
        'local i = 0 while i < 3 do F() i = i + 1 local i = i',
        'for i in ipairs({ 4, 5 }) do F()',
        'local i = 0 repeat F() i = i + 1 local j = i',
      ]),
    );
    const mark = this.vars.length;
    this.declare('i', 'num');
    if (this.r.once(2)) this.localStatement();
    if (this.r.once(3)) this.put('fs[#fs + 1] = function() i = i + 1 return i end');
    else this.put(`fs[#fs + 1] = ${this.functionText([], [], false, 'num', 1)}`);
    if (this.r.once(2)) this.assign();
    this.vars.length = mark;
    const opened = this.lines.findLast((l) => /^(for i|local i = 0 (while|repeat))/.test(l))!;
    this.put(opened.includes('repeat') ? 'until j > 2' : 'end');
    this.put('for _, f in ipairs(fs) do P(pcall(f)) P(pcall(f)) end');
  }

  private tableCall(): void {
    const t = this.variable('seq');
    if (t === undefined) {
      this.localStatement();
      return;
    }
    const item = this.short(this.r.once(4) ? 'str' : 'num', 2);
    this.put(
      this.r.pick([
        `table.insert(${t.name}, ${item})`,
        `table.insert(${t.name}, 1, ${item})`,
        `P(table.remove(${t.name}))`,
        `P(table.remove(${t.name}, 1))`,
        `P(#${t.name}, ${t.name}[#${t.name}])`,
        `${t.name}[#${t.name}] = nil`,
        `P(unpack(${t.name}))`,
        `P(next(${t.name}) ~= nil, rawget(${t.name}, 1))`,
        `P(select(-1, 0, unpack(${t.name})))`,
        `P(table.maxn(${t.name}))`,
      ]),
    );
  }

  private method(): void {
    const t = this.variable('rec');
    if (t === undefined) {
      this.localStatement();
      return;
    }
    const colon = this.r.once(2);
    const f = this.r.pick(['go', 'run']);
    const rest = this.functionRest(colon ? ['n'] : ['self', 'n'], colon ? ['num'] : ['any', 'num'], true, 'num', 2);
    this.put(`function ${t.name}${colon ? ':' : '.'}${f}${rest}`);
    this.put(`P(${t.name}:${f}(${this.exp('num', 1)}))`);
    if (this.r.once(4)) this.put(`P(pcall(${t.name}.${f}, ${t.name}, ${this.exp('num', 1)}))`);
  }

  private showAll(): void {
    const names = this.visible((v) => v.level <= 1).map((v) => v.name);
    for (let i = 0; i < names.length; i += 6) this.put(`P(${names.slice(i, i + 6).join(', ')})`);
  }
}

/** Cuts strings that are made longer: some functions call themselves with them, which would double them each time. */
function short(text: string): string {
  return /(?<!\.)\.\.(?!\.)|rep\(|gsub\(|"%q"/.test(text) ? `C(${text})` : text;
}
