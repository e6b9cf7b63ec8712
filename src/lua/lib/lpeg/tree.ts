// Patterns as trees.
//
// A tree is immutable and may be part of many others, so combining patterns never copies one. A nonterminal names its
// rule; it belongs to the innermost grammar around it, which every function that follows it is given.

import type { LuaFunction, LuaValue } from '../../value.ts';
import {
  ALL_CHARS,
  type CharSet,
  complement,
  intersection,
  intersects,
  NO_CHARS,
  rangeSet,
  setOf,
  union,
} from './charset.ts';

/** What a capture makes of its match and of the captures in it. */
export type CaptureKind =
  | 'simple'
  | 'position'
  | 'constant'
  | 'argument'
  | 'back'
  | 'table'
  | 'substitution'
  | 'group'
  | 'named'
  | 'fold'
  | 'accumulator'
  | 'function'
  | 'query'
  | 'number'
  | 'string';

/** A rule of a grammar. */
export interface Rule {
  readonly key: LuaValue;
  readonly body: Tree;
  readonly index: number;
}

/** A grammar: its rules by name, the initial one first in the list. */
export interface Grammar {
  readonly kind: 'grammar';
  readonly rules: readonly Rule[];
  readonly byKey: ReadonlyMap<LuaValue, Rule>;
}

export interface CaptureTree {
  readonly kind: 'capture';
  readonly what: CaptureKind;
  /** The function, table, string, group name, argument number or constant. */
  readonly value: LuaValue;
  readonly p: Tree;
}

export interface RuntimeTree {
  readonly kind: 'runtime';
  readonly fn: LuaFunction;
  readonly p: Tree;
}

export type Tree =
  | { readonly kind: 'true' }
  | { readonly kind: 'false' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'set'; readonly set: CharSet }
  /** Any n bytes. */
  | { readonly kind: 'any'; readonly n: number }
  | { readonly kind: 'utf'; readonly from: number; readonly to: number }
  | { readonly kind: 'seq'; readonly items: readonly Tree[] }
  | { readonly kind: 'choice'; readonly items: readonly Tree[] }
  | { readonly kind: 'rep'; readonly p: Tree }
  | { readonly kind: 'not'; readonly p: Tree }
  | { readonly kind: 'and'; readonly p: Tree }
  | { readonly kind: 'behind'; readonly p: Tree; readonly n: number }
  | { readonly kind: 'call'; readonly key: LuaValue }
  | Grammar
  | CaptureTree
  | RuntimeTree;

export const TRUE: Tree = { kind: 'true' };
export const FALSE: Tree = { kind: 'false' };

/** Lists longer than this are nested instead of being joined, so that doubling a pattern again and again stays cheap. */
const MAX_ITEMS = 4096;

export function text(s: string): Tree {
  return s === '' ? TRUE : { kind: 'text', text: s };
}

/** n bytes; for a negative number, fewer than -n bytes up to the end. */
export function count(n: number): Tree {
  if (n === 0) return TRUE;
  return n > 0 ? { kind: 'any', n } : not({ kind: 'any', n: -n });
}

export function not(p: Tree): Tree {
  return { kind: 'not', p };
}

/** The bytes that a pattern of exactly one byte accepts, or undefined if it is none. */
export function asSet(t: Tree): CharSet | undefined {
  switch (t.kind) {
    case 'set':
      return t.set;
    case 'text':
      return t.text.length === 1 ? setOf(t.text) : undefined;
    case 'any':
      return t.n === 1 ? ALL_CHARS : undefined;
    case 'false':
      return NO_CHARS;
    default:
      return undefined;
  }
}

