// One pattern run here and by the real PCRE2 with equal options: what differs, by kind. A difference is `silent` when
// both answer and the answers are not the same; where one of the two ends in an error, its user is told.
import { RegexError } from '../../src/regex/errors.ts';
import { Matcher, tuning } from '../../src/regex/matcher.ts';
import type { RegexOptions } from '../../src/regex/options.ts';
import { parsePattern } from '../../src/regex/parser.ts';
import { compileRegex, type Regex } from '../../src/regex/regex.ts';
import { type Outcome, PCRE2, type RealPcre2, type RealRegex } from './pcre2.ts';

/**
 * `silent`: different matches or captures. `self`: so too, but the library gives our answer from its JIT code or with its
 * optimizations off, which are to change none. `unicode`: the subject has characters the library's Unicode does not know. `compile`: compiles on one side only, or with another error or offset.
 * `ours`: an error here where the library answers. `theirs`: the reverse. `code`: two different errors.
 */
export type Kind = 'silent' | 'self' | 'unicode' | 'compile' | 'ours' | 'theirs' | 'code';

export interface Difference {
  readonly kind: Kind;
  readonly text: string;
}

/** How much was compared and what came out. */
export interface Tally {
  patterns: number;
  /** Of the patterns, those with a compile error on both sides. */
  faulty: number;
  pairs: number;
  matches: number;
  errors: number;
  readonly differences: Difference[];
}

export function newTally(): Tally {
  return { patterns: 0, faulty: 0, pairs: 0, matches: 0, errors: 0, differences: [] };
}

/** The bits of the library for our options. */
export function optionBits(options: RegexOptions): number {
  let bits = 0;
  if (options.caseless) bits |= PCRE2.CASELESS;
  if (options.multiline) bits |= PCRE2.MULTILINE;
  if (options.dotall) bits |= PCRE2.DOTALL;
  if (options.extended) bits |= PCRE2.EXTENDED;
  if (options.anchored) bits |= PCRE2.ANCHORED;
  if (options.dollarEndOnly) bits |= PCRE2.DOLLAR_ENDONLY;
  if (options.utf) bits |= PCRE2.UTF;
  if (options.dupNames) bits |= PCRE2.DUPNAMES;
  if (options.ungreedy) bits |= PCRE2.UNGREEDY;
  if (options.javascriptCompat) bits |= PCRE2.ALT_BSUX | PCRE2.ALLOW_EMPTY_CLASS | PCRE2.MATCH_UNSET_BACKREF;
  return bits >>> 0;
}

function describe(outcome: Outcome): string {
  if (outcome.kind === 'match') return outcome.ovector.join();
  return outcome.kind === 'error' ? 'error ' + outcome.code : outcome.kind;
}

function result(rc: number, ovector: Int32Array): string {
  return rc >= 0 ? ovector.join() : rc === -1 ? 'nomatch' : 'error ' + rc;
}

/** Neither auto-possessification nor start optimizations nor implicit anchoring. */
const UNOPTIMIZED = PCRE2.NO_AUTO_POSSESS | PCRE2.NO_START_OPTIMIZE | PCRE2.NO_DOTSTAR_ANCHOR;
let unassigned: RealRegex | undefined;

/** Whether a character is unassigned for the library and assigned for the JavaScript engine. */
function hasUnknown(real: RealPcre2, subject: string): boolean {
  unassigned ??= real.compile('\\p{Cn}', PCRE2.UTF) as RealRegex;
  for (const ch of Buffer.from(subject, 'latin1').toString('utf8')) {
    if (ch < '\x80' || /\p{Cn}/u.test(ch)) continue;
    if (unassigned.exec(Buffer.from(ch, 'utf8').toString('latin1'), 0).kind === 'match') return true;
  }
  return false;
}

function kindOf(got: string, want: string): Kind {
  const ours = got.startsWith('error');
  const theirs = want.startsWith('error');
  return ours && theirs ? 'code' : ours ? 'ours' : theirs ? 'theirs' : 'silent';
}

