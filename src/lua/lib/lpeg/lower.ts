// From a pattern's tree to a program: rules resolved, and for each choice and loop the decision whether it has to be
// able to go back. An alternative whose first byte excludes all that could be tried instead needs no way back; this is
// what keeps the stack flat in most grammars, and what setmaxstack counts.

import { type CharSet, setOf } from './charset.ts';
import {
  ANYTHING,
  asSet,
  type CaptureTree,
  disjoint,
  type First,
  Firsts,
  firstEither,
  firstThen,
  fixedLength,
  type Grammar,
  hasCaptures,
  headfail,
  type RuntimeTree,
  type Tree,
} from './tree.ts';

/** One capture of a program. */
export interface Capture {
  readonly tree: CaptureTree | RuntimeTree;
  /** No captures can be in it: its entry in the log is complete in itself. */
  readonly leaf: boolean;
}

/** One of the alternatives of a choice but the last. */
export interface Alternative {
  readonly op: Op;
  /** Bytes it can begin with, if it must begin with a byte. */
  readonly test: CharSet | undefined;
  /** Whether the next alternative is to be tried when it fails (after the test). */
  readonly saves: boolean;
}

export type Op =
  | { readonly op: 'empty' }
  | { readonly op: 'fail' }
  | { readonly op: 'text'; readonly text: string }
  | { readonly op: 'set'; readonly set: CharSet }
  | { readonly op: 'any'; readonly n: number }
  | { readonly op: 'utf'; readonly from: number; readonly to: number }
  | { readonly op: 'seq'; readonly items: readonly Op[] }
  | { readonly op: 'choice'; readonly alternatives: readonly Alternative[]; readonly last: Op }
  /** As many bytes of the set as there are. */
  | { readonly op: 'span'; readonly set: CharSet }
  | { readonly op: 'rep'; readonly body: Op; readonly test: CharSet | undefined; readonly saves: boolean }
  /** With a test, the body matches if and only if the test does. */
  | { readonly op: 'not'; readonly body: Op; readonly test: CharSet | undefined }
  | { readonly op: 'and'; readonly body: Op; readonly test: CharSet | undefined }
  | { readonly op: 'behind'; readonly body: Op; readonly n: number }
  | { readonly op: 'call'; readonly rule: number; readonly tail: boolean }
  /** @param length of its match if it is a leaf and that is fixed, else -1 */
  | { readonly op: 'capture'; readonly id: number; readonly leaf: boolean; readonly body: Op; readonly length: number }
  | { readonly op: 'runtime'; readonly id: number; readonly body: Op };

/** What a pattern is compiled from. */
export interface Program {
  readonly main: Op;
  /** Bodies of the rules of all grammars in it. */
  readonly rules: readonly Op[];
  readonly captures: readonly Capture[];
}

const EMPTY_OP: Op = { op: 'empty' };

/** Makes the program of a tree that has no open nonterminals. */
export function lower(tree: Tree): Program {
  return new Lowering().program(tree);
}

class Lowering {
  private readonly firsts = new Firsts();
  private readonly rules: (Op | undefined)[] = [];
  private readonly captures: Capture[] = [];
  /** Ids of captures; one that is in several grammars has an id in each. */
  private readonly captureIds = new Map<Grammar | undefined, Map<Tree, number>>();
  private readonly grammars = new Map<Grammar, number>();
  /** Grammars whose rules have still to be made. */
  private readonly pending: Grammar[] = [];

  program(tree: Tree): Program {
    const main = this.lower(tree, undefined, ANYTHING, true);
    for (let g = this.pending.pop(); g !== undefined; g = this.pending.pop()) {
      const base = this.grammars.get(g)!;
      for (const rule of g.rules) this.rules[base + rule.index] = this.lower(rule.body, g, ANYTHING, true);
    }
    return { main, rules: this.rules as Op[], captures: this.captures };
  }

