/** Functions and statements: from the tree to JavaScript text. See emit-base.ts for the two forms. */

import { FRAME_FIELDS } from '../call.ts';
import type { Block, CallExpr, Expr, FunctionNode, IndexExpr, Label, Local, Stat } from './ast.ts';
import {
  closureName,
  type EmitMode,
  isBoxed,
  isConstant,
  isPerIteration,
  type Point,
  type Target,
} from './emit-base.ts';
import { ExprEmitter, isMulti, numberText } from './emit-expr.ts';
import { GLOBAL_PREFIX } from './globals.ts';
import type { Output } from './output.ts';

const S = GLOBAL_PREFIX + 'S';
const R = GLOBAL_PREFIX + 'R';
const RT = GLOBAL_PREFIX + 'RT';
const T = GLOBAL_PREFIX + 'T';
const H = GLOBAL_PREFIX + 'H';

/** Statements that do something themselves, before what is in them. */
const HAS_CODE = new Set<Stat['type']>([
  'local',
  'assign',
  'call',
  'if',
  'for',
  'forin',
  'localfunction',
  'return',
  'break',
  'goto',
]);

/** Depth of nested tail calls after which the stack moves to the heap. */
const MAX_TAIL_DEPTH = 180;

/** Whether an element is written as `t[#t + 1]`. */
function isAppend(target: IndexExpr): boolean {
  const { object, key } = target;
  if (object.type !== 'local' || key.type !== 'arith' || key.op !== '+' || key.right.type !== 'number') return false;
  if (key.right.value !== 1 || key.left.type !== 'len') return false;
  const { expr } = key.left;
  return expr.type === 'local' && expr.local === object.local;
}

const REGISTERS = ['a', 'b', 'c'];

/** What the emission of a function's fast form found out, needed for its resume form. */
export interface FunctionFacts {
  /** Names of the variables in a frame, in order. */
  readonly layout: string[];
  readonly points: (Point | undefined)[];
}

/**
 * The function's JavaScript name: its number, by which the runtime finds its facts, and its Lua name. `w` marks a
 * function that only starts its resume form; stack walks leave it out.
 */
export function functionName(fn: FunctionNode, starts = false): string {
  return `$${fn.id}${starts ? 'w' : ''}_${fn.name.replace(/[^A-Za-z0-9_]/g, '_')}`;
}

/** Called with each function whose fast form has been emitted. */
export type OnFunction = (fn: FunctionNode, facts: FunctionFacts) => void;

interface Region {
  open: number;
  /** Index of the statement before which it closes. */
  close: number;
  readonly label: Label;
  readonly backward: boolean;
}

/** For tests: run every function in its resume form from the start. */
export const testing = { alwaysResume: false };

export class FunctionEmitter extends ExprEmitter {
  private readonly onFunction: OnFunction;
  private readonly loops: Target[] = [];
  private readonly forward = new Map<Label, Target>();
  private readonly backward = new Map<Label, Target>();
  /** Control flow that needs the resume form. */
  private irreducible = testing.alwaysResume;

  constructor(
    fn: FunctionNode,
    out: Output,
    resuming: boolean,
    env: string,
    firstTarget: number,
    mode: EmitMode,
    onFunction: OnFunction,
  ) {
    super(fn, out, resuming, env, firstTarget, mode);
    this.onFunction = onFunction;
  }

  /** Writes the fast form as a named function expression. */
  emitFast(): void {
    const { fn, out } = this;
    const { scope } = out;
    out.scope = undefined;
    const params = fn.params.map((p) => p.js);
    if (fn.isVararg) params.push('...va');
    const start = out.reserve();
    const header = out.reserve();
    const mark = out.pieces.length;
    for (const p of fn.params) {
      this.bringParam(p);
      if (isBoxed(p)) this.put(`${p.js}={v:${p.js}};`);
    }
    const entry = out.reserve();
    for (const p of fn.params) if (isPerIteration(p)) this.put(`let ${closureName(p)}=${p.js};`);
    this.limitPoint(fn.line);
    this.block(fn.body);
    out.sync(fn.lastLine);
    out.scope = scope;
    const layout = this.layout();
    this.finishClearing();
    this.onFunction(fn, { layout, points: this.points });
    if (this.irreducible) {
      // Always runs in the resume form, from its start.
      fn.irreducible = true;
      for (let i = mark; i < out.pieces.length; i++) out.pieces[i] = '\n'.repeat(out.pieces[i]!.split('\n').length - 1);
    }
    const suspends = this.points.length > 1 && !this.irreducible;
    this.put(this.irreducible ? '}' : suspends ? `${RT0}}${this.capture(layout)}}` : `${RT0}}`);
    const self = functionName(fn, this.irreducible);
    if (this.mode.traced && !this.irreducible) {
      out.pieces[entry] = `if(${H})return ${RT}.enter($P[${fn.index}],${self},[${layout}]);`;
    }
    out.pieces[start] = `function ${self}(${params}){`;
    out.pieces[header] = this.header(self, suspends, layout);
  }

