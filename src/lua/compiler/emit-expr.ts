/**
 * Expressions.
 *
 * `exp` writes the statements that evaluate an expression and returns the text of its value: a constant, a
 * variable, a temporary or a pure JavaScript expression of these. What is still needed after a later operand that
 * may suspend has been put into variables by `keep`.
 *
 * Each operation is an inline fast path whose failure calls a helper of the runtime (`$RT`, `$K_name`); a helper
 * that returns the sentinel has suspended in a metamethod.
 */

import { lateModes } from '../table.ts';
import type { BinaryOp, CallExpr, CompareOp, Expr, FunctionNode, TableExpr } from './ast.ts';
import { BaseEmitter, isConstant, isFolded, type Target } from './emit-base.ts';
import { GLOBAL_PREFIX } from './globals.ts';
import { keyNames, literalName, shape } from './keys.ts';

const S = GLOBAL_PREFIX + 'S';
const R = GLOBAL_PREFIX + 'R';
const T = GLOBAL_PREFIX + 'T';
const RT = GLOBAL_PREFIX + 'RT';

const ARITHMETIC: Record<BinaryOp, string> = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div', '%': 'mod', '^': 'pow' };

/** Items of a constructor that are put into one array literal; more are appended, to keep functions compilable. */
const MAX_INLINE_ITEMS = 64;

/** Whether the expression can give any number of values. */
export function isMulti(e: Expr | undefined): e is Expr {
  return e !== undefined && (e.type === 'call' || e.type === 'vararg');
}

/** The text of a number constant. */
export function numberText(n: number): string {
  if (Number.isNaN(n)) return '(0/0)';
  if (n === Number.POSITIVE_INFINITY) return '(1/0)';
  if (n === Number.NEGATIVE_INFINITY) return '(-1/0)';
  if (Object.is(n, -0)) return '(-0)';
  return n < 0 ? `(${n})` : String(n);
}

export function truth(text: string): string {
  if (text === 'undefined' || text === 'false') return 'false';
  if (isConstant(text)) return 'true';
  return `${text}!==undefined&&${text}!==false`;
}

/** Whether a name or constant may be a number. */
function isNumberOrName(text: string): boolean {
  return text.charCodeAt(0) !== 34 && text !== 'true' && text !== 'false';
}

export abstract class ExprEmitter extends BaseEmitter {
  /** Writes the text of a nested function, preceded by `before` and followed by `after`. */
  protected abstract closure(fn: FunctionNode, before: string, after: string): void;

  // Values

  /** Evaluates to one value. `into` may receive it, if that avoids a copy. */
  exp(e: Expr, into?: string): string {
    switch (e.type) {
      case 'nil':
        return 'undefined';
      case 'true':
      case 'false':
        return e.type;
      case 'number':
        return numberText(e.value);
      case 'string':
        return JSON.stringify(e.value);
      case 'cdata':
        return literalName(e.value);
      case 'vararg':
        return 'va[0]';
      case 'function': {
        const t = into ?? this.temp();
        this.out.sync(e.line);
        this.remark(e.fn.lastLine);
        this.closure(e.fn, `${t}=`, ';');
        return t;
      }
      case 'local':
        return this.variable(e.local);
      case 'global':
        return this.global(e.name, e.line, into);
      case 'index':
        return this.index(e.object, e.key, e.line, into);
      case 'call':
        return this.call(e, 'one', into);
      case 'paren':
        return this.exp(e.expr, into);
      case 'arith':
        return this.arith(e.op, e.left, e.right, e.line, into);
      case 'concat':
        return this.concat(e.parts, e.line, into);
      case 'compare':
        return this.compare(e.op, e.left, e.right, e.line);
      case 'and':
      case 'or':
        return this.logical(e.type, e.left, e.right);
      case 'not':
        return this.not(e.expr);
      case 'neg':
        return this.negate(e.expr, e.line, into);
      case 'len':
        return this.length(e.expr, e.line, into);
      case 'table':
        return this.table(e);
    }
  }

  /** Evaluates to a name or constant. */
  protected value(e: Expr, into?: string): string {
    return this.simple(this.exp(e, into));
  }

