// Pattern text to tree. The text is read once from left to right in the order PCRE2 reads it, because a faulty pattern
// must be reported with the first error PCRE2 would notice and at the same offset; questions that need the whole
// pattern (does this group exist?) are put off to the end, as there (pcre2pattern(3)).

import {
  type Condition,
  EMPTY,
  type LookNode,
  type NewlineKind,
  type Node,
  type Pattern,
  type PatternSettings,
  seq,
  type VerbKind,
} from './ast.ts';
import { complement, VSPACE } from './charset.ts';
import { RegexError } from './errors.ts';
import { readEscape } from './escape.ts';
import { lookbehindFault, type Measuring, measuring } from './lookbehind.ts';
import type { RegexOptions } from './options.ts';
import { MAX_GROUP, type ModeFlags, Reader } from './reader.ts';
import { characterSet, escapeSet, maxChar, readClass, readProperty } from './sets.ts';
import { checkUtf8 } from './utf8.ts';

const NEST_LIMIT = 250;
const MAX_NAMES = 10000;

/** (*word) items that only make sense at the very start. */
const START_WORDS = [
  'BSR_ANYCRLF)', 'BSR_UNICODE)', 'CR)', 'LF)', 'CRLF)', 'ANY)', 'NUL)', 'ANYCRLF)', 'UTF)', 'UCP)', 'NOTEMPTY)',
  'NOTEMPTY_ATSTART)', 'UTF8)', 'NO_AUTO_POSSESS)', 'NO_DOTSTAR_ANCHOR)', 'NO_JIT)', 'NO_START_OPT)', 'LIMIT_HEAP=',
  'LIMIT_MATCH=', 'LIMIT_DEPTH=', 'LIMIT_RECURSION=',
]; // biome-ignore format: a word list reads best filled

const VERBS: Readonly<Record<string, VerbKind>> = {
  '': 'mark',
  MARK: 'mark',
  ACCEPT: 'accept',
  COMMIT: 'commit',
  F: 'fail',
  FAIL: 'fail',
  PRUNE: 'prune',
  SKIP: 'skip',
  THEN: 'then',
};

type GroupForm =
  | { kind: 'capture'; index: number }
  | { kind: 'plain' | 'reset' | 'atomic' }
  | { kind: 'look'; behind: boolean; negate: boolean; atomic: boolean; offset: number };

const ALPHA_GROUPS: Readonly<
  Record<string, 'ahead' | 'aheadNot' | 'behind' | 'behindNot' | 'aheadNa' | 'behindNa' | 'atomic' | 'sr' | 'asr'>
> = {
  pla: 'ahead',
  positive_lookahead: 'ahead',
  nla: 'aheadNot',
  negative_lookahead: 'aheadNot',
  plb: 'behind',
  positive_lookbehind: 'behind',
  nlb: 'behindNot',
  negative_lookbehind: 'behindNot',
  napla: 'aheadNa',
  non_atomic_positive_lookahead: 'aheadNa',
  naplb: 'behindNa',
  non_atomic_positive_lookbehind: 'behindNa',
  atomic: 'atomic',
  sr: 'sr',
  script_run: 'sr',
  asr: 'asr',
  atomic_script_run: 'asr',
};

class Parser {
  readonly r: Reader;
  mode: ModeFlags;
  readonly settings: PatternSettings;
  bsrUnicode = true;
  depth = 0;
  quoted = false;
  /** How many lookarounds are open: \K is not allowed in them. */
  lookDepth = 0;
  /** Whether the last item may be followed by a quantifier. */
  quantifiable = false;
  /** What the last group that is nothing but one holds. */
  lastPlain: Node | null = null;
  /** Set by `(?(` before `?` or `*`: an assertion must come next, a callout may come before it. */
  conditionLook = 0;
  readonly named: { name: string; number: number }[] = [];
  /** Questions for the end of the parse, in the order of the text. */
  readonly deferred: (() => void)[] = [];
  /** Looks up the groups of names once all are known. */
  readonly unresolved: (() => void)[] = [];
  readonly lookbehinds: LookNode[] = [];
  /** Those PCRE2 asks last of all. */
  readonly deferredLast: (() => void)[] = [];
  /** The offset last noted in the branch being read, which is what some errors are reported at. */
  branchOffset = 0;
  /** Where \1..\9 first stood: PCRE2 remembers one offset for each. */
  readonly smallReferences = new Map<number, number>();

  constructor(pattern: string, options: RegexOptions) {
    this.r = new Reader(pattern);
    this.r.utf = options.utf === true;
    this.r.altBsux = options.javascriptCompat === true;
    this.r.allowEmptyClass = options.javascriptCompat === true;
    this.mode = {
      caseless: options.caseless === true,
      multiline: options.multiline === true,
      dotall: options.dotall === true,
      extended: options.extended === true,
      extendedMore: false,
      dupNames: options.dupNames === true,
      noAutoCapture: false,
      ungreedy: options.ungreedy === true,
    };
    this.settings = {
      utf: this.r.utf,
      ucp: false,
      newline: 'lf',
      limitMatch: 0,
      noStartOptimize: false,
      notEmpty: false,
      notEmptyAtStart: false,
      unsetBackrefEmpty: options.javascriptCompat === true,
      dollarEndOnly: options.dollarEndOnly === true,
      duplicateNumbers: false,
      explicitLineEnds: false,
    };
  }