  private header(self: string, suspends: boolean, layout: string[]): string {
    const { fn } = this;
    const lets = [...this.declared];
    if (suspends) lets.push('pc');
    let text = '';
    if (this.irreducible) {
      // Variables of the body do not exist yet.
      const given = new Set([...fn.params.map((p) => p.js), 'va', 'self', this.env, ...fn.upvalues.map(closureName)]);
      const values = layout.map((name) => (given.has(name) ? this.initial(name) : 'undefined'));
      text = `return ${RT}.start($P[${fn.index}],[${values}],${self});`;
    } else {
      if (lets.length > 0) text = `let ${lets};`;
      if (this.shared.size > 0) text += `var ${[...this.shared]};`;
    }
    const outer = this.outerEnv();
    if (fn.usesEnv) {
      if (fn.changesEnv) {
        text = `if(${self}.$E!==undefined&&${self}.$E.query)return ${RT}.tellEnv(${self},${outer});let self=${self},${this.env}=${RT}.envAfterCall(self,${outer});${text}`;
      } else {
        const upvalues = fn.upvalues.map(closureName);
        const args = fn.params.map((p) => p.js);
        if (fn.isVararg) args.push('...va');
        text = `if(${self}.$E!==undefined)return ${RT}.callWithEnv(${self},$P[${fn.index}],${this.env},[${upvalues}],[${args}]);${text}`;
      }
    }
    return suspends ? text + 'Y:{' : text;
  }

  private initial(name: string): string {
    const p = this.fn.params.find((local) => local.js === name);
    return p !== undefined && isBoxed(p) ? `{v:${name}}` : name;
  }

  private outerEnv(): string {
    return this.env.slice(0, this.env.lastIndexOf('e')) || '$E';
  }

  /** The variables of a frame: environment, varargs, locals and temporaries, upvalues. */
  private layout(): string[] {
    const { fn } = this;
    const layout = fn.usesEnv ? [this.env] : [];
    if (fn.changesEnv) layout.push('self');
    if (fn.isVararg) layout.push('va');
    for (const p of fn.params) this.saved.add(p.js);
    return [...layout, ...this.saved, ...fn.upvalues.map(closureName)];
  }

  /** Saves the variables in a frame. */
  private capture(layout: readonly string[]): string {
    if (this.mode.hooked) return `return ${RT}.captureHooked($P[${this.fn.index}],pc,[${layout}],fs)`;
    const more = layout.length > FRAME_FIELDS ? `,[${layout.slice(FRAME_FIELDS)}]` : '';
    const fields = layout.slice(0, FRAME_FIELDS).map((name) => ',' + name);
    return `return ${RT}.capture($P[${this.fn.index}],pc${fields.join('')}${more})`;
  }

