/**
 * Compares src/regex with the real libpcre2-8 and says what differs.
 *
 *   node --import tsx scripts/regex-differential.ts --testdata DIR [FILE ...]   PCRE2's own test files
 *   node --import tsx scripts/regex-differential.ts --seeds 1,2,3 [--pairs N]   generated pairs, N for each seed
 *
 *   --limit N  match limit of both   --bits N  further option bits for the library   --show N  differences of each kind
 *   --kinds silent,self,unicode,compile,ours,theirs,code: those to show
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { comparePattern, type Kind, newTally, type Tally } from '../test/regex/compare.ts';
import { type Features, generate } from '../test/regex/generate.ts';
import { loadPcre2 } from '../test/regex/pcre2.ts';
import { parseTestFile } from '../test/regex/testdata.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    testdata: { type: 'string' },
    seeds: { type: 'string' },
    pairs: { type: 'string', default: '100000' },
    limit: { type: 'string', default: '0' },
    bits: { type: 'string', default: '0' },
    show: { type: 'string', default: '20' },
    kinds: { type: 'string', default: 'silent,self,unicode,compile,ours,theirs,code' },
  },
});
const real = loadPcre2();
if (real === null) throw new Error('libpcre2-8 is not installed');
const setting = { limit: Number(values.limit), extraBits: Number(values.bits) };
const KINDS: readonly Kind[] = ['silent', 'self', 'unicode', 'compile', 'ours', 'theirs', 'code'];

const HEAD =
  '| run | patterns | of them faulty on both sides | pairs | matches | errors on both sides | silent | library against itself | newer Unicode | compile | error here only | error there only | other error |';
console.log(`PCRE2 ${real.version}\n\n${HEAD}\n|---|${'--:|'.repeat(12)}`);

const all: Tally = newTally();
function report(name: string, tally: Tally): void {
  const counts = KINDS.map((kind) => tally.differences.filter((d) => d.kind === kind).length);
  const { patterns, faulty, pairs, matches, errors } = tally;
  const both = errors - counts[5]!;
  console.log(`| ${[name, patterns, faulty, pairs, matches, both, ...counts].join(' | ')} |`);
  all.differences.push(...tally.differences.map((d) => ({ kind: d.kind, text: name + ': ' + d.text })));
}

const leftOut = new Map<string, number>();
if (values.testdata !== undefined) {
  const names =
    positionals.length > 0 ? positionals : readdirSync(values.testdata).filter((n) => /^testinput\d+$/.test(n));
  names.sort((a, b) => Number(a.replace(/\D/g, '')) - Number(b.replace(/\D/g, '')));
  for (const name of names) {
    const file = parseTestFile(readFileSync(join(values.testdata, name), 'latin1'));
    for (const [why, n] of file.leftOut) leftOut.set(why, (leftOut.get(why) ?? 0) + n);
    for (const dfa of [false, true]) {
      const tally = newTally();
      for (const { pattern, options, subjects, global } of file.patterns) {
        comparePattern(real, tally, pattern, dfa ? { ...options, dfa } : options, subjects, { ...setting, global });
      }
      report(name + (dfa ? ', d' : ''), tally);
    }
  }
}

const FAMILIES: readonly [name: string, features: Features][] = [
  ['all', {}],
  ['plain', { exotic: false }],
  ['UTF', { utf: true }],
  ['DFA', { dfa: true }],
];
for (const seed of values.seeds?.split(',').map(Number) ?? []) {
  for (const [name, features] of FAMILIES) {
    const tally = newTally();
    const next = generate(seed, features);
    const wanted = Number(values.pairs) / FAMILIES.length;
    while (tally.pairs < wanted) {
      const { pattern, options, subjects } = next();
      comparePattern(real, tally, pattern, options, subjects, setting);
    }
    report(`seed ${seed}, ${name}`, tally);
  }
}

for (const kind of values.kinds.split(',')) {
  const list = all.differences.filter((d) => d.kind === kind);
  if (list.length > 0) console.log(`\n${kind} (${list.length}):`);
  for (const { text } of list.slice(0, Number(values.show))) console.log('  ' + text.slice(0, 500));
}
if (leftOut.size > 0) {
  console.log(
    '\nleft out, by modifier: ' +
      [...leftOut]
        .sort((a, b) => b[1] - a[1])
        .map((e) => e.join(' '))
        .join(', '),
  );
}
process.exitCode = all.differences.some((d) => d.kind === 'silent') ? 1 : 0;
