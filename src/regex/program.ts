// Tree to the instructions of the own matcher: a flat array of 32-bit words the matcher walks with an explicit stack.
// Loops over one character are single instructions, and take what they can for good when what follows cannot begin
// with it (as PCRE2's auto-possessification does), since most of a match's time goes into them.
import { firstSet, groupsIn, nullable } from './analysis.ts';
import { type LookNode, type Node, type Pattern, type RepeatNode, some } from './ast.ts';
import { byteTable, complement, disjoint, type Ranges, single, union } from './charset.ts';
import { type SearchHints, searchHints } from './hints.ts';
import { lookbehindBranches } from './lookbehind.ts';
import { ASSERT_KINDS, type WideSet } from './subject.ts';
import { encodeUtf8 } from './utf8.ts';

/** Instructions, with their operands after the colon. `pc` operands are absolute. */
export const OP = {
  MATCH: 0,
  /** : byte */
  CHAR: 1,
  /** : table of bytes */
  SET: 2,
  ANY: 3,
  /** : character set (UTF mode) */
  USET: 4,
  /** : length, bytes... */
  STRING: 5,
  /** : pc to try next; goes on with what follows */
  SPLIT: 6,
  /** : pc to go on with; what follows is tried next */
  SPLIT_JUMP: 7,
  /** : pc */
  JUMP: 8,
  /** : register for the start of the group */
  OPEN: 9,
  /** : group, register */
  CLOSE: 10,
  /** : group; ends a subroutine call of it */
  RETURN: 11,
  /** : kind */
  ASSERT: 12,
  /** : index of groups, 1 if caseless */
  BACKREF: 13,
  /** : matcher op, its operand, min, max (-1 none), mode */
  REPEAT: 14,
  /** : register */
  SAVE_POS: 15,
  /** : register, pc to loop to unless the iteration was empty */
  LOOP_NONEMPTY: 16,
  /** : register set to 0 */
  ZERO: 17,
  /** : counter, position register or -1, min, max (-1 none), lazy, pc of the end */
  COUNT: 18,
  /** : counter, position register or -1, min, pc of its COUNT, pc of the end */
  COUNT_END: 19,
  /** : register for the stack height */
  ATOMIC: 20,
  ATOMIC_END: 21,
  /** : height register, position register, frame register; a failure of the body goes on outward */
  LOOK: 22,
  LOOK_END: 23,
  /** : height register, pc after the assertion, frame register */
  LOOK_NOT: 24,
  /** : height register */
  LOOK_NOT_END: 25,
  /** : height register, position register, pc when the body fails, frame register */
  COND_LOOK: 26,
  /** : height register, position register */
  COND_LOOK_END: 27,
  /** : height register, position register, pc of the no branch */
  COND_LOOK_NOT_END: 28,
  /** : characters */
  BACK: 29,
  /** : group */
  CALL: 30,
  KEEP: 31,
  /** : 1 for the Unicode newlines */
  NEWLINE: 32,
  GRAPHEME: 33,
  /** : index of groups, pc when none is set */
  COND_SET: 34,
  /** : index of groups (-1: any recursion), pc otherwise */
  COND_RECURSION: 35,
  FAIL: 36,
  COMMIT: 37,
  PRUNE: 38,
  /** : index of name or -1 */
  SKIP: 39,
  /** : register with the target height or -1 */
  THEN: 40,
  /** : index of name */
  MARK: 41,
  /** : pc of the end of the assertion or -1, frame register */
  ACCEPT: 42,
  /** : register set to the stack height plus the second operand */
  HEIGHT: 43,
  /** : position register; leaves a non-atomic assertion */
  LOOK_END_OPEN: 44,
  /** Counts towards the match limit, where PCRE2's JIT code does */
  STEP: 45,
} as const;

export const MODES = { greedy: 0, lazy: 1, possessive: 2 } as const;