  /**
   * Evaluates expressions in order to one value each, all of them usable afterwards. With `late`, a local of this
   * function is read after the later operands, as LuaJIT does for the operands of arithmetic and comparisons.
   * `moved`: the lines of operands that only have to be copied count too.
   */
  protected list(exprs: readonly Expr[], late = false, mayAfter = false, moved = false): string[] {
    const texts: string[] = [];
    for (let i = 0; i < exprs.length; i++) {
      const e = exprs[i]!;
      if (moved) this.remark(e.line);
      let text = this.exp(e);
      let later = mayAfter;
      for (let j = i + 1; !later && j < exprs.length; j++) later = exprs[j]!.may;
      if (later && !(late && e.type === 'local' && e.local.fn === this.fn)) text = this.keep(text);
      texts.push(text);
    }
    return texts;
  }

  /** Whether the expression is a number whatever happens. */
  protected isNumber(e: Expr): boolean {
    switch (e.type) {
      case 'number':
        return true;
      case 'local':
        return e.local.isNumber && !e.local.assigned;
      case 'arith':
        return this.isNumber(e.left) && this.isNumber(e.right);
      case 'neg':
      case 'paren':
        return this.isNumber(e.expr);
      default:
        return false;
    }
  }

  protected isBoolean(e: Expr): boolean {
    return e.type === 'compare' || e.type === 'not' || e.type === 'true' || e.type === 'false';
  }

  // Indexing. A property is looked for before the value is known to be a table: what V8 has learnt about the place says
  // so then, and `instanceof` costs nothing. The properties `$a` and `$m` are those of tables only.

  private global(name: string, line: number, into?: string): string {
    this.at(line);
    const names = keyNames(name);
    const t = into ?? this.temp();
    if (names === undefined) {
      this.out.site(line, '__index');
      this.put(`if((${t}=${RT}.index(${this.env},${JSON.stringify(name)}))===${S})${this.leave(t, 'one', line)}`);
    } else {
      this.put(`if((${t}=${this.env}.${names.property})===undefined&&`);
      this.out.site(line, '__index');
      this.put(`(${t}=${names.accessor}.get(${this.env}))===${S})${this.leave(t, 'one', line)}`);
    }
    this.land();
    return t;
  }

  private index(object: Expr, key: Expr, line: number, into?: string): string {
    if (key.type === 'string') {
      const o = this.objectText(this.exp(object));
      this.at(line);
      return this.field(o, key.value, line, this.describe(object), into);
    }
    const texts = this.list([object, key], true) as [string, string];
    const o = this.objectText(texts[0]);
    const k = this.simple(texts[1]);
    const t = into !== o && into !== k && into !== undefined ? into : this.temp();
    this.at(line);
    const isNumber = this.isNumber(key) ? '' : `typeof ${k}==='number'&&`;
    if (key.type === 'true' || key.type === 'false' || key.type === 'nil') this.put('if(');
    else {
      const items = this.out.ffi
        ? `((${t}=${o}.$a)!==undefined||(${t}=${o}.$v)!==undefined)`
        : `(${t}=${o}.$a)!==undefined`;
      this.put(`if(!(${o}!==undefined&&${isNumber}${items}&&(${t}=${t}[${k}])!==undefined)&&`);
    }
    this.out.site(line, '__index', this.describe(object));
    this.put(`(${t}=${RT}.index(${o},${k}))===${S})${this.leave(t, 'one', line)}`);
    this.land();
    return t;
  }

  private field(o: string, key: string, line: number, name: string | undefined, into?: string): string {
    const names = keyNames(key);
    const t = into !== o && into !== undefined ? into : this.temp();
    if (names === undefined) this.put('if(');
    else this.put(`if(!(${o}!==undefined&&(${t}=${o}.${names.property})!==undefined&&${o} instanceof ${T})&&`);
    this.out.site(line, '__index', name);
    const slow = names === undefined ? `${RT}.index(${o},${JSON.stringify(key)})` : `${names.accessor}.get(${o})`;
    this.put(`(${t}=${slow})===${S})${this.leave(t, 'one', line)}`);
    this.land();
    return t;
  }

