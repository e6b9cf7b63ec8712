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
    switch (random(10)) {
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
      default:
        return pick(['\\C', '(?*a)', '(?C)', '\\Qa.b\\E', '[[:<:]]', '\\g{-1}']);
    }
  };
  /** pcre2_dfa_match() miscounts where atomic groups repeat (an empty iteration takes a character): not compared. */
  const quantifier = (item: string): string => {
    const text = pick(QUANTIFIERS);
    if (features.dfa && item.startsWith('(?>')) return '';
    return features.dfa && item.endsWith(')') && /.\+$/.test(text) ? '*' : text;
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
      if (
        random(3) === 0 &&
        !(features.dfa && one === '()') &&
        !/^(?:\(\?[a-zA-Z^-]*\)|\\K|\(\*[A-Z]+\)|\[\[:<:\]\]|\(\?C\))$/.test(one)
      )
        out += quantifier(one);
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
    // Together with multiline its DFA forgets the inner lines.
    if (!features.dfa) flag('dollarEndOnly', PCRE2.DOLLAR_ENDONLY, 10);
    flag('dupNames', PCRE2.DUPNAMES, 10);
    flag('ungreedy', PCRE2.UNGREEDY, 15);
    flag('javascriptCompat', PCRE2.ALT_BSUX | PCRE2.ALLOW_EMPTY_CLASS | PCRE2.MATCH_UNSET_BACKREF, 20);
    if (features.dfa) options.dfa = true;
    const pattern = alternatives(3);
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
