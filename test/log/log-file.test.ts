import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { LogFile } from '../../src/log/log-file.ts';
import { OpenFile } from '../../src/log/open-file.ts';
import { updateTime } from '../../src/log/time.ts';

let dir: string;
const open: OpenFile[] = [];
const complaints: string[] = [];
const errors = () => ({ level: 8, write: (_: number, message: string) => void complaints.push(message) });

function openFile(name: string): OpenFile {
  const file = new OpenFile(join(dir, name));
  file.open();
  open.push(file);
  return file;
}
const read = (file: OpenFile) => readFileSync(file.path, 'latin1');

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'process-logfile-'));
});
after(() => {
  for (const file of open) file.close();
  rmSync(dir, { recursive: true });
});

test('without a buffer a line is in the file at once', () => {
  const file = openFile('plain');
  const log = new LogFile(file, {}, errors);
  log.append('one\n');
  assert.equal(read(file), 'one\n');
});

test('a buffer is written when the next line does not fit', () => {
  const file = openFile('buffer');
  const log = new LogFile(file, { buffer: 10 }, errors);
  log.append('1234\n');
  log.append('5678\n');
  assert.equal(read(file), '');
  log.append('9\n');
  assert.equal(read(file), '1234\n5678\n');
  log.append('longer than the buffer\n');
  assert.equal(read(file), '1234\n5678\n9\nlonger than the buffer\n');
});

test('reopen writes the buffer into the old file', () => {
  const file = openFile('reopen');
  const log = new LogFile(file, { buffer: 100 }, errors);
  log.append('kept\n');
  file.reopen({ level: 0, write() {} });
  assert.equal(read(file), 'kept\n');
});

test('flush= writes after its time', async () => {
  const file = openFile('flush');
  const log = new LogFile(file, { buffer: 100, flush: 5 }, errors);
  log.append('late\n');
  assert.equal(read(file), '');
  while (read(file) === '') await sleep(2);
  assert.equal(read(file), 'late\n');
});

test('gzip appends members that read as one file', () => {
  const file = openFile('gz');
  const log = new LogFile(file, { buffer: 100, gzip: 1 }, errors);
  log.append('a\n');
  log.flush();
  log.append('b\xfe\n');
  log.flush();
  assert.equal(gunzipSync(readFileSync(file.path)).toString('latin1'), 'a\nb\xfe\n');
});

test('a failing write is reported once', () => {
  updateTime();
  const file = new OpenFile('/dev/full');
  file.open();
  open.push(file);
  const log = new LogFile(file, {}, errors);
  log.append('x\n');
  log.append('y\n');
  assert.deepEqual(complaints, ['write() to "/dev/full" failed (28: No space left on device)']);
});
