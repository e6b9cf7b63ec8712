// Nanoseconds per shared dictionary operation: `node --import tsx bench/shared-dict.ts`. Bundles itself first, because
// that is how the server runs, and tsx's transformation costs an operation up to 30 ns.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SharedDict } from '../src/shm/dict.ts';
import { createZone } from '../src/shm/zone.ts';

const ITERATIONS = 1_000_000;
const ROUNDS = 5;

function measure(name: string, operation: (i: number) => unknown): void {
  for (let i = 0; i < ITERATIONS / 5; i++) operation(i);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < ITERATIONS; i++) operation(i);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / ITERATIONS);
  }
  console.log(`${name.padEnd(40)} ${best.toFixed(0).padStart(5)} ns`);
}

function main(): void {
  const start = performance.now();
  const zone = createZone('bench', 10 << 20);
  const first = performance.now();
  createZone('second', 10 << 20).close();
  const second = performance.now();
  console.log(`first zone ${(first - start).toFixed(1)} ms, second ${(second - first).toFixed(2)} ms`);
  const now = Date.now();
  const dict = new SharedDict(zone, () => now);
  const value = 'x'.repeat(100);
  const keys = Array.from({ length: 1000 }, (_, i) => `some:key:${i}`);
  for (const key of keys) dict.set(key, value);
  dict.set('number', 1);
  measure('get 100 bytes', () => dict.get('some:key:5'));
  measure('get 100 bytes, 1000 keys', (i) => dict.get(keys[i % 1000]!));
  measure('get a number', () => dict.get('number'));
  measure('get nothing', () => dict.get('nothing'));
  measure('set 100 bytes, 1000 keys', (i) => dict.set(keys[i % 1000]!, value));
  measure('set with another length, 1000 keys', (i) => dict.set(keys[i % 1000]!, i % 2 === 0 ? value : value + value));
  measure('incr', () => dict.incr('number', 1));
  measure('lpush and rpop', (i) => {
    dict.lpush('list', i);
    dict.rpop('list');
  });
  measure('lock and unlock', () => {
    zone.lock.acquire();
    zone.lock.release();
  });
  measure('set, evicting', (i) => dict.set(`other${i}`, value));
}

if (process.env.SHARED_DICT_BENCH === 'bundled') {
  main();
} else {
  const { buildSync } = await import('esbuild');
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const outfile = join(directory, 'bench.mjs');
  const entryPoints = [fileURLToPath(import.meta.url)];
  buildSync({
    entryPoints,
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
  });
  const modules = join(dirname(createRequire(import.meta.url).resolve('koffi')), '..');
  const env = { ...process.env, SHARED_DICT_BENCH: 'bundled', NODE_PATH: modules };
  spawnSync(process.execPath, [outfile], { stdio: 'inherit', env });
  rmSync(directory, { recursive: true });
}
