/** The calls about files, through node:fs and through the C library: both must see the same. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { failure, nativeCalls, nodeCalls, status } from '../../src/http/file-calls.ts';

const dir = mkdtempSync(join(tmpdir(), 'tsresty-calls-'));
after(() => rmSync(dir, { recursive: true }));
const path = (name: string): string => join(dir, name);
writeFileSync(path('a'), 'some text');
utimesSync(path('a'), new Date(1500), new Date(-1500));
chmodSync(path('a'), 0o640);
mkdirSync(path('folder'));
symlinkSync('loop', path('loop'));
symlinkSync('a', path('link'));
// By its bytes: u with diaeresis in Latin-1, which is not UTF-8.
writeFileSync(Buffer.from(path('\xfc'), 'latin1'), 'x');
const large = 5 * 2 ** 30;

const native = nativeCalls();

describe('calls about files', () => {
  it('are to be had through the C library on Linux', { skip: process.platform !== 'linux' }, () => {
    assert.notEqual(native, undefined);
  });

  for (const name of [
    'a',
    'folder',
    'link',
    'none',
    'a/b',
    'loop',
    '\xfc',
    'a\0',
    'x'.repeat(300),
    '/x'.repeat(3000),
  ]) {
    it(`agree on ${JSON.stringify(name.slice(0, 10))}`, { skip: native === undefined }, () => {
      const seen = [nodeCalls, native!].map((calls) => {
        const found = calls.stat(path(name)) ? { ...status } : failure();
        const fd = calls.open(path(name));
        if (fd < 0) return [found, failure()];
        assert.ok(calls.fstat(fd));
        const again = { ...status };
        const buffer = Buffer.alloc(20);
        const count = calls.pread(fd, buffer, 20);
        const read = count < 0 ? failure() : buffer.toString('latin1', 0, count);
        calls.close(fd);
        assert.equal(calls.fstat(fd), false);
        return [found, again, read, failure()];
      });
      assert.deepEqual(seen[1], seen[0]);
    });
  }

  it('know times before 1970 and sizes beyond 32 bits', { skip: native === undefined }, () => {
    assert.ok(native!.stat(path('a')));
    assert.equal(status.mtime, -2);
    assert.equal(status.mode, 0o100640);
    writeFileSync(path('large'), '');
    // A hole: no block of it is stored.
    truncateSync(path('large'), large);
    assert.ok(native!.stat(path('large')));
    assert.equal(status.size, large);
  });

  it('leave descriptors to no program that is started', { skip: process.platform !== 'linux' }, () => {
    const before = readdirSync('/proc/self/fd').length;
    const fd = native!.open(path('a'));
    const flags = /^flags:\t(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))![1]!;
    assert.notEqual(Number.parseInt(flags, 8) & 0o2000000, 0);
    native!.close(fd);
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });
});
