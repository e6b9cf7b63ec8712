// How much a backtracking search can cost: JavaScript's RegExp cannot be stopped, so a pattern may only run there while
// the worst case for the subject's length stays bearable. Costs are exponents of the subject's length n: 1 is linear,
// 2 is n*n, Infinity is exponential. The estimate errs upwards; too high a value only costs speed.
import { cannotFail, firstSet, isAnchored, nullable } from './analysis.ts';
import type { Node, Pattern } from './ast.ts';
import { disjoint, MAX_CODE_POINT, type Ranges, union } from './charset.ts';

/** Repeats up to this many times count as written out. */
const SMALL = 3;
const ANYTHING: Ranges = [0, MAX_CODE_POINT];

interface Cost {
  /** In how many ways the node can match at one place and then be backtracked into, because what follows may match too. */
  paths: number;
  /** The work wasted when, in the end, it does not match. */
  fail: number;
}

const FREE: Cost = { paths: 0, fail: 0 };

/** What may come next after each item: the first characters of the rest, through to `follow` when the rest may be empty. */
function followOf(items: readonly Node[], index: number, follow: Ranges): Ranges {
  let set: Ranges = [];
  for (let i = index + 1; i < items.length; i++) {
    const item = items[i]!;
    set = union(set, item.type === 'look' || item.type === 'backref' ? ANYTHING : firstSet(item));
    if (!nullable(item)) return set;
  }
  return union(set, follow);
}

/** The sets a node's matches go through from their start, as far as that is the same for all of them. */
function fixedPrefix(node: Node, into: Ranges[]): boolean {
  switch (node.type) {
    case 'set':
      into.push(node.set);
      return true;
    case 'empty':
      return true;
    case 'seq':
      for (const item of node.items) if (!fixedPrefix(item, into)) return false;
      return true;
    case 'group':
    case 'atomic':
      return fixedPrefix(node.body, into);
    case 'repeat': {
      for (let i = 0; i < node.min && into.length < 64; i++) if (!fixedPrefix(node.body, into)) return false;
      return node.min === node.max;
    }
    default:
      if (!nullable(node)) into.push(firstSet(node));
      return false;
  }
}

function distinguishable(a: Node, b: Node, follow: Ranges): boolean {
  if (nullable(a) || nullable(b)) {
    const first = (node: Node) => (nullable(node) ? union(firstSet(node), follow) : firstSet(node));
    return disjoint(first(a), first(b));
  }
  const left: Ranges[] = [];
  const right: Ranges[] = [];
  const leftEnds = fixedPrefix(a, left);
  const rightEnds = fixedPrefix(b, right);
  // Past the end of a fixed branch comes what follows it.
  if (leftEnds) left.push(follow);
  if (rightEnds) right.push(follow);
  for (let i = 0; i < left.length && i < right.length; i++) if (disjoint(left[i]!, right[i]!)) return true;
  return false;
}

/** Whether the same text can be matched in several ways, so that a loop around the node multiplies them. */
function ambiguous(node: Node, follow: Ranges): boolean {
  switch (node.type) {
    case 'seq':
      return node.items.some((item, i) => ambiguous(item, followOf(node.items, i, follow)));
    case 'alt':
      return node.branches.some(
        (branch, i) =>
          ambiguous(branch, follow) ||
          node.branches.slice(i + 1).some((other) => !distinguishable(branch, other, follow)),
      );
    case 'group':
      return ambiguous(node.body, follow);
    case 'repeat': {
      if (node.mode === 'possessive' || node.max === 0) return false;
      const first = firstSet(node.body);
      if (node.min !== node.max && (nullable(node.body) || !disjoint(first, follow))) return true;
      return ambiguous(node.body, node.max > 1 ? union(first, follow) : follow);
    }
    case 'backref':
    case 'cond':
    case 'call':
    case 'grapheme':
      return true;
    default:
      return false;
  }
}

function cost(node: Node, follow: Ranges, restCannotFail: boolean): Cost {
  switch (node.type) {
    case 'seq': {
      let paths = 0;
      let fail = 0;
      for (let i = 0; i < node.items.length; i++) {
        const rest = restCannotFail && node.items.slice(i + 1).every(cannotFail);
        const part = cost(node.items[i]!, followOf(node.items, i, follow), rest);
        fail = Math.max(fail, paths + part.fail);
        paths += part.paths;
      }
      return { paths, fail };
    }
    case 'alt': {
      const parts = node.branches.map((branch) => cost(branch, follow, restCannotFail));
      return { paths: Math.max(...parts.map((p) => p.paths)), fail: Math.max(...parts.map((p) => p.fail)) };
    }
    case 'group':
      return cost(node.body, follow, restCannotFail);
    case 'atomic':
    case 'look':
      return { paths: 0, fail: cost(node.body, node.type === 'look' ? [] : follow, false).fail };
    case 'cond': {
      const yes = cost(node.yes, follow, restCannotFail);
      const no = cost(node.no, follow, restCannotFail);
      return { paths: Math.max(yes.paths, no.paths), fail: Math.max(yes.fail, no.fail) };
    }
    case 'repeat':
      return repeatCost(node, follow, restCannotFail);
    case 'backref':
      return { paths: 0, fail: 1 };
    case 'call':
    case 'grapheme':
      return { paths: Infinity, fail: Infinity };
    default:
      return FREE;
  }
}

function repeatCost(node: Node & { type: 'repeat' }, follow: Ranges, restCannotFail: boolean): Cost {
  const first = firstSet(node.body);
  const around = union(first, follow);
  const inner = cost(node.body, node.max > 1 ? around : follow, restCannotFail && node.max <= 1);
  if (node.max <= SMALL) {
    const times = Math.max(1, node.max);
    const paths = node.mode === 'possessive' ? 0 : inner.paths * times;
    return { paths, fail: inner.fail + (node.mode === 'possessive' ? 0 : inner.paths * (times - 1)) };
  }
  if (nullable(node.body) || ambiguous(node.body, around)) return { paths: Infinity, fail: Infinity };
  const single = node.body.type === 'set';
  const fixed = node.min === node.max;
  const paths = node.mode === 'possessive' || fixed || disjoint(first, follow) ? 0 : 1;
  // A loop that ends the pattern and cannot fail wastes nothing: its work is the match.
  const wasted = restCannotFail && node.min <= 1 && single ? 0 : 1;
  return { paths: paths + inner.paths, fail: Math.max(wasted, inner.fail + (single ? 0 : paths)) };
}

/** The exponent of the worst-case cost of a search. */
export function searchCost(pattern: Pattern, anchored: boolean): number {
  const { fail } = cost(pattern.root, [], true);
  return fail + (anchored || isAnchored(pattern) ? 0 : 1);
}