/** One after the other. */
export function seq(a: Tree, b: Tree): Tree {
  if (a.kind === 'false' || b.kind === 'true') return a;
  if (a.kind === 'true') return b;
  const left = a.kind === 'seq' ? a.items : [a];
  const right = b.kind === 'seq' ? b.items : [b];
  if (left.length + right.length > MAX_ITEMS) return { kind: 'seq', items: [a, b] };
  const joined = join(left[left.length - 1]!, right[0]!);
  if (joined === undefined) return { kind: 'seq', items: [...left, ...right] };
  if (left.length === 1 && right.length === 1) return joined;
  return { kind: 'seq', items: [...left.slice(0, -1), joined, ...right.slice(1)] };
}

/** Two neighbours as one, where that is the same. */
function join(a: Tree, b: Tree): Tree | undefined {
  if (a.kind === 'text' && b.kind === 'text') return { kind: 'text', text: a.text + b.text };
  if (a.kind === 'any' && b.kind === 'any') return { kind: 'any', n: a.n + b.n };
  return undefined;
}

/** The first that matches. */
export function choice(a: Tree, b: Tree): Tree {
  if (b.kind === 'false' || nofail(a, undefined)) return a;
  if (a.kind === 'false') return b;
  const x = asSet(a);
  const y = x && asSet(b);
  if (x !== undefined && y !== undefined) return { kind: 'set', set: union(x, y) };
  const left = a.kind === 'choice' ? a.items : [a];
  const right = b.kind === 'choice' ? b.items : [b];
  if (left.length + right.length > MAX_ITEMS) return { kind: 'choice', items: [a, b] };
  return { kind: 'choice', items: [...left, ...right] };
}

/** `a` where `b` does not match. */
export function difference(a: Tree, b: Tree): Tree {
  const x = asSet(a);
  const y = x && asSet(b);
  if (x !== undefined && y !== undefined) return { kind: 'set', set: intersection(x, complement(y)) };
  return seq(not(b), a);
}

/** `p` at least n times; for a negative n, at most -n times. The caller has made sure that p consumes something. */
export function repeat(p: Tree, n: number): Tree {
  if (n >= 0) {
    let t: Tree = { kind: 'rep', p };
    for (; n > 0; n--) t = seq(p, t);
    return t;
  }
  let t: Tree = TRUE;
  for (; n < 0; n++) t = choice(seq(p, t), TRUE);
  return t;
}

type Scope = Grammar | undefined;

function ruleOf(key: LuaValue, g: Scope): Rule | undefined {
  return g?.byKey.get(key);
}

/** Whether it can match the empty string. An open nonterminal counts as not: grammars are checked when complete. */
export function nullable(t: Tree, g: Scope): boolean {
  switch (t.kind) {
    case 'true':
    case 'rep':
    case 'not':
    case 'and':
    case 'behind':
      return true;
    case 'seq':
      return t.items.every((p) => nullable(p, g));
    case 'choice':
      return t.items.some((p) => nullable(p, g));
    case 'capture':
    case 'runtime':
      return nullable(t.p, g);
    case 'grammar':
      return nullable(t.rules[0]!.body, t);
    case 'call': {
      const rule = ruleOf(t.key, g);
      return rule !== undefined && nullable(rule.body, g);
    }
    default:
      return false;
  }
}

/** Whether it matches any subject. */
export function nofail(t: Tree, g: Scope): boolean {
  switch (t.kind) {
    case 'true':
    case 'rep':
      return true;
    case 'seq':
      return t.items.every((p) => nofail(p, g));
    case 'choice':
      // Of what `choice` has joined, only the last can be so without its grammar.
      if (g === undefined) return nofail(t.items[t.items.length - 1]!, g);
      return t.items.some((p) => nofail(p, g));
    case 'and':
    case 'capture':
      return nofail(t.p, g);
    case 'grammar':
      return nofail(t.rules[0]!.body, t);
    case 'call': {
      const rule = ruleOf(t.key, g);
      return rule !== undefined && nofail(rule.body, g);
    }
    default:
      return false;
  }
}

