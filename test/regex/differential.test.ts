import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RegexError } from '../../src/regex/errors.ts';
import { Matcher } from '../../src/regex/matcher.ts';
import { parsePattern } from '../../src/regex/parser.ts';
import { compileRegex, type Regex } from '../../src/regex/regex.ts';
import { type Features, generate } from './generate.ts';
import { loadPcre2, type Outcome } from './pcre2.ts';

const real = loadPcre2();
const skip = real === null ? 'libpcre2-8 is not installed' : false;
/** PCRE2 10.42 takes `.` and \R for exclusive when it makes loops possessive, which they are not: that is left off. */
const NO_AUTO_POSSESS = 0x4000;
/** Errors that depend on which starts an engine passes over before it looks: recursion loops, limits, items not for DFA. */
const DEPENDS_ON_EFFORT = [-40, -42, -47, -52];

function describe(outcome: Outcome): string {
  if (outcome.kind === 'match') return outcome.ovector.join();
  return outcome.kind === 'error' ? 'error ' + outcome.code : outcome.kind;
}

function run(regex: Regex, subject: string, start: number): string {
  const rc = regex.exec(subject, start);
  return rc >= 0 ? regex.ovector.join() : rc === -1 ? 'nomatch' : 'error ' + rc;
}

function effort(text: string): boolean {
  return DEPENDS_ON_EFFORT.some((code) => text === 'error ' + code);
}

/** Compares `count` patterns with the library; gives the number of pattern and subject pairs compared. */
function compare(seed: number, count: number, features: Features): number {
  const next = generate(seed, features);
  let pairs = 0;
  for (let i = 0; i < count; i++) {
    const { pattern, options, bits, subjects } = next();
    const compiled = real!.compile(pattern, bits | NO_AUTO_POSSESS);
    const label = JSON.stringify(pattern) + ' options 0x' + bits.toString(16);
    if ('kind' in compiled) {
      assert.equal(compiled.kind, 'compile-error');
      assert.throws(
        () => compileRegex(pattern, options),
        (error) => {
          assert.ok(error instanceof RegexError);
          assert.deepEqual(
            [error.message, error.offset],
            compiled.kind === 'compile-error' && [compiled.message, compiled.offset],
            label,
          );
          return true;
        },
      );
      continue;
    }
    const regex = compileRegex(pattern, options);
    const own = options.dfa ? null : new Matcher(parsePattern(pattern, options), options.anchored === true, 1e7, 0);
    for (const [subject, start] of subjects) {
      pairs++;
      const want = describe(options.dfa ? compiled.dfa(subject, start) : compiled.exec(subject, start));
      const got = run(regex, subject, start);
      if (effort(want) || effort(got)) continue;
      assert.equal(got, want, `${label} on ${JSON.stringify(subject)} from ${start} (${regex.engine})`);
      if (own === null || want.startsWith('error')) continue;
      const ovector = new Int32Array(regex.ovector.length);
      const rc = own.match(subject, start, ovector);
      const mine = rc >= 0 ? ovector.join() : rc === -1 ? 'nomatch' : 'error ' + rc;
      if (!effort(mine)) assert.equal(mine, want, `${label} on ${JSON.stringify(subject)} from ${start} (own matcher)`);
    }
    compiled.free();
  }
  return pairs;
}

test('random patterns match as in the real PCRE2', { skip }, () => {
  assert.ok(compare(11, 1500, {}) > 5000);
});

test('random plain patterns match as in the real PCRE2', { skip }, () => {
  assert.ok(compare(12, 1000, { exotic: false }) > 5000);
});

test('random UTF-8 patterns match as in the real PCRE2', { skip }, () => {
  assert.ok(compare(13, 1000, { utf: true }) > 5000);
});

test('random patterns in DFA mode match as in the real PCRE2', { skip }, () => {
  assert.ok(compare(14, 1000, { dfa: true, exotic: false }) > 5000);
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
      const want = describe(compiled.exec(subject, 0));
      compiled.free();
      assert.equal(
        run(compileRegex(pattern, { jit: true, matchLimit: limit }), subject, 0),
        want,
        `${pattern} ${limit}`,
      );
    }
  }
});
