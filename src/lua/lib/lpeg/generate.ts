// From a program to JavaScript.
//
// Each rule becomes a function (m, i, d) that returns where its match ends, or -1: m is the matcher, i the position,
// d the entries that the machine would have on its stack. A choice keeps where it began in a local variable, and a
// failure is a jump to the end of a labelled block. What must not use the native stack does not: a rule that calls
// itself last is a loop; one that so calls another of its cycle returns a code for it (-2 and below), and whoever
// called it goes on there; and where the recursion gets deep, the machine takes over.

import { type CharSet, has, ranges, tableOf } from './charset.ts';
import type { Alternative, Op, Program } from './lower.ts';
import { run } from './machine.ts';
import { type Matcher, MIN_STACK, overflow } from './matcher.ts';
import { matchUtf } from './utf.ts';
import { runFunction } from './values.ts';

/** A compiled program: matches at a position, returns the end or -1. */
export type Generated = (m: Matcher, i: number) => number;

/** Entries of the machine's stack after which it takes over. */
export const NATIVE_DEPTH = 200;

/** Operations of a program that is left to the machine. */
const TOO_LARGE = 20000;
/** Operations of one function: V8 optimises small ones only. */
const MAX_FUNCTION = 250;
const MIN_FUNCTION = 40;

type FunctionName = string;

/** Makes the JavaScript of a program; false if it is too large. */
export function generate(program: Program): Generated | false {
  const generator = new Generator(program);
  const size = [program.main, ...program.rules].reduce((sum, op) => sum + sizeOf(op), 0);
  if (size > TOO_LARGE) return false;
  return generator.make();
}

const sizes = new WeakMap<Op, number>();

function childrenOf(op: Op): readonly Op[] {
  switch (op.op) {
    case 'seq':
      return op.items;
    case 'choice':
      return [...op.alternatives.map((a) => a.op), op.last];
    case 'rep':
    case 'not':
    case 'and':
    case 'behind':
    case 'capture':
    case 'runtime':
      return [op.body];
    default:
      return [];
  }
}

function sizeOf(op: Op): number {
  let size = sizes.get(op);
  if (size === undefined) {
    size = childrenOf(op).reduce((sum, child) => sum + sizeOf(child), 1);
    sizes.set(op, size);
  }
  return size;
}

function someOp(op: Op, test: (op: Op) => boolean): boolean {
  return test(op) || childrenOf(op).some((child) => someOp(child, test));
}

/** Rules that can reach themselves through the given calls; the number of their cycle for each, else -1. */
function cycles(edges: readonly (readonly number[])[]): number[] {
  const reach = edges.map((_, from) => {
    const seen = new Set<number>();
    const todo = [...edges[from]!];
    for (let to = todo.pop(); to !== undefined; to = todo.pop()) {
      if (seen.has(to)) continue;
      seen.add(to);
      todo.push(...edges[to]!);
    }
    return seen;
  });
  return edges.map((_, k) => {
    if (!reach[k]!.has(k)) return -1;
    let first = k;
    for (const other of reach[k]!) if (other < first && reach[other]!.has(k)) first = other;
    return first;
  });
}

class Generator {
  private readonly program: Program;
  private readonly sets: CharSet[] = [];
  private readonly functions: string[] = [];
  private names = 0;
  /** Whether a rule can leave captures. */
  private readonly capturing: boolean[];
  /** Cycles of calls of any kind, and of last calls. */
  private readonly recursive: number[];
  private readonly tailCycles: number[];
  /** The rule whose function is being made. */
  private rule = -1;
  /** Whether parts of the current function are to become functions of their own. */
  private splits = false;

  constructor(program: Program) {
    this.program = program;
    const calls = (tailOnly: boolean): number[][] =>
      program.rules.map((rule) => {
        const found = new Set<number>();
        someOp(rule, (op) => {
          if (op.op === 'call' && (op.tail || !tailOnly)) found.add(op.rule);
          return false;
        });
        return [...found];
      });
    const edges = calls(false);
    this.recursive = cycles(edges);
    this.tailCycles = cycles(calls(true));
    this.capturing = program.rules.map((rule) => someOp(rule, isCapture));
    for (let changed = true; changed; ) {
      changed = false;
      edges.forEach((to, from) => {
        if (this.capturing[from] || !to.some((k) => this.capturing[k])) return;
        this.capturing[from] = true;
        changed = true;
      });
    }
  }

  make(): Generated {
    const { program } = this;
    this.function('main', program.main, -1);
    program.rules.forEach((rule, k) => {
      this.function(`r${k}`, rule, k);
    });
    const tails = program.rules.map((_, k) => (this.hasTails(k) ? `r${k}` : 'undefined')).join(',');
    const source = `'use strict';const L=[${tails}];
function T(m,i,d){while(i<-1)i=L[-2-i](m,m.tail,d);return i}
${this.functions.join('\n')}
return (m,i)=>main(m,i,1);`;
    const names = this.sets.map((_, k) => `S${k}`);
    const factory = new Function(...names, 'U', 'F', 'D', source);
    return factory(...this.sets.map(tableOf), matchUtf, runFunction, goDeep) as Generated;
  }

