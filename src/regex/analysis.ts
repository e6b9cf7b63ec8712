// Facts about trees that the translator, the matcher's compiler and the cost estimate share. All are conservative in
// the direction their users need: `nullable` says yes when in doubt, `firstSet` says everything.
import { children, EMPTY, type Node, type Pattern } from './ast.ts';
import { MAX_CODE_POINT, type Ranges, union } from './charset.ts';

const ANYTHING: Ranges = [0, MAX_CODE_POINT];

/**
 * Whether the node can match without consuming anything.
 *
 * @param ofCall the same of a called group, where that is known
 */
export function nullable(node: Node, ofCall: (group: number) => boolean = () => true): boolean {
  switch (node.type) {
    case 'set':
    case 'newline':
    case 'grapheme':
    case 'byte':
      return false;
    case 'seq':
      return node.items.every((item) => nullable(item, ofCall));
    case 'alt':
      return node.branches.some((branch) => nullable(branch, ofCall));
    case 'group':
    case 'atomic':
      return nullable(node.body, ofCall);
    case 'repeat':
      return node.min === 0 || nullable(node.body, ofCall);
    case 'cond':
      return node.test.type === 'define' || nullable(node.yes, ofCall) || nullable(node.no, ofCall);
    case 'call':
      return ofCall(node.group);
    default:
      return true;
  }
}

/** Whether the node matches wherever it is tried, if only by matching nothing. No when in doubt. */
export function cannotFail(node: Node): boolean {
  switch (node.type) {
    case 'empty':
    case 'keep':
      return true;
    case 'seq':
      return node.items.every(cannotFail);
    case 'alt':
      return node.branches.some(cannotFail);
    case 'group':
    case 'atomic':
      return cannotFail(node.body);
    case 'repeat':
      return node.min === 0 || cannotFail(node.body);
    case 'cond':
      return node.test.type === 'define';
    default:
      return false;
  }
}

/** The characters a match of the node can begin with; for nullable nodes, those of its non-empty matches. */
export function firstSet(node: Node): Ranges {
  switch (node.type) {
    case 'set':
      return node.set;
    case 'newline':
      return [10, 13, 0x85, 0x85, 0x2028, 0x2029];
    case 'empty':
    case 'assert':
    case 'keep':
      return [];
    case 'look':
      return [];
    case 'verb':
      return node.kind === 'accept' ? ANYTHING : [];
    case 'seq': {
      let set: Ranges = [];
      for (const item of node.items) {
        set = union(set, firstSet(item));
        if (!nullable(item)) break;
      }
      return set;
    }
    case 'alt':
      return node.branches.reduce<Ranges>((set, branch) => union(set, firstSet(branch)), []);
    case 'group':
    case 'atomic':
      return firstSet(node.body);
    case 'repeat':
      return node.max === 0 ? [] : firstSet(node.body);
    case 'cond':
      return node.test.type === 'define' ? [] : union(firstSet(node.yes), firstSet(node.no));
    default:
      return ANYTHING;
  }
}

/** A lower bound of the characters a match takes. */
export function minLength(node: Node): number {
  switch (node.type) {
    case 'set':
    case 'newline':
    case 'grapheme':
    case 'byte':
      return 1;
    case 'seq':
      return node.items.reduce((total, item) => total + minLength(item), 0);
    case 'alt':
      return Math.min(...node.branches.map(minLength));
    case 'group':
    case 'atomic':
      return minLength(node.body);
    case 'repeat':
      return node.min * minLength(node.body);
    case 'cond':
      return node.test.type === 'define' ? 0 : Math.min(minLength(node.yes), minLength(node.no));
    default:
      return 0;
  }
}

/** The numbers of the groups in a node; those in negative assertions, which never stay set, only when asked for. */
export function groupsIn(node: Node, evenNegative: boolean, into = new Set<number>()): Set<number> {
  if (node.type === 'look' && node.negate && !evenNegative) return into;
  if (node.type === 'group') into.add(node.index);
  for (const child of children(node)) groupsIn(child, evenNegative, into);
  return into;
}

/**
 * Whether every way the node can match nothing comes after all the ways it can match something, in the order
 * backtracking tries them. Then it makes no difference that JavaScript refuses empty iterations and PCRE takes one.
 */
export function emptyLast(node: Node): boolean {
  if (!nullable(node)) return true;
  switch (node.type) {
    case 'empty':
    case 'assert':
    case 'look':
      return true;
    case 'seq':
      return node.items.every(emptyLast);
    case 'alt':
      return node.branches.every((branch, i) =>
        i === node.branches.length - 1 ? emptyLast(branch) : !nullable(branch),
      );
    case 'group':
      return emptyLast(node.body);
    case 'atomic':
      return true;
    case 'repeat':
      return node.mode !== 'lazy' && emptyLast(node.body);
    default:
      return false;
  }
}

/** Whether every match begins with one of these assertions, if wanted also one in a lookahead. */
export function leadsWith(node: Node, kinds: readonly string[], inLookahead = false): boolean {
  switch (node.type) {
    case 'assert':
      return kinds.includes(node.kind);
    case 'seq': {
      // Items of no width before it do not matter.
      for (const item of node.items) {
        if (leadsWith(item, kinds, inLookahead)) return true;
        if (item.type !== 'look' && item.type !== 'assert') return false;
      }
      return false;
    }
    case 'alt':
      return node.branches.every((branch) => leadsWith(branch, kinds, inLookahead));
    case 'group':
    case 'atomic':
      return leadsWith(node.body, kinds, inLookahead);
    case 'look':
      return inLookahead && !node.negate && !node.behind && leadsWith(node.body, kinds, true);
    default:
      return false;
  }
}

/** The node without the \\G that `leadsWith(node, ['here'])` found, once the search is known to begin there. */
export function withoutLeadingHere(node: Node): Node {
  switch (node.type) {
    case 'assert':
      return node.kind === 'here' ? EMPTY : node;
    case 'seq': {
      const at = node.items.findIndex((item) => leadsWith(item, ['here']));
      return at < 0
        ? node
        : { ...node, items: node.items.map((item, i) => (i === at ? withoutLeadingHere(item) : item)) };
    }
    case 'alt':
      return { ...node, branches: node.branches.map(withoutLeadingHere) };
    case 'group':
    case 'atomic':
      return { ...node, body: withoutLeadingHere(node.body) };
    default:
      return node;
  }
}

/** Whether a match can only begin where the search begins or at the start of the subject. */
export function isAnchored(pattern: Pattern): boolean {
  return leadsWith(pattern.root, ['start', 'here']);
}
