// The own engine: backtracking over a Program with an explicit stack, for patterns that JavaScript's RegExp cannot
// express or must not be trusted with. It counts the places it could come back to, as PCRE2 counts for its match limit,
// and all work besides, so that no pattern can hold a worker for long.
//
// The stack holds entries of four words. Some are places to try next, some undo a register when backtracked over, some
// are boundaries that verbs such as (*COMMIT) do not reach beyond.
import type { Pattern } from './ast.ts';
import { type Descent, generateDescent } from './descent.ts';
import { RC } from './errors.ts';
import { graphemeEnd } from './grapheme.ts';
import { StartFinder } from './hints.ts';
import { jitStackEntries } from './jit-stack.ts';
import { compileProgram, OP, type Program } from './program.ts';
import { caselessLength, holds, newlineAt, stepBack, wideMatch } from './subject.ts';

/** Kinds of stack entries; the three words after the kind are named here. */
const CHOICE = 0; // pc, position, -
const UNDO = 1; // register, old value, -
const GREEDY = 2; // pc after the loop, least position, position last tried
const LAZY = 3; // pc of the REPEAT, position, how many more are allowed (-1: any number)
const UNDO_FRAME = 4; // frame, frame top, -
const CALL_BARRIER = 5; // group, -, -: stops verbs that ran within the call
const BARRIER_CHOICE = 6; // pc, position, -
const VERB = 7; // COMMIT..THEN plus 256 times (name + 1), position or target height, group called when it ran
const MARK = 8; // name, position, -

const ENTRY = 4;
/** Words of a subroutine call's frame. */
const FRAME = 5;
const FIRST_STACK = 4096;
/** Words the stack may grow to: 128 MB. */
const STACK_LIMIT = 1 << 25;
/** Words the saved registers of subroutine calls may take together. */
const FRAME_LIMIT = 1 << 24;
/** Characters examined in one search, over all starts, before it is given up as hitting the limit. */
const WORK_LIMIT = 2e8;
/** Choices in one search, over all starts: some seconds. */
const ALL_CHOICES = 20_000_000;
/** Choices in one attempt under JIT, whose own count is of something else. */
const CHOICE_LIMIT = 10_000_000;
/** What generated code may spend in one attempt, and in a search. */
const DESCENT_BUDGET = 20_000;
const DESCENT_TOTAL = 1_000_000;
/** After how many searches a pattern is made functions, if it can be (tests change this). */
export const tuning = { generateAfter: 4 };
/** Generated code has given up. */
const UNDECIDED = -1002;
const EMPTY_FRAME = new Int32Array(0);

/** How the search goes on after a failed attempt at one start. */
const NEXT = -1000;
const SKIPPED = -1001;

/** Runs one pattern. Holds working memory, so one match runs at a time. */
export class Matcher {
  private readonly program: Program;
  private readonly pattern: Pattern;
  /** Choices one attempt may leave open or try. */
  private readonly limit: number;
  /** How often one attempt may come by a STEP. */
  private readonly stepLimit: number;
  private readonly stackLimit: number;
  private readonly stackFault: number;
  private readonly registers: Int32Array;
  private readonly starts: StartFinder;
  private stack = new Int32Array(FIRST_STACK);
  private work = 0;
  private choicesLeft = 0;
  private skipTo = -1;
  /** Subroutine calls: group, return pc, caller's frame, position and stack height of the call. */
  private frameWords = new Int32Array(64 * FRAME);
  /** The registers as they were at each call. */
  private frameRegisters: Int32Array[] = [];
  private frameTop = 0;
  /** Searches until `descent` is looked for. */
  private untilDescent = tuning.generateAfter;
  private descent: Descent | null = null;

  /** `jitStack`: the size of the JIT stack to imitate, in bytes, or 0 to count and grow as without JIT. */
  constructor(pattern: Pattern, anchored: boolean, limit: number, jitStack: number) {
    this.pattern = pattern;
    this.program = compileProgram(pattern, anchored, jitStack > 0);
    const inPattern = pattern.settings.limitMatch;
    const least = inPattern > 0 ? Math.min(limit, inPattern) : limit;
    this.stepLimit = least;
    this.limit = jitStack > 0 ? CHOICE_LIMIT : least;
    this.stackLimit = jitStack > 0 ? jitStackEntries(pattern.root, jitStack) * ENTRY : STACK_LIMIT;
    this.stackFault = jitStack > 0 ? RC.JIT_STACKLIMIT : RC.HEAPLIMIT;
    this.registers = new Int32Array(this.program.registers);
    this.starts = new StartFinder(this.program.hints, pattern.settings);
  }

