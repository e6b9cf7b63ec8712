import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { OpenFileCache, type OpenFileOptions, openCachedFile } from '../../src/http/open-file-cache.ts';

const dir = mkdtempSync(join(tmpdir(), 'tsresty-files-'));
const path = (name: string): string => join(dir, name);
const OPTIONS: OpenFileOptions = {
  testOnly: false,
  valid: 60,
  minUses: 1,
  errors: false,
  disableSymlinks: 'off',
  disableSymlinksFrom: 0,
};

/** Descriptors of this process that are open on a file of the folder. */
function openDescriptors(): number {
  if (process.platform !== 'linux') return 0;
  return readdirSync('/proc/self/fd').length;
}

describe('openCachedFile', () => {
  after(() => rmSync(dir, { recursive: true }));
  writeFileSync(path('a'), 'text');
  mkdirSync(path('folder'));
  writeFileSync(path('folder/b'), '');
  symlinkSync('a', path('link'));

  it('tells what a path is', () => {
    const file = openCachedFile(undefined, path('a'), OPTIONS);
    assert.equal(file.error, '');
    assert.equal(file.size, 4);
    assert.ok(file.isFile && !file.isDir && file.fd >= 0);
    file.release();
    const folder = openCachedFile(undefined, path('folder'), OPTIONS);
    assert.ok(folder.isDir && folder.fd === -1);
    assert.equal(openCachedFile(undefined, path('a'), { ...OPTIONS, testOnly: true }).fd, -1);
    assert.equal(openCachedFile(undefined, path('none'), OPTIONS).error, 'ENOENT');
    assert.equal(openCachedFile(undefined, path('a/b'), OPTIONS).error, 'ENOTDIR');
    assert.equal(openCachedFile(undefined, path('a\0b'), OPTIONS).error, 'ENOENT');
  });

  it('closes what is released', () => {
    const before = openDescriptors();
    for (let i = 0; i < 5; i++) openCachedFile(undefined, path('a'), OPTIONS).release();
    assert.equal(openDescriptors(), before);
  });

  it('refuses symbolic links when asked to', () => {
    const on = { ...OPTIONS, disableSymlinks: 'on' } as const;
    assert.equal(openCachedFile(undefined, path('link'), on).error, 'ELOOP');
    openCachedFile(undefined, path('a'), on).release();
    openCachedFile(undefined, path('link'), { ...on, disableSymlinks: 'if_not_owner' }).release();
    const from = { ...on, disableSymlinksFrom: path('link').length };
    assert.equal(openCachedFile(undefined, path('link'), from).error, '');
  });

  it('keeps descriptors and failures', () => {
    const cache = new OpenFileCache(10, 60);
    const first = cache.open(path('a'), OPTIONS);
    const second = cache.open(path('a'), OPTIONS);
    assert.equal(first.fd, second.fd);
    first.release();
    second.release();
    const errors = { ...OPTIONS, errors: true };
    assert.equal(cache.open(path('later'), errors).error, 'ENOENT');
    writeFileSync(path('later'), '');
    assert.equal(cache.open(path('later'), errors).error, 'ENOENT');
    assert.equal(cache.open(path('later'), OPTIONS).error, '');
    cache.clear();
  });

  it('looks again when the time is over', () => {
    const cache = new OpenFileCache(10, 60);
    const now = { ...OPTIONS, valid: 0 };
    const before = cache.open(path('a'), now);
    before.release();
    writeFileSync(path('new'), 'longer text');
    renameSync(path('new'), path('a'));
    const later = cache.open(path('a'), now);
    assert.equal(later.size, 11);
    assert.ok(later.fd >= 0);
    later.release();
    cache.clear();
  });

  it('drops the least recently used', () => {
    const start = openDescriptors();
    const cache = new OpenFileCache(2, 60);
    for (const name of ['a', 'folder/b', 'later', 'a', 'later']) cache.open(path(name), OPTIONS).release();
    if (process.platform === 'linux') assert.equal(openDescriptors(), start + 2);
    cache.clear();
    assert.equal(openDescriptors(), start);
  });

  it('keeps no descriptor before min_uses', () => {
    const start = openDescriptors();
    const cache = new OpenFileCache(10, 60);
    const options = { ...OPTIONS, minUses: 2 };
    cache.open(path('a'), options).release();
    assert.equal(openDescriptors(), start);
    cache.open(path('a'), options).release();
    if (process.platform === 'linux') assert.equal(openDescriptors(), start + 1);
    cache.clear();
  });
});
