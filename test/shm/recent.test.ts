// What one process remembers of keys must not outlive what another does to them: two dictionaries on one memory stand
// for two processes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedDict } from '../../src/shm/dict.ts';
import { HEADER } from '../../src/shm/layout.ts';
import { createZone, Zone } from '../../src/shm/zone.ts';

const SIZE = 64 * 1024;

function two(): [SharedDict, SharedDict] {
  const zone = createZone('recent', SIZE, false);
  const buffer = zone.words.buffer as ArrayBuffer;
  return [new SharedDict(zone), new SharedDict(new Zone('recent', SIZE, { buffer, fd: -1, close: () => {} }))];
}

/** Reads a key until it is among the recent ones. */
function known(dict: SharedDict, key: string): unknown {
  let value: unknown;
  for (let i = 0; i < 10; i++) value = dict.get(key);
  return value;
}

test('a known key that another process has deleted is gone, and found again when it is back', () => {
  const [one, other] = two();
  one.set('some:key', 'a value');
  assert.equal(known(one, 'some:key'), 'a value');
  other.delete('some:key');
  assert.equal(one.get('some:key'), undefined);
  other.set('another:', 'it took the place');
  assert.equal(one.get('some:key'), undefined);
  other.set('some:key', 'back');
  assert.equal(one.get('some:key'), 'back');
});

test('the block of a known key given to another key is not taken for the first', () => {
  const [one, other] = two();
  for (const first of ['user:1:name', 'a longer key that V8 may keep as a part of another string']) {
    const second = first.replace('e', 'E');
    one.set(first, '1111');
    known(one, first);
    other.delete(first);
    other.set(second, '2222');
    assert.equal(one.get(first), undefined);
    assert.equal(one.set(first, '3333'), true);
    assert.equal(other.get(second), '2222');
    assert.equal(other.get(first), '3333');
    assert.equal(known(one, second), '2222');
  }
});

test('a known key that was evicted or dropped by a repair is looked up again', () => {
  const [one, other] = two();
  one.set('some:key', 'x');
  known(one, 'some:key');
  for (let i = 0; i < 2000; i++) other.set(`fill:${i}`, 'f'.repeat(100));
  assert.equal(one.get('some:key'), undefined);
  one.set('some:key', 'x');
  known(one, 'some:key');
  // As if a process had died while it changed the entry: kind 0.
  const { table } = one as unknown as { table: { find(k: string, h: number): number; hash(k: string): number } };
  const node = table.find('some:key', table.hash('some:key'));
  (one as unknown as { table: { setKind(node: number, kind: number): void } }).table.setKind(node, 0);
  one.zone.words[HEADER.repair] = 1;
  assert.notEqual(other.get('fill:1999'), undefined);
  assert.equal(one.zone.repairs, 1);
  assert.equal(one.get('some:key'), undefined);
});

test('keys that share a slot take turns in it', () => {
  const [one] = two();
  // Same length, same middle, same end.
  const keys = ['aa:some:key', 'bb:some:key', 'cc:some:key'];
  for (const [i, key] of keys.entries()) one.set(key, i);
  for (let round = 0; round < 20; round++) for (const [i, key] of keys.entries()) assert.equal(one.get(key), i);
  for (let round = 1; round <= 20; round++)
    for (const [i, key] of keys.entries()) assert.equal(one.incr(key, 1), i + round);
  for (const [i, key] of keys.entries()) assert.equal(one.get(key), i + 20);
});
