// Run with --expose-gc: what happens to views of a mapping when everything else is collected, and after close().
import { createMapping } from '../../src/shm/mapping.ts';

declare const gc: () => void;
const SIZE = 1 << 20;

async function collect(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    gc();
    // Finalizers run between turns of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function maps(): number {
  const text = process.getBuiltinModule('node:fs').readFileSync('/proc/self/maps', 'latin1');
  return text.split('\n').filter((line) => line.includes('memfd:tsresty:gc')).length;
}

const results: Record<string, unknown> = {};

// Only a typed array is kept; neither the mapping nor its ArrayBuffer.
const words = (() => {
  const mapping = createMapping('gc', SIZE);
  return new Int32Array(mapping.buffer);
})();
words[0] = 42;
words[SIZE / 4 - 1] = 43;
await collect();
results.kept = [words[0], words[SIZE / 4 - 1], maps()];

// Nothing is kept: collecting the views must not unmap what another view of the same file may use; only close() does.
for (let i = 0; i < 20; i++) new Int32Array(createMapping('gc', SIZE).buffer)[5] = i;
await collect();
results.collected = words[0];

// Closed, with a view left: the shared memory is gone, the view reads zeros and can be written without harm.
const before = maps();
const mapping = createMapping('gc', SIZE);
const view = new Int32Array(mapping.buffer);
view[7] = 77;
mapping.close();
mapping.close();
results.closed = [view[7], maps() - before];
view[7] = 78;
await collect();
results.afterGc = view[7];

// Many cycles of use, close and collection end with no mappings left behind.
for (let i = 0; i < 200; i++) {
  const one = createMapping('gc', SIZE);
  new Int32Array(one.buffer)[i] = i;
  one.close();
  if (i % 50 === 0) await collect();
}
await collect();
results.left = maps() - before;

process.send!(results);
process.disconnect();
