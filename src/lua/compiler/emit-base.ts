/**
 * What both forms of a function share: variables, temporaries, points of suspension and jumps.
 *
 * A function is emitted in two forms from the same tree by the same code. The fast form is structured JavaScript.
 * When a callee suspends it breaks out of the block `Y` to one place that saves all its variables in a frame. The
 * resume form (`resuming`), compiled when a function is first resumed, is a state machine over the same points:
 * `pc` numbers are given in the same order in both.
 */

import type { Expr, FunctionNode, Local } from './ast.ts';
import { GLOBAL_PREFIX } from './globals.ts';
import type { Output, Scope } from './output.ts';

const S = GLOBAL_PREFIX + 'S';
const R = GLOBAL_PREFIX + 'R';
const RT = GLOBAL_PREFIX + 'RT';

/** How the result of a suspended operation is taken when it arrives. */
export type Taking = 'one' | 'raw' | 'boolean' | 'none';

/** What a text does besides running the program. */
export interface EmitMode {
  /** It stops where a limit is reached: at the start of functions and of iterations (limits.ts). */
  readonly limits: boolean;
  /** Functions go over to their hooked form while a hook is set (hook.ts). */
  readonly traced: boolean;
  /** It calls the hook. Of resume forms only. */
  readonly hooked: boolean;
}

/** A point of suspension. */
export interface Point {
  readonly variable: string;
  readonly taking: Taking;
  readonly line: number;
  readonly name: string | undefined;
  /** The locals in scope. */
  readonly scope: Scope | undefined;
}

/** A place further on in the code that can be jumped to. */
export interface Target {
  readonly flat: boolean;
  readonly id: number;
}

/** Whether the variable lives in a box that its closures and both forms of its function share. */
export function isBoxed(v: Local): boolean {
  return v.captured && v.assigned;
}

/** The name under which nested functions know a variable; each loop iteration has its own. */
export function closureName(v: Local): string {
  return isPerIteration(v) ? v.js + '$' : v.js;
}

/** Whether a captured variable must be declared in a JavaScript block of the loop body. */
export function isPerIteration(v: Local): boolean {
  return v.captured && (v.inLoop || v.fn.hasBackwardGoto);
}

const CLEAN_ARGUMENTS = '0,0,0,0,0,0,0,0,0,0,0,0';

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** Numbers that are written in parentheses: negative and special ones. */
const NUMBER = /^\(-?[\d.]+(?:e[+-]?\d+)?(?:\/0)?\)$/;

/** Whether text is a constant, which may be repeated and never changes. */
export function isConstant(text: string): boolean {
  const c = text.charCodeAt(0);
  if (c === 34 || (c >= 48 && c <= 57)) return true;
  if (c === 40) return NUMBER.test(text);
  return text === 'undefined' || text === 'true' || text === 'false';
}

/** Whether LuaJIT knows the value when it compiles. */
export function isFolded(e: Expr): boolean {
  switch (e.type) {
    case 'nil':
    case 'true':
    case 'false':
    case 'string':
      return true;
    case 'number':
    case 'arith':
    case 'neg':
      return foldedNumber(e) !== undefined;
    case 'not':
    case 'paren':
      return isFolded(e.expr);
    case 'and':
    case 'or':
      // Where the left side decides, LuaJIT makes a jump.
      return isFolded(e.left) && isTrue(e.left) === (e.type === 'and') && isFolded(e.right);
    default:
      return false;
  }
}

