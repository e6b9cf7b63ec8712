// Random patterns and subjects for the comparison with the real library: grown from a grammar so that most compile, over
// a small alphabet so that many match.
import type { RegexOptions } from '../../src/regex/options.ts';
import { PCRE2 } from './pcre2.ts';

/** One pattern with subjects and the offsets to search from. `bits` are the options for the real library. */
export interface Case {
  pattern: string;
  options: RegexOptions;
  bits: number;
  subjects: [subject: string, start: number][];
}

const ATOMS = [
  'a',
  'b',
  'c',
  'a',
  'b',
  'A',
  'K',
  's',
  'aa',
  'ab',
  '.',
  '\\d',
  '\\w',
  '\\s',
  '\\W',
  '\\S',
  '\\D',
  '\\h',
  '\\v',
  '\\N',
  '1',
  ' ',
  '\\n',
  '-',
  '_',
  '[ab]',
  '[^a]',
  '[a-c]',
  '[^\\n]',
  '[[:alpha:]]',
  '[[:^digit:]]',
  '[\\w-]',
  '[\\d_]',
  '[^\\s]',
  '[]a]',
  '\\x61',
  '\\t',
  '\\.',
  '[A-Z]',
  '\\R',
  '\\101',
  '\\o{142}',
  '\\cI',
  '\\0',
  '[[:punct:][:space:]]',
  '[^[:upper:]b]',
  '[[:xdigit:]]',
  '[^\\h\\d]',
  '[\\Qa-\\E-c]',
  '[a\\-c]',
  '[\\x61-\\x63]',
  '\\Qa\\E',
  '(?#x)b',
  '[^\\W_]',
  '\\V',
  '\\H',
  '[\\h]',
  '(*F)',
];
const HIGH = ['\\xe9', '\\xc9', '\\xdf', '\\xff', '[\\x80-\\xff]', '[^\\x80-\\xff]', '\\xa0', '\\x85', '\xe9', '\xb5'];
const UTF = [
  '\\x{e9}',
  '\\x{c9}',
  '\\x{20ac}',
  '\\x{1f600}',
  '[\\x{80}-\\x{7ff}]',
  '[^\\x{e9}]',
  '\\x{17f}',
  '\\x{212a}',
  '\\pL',
  '\\p{Lu}',
  '\\PL',
  '\xc3\xa9',
  '[\xc3\xa9a]',
  '\\x{3b1}',
  '\\x{391}',
  '[\\x{3b1}-\\x{3c9}]',
  '\\p{Greek}',
  '\\p{^N}',
  '[\\D\\pL]',
  '[^\\W\\P{Lu}]',
  '[^[:^alpha:]\\p{Greek}]',
  '[\\x{e9}-\\x{20ac}_]',
  '\\X',
];
const START_WORDS = [
  'ANYCRLF',
  'CRLF',
  'CR',
  'ANY',
  'NUL',
  'LF',
  'UTF',
  'UCP',
  'BSR_ANYCRLF',
  'BSR_UNICODE',
  'NOTEMPTY',
  'NOTEMPTY_ATSTART',
  'NO_START_OPT',
  'NO_AUTO_POSSESS',
  'NO_DOTSTAR_ANCHOR',
];
const FAULTS = [
  ...'()[]{}?*+|\\^$.:=!<>-,1a#&',
  '(?',
  '\\g',
  '\\k',
  '[[:',
  '\\x{',
  '(*',
  '{1,',
  '\\p{',
  '\\o',
  '\\c',
  '',
  '',
];
const ZERO = ['^', '$', '\\b', '\\B', '\\A', '\\z', '\\Z', '\\G'];
const QUANTIFIERS = [
  '*',
  '+',
  '?',
  '*?',
  '+?',
  '??',
  '*+',
  '++',
  '?+',
  '{2}',
  '{1,2}',
  '{0,2}',
  '{2,}',
  '{1,3}?',
  '{0,1}+',
  '{3}',
  '{0}',
  '{1}',
  '{0,3}',
  '{2,3}+',
];
const SUBJECT = [
  'a',
  'b',
  'c',
  'a',
  'b',
  'aa',
  'ab',
  'A',
  'B',
  'k',
  'K',
  's',
  'S',
  '1',
  '2',
  ' ',
  '\n',
  '\r\n',
  '-',
  '_',
  '\t',
  '\r',
  '.',
];
const SUBJECT_HIGH = ['\xe9', '\xc9', '\xdf', '\xff', '\xa0', '\x85', '\x00', '\xb5', '\x0b'];
const SUBJECT_UTF = [
  '\xc3\xa9',
  '\xc3\x89',
  '\xe2\x82\xac',
  '\xf0\x9f\x98\x80',
  '\xc5\xbf',
  '\xe2\x84\xaa',
  '\xce\xb1',
  '\xce\x91',
  '\xc2\x85',
  '\xe2\x80\xa8',
  '\xc2\xa0',
];