  /** Looks up a method, also directly in a metatable's __index table. */
  private method(o: string, key: string, line: number, name: string | undefined): string {
    const names = keyNames(key);
    if (names === undefined) return this.field(o, key, line, name);
    const t = this.temp();
    const u = this.temp();
    const p = names.property;
    // The object itself, its class, and that class's parent.
    this.put(
      `if(!(${o}!==undefined&&((${t}=${o}.${p})!==undefined?${o} instanceof ${T}:(${t}=${o}.$m)!==undefined&&(${u}=${t}.__index)!==undefined&&((${t}=${u}.${p})!==undefined?${u} instanceof ${T}:(${t}=${u}.$m)!==undefined&&(${u}=${t}.__index)!==undefined&&(${t}=${u}.${p})!==undefined&&${u} instanceof ${T})))&&`,
    );
    this.out.site(line, '__index', name);
    this.put(`(${t}=${names.accessor}.get(${o}))===${S})${this.leave(t, 'one', line)}`);
    this.land();
    return t;
  }

  /** Assigns to a field. All texts are names or constants. */
  protected storeField(o: string, key: string, value: string, line: number, name: string | undefined): void {
    this.remark(line);
    const names = keyNames(key);
    if (names === undefined) {
      this.storeIndex(o, JSON.stringify(key), value, line, name);
      return;
    }
    const p = names.property;
    let set = `${names.accessor}.set`;
    if (key === '__mode') {
      lateModes.expected = true;
      set = `${RT}.setMode`;
      this.put('if(');
    } else this.put(`if(${o}!==undefined&&${o}.${p}!==undefined&&${o} instanceof ${T})${o}.${p}=${value};else if(`);
    this.out.site(line, '__newindex', name);
    this.put(`${set}(${o},${value})===${S})${this.leave('', 'none', line)}`);
    this.land();
  }

  /** Assigns to an element. All texts are names or constants. `append`: the key is probably the next of an array. */
  protected storeIndex(
    o: string,
    k: string,
    value: string,
    line: number,
    name: string | undefined,
    numeric = false,
    append = false,
  ): void {
    this.remark(line);
    const isString = k.charCodeAt(0) === 34;
    if (append) {
      // An array with an item has become the table's own.
      const plain = `${o}.$m===undefined&&${o}.$h===undefined`;
      const isValue = isConstant(value) ? '' : `&&${value}!==undefined`;
      this.put(
        `if(${o}!==undefined&&${o}.$a!==undefined&&${k}>1&&${k}===${o}.$a.length&&${plain}${isValue})${o}.$a.push(${value});else `,
      );
    }
    if (!isString && value !== 'undefined') {
      const isNumber = numeric ? '' : `&&typeof ${k}==='number'`;
      const isValue = isConstant(value) ? '' : `&&${value}!==undefined`;
      this.put(
        `if(${o}!==undefined${isNumber}&&${o}.$a!==undefined&&${o}.$a[${k}]!==undefined${isValue})${o}.$a[${k}]=${value};else `,
      );
      if (this.out.ffi && isNumberOrName(value)) {
        const isFit = `(${o}.$i===0||(${value}|0)===${value})`;
        this.put(
          `if(${o}!==undefined${isNumber}&&typeof ${value}==='number'&&${o}.$v!==undefined&&${o}.$v[${k}]!==undefined&&${isFit})${o}.$v[${k}]=${value};else `,
        );
      }
    }
    this.put('if(');
    this.out.site(line, '__newindex', name);
    this.put(`${RT}.setIndex(${o},${k},${value})===${S})${this.leave('', 'none', line)}`);
    this.land();
  }

  /** A name or constant that can be followed by a property name. */
  protected objectText(text: string): string {
    const c = text.charCodeAt(0);
    return c >= 48 && c <= 57 ? `(${text})` : this.simple(text);
  }

  // Calls

  /** Evaluates callee and arguments: the text of the callee, of the arguments, and the callee's name. */
  protected prepareCall(e: CallExpr): { callee: string; args: string; name: string | undefined } {
    const mayArgs = e.args.some((a) => a.may);
    let callee: string;
    let first = '';
    let name: string | undefined;
    if (e.method !== undefined) {
      let o = this.exp(e.callee);
      o = o.endsWith('.v') ? this.copy(o, mayArgs) : this.objectText(o);
      if (mayArgs) o = this.keep(o);
      this.at(e.line);
      name = `method '${e.method}'`;
      callee = this.method(o, e.method, e.line, this.describe(e.callee));
      if (mayArgs) callee = this.keep(callee);
      first = o;
    } else {
      name = this.describe(e.callee);
      callee = this.exp(e.callee);
      if (callee.endsWith('.v') && mayArgs) callee = this.copy(callee, true);
      callee = this.simpleOrBox(callee);
      if (mayArgs) callee = this.keep(callee);
    }
    const args = this.args(e.args);
    return { callee, args: first !== '' && args !== '' ? `${first},${args}` : first + args, name };
  }

