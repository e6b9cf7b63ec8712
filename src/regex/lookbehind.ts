// Lookbehinds: each branch must match a fixed number of characters, by which the matcher steps back before it tries
// the branch (pcre2pattern(3), "Lookbehind assertions"; the rules are those of PCRE2 10.42).
import type { LookNode, Node, Pattern, PatternSettings } from './ast.ts';
import { children, some } from './ast.ts';

const NO_GROUP = 115;
const NOT_FIXED = 125;
const TOO_LONG = 187;
const SINGLE_BYTE = 136;
const TOO_COMPLICATED = 135;
const MAX_LENGTH = 65535;
const MAX_BRANCHES = 2000;

/** The body of group `index`, or null. */
export function findGroup(root: Node, index: number): Node | null {
  if (root.type === 'group' && root.index === index) return root;
  for (const child of children(root)) {
    const found = findGroup(child, index);
    if (found !== null) return found;
  }
  return null;
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

/** What the measuring of one pattern shares. */
export interface Measuring {
  readonly root: Node;
  readonly settings: PatternSettings;
  /** Groups being measured, to notice recursion. */
  readonly active: number[];
  /** Lengths of groups found before, where a number is one group's only. */
  readonly known: Map<number, number>;
  /** Branches measured so far: PCRE2 gives up after some. */
  branches: number;
}

/** The start of the measuring of a pattern. */
export function measuring(root: Node, settings: PatternSettings): Measuring {
  return { root, settings, active: [], known: new Map(), branches: 0 };
}

function measureBranch(node: Node, context: Measuring): number {
  if (context.branches++ > MAX_BRANCHES) throw new Variable(TOO_COMPLICATED);
  return measure(node, context);
}

function measureBody(node: Node, context: Measuring): number {
  return node.type === 'alt' ? measure(node, context) : measureBranch(node, context);
}

function measure(node: Node, context: Measuring): number {
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
      const lengths = node.branches.map((branch) => measureBranch(branch, context));
      if (lengths.some((length) => length !== lengths[0])) throw new Variable(NOT_FIXED);
      return lengths[0]!;
    }
    case 'group': {
      const { known, settings } = context;
      const before = settings.duplicateNumbers ? undefined : known.get(node.index);
      if (before !== undefined) return before;
      const length = measureBody(node.body, context);
      known.set(node.index, length);
      return length;
    }
    case 'atomic':
      return measureBody(node.body, context);
    case 'look':
      measureInner(node, context);
      return 0;
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
      if (context.settings.unsetBackrefEmpty || context.settings.duplicateNumbers) throw new Variable(NOT_FIXED);
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

function branchesOf(look: LookNode): readonly Node[] {
  return look.body.type === 'alt' ? look.body.branches : [look.body];
}

/** The lookbehinds inside an assertion, which may lead back to a group that is being measured. */
function measureInner(look: LookNode, context: Measuring): void {
  some(look, (node) => {
    if (node.type !== 'look' || !node.behind) return false;
    try {
      for (const branch of branchesOf(node)) measureBranch(branch, context);
    } catch (error) {
      if (!(error instanceof Variable)) throw error;
      throw error.offset < 0 ? new Variable(error.code, node.offset) : error;
    }
    return false;
  });
}

/** The length of the group a backreference or call is to; one that stands inside that very group is recursive. */
function measureGroup(index: number, from: Node & { offset: number }, context: Measuring): number {
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
  const context = measuring(root, settings);
  return branchesOf(look).map((body) => ({ body, length: measureBranch(body, context) }));
}

/** The compile error a lookbehind has, or null when it is sound. */
export function lookbehindFault(look: LookNode, context: Measuring): { code: number; offset: number } | null {
  try {
    for (const branch of branchesOf(look)) measureBranch(branch, context);
    return null;
  } catch (error) {
    if (error instanceof Variable) return { code: error.code, offset: error.offset < 0 ? look.offset : error.offset };
    throw error;
  }
}

/** The number of characters a node always takes, or null when that varies. */
export function fixedLength(node: Node, root: Node, settings: PatternSettings): number | null {
  try {
    return measure(node, measuring(root, settings));
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
