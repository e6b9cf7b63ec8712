// Runs a pattern by walking its items: the form in which every pattern starts.
//
// It costs nothing to set up and the walker itself is compiled once for all patterns. A pattern that is used often is
// turned into JavaScript of its own (generate.ts). Recursion happens only where the match can go back, so its depth is
// bounded by the pattern, never by the subject; LuaJIT's limit on that depth is kept.

import { throwError } from '../../error.ts';
import { disjoint, type Item, MAX_CAPTURES, type ParsedPattern } from './parse.ts';

/**
 * Where the last successful match put its result: [0] its start, [1] its end (exclusive), then start and end of each
 * capture; positions are 0-based offsets. Valid until the next match of any pattern.
 */
export const found = new Int32Array(2 + 2 * MAX_CAPTURES);

/** Searches `s` from offset `init`; true when found, with the place in `found`. */
export type Matcher = (s: string, init: number) => boolean;

const MAX_DEPTH = 200; // LJ_MAX_XLEVEL

const DONE = 0;
const ONCE = 1;
const GREEDY = 2;
const GREEDY_TIGHT = 3;
const LAZY = 4;
const OPTIONAL = 5;
const OPTIONAL_TIGHT = 6;
const OPEN = 7;
const CLOSE = 8;
const BACK = 9;
const BACK_NEVER = 10;
const BALANCE = 11;
const FRONTIER = 12;
const END = 13;
const ERROR = 14;

interface Program {
  readonly ops: Uint8Array;
  /** The operand of an operation: a capture's index in `found`, or the two bytes of a balance. */
  readonly args: Int32Array;
  readonly sets: Uint8Array[];
  readonly message: string;
}

const NO_SET = new Uint8Array(0);

/** Whether the repeated item at `index` never has to give anything back, so that its longest match is the only one. */
export function isTight(pattern: ParsedPattern, index: number): boolean {
  const item = pattern.items[index]!;
  if (item.kind !== 'set') return false;
  const follow = pattern.follow[index + 1]!;
  return follow.always || disjoint(item.set, follow.first);
}

function assemble(pattern: ParsedPattern): Program {
  const { items } = pattern;
  const ops = new Uint8Array(items.length + 1);
  const args = new Int32Array(items.length + 1);
  const sets: Uint8Array[] = [];
  let message = '';
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!;
    sets.push(item.kind === 'set' || item.kind === 'frontier' ? item.set : NO_SET);
    ops[i] = opOf(item, pattern, i);
    if (item.kind === 'balance') args[i] = item.open | (item.close << 8);
    else if (item.kind === 'error') message = item.message;
    else if ('slot' in item) args[i] = 2 + 2 * item.slot + (item.kind === 'close' ? 1 : 0);
  }
  sets.push(NO_SET);
  return { ops, args, sets, message };
}

function opOf(item: Item, pattern: ParsedPattern, index: number): number {
  switch (item.kind) {
    case 'set':
      if (item.repeat === 'once') return ONCE;
      if (item.repeat === 'lazy') return LAZY;
      if (item.repeat === 'greedy') return isTight(pattern, index) ? GREEDY_TIGHT : GREEDY;
      return isTight(pattern, index) ? OPTIONAL_TIGHT : OPTIONAL;
    case 'open':
    case 'position':
      return OPEN;
    case 'close':
      return CLOSE;
    case 'back':
      // A position capture has no text to be found again.
      return pattern.captures[item.slot] === 'position' ? BACK_NEVER : BACK;
    case 'balance':
      return BALANCE;
    case 'frontier':
      return FRONTIER;
    case 'end':
      return END;
    default:
      return ERROR;
  }
}

