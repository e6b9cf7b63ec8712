import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Answer, Case } from './case.ts';
import type { Places } from './conf.ts';
import { apply, newer } from './known.ts';
import { run } from './run.ts';
import { type RunningServer, startServer } from './server.ts';
import { subjects } from './subjects/index.ts';

/** Cases at a time. */
const WIDTH = 12;

const answers = JSON.parse(readFileSync(new URL('answers.json', import.meta.url), 'utf8')) as Record<
  string,
  Record<string, Answer>
>;
const only = process.env.ONLY;
const all: [string, Case][] = Object.entries(subjects)
  .filter(([subject]) => only === undefined || subject === only)
  .flatMap(([subject, cases]) => cases.map((c): [string, Case] => [subject, c]));

// Only on Linux is all of 127/8 this machine.
describe('as nginx does', { skip: process.platform !== 'linux', concurrency: WIDTH }, () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer(
      'tsresty',
      all.map(([, c]) => c),
    );
  });
  after(async () => {
    await server?.stop();
  });
  for (const [i, [subject, c]] of all.entries()) {
    test(`${subject}: ${c.name}`, async () => {
      const recorded = answers[subject]?.[c.name];
      assert.ok(recorded, 'answers.json lacks the case: run record.ts');
      const expected = apply(apply(newer(recorded), c.newer), c.ours);
      if (c.newer !== undefined || c.ours !== undefined) {
        assert.ok(!isDeepStrictEqual(expected, newer(recorded)), 'a known difference is none');
      }
      assert.deepEqual(await run(c, server.places[i] as Places, expected), expected);
    });
  }
});