  /**
   * Searches from `start` and fills `ovector` with the captures. Returns one more than the highest group set, or a
   * negative PCRE2 number. In UTF mode the subject is valid UTF-8, or unchecked.
   */
  match(subject: string, start: number, ovector: Int32Array): number {
    if (--this.untilDescent < 0) {
      if (this.untilDescent === -1) this.descent = this.makeDescent();
      else this.untilDescent = -2;
      if (this.descent !== null) {
        const rc = this.descend(this.descent, subject, start, ovector);
        if (rc !== UNDECIDED) return rc;
      }
    }
    const { starts } = this;
    this.work = 0;
    this.choicesLeft = ALL_CHOICES;
    for (let s = starts.first(subject, start); s >= 0; ) {
      const rc = this.choicesLeft > 0 ? this.run(subject, s, start) : RC.MATCHLIMIT;
      if (rc === 1) return this.finish(ovector);
      if (rc === NEXT) s = starts.next(this.pastLoop(subject, s));
      else if (rc === SKIPPED && !this.program.hints.anchored) s = starts.at(this.skipTo);
      else return rc === SKIPPED ? RC.NOMATCH : rc;
    }
    return RC.NOMATCH;
  }

  /** What one attempt of generated code may spend: so much that this engine would not come to any of its limits. */
  private get budget(): number {
    const { program } = this;
    const words = program.code.length;
    // What it might put on its stack and count besides, coming back to places from which nothing leads on.
    const entries = this.stackLimit / ENTRY - words - program.registers - 16;
    const counted = Math.min(this.limit, this.stepLimit) / (words + 1);
    return Math.floor(Math.min(entries, counted, DESCENT_BUDGET));
  }

  private makeDescent(): Descent | null {
    return this.budget < 32 ? null : generateDescent(this.pattern, this.program.registers);
  }

  /** A search by generated code; UNDECIDED if that would take more than it may. */
  private descend(descent: Descent, subject: string, start: number, ovector: Int32Array): number {
    const { starts, registers, budget } = this;
    let left = DESCENT_TOTAL;
    for (let s = starts.first(subject, start); s >= 0; ) {
      let end: number;
      try {
        end = descent(subject, s, start, registers, budget);
      } catch (e) {
        // The native stack is finite, the matcher's grows.
        if (e instanceof RangeError) return UNDECIDED;
        throw e;
      }
      if (end >= 0) {
        registers[0] = s;
        registers[1] = end;
        return this.finish(ovector);
      }
      const spent = -end - 1;
      left -= spent;
      if (spent > budget || left < 0) return UNDECIDED;
      s = starts.next(this.pastLoop(subject, s));
    }
    return RC.NOMATCH;
  }

  /**
   * The last start that is known to fail like `s` just did. Where the pattern begins with a loop over one character, an
   * attempt further along the same run could only go on from places that the failed one went on from too.
   */
  private pastLoop(subject: string, s: number): number {
    const at = this.program.leadingLoop;
    if (at < 0) return s;
    const { code, tables } = this.program;
    const op = code[at + 1]!;
    const operand = code[at + 2]!;
    const n = subject.length;
    let end = s;
    if (op === OP.SET) {
      const table = tables[operand]!;
      while (end < n && table[subject.charCodeAt(end)] === 1) end++;
    } else if (op === OP.CHAR) {
      while (end < n && subject.charCodeAt(end) === operand) end++;
    } else if (op === OP.ANY) {
      end = n;
    } else {
      return s;
    }
    return end > s ? end - 1 : s;
  }

  private finish(ovector: Int32Array): number {
    const { registers } = this;
    let rc = 1;
    for (let i = 0; i < ovector.length; i++) ovector[i] = registers[i]!;
    for (let i = 2; i < ovector.length; i += 2) if (registers[i]! >= 0) rc = (i >> 1) + 1;
    return rc;
  }

  private grow(): boolean {
    if (this.stack.length >= this.stackLimit) return false;
    const bigger = new Int32Array(Math.min(this.stack.length * 2, this.stackLimit + 8 * ENTRY));
    bigger.set(this.stack);
    this.stack = bigger;
    return true;
  }

