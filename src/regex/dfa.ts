// DFA mode (the d letter of ngx.re): of the matches at the leftmost place the longest, without captures, as
// pcre2_dfa_match() finds it. All ways through the pattern are followed at once, one place of the subject after the
// other, so that no pattern is slower than its size times the subject's length; what would need a memory of the way
// taken (backreferences, \K, verbs) is an error when it is come upon, as in PCRE2.

import { nullable } from './analysis.ts';
import type { LookNode, Node, Pattern } from './ast.ts';
import { byteTable, complement, contains, MAX_CODE_POINT, union, VSPACE } from './charset.ts';
import { RC } from './errors.ts';
import { graphemeEnd } from './grapheme.ts';
import { StartFinder, searchHints } from './hints.ts';
import { findGroup, lookbehindBranches } from './lookbehind.ts';
import { ASSERT_KINDS, holds, newlineAt, stepBack, type WideSet, wideMatch } from './subject.ts';

/** Repeats are written out, so large counts make large automata; beyond this the pattern is not run. */
const MAX_STATES = 200_000;
const WSSIZE = -43;
/** States passed in one search, over all starts: some seconds. */
const STEP_LIMIT = 20_000_000;

type State =
  | { type: 'end' }
  | { type: 'set'; table: Uint8Array; wide: WideSet | null; next: number }
  | { type: 'any'; next: number }
  | { type: 'split'; next: number[] }
  | { type: 'assert'; kind: number; next: number }
  | { type: 'newline'; unicode: boolean; next: number }
  | { type: 'grapheme'; next: number }
  /** An atomic group: the longest way through `entry`. */
  | { type: 'atomic'; entry: number; next: number }
  /** A possessive loop: again and again the longest way through `entry`; `once` if it must take something. */
  | { type: 'loop'; entry: number; once: boolean; single: boolean; next: number }
  /** An atomic group that repeats without limit; `again` is the state after an iteration that took something. */
  | { type: 'atomicLoop'; entry: number; again: number; follows: boolean; next: number }
  | { type: 'look'; negate: boolean; ways: { entry: number; back: number }[]; next: number; otherwise: number }
  | { type: 'recursion'; yes: number; no: number }
  | { type: 'call'; group: number; next: number }
  | { type: 'error'; code: number };

/** Thrown while simulating; caught in `match`. */
class DfaError {
  readonly code: number;
  constructor(code: number) {
    this.code = code;
  }
}

class Builder {
  readonly states: State[] = [{ type: 'end' }];
  private readonly pattern: Pattern;

  constructor(pattern: Pattern) {
    this.pattern = pattern;
  }

  private add(state: State): number {
    if (this.states.length >= MAX_STATES) throw new DfaError(WSSIZE);
    return this.states.push(state) - 1;
  }

  /** The state from which `node` and then `next` is matched. */
  build(node: Node, next: number): number {
    switch (node.type) {
      case 'empty':
        return next;
      case 'set': {
        const wide = this.pattern.settings.utf ? { ascii: byteTable(node.set), ranges: node.set } : null;
        return this.add({ type: 'set', table: byteTable(node.set), wide, next });
      }
      case 'seq':
        return node.items.reduceRight((after, item) => this.build(item, after), next);
      case 'alt':
        return this.add({ type: 'split', next: node.branches.map((branch) => this.build(branch, next)) });
      case 'group':
        return this.build(node.body, next);
      case 'atomic':
        return this.add({ type: 'atomic', entry: this.build(node.body, 0), next });
      case 'look':
        return node.atomic ? this.look(node, next, -1) : this.add({ type: 'error', code: RC.DFA_UITEM });
      case 'repeat':
        return this.repeat(node, next);
      case 'assert':
        return this.add({ type: 'assert', kind: ASSERT_KINDS.indexOf(node.kind), next });
      case 'newline':
        return this.add({ type: 'newline', unicode: node.unicode, next });
      case 'grapheme':
        return this.add({ type: 'grapheme', next });
      case 'byte':
        return this.pattern.settings.utf
          ? this.add({ type: 'error', code: RC.DFA_UITEM })
          : this.add({ type: 'any', next });
      case 'call':
        return this.add({ type: 'call', group: node.group, next });
      case 'cond':
        return this.condition(node, next);
      case 'verb':
        return node.kind === 'fail'
          ? this.add({ type: 'split', next: [] })
          : this.add({ type: 'error', code: RC.DFA_UITEM });
      default:
        return this.add({ type: 'error', code: RC.DFA_UITEM });
    }
  }