  /** Writes the resume form: a function of a frame and the result it continues with. */
  emitResume(layout: readonly string[]): void {
    const { fn, out } = this;
    const self = functionName(fn);
    this.put(`(function ${self}(fr,rv){`);
    const header = out.reserve();
    for (const p of fn.params) this.bringParam(p);
    this.put('Y:{M:for(;;)switch(pc){case 0:');
    const { hooked } = this.mode;
    if (hooked) {
      out.site(fn.line, '');
      this.put(`${RT}.hookCall(fs);`);
    }
    this.limitPoint(fn.line);
    this.block(fn.body);
    out.sync(fn.lastLine);
    this.mark(fn.lastLine);
    this.beforeReturn(fn.lastLine);
    this.put(`${RT0}}}${this.capture(layout)}})`);
    this.finishClearing();
    const restored = layout.map((name, i) => `${name}=${i < FRAME_FIELDS ? `fr.v${i}` : `l[${i - FRAME_FIELDS}]`}`);
    if (layout.length > FRAME_FIELDS) restored.unshift('l=fr.more');
    const others = [...this.declared, ...this.shared].filter((name) => !layout.includes(name));
    const byAction = new Map<string, number[]>();
    this.points.forEach((point, pc) => {
      if (point === undefined || point.taking === 'none' || point.variable === '') return;
      const action = `${point.variable}=${point.taking === 'raw' ? 'rv' : `${RT}.${point.taking}(rv)`}`;
      byAction.set(action, [...(byAction.get(action) ?? []), pc]);
    });
    let takes = '';
    for (const [action, pcs] of byAction) takes += pcs.map((pc) => `case ${pc}:`).join('') + action + ';break;';
    out.pieces[header] =
      `let pc=fr.pc${hooked ? ',fs=fr.self' : ''}${[...restored, ...others].map((s) => ',' + s).join('')};` +
      `${out.collects ? `${layout.length > FRAME_FIELDS ? 'l=undefined;' : ''}fr.clear();${fn.usesEnv ? `fr.v0=${layout[0]};` : ''}${fn.changesEnv ? 'fr.v1=self;' : ''}` : ''}switch(pc){${takes}}`;
  }

  // Closures

  protected closure(fn: FunctionNode, before: string, after: string): void {
    if (this.resuming) {
      const upvalues = fn.upvalues.map((v) => (v.fn === this.fn ? v.js : closureName(v)));
      this.put(`${before}${RT}.closure($P[${fn.index}],${fn.usesEnv ? this.env : 'undefined'},[${upvalues}])${after}`);
      return;
    }
    // The environment can change: the closure keeps the one it was created with.
    const bind = this.fn.changesEnv && fn.usesEnv;
    const env = nestedEnv(fn, this.env);
    this.put(bind ? `${before}(function(${this.env}){return ` : before);
    new FunctionEmitter(fn, this.out, false, env, 1, this.mode, this.onFunction).emitFast();
    this.put(bind ? `})(${this.env})${after}` : after);
  }

  /** After a call, in a function that uses setfenv or module. */
  private refreshEnv(): void {
    if (this.fn.changesEnv) this.put(`${this.env}=${RT}.envAfterCall(self,${this.env});`);
  }

  protected override call(e: CallExpr, taking: 'one' | 'raw' | 'none', into?: string): string {
    // For setfenv(1, t) in the resume form, whose frame does not tell the function.
    if (this.fn.changesEnv) this.put(`${R}.self=self;`);
    return super.call(e, taking, into);
  }

  // Blocks and gotos

  private block(block: Block): void {
    const mark = this.scopeMark();
    if (block.labels.length > 0) this.labelled(block);
    else for (const s of block.body) this.statement(s);
    this.scopeReset(mark);
  }

  private labelled({ body, labels }: Block): void {
    if (this.resuming) {
      for (const label of labels) this.forward.set(label, this.target(true));
      for (let i = 0; i <= body.length; i++) {
        for (const label of labels) {
          if (label.index !== i) continue;
          this.end(this.forward.get(label)!);
          this.forgetMark();
          if (label.back >= 0) this.limitPoint(label.line);
        }
        if (i < body.length) this.statement(body[i]!);
      }
      return;
    }
    const regions = this.regions(labels, body);
    for (let i = 0; i <= body.length; i++) {
      // Inner regions were opened last: close them first, then open, the widest first.
      const closing = [...regions]
        .reverse()
        .filter((r) => r.close === i)
        .sort((x, y) => y.open - x.open || order(y, x));
      for (const r of closing) this.put(r.backward ? `break L${this.backward.get(r.label)!.id};}` : '}');
      const opening = regions.filter((r) => r.open === i).sort((x, y) => y.close - x.close || order(x, y));
      for (const r of opening) {
        const target = this.target(false);
        (r.backward ? this.backward : this.forward).set(r.label, target);
        this.put(r.backward ? `L${target.id}:for(;;){` : `L${target.id}:{`);
        if (r.backward) this.limitPoint(r.label.line);
      }
      if (i < body.length) this.statement(body[i]!);
    }
  }

