// The parsing machine: runs programs on a stack of its own, so that no pattern can exhaust the native one.
//
// Patterns run here until they have proved worth compiling to JavaScript (generate.ts), and where the recursion of
// compiled ones gets deep. The instructions are those of "A Text Pattern-Matching Tool based on Parsing Expression
// Grammars" (R. Ierusalimschy, 2008).

import { type CharSet, has } from './charset.ts';
import type { Op, Program } from './lower.ts';
import { type Matcher, MIN_STACK, overflow } from './matcher.ts';
import { matchUtf } from './utf.ts';
import { runFunction } from './values.ts';

const END = 0;
const SET = 1;
const ANY = 2;
const TEXT = 3;
const UTF = 4;
const TEST = 5;
const SPAN = 6;
const CHOICE = 7;
const COMMIT = 8;
const PARTIAL_COMMIT = 9;
const BACK_COMMIT = 10;
const FAIL_TWICE = 11;
const FAIL = 12;
const CALL = 13;
const RETURN = 14;
const JUMP = 15;
const BEHIND = 16;
const LEAF = 17;
const LEAF_OF = 18;
const LEAF_END = 19;
const OPEN = 20;
const CLOSE = 21;
const RUN = 22;

/** Instructions of three numbers each: code and two operands. */
export interface MachineCode {
  readonly code: readonly number[];
  readonly sets: readonly CharSet[];
  readonly texts: readonly string[];
  /** Start of the code of each rule. */
  readonly rules: readonly number[];
}

class Assembler {
  private readonly code: number[] = [];
  private readonly sets: CharSet[] = [];
  private readonly setIds = new Map<CharSet, number>();
  private readonly texts: string[] = [];
  private readonly rules: number[] = [];

  assemble(program: Program): MachineCode {
    this.put(END);
    this.op(program.main);
    this.put(RETURN);
    for (const rule of program.rules) {
      this.rules.push(this.code.length);
      this.op(rule);
      this.put(RETURN);
    }
    const { code } = this;
    // Calls hold numbers of rules so far.
    for (let i = 0; i < code.length; i += 3) {
      if (code[i] === CALL || (code[i] === JUMP && code[i + 2] === 1)) code[i + 1] = this.rules[code[i + 1]!]!;
    }
    return { code, sets: this.sets, texts: this.texts, rules: this.rules };
  }

  private put(code: number, a = 0, b = 0): number {
    return this.code.push(code, a, b) - 3;
  }

  /** Lets an instruction's target be here. */
  private land(at: number, operand = 1): void {
    this.code[at + operand] = this.code.length;
  }

  private set(set: CharSet): number {
    let id = this.setIds.get(set);
    if (id === undefined) {
      id = this.sets.push(set) - 1;
      this.setIds.set(set, id);
    }
    return id;
  }

  private op(op: Op): void {
    switch (op.op) {
      case 'empty':
        return;
      case 'fail':
        this.put(FAIL);
        return;
      case 'text':
        this.put(TEXT, this.texts.push(op.text) - 1);
        return;
      case 'set':
        this.put(SET, this.set(op.set));
        return;
      case 'any':
        this.put(ANY, op.n);
        return;
      case 'utf':
        this.put(UTF, op.from, op.to);
        return;
      case 'seq':
        for (const item of op.items) this.op(item);
        return;
      case 'span':
        this.put(SPAN, this.set(op.set));
        return;
      case 'choice': {
        const ends: number[] = [];
        for (const { op: body, test, saves } of op.alternatives) {
          const skip = test === undefined ? -1 : this.put(TEST, this.set(test));
          const way = saves ? this.put(CHOICE) : -1;
          this.op(body);
          ends.push(this.put(saves ? COMMIT : JUMP));
          if (skip >= 0) this.land(skip, 2);
          if (way >= 0) this.land(way);
        }
        this.op(op.last);
        for (const end of ends) this.land(end);
        return;
      }
      case 'rep': {
        const test = op.test === undefined ? -1 : this.set(op.test);
        if (!op.saves) {
          const start = this.put(TEST, test);
          this.op(op.body);
          this.put(JUMP, start);
          this.land(start, 2);
          return;
        }
        const skip = test < 0 ? -1 : this.put(TEST, test);
        const way = this.put(CHOICE);
        const start = this.code.length;
        this.op(op.body);
        this.put(PARTIAL_COMMIT, start);
        this.land(way);
        if (skip >= 0) this.land(skip, 2);
        return;
      }
      case 'not': {
        if (op.test !== undefined) {
          const skip = this.put(TEST, this.set(op.test));
          this.put(FAIL);
          this.land(skip, 2);
          return;
        }
        const way = this.put(CHOICE);
        this.op(op.body);
        this.put(FAIL_TWICE);
        this.land(way);
        return;
      }
      case 'and': {
        if (op.test !== undefined) {
          const skip = this.put(TEST, this.set(op.test));
          const end = this.put(JUMP);
          this.land(skip, 2);
          this.put(FAIL);
          this.land(end);
          return;
        }
        const way = this.put(CHOICE);
        this.op(op.body);
        const end = this.put(BACK_COMMIT);
        this.land(way);
        this.put(FAIL);
        this.land(end);
        return;
      }
      case 'behind':
        if (op.n > 0) this.put(BEHIND, op.n);
        this.op(op.body);
        return;
      case 'call':
        this.put(op.tail ? JUMP : CALL, op.rule, 1);
        return;
      case 'capture':
        if (op.leaf && op.length >= 0) {
          this.op(op.body);
          this.put(LEAF, op.id, op.length);
        } else if (op.leaf) {
          this.put(LEAF_OF, op.id);
          this.op(op.body);
          this.put(LEAF_END);
        } else {
          this.put(OPEN, op.id);
          this.op(op.body);
          this.put(CLOSE);
        }
        return;
      case 'runtime':
        this.put(OPEN, op.id);
        this.op(op.body);
        this.put(RUN, op.id);
    }
  }
}