  private look(node: LookNode, next: number, otherwise: number): number {
    const ways = node.behind
      ? lookbehindBranches(node, this.pattern.root, this.pattern.settings).map(({ body, length }) => ({
          entry: this.build(body, 0),
          back: length,
        }))
      : [{ entry: this.build(node.body, 0), back: 0 }];
    return this.add({ type: 'look', negate: node.negate, ways, next, otherwise });
  }

  private repeat(node: Node & { type: 'repeat' }, next: number): number {
    const { min, max } = node;
    const body = this.repeatedBody(node.body);
    let after = next;
    // Past such a group PCRE2 does not find on.
    if (max === 0 && body.type !== 'set' && nullable(body)) return this.add({ type: 'error', code: RC.DFA_UITEM });
    if (node.mode === 'possessive') {
      if (max === Infinity && min <= 1) {
        return this.add({
          type: 'loop',
          entry: this.build(body, 0),
          once: min === 1,
          single: body.type === 'set',
          next,
        });
      }
      return this.add({ type: 'atomic', entry: this.build({ ...node, mode: 'greedy' }, 0), next });
    }
    if (max === Infinity && body.type === 'atomic') {
      const entry = this.build(body.body, 0);
      const loop = { type: 'atomicLoop' as const, entry, again: 0, follows: false, next };
      const again = this.add({ ...loop, again: this.states.length, follows: true });
      after = this.add({ ...loop, again });
      if (min === 0) return this.add({ type: 'split', next: [next, after] });
      for (let i = 1; i < min; i++) after = this.build(body, after);
      return after;
    }
    if (max === Infinity) {
      const split: State & { type: 'split' } = { type: 'split', next: [next] };
      after = this.add(split);
      split.next.push(this.build(body, after));
    } else {
      for (let i = min; i < max; i++) after = this.add({ type: 'split', next: [next, this.build(body, after)] });
    }
    for (let i = 0; i < min; i++) after = this.build(body, after);
    return after;
  }

  /** With (*ANY) in UTF mode a repeated `.` takes U+2028 and U+2029, which one alone does not. */
  private repeatedBody(body: Node): Node {
    const { newline, utf } = this.pattern.settings;
    if (newline !== 'any' || !utf || body.type !== 'set' || contains(body.set, 0x2028)) return body;
    const notNewline = complement(VSPACE, MAX_CODE_POINT);
    return body.set.join() === notNewline.join() ? { type: 'set', set: union(body.set, [0x2028, 0x2029]) } : body;
  }

  private condition(node: Node & { type: 'cond' }, next: number): number {
    const { test } = node;
    switch (test.type) {
      case 'define':
        return next;
      case 'constant':
        return this.build(test.value ? node.yes : node.no, next);
      case 'look':
        return this.look(test.look, this.build(node.yes, next), this.build(node.no, next));
      case 'recursion':
        if (test.group === null) {
          return this.add({ type: 'recursion', yes: this.build(node.yes, next), no: this.build(node.no, next) });
        }
        return this.add({ type: 'error', code: RC.DFA_UCOND });
      default:
        return this.add({ type: 'error', code: RC.DFA_UCOND });
    }
  }
}

/** A subroutine call being followed, innermost first. */
interface Call {
  group: number;
  pos: number;
  outer: Call | null;
}

