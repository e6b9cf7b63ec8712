import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutOf } from '../../src/shm/layout.ts';
import { createZone } from '../../src/shm/zone.ts';
import { checkSlab } from './support.ts';

function random(seed: number): (limit: number) => number {
  return (limit) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
}

test('a zone has as many pages as nginx makes of its size', () => {
  // The first three are the numbers in ngx_lua's t/126-shdict-frag.t.
  for (const [kilobytes, pages] of [
    [20, 4],
    [25, 5],
    [30, 6],
    [8, 1],
    [900, 223],
    [10240, 2544],
  ] as const) {
    assert.equal(layoutOf(kilobytes * 1024).pages, pages, `${kilobytes}k`);
  }
  assert.equal(layoutOf(4096).pages, 0);
  assert.throws(() => createZone('tiny', 4096, false), /zone "tiny" is too small/);
});

test('blocks of one size share a page, as many as in nginx', () => {
  for (const [bytes, perPage] of [
    [1, 504],
    [8, 504],
    [9, 254],
    [32, 127],
    [33, 64],
    [64, 64],
    [128, 32],
    [129, 16],
    [2048, 2],
  ] as const) {
    const { slab } = createZone('z', 20 * 1024, false);
    const free = slab.freeBytes;
    for (let i = 0; i < perPage; i++) assert.notEqual(slab.alloc(bytes), 0);
    assert.equal(free - slab.freeBytes, 4096, `${perPage} blocks of ${bytes}`);
    slab.alloc(bytes);
    assert.equal(free - slab.freeBytes, 8192, `one more of ${bytes}`);
  }
});

test('runs of pages join when they are freed, in either direction', () => {
  const { slab } = createZone('z', 30 * 1024, false);
  const [a, b, c] = [slab.alloc(8000), slab.alloc(8000), slab.alloc(8000)];
  assert.equal(slab.alloc(1), 0);
  slab.free(b!);
  assert.equal(slab.alloc(12000), 0);
  slab.free(a!);
  slab.free(slab.alloc(16000));
  slab.free(c!);
  assert.notEqual(slab.alloc(24000), 0);
});

test('an empty chunk page can serve any other size', () => {
  const { slab } = createZone('z', 20 * 1024, false);
  const blocks = Array.from({ length: 4 * 32 }, () => slab.alloc(100));
  assert.ok(!blocks.includes(0));
  assert.equal(slab.alloc(100), 0);
  for (const block of blocks.slice(0, 64)) slab.free(block);
  assert.notEqual(slab.alloc(8192), 0);
});

test('random allocation: blocks never overlap, nothing leaks, and recovery finds the same', () => {
  for (const seed of [1, 2, 3]) {
    const next = random(seed);
    const zone = createZone('z', 400 * 1024, false);
    const { slab, words } = zone;
    const initial = slab.freeBytes;
    let live: [number, number][] = [];
    for (let i = 0; i < 20000; i++) {
      if (next(100) < 52) {
        const bytes = [1 + next(30), 1 + next(300), 1 + next(5000), 1 + next(20000)][next(4)]!;
        const pointer = slab.alloc(bytes);
        if (pointer === 0) continue;
        // A mark at both ends, to notice overlaps with what is written later.
        zone.bytes[pointer * 4] = bytes & 255;
        zone.bytes[pointer * 4 + bytes - 1] = bytes & 255;
        live.push([pointer, bytes]);
      } else if (live.length > 0) {
        const [pointer, bytes] = live.splice(next(live.length), 1)[0]!;
        assert.equal(zone.bytes[pointer * 4 + bytes - 1], bytes & 255);
        slab.free(pointer);
      }
      if (i % 1000 === 0) checkSlab(zone, live);
      if (i % 4000 === 3999) {
        slab.reset();
        for (const [pointer, bytes] of live) assert.ok(slab.claim(pointer, bytes));
        slab.rebuild();
        checkSlab(zone, live);
      }
    }
    for (const [pointer, bytes] of live) assert.equal(zone.bytes[pointer * 4], bytes & 255);
    for (const [pointer] of live) slab.free(pointer);
    live = [];
    assert.equal(slab.freeBytes, initial);
    checkSlab(zone, live);
    assert.ok(words.length > 0);
  }
});

test('recovery refuses blocks that cannot be', () => {
  const zone = createZone('z', 40 * 1024, false);
  const { slab, layout } = zone;
  const small = slab.alloc(100);
  const large = slab.alloc(10000);
  slab.reset();
  assert.ok(slab.claim(small, 100));
  assert.ok(!slab.claim(small, 100), 'twice');
  assert.ok(!slab.claim(small + 64, 300), 'another size in the same page');
  assert.ok(!slab.claim(small + 2, 100), 'not at a chunk');
  assert.ok(slab.claim(large, 10000));
  assert.ok(!slab.claim(large + 1024, 4096), 'inside a run');
  assert.ok(!slab.claim(large + 512, 5000), 'a run off a page');
  assert.ok(!slab.claim(layout.end - 1024, 8192), 'beyond the end');
  assert.ok(!slab.claim(0, 100) && !slab.claim(layout.end, 8) && !slab.claim(-8, 8), 'outside');
  slab.unclaim(large, 10000);
  assert.ok(slab.claim(large, 10000));
  slab.rebuild();
  checkSlab(zone, [
    [small, 100],
    [large, 10000],
  ]);
});
