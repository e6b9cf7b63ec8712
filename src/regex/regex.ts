// A compiled pattern and its two engines. JavaScript's RegExp runs what it can express exactly and within bearable
// cost; everything else runs on the own matcher. Both leave their result in the Regex itself, so that a match
// allocates nothing beyond what RegExp.exec does.
import { type Pattern, some } from './ast.ts';
import { searchCost } from './complexity.ts';
import { DfaMatcher } from './dfa.ts';
import { RC } from './errors.ts';
import { fixedLength, maxLookbehind } from './lookbehind.ts';
import { Matcher } from './matcher.ts';
import type { RegexOptions } from './options.ts';
import { parsePattern } from './parser.ts';
import { type Translation, translate } from './translate.ts';
import { checkUtf8, isAscii } from './utf8.ts';

/** Steps a RegExp may take in the worst case: about half a second. */
const JS_BUDGET = 4e8;
/** PCRE2's own limit where nobody sets one. */
const DEFAULT_MATCH_LIMIT = 10_000_000;
/** Bytes. */
const DEFAULT_JIT_STACK = 32 * 1024;
/** What one step of the cost estimate may mean in PCRE's count, for limits that were set. */
const LIMIT_FACTOR = 16;

/** One translation, with its RegExp objects made when first needed. */
class JsProgram {
  readonly translation: Translation;
  readonly plain: RegExp;
  /**
   * The number of bytes each match takes if that is known and nothing is captured, else -1: then where the match ends says
   * all, and the array that RegExp.exec() would make is saved.
   */
  readonly length: number;
  private indices: RegExp | null = null;

  constructor(translation: Translation, length: number) {
    this.translation = translation;
    this.length = translation.keepGroups.length > 0 ? -1 : length;
    this.plain = new RegExp(translation.source, translation.sticky ? 'y' : 'g');
  }

  /** The same with the d flag, which costs more and is only used when offsets of groups are asked for. */
  withIndices(): RegExp {
    return (this.indices ??= new RegExp(this.translation.source, this.plain.flags + 'd'));
  }
}

/** The last subject found valid in UTF mode: loops over one subject need not check it at each step. */
const knownValid = { subject: '', ascii: true };

/**
 * A compiled pattern. A match leaves its result here until the next one; take what is needed before anything else can
 * run. Patterns and subjects are byte strings.
 */
export class Regex {
  readonly pattern: string;
  /** Number of capture groups, the whole match not counted. */
  readonly captureCount: number;
  /** Name -> group numbers, in the order of PCRE2's name table. */
  readonly names: ReadonlyMap<string, readonly number[]>;
  /** What runs it: the JavaScript engine (with the own one standing in for long subjects), or always the own one. */
  readonly engine: 'js' | 'own';
  /** Why the own engine runs it; empty for 'js'. */
  readonly reason: string;
  /** The longest subject, in bytes, that the JavaScript engine is trusted with. */
  readonly jsMaxLength: number;
  /** Where the last match began and ended. */
  start = -1;
  end = -1;
  /** After `exec`: [start, end] of each group, -1 for unset ones. */
  readonly ovector: Int32Array;

  private readonly utf: boolean;
  private readonly checkUtf: boolean;
  private readonly js: JsProgram | null = null;
  /** For ASCII subjects in UTF mode. */
  private readonly jsAscii: JsProgram | null = null;
  private own: Matcher | DfaMatcher | null = null;
  private readonly tree: Pattern;
  private readonly options: RegexOptions;
  private lookbehind = -1;
  private subject = '';
  private groups: RegExpExecArray | null = null;
  private program: JsProgram | null = null;