/** Runs one pattern in DFA mode. */
export class DfaMatcher {
  private readonly pattern: Pattern;
  private readonly builder: Builder;
  private readonly entry: number;
  private readonly failure: number;
  private readonly starts: StartFinder;
  private readonly groupEntries = new Map<number, number>();
  private subject = '';
  private searchStart = 0;
  private runs = 0;
  private steps = 0;
  private readonly limit: number;

  /** `limit`: how often the automaton may be entered in one search (the match limit). */
  constructor(pattern: Pattern, anchored: boolean, limit: number) {
    this.pattern = pattern;
    const inPattern = pattern.settings.limitMatch;
    this.limit = inPattern > 0 ? Math.min(limit, inPattern) : limit;
    this.builder = new Builder(pattern);
    let entry = 0;
    let failure = 0;
    try {
      entry = this.builder.build(pattern.root, 0);
    } catch (error) {
      if (!(error instanceof DfaError)) throw error;
      failure = error.code;
    }
    this.entry = entry;
    this.failure = failure;
    // Where an item ends the search with an error, no start may be passed over that comes upon it.
    const faulty = this.builder.states.some(
      (state) => state.type === 'error' || state.type === 'atomicLoop' || (state.type === 'loop' && !state.single),
    );
    const hints = searchHints(pattern, anchored);
    this.starts = new StartFinder(
      faulty ? { ...hints, atStart: false, minLength: 0, firstBytes: null, requiredBytes: [] } : hints,
      pattern.settings,
    );
  }

  /** Searches from `start`; fills the first pair of `ovector`. Returns 1, or a negative PCRE2 number. */
  match(subject: string, start: number, ovector: Int32Array): number {
    if (this.failure !== 0) return this.failure;
    this.subject = subject;
    this.searchStart = start;
    this.runs = 0;
    this.steps = 0;
    try {
      for (let s = this.starts.first(subject, start); s >= 0; s = this.starts.next(s)) {
        const ends = this.run(this.entry, s, null, start);
        if (ends.length > 0) {
          ovector[0] = s;
          ovector[1] = ends[ends.length - 1]!;
          return 1;
        }
      }
    } catch (error) {
      if (error instanceof DfaError) return error.code;
      // Subroutine calls within each other, deeper than the stack.
      if (error instanceof RangeError) return RC.DEPTHLIMIT;
      throw error;
    }
    return RC.NOMATCH;
  }

