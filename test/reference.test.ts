// docs/modules/ is what scripts/reference.ts makes of the declarations.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FOLDER, pages } from '../scripts/reference.ts';

const AGAIN = 'run: node --import tsx scripts/reference.ts';

test('every module has its page, and it is up to date', () => {
  const made = pages();
  assert.deepEqual(readdirSync(FOLDER).sort(), [...made.keys()].sort(), AGAIN);
  for (const [name, text] of made) assert.equal(readFileSync(join(FOLDER, name), 'utf8'), text, `${name}: ${AGAIN}`);
});

test('every directive and module is described', () => {
  for (const [name, text] of pages()) {
    assert.doesNotMatch(text, /^undefined$/m, name);
    if (name !== 'README.md') assert.match(text, /^# \w+\n\n[^<\s]/, name);
  }
});
