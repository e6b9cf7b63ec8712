/** Broken and odd configurations: the same messages and the same verdict as `nginx -t`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Outcome } from './broken/case.ts';
import { coreCases } from './broken/core.ts';
import { hasNginx, runNginx, runOurs } from './broken/run.ts';

const expected = JSON.parse(readFileSync(new URL('broken/expected.json', import.meta.url), 'utf8')) as Record<
  string,
  Outcome
>;

describe('broken configurations', () => {
  for (const item of coreCases) {
    it(item.name, () => {
      const outcome = runOurs(item, []);
      const nginx = expected[item.name];
      assert.ok(nginx !== undefined, 'no expected output: run record.ts');
      if (item.differs === undefined) {
        assert.deepEqual(outcome, nginx);
      } else {
        assert.deepEqual(outcome.lines, item.differs.ours);
        assert.notDeepEqual(outcome.lines, nginx.lines, 'no difference is left');
      }
    });
  }
});

describe('the expected outputs', { skip: hasNginx() ? false : 'nginx 1.22 is not installed' }, () => {
  it('are what nginx says', () => {
    for (const item of coreCases) assert.deepEqual(runNginx(item), expected[item.name], item.name);
  });
});
