import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { errno, libc, sendfile, systemError } from '../../src/shm/libc.ts';

const directory = mkdtempSync(join(tmpdir(), 'shm-libc-'));
after(() => rmSync(directory, { recursive: true }));
const file = join(directory, 'file');
writeFileSync(file, 'abcdefghij'.repeat(1000));

test('pread reads into a buffer', () => {
  const fd = openSync(file, 'r');
  const buffer = Buffer.alloc(5);
  assert.equal(libc.pread(fd, buffer, 5, 3), 5);
  assert.equal(buffer.toString(), 'defgh');
  closeSync(fd);
});

test('errors carry errno and the C library text', () => {
  assert.equal(libc.pread(-1, Buffer.alloc(1), 1, 0), -1);
  const number = errno();
  assert.equal(number, 9);
  const error = systemError('pread()', number);
  assert.equal(error.message, 'pread() failed (9: Bad file descriptor)');
  assert.equal(error.errno, 9);
});

test('sendfile sends a part of a file, or a negated errno', { skip: process.platform !== 'linux' }, () => {
  const input = openSync(file, 'r');
  const target = join(directory, 'copy');
  // On Linux the output may be a file as well.
  const output = openSync(target, 'w');
  assert.equal(sendfile(output, input, 12, 5000), 5000);
  assert.equal(sendfile(output, input, 9990, 5000), 10);
  assert.equal(sendfile(output, -1, 0, 10), -9);
  closeSync(output);
  assert.equal(readFileSync(target, 'latin1'), 'cdefghijab'.repeat(500) + 'abcdefghij');
  closeSync(input);
});

test('flock excludes a second open of the file', () => {
  const [one, two] = [openSync(file, 'r'), openSync(file, 'r')];
  const [exclusive, nonBlocking] = [2, 4];
  assert.equal(libc.flock(one, exclusive | nonBlocking), 0);
  assert.equal(libc.flock(two, exclusive | nonBlocking), -1);
  closeSync(one);
  assert.equal(libc.flock(two, exclusive | nonBlocking), 0);
  closeSync(two);
});

test('getrlimit reads two numbers', () => {
  const limit = new BigUint64Array(2);
  const openFiles = process.platform === 'darwin' ? 8 : 7;
  assert.equal(libc.getrlimit(openFiles, limit), 0);
  assert.ok(limit[0]! >= 64n && limit[1]! >= limit[0]!);
});

test('without koffi the error says what is missing', () => {
  const script = `
    import Module from 'node:module';
    const resolve = Module._resolveFilename;
    Module._resolveFilename = function (request, ...rest) {
      if (request === 'koffi') throw new Error('Cannot find it');
      return resolve.call(this, request, ...rest);
    };
    const { createZone } = await import('./src/shm/zone.ts');
    try { createZone('z', 65536); } catch (error) { console.log(error.name + ': ' + error.message); }
  `;
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  assert.match(
    stdout,
    /^LibcUnavailableError: the native call library "koffi" cannot be loaded on \S+: Cannot find it$/m,
    stderr,
  );
});
