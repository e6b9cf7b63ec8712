// Writes docs/conformance.md: which blocks of OpenResty's own suites pass, file by file, and why the others do not.
//
//   node scripts/conformance.mjs --baseline BASELINE.json [--flaky "SUITE FILE"]... VERDICTS.json...
//   node scripts/conformance.mjs
//
// VERDICTS.json are what a run of the suites left: { suite: { file: "pfs..." } }, one letter a block. BASELINE.json says
// which blocks real OpenResty passes, in the same form under "suites": p, or d and j where the block asks for a line that
// only C or LuaJIT's tracer writes. Both go into scripts/conformance.json, from which the page is made; files that were
// not run keep what they had there. A count that fell is an error: nothing is written then. It may fall in a file named by
// --flaky, one of whose blocks has turned out to pass by chance: such a block counts as failing. The reasons are those of
// scripts/conformance-reasons.txt; without arguments the page is made anew with them.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const page = join(here, '../docs/conformance.md');
const stored = join(here, 'conformance.json');

const PASSES = 'p';
const FAILS = 'f';
/** The same for a block that asks for a line which only C or LuaJIT's tracer writes. */
const PASSES_DEBUG = '+';
const FAILS_DEBUG = '-';
/** Real OpenResty does not pass it here. */
const DOES_NOT_COUNT = '.';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { baseline: { type: 'string' }, flaky: { type: 'string', multiple: true, default: [] } },
});
if ((values.baseline === undefined) !== (positionals.length === 0)) {
  console.error(
    'usage: node scripts/conformance.mjs [--baseline BASELINE.json [--flaky "SUITE FILE"]... VERDICTS.json...]',
  );
  process.exit(2);
}

/** suite -> file -> one letter a block, of the five above. */
const results = existsSync(stored) ? JSON.parse(readFileSync(stored, 'utf8')) : {};

const count = (letters, letter) => letters.split(letter).length - 1;

function lettersOf(wanted, got) {
  let letters = '';
  for (let i = 0; i < wanted.length; i++) {
    const passes = got[i] === 'p';
    if (wanted[i] === 'p') letters += passes ? PASSES : FAILS;
    else if (wanted[i] === 'd' || wanted[i] === 'j') letters += passes ? PASSES_DEBUG : FAILS_DEBUG;
    else letters += DOES_NOT_COUNT;
  }
  return letters;
}

const fallen = [];
const runs = positionals.map((file) => JSON.parse(readFileSync(file, 'utf8')));
const baseline = values.baseline === undefined ? {} : JSON.parse(readFileSync(values.baseline, 'utf8')).suites;
for (const run of runs)
  for (const [suite, files] of Object.entries(run)) {
    results[suite] ??= {};
    for (const [name, got] of Object.entries(files)) {
      const letters = lettersOf(baseline[suite]?.[name] ?? '', got);
      const before = results[suite][name] ?? '';
      if (count(letters, PASSES) < count(before, PASSES) && !values.flaky.includes(`${suite} ${name}`))
        fallen.push(`${suite} ${name}: ${count(before, PASSES)} -> ${count(letters, PASSES)}`);
      if (/[^.]/.test(letters)) results[suite][name] = letters;
    }
  }
if (fallen.length > 0) {
  console.error(`these counts fell:\n  ${fallen.join('\n  ')}`);
  process.exit(1);
}

/** "suite file position" -> why the block fails. */
const reasons = new Map();
for (const line of readFileSync(join(here, 'conformance-reasons.txt'), 'utf8').split('\n')) {
  if (line === '' || line.startsWith('#')) continue;
  const match = /^(\S+ t\/\S+ \d+): (.+)$/.exec(line);
  if (match === null) throw new Error(`scripts/conformance-reasons.txt: not SUITE FILE POSITION: REASON: ${line}`);
  reasons.set(match[1], match[2]);
}

const percent = (part, whole) => (whole === 0 ? '' : `${((100 * part) / whole).toFixed(1)} %`);
const totals = ['| suite | passed | of | | with debug lines | of | |', '|---|--:|--:|--:|--:|--:|--:|'];
const tables = [];
for (const suite of Object.keys(results).sort()) {
  let passed = 0;
  let of = 0;
  let passedDebug = 0;
  let ofDebug = 0;
  const rows = [];
  const failing = [];
  for (const [file, letters] of Object.entries(results[suite]).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const p = count(letters, PASSES);
    const all = p + count(letters, FAILS);
    passed += p;
    of += all;
    passedDebug += count(letters, PASSES_DEBUG);
    ofDebug += count(letters, PASSES_DEBUG) + count(letters, FAILS_DEBUG);
    if (all > 0) rows.push(`| ${file} | ${p} | ${all} |`);
    const by = new Map();
    for (let i = 0; i < letters.length; i++) {
      if (letters[i] !== FAILS) continue;
      const reason = reasons.get(`${suite} ${file} ${i + 1}`) ?? 'not looked into';
      by.set(reason, [...(by.get(reason) ?? []), i + 1]);
    }
    for (const [reason, blocks] of by) failing.push(`| ${file} | ${blocks.join(', ')} | ${reason} |`);
  }
  totals.push(
    `| ${suite} | ${passed} | ${of} | ${percent(passed, of)} | ${passed + passedDebug} | ${of + ofDebug} | ${percent(passed + passedDebug, of + ofDebug)} |`,
  );
  tables.push(`## ${suite}`, '');
  if (failing.length > 0)
    tables.push(
      'Failing blocks, by their position in the file:',
      '',
      '| file | blocks | why |',
      '|---|---|---|',
      ...failing,
      '',
    );
  tables.push('| file | passed | of |', '|---|--:|--:|', ...rows, '');
}

writeFileSync(
  page,
  [
    '# Conformance',
    '',
    "Blocks of OpenResty's own test suites that pass, by the real Test::Nginx (Perl), of those that real OpenResty passes.",
    'The first score leaves out blocks that ask error.log for a debug line of the C code or a line of the LuaJIT tracer; the',
    'second has them too. Written by `scripts/conformance.mjs`.',
    '',
    ...totals,
    '',
    ...tables,
  ].join('\n'),
);
const sorted = Object.fromEntries(
  Object.entries(results)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([suite, files]) => [suite, Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)))]),
);
writeFileSync(stored, `${JSON.stringify(sorted, undefined, 1)}\n`);
console.log(`${page}: written`);
