// Random operations against a model: a Map in order of use. The model knows nothing of memory; when an operation says
// that it evicted, or found no memory, the model follows by dropping what get_keys no longer lists, after checking that
// only least recently used entries went.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DictValue, SharedDict } from '../../src/shm/dict.ts';
import { createZone } from '../../src/shm/zone.ts';
import { checkDict } from './support.ts';

interface Item {
  value: DictValue | (string | number)[];
  expires: number;
  flags: number;
}

function random(seed: number): (limit: number) => number {
  return (limit) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
}

class Model {
  /** Oldest use first. */
  readonly items = new Map<string, Item>();
  now = 1_700_000_000_000;

  expired(item: Item): boolean {
    return item.expires !== 0 && item.expires <= this.now;
  }

  /** What every operation but a few does at first. */
  tidy(): void {
    for (let i = 0; i < 2; i++) {
      const [oldest] = this.items;
      if (oldest === undefined || !this.expired(oldest[1])) return;
      this.items.delete(oldest[0]);
    }
  }

  live(key: string): Item | undefined {
    const item = this.items.get(key);
    if (item === undefined || this.expired(item)) return undefined;
    this.items.delete(key);
    this.items.set(key, item);
    return item;
  }

  put(key: string, value: Item['value'], ttl: number, flags: number): void {
    this.items.delete(key);
    this.items.set(key, { value, expires: ttl === 0 ? 0 : this.now + ttl * 1000, flags });
  }
}

/** Drops from the model what the dictionary evicted: entries from the unused end, and none in between. */
function followEvictions(model: Model, dict: SharedDict, spared: string): void {
  let gap = false;
  for (const key of [...model.items.keys()]) {
    if (key === spared) continue;
    // ttl() changes no order.
    if (dict.ttl(key) === undefined) {
      assert.ok(!gap, `evicted ${key} before an older one`);
      model.items.delete(key);
    } else {
      gap = true;
    }
  }
}

function same(dict: SharedDict, model: Model): void {
  const expected = [...model.items].filter(([, item]) => !model.expired(item)).map(([key]) => key);
  assert.deepEqual(dict.getKeys(0), expected);
}