/** The number that LuaJIT computes when it compiles: from numbers only, and only if it is neither NaN nor -0. */
function foldedNumber(e: Expr): number | undefined {
  if (e.type === 'paren') return foldedNumber(e.expr);
  let value: number;
  if (e.type === 'number') ({ value } = e);
  else if (e.type === 'neg') {
    const operand = foldedNumber(e.expr);
    if (operand === undefined) return undefined;
    value = -operand;
  } else if (e.type === 'arith') {
    const a = foldedNumber(e.left);
    const b = foldedNumber(e.right);
    if (a === undefined || b === undefined) return undefined;
    value =
      e.op === '+' ? a + b : e.op === '-' ? a - b : e.op === '*' ? a * b : e.op === '/' ? a / b : fold(e.op, a, b);
  } else if ((e.type === 'and' || e.type === 'or') && isFolded(e.left) && isTrue(e.left) === (e.type === 'and')) {
    return foldedNumber(e.right);
  } else return undefined;
  return Number.isNaN(value) || Object.is(value, -0) ? undefined : value;
}

/** Of a constant. */
export function isTrue(e: Expr): boolean {
  if (e.type === 'paren') return isTrue(e.expr);
  if (e.type === 'and' || e.type === 'or') return isTrue(e.right);
  return e.type === 'not' ? !isTrue(e.expr) : e.type !== 'nil' && e.type !== 'false';
}

/** What matters of powers and remainders: whether they are numbers, and zeros. */
function fold(op: string, a: number, b: number): number {
  return op === '%' ? a - Math.floor(a / b) * b : a ** b;
}

function makesBoolean(e: Expr): boolean {
  switch (e.type) {
    case 'compare':
      return true;
    case 'not':
      return !isFolded(e.expr);
    case 'and':
    case 'or':
      return makesBoolean(e.left) || makesBoolean(e.right);
    case 'paren':
      return makesBoolean(e.expr);
    default:
      return false;
  }
}

export class BaseEmitter {
  readonly fn: FunctionNode;
  readonly out: Output;
  readonly resuming: boolean;
  readonly mode: EmitMode;
  /** JavaScript name of the environment. */
  readonly env: string;
  /** Points of suspension; index 0 is unused (pc 0 is the start). */
  readonly points: (Point | undefined)[] = [undefined];
  /** Variables that a frame saves, in order of first need. */
  readonly saved = new Set<string>();
  /** Variables declared at the top of the function. */
  readonly declared = new Set<string>();
  /** Captured ones among them: `var`, so that closures read them without a check for initialisation. */
  readonly shared = new Set<string>();
  private readonly scope: Scope[] = [];
  private scopeSaved = 0;
  /** Temporaries in use, and the most there have been since `region` began. */
  protected temps = 0;
  private peak = 0;
  /** Locals made visible so far. */
  private readonly brought: string[] = [];
  private readonly forgetting: { readonly piece: number; readonly names: readonly string[] }[] = [];
  private readonly unused: { readonly piece: number; readonly from: number }[] = [];
  private targets: number;

  /** `firstTarget` is the first state number that is free for jump targets in the resume form. */
  constructor(fn: FunctionNode, out: Output, resuming: boolean, env: string, firstTarget: number, mode: EmitMode) {
    this.fn = fn;
    this.out = out;
    this.resuming = resuming;
    this.env = env;
    this.targets = firstTarget;
    this.mode = mode;
  }

  protected put(text: string): void {
    this.out.put(text);
  }

  // Variables

  /** The expression that reads or writes a local variable. */
  variable(v: Local): string {
    const name = v.fn === this.fn ? v.js : closureName(v);
    return isBoxed(v) ? name + '.v' : name;
  }

  /** Makes a local visible and assigns its first value. */
  protected declare(v: Local, value: string): void {
    this.bring(v);
    const init = isBoxed(v) ? `{v:${value}}` : value;
    if (init === v.js) return;
    if (!this.resuming && isPerIteration(v)) this.put(`let ${closureName(v)}=${v.js}=${init};`);
    else this.put(`${v.js}=${init};`);
  }

  /** Makes a local visible to points of suspension from here on. */
  protected bring(v: Local): void {
    this.bringParam(v);
    // A variable that closures share must keep its value.
    if (v.captured && !isPerIteration(v)) this.shared.add(v.js);
    else {
      this.declared.add(v.js);
      this.brought.push(v.js);
    }
  }

