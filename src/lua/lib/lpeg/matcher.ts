// The state of one match: the subject's bytes, the log of captures, the machine's stack.
//
// The log holds three numbers for each entry. A capture that cannot contain others is one entry: its id, where it
// starts and ends. Any other has two, with what it contains in between: id, start, index of the second (0 while it is
// open); CLOSE, end, index of the first. Going back to an earlier state of the match only takes the old length of the
// log. Values that a function returned during the match are entries of their own, RESULT; the values themselves are in
// a list beside the log.

import { throwError } from '../../error.ts';
import type { LuaValue } from '../../value.ts';
import type { Compiled } from './compile.ts';

export const CLOSE = -1;
export const RESULT = -2;

/** Entries that the stack has in any case. */
export const MIN_STACK = 400;

/** Entries of the log that are kept for the next match. */
const KEPT = 1 << 16;

export class Matcher {
  subject = '';
  /** The subject, followed by a zero byte, so that looking at the end needs no test of its own. */
  bytes: Buffer = Buffer.alloc(64);
  /** Length of the subject. */
  length = 0;
  /** Length of the log. */
  top = 0;
  log = new Int32Array(3 * 64);
  /** Values of RESULT entries, at a third of the index of the entry. */
  results: LuaValue[] = [];
  compiled!: Compiled;
  args: LuaValue[] = [];
  /** Limit of setmaxstack; less than MIN_STACK it only shows in the message. */
  maxStack = MIN_STACK;
  /** Entries at which compiled patterns leave it to the machine. */
  limit = 0;
  /** Position for the rule that a compiled one wants to go on with. */
  tail = 0;
  /** Three numbers for each entry: where to go on, position (-1 for a return), length of the log. */
  stack = new Int32Array(3 * 64);
  /** First free place of the stack. */
  sp = 0;

  setSubject(s: string): void {
    if (s === this.subject) return;
    const n = s.length;
    if (this.bytes.length <= n) this.bytes = Buffer.allocUnsafeSlow(Math.max(64, n + (n >> 2) + 1));
    const { bytes } = this;
    if (n < 24) for (let i = 0; i < n; i++) bytes[i] = s.charCodeAt(i);
    else bytes.write(s, 0, 'latin1');
    bytes[n] = 0;
    this.length = n;
    this.subject = s;
  }

  /** Forgets what a match has left behind. */
  release(): void {
    if (this.results.length > 0) this.results = [];
    if (this.log.length > KEPT) this.log = new Int32Array(3 * 64);
    if (this.args.length > 0) this.args = [];
    this.top = 0;
    this.sp = 0;
  }

  growLog(): void {
    const log = new Int32Array(this.log.length * 2);
    log.set(this.log);
    this.log = log;
  }

  growStack(): void {
    const stack = new Int32Array(this.stack.length * 2);
    stack.set(this.stack);
    this.stack = stack;
  }

  /** Appends an entry; returns its index. */
  push(id: number, a: number, b: number): number {
    const at = this.top;
    if (at + 3 > this.log.length) this.growLog();
    const { log } = this;
    log[at] = id;
    log[at + 1] = a;
    log[at + 2] = b;
    this.top = at + 3;
    return at;
  }

  /** Ends the capture whose first entry is given. */
  close(open: number, end: number): void {
    const at = this.push(CLOSE, end, open); // which may replace the log
    this.log[open + 2] = at;
  }

  /** The capture that is open, from the log's end. */
  innermost(): number {
    const { log } = this;
    const { captures } = this.compiled.program;
    let at = this.top - 3;
    for (;;) {
      const id = log[at]!;
      if (id === CLOSE) at = log[at + 2]! - 3;
      else if (id === RESULT || captures[id]!.leaf) at -= 3;
      else return at;
    }
  }
}

/** Throws lpeg's error for a stack that has become too deep. */
export function overflow(m: Matcher): never {
  throwError(`backtrack stack overflow (current limit is ${m.maxStack})`);
}