function runModel(seed: number, size: number, operations: number, maxValue: number, keys: number): number {
  const next = random(seed);
  const model = new Model();
  const dict = new SharedDict(createZone('model', size, false), () => model.now);
  const fresh = dict.freeSpace();
  let evictions = 0;
  const someKey = (): string => `key${next(keys)}`;
  const someTtl = (): number => [0, 0, 0.005, 1, 100][next(5)]!;
  const someValue = (): DictValue => {
    const kind = next(10);
    if (kind === 0) return next(2) === 1;
    if (kind < 3) return next(1000) / 8;
    return String.fromCharCode(next(256)).repeat(kind === 4 ? 8 : next(maxValue));
  };

  for (let i = 0; i < operations; i++) {
    const key = someKey();
    const choice = next(100);
    if (choice < 25) {
      model.tidy();
      const item = model.live(key);
      const value = dict.get(key);
      if (item === undefined) {
        assert.equal(value, undefined);
        assert.equal(dict.error, undefined);
      } else if (Array.isArray(item.value)) {
        assert.equal(dict.error, 'value is a list');
      } else {
        assert.equal(value, item.value);
        assert.equal(dict.flags, item.flags);
      }
    } else if (choice < 55) {
      const op = (['set', 'set', 'safeSet', 'add', 'safeAdd', 'replace'] as const)[next(6)]!;
      const [value, ttl, flags] = [someValue(), someTtl(), next(3)];
      model.tidy();
      const item = model.live(key);
      const done = dict[op](key, value, ttl, flags);
      const { error, forcible } = dict;
      assert.equal(done, error === undefined);
      if (item !== undefined && op.toLowerCase().endsWith('add')) {
        assert.equal(error, 'exists');
      } else if (item === undefined && op === 'replace') {
        assert.equal(error, 'not found');
      } else {
        assert.ok(error === undefined || error === 'no memory', error);
        assert.ok(!(op.startsWith('safe') && forcible));
        if (forcible) evictions++;
        model.items.delete(key);
        if (forcible) followEvictions(model, dict, key);
        if (done) model.put(key, value, ttl, flags);
      }
    } else if (choice < 60) {
      model.tidy();
      model.live(key);
      model.items.delete(key);
      assert.ok(dict.delete(key));
    } else if (choice < 70) {
      const [step, init, ttl] = [next(10), next(2) === 0 ? undefined : next(100), someTtl()];
      model.tidy();
      const item = model.live(key);
      const result = dict.incr(key, step, init, ttl);
      const { error, forcible } = dict;
      if (item !== undefined) {
        if (typeof item.value === 'number') assert.equal(result, (item.value += step));
        else assert.equal(error, 'not a number');
      } else if (init === undefined) {
        assert.equal(error, 'not found');
      } else {
        model.items.delete(key);
        if (forcible) followEvictions(model, dict, key);
        if (result === undefined) {
          assert.equal(error, 'no memory');
        } else {
          assert.equal(result, init + step);
          model.put(key, result, ttl, 0);
        }
      }
    } else if (choice < 82) {
      const front = next(2) === 0;
      const value = next(3) === 0 ? next(1000) : 'e'.repeat(next(maxValue));
      model.tidy();
      const stale = model.items.get(key);
      const item = model.live(key);
      const length = front ? dict.lpush(key, value) : dict.rpush(key, value);
      if (item !== undefined && !Array.isArray(item.value)) {
        assert.equal(dict.error, 'value not a list');
      } else if (typeof length === 'number') {
        const list = item === undefined ? [] : (item.value as (string | number)[]);
        if (front) list.unshift(value);
        else list.push(value);
        assert.equal(length, list.length);
        if (item === undefined) model.put(key, list, 0, 0);
      } else {
        assert.equal(dict.error, 'no memory');
        if (item === undefined && stale !== undefined) model.items.delete(key);
      }
    } else if (choice < 90) {
      const front = next(2) === 0;
      model.tidy();
      const item = model.live(key);
      const value = front ? dict.lpop(key) : dict.rpop(key);
      if (item === undefined) {
        assert.equal(value, undefined);
      } else if (Array.isArray(item.value)) {
        assert.equal(value, front ? item.value.shift() : item.value.pop());
        if (item.value.length === 0) model.items.delete(key);
      } else {
        assert.equal(dict.error, 'value not a list');
      }
    } else if (choice < 92) {
      model.tidy();
      const item = model.live(key);
      const length = dict.llen(key);
      if (item === undefined) assert.equal(length, 0);
      else if (Array.isArray(item.value)) assert.equal(length, item.value.length);
      else assert.equal(dict.error, 'value not a list');
    } else if (choice < 95) {
      const ttl = someTtl();
      const item = model.items.get(key);
      assert.equal(dict.expire(key, ttl), item !== undefined);
      if (item !== undefined) item.expires = ttl === 0 ? 0 : model.now + ttl * 1000;
    } else if (choice < 97) {
      model.now += next(30);
    } else if (choice < 98) {
      const max = next(3);
      let freed = 0;
      for (const [name, item] of model.items) {
        if (!model.expired(item)) continue;
        model.items.delete(name);
        if (++freed === max) break;
      }
      assert.equal(dict.flushExpired(max), freed);
    } else if (choice < 99) {
      same(dict, model);
    } else if (next(20) === 0) {
      for (const item of model.items.values()) item.expires = 1;
      const [oldest] = model.items;
      if (oldest !== undefined) model.items.delete(oldest[0]);
      model.tidy();
      dict.flushAll();
    }
    if (i % 500 === 0) checkDict(dict);
  }
  same(dict, model);
  dict.flushAll();
  dict.flushExpired();
  assert.equal(dict.freeSpace(), fresh, 'all memory came back');
  checkDict(dict);
  return evictions;
}

test('a roomy dictionary does what a Map would', () => {
  for (const seed of [1, 2]) assert.equal(runModel(seed, 4 << 20, 40000, 400, 200), 0);
});

test('a tight dictionary does too, but for evictions from the unused end', () => {
  for (const seed of [3, 4, 5]) {
    assert.ok(runModel(seed, 64 * 1024, 30000, 700, 150) > 100);
    assert.ok(runModel(seed, 200 * 1024, 10000, 9000, 60) > 100);
  }
});