/** Bits for the library beyond the options; `limit` is the match limit of both, 0 for the default. */
export interface Setting {
  readonly extraBits?: number;
  readonly limit?: number;
  /** Run the own matcher too where the pattern goes to the JavaScript engine. Default true. */
  readonly both?: boolean;
  /** Search on after each match, as ngx.re.gmatch does. */
  readonly global?: boolean;
}

/** Compares one pattern on its subjects, each with the offset to search from; adds to the tally. */
export function comparePattern(
  real: RealPcre2,
  tally: Tally,
  pattern: string,
  options: RegexOptions,
  subjects: readonly (readonly [subject: string, start: number])[],
  setting: Setting = {},
): void {
  const { extraBits = 0, limit = 0, both = true, global = false } = setting;
  const label = JSON.stringify(pattern) + ' ' + JSON.stringify(options);
  const differ = (kind: Kind, text: string) => tally.differences.push({ kind, text: label + text });
  tally.patterns++;
  // Of patterns that can be generated, half are, from the first search on.
  tuning.generateAfter = tally.patterns % 2 === 0 ? 0 : Number.POSITIVE_INFINITY;
  const compiled = real.compile(pattern, optionBits(options) | extraBits, false, limit);
  const want = 'kind' in compiled && compiled.kind === 'compile-error' ? compiled : null;
  let regex: Regex;
  try {
    regex = compileRegex(pattern, { ...options, matchLimit: limit });
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    if (want === null) differ('compile', ` here: ${error.message} at ${error.offset}; there: compiles`);
    else if (want.message !== error.message || want.offset !== error.offset) {
      differ('compile', ` here: ${error.message} at ${error.offset}; there: ${want.message} at ${want.offset}`);
    } else tally.faulty++;
    if (want === null) (compiled as RealRegex).free();
    return;
  }
  if (want !== null) {
    differ('compile', ` here: compiles; there: ${want.message} at ${want.offset}`);
    return;
  }
  const library = compiled as RealRegex;
  const own =
    options.dfa || !both || regex.engine === 'own'
      ? null
      : new Matcher(parsePattern(pattern, options), options.anchored === true, limit || 1e7, 0);
  const flags = options.noUtfCheck ? PCRE2.NO_UTF_CHECK : 0;
  for (const [subject, first] of subjects) {
    if (first < 0) continue;
    for (let start = first; ; ) {
      tally.pairs++;
      const outcome = options.dfa ? library.dfa(subject, start, flags) : library.exec(subject, start, flags);
      const theirs = describe(outcome);
      if (outcome.kind === 'match') tally.matches++;
      if (outcome.kind === 'error') tally.errors++;
      const ours = result(regex.exec(subject, start), regex.ovector);
      const where = () => ` on ${JSON.stringify(subject)} from ${start}`;
      if (ours !== theirs) {
        const again = (jit: boolean, bits: number): boolean => {
          const other = real.compile(pattern, optionBits(options) | extraBits | bits, jit, limit) as RealRegex;
          const result = options.dfa ? other.dfa(subject, start, flags) : other.exec(subject, start, flags);
          other.free();
          return describe(result) === ours;
        };
        let kind = kindOf(ours, theirs);
        if (kind === 'silent' || kind === 'theirs') {
          if (again(true, 0) || again(false, UNOPTIMIZED)) kind = 'self';
          else if (options.utf && hasUnknown(real, subject)) kind = 'unicode';
        }
        differ(kind, `${where()} here: ${ours} (${regex.engine}); there: ${theirs}`);
      } else if (own !== null && outcome.kind !== 'error') {
        const ovector = new Int32Array(regex.ovector.length);
        const second = result(own.match(subject, start, ovector), ovector);
        if (second !== theirs) {
          differ(kindOf(second, theirs), `${where()} here: ${second} (own matcher); there: ${theirs}`);
        }
      }
      if (!global || outcome.kind !== 'match' || ours !== theirs) break;
      const [from, to] = outcome.ovector as [number, number];
      start = from === to ? to + 1 : to;
      if (start > subject.length || start <= first) break;
      if (options.utf) while ((subject.charCodeAt(start) & 0xc0) === 0x80) start++;
    }
  }
  library.free();
}