  /**
   * The places, ascending, where the automaton entered at `from` can end. \G holds at `here`: within an inner run that
   * is where the run began, as in PCRE2.
   */
  private run(entry: number, from: number, call: Call | null, here = from): number[] {
    if (++this.runs > this.limit) throw new DfaError(RC.MATCHLIMIT);
    const { states } = this.builder;
    const { settings } = this.pattern;
    const { subject } = this;
    const n = subject.length;
    /** States waiting, by place. */
    const waiting = new Map<number, number[]>([[from, [entry]]]);
    const seen = new Int32Array(states.length).fill(-1);
    const ends: number[] = [];
    const wait = (state: number, pos: number) => {
      const list = waiting.get(pos);
      if (list === undefined) waiting.set(pos, [state]);
      else list.push(state);
    };
    for (let pos = from; waiting.size > 0; pos++) {
      const work = waiting.get(pos);
      if (work === undefined) continue;
      waiting.delete(pos);
      /** Ways followed at this place besides. */
      let others = 0;
      while (work.length > 0) {
        const index = work.pop()!;
        if (seen[index] === pos) continue;
        seen[index] = pos;
        if (++this.steps > STEP_LIMIT) throw new DfaError(RC.MATCHLIMIT);
        const state = states[index]!;
        if (state.type !== 'split' && state.type !== 'loop') others++;
        switch (state.type) {
          case 'end':
            if (this.acceptable(pos, from)) ends.push(pos);
            break;
          case 'set':
            if (pos >= n) break;
            if (state.wide === null) {
              if (state.table[subject.charCodeAt(pos)] === 1) wait(state.next, pos + 1);
            } else {
              const length = wideMatch(state.wide, subject, pos);
              if (length > 0) wait(state.next, pos + length);
            }
            break;
          case 'any':
            if (pos < n) wait(state.next, pos + 1);
            break;
          case 'split':
            for (let i = state.next.length - 1; i >= 0; i--) work.push(state.next[i]!);
            break;
          case 'assert':
            if (holds(state.kind, subject, pos, here, settings)) work.push(state.next);
            break;
          case 'newline': {
            const length = newlineAt(subject, pos, state.unicode, settings.utf);
            if (length > 0) wait(state.next, pos + length);
            break;
          }
          case 'grapheme':
            if (pos < n) wait(state.next, graphemeEnd(subject, pos, settings.utf));
            break;
          case 'atomic': {
            const end = this.run(state.entry, pos, call).at(-1);
            if (end === pos) work.push(state.next);
            else if (end !== undefined) wait(state.next, end);
            break;
          }
          case 'loop': {
            let end = pos;
            for (;;) {
              const next = this.run(state.entry, end, call, pos).at(-1);
              if (next === undefined || next === end) break;
              end = next;
            }
            if (end !== pos) wait(state.next, end);
            else if (state.single && !state.once) work.push(state.next);
            else if (!state.once) {
              // PCRE2 then skips a character if other ways are open too, which can only be its fault: not answered.
              if (others > 0 || work.length > 0 || waiting.size > 0) throw new DfaError(RC.DFA_UITEM);
              work.push(state.next);
            }
            break;
          }
          case 'atomicLoop': {
            const end = this.run(state.entry, pos, call).at(-1);
            if (end === undefined) break;
            if (end === pos) {
              work.push(state.next);
              break;
            }
            // Here PCRE2 loses count of the characters of an iteration after the first, unless it is but one.
            if (state.follows && stepBack(subject, end, 1, settings.utf) > pos) throw new DfaError(RC.DFA_UITEM);
            wait(state.next, end);
            wait(state.again, end);
            break;
          }
          case 'look': {
            const found = state.ways.some(({ entry: way, back }) => {
              const at = stepBack(subject, pos, back, settings.utf);
              if (at < 0) return false;
              // \G is asked of the place the assertion stands at.
              const where = this.run(way, at, call, pos);
              return back > 0 ? where.includes(pos) : where.length > 0;
            });
            if (found !== state.negate) work.push(state.next);
            else if (state.otherwise >= 0) work.push(state.otherwise);
            break;
          }
          case 'recursion':
            work.push(call !== null ? state.yes : state.no);
            break;
          case 'call': {
            for (let c = call; c !== null; c = c.outer) {
              if (c.group === state.group && c.pos === pos) throw new DfaError(RC.RECURSELOOP);
            }
            const inner = { group: state.group, pos, outer: call };
            for (const end of this.run(this.groupEntry(state.group), pos, inner)) {
              if (end === pos) work.push(state.next);
              else wait(state.next, end);
            }
            break;
          }
          case 'error':
            throw new DfaError(state.code);
        }
      }
    }
    return ends;
  }

  private groupEntry(group: number): number {
    if (group === 0) return this.entry;
    let entry = this.groupEntries.get(group);
    if (entry === undefined) {
      entry = this.builder.build(findGroup(this.pattern.root, group)!, 0);
      this.groupEntries.set(group, entry);
    }
    return entry;
  }

  /** (*NOTEMPTY) and the other one hold within assertions and atomic groups too. */
  private acceptable(pos: number, from: number): boolean {
    const { settings } = this.pattern;
    if (pos !== from) return true;
    return !settings.notEmpty && !(settings.notEmptyAtStart && from === this.searchStart);
  }
}
