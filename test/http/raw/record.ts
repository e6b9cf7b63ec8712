/** Asks the installed nginx all cases and writes answers.json. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Answer } from './case.ts';
import { subjects } from './cases/index.ts';
import { ask } from './client.ts';
import { startServer } from './server.ts';

const only = process.argv[2];
const server = await startServer('nginx');
const answers: Record<string, Record<string, Answer>> = {};
for (const [subject, cases] of Object.entries(subjects)) {
  if (only !== undefined && subject !== only) continue;
  answers[subject] = {};
  for (const c of cases) {
    if (c.name in answers[subject]) throw new Error(`two cases of ${subject} are called "${c.name}"`);
    answers[subject][c.name] = await ask(server, c, undefined);
  }
}
await server.stop();
if (only === undefined) {
  writeFileSync(fileURLToPath(new URL('answers.json', import.meta.url)), `${JSON.stringify(answers, null, 1)}\n`);
  const count = Object.values(answers).reduce((n, a) => n + Object.keys(a).length, 0);
  console.log(`${count} answers`);
} else {
  console.log(JSON.stringify(answers, null, 1));
}
