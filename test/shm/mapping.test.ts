import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { after, test } from 'node:test';
import { createMapping, openMapping, privateMapping } from '../../src/shm/mapping.ts';
import { bundle, exit, message, run } from './support.ts';

const child = bundle('mapping-child.ts');
after(child.remove);

test('two mappings of a descriptor are the same memory', () => {
  const first = createMapping('test', 65536);
  const second = openMapping(first.fd, 65536);
  const a = new Int32Array(first.buffer);
  const b = new Int32Array(second.buffer);
  assert.ok(a.every((word) => word === 0));
  a[1000] = 7;
  assert.equal(Atomics.add(b, 1000, 1), 7);
  assert.equal(a[1000], 8);
  first.close();
  assert.equal(b[1000], 8, 'closing one leaves the other');
  assert.equal(a[1000], 0);
  assert.throws(() => fstatSync(first.fd), /EBADF/);
  second.close();
});

test('a descriptor that is no region of that size is refused', () => {
  const mapping = createMapping('test', 65536);
  assert.throws(() => openMapping(mapping.fd, 131072), /has 65536 bytes, expected 131072 of shared memory/);
  const file = openSync('/dev/null', 'r+');
  assert.throws(() => openMapping(file, 4096), /has 0 bytes/);
  closeSync(file);
  mapping.close();
});

test('a size the system refuses is an error, and leaks no descriptor', () => {
  const probe = (): number => {
    const fd = openSync('/dev/null', 'r');
    closeSync(fd);
    return fd;
  };
  const next = probe();
  assert.throws(() => createMapping('test', 2 ** 52), /(mmap\(\d+\)|ftruncate).*/);
  assert.equal(probe(), next);
});

test('private memory looks the same', () => {
  const mapping = privateMapping(65536);
  assert.equal(mapping.fd, -1);
  assert.equal(mapping.buffer.byteLength, 65536);
  mapping.close();
});

test('views outlive collection, and close', { skip: process.platform !== 'linux' }, async () => {
  const process = run(child.file, [], [], ['--expose-gc']);
  const results = await message(process);
  assert.equal(await exit(process), 0);
  assert.deepEqual(results, {
    kept: [42, 43, 1],
    collected: 42,
    closed: [0, 0],
    afterGc: 78,
    left: 0,
  });
});
