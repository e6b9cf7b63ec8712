import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileErrorText, RegexError } from '../../src/regex/errors.ts';
import { parseOptions } from '../../src/regex/options.ts';
import { compileRegex } from '../../src/regex/regex.ts';

/** [pattern, option letters, subject, expected ovector or 'nomatch' or error number] */
type Row = [string, string, string, number[] | 'nomatch' | number, number?];

const ROWS: Row[] = [
  ['\\.php$', '', '/index.php', [6, 10]],
  ['\\.php$', '', '/index.php\n', [6, 10]],
  ['\\.php\\z', '', '/index.php\n', 'nomatch'],
  ['\\.PHP$', 'i', '/index.php', [6, 10]],
  ['^(.+\\.php)(.*)$', '', '/a.php/b', [0, 8, 0, 6, 6, 8]],
  ['(a|(b))+', '', 'ba', [0, 2, 1, 2, 0, 1]],
  ['(?:(a)|b)*', '', 'ab', [0, 2, 0, 1]],
  ['(a*)*', '', 'b', [0, 0, 0, 0]],
  ['(a*)?', '', 'b', [0, 0, 0, 0]],
  ['(a)?\\1', '', 'b', 'nomatch'],
  ['(a)?\\1', 'J', 'b', [0, 0, -1, -1]],
  ['\xe9', 'i', '\xc9', 'nomatch'],
  ['\xc3\xa9', 'iu', '\xc3\x89', [0, 2]],
  ['.', 'u', '\xe4\xbd\xa0\xe5\xa5\xbd', [0, 3]],
  ['.', 'u', '\xe4\xbd\xa0\xe5', -4],
  ['a++b', '', 'aab', [0, 3]],
  ['a++a', '', 'aaa', 'nomatch'],
  ['(?>a|ab)c', '', 'abc', 'nomatch'],
  ['foo\\Kbar', '', 'foobar', [3, 6]],
  ['a(?:\\K){0}', '', 'a', [0, 1]],
  ['(?=(a)){2}a', '', 'a', [0, 1, 0, 1]],
  ['(\\((?:[^()]|(?1))*\\))', '', 'x(a(b)c)', [1, 8, 1, 8]],
  ['(a)?(?(1)b|c)', '', 'ac', [1, 2, -1, -1]],
  ['a(*COMMIT)b', '', 'acab', 'nomatch'],
  ['(?|(a)|(b))\\1', '', 'bb', [0, 2, 0, 1]],
  ['\\s+$', '', 'a b' + ' '.repeat(30000) + 'x ', [30004, 30005]],
  ['^(a+)+$', '', 'a'.repeat(40) + '!', -47],
  ['[]a]+', '', 'a]', [0, 2]],
  ['[^]a]', '', ']b', [1, 2]],
  ['\\Qa.b\\E+', '', 'a.bb', [0, 4]],
  ['\\h\\v', '', ' \x0b', [0, 2]],
  ['^b', 'm', 'a\nb\n', [2, 3]],
  ['^', 'm', '\n', [0, 0]],
  ['(?i)a(?-i)b', '', 'Ab', [0, 2]],
  ['(?<y>\\d{4})-(?<m>\\d\\d)', '', 'on 2024-05', [3, 10, 3, 7, 8, 10]],
  ['\\Gb', '', 'abb', [1, 2], 1],
  ['b', 'a', 'ab', 'nomatch'],
  ['(?<=ab|c)d', '', 'abd', [2, 3]],
  ['', '', 'x', [1, 1], 1],
];

test('patterns match as in PCRE2', () => {
  for (const [pattern, letters, subject, expected, start = 0] of ROWS) {
    const regex = compileRegex(pattern, parseOptions(letters).regex);
    const rc = regex.exec(subject, start);
    const got = rc >= 0 ? Array.from(regex.ovector) : rc === -1 ? 'nomatch' : rc;
    assert.deepEqual(got, expected, `${pattern} on ${JSON.stringify(subject)} (${regex.engine})`);
    if (Array.isArray(expected)) {
      assert.equal(regex.match(subject, start), rc);
      for (let i = 0; i <= regex.captureCount; i++) {
        const pair: number[] = expected.slice(i * 2, i * 2 + 2);
        assert.equal(regex.group(i), pair[0] === -1 ? undefined : subject.slice(...pair));
      }
    }
  }
});

test('compile errors carry nginx and PCRE2 texts', () => {
  const text = (pattern: string) => {
    try {
      compileRegex(pattern);
      return 'compiled';
    } catch (error) {
      assert.ok(error instanceof RegexError);
      return compileErrorText(pattern, error);
    }
  };
  assert.equal(text('(abc'), 'pcre2_compile() failed: missing closing parenthesis in "(abc"');
  assert.equal(text('a)b'), 'pcre2_compile() failed: unmatched closing parenthesis in "a)b" at ")b"');
  assert.equal(text('a**'), 'pcre2_compile() failed: quantifier does not follow a repeatable item in "a**" at "*"');
  assert.equal(
    text('(?<=a*)'),
    'pcre2_compile() failed: lookbehind assertion is not fixed length in "(?<=a*)" at "(?<=a*)"',
  );
});

test('names come in the order of the name table', () => {
  const regex = compileRegex('(?<zed>a)(?<abc>b)(?<zed>c)', { dupNames: true });
  assert.deepEqual(
    [...regex.names],
    [
      ['abc', [2]],
      ['zed', [1, 3]],
    ],
  );
});
