// What several shm tests need: a check of everything a zone's structures promise about each other, and child processes.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { SharedDict } from '../../src/shm/dict.ts';
import type { DictEntries } from '../../src/shm/entries.ts';
import { DESCRIPTOR_WORDS, HEADER, PAGE_WORDS } from '../../src/shm/layout.ts';
import { NODE, TABLE_ROOT } from '../../src/shm/table.ts';
import type { Zone } from '../../src/shm/zone.ts';

const LIST = 5;

/** All blocks a dictionary uses, as [pointer, bytes asked for]; checks list, hash chains and back pointers on the way. */
function blocksOf(dict: SharedDict): [number, number][] {
  const { zone } = dict;
  const { words } = zone;
  const { table } = (dict as unknown as { entries: DictEntries }).entries;
  const root = zone.root;
  const blocks: [number, number][] = [
    [root, 80],
    [words[root + TABLE_ROOT.words]!, words[root + TABLE_ROOT.words + 1]! + 1],
  ];
  let newer = 0;
  let count = 0;
  for (let node = table.newest; node !== 0; node = words[node + NODE.older]!) {
    assert.equal(words[node + NODE.newer], newer, 'back pointer');
    const key = table.keyOf(node);
    assert.equal(table.find(key, table.hash(key)), node, 'found by its key');
    const length = words[node + NODE.payload]!;
    if (table.kind(node) === LIST) {
      blocks.push([node, (84 + key.length + 7) & ~7]);
      assert.ok(length > 0, 'lists are never empty');
      let previous = 0;
      let elements = 0;
      for (let element = words[node + NODE.payload + 3]!; element !== 0; element = words[element]!) {
        assert.equal(words[element + 1], previous, 'element back pointer');
        blocks.push([element, 21 + words[element + 2]!]);
        previous = element;
        elements++;
      }
      assert.equal(words[node + NODE.payload + 4], previous, 'tail');
      assert.equal(elements, length, 'list length');
    } else {
      blocks.push([node, 68 + key.length + length]);
    }
    newer = node;
    count++;
  }
  assert.equal(table.oldest, newer, 'oldest');
  assert.equal(table.count, count, 'count');
  return blocks;
}

/** Checks an allocator against the blocks that are known to be in use: no overlap, no leak, lists complete. */
export function checkSlab(zone: Zone, blocks: [number, number][]): void {
  const { words, layout } = zone;
  const used = new Map<number, { shift: number; count: number }>();
  const taken = new Set<number>();
  for (const [pointer, bytes] of blocks) {
    const page = Math.floor((pointer - layout.data) / PAGE_WORDS) + 1;
    assert.ok(page >= 1 && page <= layout.pages, 'inside the pages');
    if (bytes > 2048) {
      for (let i = 0; i < Math.ceil(bytes / 4096); i++) {
        assert.ok(!used.has(page + i), 'runs do not overlap');
        used.set(page + i, { shift: 12, count: i === 0 ? Math.ceil(bytes / 4096) : -1 });
      }
      continue;
    }
    const shift = Math.max(3, Math.ceil(Math.log2(bytes)));
    assert.ok(!taken.has(pointer), 'chunks do not overlap');
    taken.add(pointer);
    const info = used.get(page) ?? { shift, count: 0 };
    assert.equal(info.shift, shift, 'one size a page');
    info.count++;
    used.set(page, info);
  }
  for (const [page, { shift, count }] of used) {
    if (count < 0) continue;
    const at = layout.pageTable + page * DESCRIPTOR_WORDS;
    assert.equal(words[at], shift, 'page state');
    assert.equal(words[at + 1], count, 'blocks in use in a page');
  }
  let free = 0;
  for (let page = words[HEADER.freeRuns]!; page !== 0; ) {
    const at = layout.pageTable + page * DESCRIPTOR_WORDS;
    const count = words[at + 1]!;
    for (let i = 0; i < count; i++) assert.ok(!used.has(page + i), 'free pages are free');
    free += count;
    page = words[at + 4]!;
  }
  assert.equal(words[HEADER.freePages], free, 'free page count');
  assert.equal(free + used.size, layout.pages, 'every page is free or in use');
}

/** Checks everything a dictionary's structures promise about each other. Nobody else may be using the zone. */
export function checkDict(dict: SharedDict): void {
  checkSlab(dict.zone, blocksOf(dict));
}

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));

/** Bundles a script beside the tests, so that many processes can run it without each compiling it again. */
export function bundle(script: string): { file: string; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'shm-test-'));
  const file = join(directory, 'child.mjs');
  buildSync({
    entryPoints: [join(here, script)],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  });
  return { file, remove: () => rmSync(directory, { recursive: true }) };
}

/** Runs a bundled script with a message channel and the given descriptors as 4, 5, ... */
export function run(file: string, args: string[], fds: number[], nodeOptions: string[] = []): ChildProcess {
  return spawn(process.execPath, [...nodeOptions, file, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...fds],
    // Where the bundle, which lies elsewhere, finds koffi.
    env: { ...process.env, NODE_PATH: join(dirname(require.resolve('koffi')), '..') },
  });
}

/** The next message of a child; rejects when it ends without one. */
export function message(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null, signal: string | null) => reject(new Error(`child ended: ${code ?? signal}`));
    child.once('exit', onExit);
    child.once('message', (value) => {
      child.off('exit', onExit);
      resolve(value);
    });
  });
}

/** The end of a child: its exit code, or the signal that killed it. */
export function exit(child: ChildProcess): Promise<number | string | null> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
}