  parse(): Pattern {
    const { r } = this;
    this.startWords();
    if (r.utf) {
      const fault = checkUtf8(r.s);
      if (fault.code !== 0) throw new RegexError(fault.code, fault.offset);
    }
    const root = this.alternatives(null);
    if (r.pos < r.end) r.fail(122);
    this.settings.explicitLineEnds = r.explicitLineEnds;
    this.measuring = measuring(root, this.settings);
    for (const name of this.unresolved) name();
    for (const look of this.lookbehinds) this.checkLookbehind(look);
    for (const question of [...this.deferred, ...this.deferredLast]) question();
    const names = new Map<string, number[]>();
    for (const { name, number } of [...this.named].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) {
      const numbers = names.get(name);
      if (numbers === undefined) names.set(name, [number]);
      else numbers.push(number);
    }
    return { root, groupCount: r.groupCount, names, settings: this.settings };
  }

  private checkLookbehind(look: LookNode): void {
    const fault = lookbehindFault(look, this.measuring);
    if (fault !== null) this.r.fail(fault.code, fault.offset);
  }

  /** Made once the tree is whole; recursion inside a lookbehind needs it. */
  private measuring!: Measuring;

  private startWords(): void {
    const { r, settings } = this;
    while (r.s.startsWith('(*', r.pos)) {
      const at = r.pos + 2;
      const word = START_WORDS.find((candidate) => r.s.startsWith(candidate, at));
      if (word === undefined) return;
      r.pos = at + word.length;
      if (word.endsWith('=')) {
        let n = 0;
        if (!r.peekDigit()) r.fail(160);
        while (r.peekDigit()) {
          n = n * 10 + r.peek() - 0x30;
          if (n > 0xffffffff) r.fail(160);
          r.pos++;
        }
        if (r.peek() !== 0x29) r.fail(160);
        r.pos++;
        if (word === 'LIMIT_MATCH=') settings.limitMatch = n;
        continue;
      }
      switch (word) {
        case 'UTF)':
        case 'UTF8)':
          r.utf = settings.utf = true;
          break;
        case 'UCP)':
          r.ucp = settings.ucp = true;
          break;
        case 'BSR_ANYCRLF)':
          this.bsrUnicode = false;
          break;
        case 'BSR_UNICODE)':
          this.bsrUnicode = true;
          break;
        case 'NOTEMPTY)':
          settings.notEmpty = true;
          break;
        case 'NOTEMPTY_ATSTART)':
          settings.notEmptyAtStart = true;
          break;
        case 'NO_START_OPT)':
          settings.noStartOptimize = true;
          break;
        case 'CR)':
        case 'LF)':
        case 'CRLF)':
        case 'ANY)':
        case 'ANYCRLF)':
        case 'NUL)':
          settings.newline = word.slice(0, -1).toLowerCase() as NewlineKind;
          break;
        default:
          // The rest tune the library's own optimizer and its JIT; what matches is the same without them.
          break;
      }
    }
  }

  /** Branches up to the closing parenthesis, which is left unread, or the end. `reset` is set inside (?|...). */
  private alternatives(reset: { base: number; max: number } | null): Node {
    const { r } = this;
    const branches: Node[] = [];
    const outerOffset = this.branchOffset;
    for (;;) {
      this.branchOffset = 0;
      branches.push(this.sequence());
      if (r.peek() !== 0x7c) break;
      r.pos++;
      this.quantifiable = false;
      if (reset !== null) {
        reset.max = Math.max(reset.max, r.groupCount);
        r.groupCount = reset.base;
      }
    }
    this.branchOffset = outerOffset;
    return branches.length === 1 ? branches[0]! : { type: 'alt', branches };
  }

  private sequence(): Node {
    const { r } = this;
    const items: Node[] = [];
    while (r.pos < r.end) {
      if (this.depth > NEST_LIMIT) r.fail(119);
      const start = r.pos;
      if (!this.quoted) {
        const c = r.peek();
        if (this.conditionLook === 0 && (c === 0x7c || c === 0x29)) return seq(items);
      }
      const c = r.next();
      if (this.quoted) {
        if (c === 0x5c && r.peek() === 0x45) {
          r.pos++;
          this.quoted = false;
          continue;
        }
        if (this.conditionLook > 0) r.fail(128, r.pos - 1);
        items.push(this.literal(c));
        this.quantifiable = true;
        continue;
      }
      if (this.mode.extended && this.skipExtended(c)) continue;
      if (c === 0x28 && this.skipComment()) continue;
      this.expectAssertion(c);
      this.item(c, start, items);
    }
    return seq(items);
  }