/** What the matcher runs. */
export interface Program {
  code: Int32Array;
  registers: number;
  tables: Uint8Array[];
  wideSets: WideSet[];
  groupLists: number[][];
  names: string[];
  /** Group -> pc of its OPEN, for subroutine calls; entry 0 is the whole pattern. */
  entries: Int32Array;
  hints: SearchHints;
  /** The pc of an unlimited REPEAT that every match begins with and nothing else depends on, or -1. */
  leadingLoop: number;
}

/** What can come after a node: its first characters, or null when nothing is known. */
type Follow = Ranges | null;

class Compiler {
  private readonly pattern: Pattern;
  private readonly code: number[] = [];
  private registers: number;
  private readonly tables: Uint8Array[] = [];
  private readonly tableIndex = new Map<string, number>();
  private readonly wideSets: WideSet[] = [];
  private readonly groupLists: number[][] = [];
  private readonly names: string[] = [];
  private readonly entries: Int32Array;
  private readonly openRegisters = new Map<number, number>();
  private readonly utf: boolean;
  private readonly hasCalls: boolean;
  private readonly called = new Set<number>();
  /** Groups open around the node being compiled, innermost last, for (*ACCEPT). */
  private openGroups: number[] = [];
  /** The assertion around the node being compiled: where ACCEPTs in it jump to. */
  private assertion: { frame: number; accepts: number[]; groups: number } | null = null;
  /** Count as the JIT code does: on leaving a repeated item. */
  private readonly jit: boolean;
  /** The register with the height (*THEN) falls back to, or -1. */
  private thenRegister = -1;

  constructor(pattern: Pattern, jit: boolean) {
    this.pattern = pattern;
    this.jit = jit;
    this.utf = pattern.settings.utf;
    this.registers = (pattern.groupCount + 1) * 2;
    this.entries = new Int32Array(pattern.groupCount + 1).fill(-1);
    some(pattern.root, (node) => {
      if (node.type === 'call') this.called.add(node.group);
      return false;
    });
    this.hasCalls = this.called.size > 0;
  }

  compile(anchored: boolean): Program {
    const { root, settings } = this.pattern;
    this.entries[0] = 0;
    // At the end of the pattern the match is made: nothing comes back to ask for less.
    const final = !this.called.has(0) && !settings.notEmpty && !settings.notEmptyAtStart;
    this.node(root, final ? [] : null);
    if (this.called.has(0)) this.put(OP.RETURN, 0);
    this.put(OP.MATCH);
    return {
      code: Int32Array.from(this.code),
      registers: this.registers,
      tables: this.tables,
      wideSets: this.wideSets,
      groupLists: this.groupLists,
      names: this.names,
      entries: this.entries,
      hints: searchHints(this.pattern, anchored),
      leadingLoop: this.leadingLoop(),
    };
  }

  private leadingLoop(): number {
    const { code } = this;
    let pc = 0;
    while (code[pc] === OP.OPEN) pc += 2;
    if (code[pc] !== OP.REPEAT || code[pc + 3]! > 1 || code[pc + 4] !== -1) return -1;
    // What looks back at where the match began, or at what it captured, may come out differently from another start.
    const depends = some(this.pattern.root, (node) => {
      if (node.type === 'look') return node.behind;
      return ['backref', 'cond', 'call', 'verb', 'keep', 'grapheme'].includes(node.type);
    });
    const { settings } = this.pattern;
    return depends || settings.notEmpty || settings.notEmptyAtStart ? -1 : pc;
  }

  private put(...words: number[]): number {
    const at = this.code.length;
    for (const word of words) this.code.push(word);
    return at;
  }

  private get here(): number {
    return this.code.length;
  }

  private register(): number {
    return this.registers++;
  }

  private table(set: Ranges): number {
    const key = set.join();
    let index = this.tableIndex.get(key);
    if (index === undefined) {
      index = this.tables.push(byteTable(set)) - 1;
      this.tableIndex.set(key, index);
    }
    return index;
  }

  private wideSet(set: Ranges): number {
    return this.wideSets.push({ ascii: byteTable(set), ranges: set }) - 1;
  }

