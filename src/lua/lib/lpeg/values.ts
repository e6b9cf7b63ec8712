// From the log of captures to values.
//
// Values are pushed onto a list; a function that evaluates something remembers how long the list was before. Nothing is
// evaluated before the match is over, except what match-time captures need.

import { first, R, S } from '../../call.ts';
import { callNow, settleNow } from '../../coroutine.ts';
import { throwError } from '../../error.ts';
import { formatNumber, parseNumber } from '../../number.ts';
import { index } from '../../runtime.ts';
import { LuaTable } from '../../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../../value.ts';
import { typeName } from '../args.ts';
import { rawText } from '../text.ts';
import type { Capture } from './lower.ts';
import { CLOSE, type Matcher, RESULT } from './matcher.ts';
import { templateOf } from './template.ts';

/** Captures within captures, and values of one list: what C's stack allows lpeg. */
const MAX_NESTING = 200;
const MAX_VALUES = 7990;

/** Evaluates captures of one log, from a start of a match or for one match-time capture. */
class Evaluation {
  readonly m: Matcher;
  readonly values: LuaValue[] = [];
  private readonly captures: readonly Capture[];
  private depth = 0;

  constructor(m: Matcher) {
    this.m = m;
    this.captures = m.compiled.program.captures;
  }

  /** Index behind the capture at `at`. */
  private behind(at: number): number {
    const { log } = this.m;
    const id = log[at]!;
    return this.captures[id]!.leaf ? at + 3 : log[at + 2]! + 3;
  }

  /** Pushes the values of captures from..to. */
  all(from: number, to: number): void {
    for (let at = from; at < to; ) at = this.push(at);
  }

  /** Pushes the values in a capture; with none, or if `whole`, first its match. */
  private nested(at: number, whole: boolean): void {
    const { log, subject } = this.m;
    const start = log[at + 1]!;
    if (this.captures[log[at]!]!.leaf) {
      this.values.push(subject.substring(start, log[at + 2]!));
      return;
    }
    const close = log[at + 2]!;
    this.inside(at + 3, close, start, log[close + 1]!, whole);
  }

  /** Pushes the values of captures from..to, or the match start..end. */
  inside(from: number, to: number, start: number, end: number, whole: boolean): void {
    const { values } = this;
    const n = values.length;
    if (whole) values.push(this.m.subject.substring(start, end));
    if (++this.depth > MAX_NESTING) throwError('subcapture nesting too deep');
    for (let at = from; at < to; ) at = this.push(at);
    this.depth--;
    if (values.length === n) values.push(this.m.subject.substring(start, end));
  }

  /** Pushes the first value in a capture, or its match. */
  private firstNested(at: number): LuaValue {
    const { values } = this;
    const n = values.length;
    this.nested(at, false);
    const v = values[n];
    values.length = n;
    return v;
  }

  /** Pushes the values of the capture at `at`; returns the index behind it. */
  push(at: number): number {
    const { m, values } = this;
    const { log } = m;
    const id = log[at]!;
    if (id === RESULT) {
      values.push(m.results[at / 3]);
      return at + 3;
    }
    const capture = this.captures[id]!;
    const next = capture.leaf ? at + 3 : log[at + 2]! + 3;
    const { tree } = capture;
    if (tree.kind === 'runtime') {
      this.nested(at, false);
      return next;
    }
    switch (tree.what) {
      case 'simple':
        if (capture.leaf) values.push(m.subject.substring(log[at + 1]!, log[at + 2]!));
        else this.nested(at, true);
        break;
      case 'position':
        values.push(log[at + 1]! + 1);
        break;
      case 'constant':
        values.push(tree.value);
        break;
      case 'argument': {
        const n = tree.value as number;
        if (n > m.args.length) throwError(`reference to absent extra argument #${n}`);
        values.push(m.args[n - 1]);
        break;
      }
      case 'group':
        this.nested(at, false);
        break;
      case 'named':
        break;
      case 'back':
        this.nested(this.findGroup(at, tree.value), false);
        break;
      case 'table':
        this.table(at, next, capture.leaf);
        break;
      case 'substitution':
        values.push(this.substitute(at));
        break;
      case 'string':
        values.push(this.expand(at, tree.value as string));
        break;
      case 'number':
        this.numbered(at, tree.value as number);
        break;
      case 'query': {
        const v = lookUp(tree.value as LuaTable, this.firstNested(at));
        if (v !== undefined) values.push(v);
        break;
      }
      case 'function': {
        const n = values.length;
        this.nested(at, false);
        this.apply(tree.value as LuaFunction, n);
        break;
      }
      case 'fold':
        this.fold(at, tree.value as LuaFunction);
        break;
      case 'accumulator': {
        const n = values.length;
        if (n === 0) throwError('no previous value for accumulator capture');
        this.nested(at, false);
        this.accumulate(tree.value as LuaFunction, n - 1);
        break;
      }
    }
    if (values.length > MAX_VALUES && this.depth === 0) throwError('stack overflow (too many captures)');
    return next;
  }