  /** White space (Unicode's Pattern_White_Space) and # comments of the x mode. */
  private skipExtended(c: number): boolean {
    const { r } = this;
    if ((c >= 9 && c <= 13) || c === 0x20) return true;
    if (c === 0x85 || c === 0x200e || c === 0x200f || c === 0x2028 || c === 0x2029) return true;
    if (c !== 0x23) return false;
    const lineEnd = this.newlinePattern();
    lineEnd.lastIndex = r.pos;
    const match = lineEnd.exec(r.s);
    r.pos = match === null ? r.end : lineEnd.lastIndex;
    return true;
  }

  /** (?#...), whose opening parenthesis has been read. */
  private skipComment(): boolean {
    const { r } = this;
    if (r.peek() !== 0x3f || r.peek(1) !== 0x23) return false;
    const close = r.s.indexOf(')', r.pos);
    if (close < 0) r.fail(118, r.end);
    r.pos = close + 1;
    return true;
  }

  private newlinePattern(): RegExp {
    switch (this.settings.newline) {
      case 'cr':
        return /\r/g;
      case 'crlf':
        return /\r\n/g;
      case 'anycrlf':
        return /\r\n|\r|\n/g;
      case 'any':
        return this.r.utf ? /\r\n|[\n-\r]|\xc2\x85|\xe2\x80[\xa8\xa9]/g : /\r\n|[\n-\r\x85]/g;
      case 'nul':
        return /\0/g;
      default:
        return /\n/g;
    }
  }

  /** After `(?(` only an assertion may come, or a callout and then an assertion. */
  private expectAssertion(c: number): void {
    const expected = this.conditionLook;
    if (expected <= 0) return;
    const { r } = this;
    let ok = c === 0x28 && r.end - r.pos >= 3 && (r.peek() === 0x3f || r.peek() === 0x2a);
    if (ok && r.peek() === 0x2a) ok = /[a-z]/.test(String.fromCharCode(r.peek(1)));
    else if (ok) {
      const d = r.peek(1);
      const e = r.peek(2);
      ok = d === 0x3d || d === 0x21 || (d === 0x43 && expected === 2) || (d === 0x3c && (e === 0x3d || e === 0x21));
    }
    if (!ok) r.fail(128, r.pos - 1);
  }

  private literal(code: number): Node {
    if (code === 10 || code === 13) this.r.explicitLineEnds = true;
    return { type: 'set', set: characterSet(this.r, code, this.mode.caseless) };
  }

  private item(c: number, start: number, items: Node[]): void {
    const { r, mode } = this;
    const wasQuantifiable = this.quantifiable;
    const condition = this.conditionLook;
    this.conditionLook = 0;
    this.quantifiable = true;
    switch (c) {
      case 0x5c: // backslash
        this.quantifiable = wasQuantifiable;
        this.escape(items);
        return;
      case 0x5e: // ^
        this.quantifiable = false;
        items.push({ type: 'assert', kind: mode.multiline ? 'lineStart' : 'start' });
        return;
      case 0x24: // $
        this.quantifiable = false;
        items.push(this.dollar());
        return;
      case 0x2e: // .
        items.push(this.dot());
        return;
      case 0x5b: {
        // [
        if (r.s.startsWith('[:<:]]', r.pos) || r.s.startsWith('[:>:]]', r.pos)) {
          this.wordEdge(r.peek(2) === 0x3c, items);
          return;
        }
        items.push({ type: 'set', set: readClass(r, mode) });
        return;
      }
      case 0x28:
        this.parenthesis(items, condition);
        return;
      case 0x2a: // *
        this.quantify(items, 0, Infinity, wasQuantifiable, start);
        return;
      case 0x2b: // +
        this.quantify(items, 1, Infinity, wasQuantifiable, start);
        return;
      case 0x3f: // ?
        this.quantify(items, 0, 1, wasQuantifiable, start);
        return;
      case 0x7b: {
        // {
        const counts = r.repeatCounts();
        if (counts !== null) {
          this.quantify(items, counts.min, counts.max, wasQuantifiable, r.pos - 1);
          return;
        }
        break;
      }
      default:
        break;
    }
    items.push(this.literal(c));
  }

  private dollar(): Node {
    if (this.mode.multiline) return { type: 'assert', kind: 'lineEnd' };
    return { type: 'assert', kind: this.settings.dollarEndOnly ? 'end' : 'endNewline' };
  }

  private dot(): Node {
    const max = maxChar(this.r);
    if (this.mode.dotall) return { type: 'set', set: [0, max] };
    return this.notNewline();
  }