  private groupList(groups: readonly number[]): number {
    return this.groupLists.push([...groups]) - 1;
  }

  private name(name: string): number {
    return this.names.push(name) - 1;
  }

  /** The instruction that matches one character of a set. */
  private one(set: Ranges): [op: number, operand: number] {
    if (!this.utf) {
      const only = single(set);
      if (only >= 0) return [OP.CHAR, only];
      return complement(set, 0xff).length === 0 ? [OP.ANY, 0] : [OP.SET, this.table(set)];
    }
    const only = single(set);
    if (only >= 0 && only < 0x80) return [OP.CHAR, only];
    if (set.length === 0 || set[set.length - 1]! < 0x80) return [OP.SET, this.table(set)];
    return [OP.USET, this.wideSet(set)];
  }

  private set(set: Ranges): void {
    const only = single(set);
    if (only >= 0) {
      this.text(this.utf ? encodeUtf8(only) : String.fromCharCode(only));
      return;
    }
    const [op, operand] = this.one(set);
    if (op === OP.ANY) this.put(op);
    else this.put(op, operand);
  }

  private text(bytes: string): void {
    if (bytes.length === 1) {
      this.put(OP.CHAR, bytes.charCodeAt(0));
      return;
    }
    this.put(OP.STRING, bytes.length);
    for (let i = 0; i < bytes.length; i++) this.put(bytes.charCodeAt(i));
  }

  private node(node: Node, follow: Follow): void {
    switch (node.type) {
      case 'empty':
        return;
      case 'set':
        this.set(node.set);
        return;
      case 'seq':
        this.sequence(node.items, follow);
        return;
      case 'alt':
        this.alternatives(node.branches, follow);
        return;
      case 'group':
        this.group(node.index, node.body, follow);
        return;
      case 'atomic':
        this.atomic(() => this.node(node.body, []));
        return;
      case 'look':
        this.look(node);
        return;
      case 'repeat':
        this.repeat(node, follow);
        if (this.jit && node.min !== node.max) this.put(OP.STEP);
        return;
      case 'backref':
        this.put(OP.BACKREF, this.groupList(node.groups), node.caseless ? 1 : 0);
        return;
      case 'assert':
        this.put(OP.ASSERT, ASSERT_KINDS.indexOf(node.kind));
        return;
      case 'keep':
        this.put(OP.KEEP);
        return;
      case 'newline':
        this.put(OP.NEWLINE, node.unicode ? 1 : 0);
        return;
      case 'grapheme':
        this.put(OP.GRAPHEME);
        return;
      case 'byte':
        this.put(OP.ANY);
        return;
      case 'cond':
        this.condition(node, follow);
        return;
      case 'call':
        this.put(OP.CALL, node.group);
        return;
      case 'verb':
        this.verb(node);
    }
  }

  private sequence(items: readonly Node[], follow: Follow): void {
    for (let i = 0; i < items.length; i++) {
      // Neighbouring literals become one comparison.
      let bytes = '';
      let j = i;
      for (; j < items.length; j++) {
        const item = items[j]!;
        const only = item.type === 'set' ? single(item.set) : -1;
        if (only < 0) break;
        bytes += this.utf ? encodeUtf8(only) : String.fromCharCode(only);
      }
      if (bytes.length > 1) {
        this.text(bytes);
        i = j - 1;
        continue;
      }
      this.node(items[i]!, this.followOf(items, i + 1, follow));
    }
  }

  /** What can come at item `from` of a sequence that `follow` comes after. */
  private followOf(items: readonly Node[], from: number, follow: Follow): Follow {
    let set: Ranges = [];
    for (let i = from; i < items.length; i++) {
      const item = items[i]!;
      const first = knownFirst(item);
      if (first === null) return null;
      if (item.type === 'assert' && item.kind !== 'end' && this.pattern.settings.newline !== 'lf') return null;
      set = union(set, first);
      if (item.type === 'assert' || !nullable(item)) return set;
    }
    return follow === null ? null : union(set, follow);
  }

