import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkKey, SharedDict } from '../../src/shm/dict.ts';
import { createZone } from '../../src/shm/zone.ts';
import { checkDict } from './support.ts';

function makeDict(size = 100 * 1024): { dict: SharedDict; sleep: (seconds: number) => void } {
  let now = 1_700_000_000_000;
  const dict = new SharedDict(createZone('dogs', size, false), () => now);
  return { dict, sleep: (seconds) => (now += seconds * 1000) };
}

test('values keep their types', () => {
  const { dict } = makeDict();
  const bytes = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
  for (const value of [0, -1.5, 1e300, Infinity, true, false, '', 'x', bytes, 'v'.repeat(5000)]) {
    assert.ok(dict.set(`k${bytes}`, value));
    assert.equal(dict.get(`k${bytes}`), value);
    assert.equal(dict.error, undefined);
  }
  dict.set('nan', Number.NaN);
  assert.ok(Number.isNaN(dict.get('nan')));
  assert.equal(dict.get('other'), undefined);
  checkDict(dict);
});

test('keys: empty and too long ones are errors, 65535 bytes are not', () => {
  const { dict } = makeDict(1 << 20);
  assert.equal(checkKey(''), 'empty key');
  assert.equal(checkKey('a'.repeat(65536)), 'key too long');
  assert.equal(checkKey('a'.repeat(65535)), undefined);
  assert.ok(dict.set('a'.repeat(65535), 1));
  assert.equal(dict.get('a'.repeat(65535)), 1);
  assert.equal(dict.set('a'.repeat(65536), 1), false);
  assert.equal(dict.error, 'key too long');
  assert.equal(dict.incr('a'.repeat(65536), 1, 0), undefined);
  assert.equal(dict.error, 'key too long');
});

test('set nil and delete remove, also what is not there', () => {
  const { dict } = makeDict();
  assert.ok(dict.delete('a') && dict.set('a', undefined));
  dict.set('a', 1);
  dict.delete('a');
  assert.equal(dict.get('a'), undefined);
  dict.rpush('l', 1);
  assert.ok(dict.set('l', undefined));
  assert.equal(dict.llen('l'), 0);
  checkDict(dict);
});

test('add and replace', () => {
  const { dict, sleep } = makeDict();
  assert.equal(dict.replace('a', 1), false);
  assert.equal(dict.error, 'not found');
  assert.ok(dict.add('a', 1, 1));
  assert.equal(dict.add('a', 2), false);
  assert.equal(dict.error, 'exists');
  assert.ok(dict.replace('a', 'longer than before', 1));
  sleep(1);
  assert.equal(dict.replace('a', 1), false);
  assert.equal(dict.error, 'not found');
  assert.ok(dict.add('a', 3));
  assert.equal(dict.get('a'), 3);
  for (const op of ['add', 'safeAdd', 'replace'] as const) {
    assert.equal(dict[op]('a', undefined), false);
    assert.equal(dict.error, 'attempt to add or replace nil values');
  }
});

test('user flags', () => {
  const { dict } = makeDict();
  dict.set('a', 'x', 0, 7);
  dict.get('a');
  assert.equal(dict.flags, 7);
  dict.set('a', 'y');
  dict.get('a');
  assert.equal(dict.flags, 0);
  dict.set('a', 'y', 0, 0xffffffff);
  dict.getStale('a');
  assert.equal(dict.flags, -1, 'a C int, as lua-resty-core reads it');
  dict.get('b');
  assert.equal(dict.flags, 0);
});

test('expiry has milliseconds, and get_stale sees what has expired', () => {
  const { dict, sleep } = makeDict();
  dict.set('a', 1, 0.01);
  dict.set('b', 2, 0.0001);
  sleep(0.009);
  assert.equal(dict.get('a'), 1);
  sleep(0.001);
  assert.equal(dict.getStale('a'), 1);
  assert.equal(dict.stale, true);
  assert.equal(dict.get('a'), undefined);
  sleep(1000);
  assert.equal(dict.get('b'), 2, 'less than a millisecond is for ever');
  assert.equal(dict.getStale('b'), 2);
  assert.equal(dict.stale, false);
});

