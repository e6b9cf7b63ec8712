// Several processes on one dictionary: nothing is lost, whoever is killed.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { SharedDict } from '../../src/shm/dict.ts';
import { createZone } from '../../src/shm/zone.ts';
import { bundle, checkDict, exit, message, run } from './support.ts';

const SIZE = 512 * 1024;
const KILLS = Number(process.env.SHM_KILLS ?? 25);
const child = bundle('child.ts');
after(child.remove);

async function together(command: string, fd: number, count: number): Promise<void> {
  const children = Array.from({ length: count }, () => run(child.file, [command, 'z', String(SIZE)], [fd]));
  await Promise.all(children.map(message));
  const ends = children.map(exit);
  for (const one of children) one.send('go');
  assert.deepEqual(await Promise.all(ends), Array(count).fill(0));
}

test('counts of three processes are exact', async () => {
  const zone = createZone('z', SIZE);
  const dict = new SharedDict(zone);
  await together('incr', zone.fd, 3);
  assert.equal(dict.get('total'), 300000);
  for (let i = 0; i < 10; i++) assert.equal(dict.get(`some${i}`), 30000);
  assert.equal(zone.words[100], 300000, 'counted under the lock, without atomics');
  assert.equal(zone.repairs, 0);
  checkDict(dict);
  zone.close();
});

test('elements of a list are delivered once', async () => {
  const zone = createZone('z', SIZE);
  const dict = new SharedDict(zone);
  await together('lists', zone.fd, 3);
  assert.equal((dict.get('popped') as number) + dict.llen('queue')!, 60000);
  checkDict(dict);
  zone.close();
});

test('a worker sees what the master stored', async () => {
  const zone = createZone('z', SIZE);
  const dict = new SharedDict(zone);
  dict.set('a', 'bytes \0\xff');
  dict.set('b', 1.5);
  dict.set('c', true);
  const reader = run(child.file, ['read', 'z', String(SIZE)], [zone.fd]);
  assert.deepEqual(await message(reader), [
    ['a', 'bytes \0\xff'],
    ['b', 1.5],
    ['c', true],
  ]);
  await exit(reader);
  zone.close();
});

/** Values are one letter throughout, told by the length: see child.ts. */
function checkValues(dict: SharedDict): void {
  for (const key of dict.getKeys(0)) {
    assert.match(key, /^(key|count|list)\d+$/);
    const value = key.startsWith('list') ? dict.lpop(key) : dict.get(key);
    assert.equal(dict.error, undefined);
    if (typeof value !== 'string') continue;
    assert.equal(value, String.fromCharCode(97 + (value.length % 26)).repeat(value.length), `${key} is torn`);
  }
}

test('processes killed in the middle of changes leave a sound dictionary', async () => {
  const zone = createZone('z', SIZE);
  const dict = new SharedDict(zone);
  const fresh = dict.freeSpace();
  let inside = 0;
  for (let i = 0; i < KILLS; i++) {
    const pair = [0, 1].map(() => run(child.file, ['mutate', 'z', String(SIZE)], [zone.fd]));
    await Promise.all(pair.map(message));
    // One is killed under the eyes of the other, which has to carry on; then the other too.
    for (const victim of pair) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      const end = exit(victim);
      victim.kill('SIGKILL');
      assert.equal(await end, 'SIGKILL');
    }
    const repairs = zone.repairs;
    dict.get('none');
    if (zone.repairs > repairs) inside++;
    checkDict(dict);
    checkValues(dict);
    checkDict(dict);
  }
  if (process.env.SHM_KILLS) console.log(`${zone.repairs} repairs in ${2 * KILLS} kills, ${inside} by the parent`);
  assert.ok(zone.repairs > 0, 'some were killed while they held the lock');
  dict.flushAll();
  dict.flushExpired();
  assert.equal(dict.freeSpace(), fresh, 'no memory was lost');
  zone.close();
});

test('a stack that overflows in the middle of operations does no harm', () => {
  const zone = createZone('z', SIZE, false);
  const dict = new SharedDict(zone);
  let overflows = 0;
  let depth = 0;
  const recurse = (i: number): void => {
    depth++;
    dict.set(`key${i % 50}`, 'x'.repeat(i % 900));
    dict.rpush('list', i);
    dict.get(`key${(i * 7) % 50}`);
    dict.rpop('list');
    recurse(i + 1);
  };
  for (let round = 0; round < 60; round++) {
    // Another depth each time, so that the end of the stack falls everywhere.
    const pad = (n: number): void => (n === 0 ? recurse(round) : pad(n - 1));
    assert.throws(() => pad(round), RangeError);
    overflows++;
    dict.get('none');
    checkDict(dict);
  }
  assert.equal(overflows, 60);
  assert.ok(depth > 60);
  if (process.env.SHM_KILLS) console.log(`${zone.repairs} repairs in ${overflows} stack overflows`);
  assert.ok(zone.repairs > 0, 'some fell inside');
});