/** Makes the walking matcher of a pattern. */
export function walkingMatcher(pattern: ParsedPattern): Matcher {
  const program = assemble(pattern);
  const { anchored, follow } = pattern;
  const start = follow[0]!;
  // Where the pattern must begin with one of a few bytes, other places need no attempt. An error at the very
  // beginning has all bytes in its first set, and a match of nothing is possible where `start.always` or no item
  // consumes, so only patterns that surely consume a byte first may skip.
  const first = program.ops[0] === ONCE ? start.first : undefined;
  return (s, init) => {
    const n = s.length;
    for (let at = init; at <= n; at++) {
      if (first !== undefined && !anchored) {
        while (at < n && first[s.charCodeAt(at)] !== 1) at++;
        if (at === n) return false;
      }
      const end = walk(program, s, at, 0, 1);
      if (end >= 0) {
        found[0] = at;
        found[1] = end;
        return true;
      }
      if (anchored) return false;
    }
    return false;
  };
}

/** Matches the operations from `pc` on at offset `i`: the end of the match, or -1. */
function walk(program: Program, s: string, i: number, pc: number, depth: number): number {
  const { ops, args, sets } = program;
  const n = s.length;
  for (;;) {
    if (depth > MAX_DEPTH) throwError('pattern too complex');
    const set = sets[pc]!;
    switch (ops[pc]) {
      case DONE:
        return i;
      case ONCE:
        if (i >= n || set[s.charCodeAt(i)] !== 1) return -1;
        i++;
        break;
      case GREEDY_TIGHT:
        while (i < n && set[s.charCodeAt(i)] === 1) i++;
        depth++;
        break;
      case GREEDY: {
        let j = i;
        while (j < n && set[s.charCodeAt(j)] === 1) j++;
        for (; j >= i; j--) {
          const end = walk(program, s, j, pc + 1, depth + 1);
          if (end >= 0) return end;
        }
        return -1;
      }
      case LAZY:
        for (; ; i++) {
          const end = walk(program, s, i, pc + 1, depth + 1);
          if (end >= 0) return end;
          if (i >= n || set[s.charCodeAt(i)] !== 1) return -1;
        }
      case OPTIONAL:
        if (i < n && set[s.charCodeAt(i)] === 1) {
          const end = walk(program, s, i + 1, pc + 1, depth + 1);
          if (end >= 0) return end;
        }
        break;
      case OPTIONAL_TIGHT:
        if (i < n && set[s.charCodeAt(i)] === 1) {
          i++;
          depth++;
        }
        break;
      case OPEN:
      case CLOSE:
        found[args[pc]!] = i;
        depth++;
        break;
      case BACK:
        i = matchBack(s, i, found[args[pc]!]!, found[args[pc]! + 1]!);
        if (i < 0) return -1;
        break;
      case BACK_NEVER:
        return -1;
      case BALANCE:
        i = matchBalance(s, i, args[pc]! & 255, args[pc]! >> 8);
        if (i < 0) return -1;
        break;
      case FRONTIER:
        // The ends of the subject count as a zero byte.
        if (set[i === 0 ? 0 : s.charCodeAt(i - 1)] === 1 || set[i < n ? s.charCodeAt(i) : 0] !== 1) return -1;
        break;
      case END:
        if (i !== n) return -1;
        break;
      default:
        throwError(program.message);
    }
    pc++;
  }
}

/** Matches the text s[from..to) again at offset `i`: the offset after it, or -1. */
export function matchBack(s: string, i: number, from: number, to: number): number {
  const length = to - from;
  if (s.length - i < length) return -1;
  for (let k = 0; k < length; k++) if (s.charCodeAt(from + k) !== s.charCodeAt(i + k)) return -1;
  return i + length;
}

/** %b: matches from an `open` byte at offset `i` to the `close` byte that balances it: the offset after it, or -1. */
export function matchBalance(s: string, i: number, open: number, close: number): number {
  const n = s.length;
  if (i >= n || s.charCodeAt(i) !== open) return -1;
  let level = 1;
  for (i++; i < n; i++) {
    const c = s.charCodeAt(i);
    if (c === close) {
      if (--level === 0) return i + 1;
    } else if (c === open) level++;
  }
  return -1;
}