test('get removes up to two expired entries at the unused end, and only there', () => {
  const { dict, sleep } = makeDict();
  for (const key of ['a', 'b', 'c', 'd']) dict.set(key, 1, 1);
  sleep(1);
  dict.get('none');
  assert.equal(dict.getStale('a'), undefined);
  assert.equal(dict.getStale('b'), undefined);
  assert.equal(dict.getStale('c'), 1);
  dict.flushAll();
  dict.flushExpired();
  dict.set('old', 1);
  dict.set('expired', 1, 1);
  sleep(1);
  dict.get('none');
  assert.equal(dict.getStale('expired'), 1);
});

test('ttl and expire', () => {
  const { dict, sleep } = makeDict();
  assert.equal(dict.ttl('a'), undefined);
  assert.equal(dict.error, 'not found');
  assert.equal(dict.expire('a', 1), false);
  assert.equal(dict.error, 'not found');
  dict.set('a', 1);
  assert.equal(dict.ttl('a'), 0);
  assert.ok(dict.expire('a', 2.5));
  sleep(1);
  assert.equal(dict.ttl('a'), 1.5);
  sleep(2);
  assert.equal(dict.ttl('a'), -0.5);
  assert.ok(dict.expire('a', 1), 'an expired entry that is still there');
  assert.equal(dict.get('a'), 1);
  assert.ok(dict.expire('a', 0));
  assert.equal(dict.ttl('a'), 0);
});

test('incr', () => {
  const { dict, sleep } = makeDict();
  assert.equal(dict.incr('n', 1), undefined);
  assert.equal(dict.error, 'not found');
  assert.equal(dict.incr('n', 1, 10, 1), 11);
  assert.equal(dict.incr('n', -0.5), 10.5);
  assert.equal(dict.incr('n', 1, 100), 11.5, 'init is for absent keys');
  sleep(1);
  assert.equal(dict.incr('n', 1), undefined);
  assert.equal(dict.incr('n', 1, 5), 6, 'an expired entry starts again');
  assert.equal(dict.ttl('n'), 0);
  for (const value of ['12', 'eight by', true]) {
    dict.set('s', value);
    assert.equal(dict.incr('s', 1, 1), undefined);
    assert.equal(dict.error, 'not a number');
  }
  dict.rpush('l', 1);
  assert.equal(dict.incr('l', 1), undefined);
  assert.equal(dict.error, 'not a number');
});

test('lists', () => {
  const { dict, sleep } = makeDict();
  assert.equal(dict.llen('l'), 0);
  assert.equal(dict.lpop('l'), undefined);
  assert.equal(dict.error, undefined);
  assert.equal(dict.rpush('l', 'b'), 1);
  assert.equal(dict.rpush('l', 3.5), 2);
  assert.equal(dict.lpush('l', 'a'), 3);
  assert.equal(dict.llen('l'), 3);
  checkDict(dict);
  assert.equal(dict.get('l'), undefined);
  assert.equal(dict.error, 'value is a list');
  assert.equal(dict.getStale('l'), undefined);
  assert.equal(dict.error, 'value is a list');
  assert.equal(dict.rpop('l'), 3.5);
  assert.equal(dict.lpop('l'), 'a');
  assert.equal(dict.lpop('l'), 'b');
  assert.equal(dict.llen('l'), 0);
  assert.deepEqual(dict.getKeys(), [], 'an empty list is gone');
  dict.set('v', 1);
  for (const op of ['lpop', 'rpop', 'llen'] as const) {
    assert.equal(dict[op]('v'), undefined);
    assert.equal(dict.error, 'value not a list');
  }
  assert.equal(dict.lpush('v', 1), undefined);
  assert.equal(dict.error, 'value not a list');
  dict.rpush('l', 1);
  dict.expire('l', 1);
  sleep(1);
  assert.equal(dict.lpop('l'), undefined);
  assert.equal(dict.rpush('l', 2), 1, 'an expired list starts again');
  assert.equal(dict.ttl('l'), 0);
  assert.equal(dict.rpush('v', 2), undefined);
  dict.expire('v', 1);
  sleep(1);
  assert.equal(dict.rpush('v', 2), 1, 'in place of an expired value');
  dict.set('v', 'a value again');
  assert.equal(dict.get('v'), 'a value again');
  checkDict(dict);
});

test('lists do not evict', () => {
  const { dict } = makeDict(20 * 1024);
  while (dict.rpush('l', 'x'.repeat(80)) !== undefined);
  assert.equal(dict.error, 'no memory');
  const length = dict.llen('l')!;
  assert.ok(length > 50);
  dict.safeSet('a', 'x'.repeat(30));
  while (dict.safeAdd(`b${dict.getKeys(0).length}`, 'x'.repeat(30)));
  assert.equal(dict.lpush('other', 'x'), false, 'no memory for the list itself');
  assert.equal(dict.error, 'no memory');
  assert.equal(dict.llen('l'), length);
  checkDict(dict);
});