  /**
   * Drops the choices and marks above `height` (in words) and keeps what undoes registers; the new height is returned.
   */
  private cut(height: number, top: number): number {
    const { stack } = this;
    let to = height;
    for (let from = height; from < top; from += ENTRY) {
      const kind = stack[from]!;
      if (kind === UNDO || kind === UNDO_FRAME) {
        if (to !== from) stack.copyWithin(to, from, from + ENTRY);
        to += ENTRY;
      }
    }
    return to;
  }

  /** One attempt at start `s`. 1: matched, the registers hold it; NEXT, SKIPPED, or an error or NOMATCH for good. */
  private run(subject: string, s: number, searchStart: number): number {
    const { program, registers } = this;
    const { limit } = this;
    const { code, tables, wideSets } = program;
    const { settings } = this.pattern;
    const n = subject.length;
    let { stack } = this;
    let capacity = stack.length - 2 * ENTRY;
    let sp = 0;
    let pc = 0;
    let pos = s;
    let count = 0;
    let steps = 0;
    /** Of the count, what was passed over at once. */
    let skipped = 0;
    let frame = -1;
    this.frameTop = 0;
    registers.fill(-1);
    registers[0] = s;

    for (;;) {
      let failed = false;
      // Room for the few entries any one instruction pushes.
      if (sp > capacity) {
        if (!this.grow()) return this.stackFault;
        stack = this.stack;
        capacity = stack.length - 2 * ENTRY;
      }
      switch (code[pc]) {
        case OP.CHAR:
          if (pos < n && subject.charCodeAt(pos) === code[pc + 1]) {
            pos++;
            pc += 2;
          } else failed = true;
          break;
        case OP.SET:
          if (pos < n && tables[code[pc + 1]!]![subject.charCodeAt(pos)] === 1) {
            pos++;
            pc += 2;
          } else failed = true;
          break;
        case OP.ANY:
          if (pos < n) {
            pos++;
            pc++;
          } else failed = true;
          break;
        case OP.USET: {
          const length = pos < n ? wideMatch(wideSets[code[pc + 1]!]!, subject, pos) : 0;
          if (length > 0) {
            pos += length;
            pc += 2;
          } else failed = true;
          break;
        }
        case OP.STRING: {
          const length = code[pc + 1]!;
          if (pos + length > n) {
            failed = true;
            break;
          }
          let i = 0;
          while (i < length && subject.charCodeAt(pos + i) === code[pc + 2 + i]) i++;
          if (i === length) {
            pos += length;
            pc += 2 + length;
          } else failed = true;
          break;
        }
        case OP.SPLIT:
          if (++count > limit) return RC.MATCHLIMIT;
          stack[sp] = CHOICE;
          stack[sp + 1] = code[pc + 1]!;
          stack[sp + 2] = pos;
          sp += ENTRY;
          pc += 2;
          break;
        case OP.SPLIT_JUMP:
          if (++count > limit) return RC.MATCHLIMIT;
          stack[sp] = CHOICE;
          stack[sp + 1] = pc + 2;
          stack[sp + 2] = pos;
          sp += ENTRY;
          pc = code[pc + 1]!;
          break;
        case OP.JUMP:
          pc = code[pc + 1]!;
          break;
        case OP.OPEN:
        case OP.SAVE_POS: {
          const r = code[pc + 1]!;
          stack[sp] = UNDO;
          stack[sp + 1] = r;
          stack[sp + 2] = registers[r]!;
          sp += ENTRY;
          registers[r] = pos;
          pc += 2;
          break;
        }
        case OP.CLOSE: {
          const r = code[pc + 1]! * 2;
          stack[sp] = UNDO;
          stack[sp + 1] = r;
          stack[sp + 2] = registers[r]!;
          stack[sp + ENTRY] = UNDO;
          stack[sp + ENTRY + 1] = r + 1;
          stack[sp + ENTRY + 2] = registers[r + 1]!;
          sp += 2 * ENTRY;
          registers[r] = registers[code[pc + 2]!]!;
          registers[r + 1] = pos;
          pc += 3;
          break;
        }
        case OP.KEEP:
          stack[sp] = UNDO;
          stack[sp + 1] = 0;
          stack[sp + 2] = registers[0]!;
          sp += ENTRY;
          registers[0] = pos;
          pc++;
          break;
        case OP.ZERO: {
          const r = code[pc + 1]!;
          stack[sp] = UNDO;
          stack[sp + 1] = r;
          stack[sp + 2] = registers[r]!;
          sp += ENTRY;
          registers[r] = 0;
          pc += 2;
          break;
        }
        case OP.LOOP_NONEMPTY:
          pc = pos === registers[code[pc + 1]!] ? pc + 3 : code[pc + 2]!;
          break;
        case OP.COUNT: {
          const c = registers[code[pc + 1]!]!;
          const p = code[pc + 2]!;
          const max = code[pc + 4]!;
          const end = code[pc + 6]!;
          if (c >= code[pc + 3]!) {
            if (c === max) {
              pc = end;
              break;
            }
            if (++count > limit) return RC.MATCHLIMIT;
            stack[sp] = CHOICE;
            stack[sp + 2] = pos;
            if (code[pc + 5] === 1) {
              // Lazily: leave first. Coming back, the iteration is entered past this instruction.
              stack[sp + 1] = p >= 0 ? -(pc + 1) : pc + 7;
              sp += ENTRY;
              pc = end;
              break;
            }
            stack[sp + 1] = end;
            sp += ENTRY;
          }
          if (p >= 0) {
            stack[sp] = UNDO;
            stack[sp + 1] = p;
            stack[sp + 2] = registers[p]!;
            sp += ENTRY;
            registers[p] = pos;
          }
          pc += 7;
          break;
        }
        case OP.COUNT_END: {
          const r = code[pc + 1]!;
          const p = code[pc + 2]!;
          const c = registers[r]! + 1;
          stack[sp] = UNDO;
          stack[sp + 1] = r;
          stack[sp + 2] = registers[r]!;
          sp += ENTRY;
          registers[r] = c;
          pc = p >= 0 && c >= code[pc + 3]! && pos === registers[p] ? code[pc + 5]! : code[pc + 4]!;
          break;
        }
        case OP.REPEAT: {
          const op = code[pc + 1]!;
          const operand = code[pc + 2]!;
          const min = code[pc + 3]!;
          const max = code[pc + 4]!;
          const mode = code[pc + 5]!;
          const from = pos;
          const wanted = mode === 1 ? min : max < 0 ? n : max;
          let least = from;
          let done = 0;
          if (op === OP.USET) {
            const set = wideSets[operand]!;
            while (done < wanted && pos < n) {
              const length = wideMatch(set, subject, pos);
              if (length === 0) break;
              pos += length;
              if (++done === min) least = pos;
            }
          } else {
            const end = wanted < n - from ? from + wanted : n;
            if (op === OP.SET) {
              const table = tables[operand]!;
              while (pos < end && table[subject.charCodeAt(pos)] === 1) pos++;
            } else if (op === OP.CHAR) {
              while (pos < end && subject.charCodeAt(pos) === operand) pos++;
            } else {
              pos = end;
            }
            done = pos - from;
            least = from + min;
          }
          this.work += pos - from;
          if (this.work > WORK_LIMIT) return RC.MATCHLIMIT;
          if (done < min) {
            failed = true;
            break;
          }
          if (mode === 1) {
            if (max < 0 || max > min) {
              if (++count > limit) return RC.MATCHLIMIT;
              stack[sp] = LAZY;
              stack[sp + 1] = pc;
              stack[sp + 2] = pos;
              stack[sp + 3] = max < 0 ? -1 : max - min;
              sp += ENTRY;
            }
          } else if (mode === 0 && done > min) {
            if (++count > limit) return RC.MATCHLIMIT;
            stack[sp] = GREEDY;
            stack[sp + 1] = pc + 6;
            stack[sp + 2] = least;
            stack[sp + 3] = pos;
            sp += ENTRY;
          }
          pc += 6;
          break;
        }
        case OP.ASSERT:
          if (holds(code[pc + 1]!, subject, pos, searchStart, settings)) pc += 2;
          else failed = true;
          break;
        case OP.BACKREF: {
          const length = this.backref(subject, pos, code[pc + 1]!, code[pc + 2] === 1);
          if (length < 0) failed = true;
          else {
            this.work += length;
            pos += length;
            pc += 3;
          }
          break;
        }
        case OP.NEWLINE: {
          const length = newlineAt(subject, pos, code[pc + 1] === 1, settings.utf);
          if (length > 0) {
            pos += length;
            pc += 2;
          } else failed = true;
          break;
        }
        case OP.GRAPHEME:
          if (pos < n) {
            pos = graphemeEnd(subject, pos, settings.utf);
            pc++;
          } else failed = true;
          break;
        case OP.BACK:
          pos = stepBack(subject, pos, code[pc + 1]!, settings.utf);
          if (pos < 0) failed = true;
          pc += 2;
          break;
        case OP.ATOMIC: {
          const r = code[pc + 1]!;
          stack[sp] = UNDO;
          stack[sp + 1] = r;
          stack[sp + 2] = registers[r]!;
          sp += ENTRY;
          registers[r] = sp;
          pc += 2;
          break;
        }
        case OP.ATOMIC_END:
          sp = this.cut(registers[code[pc + 1]!]!, sp);
          pc += 2;
          break;
        case OP.HEIGHT: {
          const r = code[pc + 1]!;
          stack[sp] = UNDO;
          stack[sp + 1] = r;
          stack[sp + 2] = registers[r]!;
          sp += ENTRY;
          registers[r] = sp + code[pc + 2]! * ENTRY;
          pc += 3;
          break;
        }
        case OP.LOOK:
        case OP.COND_LOOK:
        case OP.LOOK_NOT: {
          // Three registers at most, then a boundary: more than the room kept for one instruction.
          if (sp + 4 * ENTRY > stack.length) {
            if (!this.grow()) return this.stackFault;
            stack = this.stack;
            capacity = stack.length - 2 * ENTRY;
          }
          if (++count > limit) return RC.MATCHLIMIT;
          const op = code[pc]!;
          const frameRegister = code[op === OP.COND_LOOK ? pc + 4 : pc + 3]!;
          const height = code[pc + 1]!;
          for (let i = 0; i < 3; i++) {
            if (i === 1 && op === OP.LOOK_NOT) continue;
            const r = i === 0 ? height : i === 1 ? code[pc + 2]! : frameRegister;
            stack[sp] = UNDO;
            stack[sp + 1] = r;
            stack[sp + 2] = registers[r]!;
            sp += ENTRY;
          }
          registers[height] = sp;
          if (op !== OP.LOOK_NOT) registers[code[pc + 2]!] = pos;
          registers[frameRegister] = frame;
          if (op !== OP.LOOK) {
            stack[sp] = BARRIER_CHOICE;
            stack[sp + 1] = op === OP.LOOK_NOT ? code[pc + 2]! : code[pc + 3]!;
            stack[sp + 2] = pos;
            sp += ENTRY;
          }
          pc += op === OP.COND_LOOK ? 5 : 4;
          break;
        }
        case OP.LOOK_END:
        case OP.COND_LOOK_END:
          pos = registers[code[pc + 2]!]!;
          sp = this.cut(registers[code[pc + 1]!]!, sp);
          pc += 3;
          break;
        case OP.LOOK_END_OPEN:
          pos = registers[code[pc + 1]!]!;
          pc += 2;
          break;
        case OP.LOOK_NOT_END:
          sp = this.unwind(registers[code[pc + 1]!]!, sp);
          frame = this.currentFrame(frame);
          failed = true;
          break;
        case OP.COND_LOOK_NOT_END: {
          const position = registers[code[pc + 2]!]!;
          // What the assertion captured stays, as after a positive one.
          sp = this.cut(registers[code[pc + 1]!]!, sp);
          pos = position;
          pc = code[pc + 3]!;
          break;
        }
        case OP.COND_SET: {
          const groups = program.groupLists[code[pc + 1]!]!;
          let set = false;
          for (let i = 0; i < groups.length; i++) if (registers[groups[i]! * 2]! >= 0) set = true;
          pc = set ? pc + 3 : code[pc + 2]!;
          break;
        }
        case OP.COND_RECURSION: {
          const list = code[pc + 1]!;
          const current = frame < 0 ? -1 : this.frameWords[frame * FRAME]!;
          const yes = list < 0 ? current >= 0 : program.groupLists[list]!.includes(current);
          pc = yes ? pc + 3 : code[pc + 2]!;
          break;
        }
        case OP.CALL: {
          if (++count > limit) return RC.MATCHLIMIT;
          const group = code[pc + 1]!;
          for (let f = frame; f >= 0; f = this.frameWords[f * FRAME + 2]!) {
            if (this.frameWords[f * FRAME] !== group) continue;
            if (this.frameWords[f * FRAME + 3] === pos) return RC.RECURSELOOP;
            break;
          }
          stack[sp] = UNDO_FRAME;
          stack[sp + 1] = frame;
          stack[sp + 2] = this.frameTop;
          stack[sp + ENTRY] = CALL_BARRIER;
          stack[sp + ENTRY + 1] = group;
          sp += 2 * ENTRY;
          frame = this.pushFrame(group, pc + 2, frame, pos, sp);
          if (frame < 0) return RC.HEAPLIMIT;
          pc = program.entries[group]!;
          break;
        }
        case OP.RETURN:
          if (frame < 0 || this.frameWords[frame * FRAME] !== code[pc + 1]) {
            pc += 2;
            break;
          }
          sp = this.leaveFrame(frame, sp);
          if (sp < 0) return this.stackFault;
          ({ stack } = this);
          capacity = stack.length - 2 * ENTRY;
          // A call of the whole pattern is not backtracked into, calls of groups are.
          if (code[pc + 1] === 0) sp = this.cut(this.frameWords[frame * FRAME + 4]! - ENTRY, sp);
          pc = this.frameWords[frame * FRAME + 1]!;
          frame = this.frameWords[frame * FRAME + 2]!;
          break;
        case OP.ACCEPT: {
          const end = code[pc + 1]!;
          if (end >= 0 && registers[code[pc + 2]!] === frame) {
            pc = end;
            break;
          }
          if (frame >= 0) {
            sp = this.leaveFrame(frame, sp);
            if (sp < 0) return this.stackFault;
            ({ stack } = this);
            capacity = stack.length - 2 * ENTRY;
            sp = this.cut(this.frameWords[frame * FRAME + 4]! - ENTRY, sp);
            pc = this.frameWords[frame * FRAME + 1]!;
            frame = this.frameWords[frame * FRAME + 2]!;
            break;
          }
          if (this.acceptable(pos, searchStart)) {
            registers[1] = pos;
            return 1;
          }
          failed = true;
          break;
        }
        case OP.MATCH:
          if (this.acceptable(pos, searchStart)) {
            registers[1] = pos;
            return 1;
          }
          failed = true;
          break;
        case OP.MARK:
          stack[sp] = MARK;
          stack[sp + 1] = code[pc + 1]!;
          stack[sp + 2] = pos;
          sp += ENTRY;
          pc += 2;
          break;
        case OP.COMMIT:
        case OP.PRUNE:
        case OP.SKIP:
        case OP.THEN: {
          const op = code[pc]!;
          const operand = op === OP.SKIP || op === OP.THEN ? code[pc + 1]! : -1;
          stack[sp] = VERB;
          stack[sp + 1] = op === OP.SKIP ? op + 256 * (operand + 1) : op;
          stack[sp + 2] = op === OP.THEN ? (operand < 0 ? -1 : registers[operand]!) : pos;
          stack[sp + 3] = frame < 0 ? -1 : this.frameWords[frame * FRAME]!;
          sp += ENTRY;
          pc += op === OP.SKIP || op === OP.THEN ? 2 : 1;
          break;
        }
        case OP.STEP:
          if (++steps > this.stepLimit) return RC.MATCHLIMIT;
          pc++;
          break;
        default:
          failed = true;
      }
      if (!failed) continue;

      // Back to the latest place that leaves something to try.
      for (;;) {
        if (sp === 0) {
          this.choicesLeft -= count - skipped;
          return NEXT;
        }
        sp -= ENTRY;
        const kind = stack[sp]!;
        if (kind === UNDO) {
          registers[stack[sp + 1]!] = stack[sp + 2]!;
          continue;
        }
        if (kind === CHOICE || kind === BARRIER_CHOICE) {
          pc = stack[sp + 1]!;
          pos = stack[sp + 2]!;
          if (pc < 0) {
            // A lazy counted loop whose body may be empty: note where this iteration begins.
            pc = -pc - 1;
            const p = code[pc + 2]!;
            stack[sp] = UNDO;
            stack[sp + 1] = p;
            stack[sp + 2] = registers[p]!;
            sp += ENTRY;
            registers[p] = pos;
            pc += 7;
          }
          break;
        }
        if (kind === GREEDY) {
          const least = stack[sp + 2]!;
          let p = stack[sp + 3]!;
          pc = stack[sp + 1]!;
          p--;
          if (settings.utf) while (p > least && (subject.charCodeAt(p) & 0xc0) === 0x80) p--;
          if (code[pc] === OP.CHAR || code[pc] === OP.STRING) {
            // Only where the next character fits is it worth going on.
            const c = code[code[pc] === OP.CHAR ? pc + 1 : pc + 2]!;
            const before = p;
            while (p >= least && subject.charCodeAt(p) !== c) p--;
            this.work += before - p;
            count += before - p;
            skipped += before - p;
            if (p < least) {
              if (count > limit || this.work > WORK_LIMIT) return RC.MATCHLIMIT;
              continue;
            }
          }
          if (++count > limit) return RC.MATCHLIMIT;
          if (p > least) {
            stack[sp + 3] = p;
            sp += ENTRY;
          }
          pos = p;
          break;
        }
        if (kind === LAZY) {
          const at = stack[sp + 1]!;
          const p = stack[sp + 2]!;
          const left = stack[sp + 3]!;
          const length = p < n ? this.oneAt(code[at + 1]!, code[at + 2]!, subject, p) : 0;
          if (length === 0) continue;
          if (++count > limit || this.work > WORK_LIMIT) return RC.MATCHLIMIT;
          pos = p + length;
          pc = at + 6;
          let more = left;
          if (code[pc] === OP.CHAR || code[pc] === OP.STRING) {
            // On to where the next character fits.
            const c = code[code[pc] === OP.CHAR ? pc + 1 : pc + 2]!;
            const before = pos;
            while (pos < n && subject.charCodeAt(pos) !== c && more !== 1) {
              const step = this.oneAt(code[at + 1]!, code[at + 2]!, subject, pos);
              if (step === 0) break;
              pos += step;
              if (more > 0) more--;
            }
            this.work += pos - before;
            count += pos - before;
            skipped += pos - before;
          }
          if (more !== 1) {
            stack[sp + 2] = pos;
            stack[sp + 3] = more < 0 ? more : more - 1;
            sp += ENTRY;
          }
          break;
        }
        if (kind === UNDO_FRAME) {
          frame = stack[sp + 1]!;
          this.frameTop = stack[sp + 2]!;
          continue;
        }
        if (kind !== VERB) continue;
        const verb = stack[sp + 1]! & 255;
        const group = stack[sp + 3]!;
        let skipTo = stack[sp + 2]!;
        let target = 0;
        if (verb === OP.THEN && skipTo >= 0) target = skipTo;
        let barrier = sp - ENTRY;
        if (verb === OP.SKIP && stack[sp + 1]! > 255) {
          // To its mark it goes through assertions, but not out of the subroutine call.
          barrier = this.markBelow(program.names[(stack[sp + 1]! >> 8) - 1]!, sp, group);
          if (barrier < 0) continue;
          skipTo = stack[barrier + 2]!;
        }
        // Unwind to the target, or to the boundary of the assertion or subroutine call the verb is in.
        for (; barrier >= target; barrier -= ENTRY) {
          const at = stack[barrier]!;
          if (at === CALL_BARRIER && stack[barrier + 1] === group) break;
          if (at === BARRIER_CHOICE) break;
        }
        sp = this.unwind(barrier >= target ? barrier + ENTRY : target, sp);
        frame = this.currentFrame(frame);
        if (barrier >= target || target > 0) continue;
        if (verb === OP.COMMIT) return RC.NOMATCH;
        if (verb === OP.SKIP && skipTo > s) {
          this.skipTo = skipTo;
          return SKIPPED;
        }
        this.choicesLeft -= count - skipped;
        return NEXT;
      }
    }
  }

