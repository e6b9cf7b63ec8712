/**
 * Asks the installed nginx all cases and writes answers.json:
 *
 *     node --import tsx test/http/differential/record.ts            all of them
 *     node --import tsx test/http/differential/record.ts SUBJECT    of one subject
 *     node --import tsx test/http/differential/record.ts --check    compares with what was recorded
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { Answer, Case } from './case.ts';
import type { Places } from './conf.ts';
import { run } from './run.ts';
import { startServer } from './server.ts';
import { subjects } from './subjects/index.ts';

const file = fileURLToPath(new URL('answers.json', import.meta.url));
/** Cases at a time. */
const WIDTH = 12;

const args = process.argv.slice(2);
const check = args.includes('--check');
const only = args.find((arg) => !arg.startsWith('--'));
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, Answer>>;
const chosen: [string, Case][] = [];
const answers: Record<string, Record<string, Answer>> = {};
for (const [subject, cases] of Object.entries(subjects)) {
  if (only !== undefined && subject !== only) {
    if (recorded[subject] !== undefined) answers[subject] = recorded[subject];
    continue;
  }
  const names = new Set<string>();
  answers[subject] = {};
  for (const c of cases) {
    if (names.has(c.name)) throw new Error(`two cases of ${subject} are called "${c.name}"`);
    names.add(c.name);
    chosen.push([subject, c]);
  }
}
const server = await startServer(
  'nginx',
  chosen.map(([, c]) => c),
);
const given: Answer[] = [];
const queue = chosen.entries();
await Promise.all(
  Array.from({ length: WIDTH }, async () => {
    for (const [i, [, c]] of queue) given[i] = await run(c, server.places[i] as Places);
  }),
);
await server.stop();
let changed = 0;
for (const [i, [subject, { name }]] of chosen.entries()) {
  const answer = given[i] as Answer;
  (answers[subject] as Record<string, Answer>)[name] = answer;
  if (!isDeepStrictEqual(recorded[subject]?.[name], answer)) {
    changed++;
    if (check) console.log(`${subject}: ${name}:`, recorded[subject]?.[name], answer);
  }
}
if (!check) writeFileSync(file, `${JSON.stringify(answers, null, 1)}\n`);
console.log(`${chosen.length} answers, ${changed} of them new or different`);
