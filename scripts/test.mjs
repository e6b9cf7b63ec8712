// npm test: builds, checks types and format, runs the unit tests (test/**/*.test.ts) and the acceptance tests (t/**/*.t),
// and ends with one line "N passed, N failed". Arguments choose files or folders: npm test -- test/shm t/lua/output.t
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
/** Test files at a time: more would slow each other down on small machines. */
const JOBS = 2;
/** Milliseconds after which a file of unit tests, and the whole run of acceptance tests, counts as hanging. */
const FILE_LIMIT = 300_000;
const ACCEPTANCE_LIMIT = 1_200_000;

const totals = { passed: 0, failed: 0 };
const say = (line) => process.stdout.write(`${line}\n`);

/** Runs a command to its end. Its output is kept, or shown as it comes. */
function run(args, limit, { show = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limit);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (show) process.stdout.write(text);
      });
    }
    child.on('close', (code) => {
      clearTimeout(timer);
      if (late) output += `\nStopped after ${limit / 1000} s.\n`;
      resolve({ good: code === 0 && !late, output });
    });
  });
}

/** A step that is one test: it passes when its command does. */
async function step(name, args) {
  const began = Date.now();
  const { good, output } = await run(args, FILE_LIMIT);
  say(`${good ? 'ok' : 'not ok'} ${name} (${seconds(began)} s)`);
  if (!good) say(output.trimEnd());
  totals[good ? 'passed' : 'failed']++;
  return good;
}

const seconds = (began) => ((Date.now() - began) / 1000).toFixed(1);

/** One file of unit tests. A file that ends badly, or without a single test, counts as a failure. */
async function unitFile(file) {
  const began = Date.now();
  const { good, output } = await run(['--import', 'tsx', '--test-reporter=tap', file], FILE_LIMIT);
  const count = (what) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(output)?.[1] ?? 0);
  const passed = count('pass');
  let failed = count('fail') + count('cancelled');
  if (failed === 0 && (!good || passed === 0)) failed = 1;
  totals.passed += passed;
  totals.failed += failed;
  say(`${failed === 0 ? 'ok' : 'not ok'} ${file} (${passed + failed} tests, ${seconds(began)} s)`);
  if (failed > 0) say(failures(output));
}

/** Of a TAP report, what did not pass, or all when nothing says so. */
function failures(output) {
  const lines = output.split('\n');
  const kept = [];
  let keep = true;
  for (const line of lines) {
    if (/^\s*(?:not )?ok \d+/.test(line)) keep = line.trimStart().startsWith('not ok');
    else if (/^\s*# Subtest/.test(line)) continue;
    if (keep) kept.push(line);
  }
  return kept.join('\n').trimEnd();
}

/** Files below `path` (or itself) that end in `end`, relative to the root, in order. */
function files(path, end) {
  if (!statSync(join(root, path)).isDirectory()) return path.endsWith(end) ? [path] : [];
  const names = readdirSync(join(root, path), { recursive: true });
  return names
    .filter((name) => name.endsWith(end))
    .sort()
    .map((name) => join(path, name));
}

const args = process.argv.slice(2).map((path) => relative(root, join(process.cwd(), path)));
const unit = (args.length > 0 ? args : ['test']).flatMap((path) => files(path, '.test.ts'));
const acceptance = (args.length > 0 ? args : ['t']).flatMap((path) => files(path, '.t'));
if (unit.length + acceptance.length === 0) {
  say(`no tests in ${args.join(' ')}`);
  process.exit(2);
}

// Without a build nothing else can tell more.
if (!(await step('build', ['scripts/build.mjs', '--fast']))) {
  say('0 passed, 1 failed');
  process.exit(1);
}
if (args.length === 0) {
  await step('types', ['node_modules/typescript/bin/tsc', '--noEmit']);
  await step('format and lint', ['node_modules/@biomejs/biome/bin/biome', 'check', '.']);
}
const queue = unit[Symbol.iterator]();
await Promise.all(
  Array.from({ length: JOBS }, async () => {
    for (const file of queue) await unitFile(file);
  }),
);
if (acceptance.length > 0) {
  const { output } = await run(['bin/tsresty', 'test', '-j', String(JOBS), ...acceptance], ACCEPTANCE_LIMIT, {
    show: true,
  });
  const sum = /^(\d+) passed, (\d+) failed\n*$/m.exec(output.slice(output.lastIndexOf('\n', output.length - 2) + 1));
  if (sum === null) {
    say(`not ok acceptance tests\n${output.slice(-2000)}`);
    totals.failed++;
  } else {
    totals.passed += Number(sum[1]);
    totals.failed += Number(sum[2]);
  }
}
say(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;