  private unwoundFrame = -2;

  /** Undoes everything above a height; see `currentFrame` for the frame that is then current. */
  private unwind(height: number, top: number): number {
    const { stack, registers } = this;
    this.unwoundFrame = -2;
    for (let at = top - ENTRY; at >= height; at -= ENTRY) {
      const kind = stack[at]!;
      if (kind === UNDO) registers[stack[at + 1]!] = stack[at + 2]!;
      else if (kind === UNDO_FRAME) {
        this.unwoundFrame = stack[at + 1]!;
        this.frameTop = stack[at + 2]!;
      }
    }
    return height;
  }

  /** The current frame after `unwind`. */
  private currentFrame(frame: number): number {
    return this.unwoundFrame === -2 ? frame : this.unwoundFrame;
  }

  /** The entry of the mark, in the call of `group`. */
  private markBelow(name: string, below: number, group: number): number {
    const { stack, program } = this;
    for (let at = below - ENTRY; at >= 0; at -= ENTRY) {
      if (stack[at] === MARK && program.names[stack[at + 1]!] === name) return at;
      if (stack[at] === CALL_BARRIER && stack[at + 1] === group) return -1;
    }
    return -1;
  }

  private acceptable(pos: number, searchStart: number): boolean {
    const { settings } = this.pattern;
    if (!settings.notEmpty && !settings.notEmptyAtStart) return true;
    const empty = pos === this.registers[0];
    return !(empty && (settings.notEmpty || pos === searchStart));
  }

