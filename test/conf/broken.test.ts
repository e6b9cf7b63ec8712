/**
 * Broken and odd configurations: the same messages and the same verdict as `nginx -t`. Cases with directives that
 * are not there yet are skipped, and join in by themselves once somebody declares them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { allCases, modules } from './broken/all.ts';
import type { Outcome } from './broken/case.ts';
import { hasNginx, runNginx, runOurs } from './broken/run.ts';

const expected = JSON.parse(readFileSync(new URL('broken/expected.json', import.meta.url), 'utf8')) as Record<
  string,
  Outcome
>;

const isRoot = process.geteuid?.() === 0;

describe('broken configurations', () => {
  for (const item of allCases) {
    it(item.name, (t) => {
      if (item.root === true && !isRoot) {
        t.skip('needs root');
        return;
      }
      const outcome = runOurs(item, modules);
      const nginx = expected[item.name];
      assert.ok(nginx !== undefined, 'no expected output: run record.ts');
      if (item.differs !== undefined) {
        assert.deepEqual(outcome.lines, item.differs.ours);
        assert.notDeepEqual(outcome.lines, nginx.lines, 'no difference is left');
        return;
      }
      const unsupported = /"\S+" directive is not supported yet by tsresty/.exec(outcome.lines.at(-1) ?? '');
      if (unsupported !== null) t.skip(unsupported[0]);
      else assert.deepEqual(outcome, nginx);
    });
  }
});

describe('the expected outputs', { skip: isRoot && hasNginx() ? false : 'needs nginx 1.22 and root' }, () => {
  it('are what nginx says', () => {
    for (const item of allCases) assert.deepEqual(runNginx(item), expected[item.name], item.name);
  });
});