  constructor(pattern: string, options: RegexOptions) {
    this.pattern = pattern;
    this.options = options;
    const tree = parsePattern(pattern, options);
    this.tree = tree;
    this.captureCount = options.dfa ? 0 : tree.groupCount;
    this.names = tree.names;
    this.utf = tree.settings.utf;
    this.checkUtf = this.utf && options.noUtfCheck !== true;
    this.ovector = new Int32Array((this.captureCount + 1) * 2);
    const anchored = options.anchored === true;
    let reason = '';
    let maxLength = Infinity;
    if (options.dfa) reason = 'DFA mode';
    else if (tree.settings.limitMatch > 0) reason = '(*LIMIT_MATCH)';
    else {
      maxLength = jsLimit(tree, anchored, options.matchLimit ?? 0);
      if (maxLength < 1) reason = 'its cost may be exponential';
    }
    if (reason === '') {
      const full = translate(tree, this.utf ? 'utf8' : 'bytes', anchored);
      if (typeof full === 'string') reason = full;
      else {
        // Of a condition fixedLength() takes the yes branch for the length, as PCRE2 does in lookbehinds.
        const varies = this.captureCount > 0 || some(tree.root, (node) => node.type === 'cond');
        const length = varies ? null : fixedLength(tree.root, tree.root, tree.settings);
        this.js = new JsProgram(full, this.utf ? -1 : (length ?? -1));
        if (this.utf) {
          const ascii = translate(tree, 'ascii', anchored);
          if (typeof ascii !== 'string') this.jsAscii = new JsProgram(ascii, length ?? -1);
        }
      }
    }
    this.reason = reason;
    this.engine = reason === '' ? 'js' : 'own';
    this.jsMaxLength = maxLength;
  }

  /**
   * Searches from byte `start` of the subject. Returns, as pcre2_match() does, one more than the highest group that is
   * set, or a negative number: -1 for no match, else an error such as -47 (match limit). On success `start`, `end` and
   * `group()` tell the result.
   */
  match(subject: string, start = 0): number {
    this.subject = subject;
    let program = this.js;
    if (start > subject.length) return RC.BADOFFSET;
    if (this.utf) {
      if (subject !== knownValid.subject) {
        knownValid.ascii = isAscii(subject);
        knownValid.subject = knownValid.ascii ? subject : '';
      }
      if (knownValid.ascii) program = this.jsAscii;
      else if (this.checkUtf) {
        const fault = this.utfFault(subject, start);
        if (fault !== 0) return fault;
      } else {
        // Unchecked bytes may be anything; only the own matcher gives them a meaning.
        program = null;
      }
    }
    if (program === null || subject.length > this.jsMaxLength) return this.matchOwn(subject, start);
    const regexp = program.plain;
    regexp.lastIndex = start;
    let m: RegExpExecArray | null;
    try {
      if (program.length >= 0) {
        if (!regexp.test(subject)) return RC.NOMATCH;
        this.groups = null;
        this.ovector[1] = this.end = regexp.lastIndex;
        this.ovector[0] = this.start = this.end - program.length;
        return 1;
      }
      m = regexp.exec(subject);
    } catch (error) {
      // The RegExp engine's own stack is finite; the matcher's grows.
      if (error instanceof RangeError) return this.matchOwn(subject, start);
      throw error;
    }
    if (m === null) return RC.NOMATCH;
    this.groups = m;
    this.program = program;
    this.start = m.index;
    this.end = m.index + m[0].length;
    const { groupMap, keepGroups } = program.translation;
    for (let i = 0; i < keepGroups.length; i++) {
      const rest = m[keepGroups[i]!];
      if (rest !== undefined) this.start = this.end - rest.length;
    }
    for (let i = this.captureCount; i > 0; i--) {
      if (m[groupMap === null ? i : groupMap[i]!] !== undefined) return i + 1;
    }
    return 1;
  }

  /** The text of a group in the last match, undefined when it is unset. Group 0 is the whole match. */
  group(index: number): string | undefined {
    if (index === 0) return this.subject.slice(this.start, this.end);
    const m = this.groups;
    if (m === null) {
      const from = this.ovector[index * 2]!;
      return from < 0 ? undefined : this.subject.slice(from, this.ovector[index * 2 + 1]);
    }
    const map = this.program!.translation.groupMap;
    return m[map === null ? index : map[index]!];
  }