  /** The stretches of a block that gotos leave at their end or repeat, properly nested. */
  private regions(labels: readonly Label[], body: readonly Stat[]): Region[] {
    const { length } = body;
    const regions: Region[] = [];
    for (const label of labels) {
      if (label.from >= 0) regions.push({ open: label.from, close: label.index, label, backward: false });
      if (label.back >= 0) {
        // What is declared in it for each iteration must be known to the statements behind it.
        const inside = body.slice(label.index, label.back + 1);
        const close = inside.some(declaresForIteration) ? length : Math.min(label.back + 1, length);
        regions.push({ open: label.index, close, label, backward: true });
      }
    }
    for (let changed = true; changed; ) {
      changed = false;
      for (const a of regions) {
        for (const b of regions) {
          if (!(a.open < b.open && b.open < a.close && a.close < b.close)) continue;
          if (b.backward) this.irreducible = true;
          else {
            b.open = a.open;
            changed = true;
          }
        }
      }
      if (this.irreducible) break;
    }
    return regions;
  }

  // Statements

  private statement(s: Stat): void {
    const temps = this.temps;
    const region = isCompound(s) ? this.region() : undefined;
    this.out.sync(s.line);
    if (HAS_CODE.has(s.type)) this.mark(firstLine(s));
    switch (s.type) {
      case 'local':
        this.localStatement(s.locals, s.values);
        break;
      case 'assign':
        if (s.isFunction && s.targets[0]!.type === 'index') this.functionField(s.targets[0], s.values[0]!, s.line);
        else this.assignment(s.targets, s.values, s.line, s.endLine);
        break;
      case 'call':
        if (this.out.collects && this.mayCollect(s.call)) this.clearTemporaries();
        this.call(s.call, 'none');
        this.refreshEnv();
        break;
      case 'do':
        this.scoped(s.body, s.flat);
        break;
      case 'while':
        this.whileStatement(s.condition, s.body, this.resuming && s.flat, s.line);
        break;
      case 'repeat':
        this.repeatStatement(s.condition, s.body, this.resuming && s.flat, s.line, s.endLine);
        break;
      case 'if':
        this.ifStatement(s);
        break;
      case 'for':
        this.numericFor(s, this.resuming && s.flat);
        break;
      case 'forin':
        this.genericFor(s, this.resuming && s.flat);
        break;
      case 'localfunction':
        this.localFunction(s.local, s.fn);
        break;
      case 'return':
        this.returnStatement(s.values, s.line, s.endLine);
        break;
      case 'break':
        this.put(this.jump(this.loops[this.loops.length - 1]!));
        break;
      case 'goto': {
        const label = s.target.label!;
        if (this.resuming) this.put(this.jump(this.forward.get(label)!));
        else {
          const target = (s.target.backward ? this.backward : this.forward).get(label);
          // Absent only if the regions could not be nested; the text is thrown away then.
          if (target === undefined) this.irreducible = true;
          else this.put(`${s.target.backward ? 'continue' : 'break'} L${target.id};`);
        }
        break;
      }
    }
    region?.clear();
    this.temps = temps;
  }

  /** To be put in front of what returns. */
  private beforeReturn(line: number): void {
    if (!this.mode.hooked) return;
    this.out.site(line, '');
    this.put(`${RT}.hookReturn(fs);`);
  }

  /** Of a chunk that names collectgarbage: whether a call is likely to end there. */
  private mayCollect({ callee }: CallExpr): boolean {
    return this.fn.index === 0 || (callee.type === 'global' && callee.name === 'collectgarbage');
  }

  private scoped(body: Block, isFlat: boolean): void {
    const braces = !(this.resuming && isFlat);
    if (braces) this.put('{');
    this.block(body);
    if (braces) this.put('}');
  }

  private localStatement(locals: readonly Local[], values: readonly Expr[]): void {
    if (locals.length === 1 && values.length === 1) {
      const v = locals[0]!;
      const e = values[0]!;
      if (!v.assigned && this.isNumber(e)) v.isNumber = true;
      const into = this.direct(e) && !v.captured ? v.js : undefined;
      const text = this.exp(e, into);
      this.refreshEnvAfter(values);
      this.declare(v, text);
      if (into !== undefined) this.declared.add(into);
      return;
    }
    const texts = this.expList(values, locals.length);
    this.refreshEnvAfter(values);
    locals.forEach((v, i) => {
      this.declare(v, texts[i]!);
    });
  }