  /** Whether a rule's function can return codes of other rules. */
  private hasTails(k: number): boolean {
    return someOp(this.program.rules[k]!, (op) => op.op === 'call' && op.tail && this.isTailCode(k, op.rule));
  }

  /** Whether a last call goes through the caller. */
  private isTailCode(from: number, to: number): boolean {
    return from !== to && this.tailCycles[from]! >= 0 && this.tailCycles[from] === this.tailCycles[to];
  }

  private captures(op: Op): boolean {
    return someOp(op, (o) => isCapture(o) || (o.op === 'call' && this.capturing[o.rule]!));
  }

  private function(name: FunctionName, body: Op, rule: number): void {
    const { rule: outerRule, splits } = this;
    this.rule = rule;
    this.splits = sizeOf(body) > MAX_FUNCTION;
    const check = rule >= 0 && this.recursive[rule]! >= 0 ? `if(d>m.limit)return D(m,${rule},i,d);` : '';
    const code = this.op(body, 'return -1;', 0);
    const loops = code.includes('continue R;');
    this.functions.push(
      `function ${name}(m,i,d){${check}const b=m.bytes,n=m.length;${loops ? `R:for(;;){${code}return i}` : `${code}return i`}}`,
    );
    this.rule = outerRule;
    this.splits = splits;
  }

  private name(prefix: string): string {
    return prefix + this.names++;
  }

  /** An expression that is true if the byte at i is in the set. */
  private test(set: CharSet): string {
    const list = ranges(set);
    const guard = has(set, 0) ? 'i<n&&' : '';
    if (list.length === 0) return 'false';
    const [first, second] = list as [[number, number], [number, number] | undefined];
    if (list.length === 1) return first[0] === 0 && first[1] === 255 ? 'i<n' : `${guard}${within(first)}`;
    if (list.length === 2 && second !== undefined) {
      // All but one byte.
      if (first[0] === 0 && second[1] === 255 && first[1] + 2 === second[0]) return `i<n&&b[i]!==${first[1] + 1}`;
      if (first[0] === first[1] && second[0] === second[1]) return `(${guard}(${within(first)}||${within(second)}))`;
    }
    let id = this.sets.indexOf(set);
    if (id < 0) id = this.sets.push(set) - 1;
    return `${guard}S${id}[b[i]]===1`;
  }

  /** Statements that match and move i, or run `fail`, which leaves. @param pending entries of choices around it */
  private op(op: Op, fail: string, pending: number): string {
    if (this.splits) {
      const part = this.part(op, fail, pending);
      if (part !== undefined) return part;
    }
    switch (op.op) {
      case 'empty':
        return '';
      case 'fail':
        return `if(true){${fail}}`;
      case 'text':
        return this.text(op.text, fail);
      case 'set':
        return `if(!(${this.test(op.set)})){${fail}}i++;`;
      case 'any':
        return op.n === 1 ? `if(i>=n){${fail}}i++;` : `if(i+${op.n}>n){${fail}}i+=${op.n};`;
      case 'utf':
        return `if((i=U(b,i,n,${op.from},${op.to}))<0){${fail}}`;
      case 'seq':
        return op.items.map((item) => this.op(item, fail, pending)).join('');
      case 'span':
        return `while(${this.test(op.set)})i++;`;
      case 'choice':
        return this.choice(op, fail, pending);
      case 'rep':
        return this.rep(op, fail, pending);
      case 'not': {
        if (op.test !== undefined) return `if(${this.test(op.test)}){${fail}}`;
        const saved = this.save(op.body);
        const label = this.name('B');
        const body = this.op(op.body, `break ${label};`, pending + 1);
        return `{${saved.keep}${label}:{${body}${fail}}${saved.restore}}`;
      }
      case 'and': {
        if (op.test !== undefined) return `if(!(${this.test(op.test)})){${fail}}`;
        const saved = this.save(op.body);
        return `{${saved.keep}${this.op(op.body, fail, pending + 1)}${saved.restore}}`;
      }
      case 'behind':
        return `if(i<${op.n}){${fail}}i-=${op.n};${this.op(op.body, fail, pending)}`;
      case 'call':
        return this.call(op.rule, op.tail, fail, pending);
      case 'capture': {
        const body = this.op(op.body, fail, pending);
        if (op.leaf) {
          if (op.length >= 0) return `${body}m.push(${op.id},i-${op.length},i);`;
          const start = this.name('s');
          return `{const ${start}=i;${body}m.push(${op.id},${start},i);}`;
        }
        const open = this.name('o');
        return `{const ${open}=m.push(${op.id},i,0);${body}m.close(${open},i);}`;
      }
      case 'runtime': {
        const open = this.name('o');
        const body = this.op(op.body, fail, pending);
        return `{const ${open}=m.push(${op.id},i,0);${body}if((i=F(m,${open},i))<0){${fail}}}`;
      }
    }
  }

