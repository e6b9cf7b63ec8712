import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LuaError } from '../../src/lua/error.ts';
import { LuaTable } from '../../src/lua/table.ts';
import type { LuaValue } from '../../src/lua/value.ts';

test('names of methods and of JavaScript objects are ordinary keys', () => {
  const t = new LuaTable();
  const names = ['get', 'set', 'length', 'next', 'metatable', 'constructor', '__proto__', 'toString', 'push', '$a'];
  for (const k of names) assert.equal(t.get(k), undefined, k);
  names.forEach((k, i) => {
    if (i % 2) t.set(k, i);
    else t.setStr(k, i);
  });
  names.forEach((k, i) => {
    assert.equal(t.get(k), i, k);
  });
  assert.deepEqual([...t.entries()].map(([k]) => k).sort(), [...names].sort());
  assert.equal(t.length(), 0);
});

test('a key is found however it was stored', () => {
  const t = LuaTable.fromObject({ a: 1 });
  t.set('b', 2);
  t.setStr('b', 3);
  t.set('a', undefined);
  t.set('a', 4);
  t.setStr('c', undefined);
  assert.deepEqual([t.get('a'), t.getStr('b'), t.get('c')], [4, 3, undefined]);
  assert.deepEqual(
    [...t.entries()],
    [
      ['a', 4],
      ['b', 3],
    ],
  );
});

test('items move from the hash to the array', () => {
  const t = new LuaTable();
  for (const i of [3, 2, 5, 1]) t.set(i, i * 10);
  assert.equal(t.length(), 3);
  t.setInt(4, 40);
  assert.equal(t.length(), 5);
  assert.deepEqual(t.items(), [10, 20, 30, 40, 50]);
  t.setInt(5, undefined);
  t.setInt(3, undefined);
  assert.equal(t.length(), 4);
  t.setInt(4, undefined);
  assert.equal(t.length(), 2);
});

test('dense number keys become items, sparse ones do not', () => {
  const dense = new LuaTable();
  for (let i = 2; i <= 100; i++) dense.set(i, i);
  assert.ok(dense.$a.length > 60);
  for (let i = 2; i <= 100; i++) assert.equal(dense.get(i), i);
  assert.equal([...dense.entries()].length, 99);
  const sparse = new LuaTable();
  for (let i = 1; i <= 100; i++) sparse.set(i * 10, i);
  assert.equal(sparse.$a.length, 1);
  assert.equal(sparse.length(), 0);
  const reverse = new LuaTable();
  for (let i = 100; i >= 1; i--) reverse.set(i, i);
  assert.equal(reverse.length(), 100);
});

test('a traversal may clear and change fields', () => {
  const t = LuaTable.fromArray([1, 2, 3]);
  for (let i = 0; i < 50; i++) t.set('k' + i, i);
  let n = 0;
  for (let k: LuaValue, pair = t.next(undefined); pair !== undefined; pair = t.next(k)) {
    k = pair[0];
    n++;
    t.set(k, n % 2 ? undefined : -1);
  }
  assert.equal(n, 53);
  assert.equal([...t.entries()].length, 26);
});

test('keys that come and go do not pile up', () => {
  const t = new LuaTable();
  for (let i = 0; i < 10000; i++) {
    t.set('key' + i, i);
    t.set('key' + i, undefined);
  }
  assert.ok(t.$h!.keys.length < 100);
});

test('nil and NaN are no keys', () => {
  const t = new LuaTable();
  assert.throws(() => t.set(undefined, 1), LuaError);
  assert.throws(() => t.set(Number.NaN, 1), LuaError);
  assert.throws(() => t.next('absent'), LuaError);
  assert.equal(t.get(undefined), undefined);
});