  private alternatives(branches: readonly Node[], follow: Follow): void {
    const usesThen = branches.some(hasThen);
    const outerThen = this.thenRegister;
    if (usesThen) this.thenRegister = this.register();
    const ends: number[] = [];
    branches.forEach((branch, i) => {
      const last = i === branches.length - 1;
      // (*THEN) falls back to just above the entry that leads to the next branch, or below it in the last one.
      if (usesThen) this.put(OP.HEIGHT, this.thenRegister, last ? 0 : 1);
      const split = last ? -1 : this.put(OP.SPLIT, 0);
      this.node(branch, follow);
      if (!last) {
        ends.push(this.put(OP.JUMP, 0) + 1);
        this.code[split + 1] = this.here;
      }
    });
    for (const end of ends) this.code[end] = this.here;
    this.thenRegister = outerThen;
  }

  private group(index: number, body: Node, follow: Follow): void {
    let register = this.openRegisters.get(index);
    if (register === undefined) {
      register = this.register();
      this.openRegisters.set(index, register);
    }
    const called = this.called.has(index);
    if (this.entries[index]! < 0) this.entries[index] = this.here;
    this.put(OP.OPEN, register);
    this.openGroups.push(index);
    this.node(body, called ? null : follow);
    this.openGroups.pop();
    if (called) this.put(OP.RETURN, index);
    this.put(OP.CLOSE, index, register);
  }

  private atomic(body: () => void): void {
    const height = this.register();
    this.put(OP.ATOMIC, height);
    body();
    this.put(OP.ATOMIC_END, height);
  }

  /** Compiles the body of an assertion; gives the operands of its ACCEPTs, which come to its end. */
  private assertionBody(node: LookNode, frame: number): number[] {
    const outer = this.assertion;
    const outerThen = this.thenRegister;
    // (*THEN) does not reach out of an assertion: with no other branch the assertion fails.
    this.thenRegister = -1;
    this.assertion = { frame, accepts: [], groups: this.openGroups.length };
    // An assertion that may be backtracked into may be asked for less.
    const follow: Follow = node.atomic ? [] : null;
    if (node.behind) {
      const branches = lookbehindBranches(node, this.pattern.root, this.pattern.settings);
      this.lookbehind(branches, follow);
    } else {
      this.lookaheadBody(node.body, follow);
    }
    const { accepts } = this.assertion;
    this.assertion = outer;
    this.thenRegister = outerThen;
    return accepts;
  }

  private acceptHere(accepts: readonly number[]): void {
    for (const at of accepts) this.code[at] = this.here;
  }

  private lookaheadBody(body: Node, follow: Follow): void {
    if (body.type !== 'alt' && hasThen(body)) {
      this.thenRegister = this.register();
      this.put(OP.HEIGHT, this.thenRegister, 0);
    }
    this.node(body, follow);
  }

  private lookbehind(branches: { body: Node; length: number }[], follow: Follow): void {
    const ends: number[] = [];
    if (branches.some(({ body }) => hasThen(body))) this.thenRegister = this.register();
    branches.forEach(({ body, length }, i) => {
      const last = i === branches.length - 1;
      if (this.thenRegister >= 0) this.put(OP.HEIGHT, this.thenRegister, last ? 0 : 1);
      const split = last ? -1 : this.put(OP.SPLIT, 0);
      if (length > 0) this.put(OP.BACK, length);
      this.node(body, follow);
      if (!last) {
        ends.push(this.put(OP.JUMP, 0) + 1);
        this.code[split + 1] = this.here;
      }
    });
    for (const end of ends) this.code[end] = this.here;
  }