  private refreshEnvAfter(values: readonly Expr[]): void {
    if (this.fn.changesEnv && values.some((e) => e.type === 'call')) this.refreshEnv();
  }

  /** Evaluates a list to exactly `count` values. */
  private expList(exprs: readonly Expr[], count: number): string[] {
    const last = exprs[exprs.length - 1];
    if (exprs.length > count || !isMulti(last) || exprs.length === count) {
      const texts = this.list(exprs);
      while (texts.length < count) texts.push('undefined');
      return texts;
    }
    const before = exprs.slice(0, -1);
    const texts = this.list(before, false, last.may);
    const missing = count - before.length;
    if (last.type === 'vararg') {
      for (let i = 0; i < missing; i++) texts.push(`va[${i}]`);
      return texts;
    }
    const t = this.call(last as CallExpr, 'raw');
    const parts = [t];
    for (let i = 1; i < missing; i++) parts.push(this.temp());
    this.spread(t, parts);
    return texts.concat(parts);
  }

  /** Distributes a raw result `t` over variables, the first of which may be `t` itself. */
  private spread(t: string, parts: readonly string[]): void {
    const rest = parts.slice(1);
    if (parts.length > 3) {
      const array = this.temp();
      this.put(`${array}=${RT}.array(${t});${parts.map((p, i) => `${p}=${array}[${i}];`).join('')}`);
      return;
    }
    const fromRegisters = parts.map((p, i) => `${p}=${R}.n>${i}?${R}.${REGISTERS[i]}:undefined;`);
    this.put(`if(${t}===${S}){${fromRegisters.slice(1).join('')}${fromRegisters[0]}}`);
    this.put(`else{${parts[0] === t ? '' : `${parts[0]}=${t};`}${rest.map((p) => `${p}=undefined;`).join('')}}`);
  }

  /** `endLine` is that of the stores, as in LuaJIT. */
  private assignment(targets: readonly Expr[], values: readonly Expr[], line: number, endLine: number): void {
    if (targets.length === 1 && values.length === 1) this.assignOne(targets[0]!, values[0]!, line, endLine);
    else this.assignMany(targets, values, endLine);
    this.refreshEnvAfter(values);
  }

  private assignOne(target: Expr, value: Expr, line: number, endLine: number): void {
    if (target.type === 'local') {
      const name = this.variable(target.local);
      const own = !isBoxed(target.local) && this.direct(value);
      const text = this.exp(value, own ? name : undefined);
      if (value.type === 'call') this.mark(line);
      if (text !== name) this.put(`${name}=${text};`);
    } else if (target.type === 'global') {
      const text = this.value(value);
      this.out.sync(endLine);
      this.storeField(this.env, target.name, text, endLine, undefined);
    } else if (target.type === 'index' && target.key.type === 'string') {
      const [o, v] = this.list([target.object, value], true) as [string, string];
      const name = this.describe(target.object);
      this.out.sync(endLine);
      this.storeField(this.objectText(o), target.key.value, this.simple(v), endLine, name);
    } else if (target.type === 'index') {
      const texts = this.list([target.object, target.key, value], true) as [string, string, string];
      const o = this.objectText(texts[0]);
      const k = this.simple(texts[1]);
      const name = this.describe(target.object);
      const append = value.type !== 'nil' && isAppend(target);
      this.out.sync(endLine);
      this.storeIndex(o, k, this.simple(texts[2]), endLine, name, this.isNumber(target.key), append);
    }
  }

  /** `function a.b() ... end`: that a cannot be indexed is an error on the line where this begins. */
  private functionField(target: Expr & { type: 'index' }, value: Expr, line: number): void {
    const o = this.objectText(this.exp(target.object));
    const name = this.describe(target.object);
    this.put(`if(!(${o} instanceof ${T}))`);
    this.out.site(line, '__newindex', name);
    this.put(`${RT}.checkIndexed(${o});`);
    const v = this.simple(this.exp(value));
    this.storeField(o, (target.key as Expr & { type: 'string' }).value, v, this.out.line, name);
  }