  /** Evaluates an argument list, the last expression with all its values. */
  protected args(exprs: readonly Expr[]): string {
    const last = exprs[exprs.length - 1];
    if (!isMulti(last)) return this.list(exprs, false, false, true).join();
    const texts = this.list(exprs.slice(0, -1), false, last.may, true);
    if (last.type === 'vararg') texts.push('...va');
    else texts.push(`...${RT}.array(${this.call(last as CallExpr, 'raw')})`);
    return texts.join();
  }

  /** Calls; the result is the first value ('one'), or as it is, with the registers ('raw'), or unused ('none'). */
  protected call(e: CallExpr, taking: 'one' | 'raw' | 'none', into?: string): string {
    const { callee, args, name } = this.prepareCall(e);
    const t = taking !== 'none' && into !== undefined ? into : this.temp();
    this.at(e.line);
    if (this.mode.hooked) {
      this.out.site(e.line, '', name);
      this.put(`${RT}.hookNative(${callee});`);
    }
    if (taking === 'one') this.selectFrom(e, callee, args, t);
    this.tellPlace(e, callee);
    this.put(`${t}=(typeof ${callee}==='function'?${callee}:`);
    this.out.site(e.line, '', name);
    this.put(`${RT}.callable(${callee}))(${args});`);
    const test = taking === 'one' ? `(${t}=${RT}.first())===${S}` : `${R}.n<0`;
    this.put(`if(${t}===${S}&&${test})${this.leave(t, taking, e.line, name)}`);
    this.land();
    this.forgetMark();
    return t;
  }

  /**
   * Natives that write log lines want to know where they are called, and to ask V8 takes longer than to write the line.
   * So the main function of a chunk says so where it may be calling one; in other functions the line has the name by which
   * they were called themselves, which only the stack tells. Nothing runs between this and the call.
   */
  private tellPlace(e: CallExpr, callee: string): void {
    if (this.fn.index !== 0 || e.method !== undefined) return;
    const f = e.callee;
    const name =
      f.type === 'local'
        ? f.local.name
        : f.type === 'global'
          ? f.name
          : f.type === 'index' && f.key.type === 'string'
            ? f.key.value
            : '';
    if (!/log|print/i.test(name)) return;
    this.put(`if(${callee}!==undefined&&${callee}.$place===true){${R}.place=$P[0];${R}.placeLine=${e.line};}`);
  }

  /** `select(n, ...)` for one value needs no copy of the varargs: goes on with the call if it is not that. */
  private selectFrom(e: CallExpr, callee: string, args: string, t: string): void {
    const { callee: f, args: exprs } = e;
    const isSelect = (f.type === 'global' && f.name === 'select') || (f.type === 'local' && f.local.name === 'select');
    const n = exprs[0];
    if (!isSelect || exprs.length !== 2 || exprs[1]!.type !== 'vararg' || n === undefined || n.type === 'vararg')
      return;
    const text = args.slice(0, -',...va'.length);
    if (n.type === 'string') {
      if (n.value === '#') this.put(`if(${callee}===${RT}.select)${t}=va.length;else `);
    } else if (isConstant(text) || /^\w+$/.test(text)) {
      this.put(
        `if(${callee}===${RT}.select&&typeof ${text}==='number'&&${text}>0&&(${text}|0)===${text})${t}=va[${text}-1];else `,
      );
    }
  }

  // Operators

  private arith(op: BinaryOp, left: Expr, right: Expr, line: number, into?: string): string {
    let [a, b] = this.list([left, right], true) as [string, string];
    const numberA = this.isNumber(left);
    const numberB = this.isNumber(right);
    const once = op !== '%' && op !== '^';
    if (!numberA || !once) a = this.simple(a);
    if (!numberB || !once) b = this.simple(b);
    const fast =
      op === '%'
        ? `${a}-Math.floor(${a}/${b})*${b}`
        : op === '^'
          ? `${RT}.power(${a},${b})`
          : `${a}${op}${op === '-' ? ' ' : ''}${b}`;
    if (numberA && numberB) return `(${fast})`;
    const t = into ?? this.temp();
    this.at(line);
    const tests: string[] = [];
    if (!numberA) tests.push(`typeof ${a}==='number'`);
    if (!numberB && b !== a) tests.push(`typeof ${b}==='number'`);
    this.put(`if(${tests.join('&&')})${t}=${fast};else if(`);
    this.out.site(line, `__${ARITHMETIC[op]}`, this.describe(left), this.describe(right));
    this.put(`(${t}=${RT}.${ARITHMETIC[op]}(${a},${b}))===${S})${this.leave(t, 'one', line)}`);
    this.land();
    return t;
  }

