// The tree of a parsed pattern. Everything a mode letter could change (case, dotall, multiline, UTF) is already folded
// into the nodes, so that whoever walks the tree needs no options: a character is the set of characters it matches.
import type { Ranges } from './charset.ts';

/** Zero-width tests. `start`: \A; `end`: \z; `endNewline`: \Z and plain $; `here`: \G, where the search began. */
export type AssertKind = 'start' | 'lineStart' | 'end' | 'endNewline' | 'lineEnd' | 'word' | 'notWord' | 'here';

export type VerbKind = 'accept' | 'fail' | 'commit' | 'prune' | 'skip' | 'then' | 'mark';

/** What the `(?(...)` of a conditional group asks. Group numbers are resolved after parsing. */
export type Condition =
  | { type: 'group'; groups: number[] }
  | { type: 'recursion'; group: number | null; groups?: number[] }
  | { type: 'define' }
  | { type: 'constant'; value: boolean }
  | { type: 'look'; look: LookNode };

export interface LookNode {
  type: 'look';
  behind: boolean;
  negate: boolean;
  /** False for (?* and (?<*, which may be backtracked into. */
  atomic: boolean;
  body: Node;
  /** Byte offset of the group in the pattern. */
  offset: number;
}

export interface RepeatNode {
  type: 'repeat';
  min: number;
  /** `Infinity` for no limit. */
  max: number;
  mode: 'greedy' | 'lazy' | 'possessive';
  body: Node;
}

export type Node =
  | { type: 'empty' }
  | { type: 'set'; set: Ranges }
  | { type: 'seq'; items: Node[] }
  | { type: 'alt'; branches: Node[] }
  | { type: 'group'; index: number; body: Node }
  | { type: 'atomic'; body: Node }
  | LookNode
  | RepeatNode
  /** `offset`: where PCRE2 says the reference is when the group does not exist. */
  | { type: 'backref'; groups: number[]; caseless: boolean; offset: number }
  | { type: 'assert'; kind: AssertKind }
  | { type: 'keep' }
  /** \R: a line ending of any kind, taken whole. */
  | { type: 'newline'; unicode: boolean }
  /** \X: an extended grapheme cluster. */
  | { type: 'grapheme' }
  /** \C: one byte, even in UTF mode. */
  | { type: 'byte' }
  | { type: 'cond'; test: Condition; yes: Node; no: Node }
  | { type: 'call'; group: number; offset: number }
  | { type: 'verb'; kind: VerbKind; name: string };

/** How a line ends, for `.`, `^`, `$` and comments; only (*CR) and its kin change it from `lf`. */
export type NewlineKind = 'lf' | 'cr' | 'crlf' | 'anycrlf' | 'any' | 'nul';

/** What the options of a compilation and the (*...) items at the start of the pattern came to. */
export interface PatternSettings {
  utf: boolean;
  ucp: boolean;
  newline: NewlineKind;
  /** From (*LIMIT_MATCH=n); 0 when absent. */
  limitMatch: number;
  noStartOptimize: boolean;
  notEmpty: boolean;
  notEmptyAtStart: boolean;
  /** An unset group is matched by its backreference as if it were empty (the J letter of ngx.re). */
  unsetBackrefEmpty: boolean;
  dollarEndOnly: boolean;
  /** (?|..) stands somewhere in it, so groups may share a number. */
  duplicateNumbers: boolean;
  /** CR or LF is written in it, as a character or an escape of one. */
  explicitLineEnds: boolean;
}

/** A pattern after parsing. */
export interface Pattern {
  root: Node;
  groupCount: number;
  /** Name -> group numbers, in the order of PCRE2's name table: by name, then by number. */
  names: Map<string, number[]>;
  settings: PatternSettings;
}

export const EMPTY: Node = { type: 'empty' };

/** A sequence without needless nesting. */
export function seq(items: Node[]): Node {
  return items.length === 0 ? EMPTY : items.length === 1 ? items[0]! : { type: 'seq', items };
}

/** The direct children of a node, those of a condition included. */
export function children(node: Node): readonly Node[] {
  switch (node.type) {
    case 'seq':
      return node.items;
    case 'alt':
      return node.branches;
    case 'group':
    case 'atomic':
    case 'look':
    case 'repeat':
      return [node.body];
    case 'cond':
      return node.test.type === 'look' ? [node.test.look, node.yes, node.no] : [node.yes, node.no];
    default:
      return [];
  }
}

/** Whether a node or anything below it passes the test. */
export function some(node: Node, test: (node: Node) => boolean): boolean {
  if (test(node)) return true;
  for (const child of children(node)) if (some(child, test)) return true;
  return false;
}