  /** `.` without the s mode, and \N. Where a line may end in CRLF a CR alone still matches. */
  private notNewline(): Node {
    const max = maxChar(this.r);
    const not = (set: readonly number[]): Node => ({ type: 'set', set: complement(set, max) });
    switch (this.settings.newline) {
      case 'cr':
        return not([13, 13]);
      case 'anycrlf':
        return not([10, 10, 13, 13]);
      case 'any':
        return not(VSPACE);
      case 'nul':
        return not([0, 0]);
      case 'crlf':
        return seq([
          {
            type: 'look',
            behind: false,
            negate: true,
            atomic: true,
            offset: 0,
            body: seq([
              { type: 'set', set: [13, 13] },
              { type: 'set', set: [10, 10] },
            ]),
          },
          { type: 'set', set: [0, max] },
        ]);
      default:
        return not([10, 10]);
    }
  }

  /** [[:<:]] and [[:>:]]: a word boundary where a word begins or ends. */
  private wordEdge(begins: boolean, items: Node[]): void {
    this.r.pos += 6;
    const word: Node = { type: 'set', set: escapeSet(this.r, 'w')! };
    items.push({ type: 'assert', kind: 'word' });
    items.push({ type: 'look', behind: !begins, negate: false, atomic: true, body: word, offset: 0 });
  }

  private quantify(items: Node[], min: number, max: number, allowed: boolean, at: number): void {
    const { r, mode } = this;
    if (!allowed) r.fail(109, at);
    this.quantifiable = false;
    // What says lazy or possessive may stand apart from the quantifier.
    for (;;) {
      const start = r.pos;
      if (start >= r.end) break;
      const c = r.next();
      if ((mode.extended && this.skipExtended(c)) || (c === 0x28 && this.skipComment())) continue;
      if (c === 0x5c && r.peek() === 0x45) {
        r.pos++;
        continue;
      }
      r.pos = start;
      break;
    }
    let repeatMode: 'greedy' | 'lazy' | 'possessive' = mode.ungreedy ? 'lazy' : 'greedy';
    if (r.peek() === 0x3f) {
      r.pos++;
      repeatMode = mode.ungreedy ? 'greedy' : 'lazy';
    } else if (r.peek() === 0x2b) {
      r.pos++;
      repeatMode = 'possessive';
    }
    let body = items.pop()!;
    // Whether a character stands alone or in a group decides how DFA mode takes it possessively.
    if (repeatMode === 'possessive' && body === this.lastPlain) body = { type: 'seq', items: [body] };
    items.push(repeatNode(body, min, max, repeatMode));
  }

  private escape(items: Node[]): void {
    const { r } = this;
    const wasQuantifiable = this.quantifiable;
    this.quantifiable = true;
    const escaped = readEscape(r, false);
    if (escaped.kind === 'char') {
      items.push(this.literal(escaped.code));
      return;
    }
    if (escaped.kind === 'backref') {
      this.backreference(escaped.group, items);
      return;
    }
    const { letter } = escaped;
    const assertion = ASSERTIONS[letter];
    if (assertion !== undefined) {
      this.quantifiable = false;
      items.push({ type: 'assert', kind: assertion });
      return;
    }
    const set = escapeSet(r, letter);
    if (set !== null) {
      items.push({ type: 'set', set });
      return;
    }
    switch (letter) {
      case 'Q':
        this.quoted = true;
        this.quantifiable = wasQuantifiable;
        return;
      case 'E':
        this.quantifiable = wasQuantifiable;
        return;
      case 'K':
        this.quantifiable = false;
        if (this.lookDepth > 0) this.deferred.push(() => r.fail(199, r.end));
        items.push({ type: 'keep' });
        return;
      case 'N':
        items.push(this.notNewline());
        return;
      case 'R':
        items.push({ type: 'newline', unicode: this.bsrUnicode });
        return;
      case 'X':
        items.push({ type: 'grapheme' });
        return;
      case 'C':
        items.push({ type: 'byte' });
        return;
      case 'p':
      case 'P':
        items.push({ type: 'set', set: readProperty(r, letter === 'P') });
        return;
      default:
        this.namedReference(letter, items);
    }
  }

  private backreference(group: number, items: Node[]): void {
    const { r } = this;
    let at = r.pos - 1;
    if (group < 10) {
      const first = this.smallReferences.get(group);
      if (first === undefined) this.smallReferences.set(group, at);
      else at = first;
    }
    this.branchOffset = at;
    items.push({ type: 'backref', groups: [group], caseless: this.mode.caseless, offset: at });
    this.deferred.push(() => {
      if (group > r.groupCount) r.fail(115, at);
    });
  }

  /** \k<name>, \k'name', \k{name}, \g{name}: a reference; \g<..>, \g'..': a subroutine call by name or number. */
  private namedReference(letter: string, items: Node[]): void {
    const { r } = this;
    const open = r.peek();
    if (open !== 0x7b && open !== 0x3c && open !== 0x27) r.fail(letter === 'k' ? 169 : 157, r.pos);
    const isCall = letter === 'g';
    if (isCall) {
      const terminator = open === 0x3c ? 0x3e : 0x27;
      const before = r.pos;
      r.pos++;
      const n = r.number(r.groupCount, MAX_GROUP, 161, before);
      if (n !== null) {
        if (r.peek() !== terminator) r.fail(157, before);
        this.call(n, items);
        return;
      }
      r.pos = before;
      const { name, offset } = r.name(terminator);
      this.callByName(name, offset, items);
      return;
    }
    const { name, offset } = r.name(open === 0x7b ? 0x7d : open === 0x3c ? 0x3e : 0x27);
    this.referenceByName(name, offset, items);
  }