  /** Makes a parameter visible. */
  protected bringParam(v: Local): void {
    const { scope, out } = this;
    out.scope = { local: v, outer: scope[scope.length - 1] };
    scope.push(out.scope);
  }

  protected scopeMark(): number {
    return this.scope.length;
  }

  protected scopeReset(mark: number): void {
    this.scope.length = mark;
    this.out.scope = this.scope[mark - 1];
    if (this.scopeSaved > mark) this.scopeSaved = mark;
  }

  protected temp(): string {
    const t = 't' + ++this.temps;
    if (this.temps > this.peak) this.peak = this.temps;
    this.declared.add(t);
    return t;
  }

  /**
   * Frames save all variables, in or out of scope: to V8 each of them is in use until the function's end. A number
   * that is out of scope would so be merged with `undefined` where control flow joins, which boxes it each time. So
   * variables are cleared after the statement that contains them, and at the start of each iteration.
   * `region` opens such a stretch; `begin` marks the place of the clearing text, else it is that of `clear`, which
   * must be called at the end of the stretch.
   */
  protected region(): { begin(): void; clear(): void } {
    const { temps, peak } = this;
    const first = this.brought.length;
    this.peak = temps;
    let start = -1;
    const names = (): string[] => {
      const list = this.brought.slice(first);
      for (let i = temps + 1; i <= this.peak; i++) list.push('t' + i);
      return list;
    };
    return {
      begin: () => {
        if (this.clears) start = this.out.reserve();
      },
      clear: () => {
        if (!this.clears) return;
        const list = names();
        this.peak = Math.max(peak, this.peak);
        this.forgetting.push({ piece: start >= 0 ? start : this.out.reserve(), names: list });
      },
    };
  }

  /** Before a call that may collect: clears the temporaries that are not in use. */
  protected clearTemporaries(): void {
    const piece = this.out.reserve();
    this.unused.push({ piece, from: this.temps + 1 });
  }

  /** Fills in the clearing texts, when it is known what frames save. */
  protected finishClearing(): void {
    for (const { piece, names } of this.forgetting) {
      const { declared, saved } = this;
      const list = names.filter((name) => saved.has(name) || (this.out.collects && declared.has(name)));
      this.out.pieces[piece] = list.length === 0 ? '' : `${list.join('=')}=undefined;`;
    }
    for (const { piece, from } of this.unused) {
      let text = '';
      for (let i = from; this.declared.has('t' + i); i++) text += `t${i}=`;
      // The call takes the places of the arguments of earlier ones on V8's stack.
      this.out.pieces[piece] = `${text}undefined;${GLOBAL_PREFIX}RT.wipe(${CLEAN_ARGUMENTS});`;
    }
  }

  /** The resume form is not worth it, unless that could keep objects. */
  private get clears(): boolean {
    return !this.resuming || this.out.collects;
  }

  /** A name or constant for a value, evaluated now if it is neither. */
  protected simple(value: string): string {
    if (IDENTIFIER.test(value) || isConstant(value)) return value;
    const t = this.temp();
    this.put(`${t}=${value};`);
    return t;
  }

  /** Like `simple`, but may also be the contents of a box, read when used. */
  protected simpleOrBox(value: string): string {
    return value.endsWith('.v') ? value : this.simple(value);
  }

  /** Keeps a value across operations that may suspend. */
  protected keep(value: string): string {
    if (isConstant(value)) return value;
    if (IDENTIFIER.test(value)) {
      if (/^t\d+$/.test(value)) this.saved.add(value);
      return value;
    }
    const t = this.temp();
    this.put(`${t}=${value};`);
    this.saved.add(t);
    return t;
  }

  /** A copy in a variable of its own, safe from assignments to locals. */
  protected copy(value: string, across: boolean): string {
    if (isConstant(value)) return value;
    let t = value;
    if (!/^t\d+$/.test(value)) {
      t = this.temp();
      this.put(`${t}=${value};`);
    }
    if (across) this.saved.add(t);
    return t;
  }

  // Suspension