  private negate(e: Expr, line: number, into?: string): string {
    const a = this.value(e);
    if (this.isNumber(e)) return `(-${a})`;
    const t = into ?? this.temp();
    this.put(`if(typeof ${a}==='number')${t}=-${a};else if(`);
    this.out.site(line, '__unm', this.describe(e));
    this.put(`(${t}=${RT}.unm(${a}))===${S})${this.leave(t, 'one', line)}`);
    this.land();
    return t;
  }

  private length(e: Expr, line: number, into?: string): string {
    const a = this.objectText(this.exp(e));
    const t = into !== a && into !== undefined ? into : this.temp();
    this.put(
      `if(typeof ${a}==='string')${t}=${a}.length;else if(${a}!==undefined&&${a}.$a!==undefined&&${a}.$m===undefined)${t}=${a}.$a.length-1;else if(`,
    );
    this.out.site(line, '__len', this.describe(e));
    this.put(`(${t}=${RT}.length(${a}))===${S})${this.leave(t, 'one', line)}`);
    this.land();
    return t;
  }

  private concat(parts: readonly Expr[], line: number, into?: string): string {
    let texts = this.list(parts).map((text) => this.simple(text));
    const t = into ?? this.temp();
    // Numbers written in the source are strings here.
    texts = texts.map((text, i) => (parts[i]!.type === 'number' ? `${RT}.text(${text})` : text));
    // Integers are joined as JavaScript does it; 0 may be negative.
    const integer = (text: string): string => `(${text}|0)===${text}&&${text}!==0`;
    const tests: string[] = [];
    let hasNumbers = false;
    texts.forEach((text, i) => {
      const e = parts[i]!;
      if (e.type === 'string' || e.type === 'number') return;
      if (e.type === 'concat') tests.push(`typeof ${text}==='string'`);
      else {
        hasNumbers = true;
        tests.push(
          this.isNumber(e) ? integer(text) : `(typeof ${text}==='string'||typeof ${text}==='number'&&${integer(text)})`,
        );
      }
    });
    // Two numbers in front would be added.
    const isText = (e: Expr | undefined) => e?.type === 'string' || e?.type === 'number';
    const joined = (hasNumbers && !isText(parts[0]) && !isText(parts[1]) ? "''+" : '') + texts.join('+');
    this.at(line);
    if (tests.length === 0) {
      this.put(`${t}=${joined};`);
      return t;
    }
    this.put(`if(${tests.join('&&')})${t}=${joined};else if(`);
    this.out.site(line, '__concat', ...parts.map((p) => this.describe(p)));
    const slow = texts.length === 2 ? `${RT}.concat(${texts})` : `${RT}.concatAll([${texts}])`;
    this.put(`(${t}=${slow})===${S})${this.leave(t, 'one', line)}`);
    this.land();
    return t;
  }

  private compare(op: CompareOp, left: Expr, right: Expr, line: number): string {
    let [a, b] = this.list([left, right], true) as [string, string];
    if (op === '==' || op === '~=') {
      if (isConstant(a) || isConstant(b)) return this.compareConstant(op, a, b);
      a = this.simple(a);
      b = this.simple(b);
      const t = this.temp();
      this.put(`if(!(${t}=${a}===${b})&&(typeof ${a}==='object'||typeof ${b}==='object')&&`);
      this.out.site(line, '__eq');
      this.put(`(${t}=${RT}.eq(${a},${b}))===${S})${this.leave(t, 'boolean', line)}`);
      this.land();
      return op === '==' ? t : `!${t}`;
    }
    const numberA = this.isNumber(left);
    const numberB = this.isNumber(right);
    if (numberA && numberB) return `(${a}${op}${b})`;
    a = this.simple(a);
    b = this.simple(b);
    const tests: string[] = [];
    if (!numberA) tests.push(`typeof ${a}==='number'`);
    if (!numberB && a !== b) tests.push(`typeof ${b}==='number'`);
    const t = this.temp();
    const helper = op === '<' || op === '>' ? 'lt' : 'le';
    const operands = op === '<' || op === '<=' ? `${a},${b}` : `${b},${a}`;
    this.at(line);
    this.put(`if(${tests.join('&&')})${t}=${a}${op}${b};else if(`);
    this.out.site(line, `__${helper}`);
    this.put(`(${t}=${RT}.${helper}(${operands}))===${S})${this.leave(t, 'boolean', line)}`);
    this.land();
    return t;
  }