  private referenceByName(name: string, offset: number, items: Node[]): void {
    const groups: number[] = [];
    items.push({ type: 'backref', groups, caseless: this.mode.caseless, offset });
    this.resolve(name, offset, groups);
  }

  private resolve(name: string, offset: number, into: number[]): void {
    this.branchOffset = offset;
    this.unresolved.push(() => {
      for (const entry of this.named) if (entry.name === name) into.push(entry.number);
      into.sort((a, b) => a - b);
    });
    this.deferred.push(() => {
      if (into.length === 0) this.r.fail(115, offset);
    });
  }

  /** Leaves the terminator's position as the one a bad number is reported at, and passes it. */
  private call(group: number, items: Node[]): void {
    const { r } = this;
    const at = r.pos;
    this.branchOffset = at;
    r.pos++;
    items.push({ type: 'call', group, offset: at });
    this.deferred.push(() => {
      if (group > r.groupCount) r.fail(115, at);
    });
  }

  private callByName(name: string, offset: number, items: Node[]): void {
    this.branchOffset = offset;
    const node = { type: 'call' as const, group: 0, offset };
    items.push(node);
    this.unresolved.push(() => {
      node.group = this.named.find((entry) => entry.name === name)?.number ?? -1;
    });
    this.deferred.push(() => {
      if (node.group < 0) this.r.fail(115, offset);
    });
  }

  private parenthesis(items: Node[], condition: number): void {
    const { r } = this;
    if (r.pos >= r.end) r.fail(114);
    const c = r.peek();
    if (c === 0x2a) {
      const d = r.peek(1);
      if (d < 0 || d === 0x29) {
        // "(*" and nothing: the star is then a quantifier without an item.
        this.quantifiable = false;
        items.push(EMPTY);
        return;
      }
      if (d >= 0x61 && d <= 0x7a) this.alphaGroup(items, condition);
      else this.verb(items);
      return;
    }
    if (c !== 0x3f) {
      this.depth++;
      if (this.mode.noAutoCapture) this.group({ kind: 'plain' }, items, false);
      else this.openCapture(items);
      return;
    }
    r.pos++;
    if (r.pos >= r.end) r.fail(114);
    this.question(items, condition);
  }

  private openCapture(items: Node[]): void {
    const { r } = this;
    if (r.groupCount >= MAX_GROUP) r.fail(197);
    this.group({ kind: 'capture', index: ++r.groupCount }, items, false);
  }

  /** What follows `(?`. */
  private question(items: Node[], condition: number): void {
    const { r } = this;
    const c = r.peek();
    switch (c) {
      case 0x50: // P
        r.pos++;
        if (r.pos >= r.end) r.fail(114);
        if (r.peek() === 0x3c) this.namedGroup(0x3e, items);
        else if (r.peek() === 0x3e) {
          const { name, offset } = r.name(0x29);
          this.callByName(name, offset, items);
        } else if (r.peek() === 0x3d) {
          const { name, offset } = r.name(0x29);
          this.referenceByName(name, offset, items);
        } else {
          r.fail(141);
        }
        return;
      case 0x52: // R
        r.pos++;
        if (r.peek() !== 0x29) r.fail(158);
        this.call(0, items);
        return;
      case 0x2b: // +
        if (!r.peekDigit(1)) r.fail(129);
        this.callByNumber(items);
        return;
      case 0x26: {
        // &
        const { name, offset } = r.name(0x29);
        this.callByName(name, offset, items);
        return;
      }
      case 0x43: // C
        r.pos++;
        this.callout(condition);
        return;
      case 0x28:
        this.conditional(items);
        return;
      case 0x3e: // >
        r.pos++;
        this.depth++;
        this.group({ kind: 'atomic' }, items, false);
        return;
      case 0x3d: // =
      case 0x21: // !
      case 0x2a: // *
        r.pos++;
        this.look(items, condition, { behind: false, negate: c === 0x21, atomic: c !== 0x2a, offset: 0 });
        return;
      case 0x3c: {
        // <
        const d = r.peek(1);
        if (d !== 0x3d && d !== 0x21 && d !== 0x2a) {
          this.namedGroup(0x3e, items);
          return;
        }
        const offset = r.pos - 2;
        r.pos += 2;
        this.look(items, condition, { behind: true, negate: d === 0x21, atomic: d !== 0x2a, offset });
        return;
      }
      case 0x27: // '
        this.namedGroup(0x27, items);
        return;
      default:
        if (r.peekDigit() || (c === 0x2d && r.peekDigit(1))) this.callByNumber(items);
        else this.optionGroup(items);
    }
  }

