// Lookbehinds: each branch must match a fixed number of characters, by which the matcher steps back before it tries
// the branch (pcre2pattern(3), "Lookbehind assertions"; the rules are those of PCRE2 10.42).
import type { LookNode, Node, Pattern, PatternSettings } from './ast.ts';
import { children, some } from './ast.ts';

const NO_GROUP = 115;
const NOT_FIXED = 125;
const TOO_LONG = 187;
const SINGLE_BYTE = 136;
const MAX_LENGTH = 65535;

/** The body of group `index`, or null. */
export function findGroup(root: Node, index: number): Node | null {
  if (root.type === 'group' && root.index === index) return root;
  for (const child of children(root)) {
    const found = findGroup(child, index);
    if (found !== null) return found;
  }
  return null;
}

/** Whether two groups share a number, which only (?|..) brings about. */
function hasDuplicateNumbers(root: Node, seen = new Set<number>()): boolean {
  if (root.type === 'group') {
    if (seen.has(root.index)) return true;
    seen.add(root.index);
  }
  return children(root).some((child) => hasDuplicateNumbers(child, seen));
}

/** Thrown and caught within this file: the error code of an item that has no fixed length. */
class Variable {
  readonly code: number;
  /** Where the fault is, if not at the lookbehind itself. */
  readonly offset: number;
  constructor(code: number, offset = -1) {
    this.code = code;
    this.offset = offset;
  }
}

interface Context {
  root: Node;
  settings: PatternSettings;
  /** Groups being measured, to notice recursion. */
  active: number[];
}

function measure(node: Node, context: Context): number {
  switch (node.type) {
    case 'set':
      // The empty class of the J mode is taken as "not known".
      if (node.set.length === 0) throw new Variable(NOT_FIXED);
      return 1;
    case 'byte':
      if (context.settings.utf) throw new Variable(SINGLE_BYTE);
      return 1;
    case 'seq': {
      let total = 0;
      for (const item of node.items) {
        // Nothing after (*ACCEPT) or (*FAIL) is reached.
        if (item.type === 'verb' && (item.kind === 'accept' || item.kind === 'fail')) break;
        total += measure(item, context);
        if (total > MAX_LENGTH) throw new Variable(TOO_LONG);
      }
      return total;
    }
    case 'alt': {
      const lengths = node.branches.map((branch) => measure(branch, context));
      if (lengths.some((length) => length !== lengths[0])) throw new Variable(NOT_FIXED);
      return lengths[0]!;
    }
    case 'group':
    case 'atomic':
      return measure(node.body, context);
    case 'cond': {
      if (node.test.type === 'define') return 0;
      const yes = measure(node.yes, context);
      if (node.no.type !== 'empty' && measure(node.no, context) !== yes) throw new Variable(NOT_FIXED);
      return yes;
    }
    case 'repeat': {
      const total = measure(node.body, context) * node.min;
      if (node.min !== node.max) {
        if (node.body.type === 'look') return 0;
        throw new Variable(NOT_FIXED);
      }
      if (total > MAX_LENGTH) throw new Variable(TOO_LONG);
      return total;
    }
    case 'newline':
    case 'grapheme':
      throw new Variable(NOT_FIXED);
    case 'backref': {
      if (context.settings.unsetBackrefEmpty || hasDuplicateNumbers(context.root)) throw new Variable(NOT_FIXED);
      if (node.groups.length === 0) throw new Variable(NO_GROUP, node.offset);
      if (node.groups.length !== 1) throw new Variable(NOT_FIXED);
      return measureGroup(node.groups[0]!, node, context);
    }
    case 'call':
      if (node.group === 0) throw new Variable(NOT_FIXED);
      return measureGroup(node.group, node, context);
    default:
      return 0;
  }
}

/** The length of the group a backreference or call is to; one that stands inside that very group is recursive. */
function measureGroup(index: number, from: Node & { offset: number }, context: Context): number {
  const group = findGroup(context.root, index);
  if (group === null) throw new Variable(NO_GROUP, from.offset);
  if (context.active.includes(index) || some(group, (node) => node === from)) throw new Variable(NOT_FIXED);
  context.active.push(index);
  const length = measure(group, context);
  context.active.pop();
  return length;
}

/** The branches of a lookbehind with the characters each takes. Throws when one is not fixed. */
export function lookbehindBranches(
  look: LookNode,
  root: Node,
  settings: PatternSettings,
): { body: Node; length: number }[] {
  const branches = look.body.type === 'alt' ? look.body.branches : [look.body];
  return branches.map((body) => ({ body, length: measure(body, { root, settings, active: [] }) }));
}

/** The compile error a lookbehind has, or null when it is sound. */
export function lookbehindFault(
  look: LookNode,
  root: Node,
  settings: PatternSettings,
): { code: number; offset: number } | null {
  try {
    lookbehindBranches(look, root, settings);
    return null;
  } catch (error) {
    if (error instanceof Variable) return { code: error.code, offset: error.offset < 0 ? look.offset : error.offset };
    throw error;
  }
}

/** The number of characters a node always takes, or null when that varies. */
export function fixedLength(node: Node, root: Node, settings: PatternSettings): number | null {
  try {
    return measure(node, { root, settings, active: [] });
  } catch (error) {
    if (error instanceof Variable) return null;
    throw error;
  }
}

/** How many characters before its start a match may look at: lookbehinds, and one for \b, \B and multiline ^. */
export function maxLookbehind(pattern: Pattern): number {
  let max = 0;
  some(pattern.root, (node) => {
    if (node.type === 'assert' && node.kind !== 'start' && node.kind !== 'here') {
      if (node.kind === 'word' || node.kind === 'notWord' || node.kind === 'lineStart') max = Math.max(max, 1);
    } else if (node.type === 'look' && node.behind) {
      for (const { length } of lookbehindBranches(node, pattern.root, pattern.settings)) max = Math.max(max, length);
    }
    return false;
  });
  return max;
}