  private look(node: LookNode): void {
    const height = this.register();
    const frame = this.register();
    if (node.negate) {
      const at = this.put(OP.LOOK_NOT, height, 0, frame);
      this.acceptHere(this.assertionBody(node, frame));
      this.put(OP.LOOK_NOT_END, height);
      this.code[at + 2] = this.here;
      return;
    }
    const position = this.register();
    this.put(OP.LOOK, height, position, frame);
    const accepts = this.assertionBody(node, frame);
    if (node.atomic) {
      this.acceptHere(accepts);
      this.put(OP.LOOK_END, height, position);
      return;
    }
    this.put(OP.LOOK_END_OPEN, position);
    if (accepts.length === 0) return;
    // After (*ACCEPT) even this assertion is not backtracked into.
    const jump = this.put(OP.JUMP, 0);
    this.acceptHere(accepts);
    this.put(OP.LOOK_END, height, position);
    this.code[jump + 1] = this.here;
  }

  private repeat(node: RepeatNode, follow: Follow): void {
    const { body, min, max } = node;
    if (max === 0) {
      // Nothing to match, but its groups may be called from elsewhere.
      if (this.hasCalls && groupsIn(body, true).size > 0) this.aside(body);
      return;
    }
    const first = knownFirst(body);
    if (body.type === 'set' && (!this.utf || single(body.set) < 0 || single(body.set) < 0x80)) {
      const [op, operand] = this.one(body.set);
      let mode: number = MODES[node.mode];
      if (node.mode === 'greedy' && follow !== null && disjoint(body.set, follow)) mode = MODES.possessive;
      this.put(OP.REPEAT, op, operand, min, max === Infinity ? -1 : max, mode);
      return;
    }
    if (node.mode === 'possessive') {
      this.atomic(() => this.repeat({ ...node, mode: 'greedy' }, []));
      return;
    }
    const lazy = node.mode === 'lazy';
    const around = follow === null || first === null ? null : union(first, follow);
    const empty = nullable(body);
    if (min === 0 && max === 1) {
      const split = this.put(lazy ? OP.SPLIT_JUMP : OP.SPLIT, 0);
      this.node(body, follow);
      this.code[split + 1] = this.here;
      return;
    }
    if (min === 1 && max === 1) {
      this.node(body, follow);
      return;
    }
    if (min === 0 && max === Infinity) {
      const loop = this.put(lazy ? OP.SPLIT_JUMP : OP.SPLIT, 0);
      const position = empty ? this.register() : -1;
      if (empty) this.put(OP.SAVE_POS, position);
      this.node(body, around);
      if (empty) this.put(OP.LOOP_NONEMPTY, position, loop);
      else this.put(OP.JUMP, loop);
      this.code[loop + 1] = this.here;
      return;
    }
    const counter = this.register();
    const position = empty && max === Infinity ? this.register() : -1;
    this.put(OP.ZERO, counter);
    const loop = this.put(OP.COUNT, counter, position, min, max === Infinity ? -1 : max, lazy ? 1 : 0, 0);
    this.node(body, around);
    const end = this.put(OP.COUNT_END, counter, position, min, loop, 0);
    this.code[loop + 6] = this.here;
    this.code[end + 5] = this.here;
  }

  /** Code that is only reached by calls of the groups in it. */
  private aside(body: Node): void {
    const jump = this.put(OP.JUMP, 0);
    this.node(body, null);
    this.put(OP.FAIL);
    this.code[jump + 1] = this.here;
  }

  private condition(node: Node & { type: 'cond' }, follow: Follow): void {
    const { test } = node;
    switch (test.type) {
      case 'define':
        this.aside(node.yes);
        return;
      case 'constant':
        this.node(test.value ? node.yes : node.no, follow);
        return;
      case 'group':
      case 'recursion': {
        const isRecursion = test.type === 'recursion';
        let list = -1;
        if (!isRecursion) list = this.groupList(test.groups);
        else if (test.group !== null) list = this.groupList(test.group < 0 ? test.groups! : [test.group]);
        const at = this.put(isRecursion ? OP.COND_RECURSION : OP.COND_SET, list, 0);
        this.branches(node, follow, at + 2);
        return;
      }
      case 'look': {
        const height = this.register();
        const position = this.register();
        const frame = this.register();
        const at = this.put(OP.COND_LOOK, height, position, 0, frame);
        this.acceptHere(this.assertionBody(test.look, frame));
        if (!test.look.negate) {
          this.put(OP.COND_LOOK_END, height, position);
          this.branches(node, follow, at + 3);
          return;
        }
        const end = this.put(OP.COND_LOOK_NOT_END, height, position, 0);
        this.code[at + 3] = this.here;
        this.branches(node, follow, end + 3);
      }
    }
  }

