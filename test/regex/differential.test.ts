// Generated and written patterns run here and by the real library. scripts/regex-differential.ts does the same with more
// seeds, and with PCRE2's own test files; docs/regex.md tells what it counted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRegex } from '../../src/regex/regex.ts';
import { comparePattern, type Kind, newTally, type Tally } from './compare.ts';
import { type Features, generate } from './generate.ts';
import { loadPcre2, type Outcome } from './pcre2.ts';
import { parseTestFile } from './testdata.ts';

const real = loadPcre2();
const skip = real === null ? 'libpcre2-8 is not installed' : false;

/** Kinds of differences that a user would not be told of. */
const SILENT: readonly Kind[] = ['silent', 'compile'];

function noneSilent(tally: Tally): void {
  assert.deepEqual(
    tally.differences.filter((d) => SILENT.includes(d.kind)).map((d) => d.text),
    [],
  );
}

/** Compares generated patterns until so many pairs of pattern and subject have been run. */
function compare(seed: number, pairs: number, features: Features): Tally {
  const next = generate(seed, features);
  const tally = newTally();
  while (tally.pairs < pairs) {
    const { pattern, options, subjects } = next();
    comparePattern(real!, tally, pattern, options, subjects);
  }
  noneSilent(tally);
  return tally;
}

test('random patterns match as in the real PCRE2', { skip }, () => {
  const tally = compare(11, 6000, {});
  assert.ok(tally.matches > 2000 && tally.faulty > 20);
});

test('random plain patterns match as in the real PCRE2, and none ends in an error', { skip }, () => {
  const tally = compare(12, 5000, { exotic: false });
  assert.ok(tally.differences.every((d) => d.kind === 'self'));
});

test('random UTF-8 patterns match as in the real PCRE2', { skip }, () => {
  compare(13, 5000, { utf: true });
});

test('random patterns in DFA mode match as in the real PCRE2', { skip }, () => {
  compare(14, 5000, { dfa: true });
});

/** In the format of PCRE2's test files: what these found different once. */
const WRITTEN = String.raw`# each with what it is about
/(?=b(*THEN)a)bn|bnn/
    bnn

/(?(?!b(*SKIP)a)bn|bnn)/
    bnn

/aaaaa(*:n)(*PRUNE:m)(*SKIP:m)m|a+/
    aaaaaa

/a(?>(*:X))(*SKIP:X)(*F)|(.)/
    abc

/^(?(?!(a))def|abc)/
    abc

/(*napla:a(*ACCEPT)zz|(.))\1../
    abcd

/^(?|(\*)(*napla:\S*_(\2?+.+))|(\w)(?=\S*_(\2?+\1)))+_\2$/
    *abc_12345abc

/<(?xxx:[a b])>/
    < >

/.+foo/newline=crlf
    \r\nfoo

/(?m)^$/newline=any
    abc\r\n\r\n\=offset=6

/^\X/utf
    \x{231a}\x{231b}B
    \x{1f468}\x{200d}\x{1f469}\x{1f467}B
    \x{1f1e6}\x{1f1e7}\x{1f1e8}B
    \x{1100}\x{1161}\x{11a8}B

/^[[:graph:]]+$/utf,ucp
    \x{61c}
    \x{2066}

/[[:upper:]]/i,ucp
    a

/[^\D\P{Nd}]/utf
    \x{1d7cf}
    7

/\p{Tglg}\p{scx=Arab}/utf
    \x{1703}\x{640}

/(?<=a(?<=a|ba)c)/
    ac

/(\2)((?=(?<=\1)))/

/(?|([ab]))...(?<=\1)z/

/\g{3/

/\x{2/

/\o/

/((?(R8000000000)))/

/(\n?+|(?(VERSION>=10.4)|(\H\A\S?+)[\d_](*F)))/m
    a
`;

test('what was different once is so no more', { skip }, () => {
  const { patterns, leftOut } = parseTestFile(WRITTEN);
  assert.equal(leftOut.size, 0);
  assert.equal(patterns.length, 23);
  const tally = newTally();
  for (const { pattern, options, subjects, global } of patterns) {
    for (const dfa of [false, true]) {
      comparePattern(real!, tally, pattern, dfa ? { ...options, dfa } : options, subjects, { global });
    }
  }
  noneSilent(tally);
});

test('patterns that backtrack without end come to the match limit', () => {
  const a = 'a'.repeat(60);
  const cases: [pattern: string, subject: string, letters: 'dfa' | 'jit'][] = [
    ['^(a+)+$', a + '!', 'jit'],
    ['(a|aa)+$', a + '!', 'jit'],
    ['(?:a?){40}a{40}', a.slice(0, 40), 'jit'],
    ['^(\\w+\\s?)*$', 'word '.repeat(40) + '!', 'jit'],
    ['((?:a|b)*+c)*\\d', a.repeat(2000), 'dfa'],
  ];
  for (const [pattern, subject, letter] of cases) {
    assert.equal(compileRegex(pattern, { [letter]: true, matchLimit: 10_000 }).match(subject), -47, pattern);
  }
});

test('match limits under JIT strike where the real library counts', { skip }, () => {
  const patterns: [string, string][] = [
    ['(a+)+$', 'aaaaaaaaaaaaaa!'],
    ['(a|b)*c', 'abababdc'],
    ['((a)|b)+d', 'abababcd'],
    ['(a)?(b)?c', 'abdc'],
    ['(\\w)+\\d', 'abcdefgh'],
  ];
  for (const [pattern, subject] of patterns) {
    for (let limit = 1; limit < 40; limit++) {
      const compiled = real!.compile(pattern, 0, true, limit);
      assert.ok(!('kind' in compiled));
      const outcome: Outcome = compiled.exec(subject, 0);
      const want =
        outcome.kind === 'match'
          ? outcome.ovector.join()
          : outcome.kind === 'error'
            ? 'error ' + outcome.code
            : 'nomatch';
      compiled.free();
      const regex = compileRegex(pattern, { jit: true, matchLimit: limit });
      const rc = regex.exec(subject);
      const got = rc >= 0 ? regex.ovector.join() : rc === -1 ? 'nomatch' : 'error ' + rc;
      assert.equal(got, want, `${pattern} ${limit}`);
    }
  }
});