  /**
   * A point of suspension: the statement that leaves the function, to be put where `variable` was found to hold
   * the sentinel. `land()` must follow as soon as the JavaScript statement is complete.
   */
  protected leave(variable: string, taking: Taking, line: number, name?: string): string {
    const scope = this.scope[this.scope.length - 1];
    const pc = this.points.push({ variable, taking, line, name, scope }) - 1;
    for (; this.scopeSaved < this.scope.length; this.scopeSaved++) {
      this.saved.add(this.scope[this.scopeSaved]!.local.js);
    }
    return `{pc=${pc};break Y}`;
  }

  /** Where the resume form goes on after the last point of suspension. */
  protected land(): void {
    if (this.resuming) this.put(`case ${this.points.length - 1}:`);
  }

  /** A place where a limit can interrupt: the start of a function or of an iteration. */
  protected limitPoint(line: number): void {
    if (!this.mode.limits) return;
    this.out.site(line, '');
    this.put(`if(--${R}.fuel<0&&${RT}.tick()===${S})${this.leave('', 'none', line)}`);
    this.land();
  }

  // Hooks. LuaJIT calls them before instructions; here they are called at marks, put where the line of what is
  // evaluated changes and after calls. The order of the marks' numbers tells whether the program has jumped back.

  private marks = 0;
  /** What has been evaluated since the last mark, for count hooks. */
  private weight = 0;
  private markedLine = -1;

  /** Goes on to a line; marks it if it is another one than that of the last mark, or that is not known. */
  protected at(line: number): void {
    this.out.sync(line);
    this.weight++;
    if (line !== this.markedLine) this.mark(line);
  }

  /** A call or a jump may have come between the last mark and what follows. */
  protected forgetMark(): void {
    this.markedLine = -1;
  }

  /** Marks a line in any case. */
  protected mark(line: number): void {
    if (this.mode.hooked) this.placeMark(line, this.reserveMark(line));
  }

  /** Marks a line unless it has just been marked: of operations that do not move on to their line. */
  protected remark(line: number): void {
    this.weight++;
    if (line !== this.markedLine) this.mark(line);
  }

  /** Room for a mark that gets its number later, by `placeMark`. */
  protected reserveMark(line: number): number {
    if (!this.mode.hooked) return -1;
    this.out.site(line, '');
    this.markedLine = line;
    return this.out.reserve();
  }

  protected placeMark(line: number, piece: number): void {
    if (!this.mode.hooked) return;
    this.out.pieces[piece] = `${RT}.hookLine(fs,${this.fn.id},${++this.marks},${line},${this.weight + 1});`;
    this.weight = 0;
    this.markedLine = line;
  }

  // Jumps

  /** Opens a stretch of code that can be jumped to the end of. `flat`: as a state, else as a JavaScript block. */
  protected begin(flat: boolean): Target {
    const target = this.target(flat);
    if (!flat) this.put(`L${target.id}:{`);
    return target;
  }

  protected target(flat: boolean): Target {
    return { flat, id: this.targets++ };
  }

  protected end(target: Target): void {
    this.put(target.flat ? `case ${target.id}:` : '}');
  }

  protected jump(target: Target): string {
    return target.flat ? `{pc=${target.id};continue M}` : `break L${target.id};`;
  }

  // Names for error messages

  /** How Lua's messages name an expression, such as "local 'x'". */
  protected describe(e: Expr): string | undefined {
    switch (e.type) {
      case 'local':
        return `${e.local.fn === this.fn ? 'local' : 'upvalue'} '${e.local.name}'`;
      case 'global':
        return `global '${e.name}'`;
      case 'index':
        return e.key.type === 'string' ? `field '${e.key.value}'` : undefined;
      case 'paren':
        return this.describe(e.expr);
      case 'and':
      case 'or':
        // LuaJIT names what it loaded last, whether that was taken or not: a constant if truth had to be made a value.
        return makesBoolean(e.left) ? undefined : this.describe(e.right);
      default:
        return undefined;
    }
  }
}