  private pushFrame(group: number, returnTo: number, caller: number, pos: number, height: number): number {
    const { registers } = this;
    const index = this.frameTop++;
    if (index * registers.length > FRAME_LIMIT) return -1;
    if ((index + 1) * FRAME > this.frameWords.length) {
      const bigger = new Int32Array(this.frameWords.length * 2);
      bigger.set(this.frameWords);
      this.frameWords = bigger;
    }
    this.frameWords[index * FRAME] = group;
    this.frameWords[index * FRAME + 1] = returnTo;
    this.frameWords[index * FRAME + 2] = caller;
    this.frameWords[index * FRAME + 3] = pos;
    this.frameWords[index * FRAME + 4] = height;
    let saved = this.frameRegisters[index] ?? EMPTY_FRAME;
    if (saved.length !== registers.length) saved = this.frameRegisters[index] = new Int32Array(registers.length);
    saved.set(registers);
    return index;
  }

  /** Gives the registers (but the start that \K sets) their values before the call; -1 when the stack is full. */
  private leaveFrame(frame: number, top: number): number {
    const { registers } = this;
    const saved = this.frameRegisters[frame]!;
    let sp = top;
    while (sp + (registers.length + 3) * ENTRY > this.stack.length) if (!this.grow()) return -1;
    const { stack } = this;
    stack[sp] = UNDO_FRAME;
    stack[sp + 1] = frame;
    stack[sp + 2] = this.frameTop;
    sp += ENTRY;
    for (let r = 1; r < registers.length; r++) {
      if (registers[r] === saved[r]) continue;
      stack[sp] = UNDO;
      stack[sp + 1] = r;
      stack[sp + 2] = registers[r]!;
      sp += ENTRY;
      registers[r] = saved[r]!;
    }
    return sp;
  }

