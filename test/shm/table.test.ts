// The table without the dictionary: a counter per key, as limit_conn or limit_req keep them in their zones. It also
// shows what a new structure has to do.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEADER } from '../../src/shm/layout.ts';
import { KeyTable, NODE, TABLE_ROOT } from '../../src/shm/table.ts';
import { createZone, type Zone } from '../../src/shm/zone.ts';

const COUNT = NODE.payload;
const PAYLOAD_WORDS = 1;
const KIND = 1;
const ROOT_BYTES = TABLE_ROOT.words * 4;

class Counters {
  readonly table: KeyTable;
  private readonly zone: Zone;

  constructor(zone: Zone) {
    this.zone = zone;
    this.table = new KeyTable(zone, PAYLOAD_WORDS);
    zone.lock.repair = () => this.repair();
    zone.lock.acquire();
    if (zone.root === 0) {
      const root = zone.slab.alloc(ROOT_BYTES);
      this.table.format(root);
      zone.root = root;
    }
    this.table.root = zone.root;
    zone.lock.release();
  }

  private bytes(keyLength: number): number {
    return (NODE.payload + PAYLOAD_WORDS) * 4 + keyLength;
  }

  add(key: string): number {
    const { zone, table } = this;
    const { words } = zone;
    const hash = table.hash(key);
    zone.lock.acquire();
    try {
      let node = table.find(key, hash);
      if (node === 0) {
        while ((node = zone.slab.alloc(this.bytes(key.length))) === 0) {
          const oldest = table.oldest;
          table.remove(oldest);
          zone.slab.free(oldest);
        }
        words[node + COUNT] = 0;
        table.insert(node, key, hash, KIND);
      } else {
        table.touch(node);
      }
      const count = ++words[node + COUNT]!;
      zone.lock.release();
      return count;
    } catch (error) {
      words[HEADER.repair] = 1;
      Atomics.store(words, HEADER.lock, 0);
      throw error;
    }
  }

  private repair(): void {
    const { slab, root } = this.zone;
    slab.reset();
    slab.claim(root, ROOT_BYTES);
    this.table.root = root;
    this.table.recover((node) => slab.claim(node, this.bytes(this.table.keyLength(node))));
    slab.rebuild();
  }
}

test('counters by key, the least recently used making room', () => {
  const counters = new Counters(createZone('limit', 32 * 1024, false));
  assert.equal(counters.add('often'), 1);
  for (let i = 0; i < 2000; i++) {
    assert.equal(counters.add(`client ${i}`), 1);
    assert.equal(counters.add('often'), i + 2);
  }
  assert.equal(counters.add('client 0'), 1, 'long gone');
  assert.equal(counters.add('client 1999'), 2);
});

test('the table survives a repair, and drops what is not sound', () => {
  const zone = createZone('limit', 32 * 1024, false);
  const counters = new Counters(zone);
  const { table } = counters;
  for (let i = 0; i < 50; i++) for (let n = 0; n <= i; n++) counters.add(`key${i}`);
  const damaged = table.find('key7', table.hash('key7'));
  zone.bytes[table.keyStart(damaged)] = 0;
  const circle = table.find('key30', table.hash('key30'));
  zone.words[circle + NODE.older] = table.newest;
  zone.words[HEADER.repair] = 1;
  assert.equal(counters.add('key49'), 51);
  assert.equal(counters.add('key30'), 32);
  assert.equal(counters.add('key29'), 1, 'behind the damage');
  assert.equal(counters.add('key7'), 1);
  assert.equal(zone.repairs, 1);
});

test('hashes differ from zone to zone', () => {
  const hashes = new Set<number>();
  for (let i = 0; i < 8; i++) hashes.add(new KeyTable(createZone('z', 32 * 1024, false), 0).hash('key'));
  assert.ok(hashes.size > 1);
});
