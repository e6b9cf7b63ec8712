/**
 * npm run soak:api: timers, light threads, cosockets, subrequests, semaphores, shared dicts and lists, pipes and
 * streams at once, with clients that leave, peers that hang, killed workers and reloads. Fails when an answer carries
 * another request's mark, when counters do not add up, when a lock, thread, timer, child process, connection or
 * descriptor stays behind, when memory grows, or when the error log has alerts.
 *
 *   --minutes N (30)  --clients N (24)  --pause N: milliseconds between a client's requests (10)
 *   --leaving N: share of clients that leave (0.1)  --lualib DIR: has resty/lock.lua, which is then used for locks
 *   --write: puts the figures into bench/results/soak-api.md  --command FILE --preamble TEXT: another server
 */
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { byKind, soak, type WorkerSight } from './api-soak/soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    clients: { type: 'string', default: '24' },
    pause: { type: 'string', default: '10' },
    leaving: { type: 'string', default: '0.1' },
    lualib: { type: 'string' },
    write: { type: 'boolean', default: false },
    command: { type: 'string' },
    preamble: { type: 'string' },
  },
});
const terminal = process.stderr.isTTY;
const result = await soak({
  minutes: Number(values.minutes),
  clients: Number(values.clients),
  pause: Number(values.pause),
  leaving: Number(values.leaving),
  ...(values.lualib === undefined ? {} : { lualib: values.lualib }),
  ...(values.command === undefined ? {} : { command: [values.command] }),
  ...(values.preamble === undefined ? {} : { preamble: values.preamble }),
  progress: (text) => process.stderr.write(terminal ? `\r\x1b[K${text}` : `${text.trimEnd()}\n`),
});
if (terminal) process.stderr.write('\r\x1b[K');

const { before, after, masterBefore, masterAfter } = result;
const megabytes = (value: number): string => value.toFixed(1);
const row = (name: string, pick: (sight: WorkerSight) => string | number): string =>
  `| ${name} | ${pick(before)} | ${pick(after)} |`;
/** A heap that has grown by more than this many megabytes, and by a quarter, leaks. */
const HEAP_SLACK = 6;
const grown = after.heap / 1024 > Math.max(before.heap / 1024 + HEAP_SLACK, (before.heap / 1024) * 1.25);
const swollen = after.memory > before.memory * 1.5 + 40 || masterAfter.memory > masterBefore.memory * 1.5 + 40;
const complaints = [
  ...(result.wrongCount > 0 ? [`${result.wrongCount} things that are not allowed`, ...result.wrong] : []),
  ...result.alarms,
  ...(grown ? [`heap grew from ${megabytes(before.heap / 1024)} to ${megabytes(after.heap / 1024)} MB`] : []),
  ...(swollen ? ['resident memory grew'] : []),
  ...(after.descriptors > before.descriptors ? [`${after.descriptors - before.descriptors} descriptors more`] : []),
  ...(masterAfter.descriptors > masterBefore.descriptors
    ? [`${masterAfter.descriptors - masterBefore.descriptors} descriptors of the master more`]
    : []),
];
const report = `# API soak

${result.minutes.toFixed(0)} minutes, ${values.clients} clients, ${Number(values.leaving) * 100} % of which leave before the end; Node ${process.versions.node},
Linux ${release()}, ${cpus().length} processors. Made by \`npm run soak:api -- --write\`.

**${complaints.length === 0 ? 'Nothing wrong.' : 'Wrong:'}**${complaints.map((text) => `\n- ${text.replace(/\s+/g, ' ')}`).join('')}

${result.asked} requests; ${result.kills} workers killed, ${result.takeovers} of which held the lock of a shared dictionary;
${result.reloads} reloads. Killed workers left ${result.leftovers} files with request bodies, as nginx's would.

The worker that lived through the first part, while the two others were killed again and again, idle:

| | at the start | at the end |
|---|--:|--:|
${row('light threads', (sight) => sight.threads)}
${row('running timers (the one that tells)', (sight) => sight.runningTimers)}
${row('pending timers', (sight) => sight.pendingTimers)}
${row('descriptors', (sight) => sight.descriptors)}
${row('heap after a collection, MB', (sight) => megabytes(sight.heap / 1024))}
${row('resident memory, MB', (sight) => megabytes(sight.memory))}
| master: descriptors | ${masterBefore.descriptors} | ${masterAfter.descriptors} (after the reloads) |
| master: resident memory, MB | ${megabytes(masterBefore.memory)} | ${megabytes(masterAfter.memory)} (after the reloads) |

Its heap after each round, MB: ${result.heaps.map(megabytes).join(', ')}.

Counters at the end: ${[...result.counters].map(([key, value]) => `${key} ${value}`).join(', ')}. \`a\` and \`b\` are raised
together, items are pushed and popped; a kill between the two may leave one apart.

| kind | outcomes (\`left\`: by the client; \`cut\`: a worker was killed) |
|---|---|
${byKind(result.outcomes)
  .map(([kind, outcomes]) => `| ${kind} | ${outcomes} |`)
  .join('\n')}
`;
console.log(report);
if (values.write) writeFileSync(join(import.meta.dirname, 'results/soak-api.md'), report);
process.exitCode = complaints.length === 0 ? 0 : 1;