  /** @param tail whether the pattern, or the rule, ends where this ends */
  private lower(t: Tree, g: Grammar | undefined, follow: First, tail: boolean): Op {
    switch (t.kind) {
      case 'true':
        return EMPTY_OP;
      case 'false':
        return { op: 'fail' };
      case 'text':
        return t.text.length === 1 ? { op: 'set', set: setOf(t.text) } : { op: 'text', text: t.text };
      case 'set':
        return { op: 'set', set: t.set };
      case 'any':
        return { op: 'any', n: t.n };
      case 'utf':
        return { op: 'utf', from: t.from, to: t.to };
      case 'seq':
        return this.sequence(t.items, g, follow, tail);
      case 'choice':
        return this.choice(t.items, g, follow, tail);
      case 'rep':
        return this.loop(t.p, g, follow);
      case 'not':
      case 'and':
        return {
          op: t.kind,
          body: this.lower(t.p, g, ANYTHING, false),
          test: headfail(t.p, g) ? testOf(this.firsts.of(t.p, g)) : undefined,
        };
      case 'behind':
        return { op: 'behind', body: this.lower(t.p, g, ANYTHING, false), n: t.n };
      case 'call':
        return { op: 'call', rule: this.baseOf(g!) + g!.byKey.get(t.key)!.index, tail };
      case 'grammar':
        return { op: 'call', rule: this.baseOf(t), tail };
      case 'capture': {
        const id = this.captureId(t, g);
        const { leaf } = this.captures[id]!;
        const body = this.lower(t.p, g, follow, false);
        return { op: 'capture', id, leaf, body, length: leaf ? fixedLength(t.p, g) : -1 };
      }
      case 'runtime':
        return { op: 'runtime', id: this.captureId(t, g), body: this.lower(t.p, g, ANYTHING, false) };
    }
  }

  private baseOf(g: Grammar): number {
    let base = this.grammars.get(g);
    if (base === undefined) {
      base = this.rules.length;
      this.grammars.set(g, base);
      for (const _ of g.rules) this.rules.push(undefined);
      this.pending.push(g);
    }
    return base;
  }

  private captureId(t: CaptureTree | RuntimeTree, g: Grammar | undefined): number {
    let ids = this.captureIds.get(g);
    if (ids === undefined) {
      ids = new Map();
      this.captureIds.set(g, ids);
    }
    let id = ids.get(t);
    if (id === undefined) {
      id = this.captures.length;
      this.captures.push({ tree: t, leaf: t.kind === 'capture' && !hasCaptures(t.p, g) });
      ids.set(t, id);
    }
    return id;
  }

  private sequence(items: readonly Tree[], g: Grammar | undefined, follow: First, tail: boolean): Op {
    const ops: Op[] = new Array(items.length);
    let after = follow;
    for (let i = items.length - 1; i >= 0; i--) {
      ops[i] = this.lower(items[i]!, g, after, tail && i === items.length - 1);
      if (i > 0) after = firstThen(this.firsts.of(items[i]!, g), after);
    }
    return { op: 'seq', items: ops };
  }

  private choice(items: readonly Tree[], g: Grammar | undefined, follow: First, tail: boolean): Op {
    const n = items.length;
    const last = this.lower(items[n - 1]!, g, follow, tail);
    const alternatives: Alternative[] = [];
    // What the alternatives behind the current one begin with.
    let rest = firstThen(this.firsts.of(items[n - 1]!, g), follow);
    for (let i = n - 2; i >= 0; i--) {
      const item = items[i]!;
      const first = this.firsts.of(item, g);
      const test = testOf(first);
      const saves = test === undefined || !(headfail(item, g) || disjoint(first, rest));
      // A failure later on does not come back here; one inside does, if there is a way back.
      const op = this.lower(item, g, saves ? ANYTHING : follow, tail && !saves);
      alternatives.unshift({ op, test, saves });
      rest = firstEither(firstThen(first, follow), rest);
    }
    return { op: 'choice', alternatives, last };
  }

  private loop(p: Tree, g: Grammar | undefined, follow: First): Op {
    const set = asSet(p);
    if (set !== undefined) return { op: 'span', set };
    const first = this.firsts.of(p, g);
    const test = testOf(first);
    const saves = test === undefined || !(headfail(p, g) || disjoint(first, follow));
    const body = this.lower(p, g, saves ? ANYTHING : firstEither(first, follow), false);
    return { op: 'rep', body, test, saves };
  }
}

/** The bytes that a match must begin with, if it must. */
function testOf(first: First): CharSet | undefined {
  return first.empty || first.dynamic ? undefined : first.set;
}