/** How far the grammar goes. */
export interface Features {
  /** Recursion, conditions, \K and verbs. */
  exotic?: boolean;
  dfa?: boolean;
  utf?: boolean;
}

/** A generator of cases; the same seed gives the same cases. */
export function generate(seed: number, features: Features = {}): () => Case {
  let state = (seed * 2654435761) >>> 0 || 1;
  const random = (n: number) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % n;
  };
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  let groups = 0;
  let named = false;
  let utf = false;
  const exotic = features.exotic ?? true;

  const atom = (depth: number): string => {
    const kind = random(depth > 0 ? 30 : 14);
    if (kind < 12) {
      if (random(10) === 0) return pick(utf ? UTF : HIGH);
      return pick(ATOMS);
    }
    if (kind === 12) return groups > 0 && random(2) === 0 ? '\\' + (1 + random(groups)) : pick(ATOMS);
    if (kind === 13) return pick(ATOMS);
    const body = () => alternatives(depth - 1);
    if (kind < 19) {
      groups++;
      if (!named && random(8) === 0) {
        named = true;
        return pick(['(?<n>', "(?'n'", '(?P<n>']) + body() + ')';
      }
      return '(' + body() + ')';
    }
    if (kind < 22) return '(?:' + body() + ')';
    if (kind === 22) return '(?>' + body() + ')';
    if (kind === 23) return pick(['(?=', '(?!']) + body() + ')';
    if (kind === 24)
      return (
        pick(['(?<=', '(?<!']) +
        pick(['a', 'b', '\\w', 'ab', 'a|b', '^', '\\b', '[^a]', 'a(?=b)', '(a)', '(a|b)c', 'aa|b']).replace(
          '(a',
          () => {
            groups++;
            return '(a';
          },
        ) +
        ')'
      );
    if (kind === 25)
      return pick(['(?i)', '(?s)', '(?m)', '(?-i)', '(?i:', '(?s-m:', '(?U)', '(?x: ', '(?^:']).replace(
        /:\s?$/,
        (m) => m + body() + ')',
      );
    if (!exotic) return pick(ATOMS);
    const verb = () => pick(['PRUNE', 'SKIP', 'THEN', 'COMMIT', 'MARK', 'ACCEPT', 'F']);
    switch (random(20)) {
      case 0:
        return '\\K';
      case 1:
        return groups > 0 ? '(?' + (1 + random(groups)) + ')' : 'a';
      case 2:
        return named ? pick(['(?&n)', '\\k<n>', '(?P=n)', '\\g{n}']) : 'b';
      case 3:
        return groups > 0 ? `(?(${1 + random(groups)})${body()}|${body()})` : 'c';
      case 4:
        return `(?(?${pick(['=', '!', '<=a', '<!b']).replace(/^([=!])$/, (m) => m + pick(['a', 'b', '\\w+b']))})${body()}|${body()})`;
      case 5:
        return '(?|' + body() + '|' + body() + ')';
      case 6:
        return pick(['(*ACCEPT)', '(*COMMIT)', '(*PRUNE)', '(*SKIP)', '(*THEN)', '(*F)']);
      case 7:
        return groups > 0 ? `(?(${1 + random(groups)})${body()})` : 'c';
      case 8:
        return random(4) === 0 ? '(?R)' : '\\X';
      case 9:
        return `(*${verb()}:${pick(['x', 'y'])})`;
      case 10:
        return random(3) === 0 ? '(*:x)' : `(*${pick(['COMMIT', 'PRUNE', 'SKIP', 'THEN', 'SKIP:x'])})`;
      case 11:
        return `(*${pick(['pla', 'nla', 'atomic', 'napla', 'positive_lookahead'])}:${body()})`;
      case 12:
        return `(*${pick(['plb', 'nlb', 'naplb'])}:${pick(['a', 'b|a', '\\w\\s', '[^b]'])})`;
      case 13:
        return groups > 0
          ? pick(['(?-1)', "\\g'1'", '\\g<-1>', '\\g{1}', '\\g1', '(?+1)', '(?1)', '(?P>n)', "\\k'n'", '\\k{n}'])
          : 'a';
      case 14:
        return `(?(${pick(['R', 'R1', 'R&n', '<n>', "'n'", 'n', '-1', '+1', 'VERSION>=10.4', 'VERSION=8'])})${body()}|${body()})`;
      case 15:
        return `(?(DEFINE)(?<d>${body()}))(?&d)`;
      case 16:
        groups++;
        return `(?${pick(['<n>', '<m>', "'n'", 'P<m>'])}${body()})`;
      case 17:
        return `(?${pick(['n', 'xx', '^i', 'i-s', 'J', 'sx', 'U-i'])}:${body()})`;
      case 18:
        return pick([
          '(?C1)',
          '(?C"a")',
          '(?n)',
          '(?xx)',
          '(?J)',
          '\\N{1,2}',
          '[[:>:]]',
          '\\Qa',
          '\\E',
          '(?-x) ',
          '(?s)',
        ]);

      default:
        return pick(['\\C', '(?*a|ab)', '(?<*a)', '(?*a)', '(?C)', '\\Qa.b\\E', '[[:<:]]', '\\g{-1}']);
    }
  };
  const quantifier = (): string => {
    const text = pick(QUANTIFIERS);
    return text;
  };
  const sequence = (depth: number): string => {
    let out = '';
    const n = random(4) === 0 ? random(2) : 1 + random(3);
    for (let i = 0; i < n; i++) {
      if (random(9) === 0) {
        out += pick(ZERO);
        continue;
      }
      const one = atom(depth);
      out += one;
      if (random(3) === 0 && !/^(?:\(\?[a-zA-Z^-]*\)|\\K|\(\*[A-Z]+\)|\[\[:<:\]\]|\(\?C\))$/.test(one))
        out += quantifier();
    }
    return out;
  };
  const alternatives = (depth: number): string => {
    let out = sequence(depth);
    while (random(4) === 0) out += '|' + sequence(depth);
    return out;
  };
  const subject = (): string => {
    let out = '';
    const n = random(9);
    for (let i = 0; i < n; i++) out += random(12) === 0 ? pick(utf ? SUBJECT_UTF : SUBJECT_HIGH) : pick(SUBJECT);
    return out;
  };

  return () => {
    groups = 0;
    named = false;
    utf = features.utf ?? random(5) === 0;
    const options: RegexOptions = {};
    let bits = 0;
    const flag = (name: keyof RegexOptions, bit: number, odds: number) => {
      if (random(odds) !== 0) return;
      (options as Record<string, boolean>)[name] = true;
      bits |= bit;
    };
    if (utf) {
      options.utf = true;
      bits |= PCRE2.UTF;
    }
    flag('caseless', PCRE2.CASELESS, 4);
    flag('multiline', PCRE2.MULTILINE, 5);
    flag('dotall', PCRE2.DOTALL, 5);
    flag('extended', PCRE2.EXTENDED, 8);
    flag('anchored', PCRE2.ANCHORED, 10);
    // Together with multiline its DFA forgets the inner lines; no letter of ngx.re sets it.
    if (!features.dfa) flag('dollarEndOnly', PCRE2.DOLLAR_ENDONLY, 10);
    flag('dupNames', PCRE2.DUPNAMES, 10);
    flag('ungreedy', PCRE2.UNGREEDY, 15);
    if (utf && random(12) === 0) options.noUtfCheck = true;
    flag('javascriptCompat', PCRE2.ALT_BSUX | PCRE2.ALLOW_EMPTY_CLASS | PCRE2.MATCH_UNSET_BACKREF, 20);
    if (features.dfa) options.dfa = true;
    let pattern = alternatives(3);
    if (exotic && random(25) === 0) pattern = `(*${pick(START_WORDS)})` + pattern;
    // Some patterns get a fault, or another meaning.
    if (exotic && random(12) === 0) {
      const at = random(pattern.length + 1);
      pattern = pattern.slice(0, at) + pick(FAULTS) + pattern.slice(at + random(3));
    }
    const subjects: [string, number][] = [];
    for (let i = 0; i < 6; i++) {
      const text = subject();
      let start = random(4) === 0 ? random(text.length + 1) : 0;
      while (utf && (text.charCodeAt(start) & 0xc0) === 0x80) start--;
      subjects.push([text, start]);
    }
    return { pattern, options, bits: bits >>> 0, subjects };
  };
}