  /** With nil, a number or a string, which equal some cdata: a null pointer, a 64 bit integer, an enum. */
  private compareConstant(op: CompareOp, a: string, b: string): string {
    const js = op === '==' ? '===' : '!==';
    const constant = isConstant(a) ? a : b;
    let other = isConstant(a) ? b : a;
    if (isConstant(other) || constant === 'true' || constant === 'false') return `(${a}${js}${b})`;
    other = this.simple(other);
    const test = `typeof ${other}==='object'&&!(${other} instanceof ${T})&&${RT}.equalsConstant(${other},${constant})`;
    return `${op === '==' ? '' : '!'}(${other}===${constant}||${test})`;
  }

  private not(e: Expr): string {
    if (this.isBoolean(e)) return `!${this.simple(this.exp(e))}`;
    const test = truth(this.simple(this.exp(e)));
    return test === 'true' ? 'false' : test === 'false' ? 'true' : `!(${test})`;
  }

  private logical(op: 'and' | 'or', left: Expr, right: Expr): string {
    const t = this.temp();
    const flat = this.resuming && right.may;
    const l = this.exp(left);
    this.put(`${t}=${l};`);
    const test = this.isBoolean(left) ? t : truth(t);
    this.forgetMark();
    const end = this.target(flat);
    if (flat) this.put(op === 'and' ? `if(!(${test}))${this.jump(end)}` : `if(${test})${this.jump(end)}`);
    else this.put(op === 'and' ? `if(${test}){` : `if(!(${test})){`);
    const r = this.exp(right);
    if (r !== t) this.put(`${t}=${r};`);
    this.end(end);
    this.forgetMark();
    return t;
  }

  /** Jumps if the expression's truth is `when`; else goes on. */
  protected jumpIf(e: Expr, when: boolean, target: Target): void {
    switch (e.type) {
      case 'paren':
        if (e.expr.type !== 'call' && e.expr.type !== 'vararg') {
          this.jumpIf(e.expr, when, target);
          return;
        }
        break;
      case 'not':
        this.jumpIf(e.expr, !when, target);
        return;
      case 'and':
      case 'or': {
        if ((e.type === 'and') !== when) {
          this.jumpIf(e.left, when, target);
          this.jumpIf(e.right, when, target);
          return;
        }
        const skip = this.begin(this.resuming && target.flat && e.may);
        this.jumpIf(e.left, !when, skip);
        this.jumpIf(e.right, when, target);
        this.end(skip);
        return;
      }
      case 'nil':
      case 'true':
      case 'false':
        if ((e.type === 'true') === when) this.put(this.jump(target));
        return;
    }
    const text = this.exp(e);
    const test = this.isBoolean(e) ? text : truth(this.simple(text));
    if (test === 'true' || test === 'false') {
      if ((test === 'true') === when) this.put(this.jump(target));
      return;
    }
    this.put(when ? `if(${test})${this.jump(target)}` : `if(!(${test}))${this.jump(target)}`);
  }

  // Tables

  private table(e: TableExpr): string {
    const { fields } = e;
    this.at(e.line);
    if (fields.length === 0) {
      const t = this.temp();
      this.put(`${t}=new ${T}();`);
      return t;
    }
    const last = fields[fields.length - 1]!;
    const names = new Set<string>();
    let inline = !(last.key === undefined && isMulti(last.value)) && fields.length <= MAX_INLINE_ITEMS;
    for (const { key } of fields) {
      if (key === undefined) continue;
      if (key.type !== 'string' || keyNames(key.value) === undefined || names.has(key.value)) inline = false;
      else names.add(key.value);
    }
    if (
      !inline &&
      isMulti(last.value) &&
      fields.length <= MAX_INLINE_ITEMS &&
      fields.every((f) => f.key === undefined)
    ) {
      return this.openList(fields.map((f) => f.value));
    }
    return inline ? this.smallTable(e) : this.largeTable(e);
  }

