import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { Answer } from './case.ts';
import { subjects } from './cases/index.ts';
import { ask } from './client.ts';
import { type RunningServer, startServer } from './server.ts';

const answers = JSON.parse(readFileSync(new URL('answers.json', import.meta.url), 'utf8')) as Record<
  string,
  Record<string, Answer>
>;

let server: RunningServer;
before(async () => {
  server = await startServer('tsresty');
});
after(async () => {
  await server.stop();
});

for (const [subject, cases] of Object.entries(subjects)) {
  describe(subject, () => {
    for (const c of cases) {
      test(c.name, async () => {
        const recorded = answers[subject]?.[c.name];
        assert.ok(recorded, 'answers.json lacks the case: run record.ts');
        const { because: _, ...newer } = c.newer ?? { because: '' };
        const expected = { ...recorded, ...newer };
        assert.deepEqual(await ask(server, c, expected), expected);
      });
    }
  });
}