  private text(text: string, fail: string): string {
    const tests = Array.from(text, (c, k) => `b[i${k === 0 ? '' : `+${k}`}]!==${c.charCodeAt(0)}`);
    // The zero byte behind the subject stops the comparison, unless the text itself has one.
    if (text.includes('\0')) tests.unshift(`i+${text.length}>n`);
    return `if(${tests.join('||')}){${fail}}i+=${text.length};`;
  }

  /** How to come back to here after `body`. */
  private save(body: Op): { readonly keep: string; readonly restore: string } {
    const start = this.name('s');
    if (!this.captures(body)) return { keep: `const ${start}=i;`, restore: `i=${start};` };
    const top = this.name('t');
    return { keep: `const ${start}=i,${top}=m.top;`, restore: `i=${start};m.top=${top};` };
  }

  private choice(op: Op & { readonly op: 'choice' }, fail: string, pending: number): string {
    const end = this.name('C');
    let code = '';
    for (const { op: body, test, saves } of op.alternatives) {
      let attempt: string;
      if (saves) {
        const saved = this.save(body);
        const label = this.name('A');
        const inner = this.op(body, `break ${label};`, pending + 1);
        attempt = `${saved.keep}${label}:{${inner}break ${end};}${saved.restore}`;
      } else attempt = `${this.op(body, fail, pending)}break ${end};`;
      code += test === undefined ? `{${attempt}}` : `if(${this.test(test)}){${attempt}}`;
    }
    return `${end}:{${code}${this.op(op.last, fail, pending)}}`;
  }

  private rep(op: Op & { readonly op: 'rep' }, fail: string, pending: number): string {
    const test = op.test === undefined ? 'true' : this.test(op.test);
    if (!op.saves) return `while(${test}){${this.op(op.body, fail, pending)}}`;
    const saved = this.save(op.body);
    const loop = this.name('W');
    const label = this.name('B');
    const body = this.op(op.body, `break ${label};`, pending + 1);
    return `${loop}:while(${test}){${saved.keep}${label}:{${body}continue ${loop};}${saved.restore}break;}`;
  }

  private call(to: number, tail: boolean, fail: string, pending: number): string {
    if (tail) {
      if (to === this.rule) return 'continue R;';
      if (this.rule >= 0 && this.isTailCode(this.rule, to)) return `m.tail=i;return ${-2 - to};`;
    }
    const depth = tail ? 'd' : `d+${pending + 1}`;
    const through = this.hasTails(to) ? `&&(i=T(m,i,${depth}))<0` : '';
    return `if((i=r${to}(m,i,${depth}))<0${through}){${fail}}`;
  }

  /** Makes a part of a large function a function of its own. */
  private part(op: Op, fail: string, pending: number): string | undefined {
    const size = sizeOf(op);
    if (size < MIN_FUNCTION) return undefined;
    if (size > MAX_FUNCTION) {
      if (op.op === 'seq' && op.items.length > MIN_FUNCTION) {
        const groups = chunks(op.items).map((items): Op => ({ op: 'seq', items }));
        return groups.map((group) => this.op(group, fail, pending)).join('');
      }
      if (op.op === 'choice' && op.alternatives.length > MIN_FUNCTION) {
        const alternatives = chunks(op.alternatives).map((list): Alternative => {
          const last = list[list.length - 1]!;
          // Where the last one of a group saves nothing, nothing behind it can match either.
          const group: Op = { op: 'choice', alternatives: list.slice(0, -1), last: last.op };
          return { op: group, test: undefined, saves: true };
        });
        return this.choice({ op: 'choice', alternatives, last: op.last }, fail, pending);
      }
      return undefined;
    }
    if (someOp(op, (o) => o.op === 'call' && o.tail)) return undefined;
    const name = this.name('p');
    this.function(name, op, this.rule < 0 ? -1 : -2);
    return `if((i=${name}(m,i,d+${pending}))<0){${fail}}`;
  }
}

function isCapture(op: Op): boolean {
  return op.op === 'capture' || op.op === 'runtime';
}

function within([from, to]: [number, number]): string {
  return from === to
    ? `b[i]===${from}`
    : from === 0
      ? `b[i]<=${to}`
      : to === 255
        ? `b[i]>=${from}`
        : `b[i]-${from}>>>0<${to - from + 1}`;
}

function chunks<T>(items: readonly T[]): T[][] {
  const result: T[][] = [];
  for (let i = 0; i < items.length; i += MIN_FUNCTION) result.push(items.slice(i, i + MIN_FUNCTION));
  return result;
}

/** Goes on with a rule in the machine. */
function goDeep(m: Matcher, rule: number, i: number, depth: number): number {
  if (depth > Math.max(m.maxStack, MIN_STACK)) overflow(m);
  return run(m, m.compiled.code.rules[rule]!, i, depth - 1);
}
