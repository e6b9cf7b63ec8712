/**
 * npm run soak:proxy: requests through the proxy to backends that are killed, stopped, slowed and reset meanwhile.
 * Fails when a response is crossed, cut off unseen, missing or not what nginx's rules allow, when descriptors or
 * temporary files stay behind, or when the error log has alerts.
 *
 *   --requests N (200000)  --seconds N at most (1800)  --clients N (64)  --nginx: nginx instead, to check the rules
 */
import { parseArgs } from 'node:util';
import { soak } from './proxy-soak/soak.ts';

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200000' },
    seconds: { type: 'string', default: '1800' },
    clients: { type: 'string', default: '64' },
    nginx: { type: 'boolean', default: false },
  },
});
const result = await soak({
  requests: Number(values.requests),
  seconds: Number(values.seconds),
  clients: Number(values.clients),
  pause: 500,
  ...(values.nginx ? { command: ['nginx'] } : {}),
  progress: (text) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`),
});
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
const list = (map: ReadonlyMap<string, number>): string =>
  [...map]
    .sort(([, a], [, b]) => b - a)
    .map(([text, count]) => `${text}: ${count}`)
    .join(', ');
const { before, after } = result;
console.log(`${result.asked} requests in ${(result.milliseconds / 1000).toFixed(0)} s: ${list(result.outcomes)}`);
console.log(`backends: ${list(result.blows)}`);
console.log(`not allowed: ${result.wrongCount}${result.wrong.map((text) => `\n  ${text}`).join('')}`);
console.log(`descriptors of the workers: ${before.descriptors} before, ${after.descriptors} after`);
console.log(`memory of the workers: ${before.memory.toFixed(0)} MB before, ${after.memory.toFixed(0)} MB after`);
console.log(`temporary files left: ${result.leftovers}; alarms: ${result.alarms.length}`);
for (const line of result.alarms) console.log(`  ${line}`);
const good =
  result.wrongCount === 0 &&
  result.alarms.length === 0 &&
  result.leftovers === 0 &&
  after.descriptors <= before.descriptors;
process.exitCode = good ? 0 : 1;
