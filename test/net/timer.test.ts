import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { updateTime } from '../../src/log/time.ts';
import { Timer, type TimerOwner, timerCount } from '../../src/net/timer.ts';

/** Timers do not keep a process alive, so a test holds it until its condition is met. */
function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const hold = setInterval(() => {
      if (!condition()) return;
      clearInterval(hold);
      resolve();
    }, 1);
  });
}

class Owner implements TimerOwner {
  readonly fired: Timer[] = [];
  react: ((timer: Timer) => void) | undefined;
  onTimer(timer: Timer) {
    this.fired.push(timer);
    this.react?.(timer);
  }
}

function set(timer: Timer, ms: number): void {
  updateTime();
  timer.set(ms);
}

test('timers fire in the order of their deadlines, not of being set', { timeout: 5000 }, async () => {
  const owner = new Owner();
  const timers = [30, 5, 20, 10, 1].map((ms) => {
    const timer = new Timer(owner);
    set(timer, ms);
    return timer;
  });
  await until(() => owner.fired.length === 5);
  assert.deepEqual(
    owner.fired.map((t) => timers.indexOf(t)),
    [4, 1, 3, 2, 0],
  );
  assert.equal(timerCount(), 0);
});

test('never early', { timeout: 5000 }, async () => {
  const owner = new Owner();
  const begin = performance.now();
  set(new Timer(owner), 20);
  await until(() => owner.fired.length === 1);
  assert.ok(performance.now() - begin >= 19);
});

test('set again: later and earlier', { timeout: 5000 }, async () => {
  const owner = new Owner();
  const later = new Timer(owner);
  const earlier = new Timer(owner);
  const mark = new Timer(owner);
  set(later, 5);
  set(later, 40);
  set(earlier, 10_000);
  set(earlier, 5);
  set(mark, 20);
  await until(() => owner.fired.length === 3);
  assert.deepEqual(owner.fired, [earlier, mark, later]);
});

test('clear and release', { timeout: 5000 }, async () => {
  const owner = new Owner();
  const cleared = new Timer(owner);
  const released = new Timer(owner);
  const kept = new Timer(owner);
  set(cleared, 1);
  set(released, 2);
  set(kept, 10);
  cleared.clear();
  released.release();
  assert.equal(cleared.isSet, false);
  assert.equal(timerCount(), 2);
  await until(() => owner.fired.length > 0);
  assert.deepEqual(owner.fired, [kept]);
  assert.equal(timerCount(), 0);
});

test('a timer that sets itself does not starve the others', { timeout: 5000 }, async () => {
  const owner = new Owner();
  const again = new Timer(owner);
  const other = new Timer(owner);
  owner.react = (timer) => {
    if (timer === again && !owner.fired.includes(other)) timer.set(0);
  };
  set(again, 0);
  set(other, 10);
  await until(() => owner.fired.includes(other));
  again.release();
});

test('an owner that throws does not stop the others', () => {
  // In a process of its own: the test runner takes uncaught exceptions for itself.
  const script = `
    import { Timer } from './src/net/timer.ts';
    process.on('uncaughtException', (e) => console.log(e.message));
    new Timer({ onTimer() { throw new Error('thrown'); } }).set(1);
    new Timer({ onTimer() { console.log('other'); process.exit(); } }).set(1);
    setTimeout(() => {}, 5000);`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const run = spawnSync(process.execPath, args, { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8' });
  assert.equal(run.stdout, 'thrown\nother\n', run.stderr);
});

test('many timers, set, moved and released at random, fire when due', { timeout: 5000 }, async () => {
  const owner = new Owner();
  const timers = Array.from({ length: 2000 }, () => new Timer(owner));
  let seed = 1;
  const random = (n: number) => (seed = (seed * 48271) % 0x7fffffff) % n;
  updateTime();
  for (let i = 0; i < 20_000; i++) {
    const timer = timers[random(timers.length)]!;
    if (random(4) === 0) timer.release();
    else timer.set(random(50));
  }
  const due = timers.filter((t) => t.isSet);
  await until(() => owner.fired.length === due.length);
  assert.deepEqual(new Set(owner.fired), new Set(due));
  for (let i = 1; i < owner.fired.length; i++) assert.ok(owner.fired[i]!.place >= owner.fired[i - 1]!.place);
});
