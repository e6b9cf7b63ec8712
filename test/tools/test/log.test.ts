import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { LogReader } from '../../../src/tools/test/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'log-'));
after(() => rmSync(folder, { recursive: true }));

test('a log is read on from where the last check ended, or whole each time', () => {
  const file = join(folder, 'error.log');
  const next = new LogReader(file, false);
  const whole = new LogReader(file, true);
  assert.deepEqual(next.lines(), []);
  appendFileSync(file, 'one\r\n\rtwo\nthr', 'latin1');
  assert.deepEqual(next.peek(), ['one\r\n', '\rtwo\n', 'thr']);
  assert.deepEqual(next.lines(), ['one\r\n', '\rtwo\n', 'thr']);
  appendFileSync(file, 'ee\n');
  assert.deepEqual(next.lines(), ['ee\n']);
  assert.deepEqual(whole.lines(), ['one\r\n', '\rtwo\n', 'three\n']);
  assert.deepEqual(whole.lines().length, 3);
});