  private callByNumber(items: Node[]): void {
    const { r } = this;
    const n = r.number(r.peekDigit() ? -1 : r.groupCount, MAX_GROUP, 161)!;
    if (r.peek() !== 0x29) r.fail(114);
    this.call(n, items);
  }

  private look(
    items: Node[],
    condition: number,
    form: { behind: boolean; negate: boolean; atomic: boolean; offset: number },
  ): void {
    this.depth++;
    this.group({ kind: 'look', ...form }, items, condition > 0);
  }

  /** (?imsxn-..), (?..:..) and (?|..). */
  private optionGroup(items: Node[]): void {
    const { r } = this;
    this.depth++;
    if (r.peek() === 0x7c) {
      r.pos++;
      this.settings.duplicateNumbers = true;
      this.group({ kind: 'reset' }, items, false);
      return;
    }
    const mode: ModeFlags = { ...this.mode };
    let hyphenAllowed = true;
    let value = true;
    const unset: (keyof ModeFlags)[] = [];
    let moreSet = false;
    const set = (flag: keyof ModeFlags) => {
      if (value) mode[flag] = true;
      else unset.push(flag);
    };
    if (r.peek() === 0x5e) {
      r.pos++;
      hyphenAllowed = false;
      mode.caseless = mode.multiline = mode.noAutoCapture = mode.dotall = mode.extended = mode.extendedMore = false;
    }
    while (r.pos < r.end && r.peek() !== 0x29 && r.peek() !== 0x3a) {
      switch (r.s[r.pos++]) {
        case '-':
          if (!hyphenAllowed) r.fail(194, r.pos - 1);
          hyphenAllowed = false;
          value = false;
          break;
        case 'J':
          set('dupNames');
          break;
        case 'U':
          set('ungreedy');
          break;
        case 'i':
          set('caseless');
          break;
        case 'm':
          set('multiline');
          break;
        case 'n':
          set('noAutoCapture');
          break;
        case 's':
          set('dotall');
          break;
        case 'x': {
          const more = r.peek() === 0x78;
          if (more) r.pos++;
          if (!value) unset.push('extended', 'extendedMore');
          else {
            // xx anywhere in the letters counts; x alone turns an outer xx into x.
            mode.extended = true;
            moreSet ||= more;
            mode.extendedMore = moreSet;
          }
          break;
        }
        default:
          r.fail(111, r.pos - 1);
      }
    }
    if (r.pos >= r.end) r.fail(114);
    for (const flag of unset) mode[flag] = false;
    if (r.s[r.pos++] === ')') {
      this.depth--;
      this.mode = mode;
      this.quantifiable = false;
      return;
    }
    const outer = this.mode;
    this.mode = mode;
    this.group({ kind: 'plain' }, items, false, outer);
  }

  private namedGroup(terminator: number, items: Node[]): void {
    const { r } = this;
    const { name } = r.name(terminator);
    if (r.groupCount >= MAX_GROUP) r.fail(197);
    const number = ++r.groupCount;
    this.depth++;
    if (this.named.length >= MAX_NAMES) r.fail(149);
    let known = false;
    for (const entry of this.named) {
      if (entry.name === name) {
        if (entry.number === number) {
          known = true;
          break;
        }
        if (!this.mode.dupNames) r.fail(143);
      } else if (entry.number === number) {
        r.fail(165);
      }
    }
    if (!known) this.named.push({ name, number });
    this.group({ kind: 'capture', index: number }, items, false);
  }

  /** Reads the body and the closing parenthesis of a group whose opening has been read and counted in `depth`. */
  private group(form: GroupForm, items: Node[], isCondition: boolean, outerMode: ModeFlags = this.mode): void {
    const { r } = this;
    this.quantifiable = false;
    const savedMode = { ...outerMode };
    const reset = form.kind === 'reset' ? { base: r.groupCount, max: r.groupCount } : null;
    // A lookbehind is checked before those inside it.
    let look: LookNode | null = null;
    if (form.kind === 'look') {
      const { behind, negate, atomic, offset } = form;
      this.lookDepth++;
      look = { type: 'look', behind, negate, atomic, offset, body: EMPTY };
      if (behind) this.lookbehinds.push(look);
    }
    const body = this.alternatives(reset);
    if (r.pos >= r.end) r.fail(114);
    this.closeGroup(savedMode, reset);
    this.quantifiable = !isCondition;
    switch (form.kind) {
      case 'capture':
        items.push({ type: 'group', index: form.index, body });
        return;
      case 'atomic':
        items.push({ type: 'atomic', body });
        return;
      case 'look':
        look!.body = body;
        this.lookDepth--;
        items.push(look!);
        return;
      default:
        // The branches stay within the group: what is around it (a lookbehind, a condition) has branches of its own.
        this.lastPlain = body;
        items.push(body.type === 'alt' ? { type: 'seq', items: [body] } : body);
    }
  }

  private closeGroup(mode: ModeFlags, reset: { base: number; max: number } | null): void {
    this.mode = mode;
    if (reset !== null && reset.max > this.r.groupCount) this.r.groupCount = reset.max;
    this.r.pos++;
    this.depth--;
  }