/** Makes the machine's code of a program. Its main pattern starts at 3. */
export function assemble(program: Program): MachineCode {
  return new Assembler().assemble(program);
}

/**
 * Runs code from `start` at a position of the subject. Returns where the match ends, or -1.
 * @param depth entries that the caller has on stacks already
 */
export function run(m: Matcher, start: number, position: number, depth: number): number {
  const { code, sets, texts } = m.compiled.code;
  const { bytes, length, maxStack } = m;
  const base = m.sp;
  const limit = base + 3 * (Math.max(maxStack, MIN_STACK) - depth);
  let { stack } = m;
  let sp = base;
  let pc = start;
  let i = position;
  if (sp + 6 > stack.length) {
    m.growStack();
    stack = m.stack;
  }
  stack[sp] = 0;
  stack[sp + 1] = -1;
  sp += 3;
  for (;;) {
    let ok = true;
    switch (code[pc]) {
      case END:
        m.sp = base;
        return i;
      case SET:
        if (i < length && has(sets[code[pc + 1]!]!, bytes[i]!)) {
          i++;
          pc += 3;
        } else ok = false;
        break;
      case ANY:
        if (i + code[pc + 1]! <= length) {
          i += code[pc + 1]!;
          pc += 3;
        } else ok = false;
        break;
      case TEXT: {
        const text = texts[code[pc + 1]!]!;
        const n = text.length;
        if (i + n > length) {
          ok = false;
          break;
        }
        let k = 0;
        while (k < n && bytes[i + k] === text.charCodeAt(k)) k++;
        if (k === n) {
          i += n;
          pc += 3;
        } else ok = false;
        break;
      }
      case UTF: {
        const end = matchUtf(bytes, i, length, code[pc + 1]!, code[pc + 2]!);
        if (end >= 0) {
          i = end;
          pc += 3;
        } else ok = false;
        break;
      }
      case TEST:
        pc = i < length && has(sets[code[pc + 1]!]!, bytes[i]!) ? pc + 3 : code[pc + 2]!;
        break;
      case SPAN: {
        const set = sets[code[pc + 1]!]!;
        while (i < length && has(set, bytes[i]!)) i++;
        pc += 3;
        break;
      }
      case CHOICE:
      case CALL:
        if (sp >= limit) {
          m.sp = base;
          overflow(m);
        }
        if (sp + 3 > stack.length) {
          m.growStack();
          stack = m.stack;
        }
        if (code[pc] === CALL) {
          stack[sp] = pc + 3;
          stack[sp + 1] = -1;
          pc = code[pc + 1]!;
        } else {
          stack[sp] = code[pc + 1]!;
          stack[sp + 1] = i;
          stack[sp + 2] = m.top;
          pc += 3;
        }
        sp += 3;
        break;
      case RETURN:
        sp -= 3;
        pc = stack[sp]!;
        break;
      case COMMIT:
        sp -= 3;
        pc = code[pc + 1]!;
        break;
      case PARTIAL_COMMIT:
        stack[sp - 2] = i;
        stack[sp - 1] = m.top;
        pc = code[pc + 1]!;
        break;
      case BACK_COMMIT:
        sp -= 3;
        i = stack[sp + 1]!;
        m.top = stack[sp + 2]!;
        pc = code[pc + 1]!;
        break;
      case FAIL_TWICE:
        sp -= 3;
        ok = false;
        break;
      case FAIL:
        ok = false;
        break;
      case JUMP:
        pc = code[pc + 1]!;
        break;
      case BEHIND:
        if (i >= code[pc + 1]!) {
          i -= code[pc + 1]!;
          pc += 3;
        } else ok = false;
        break;
      case LEAF:
        m.push(code[pc + 1]!, i - code[pc + 2]!, i);
        pc += 3;
        break;
      case LEAF_OF:
      case OPEN:
        m.push(code[pc + 1]!, i, 0);
        pc += 3;
        break;
      case LEAF_END:
        m.log[m.top - 1] = i;
        pc += 3;
        break;
      case CLOSE:
        m.close(m.innermost(), i);
        pc += 3;
        break;
      default: {
        m.sp = sp;
        i = runFunction(m, m.innermost(), i);
        stack = m.stack;
        if (i >= 0) pc += 3;
        else ok = false;
      }
    }
    if (ok) continue;
    do {
      sp -= 3;
      if (sp === base) {
        m.sp = base;
        return -1;
      }
    } while (stack[sp + 1]! < 0);
    pc = stack[sp]!;
    i = stack[sp + 1]!;
    m.top = stack[sp + 2]!;
  }
}
