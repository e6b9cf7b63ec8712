// A crash at every point where one can fall: each operation is run on memory that fails at its first store, its second,
// and so on; then another dictionary object takes over the memory as it is, repairs it, and must find everything that
// the operation did not touch, and of what it touched either the old or the new state, or nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DictValue, SharedDict } from '../../src/shm/dict.ts';
import { HEADER } from '../../src/shm/layout.ts';
import { privateMapping } from '../../src/shm/mapping.ts';
import { Slab } from '../../src/shm/slab.ts';
import { createZone, Zone } from '../../src/shm/zone.ts';
import { checkDict } from './support.ts';

class Crash extends Error {}

/** Lets `left` stores through. A store of many bytes that comes last goes through in half. */
class Stores {
  left = Number.POSITIVE_INFINITY;
  count = 0;

  /** Called before a store; throws when the process is dead. */
  spend(): void {
    this.count++;
    if (this.left-- <= 0) throw new Crash();
  }

  watch<T extends Int32Array | Float64Array | Buffer>(array: T): T {
    return new Proxy(array, {
      set: (target, index, value) => {
        this.spend();
        return Reflect.set(target, index, value, target);
      },
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name === 'latin1Write') {
          return (text: string, offset: number, length: number) => {
            const half = Math.floor(length / 2);
            this.spend();
            if (half > 0) Reflect.apply(value, target, [text.slice(0, half), offset, half]);
            this.spend();
            return Reflect.apply(value, target, [text, offset, length]);
          };
        }
        if (name === 'fill') this.spend();
        return (...args: unknown[]) => Reflect.apply(value, target, args);
      },
    });
  }
}

const SIZE = 40 * 1024;
const NOW = 1_700_000_000_000;
type Content = Map<string, DictValue | (string | number)[]>;

/** Everything in a dictionary, without changing anything but the order of use. */
function contentOf(dict: SharedDict): Content {
  const content: Content = new Map();
  for (const key of dict.getKeys(0)) {
    const value = dict.getStale(key);
    if (value !== undefined) {
      content.set(key, value);
      continue;
    }
    assert.equal(dict.error, 'value is a list');
    const list: (string | number)[] = [];
    for (let n = dict.llen(key)!; n > 0; n--) {
      const element = dict.lpop(key)!;
      list.push(element);
      dict.rpush(key, element);
    }
    content.set(key, list);
  }
  return content;
}

/** A dictionary on a copy of some memory, all of whose stores are counted. */
function fragile(memory: ArrayBuffer): { dict: SharedDict; stores: Stores; buffer: ArrayBuffer } {
  const mapping = privateMapping(memory.byteLength);
  new Uint8Array(mapping.buffer).set(new Uint8Array(memory));
  const zone = new Zone('crash', SIZE, mapping);
  const stores = new Stores();
  const words = stores.watch(zone.words);
  Object.assign(zone, {
    words,
    floats: stores.watch(zone.floats),
    bytes: stores.watch(zone.bytes),
    slab: new Slab(words, zone.layout),
  });
  return { dict: new SharedDict(zone, () => NOW), stores, buffer: mapping.buffer };
}

/** What the next process finds: the memory as it is, the lock taken from the dead holder. */
function survivor(buffer: ArrayBuffer): SharedDict {
  const zone = new Zone('crash', SIZE, { buffer, fd: -1, close: () => {} });
  zone.words[HEADER.lock] = 0;
  zone.words[HEADER.repair] = 1;
  return new SharedDict(zone, () => NOW);
}

function prepare(fill: (dict: SharedDict) => void): ArrayBuffer {
  const mapping = privateMapping(createZone('crash', SIZE, false).words.byteLength);
  const zone = new Zone('crash', SIZE, mapping);
  zone.slab.format();
  fill(new SharedDict(zone, () => NOW));
  return mapping.buffer;
}

const some = (dict: SharedDict): void => {
  for (let i = 0; i < 12; i++) dict.set(`key${i}`, 'v'.repeat(20 * i), i % 2 === 0 ? 100 : 0, i);
  dict.set('number', 1);
  dict.set('flag', true);
  for (let i = 0; i < 4; i++) dict.rpush('list', i % 2 === 0 ? i : `element ${i}`);
  dict.rpush('single', 'x');
  dict.set('large', 'l'.repeat(9000));
  dict.set('middle', 1);
};

const full = (dict: SharedDict): void => {
  some(dict);
  for (let i = 0; dict.safeSet(`fill${i}`, 'f'.repeat(300)); i++);
  for (let i = 0; dict.safeSet(`small${i}`, 's'); i++);
};

const withExpired = (dict: SharedDict): void => {
  some(dict);
  for (const key of ['key1', 'key2', 'list', 'number', 'large']) dict.expire(key, -1);
  const entries = (dict as unknown as { entries: { setExpired(node: number): void } }).entries;
  const { table } = dict as unknown as {
    table: { find(key: string, hash: number): number; hash(key: string): number };
  };
  for (const key of ['key1', 'key2', 'list', 'number']) entries.setExpired(table.find(key, table.hash(key)));
};

