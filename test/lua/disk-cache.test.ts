/** Compiled Lua files on disk: what comes from there does the same, and nothing that is wrong with it does harm. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { DiskCache } from '../../src/lua/compiler/disk-cache.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsresty-disk-cache-'));
after(() => rmSync(folder, { recursive: true }));

const FACTS = { count: 1, keys: ['name'], shapes: [['a', '$get']], shifted: true };

/** A folder of the cache; root has to make it itself. */
function made(name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

function filled(name: string): { cache: DiskCache; key: string; file: string } {
  const path = made(name);
  const cache = DiskCache.open(path, 'test')!;
  const key = cache.key('return "\xe4"', '@a.lua');
  const text = '(function(){return "\xe4"})';
  cache.add(key, FACTS, text, new Script(text));
  cache.save();
  return { cache, key, file: join(path, readdirSync(path)[0]!) };
}

test('an entry is found by version, name and content', () => {
  const { cache, key, file } = filled('found');
  const stored = cache.read(key, 'a.js')!;
  assert.deepEqual(stored.facts, FACTS);
  assert.equal(stored.script.runInThisContext()(), '\xe4');
  assert.equal(stored.script.cachedDataRejected, false);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const other = DiskCache.open(join(folder, 'found'), 'other')!;
  assert.notEqual(other.key('return "\xe4"', '@a.lua'), key);
  assert.notEqual(cache.key('return "\xe4"', '@b.lua'), key);
  assert.notEqual(cache.key('return "\xe5"', '@a.lua'), key);
  assert.equal(cache.read(cache.key('x', '@a.lua'), 'a.js'), undefined);
});

test('an entry that was cut off or changed is none', () => {
  const { cache, key, file } = filled('damaged');
  const entry = readFileSync(file);
  for (const length of [0, 10, 32, 39, 40, entry.length - 1]) {
    writeFileSync(file, entry.subarray(0, length));
    assert.equal(cache.read(key, 'a.js'), undefined, `${length} bytes`);
  }
  for (const at of [0, 33, 60, entry.length - 5]) {
    const changed = Buffer.from(entry);
    changed[at]! ^= 1;
    writeFileSync(file, changed);
    assert.equal(cache.read(key, 'a.js'), undefined, `byte ${at}`);
  }
});

test('a folder that others can write to, or that cannot be made, is not used', () => {
  const open = join(folder, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  assert.equal(DiskCache.open(open, 'test'), undefined);
  writeFileSync(join(folder, 'file'), '');
  assert.equal(DiskCache.open(join(folder, 'file'), 'test'), undefined);
  assert.equal(DiskCache.open(join(folder, 'file', 'below'), 'test'), undefined);
  if (process.getuid?.() === 0) assert.equal(DiskCache.open(join(folder, 'by root'), 'test'), undefined);
  else {
    assert.ok(DiskCache.open(join(folder, 'new'), 'test'));
    assert.equal(statSync(join(folder, 'new')).mode & 0o777, 0o700);
  }
});

test('what cannot be written is left', () => {
  const path = made('gone');
  const cache = DiskCache.open(path, 'test')!;
  rmSync(path, { recursive: true });
  cache.add(cache.key('x', '@x'), FACTS, '1', new Script('1'));
  cache.save();
  assert.throws(() => statSync(path));
});

/** Runs the programs and prints their output as JSON. */
const RUNNER = `
import { readFileSync } from 'node:fs';
import { setDiskCache } from '${new URL('../../src/lua/compiler/compile.ts', import.meta.url)}';
import { DiskCache } from '${new URL('../../src/lua/compiler/disk-cache.ts', import.meta.url)}';
import { LuaError } from '${new URL('../../src/lua/error.ts', import.meta.url)}';
import { LuaState } from '${new URL('../../src/lua/state.ts', import.meta.url)}';
const [path, folder, ...names] = process.argv.slice(2);
const cache = DiskCache.open(path, 'test');
setDiskCache(cache);
const outputs = {};
for (const name of names) {
  let output = '';
  try {
    const state = new LuaState({ print: (text) => (output += text) });
    const thread = state.newThread(state.load(readFileSync(folder + name, 'latin1'), '@' + name));
    thread.canYield = false;
    thread.resume();
  } catch (e) {
    if (!(e instanceof LuaError)) throw e;
    output += e.message + e.traceback;
  }
  outputs[name] = output;
}
cache.save();
console.log(JSON.stringify(outputs));
`;

test('programs from disk print the same: errors with names and positions, coroutines, variables for debug', () => {
  const programs = fileURLToPath(new URL('programs/', import.meta.url));
  // The others print with io.write, or take long.
  const names = [
    'closures',
    'control',
    'coroutines',
    'debug_lines',
    'debug_variables',
    'debuginfo',
    'environments',
  ].concat(['errors', 'metatables', 'numbers', 'order', 'tables', 'varargs', 'weak_tables', 'collect']);
  const runner = join(folder, 'runner.mts');
  writeFileSync(runner, RUNNER);
  const path = made('programs');
  const run = (): Record<string, string> => {
    const files = names.map((name) => `${name}.lua`);
    const args = ['--import', import.meta.resolve('tsx'), runner, path, programs, ...files];
    const result = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: programs });
    assert.equal(result.status, 0, result.stderr);
    // Programs may write to standard output too.
    const line = result.stdout.split('\n').find((text) => text.startsWith('{"closures.lua"'));
    return JSON.parse(line!) as Record<string, string>;
  };
  const compiled = run();
  const entries = readdirSync(path);
  assert.ok(entries.length >= names.length - 2, `${entries.length} entries`);
  // Entries that are used are not written again.
  for (const entry of entries) utimesSync(join(path, entry), 1, 1);
  const restored = run();
  for (const name of Object.keys(compiled)) assert.equal(restored[name], compiled[name], name);
  for (const entry of entries) assert.equal(statSync(join(path, entry)).mtimeMs, 1000);
});