/** Whether it fails only by its first byte: when that is accepted, so is the rest. */
export function headfail(t: Tree, g: Scope): boolean {
  switch (t.kind) {
    case 'set':
    case 'false':
      return true;
    case 'text':
      return t.text.length === 1;
    case 'any':
      return t.n === 1;
    case 'and':
    case 'capture':
      return headfail(t.p, g);
    case 'seq':
      return t.items.every((p, i) => i === 0 || nofail(p, g)) && headfail(t.items[0]!, g);
    case 'choice':
      return t.items.every((p) => headfail(p, g));
    case 'grammar':
      return headfail(t.rules[0]!.body, t);
    case 'call': {
      const rule = ruleOf(t.key, g);
      return rule !== undefined && headfail(rule.body, g);
    }
    default:
      return false;
  }
}

/** The number of bytes that every match has, or -1 if that varies. */
export function fixedLength(t: Tree, g: Scope, within: readonly Rule[] = []): number {
  switch (t.kind) {
    case 'text':
      return t.text.length;
    case 'set':
      return 1;
    case 'any':
      return t.n;
    case 'true':
    case 'false':
    case 'not':
    case 'and':
    case 'behind':
      return 0;
    case 'utf': {
      const n = utfLength(t.from);
      return n === utfLength(t.to) ? n : -1;
    }
    case 'rep':
    case 'runtime':
      return -1;
    case 'capture':
      return fixedLength(t.p, g, within);
    case 'seq': {
      let sum = 0;
      for (const p of t.items) {
        const n = fixedLength(p, g, within);
        if (n < 0) return -1;
        sum += n;
      }
      return sum;
    }
    case 'choice': {
      const n = fixedLength(t.items[0]!, g, within);
      return t.items.every((p) => fixedLength(p, g, within) === n) ? n : -1;
    }
    case 'grammar':
      return fixedLength(t.rules[0]!.body, t, [t.rules[0]!]);
    case 'call': {
      const rule = ruleOf(t.key, g);
      if (rule === undefined || within.includes(rule)) return -1;
      return fixedLength(rule.body, g, [...within, rule]);
    }
  }
}

