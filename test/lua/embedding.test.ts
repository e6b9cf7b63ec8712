// The examples of docs/embedding-lua.md print what the page says.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/embedding-lua.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'embedding-'));
after(() => rmSync(folder, { recursive: true }));

const examples = [...page.matchAll(/^```ts run\n([\s\S]*?)^```\n\n```output\n([\s\S]*?)^```$/gm)];
test('the page has examples', () => assert.ok(examples.length >= 6));
test('every example that is run has its output', () =>
  assert.equal(examples.length, page.match(/^```ts run$/gm)?.length));

examples.forEach(([, code, output], i) => {
  test(`example ${i + 1}`, () => {
    const file = join(folder, `${i}.mts`);
    writeFileSync(file, (code as string).replaceAll("'tsresty/lua'", `'${join(root, 'src/lua/index.ts')}'`));
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', file], {
      cwd: root,
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.equal(stderr, '');
    assert.equal(stdout, output);
    assert.equal(status, 0);
  });
});
