import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { SharedDict } from '../../src/shm/dict.ts';
import { HEADER } from '../../src/shm/layout.ts';
import { ownerAlive, ownerPid, ownerWord } from '../../src/shm/owner.ts';
import { createZone } from '../../src/shm/zone.ts';
import { bundle, exit, message, run } from './support.ts';

const SIZE = 64 * 1024;
const child = bundle('child.ts');
after(child.remove);

test('a process knows itself, and what is no process', async () => {
  const me = ownerWord();
  assert.equal(ownerPid(me), process.pid);
  assert.ok(ownerAlive(me));
  const other = spawn('sleep', ['100']);
  const pid = other.pid!;
  assert.ok(ownerAlive(pid), 'without a start stamp, existing is enough');
  // A zombie: killed, and not waited for before this turn of the event loop ends.
  other.kill('SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  assert.doesNotThrow(() => process.kill(pid, 0));
  assert.ok(!ownerAlive(pid), 'a zombie is dead');
  await once(other, 'exit');
  assert.ok(!ownerAlive(pid));
});

test('a process that began at another moment is not the holder, though it has its id', {
  skip: process.platform !== 'linux',
}, () => {
  const otherStart = ownerWord() ^ (1 << 22);
  assert.equal(ownerPid(otherStart), process.pid);
  assert.ok(!ownerAlive(otherStart));
});

test('taking the lock twice is refused, and the lock remains', () => {
  const { lock, words } = createZone('z', SIZE, false);
  lock.acquire();
  assert.throws(() => lock.acquire(), /"z" is taken by this process/);
  assert.notEqual(words[HEADER.lock], 0);
  lock.release();
  lock.acquire();
  lock.release();
});

test('a zone that was left in the middle is repaired by the next holder, once', () => {
  const { lock, words } = createZone('z', SIZE, false);
  let repairs = 0;
  lock.repair = () => {
    repairs++;
    if (repairs === 1) throw new Error('out of luck');
  };
  words[HEADER.repair] = 1;
  assert.throws(() => lock.acquire(), /out of luck/);
  lock.acquire();
  lock.release();
  lock.acquire();
  lock.release();
  assert.equal(repairs, 2);
  words[HEADER.repair] = 1;
  lock.repair = undefined;
  assert.throws(() => lock.acquire(), /"z" was left in the middle of a change and cannot be repaired/);
});

test('a dead holder loses the lock: not yet waited for, ended by itself, or named by the master', async () => {
  const zone = createZone('z', SIZE);
  const dict = new SharedDict(zone);
  dict.set('a', 1);

  const killed = run(child.file, ['hold', 'z', String(SIZE)], [zone.fd]);
  await message(killed);
  assert.equal(ownerPid(zone.words[HEADER.lock]!), killed.pid);
  killed.kill('SIGKILL');
  // This blocks the event loop, so the child is a zombie until the lock is taken from it.
  assert.equal(dict.get('a'), 1);
  assert.equal(zone.repairs, 1);
  await exit(killed);

  const ended = run(child.file, ['hold and end', 'z', String(SIZE)], [zone.fd]);
  assert.equal(await exit(ended), 0);
  assert.equal(dict.get('a'), 1);
  assert.equal(zone.repairs, 2);

  const named = run(child.file, ['hold', 'z', String(SIZE)], [zone.fd]);
  await message(named);
  assert.equal(zone.lock.releaseFor(process.pid), false);
  named.kill('SIGKILL');
  await exit(named);
  assert.equal(zone.lock.releaseFor(named.pid!), true);
  assert.equal(zone.words[HEADER.lock], 0);
  assert.equal(dict.get('a'), 1);
  assert.equal(zone.repairs, 3);
  zone.close();
});

test('a live holder is waited for', async () => {
  const zone = createZone('z', SIZE);
  const holder = run(child.file, ['hold', 'z', String(SIZE)], [zone.fd]);
  await message(holder);
  // Ends the holder while this process, blocked in acquire(), cannot.
  const killer = spawn('sh', ['-c', `sleep 0.2; kill -9 ${holder.pid}`]);
  const start = performance.now();
  zone.lock.repair = () => {};
  zone.lock.acquire();
  zone.lock.release();
  assert.ok(performance.now() - start >= 150);
  await Promise.all([exit(holder), once(killer, 'exit')]);
  zone.close();
});