  /** As `match`, and fills `ovector`. Offsets of groups cost more than their texts; `match` where those will do. */
  exec(subject: string, start = 0): number {
    const rc = this.match(subject, start);
    if (rc < 0 || this.groups === null) return rc;
    const { ovector } = this;
    ovector[0] = this.start;
    ovector[1] = this.end;
    if (this.captureCount === 0) return rc;
    if (rc === 1) {
      ovector.fill(-1, 2);
      return rc;
    }
    const program = this.program!;
    const regexp = program.withIndices();
    regexp.lastIndex = start;
    const { indices } = regexp.exec(subject)!;
    const { groupMap } = program.translation;
    for (let i = 1; i <= this.captureCount; i++) {
      const pair = indices![groupMap === null ? i : groupMap[i]!];
      ovector[i * 2] = pair === undefined ? -1 : pair[0];
      ovector[i * 2 + 1] = pair === undefined ? -1 : pair[1];
    }
    return rc;
  }

  /** Whether the subject matches anywhere. A match that ends in an error (see `match`) throws RegexMatchError. */
  test(subject: string): boolean {
    const rc = this.match(subject, 0);
    if (rc >= 0) return true;
    if (rc === RC.NOMATCH) return false;
    throw new RegexMatchError(rc);
  }

  /** PCRE2 checks the subject from as far before `start` as the pattern can look. */
  private utfFault(subject: string, start: number): number {
    const known = subject === knownValid.subject;
    if (start > 0 && (subject.charCodeAt(start) & 0xc0) === 0x80) return RC.BADUTFOFFSET;
    if (known) return 0;
    if (this.lookbehind < 0) this.lookbehind = maxLookbehind(this.tree);
    let from = start;
    for (let i = this.lookbehind; i > 0 && from > 0; i--) {
      from--;
      while (from > 0 && (subject.charCodeAt(from) & 0xc0) === 0x80) from--;
    }
    const { code } = checkUtf8(subject, from);
    if (code === 0 && from === 0) knownValid.subject = subject;
    return code;
  }

  private matchOwn(subject: string, start: number): number {
    if (this.own === null) {
      const { anchored = false, dfa = false, jit = false, matchLimit = 0, jitStackSize = 0 } = this.options;
      const limit = matchLimit > 0 ? matchLimit : DEFAULT_MATCH_LIMIT;
      const jitStack = jit ? jitStackSize || DEFAULT_JIT_STACK : 0;
      this.own = dfa ? new DfaMatcher(this.tree, anchored, limit) : new Matcher(this.tree, anchored, limit, jitStack);
    }
    this.groups = null;
    const rc = this.own.match(subject, start, this.ovector);
    if (rc >= 0) {
      this.start = this.ovector[0]!;
      this.end = this.ovector[1]!;
    }
    return rc;
  }
}

/** A match that could be neither found nor ruled out: `rc` is PCRE2's number for why. */
export class RegexMatchError extends Error {
  readonly rc: number;
  constructor(rc: number) {
    super('pcre2_match() failed: ' + rc);
    this.name = 'RegexMatchError';
    this.rc = rc;
  }
}

function jsLimit(tree: Pattern, anchored: boolean, matchLimit: number): number {
  const exponent = searchCost(tree, anchored);
  if (exponent === Infinity) return 0;
  const limit = (budget: number) => (exponent <= 1 ? budget : Math.floor(budget ** (1 / exponent)));
  const byTime = exponent <= 1 ? Infinity : limit(JS_BUDGET);
  if (matchLimit === 0) return byTime;
  // The limit must also strike where PCRE's would: only subjects too short to reach it may be matched without counting.
  return Math.min(byTime, limit(matchLimit / LIMIT_FACTOR));
}

/**
 * Compiles a pattern (a byte string). Throws RegexError with PCRE2's message and offset; `compileErrorText` makes
 * nginx's sentence of it.
 */
export function compileRegex(pattern: string, options: RegexOptions = {}): Regex {
  return new Regex(pattern, options);
}