const operations: [string, (dict: SharedDict) => void, string[]][] = [
  ['get', (d) => d.get('middle'), []],
  ['get the oldest', (d) => d.get('key0'), []],
  ['set a new key', (d) => d.set('new', 'n'.repeat(200)), ['new']],
  ['set a new number', (d) => d.set('new', 5), ['new']],
  ['set the same length', (d) => d.set('key5', 'w'.repeat(100)), ['key5']],
  ['set another type', (d) => d.set('number', 'eight by'), ['number']],
  ['set another length', (d) => d.set('key7', 'w'.repeat(500)), ['key7']],
  ['set pages', (d) => d.set('new', 'w'.repeat(6000)), ['new']],
  ['set over a list', (d) => d.set('list', 1), ['list']],
  ['delete', (d) => d.delete('key3'), ['key3']],
  ['delete a list', (d) => d.delete('list'), ['list']],
  ['delete pages', (d) => d.delete('large'), ['large']],
  ['incr', (d) => d.incr('number', 5), ['number']],
  ['incr a new key', (d) => d.incr('counter', 5, 1), ['counter']],
  ['lpush', (d) => d.lpush('list', 'front'), ['list']],
  ['rpush', (d) => d.rpush('list', 99), ['list']],
  ['rpush a new list', (d) => d.rpush('fresh', 'x'), ['fresh']],
  ['lpop', (d) => d.lpop('list'), ['list']],
  ['rpop', (d) => d.rpop('list'), ['list']],
  ['rpop the last', (d) => d.rpop('single'), ['single']],
  ['expire', (d) => d.expire('key4', 50), ['key4']],
  ['flush_expired', (d) => d.flushExpired(), []],
];

function matches(got: Content, key: string, ...states: Content[]): boolean {
  const value = JSON.stringify(got.get(key));
  return states.some((state) => value === JSON.stringify(state.get(key)));
}

for (const [state, fill] of [
  ['some entries', some],
  ['a full zone', full],
  ['expired entries', withExpired],
] as const) {
  test(`an operation cut short at any store, with ${state}`, () => {
    const memory = prepare(fill);
    const before = contentOf(fragile(memory).dict);
    for (const [name, run, touched] of operations) {
      const whole = fragile(memory);
      const start = whole.stores.count;
      run(whole.dict);
      const stores = whole.stores.count - start;
      checkDict(whole.dict);
      const after = contentOf(whole.dict);
      for (let point = 0; point < stores; point++) {
        const { dict, stores: limited, buffer } = fragile(memory);
        limited.left = point;
        assert.throws(() => run(dict));
        limited.left = 0;
        const next = survivor(buffer);
        const label = `${name}, store ${point} of ${stores}`;
        checkDict(next);
        assert.equal(next.zone.repairs, 1, label);
        const got = contentOf(next);
        for (const key of before.keys()) {
          if (touched.includes(key)) continue;
          // Others may only be gone if the whole operation would have evicted them.
          assert.ok(matches(got, key, before, after), `${label}: ${key}`);
        }
        for (const key of got.keys()) {
          assert.ok(matches(got, key, before, after), `${label}: ${key} is neither old nor new`);
        }
        // And the dictionary works on, with all its memory.
        next.set('afterwards', 'yes');
        assert.equal(next.get('afterwards'), 'yes');
        next.flushAll();
        next.flushExpired();
        assert.equal(next.freeSpace(), createFresh(), label);
      }
    }
  });
}

function createFresh(): number {
  return new SharedDict(createZone('crash', SIZE, false)).freeSpace();
}

test('making a dictionary, and repairing one, cut short at any store', () => {
  const empty = privateMapping(createZone('crash', SIZE, false).words.byteLength).buffer;
  for (const memory of [empty, prepare(full)]) {
    for (let point = 0; ; point++) {
      const buffer = memory.slice(0);
      const zone = new Zone('crash', SIZE, { buffer, fd: -1, close: () => {} });
      zone.words[HEADER.repair] = 1;
      const stores = new Stores();
      const words = stores.watch(zone.words);
      Object.assign(zone, { words, bytes: stores.watch(zone.bytes), slab: new Slab(words, zone.layout) });
      stores.left = point;
      let crashed = false;
      try {
        new SharedDict(zone, () => NOW);
      } catch (error) {
        assert.ok(error instanceof Crash);
        crashed = true;
      }
      const next = survivor(buffer);
      checkDict(next);
      if (memory !== empty) {
        assert.deepEqual(contentOf(next), contentOf(survivor(memory.slice(0))), `store ${point}`);
      }
      if (!crashed) break;
    }
  }
});