  /** (?C), (?C12), (?C"text"): nobody listens to callouts here, so they are only read. */
  private callout(condition: number): void {
    const { r } = this;
    if (r.pos >= r.end) r.fail(114);
    this.conditionLook = Math.max(0, condition - 1);
    this.quantifiable = false;
    if (r.peek() !== 0x29 && !r.peekDigit()) {
      const start = r.pos;
      const open = '`\'"^%#${'.indexOf(r.s[r.pos]!);
      if (open < 0) r.fail(182);
      const close = '`\'"^%#$}'.charCodeAt(open);
      for (;;) {
        if (++r.pos >= r.end) r.fail(181, start);
        if (r.peek() === close) {
          r.pos++;
          if (r.peek() !== close) break;
        }
      }
    } else {
      let n = 0;
      while (r.peekDigit()) {
        n = n * 10 + r.peek() - 0x30;
        r.pos++;
        if (n > 255) r.fail(138);
      }
    }
    if (r.peek() !== 0x29) r.fail(139);
    r.pos++;
  }

  /** (?(condition)yes|no). */
  private conditional(items: Node[]): void {
    const { r } = this;
    const savedMode = { ...this.mode };
    r.pos++;
    if (r.pos >= r.end) r.fail(114);
    this.depth++;
    let test: Condition;
    let lookItems: Node[] | null = null;
    if (r.peek() === 0x3f || r.peek() === 0x2a) {
      r.pos--;
      this.conditionLook = 2;
      lookItems = [];
      // Callouts may come first.
      while (this.conditionLook > 0) {
        const start = r.pos;
        if (r.pos >= r.end) r.fail(114);
        if (this.depth > NEST_LIMIT) r.fail(119);
        const c = r.next();
        // Quoting nothing is allowed here.
        if (this.quoted ? c === 0x5c && r.peek() === 0x45 : c === 0x5c && (r.peek() === 0x51 || r.peek() === 0x45)) {
          this.quoted = r.peek() === 0x51;
          r.pos++;
          continue;
        }
        if (this.quoted) r.fail(128, r.pos - 1);
        if (this.mode.extended && this.skipExtended(c)) continue;
        if (c === 0x28 && this.skipComment()) continue;
        this.expectAssertion(c);
        this.item(c, start, lookItems);
      }
      test = { type: 'look', look: lookItems[0] as LookNode };
    } else {
      test = this.conditionTest();
      if (r.peek() !== 0x29) r.fail(124);
      r.pos++;
    }
    this.quantifiable = false;
    const body = this.alternatives(null);
    if (r.pos >= r.end) r.fail(114);
    this.closeGroup(savedMode, null);
    this.quantifiable = true;
    const branches = body.type === 'alt' ? body.branches : [body];
    const at = this.branchOffset;
    if (test.type === 'define') {
      if (branches.length > 1) this.deferredLast.push(() => r.fail(154, at));
    } else if (branches.length > 2) {
      this.deferredLast.push(() => r.fail(127, at));
    }
    items.push({ type: 'cond', test, yes: branches[0]!, no: branches[1] ?? EMPTY });
  }

  private conditionTest(): Condition {
    const { r } = this;
    const n = r.number(r.groupCount, MAX_GROUP, 161);
    if (n !== null) {
      if (n <= 0) r.fail(115);
      const at = r.pos - 2;
      this.branchOffset = at - 2;
      this.deferred.push(() => {
        if (n > r.groupCount) r.fail(115, at);
      });
      return { type: 'group', groups: [n] };
    }
    if (r.end - r.pos >= 10 && r.s.startsWith('VERSION', r.pos) && r.peek(7) !== 0x29) {
      return this.versionTest();
    }
    let terminator = 0x29;
    let recursionName = false;
    if (r.peek() === 0x52 && r.peek(1) === 0x26) {
      recursionName = true;
      r.pos++;
    } else if (r.peek() === 0x3c) {
      terminator = 0x3e;
    } else if (r.peek() === 0x27) {
      terminator = 0x27;
    } else {
      r.pos--;
    }
    const { name, offset } = r.name(terminator);
    if (terminator === 0x29) r.pos--;
    if (recursionName) {
      const groups: number[] = [];
      this.resolve(name, offset, groups);
      return { type: 'recursion', group: -1, groups };
    }
    if (terminator === 0x29) {
      if (name === 'DEFINE') {
        this.branchOffset = offset;
        return { type: 'define' };
      }
      if (/^R\d*$/.test(name)) return this.recursionTest(name, offset);
    }
    const groups: number[] = [];
    this.resolve(name, offset, groups);
    return { type: 'group', groups };
  }

