// Writes docs/conformance.md: how many blocks of OpenResty's own suites pass, file by file.
//
//   node scripts/conformance.mjs --baseline BASELINE.json VERDICTS.json...
//
// VERDICTS.json are what a run of the suites left: { suite: { file: "pfs..." } }, one letter a block. BASELINE.json says
// which blocks real OpenResty passes, in the same form under "suites". Files that were not run keep their counts, and a
// count that fell is an error: the page is left as it was.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const page = join(dirname(fileURLToPath(import.meta.url)), '../docs/conformance.md');
const { values, positionals } = parseArgs({ allowPositionals: true, options: { baseline: { type: 'string' } } });
if (values.baseline === undefined || positionals.length === 0) {
  console.error('usage: node scripts/conformance.mjs --baseline BASELINE.json VERDICTS.json...');
  process.exit(2);
}
const baseline = JSON.parse(readFileSync(values.baseline, 'utf8')).suites;

/** suite -> file -> [passed, of] */
const counts = {};
if (existsSync(page)) {
  let suite = '';
  for (const line of readFileSync(page, 'utf8').split('\n')) {
    const heading = /^## (\S+)$/.exec(line);
    if (heading) suite = heading[1];
    const row = /^\| (t\/\S+) \| (\d+) \| (\d+) \|$/.exec(line);
    if (row) (counts[suite] ??= {})[row[1]] = [Number(row[2]), Number(row[3])];
  }
}

const fallen = [];
for (const file of positionals) {
  const verdicts = JSON.parse(readFileSync(file, 'utf8'));
  for (const [suite, files] of Object.entries(verdicts)) {
    for (const [name, got] of Object.entries(files)) {
      const wanted = baseline[suite]?.[name] ?? '';
      let passed = 0;
      let of = 0;
      for (let i = 0; i < wanted.length; i++) {
        if (wanted[i] !== 'p') continue;
        of++;
        if (got[i] === 'p') passed++;
      }
      if (of === 0) continue;
      const before = counts[suite]?.[name];
      if (before !== undefined && before[0] > passed)
        fallen.push(`${suite} ${name}: ${before[0]} -> ${passed} of ${of}`);
      (counts[suite] ??= {})[name] = [passed, of];
    }
  }
}
if (fallen.length > 0) {
  console.error(`these counts fell:\n  ${fallen.join('\n  ')}`);
  process.exit(1);
}

const lines = [
  '# Conformance',
  '',
  "Blocks of OpenResty's own test suites that pass, by the real Test::Nginx (Perl), of those that real OpenResty passes",
  'and that do not ask for a C debug line or a LuaJIT trace line in error.log. Written by `scripts/conformance.mjs`.',
  '',
];
for (const suite of Object.keys(counts).sort()) {
  const files = Object.keys(counts[suite]).sort();
  const sum = files.reduce(([p, o], f) => [p + counts[suite][f][0], o + counts[suite][f][1]], [0, 0]);
  lines.push(
    `## ${suite}`,
    '',
    `${sum[0]} of ${sum[1]} (${((100 * sum[0]) / sum[1]).toFixed(1)} %) in the files run.`,
    '',
  );
  lines.push('| file | passed | of |', '|---|--:|--:|');
  for (const f of files) lines.push(`| ${f} | ${counts[suite][f][0]} | ${counts[suite][f][1]} |`);
  lines.push('');
}
writeFileSync(page, lines.join('\n'));
console.log(`${page}: written`);