  /** All names constant and distinct: one constructor call. */
  private smallTable(e: TableExpr): string {
    const values = this.list(e.fields.map((f) => f.value));
    const items: string[] = [];
    const properties: string[] = [];
    const named: string[] = [];
    let lastItem: Expr | undefined;
    e.fields.forEach(({ key, value }, i) => {
      if (key?.type === 'string') {
        properties.push(keyNames(key.value)!.property);
        named.push(values[i]!);
      } else {
        items.push(values[i]!);
        lastItem = value;
      }
    });
    const t = this.temp();
    let array = `${RT}.noItems`;
    let settle = '';
    if (lastItem !== undefined) {
      const text = items[items.length - 1]!;
      array = `[undefined,${items}]`;
      if (!(isConstant(text) && text !== 'undefined') && lastItem.type !== 'table') settle = `${RT}.settle(${t});`;
    }
    if (properties.length > 0) this.put(`${t}=new ${shape(properties)}(${array},${named});${settle}`);
    else this.put(`${t}=${RT}.list(${array});${settle}`);
    return t;
  }

  /** Positional items, the last with all its values. */
  private openList(values: readonly Expr[]): string {
    const items = this.args(values);
    const t = this.temp();
    this.put(`${t}=${RT}.settleOpen(${RT}.list([undefined,${items}]),${values.length - 1});`);
    return t;
  }

  /**
   * Any table. LuaJIT makes it as a copy of a template with all fields that are constant, so of fields with the same
   * key one whose value is computed wins, wherever it is written.
   */
  private largeTable(e: TableExpr): string {
    const t = this.temp();
    this.saved.add(t);
    this.put(`${t}=new ${T}();`);
    const { fields } = e;
    const last = fields[fields.length - 1]!;
    const names = new Set<string>();
    let clash = false;
    for (const { key } of fields) {
      if (key === undefined) continue;
      if (key.type !== 'string' || names.has(key.value)) clash = true;
      else names.add(key.value);
    }
    const done = (i: number): boolean => {
      const { key, value } = fields[i]!;
      return clash && isFolded(value) && (key === undefined || (isFolded(key) && key.type !== 'nil'));
    };
    let items = 0;
    fields.forEach(({ key, value, line }, i) => {
      if (key === undefined) items++;
      if (!done(i)) return;
      const mark = this.temps;
      if (key === undefined) this.put(`${RT}.append(${t},${items - 1},[${this.exp(value)}]);`);
      else this.tableField(t, key, value, line);
      this.temps = mark;
    });
    let count = 0;
    for (let i = 0; i < fields.length; i++) {
      const { key, value, line } = fields[i]!;
      const mark = this.temps;
      if (done(i)) {
        if (key === undefined) count++;
      } else if (key !== undefined) this.tableField(t, key, value, line);
      else if (fields[i] === last && isMulti(value)) {
        const rest = value.type === 'vararg' ? 'va' : `${RT}.array(${this.call(value as CallExpr, 'raw')})`;
        this.put(`${RT}.append(${t},${count},${rest});`);
      } else {
        // Items that cannot suspend go into one array.
        const items = [this.exp(value)];
        while (items.length < MAX_INLINE_ITEMS && i + 1 < fields.length && !done(i + 1)) {
          const { key: nextKey, value: next } = fields[i + 1]!;
          if (nextKey !== undefined || next.may || value.may || isMulti(next)) break;
          items.push(this.exp(next));
          i++;
        }
        this.put(`${RT}.append(${t},${count},[${items}]);`);
        count += items.length;
      }
      this.temps = mark;
    }
    return t;
  }

  private tableField(t: string, key: Expr, value: Expr, line: number): void {
    const [k, v] = this.list([key, value]) as [string, string];
    this.out.site(line, '__newindex');
    if (key.type === 'string') this.put(`${t}.setStr(${k},${v});`);
    else this.put(`${t}.set(${k},${v});`);
  }

  /** Whether a variable may be the direct target of an operation's result. */
  protected direct(e: Expr): boolean {
    if (e.type === 'local') return false;
    return e.type === 'call' || e.type === 'index' || e.type === 'global' || e.type === 'arith' || e.type === 'concat';
  }
}