  private assignMany(targets: readonly Expr[], values: readonly Expr[], line: number): void {
    const may = values.some((e) => e.may) || targets.some((e) => e.may);
    const places = targets.map((target): [string, string] => {
      if (target.type !== 'index') return ['', ''];
      const [o, k] = this.list([target.object, target.key], false, true) as [string, string];
      return [this.copy(this.objectText(o), may), this.copy(k, may)];
    });
    const texts = this.expList(values, targets.length).map((text) => this.copy(text, may));
    this.out.sync(line);
    // From the last to the first, as Lua does.
    for (let i = targets.length - 1; i >= 0; i--) {
      const target = targets[i]!;
      const [o, k] = places[i]!;
      if (target.type === 'local') this.put(`${this.variable(target.local)}=${texts[i]};`);
      else if (target.type === 'global') this.storeField(this.env, target.name, texts[i]!, line, undefined);
      else if (target.type === 'index') {
        const name = this.describe(target.object);
        if (target.key.type === 'string') this.storeField(o, target.key.value, texts[i]!, line, name);
        else this.storeIndex(o, k, texts[i]!, line, name);
      }
    }
  }

  private localFunction(local: Local, fn: FunctionNode): void {
    if (isBoxed(local)) {
      this.declare(local, 'undefined');
      this.closure(fn, `${local.js}.v=`, ';');
      return;
    }
    this.bring(local);
    const before = !this.resuming && isPerIteration(local) ? `let ${closureName(local)}=` : '';
    this.closure(fn, `${before}${local.js}=`, ';');
  }

  private returnStatement(values: readonly Expr[], line: number, endLine: number): void {
    const last = values[values.length - 1];
    if (last === undefined) {
      this.beforeReturn(line);
      this.put(RT0);
    } else if (values.length === 1 && last.type === 'call') this.tailCall(last, endLine);
    else if (values.length === 1 && last.type !== 'vararg') {
      const text = this.exp(last);
      this.beforeReturn(line);
      this.put(`return ${text};`);
    } else if (isMulti(last)) {
      const texts = this.args(values);
      this.beforeReturn(line);
      this.put(`return ${RT}.results([${texts}]);`);
    } else {
      const texts = this.list(values).map((text) => (isConstant(text) ? text : this.simple(text)));
      this.beforeReturn(line);
      if (texts.length > 3) this.put(`return ${RT}.results([${texts}]);`);
      else {
        const stores = texts.map((text, i) => `${R}.${REGISTERS[i]}=${text};`).join('');
        this.put(`${R}.n=${texts.length};${stores}return ${S};`);
      }
    }
  }

  /** The callee's result is ours, whatever it is: nothing to save if it suspends. */
  private tailCall(e: CallExpr, line: number): void {
    const { callee, args, name } = this.prepareCall(e);
    const f = /^t\d+$/.test(callee) ? callee : this.temp();
    this.at(line);
    if (this.mode.hooked) {
      this.out.site(line, '', name);
      this.put(`${RT}.hookNative(${callee});`);
    }
    this.put(`${f}=typeof ${callee}==='function'?${callee}:`);
    this.out.site(line, '', name);
    this.put(`${RT}.callable(${callee});`);
    this.put(`if(++${R}.tail>${MAX_TAIL_DEPTH})return ${RT}.tailCall(${f},[${args}]);`);
    this.out.tailSite(line, name);
    this.put(`${f}=${f}(${args});${R}.tail--;return ${f};`);
  }

  // Loops and conditions

  private ifStatement(s: Stat & { type: 'if' }): void {
    const isFlat = this.resuming && s.flat;
    const { clauses, otherwise } = s;
    const single = clauses.length === 1 && otherwise === undefined;
    const end = single ? undefined : this.begin(isFlat);
    clauses.forEach((clause, i) => {
      if (i > 0) this.forgetMark();
      this.at(clause.line);
      const next = this.begin(isFlat);
      const temps = this.temps;
      this.jumpIf(clause.condition, false, next);
      this.temps = temps;
      this.block(clause.body);
      if (end !== undefined && (i < clauses.length - 1 || otherwise !== undefined)) this.put(this.jump(end));
      this.end(next);
    });
    if (otherwise !== undefined) this.scoped(otherwise, isFlat);
    if (end !== undefined) this.end(end);
  }