  private numbered(at: number, n: number): void {
    if (n === 0) return;
    const { values } = this;
    const before = values.length;
    this.nested(at, false);
    if (values.length - before < n) throwError(`no capture '${n}'`);
    values[before] = values[before + n - 1];
    values.length = before + 1;
  }

  private table(at: number, next: number, leaf: boolean): void {
    const { values, m } = this;
    const t = new LuaTable();
    const n = values.length;
    let items = 0;
    if (!leaf) {
      const { log } = m;
      if (++this.depth > MAX_NESTING) throwError('subcapture nesting too deep');
      for (let inner = at + 3; inner < next - 3; ) {
        const { tree } = this.captures[log[inner]!]!;
        if (tree.kind === 'capture' && tree.what === 'named') {
          // A name in a grammar is as constant as one in a program.
          const v = this.firstNested(inner);
          if (typeof tree.value === 'string') t.setStr(tree.value, v);
          else {
            // It may be the index of an item.
            for (let k = n; k < values.length; k++) t.setInt(++items, values[k]);
            values.length = n;
            t.set(tree.value, v);
          }
          inner = this.behind(inner);
        } else inner = this.push(inner);
      }
      this.depth--;
      if (values.length > n) fill(t, items, values, n);
    }
    values.push(t);
  }

  /** Replaces the values from n on by what a function makes of them. */
  private apply(fn: LuaFunction, n: number): void {
    const { values } = this;
    const r = this.call(fn, n);
    if (r !== S) values.push(r as LuaValue);
    else {
      const count = R.n;
      if (count === 2) values.push(R.a, R.b);
      else if (count === 3) values.push(R.a, R.b, R.c);
      else if (count > 0) for (const v of R.v) values.push(v);
    }
  }

  /** Replaces the values from n on by the single result of a function. */
  private accumulate(fn: LuaFunction, n: number): void {
    this.values.push(first(this.call(fn, n)));
  }

  /** Takes the values from n on for the arguments of a call. */
  private call(fn: LuaFunction, n: number): LuaResult {
    const { values } = this;
    let r: LuaResult;
    switch (values.length - n) {
      case 1: {
        const a = values.pop();
        r = fn(a);
        break;
      }
      case 2: {
        const b = values.pop();
        const a = values.pop();
        r = fn(a, b);
        break;
      }
      case 3: {
        const c = values.pop();
        const b = values.pop();
        const a = values.pop();
        r = fn(a, b, c);
        break;
      }
      default: {
        if (values.length - n > MAX_VALUES) throwError('stack overflow (too many captures)');
        const args = values.slice(n);
        values.length = n;
        r = fn(...args);
      }
    }
    return r === S && R.n < 0 ? settleNow() : r;
  }

  private fold(at: number, fn: LuaFunction): void {
    const { values, m } = this;
    const { log } = m;
    const n = values.length;
    const leaf = this.captures[log[at]!]!.leaf;
    const close = leaf ? 0 : log[at + 2]!;
    let inner = at + 3;
    if (!leaf && inner < close) inner = this.push(inner);
    if (values.length === n) throwError('no initial value for fold capture');
    values.length = n + 1;
    while (inner < close) {
      inner = this.push(inner);
      this.accumulate(fn, n);
    }
  }

  /** The group that a back capture at `at` names: the latest one that is complete and outside of complete captures. */
  private findGroup(at: number, key: LuaValue): number {
    const { log } = this.m;
    for (let i = at - 3; i >= 0; i -= 3) {
      let id = log[i]!;
      if (id === RESULT) continue;
      let start = i;
      if (id === CLOSE) {
        start = log[i + 2]!;
        id = log[start]!;
      } else if (!this.captures[id]!.leaf) continue; // it is around the back capture
      const { tree } = this.captures[id]!;
      if (tree.kind === 'capture' && tree.what === 'named' && tree.value === key) return start;
      i = start;
    }
    throwError(`back reference '${rawText(key)}' not found`);
  }

  // ---- text

  /** The match of a capture with the values of the captures in it in their places. */
  private substitute(at: number): string {
    const { log, subject } = this.m;
    const start = log[at + 1]!;
    if (this.captures[log[at]!]!.leaf) return subject.substring(start, log[at + 2]!);
    const close = log[at + 2]!;
    let from = start;
    let out = '';
    if (++this.depth > MAX_NESTING) throwError('subcapture nesting too deep');
    for (let inner = at + 3; inner < close; ) {
      const begin = log[inner + 1]!;
      out += subject.substring(from, begin);
      const next = this.behind(inner);
      const end = log[this.captures[log[inner]!]!.leaf ? inner + 2 : next - 2]!;
      const replaced = this.one(inner, 'replacement');
      if (replaced === undefined) from = begin;
      else {
        out += replaced;
        from = end;
      }
      inner = next;
    }
    this.depth--;
    return out + subject.substring(from, log[close + 1]!);
  }