test('get_keys: least recently used first, 1024 by default, without the expired', () => {
  const { dict, sleep } = makeDict(1 << 20);
  for (let i = 0; i < 1100; i++) dict.set(`k${i}`, i);
  dict.get('k0');
  assert.equal(dict.getKeys().length, 1024);
  assert.equal(dict.getKeys(0).length, 1100);
  assert.deepEqual(dict.getKeys(2), ['k1', 'k2']);
  assert.equal(dict.getKeys(0).at(-1), 'k0');
  dict.expire('k1', 1);
  sleep(1);
  assert.deepEqual(dict.getKeys(2), ['k2', 'k3']);
});

test('flush_all makes entries stale, flush_expired frees them', () => {
  const { dict } = makeDict();
  const free = dict.freeSpace();
  for (let i = 0; i < 100; i++) dict.set(`k${i}`, 'x'.repeat(100));
  dict.flushAll();
  assert.equal(dict.getStale('k99'), 'x'.repeat(100));
  assert.equal(dict.stale, true);
  assert.equal(dict.get('k99'), undefined);
  assert.deepEqual(dict.getKeys(), []);
  assert.equal(dict.flushExpired(10), 10);
  assert.equal(dict.flushExpired(), 100 - 3 - 2 - 10, 'three went by flush_all, two by get');
  assert.equal(dict.flushExpired(), 0);
  assert.equal(dict.freeSpace(), free);
  checkDict(dict);
});

test('capacity, and free space in pages', () => {
  const { dict } = makeDict(20 * 1024);
  assert.equal(dict.capacity(), 20 * 1024);
  assert.equal(dict.freeSpace(), 2 * 4096, 'four pages, two of them taken by the dictionary itself');
  dict.set('a', 'x'.repeat(2000));
  assert.equal(dict.freeSpace(), 4096);
  dict.set('a', 1);
  assert.equal(dict.freeSpace(), 8192);
  assert.throws(() => makeDict(8192), /no memory in lua_shared_dict zone "dogs"/);
});

test('a full dictionary evicts the least recently used, and says so', () => {
  const { dict } = makeDict(100 * 1024);
  let i = 1;
  while (dict.set(`key_${i}`, ' hello'.repeat(10) + i) && !dict.forcible) {
    i++;
    dict.get('key_1');
  }
  assert.equal(dict.error, undefined);
  // 24 pages less two, 16 entries each: ngx_lua evicts at the same entry.
  assert.equal(i, 353);
  assert.equal(dict.get('key_2'), undefined);
  assert.notEqual(dict.get('key_1'), undefined, 'recently used');
  assert.equal(dict.safeSet('more', 'x'.repeat(60)), false);
  assert.equal(dict.error, 'no memory');
  assert.equal(dict.forcible, false);
  assert.equal(dict.safeAdd('more', 'x'.repeat(60)), false);
  assert.equal(dict.error, 'no memory');
  checkDict(dict);
});

test('entries of growing size evict where they do in ngx_lua', () => {
  const { dict } = makeDict(100 * 1024);
  let i = 1;
  while (dict.set(`key_${i}`, 'hello'.repeat(i)) && !dict.forcible) i++;
  assert.ok(i === 140 || i === 141, `at ${i}`);
});

test('what cannot fit costs others their place, thirty evictions at most', () => {
  const { dict } = makeDict(50 * 1024);
  dict.set('a', 1);
  assert.equal(dict.set('big', 'x'.repeat(100000)), false);
  assert.equal(dict.error, 'no memory');
  assert.equal(dict.forcible, true);
  assert.equal(dict.get('a'), undefined);
  for (let i = 0; i < 100; i++) dict.set(`k${i}`, i);
  assert.equal(dict.set('big', 'x'.repeat(100000)), false);
  assert.equal(dict.getKeys(0).length, 70);
  assert.equal(dict.set('empty', 'x'), true);
  assert.equal(dict.forcible, false);
  checkDict(dict);
});

test('two objects on one zone see the same dictionary', () => {
  const { dict } = makeDict();
  dict.set('a', 'x');
  const other = new SharedDict(dict.zone);
  assert.equal(other.get('a'), 'x');
  other.set('a', 'y');
  assert.equal(dict.get('a'), 'y');
});
