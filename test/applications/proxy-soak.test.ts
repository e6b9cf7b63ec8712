// A small run of `npm run soak:proxy`: backends that are killed, stopped, slowed and reset while requests go through.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from '../../bench/proxy-soak/soak.ts';

test('requests through the proxy to failing backends', { timeout: 120_000 }, async () => {
  const result = await soak({ requests: 2000, seconds: 30, clients: 32, pause: 150 });
  assert.deepEqual(result.wrong, []);
  assert.equal(result.wrongCount, 0);
  assert.deepEqual(result.alarms, []);
  assert.equal(result.leftovers, 0);
  assert.ok(
    result.after.descriptors <= result.before.descriptors,
    `descriptors: ${result.before.descriptors} before, ${result.after.descriptors} after`,
  );
  assert.ok((result.outcomes.get('200') ?? 0) > result.asked / 2, 'most requests are answered');
  assert.ok((result.outcomes.get('101') ?? 0) > 0, 'some are upgraded');
  assert.ok(result.blows.size > 0, 'backends suffered');
});