/** Bytes of a code point in UTF-8. */
export function utfLength(code: number): number {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/**
 * Whether it can produce captures.
 * @param everywhere whether those in predicates count, which are dropped
 */
export function hasCaptures(t: Tree, g: Scope, everywhere = false, seen: Set<Rule> = new Set()): boolean {
  switch (t.kind) {
    case 'capture':
    case 'runtime':
      return true;
    case 'seq':
    case 'choice':
      return t.items.some((p) => hasCaptures(p, g, everywhere, seen));
    case 'rep':
      return hasCaptures(t.p, g, everywhere, seen);
    case 'not':
    case 'and':
    case 'behind':
      return everywhere && hasCaptures(t.p, g, everywhere, seen);
    case 'grammar':
      return hasCaptures(t.rules[0]!.body, t, everywhere, seen);
    case 'call': {
      const rule = ruleOf(t.key, g);
      if (rule === undefined || seen.has(rule)) return false;
      seen.add(rule);
      return hasCaptures(rule.body, g, everywhere, seen);
    }
    default:
      return false;
  }
}

/** The first nonterminal outside of any grammar. */
export function openCall(t: Tree, seen: Set<Tree> = new Set()): { readonly key: LuaValue } | undefined {
  if (seen.has(t)) return undefined;
  seen.add(t);
  switch (t.kind) {
    case 'call':
      return t;
    case 'seq':
    case 'choice':
      for (const p of t.items) {
        const found = openCall(p, seen);
        if (found !== undefined) return found;
      }
      return undefined;
    case 'rep':
    case 'not':
    case 'and':
    case 'behind':
    case 'capture':
    case 'runtime':
      return openCall(t.p, seen);
    default:
      return undefined;
  }
}

/** What is known of the beginning of a pattern's matches. */
export interface First {
  /** Bytes that a match can begin with, if it is not empty. */
  readonly set: CharSet;
  /** It can match the empty string. */
  readonly empty: boolean;
  /** Bytes that can be next where it matches the empty string. */
  readonly next: CharSet;
  /** It calls a function at once, which must not be skipped. */
  readonly dynamic: boolean;
}

/** Anything may follow. */
export const ANYTHING: First = { set: ALL_CHARS, empty: true, next: ALL_CHARS, dynamic: true };
const EMPTY: First = { set: NO_CHARS, empty: true, next: ALL_CHARS, dynamic: false };

function firstOf(set: CharSet): First {
  return { set, empty: false, next: NO_CHARS, dynamic: false };
}

/** `a`, then `b`. */
export function firstThen(a: First, b: First): First {
  if (!a.empty) return a;
  if (a === EMPTY) return b;
  const set = union(a.set, intersection(b.set, a.next));
  const next = intersection(b.next, a.next);
  return { set, empty: b.empty, next, dynamic: a.dynamic || b.dynamic };
}

/** `a` or `b`. */
export function firstEither(a: First, b: First): First {
  return {
    set: union(a.set, b.set),
    empty: a.empty || b.empty,
    next: union(a.next, b.next),
    dynamic: a.dynamic || b.dynamic,
  };
}

/** Computes First of trees, each once. */
export class Firsts {
  private readonly known = new Map<Scope, Map<Tree, First>>();

  of(t: Tree, g: Scope): First {
    let map = this.known.get(g);
    if (map === undefined) {
      map = new Map();
      this.known.set(g, map);
    }
    let first = map.get(t);
    if (first === undefined) {
      first = this.compute(t, g);
      map.set(t, first);
    }
    return first;
  }

  private compute(t: Tree, g: Scope): First {
    switch (t.kind) {
      case 'true':
      case 'behind':
        return EMPTY;
      case 'false':
        return firstOf(NO_CHARS);
      case 'text':
        return firstOf(setOf(t.text[0]!));
      case 'set':
        return firstOf(t.set);
      case 'any':
        return firstOf(ALL_CHARS);
      case 'utf':
        return firstOf(utfFirst(t.from, t.to));
      case 'seq': {
        let first = EMPTY;
        for (let i = 0; i < t.items.length && first.empty; i++) first = firstThen(first, this.of(t.items[i]!, g));
        return first;
      }
      case 'choice':
        return t.items.map((p) => this.of(p, g)).reduce(firstEither);
      case 'rep':
        return { ...this.of(t.p, g), empty: true, next: ALL_CHARS };
      case 'not': {
        const set = asSet(t.p);
        if (set !== undefined) return { ...EMPTY, next: complement(set) };
        return { ...EMPTY, dynamic: this.of(t.p, g).dynamic };
      }
      case 'and': {
        const { set, empty, dynamic } = this.of(t.p, g);
        return { ...EMPTY, next: empty ? ALL_CHARS : set, dynamic };
      }
      case 'runtime':
        return { ...ANYTHING, empty: nullable(t.p, g) };
      case 'capture':
        return this.of(t.p, g);
      case 'grammar':
        return this.of(t.rules[0]!.body, t);
      case 'call':
        return this.of(ruleOf(t.key, g)!.body, g);
    }
  }
}

/** Whether `b` (with all that follows it) cannot match where `a`, which must, has found its first byte. */
export function disjoint(a: First, b: First): boolean {
  return !a.empty && !a.dynamic && !intersects(a.set, b.set);
}

/** First bytes of the code points of a range. */
function utfFirst(from: number, to: number): CharSet {
  return rangeSet(utfByte(from), utfByte(to));
}

function utfByte(code: number): number {
  if (code < 0x80) return code;
  if (code < 0x800) return 0xc0 | (code >> 6);
  if (code < 0x10000) return 0xe0 | (code >> 12);
  return 0xf0 | (code >> 18);
}