  /** (?(R)..), (?(R2)..), unless a group has that name. */
  private recursionTest(name: string, offset: number): Condition {
    this.branchOffset = offset;
    const test: Condition & { groups: number[] } = { type: 'recursion', group: null, groups: [] };
    this.deferred.push(() => {
      const same = this.named.filter((entry) => entry.name === name);
      if (same.length > 0) {
        Object.assign(test, { type: 'group', groups: same.map((entry) => entry.number) });
        return;
      }
      if (name === 'R') return;
      let n = 0;
      for (let i = 1; i < name.length; i++) {
        n = n * 10 + name.charCodeAt(i) - 0x30;
        if (n > MAX_GROUP) this.r.fail(161, offset + i);
      }
      if (n === 0 || n > this.r.groupCount) this.r.fail(115, offset);
      (test as { group: number | null }).group = n;
    });
    return test;
  }

  /** (?(VERSION>=10.4)..), asked of the PCRE2 release this follows. */
  private versionTest(): Condition {
    const { r } = this;
    r.pos += 7;
    let atLeast = false;
    if (r.peek() === 0x3e) {
      atLeast = true;
      r.pos++;
    }
    if (r.peek() !== 0x3d) r.fail(179);
    r.pos++;
    if (!r.peekDigit()) r.fail(179);
    const major = r.number(-1, 1000, 179)!;
    let minor = 0;
    if (r.pos >= r.end) r.fail(179);
    if (r.peek() === 0x2e) {
      r.pos++;
      if (!r.peekDigit()) r.fail(179);
      minor = (r.peek() - 0x30) * 10;
      r.pos++;
      if (r.pos >= r.end) r.fail(179);
      if (r.peekDigit()) {
        minor += r.peek() - 0x30;
        r.pos++;
      }
      if (r.peek() !== 0x29) r.fail(179);
    }
    const here = 1042;
    const asked = major * 100 + minor;
    return { type: 'constant', value: atLeast ? here >= asked : here === asked };
  }

  /** (*pla:..) and the other lower-case groups. */
  private alphaGroup(items: Node[], condition: number): void {
    const { r } = this;
    const { name } = r.name(0);
    if (r.peek() !== 0x3a) r.fail(195);
    const kind = ALPHA_GROUPS[name];
    if (kind === undefined) r.fail(195);
    const atomicLook = kind === 'ahead' || kind === 'aheadNot' || kind === 'behind' || kind === 'behindNot';
    if (condition > 0 && !atomicLook) r.fail(kind === 'aheadNa' || kind === 'behindNa' ? 198 : 128);
    const colon = r.pos;
    r.pos++;
    switch (kind) {
      case 'atomic':
        this.depth++;
        this.group({ kind: 'atomic' }, items, false);
        return;
      case 'sr':
      case 'asr':
        // Script runs need Unicode's script tables for pairs of characters.
        r.fail(195, colon);
        return;
      default:
        this.look(items, condition, {
          behind: kind!.startsWith('behind'),
          negate: kind!.endsWith('Not'),
          atomic: !kind!.endsWith('Na'),
          offset: colon - 3,
        });
    }
  }

  /** (*ACCEPT), (*SKIP:name) and the like. */
  private verb(items: Node[]): void {
    const { r } = this;
    const { name } = r.name(0);
    if (r.peek() !== 0x3a && r.peek() !== 0x29) r.fail(160);
    const kind = VERBS[name];
    if (kind === undefined) r.fail(160);
    if (r.peek() === 0x3a && r.peek(1) === 0x29) r.pos++;
    if (kind === 'mark' && r.peek() !== 0x3a) r.fail(166);
    this.quantifiable = kind === 'accept';
    let argument = '';
    if (r.s[r.pos++] === ':') {
      const close = r.s.indexOf(')', r.pos);
      if (close < 0) r.fail(160, r.end);
      argument = r.s.slice(r.pos, close);
      r.pos = close + 1;
      if (argument.length > 255) r.fail(176, close);
      // With a name, PRUNE and the others leave a mark of that name; SKIP goes back to one.
      if (kind === 'accept' || kind === 'fail') items.push({ type: 'verb', kind: 'mark', name: argument });
    }
    items.push({ type: 'verb', kind: kind!, name: argument });
  }
}

const ASSERTIONS: Readonly<Record<string, 'start' | 'end' | 'endNewline' | 'word' | 'notWord' | 'here'>> = {
  A: 'start',
  Z: 'endNewline',
  z: 'end',
  b: 'word',
  B: 'notWord',
  G: 'here',
};

/** Applies a quantifier. Assertions without a limit repeat once more than they must. */
function repeatNode(body: Node, min: number, max: number, mode: 'greedy' | 'lazy' | 'possessive'): Node {
  if (body.type === 'look' && max === Infinity) max = min + 1;
  if (body.type === 'cond' && body.test.type === 'define') return body;
  if (min === 1 && max === 1 && mode !== 'possessive') return body;
  return { type: 'repeat', min, max, mode, body };
}

/**
 * Parses a pattern given as a byte string. Throws RegexError with PCRE2's text and offset when it is not one that
 * PCRE2 accepts.
 */
export function parsePattern(pattern: string, options: RegexOptions): Pattern {
  return new Parser(pattern, options).parse();
}