  /** Opens a loop: its exit, and the text that repeats it. */
  private openLoop(isFlat: boolean): { exit: Target; again: string } {
    const exit = this.target(isFlat);
    this.loops.push(exit);
    if (!isFlat) return { exit, again: '}' };
    const top = this.target(true);
    this.end(top);
    return { exit, again: this.jump(top) };
  }

  private closeLoop({ exit, again }: { exit: Target; again: string }): void {
    this.loops.pop();
    this.put(again);
    if (exit.flat) this.end(exit);
  }

  private whileStatement(condition: Expr, body: Block, isFlat: boolean, line: number): void {
    const loop = this.openLoop(isFlat);
    if (!isFlat) this.put(`L${loop.exit.id}:for(;;){`);
    const iteration = this.region();
    iteration.begin();
    this.limitPoint(line);
    this.mark(line);
    const temps = this.temps;
    this.jumpIf(condition, false, loop.exit);
    this.temps = temps;
    this.block(body);
    iteration.clear();
    this.closeLoop(loop);
  }

  private repeatStatement(
    condition: Expr,
    { body, labels }: Block,
    isFlat: boolean,
    line: number,
    endLine: number,
  ): void {
    const loop = this.openLoop(isFlat);
    if (!isFlat) this.put(`L${loop.exit.id}:for(;;){`);
    const iteration = this.region();
    iteration.begin();
    this.limitPoint(line);
    this.mark(line);
    const mark = this.scopeMark();
    // The condition sees the body's locals.
    if (labels.length > 0) this.labelled({ body, labels });
    else for (const s of body) this.statement(s);
    this.at(endLine);
    const temps = this.temps;
    this.jumpIf(condition, true, loop.exit);
    this.temps = temps;
    this.scopeReset(mark);
    iteration.clear();
    this.closeLoop(loop);
  }

  private numericFor(s: Stat & { type: 'for' }, isFlat: boolean): void {
    const v = s.variable;
    const exprs = s.step === undefined ? [s.start, s.limit] : [s.start, s.limit, s.step];
    const texts = this.list(exprs);
    const checks = ['forStart', 'forLimit', 'forStep'];
    if (exprs.some((e) => e.type !== 'number')) this.out.sync(s.doLine);
    const bounds = texts.map((text, i) => {
      if (exprs[i]!.type === 'number') return text;
      const t = this.temp();
      if (i > 0) this.saved.add(t);
      this.out.site(s.doLine, 'for');
      if (this.isNumber(exprs[i]!)) this.put(`${t}=${text};`);
      else this.put(`if(typeof(${t}=${text})!=='number')${t}=${RT}.${checks[i]}(${t});`);
      return t;
    });
    const [start, limit, step] = bounds as [string, string, string | undefined];
    const constant = s.step === undefined ? 1 : s.step.type === 'number' ? s.step.value : undefined;
    if (!v.assigned) v.isNumber = true;
    const mark = this.scopeMark();
    // A variable that closures keep, or that the body assigns, is a copy of the counter.
    const isCopy = v.captured || v.assigned;
    const i = isCopy ? this.temp() : v.js;
    if (isCopy) this.saved.add(i);
    else this.bring(v);
    // The sign tells the direction, of a zero too.
    const test =
      constant === undefined
        ? `(${step}>0||${step}===0&&1/${step}>0?${i}<=${limit}:${i}>=${limit})`
        : constant > 0 || Object.is(constant, 0)
          ? `${i}<=${limit}`
          : `${i}>=${limit}`;
    const increment = constant === 1 ? `${i}++` : `${i}+=${constant === undefined ? step : numberText(constant)}`;
    const exit = this.target(isFlat);
    this.loops.push(exit);
    if (!isFlat) {
      this.put(`L${exit.id}:for(${i}=${start};${test};${increment}){`);
      const iteration = this.region();
      iteration.begin();
      this.limitPoint(s.line);
      if (isCopy) this.declare(v, i);
      this.block(s.body);
      this.mark(s.line);
      iteration.clear();
      this.put('}');
    } else {
      const top = this.target(true);
      this.put(`${i}=${start};`);
      this.end(top);
      this.put(`if(!(${test}))${this.jump(exit)}`);
      this.limitPoint(s.line);
      if (isCopy) this.declare(v, i);
      this.block(s.body);
      this.mark(s.line);
      this.put(`${increment};${this.jump(top)}`);
      this.end(exit);
    }
    this.loops.pop();
    this.scopeReset(mark);
  }