  /** The first value of a capture as text; undefined if it has none. */
  private one(at: number, what: string): string | undefined {
    const { values } = this;
    const n = values.length;
    const { tree } = this.captures[this.m.log[at]!]!;
    if (tree.kind === 'capture' && tree.what === 'string') return this.expand(at, tree.value as string);
    this.push(at);
    if (values.length === n) return undefined;
    const v = values[n];
    values.length = n;
    if (typeof v === 'string') return v;
    if (typeof v === 'number') return formatNumber(v);
    throwError(`invalid ${what} value (a ${typeName(v)})`);
  }

  /** "%1" and the like in a string capture. */
  private expand(at: number, text: string): string {
    const { parts, slots } = templateOf(text);
    if (slots.length === 0) return parts[0]!;
    const { log, subject } = this.m;
    const leaf = this.captures[log[at]!]!.leaf;
    const close = leaf ? 0 : log[at + 2]!;
    const found: number[] = [at];
    if (!leaf) this.collect(at + 3, close, found);
    let out = parts[0]!;
    for (let k = 0; k < slots.length; k++) {
      const n = slots[k]!;
      if (n >= found.length) throwError(`invalid capture index (${n})`);
      const i = found[n]!;
      const { tree, leaf: isLeaf } = this.captures[log[i]!]!;
      if (n === 0 || (tree.kind === 'capture' && tree.what === 'simple')) {
        out += subject.substring(log[i + 1]!, isLeaf ? log[i + 2]! : log[log[i + 2]! + 1]!);
      } else out += this.one(i, 'capture') ?? throwError(`no values in capture index ${n}`);
      out += parts[k + 1]!;
    }
    return out;
  }

  /** The captures that "%1".."%9" mean: in simple captures also those inside. */
  private collect(from: number, to: number, found: number[]): void {
    const { log } = this.m;
    for (let i = from; i < to && found.length < 10; ) {
      found.push(i);
      const capture = this.captures[log[i]!]!;
      if (capture.leaf) i += 3;
      else {
        const close = log[i + 2]!;
        if (capture.tree.kind === 'capture' && capture.tree.what === 'simple') this.collect(i + 3, close, found);
        i = close + 3;
      }
    }
  }
}

/** Makes the values from n on the items of a table behind the first `items` and takes them off the list. */
function fill(t: LuaTable, items: number, values: LuaValue[], n: number): void {
  if (t.$h !== undefined || t.length() > 0) {
    for (let i = n; i < values.length; i++) t.setInt(++items, values[i]);
    values.length = n;
    return;
  }
  const a = t.array();
  for (let i = n; i < values.length; i++) a.push(values[i]);
  values.length = n;
  while (a.length > 1 && a[a.length - 1] === undefined) a.pop();
}

function lookUp(t: LuaTable, key: LuaValue): LuaValue {
  const v = t.get(key);
  if (v !== undefined || t.$m === undefined) return v;
  return first(callNow(index as LuaFunction, [t, key]));
}

/** The values of a match that is over: those of its captures. */
export function matchValues(m: Matcher): LuaValue[] {
  const evaluation = new Evaluation(m);
  evaluation.all(0, m.top);
  return evaluation.values;
}

/**
 * Ends the match-time capture that opened at `open`: calls its function. Returns the new position, or -1 if the match
 * fails here.
 */
export function runFunction(m: Matcher, open: number, i: number): number {
  const { tree } = m.compiled.program.captures[m.log[open]!]!;
  if (tree.kind !== 'runtime') throw new Error('not a match-time capture');
  const { fn } = tree;
  const evaluation = new Evaluation(m);
  evaluation.inside(open + 3, m.top, m.log[open + 1]!, i, false);
  const { values } = evaluation;
  if (values.length > MAX_VALUES) throwError('stack overflow (too many captures)');
  let r = values.length === 1 ? fn(m.subject, i + 1, values[0]) : fn(m.subject, i + 1, ...values);
  if (r === S && R.n < 0) r = settleNow();
  let verdict: LuaValue;
  let extra = 0;
  if (r === S) {
    verdict = R.n > 0 ? R.a : undefined;
    extra = R.n - 1;
  } else verdict = r as LuaValue;
  m.top = open;
  if (verdict === undefined || verdict === false) return -1;
  let end = i;
  if (typeof verdict === 'string') verdict = parseNumber(verdict);
  if (typeof verdict === 'number') {
    end = Math.trunc(verdict) - 1;
    if (!(end >= i && end <= m.length)) throwError('invalid position returned by match-time capture');
  } else if (verdict !== true) throwError('invalid position returned by match-time capture');
  if (extra > 0) {
    // The capture stays, as a group of the values.
    const list = R.n > 3 ? R.v : [R.a, R.b, R.c];
    m.top = open + 3;
    for (let k = 1; k <= extra; k++) m.results[m.push(RESULT, end, 0) / 3] = list[k];
    m.close(open, end);
  }
  return end;
}