  /** The yes branch here, the no branch where the word at `noOperand` then points. */
  private branches(node: Node & { type: 'cond' }, follow: Follow, noOperand: number): void {
    this.node(node.yes, follow);
    if (node.no.type === 'empty') {
      this.code[noOperand] = this.here;
      return;
    }
    const jump = this.put(OP.JUMP, 0);
    this.code[noOperand] = this.here;
    this.node(node.no, follow);
    this.code[jump + 1] = this.here;
  }

  private verb(node: Node & { type: 'verb' }): void {
    const { kind } = node;
    switch (kind) {
      case 'mark':
        // Names of the other verbs are only told, (*SKIP) does not go back to them.
        this.put(OP.MARK, this.name(node.name));
        return;
      case 'fail':
        this.put(OP.FAIL);
        return;
      case 'commit':
        this.put(OP.COMMIT);
        return;
      case 'prune':
        this.put(OP.PRUNE);
        return;
      case 'skip':
        this.put(OP.SKIP, node.name === '' ? -1 : this.name(node.name));
        return;
      case 'then':
        this.put(OP.THEN, this.thenRegister);
        return;
      case 'accept': {
        const from = this.assertion?.groups ?? 0;
        for (let i = this.openGroups.length - 1; i >= from; i--) {
          const index = this.openGroups[i]!;
          this.put(OP.CLOSE, index, this.openRegisters.get(index)!);
        }
        const at = this.put(OP.ACCEPT, -1, this.assertion?.frame ?? -1);
        this.assertion?.accepts.push(at + 1);
        return;
      }
      default:
        return;
    }
  }
}

/** The characters a node can begin with, or null when a place, not a character, decides. */
function knownFirst(node: Node): Ranges | null {
  switch (node.type) {
    case 'set':
      return node.set;
    case 'empty':
      return [];
    case 'assert':
      // At the end there is no next character, or only the final newline.
      if (node.kind === 'end') return [];
      return node.kind === 'endNewline' || node.kind === 'lineEnd' ? [10, 10] : null;
    case 'newline':
      return firstSet(node);
    case 'seq': {
      let set: Ranges = [];
      for (const item of node.items) {
        const first = knownFirst(item);
        if (first === null) return null;
        set = union(set, first);
        if (item.type === 'assert' || !nullable(item)) break;
      }
      // An assertion inside a sequence says what follows it; its use there is only sound as the last item.
      return node.items.some((item) => item.type === 'assert') ? null : set;
    }
    case 'alt': {
      let set: Ranges = [];
      for (const branch of node.branches) {
        if (branch.type === 'assert') return null;
        const first = knownFirst(branch);
        if (first === null) return null;
        set = union(set, first);
      }
      return set;
    }
    case 'group':
    case 'atomic':
      return node.body.type === 'assert' ? null : knownFirst(node.body);
    case 'repeat':
      return node.body.type === 'assert' ? null : knownFirst(node.body);
    default:
      return null;
  }
}

/** Whether a (*THEN) belongs to this branch rather than to alternatives inside it. */
function hasThen(node: Node): boolean {
  switch (node.type) {
    case 'verb':
      return node.kind === 'then';
    case 'alt':
    case 'look':
      return false;
    case 'seq':
      return node.items.some(hasThen);
    case 'group':
    case 'atomic':
    case 'repeat':
      return hasThen(node.body);
    case 'cond':
      return hasThen(node.yes) || hasThen(node.no);
    default:
      return false;
  }
}

/** Compiles a parsed pattern for the own matcher; `jit` makes it count towards the match limit as the JIT code does. */
export function compileProgram(pattern: Pattern, anchored: boolean, jit: boolean): Program {
  return new Compiler(pattern, jit).compile(anchored);
}