  private genericFor(s: Stat & { type: 'forin' }, isFlat: boolean): void {
    const [f, state, control] = this.expList(s.values, 3).map((text) => {
      const t = this.temp();
      this.put(`${t}=${text};`);
      this.saved.add(t);
      return t;
    }) as [string, string, string];
    // An iteration with next or ipairs' iterator needs no calls.
    const [cursor, array, keys, i] = ['', '', '', ''].map(() => {
      const t = this.temp();
      this.saved.add(t);
      return t;
    }) as [string, string, string, string];
    const fetch = `${array}=${cursor}.a;${keys}=${cursor}.keys;${i}=${cursor}.i;`;
    this.put(`${cursor}=${RT}.cursor(${f},${state},${control});if(${cursor}!==undefined){${fetch}}`);
    this.out.sync(s.callLine);
    const values = s.locals.map(() => this.temp());
    const key = values[0]!;
    const result = this.temp();
    const callIterator = () => {
      this.put(`${result}=(typeof ${f}==='function'?${f}:`);
      this.out.site(s.callLine, 'forin');
      this.put(`${RT}.callable(${f}))(${state},${control});`);
      this.put(`if(${result}===${S}&&${R}.n<0)${this.leave(result, 'raw', s.callLine, "local '(for generator)'")}`);
      this.land();
      this.spread(result, values);
    };
    const value = values[1] ?? this.temp();
    // Values are taken from the array itself; the cursor finds what comes after them.
    const advance = (exit: string): string =>
      `if((${value}=${array}[++${i}])!==undefined)${key}=${keys}===undefined?${i}:${keys}[${i}];` +
      `else if(${cursor}.from(${i}-1)){${fetch}${key}=${cursor}.k;${value}=${cursor}.v;}else ${exit}` +
      values
        .slice(2)
        .map((x) => `${x}=undefined;`)
        .join('');
    const mark = this.scopeMark();
    const loop = this.openLoop(isFlat);
    const iteration = this.region();
    let next = -1;
    if (!isFlat) {
      this.put(`L${loop.exit.id}:for(;;){`);
      iteration.begin();
      this.limitPoint(s.line);
      this.put(`if(${cursor}!==undefined){${advance('break;')}}else{`);
      callIterator();
      this.put(`if(${key}===undefined)break;${control}=${key};}`);
    } else {
      this.limitPoint(s.line);
      next = this.reserveMark(s.line);
      const body = this.target(true);
      this.put(`if(${cursor}!==undefined){${advance(this.jump(loop.exit))}${this.jump(body)}}`);
      callIterator();
      this.put(`if(${key}===undefined)${this.jump(loop.exit)}${control}=${key};`);
      this.end(body);
    }
    s.locals.forEach((v, i) => {
      this.declare(v, values[i]!);
    });
    this.block(s.body);
    if (next >= 0) this.placeMark(s.line, next);
    iteration.clear();
    this.closeLoop(loop);
    this.scopeReset(mark);
  }
}

/** The line of a statement's first instruction: functions are made where they end. */
function firstLine(s: Stat): number {
  if (s.type === 'localfunction') return s.fn.lastLine;
  const first = s.type === 'local' || s.type === 'assign' ? s.values[0] : undefined;
  return first?.type === 'function' ? first.fn.lastLine : s.line;
}

function isCompound(s: Stat): boolean {
  return s.type === 'if' || s.type === 'do' || s.type === 'while' || s.type === 'repeat' || s.type.startsWith('for');
}

/** Returns no values. */
const RT0 = `${R}.n=0;return ${S};`;

/** The name of a nested function's environment: its own variable if it may change it. */
export function nestedEnv(fn: FunctionNode, outer: string): string {
  return fn.changesEnv ? outer + 'e' : outer;
}

function declaresForIteration(s: Stat): boolean {
  if (s.type === 'localfunction') return isPerIteration(s.local);
  return s.type === 'local' && s.locals.some(isPerIteration);
}

/** Of two regions with the same bounds, the loop is the outer one. */
function order(a: Region, b: Region): number {
  return Number(b.backward) - Number(a.backward);
}
