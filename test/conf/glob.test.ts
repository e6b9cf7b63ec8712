/** Patterns of `include`, checked against glob(3)'s results for the same files. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { glob } from '../../src/conf/glob.ts';

const dir = mkdtempSync(join(tmpdir(), 'tsresty-glob-'));
after(() => rmSync(dir, { recursive: true, force: true }));
for (const folder of ['d1', 'd2', '.d']) mkdirSync(join(dir, folder));
for (const file of ['b.conf', 'B.conf', 'a-b', '[x', '*', '.hidden', 'd1/z', 'd2/a', 'd2/z', '.d/z']) {
  writeFileSync(join(dir, file), '');
}

const cases: readonly [string, readonly string[]][] = [
  ['*.conf', ['B.conf', 'b.conf']],
  ['?.conf', ['B.conf', 'b.conf']],
  ['[a-c].conf', ['b.conf']],
  ['[!a-c].conf', ['B.conf']],
  ['[[:upper:]]*', ['B.conf']],
  ['[z-a]*', []],
  ['[ba[z-a].conf', ['b.conf']],
  ['[]x[]x', ['[x']],
  ['[x', ['[x']],
  ['\\*', ['*']],
  ['*\\', []],
  ['*-*', ['a-b']],
  ['.h*', ['.hidden']],
  ['d*/z', ['d1/z', 'd2/z']],
  ['d?/*', ['d1/z', 'd2/a', 'd2/z']],
  ['d*/', ['d1/', 'd2/']],
  ['.*/z', ['.d/z']],
  ['nothing*', []],
  ['b.conf/*', []],
];

describe('glob', () => {
  for (const [pattern, expected] of cases) {
    it(pattern, () =>
      assert.deepEqual(
        glob(`${dir}/${pattern}`).map((path) => path.slice(dir.length + 1)),
        expected,
      ),
    );
  }
});