  /** The length of the one character at `pos` if a REPEAT's instruction matches it, else 0. */
  private oneAt(op: number, operand: number, subject: string, pos: number): number {
    const { tables, wideSets } = this.program;
    if (op === OP.SET) return tables[operand]![subject.charCodeAt(pos)]!;
    if (op === OP.CHAR) return subject.charCodeAt(pos) === operand ? 1 : 0;
    if (op === OP.USET) return wideMatch(wideSets[operand]!, subject, pos);
    return 1;
  }

  /** How many bytes a backreference takes at `pos`, -1 when it fails. */
  private backref(subject: string, pos: number, list: number, caseless: boolean): number {
    const { registers } = this;
    const groups = this.program.groupLists[list]!;
    const { settings } = this.pattern;
    for (let i = 0; i < groups.length; i++) {
      const from = registers[groups[i]! * 2]!;
      if (from < 0) continue;
      const to = registers[groups[i]! * 2 + 1]!;
      if (caseless && (settings.utf || settings.ucp)) return caselessLength(subject, from, to, pos, settings.utf);
      const length = to - from;
      if (pos + length > subject.length) return -1;
      for (let k = 0; k < length; k++) {
        const a = subject.charCodeAt(from + k);
        const b = subject.charCodeAt(pos + k);
        if (a !== b && !(caseless && (a ^ b) === 0x20 && (a | 0x20) >= 0x61 && (a | 0x20) <= 0x7a)) return -1;
      }
      return length;
    }
    return settings.unsetBackrefEmpty ? 0 : -1;
  }
}
