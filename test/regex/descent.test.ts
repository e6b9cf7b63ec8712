// Generated functions against the matcher they stand in for: the same answers, and the same errors at the same limits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generateDescent } from '../../src/regex/descent.ts';
import { Matcher, tuning } from '../../src/regex/matcher.ts';
import type { RegexOptions } from '../../src/regex/options.ts';
import { parsePattern } from '../../src/regex/parser.ts';
import { type Features, generate } from './generate.ts';

const JIT_STACK = 32 * 1024;

function matcher(
  pattern: string,
  options: RegexOptions,
  limit: number,
  jitStack: number,
  generateAfter: number,
): Matcher {
  const before = tuning.generateAfter;
  tuning.generateAfter = generateAfter;
  const made = new Matcher(parsePattern(pattern, options), options.anchored === true, limit, jitStack);
  tuning.generateAfter = before;
  return made;
}

/** Compares both on subjects; how many answers there were from patterns that can be generated. */
function compare(
  pattern: string,
  options: RegexOptions,
  subjects: readonly (readonly [string, number])[],
  limit = 1e7,
  jitStack = 0,
): number {
  const tree = parsePattern(pattern, options);
  if (generateDescent(tree, 50) === null) return 0;
  const generated = matcher(pattern, options, limit, jitStack, 0);
  const interpreted = matcher(pattern, options, limit, jitStack, Number.POSITIVE_INFINITY);
  const size = (tree.groupCount + 1) * 2;
  for (const [subject, start] of subjects) {
    const got = new Int32Array(size);
    const want = new Int32Array(size);
    const rc = generated.match(subject, start, got);
    const what = `${pattern} on ${JSON.stringify(subject.slice(0, 100))}, limit ${limit}`;
    assert.equal(rc, interpreted.match(subject, start, want), what);
    if (rc > 0) assert.deepEqual(got, want, what);
  }
  return subjects.length;
}

test('random patterns have the same matches and captures, also where limits are near', () => {
  let answers = 0;
  const families: Features[] = [{}, { exotic: false }, { utf: true }];
  for (const features of families) {
    const next = generate(21, features);
    for (let i = 0; i < 1500; i++) {
      const { pattern, options, subjects } = next();
      const wanted = subjects.filter(([, start]) => start >= 0);
      const all: [string, number] = [subjects.map(([subject]) => subject).join(''), 0];
      try {
        parsePattern(pattern, options);
      } catch {
        continue; // one of those that are to be faulty
      }
      for (const [limit, jitStack] of [
        [1e7, 0],
        [1e7, JIT_STACK],
        [300, 0],
        [2000, JIT_STACK],
      ] as const) {
        answers += compare(pattern, options, [...wanted, all], limit, jitStack);
      }
    }
  }
  assert.ok(answers > 20_000, `${answers} answers`);
});

const JSON_TEXT = String.raw`(?(DEFINE)(?<value>\s*+(?>(?&object)|(?&array)|(?&string)|[-\d.]++|true|null)\s*+)(?<object>\{(?>(?&member)(?>,(?&member))*+)?+\s*+\})(?<member>\s*+(?&string)\s*+:(?&value))(?<array>\[(?>(?&value)(?>,(?&value))*+)?+\s*+\])(?<string>"(?>[^"\\]++|\\.)*+"))^(?&value)$`;

/** Patterns that need no way back, with subjects. */
const ROWS: readonly (readonly [pattern: string, ...subjects: string[]])[] = [
  [
    String.raw`(\((?:[^()]++|(?1))*+\))$`,
    'call(a, (b + c) * (d - (e + f)), g(h(i), j))',
    '((((',
    '(a))',
    '()',
    '('.repeat(3000),
  ],
  [String.raw`\((?>[^()]+|(?R))*\)`, 'x(a(b)c(d', '(())', `${'('.repeat(2000)}${')'.repeat(2000)}`],
  [JSON_TEXT, '{"a": [1, 2, {"b": "c\\"d"}], "e": null}', '[1, 2,]', '[[[[[[]]]]]', '{"a":}'],
  ['(?>a|ab)c', 'abc', 'ac', 'abac'],
  ['(?>(a)|b)*+(c)?', 'abac', 'bb', 'aab', ''],
  ['(?=(a+))b|(?!(a))(.)', 'aab', 'b', 'aa'],
  ['(a(b)?+){2,3}+c', 'ababac', 'aac', 'abc', 'abababc'],
  ['(?:a(?!c)|(ac))*+d', 'aacad', 'acacd', 'aad'],
  ['"[^"]*?"', 'say "this" or "that"', '"'],
  ['^(?>\\w++\\s?+)*+$', 'some words here', 'some words here!', 'word '.repeat(2000)],
];

test('patterns that need no way back are generated, and answer as the matcher does', () => {
  for (const [pattern, ...subjects] of ROWS) {
    for (const limit of [1e7, 1000, 50]) {
      for (const jitStack of [0, JIT_STACK]) {
        const wanted = subjects.map((subject) => [subject, 0] as const);
        assert.equal(compare(pattern, {}, wanted, limit, jitStack), subjects.length, `${pattern} is not generated`);
      }
    }
  }
});

test('patterns that may need a way back are left to the matcher', () => {
  for (const pattern of ['(a|ab)c', 'a*ab', '((?1)|a)', '(a*)*', 'a+?b?', '(a)\\1', 'x(*SKIP)y', '(?<=a)b']) {
    assert.equal(generateDescent(parsePattern(pattern, {}), 50), null, pattern);
  }
});
