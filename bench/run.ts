/**
 * npm run bench: tsresty against nginx with its Lua module, in turn, in one run.
 *
 * The figure is CPU time of the worker process per request, and its ratio: wall-clock figures on shared machines say
 * little. Each scenario is run in rounds, peer and tsresty one after the other, and the medians are reported.
 *
 *   --seconds N     of load a round (default 3)         --rounds N   (default 3)
 *   --set NAME    http (default), or api: the functions of the Lua API, CPU time an operation
 *   --only NAMES    scenarios, comma-separated          --node PATH  another Node.js for tsresty
 *   --nginx PATH    the peer (default: nginx in PATH)   --modules DIR  where its Lua module lies
 *   --lualib DIR    of the peer: where its resty.core lies, if not in its own path
 *   --out FILE      without extension (default bench/results/http or api)
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { API_HTTP, API_SCENARIOS, REDIS_PORT } from './api-scenarios.ts';
import { chart } from './chart.ts';
import { type Load, load } from './load.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { Server } from './server.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    set: { type: 'string', default: 'http' },
    only: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    nginx: { type: 'string', default: 'nginx' },
    modules: { type: 'string', default: '/usr/lib/nginx/modules' },
    lualib: { type: 'string' },
    out: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);
const chosen = values.only?.split(',');
const api = values.set === 'api';
if (!api && values.set !== 'http') throw new Error(`--set is http or api, not ${values.set}`);
const out = values.out ?? join(root, 'bench/results', values.set);
const scenarios = (api ? API_SCENARIOS : SCENARIOS).filter(
  (scenario) => chosen === undefined || chosen.includes(scenario.name),
);
const CONNECTIONS = 64;
const withLua = scenarios.some((scenario) => scenario.ownOnly !== true && scenario.location.includes('lua_'));
const withRedis = scenarios.some((scenario) => scenario.needs === 'redis');

interface Sample extends Load {
  /** Microseconds of CPU a request, or an operation of it. */
  readonly cpu: number;
}

interface Row {
  readonly scenario: Scenario;
  readonly peer: Sample | undefined;
  readonly own: Sample;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function measure(server: Server, scenario: Scenario, time: number): Promise<Sample> {
  const before = server.cpu();
  const connections = scenario.connections ?? CONNECTIONS;
  const { port } = server.options;
  const origin =
    scenario.tls === undefined
      ? `http://127.0.0.1:${port}`
      : `https://127.0.0.1:${scenario.tls === 'tickets' ? port + 1 : port + 2}`;
  const url = `${origin}${scenario.path}`;
  const result = await load(url, scenario.headers ?? {}, time, connections);
  if (result.errors > 0) throw new Error(`${server.options.name}, ${scenario.name}: ${result.errors} failed requests`);
  const operations = Math.max(result.requests, 1) * (scenario.operations ?? 1);
  return { ...result, cpu: (server.cpu() - before) / operations };
}

function middle(samples: readonly Sample[]): Sample {
  return {
    cpu: median(samples.map((s) => s.cpu)),
    p50: median(samples.map((s) => s.p50)),
    p99: median(samples.map((s) => s.p99)),
    requests: median(samples.map((s) => s.requests)),
    errors: 0,
  };
}

/** Modules that the peer's package has as files of their own, when a scenario needs them. */
function peerPreamble(): string {
  if (!withLua) return '';
  const names = ['ndk_http_module', 'ngx_http_lua_module'];
  const files = names.map((name) => join(values.modules, `${name}.so`));
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) {
    throw new Error(
      `the peer's Lua module is missing (${missing}): install libnginx-mod-http-lua, or give --modules DIR`,
    );
  }
  return files.map((file) => `load_module ${file};`).join('\n');
}

function version(command: readonly string[]): string {
  const [program, ...args] = command as [string, ...string[]];
  const result = spawnSync(program, args, { encoding: 'utf8' });
  return (result.stderr + result.stdout).trim().split('\n')[0] ?? '';
}

execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--fast'], { stdio: 'inherit' });
const folder = mkdtempSync(join(tmpdir(), 'tsresty-bench-'));
const certificate = join(folder, 'certificate.pem');
const key = join(folder, 'key.pem');
execFileSync(
  'openssl',
  [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
    ...['-subj', '/CN=localhost', '-keyout', key, '-out', certificate],
  ],
  { stdio: 'ignore' },
);
/** Files in root's folder stay readable to root's workers. */
const USER = process.geteuid?.() === 0 ? 'user root;' : '';
/** The backend of both, whose CPU time is not counted. */
const backend = new Server({
  name: 'backend',
  command: [values.nginx],
  folder: join(folder, 'backend'),
  port: 18190,
  scenarios: [
    { name: '1k', title: '', location: '/1k { root html; }', path: '/1k' },
    { name: '1m', title: '', location: '/1m { root html; sendfile on; }', path: '/1m' },
  ],
  preamble: USER,
  http: '',
  backend: 18190,
  certificate,
  key,
});
const common = { backend: 18190, certificate, key };
const lualib = values.lualib === undefined ? '' : `lua_package_path "${values.lualib}/?.lua;;";`;
const http = api ? API_HTTP : '';
const captured: Scenario = {
  name: 'captured',
  title: '',
  location: '/captured { return 200 "captured\\n"; }',
  path: '/captured',
};
const peer = new Server({
  ...common,
  name: 'nginx',
  command: [values.nginx],
  folder: join(folder, 'nginx'),
  port: 18181,
  scenarios: [...scenarios.filter((scenario) => scenario.ownOnly !== true), captured],
  preamble: `${USER}\n${peerPreamble()}`,
  http: lualib + http,
});
const own = new Server({
  ...common,
  name: 'tsresty',
  command: [values.node, join(root, 'bin/tsresty')],
  folder: join(folder, 'tsresty'),
  port: 18185,
  scenarios: [...scenarios, captured],
  preamble: USER,
  http,
});

/** A Redis server without persistence, with the one key that is asked for. */
async function startRedis(): Promise<ChildProcess> {
  const options = ['--port', String(REDIS_PORT), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', [...options, '--dir', folder], { stdio: 'ignore' });
  child.once('error', (error) => process.stderr.write(`redis-server is needed for the scenario "redis": ${error}\n`));
  for (let i = 0; ; i++) {
    const done = await new Promise<boolean>((resolve) => {
      const socket = connect(REDIS_PORT, '127.0.0.1', () => socket.write(`SET key ${'v'.repeat(100)}\r\n`));
      socket.once('data', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (done) return child;
    if (i === 100) throw new Error('redis-server does not answer');
    await delay(50);
  }
}

let redis: ChildProcess | undefined;
const rows: Row[] = [];
let idle: [number, number] = [0, 0];
let after: [number, number] = [0, 0];
try {
  if (withRedis) redis = await startRedis();
  await backend.start();
  await peer.start();
  await own.start();
  idle = [peer.memory(), own.memory()];
  for (const scenario of scenarios) {
    const samples: { peer: Sample[]; own: Sample[] } = { peer: [], own: [] };
    await measure(own, scenario, 2);
    if (scenario.ownOnly !== true) await measure(peer, scenario, 1);
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`\r\x1b[K${scenario.title}: round ${round} of ${rounds}`);
      if (scenario.ownOnly !== true) samples.peer.push(await measure(peer, scenario, seconds));
      samples.own.push(await measure(own, scenario, seconds));
    }
    rows.push({
      scenario,
      peer: samples.peer.length > 0 ? middle(samples.peer) : undefined,
      own: middle(samples.own),
    });
  }
  process.stderr.write('\r\x1b[K');
  after = [peer.memory(), own.memory()];
} finally {
  await peer.stop();
  await own.stop();
  await backend.stop();
  redis?.kill();
  rmSync(folder, { recursive: true, force: true });
}

const peerVersion = version([values.nginx, '-v']).replace('nginx version: ', '');
const nodeVersion = version([values.node, '--version']);
const lines = [
  `# tsresty on Node.js ${nodeVersion} against ${peerVersion}${withLua ? ' with its Lua module' : ''}`,
  '',
  ...(api
    ? [
        `The Lua API, one function at a time: \`npm run bench -- --set api\`. One worker each, 4 connections, medians of ${rounds} rounds of ${seconds} s in turn, one run.`,
        'A request does the operation as often as the table says; CPU is user and system time of the worker per operation,',
        "with that operation's share of the request. Efficiency is nginx / tsresty, so above 1 is better.",
      ]
    : [
        `One worker each, ${CONNECTIONS} connections (8 for 1 MB), medians of ${rounds} rounds of ${seconds} s in turn, one run.`,
        'Proxied requests go to one nginx for both; TLS is 1.3 with a certificate of ECDSA P-256.',
        'CPU is user and system time of the worker per request; efficiency is nginx / tsresty, so above 1 is better.',
      ]),
  '',
  ...(api
    ? ['| | a request | nginx, CPU µs | tsresty, CPU µs | efficiency | goal |', '|---|--:|--:|--:|--:|--:|']
    : [
        '| | nginx, CPU µs | tsresty, CPU µs | efficiency | goal | nginx p50 / p99 ms | tsresty p50 / p99 ms |',
        '|---|--:|--:|--:|--:|--:|--:|',
      ]),
];
/** Operations are a thousand times shorter than requests. */
const digits = api ? 3 : 1;
for (const { scenario, peer: theirs, own: ours } of rows) {
  const ratio = theirs === undefined ? '' : (theirs.cpu / ours.cpu).toFixed(2);
  const latency = (s: Sample | undefined): string =>
    s === undefined ? '' : `${s.p50.toFixed(2)} / ${s.p99.toFixed(2)}`;
  const figures = [theirs?.cpu.toFixed(digits) ?? '', ours.cpu.toFixed(digits), ratio, scenario.goal ?? ''];
  const cells = api
    ? [scenario.title, scenario.operations ?? 1, ...figures]
    : [scenario.title, ...figures, latency(theirs), latency(ours)];
  lines.push(`| ${cells.join(' | ')} |`);
}
const reasons = rows.filter(
  ({ scenario, peer: theirs, own: ours }) =>
    scenario.why !== undefined && theirs !== undefined && theirs.cpu < ours.cpu,
);
if (reasons.length > 0) {
  lines.push('', 'Where it is below 1, why:', '');
  for (const { scenario } of reasons) lines.push(`- ${scenario.title}: ${scenario.why}.`);
}
lines.push(
  '',
  '| | nginx | tsresty |',
  '|---|--:|--:|',
  `| resident memory, idle / after load, MB | ${idle[0].toFixed(0)} / ${after[0].toFixed(0)} | ${idle[1].toFixed(0)} / ${after[1].toFixed(0)} |`,
  `| cold start to the first answer, ms | ${peer.coldStart.toFixed(0)} | ${own.coldStart.toFixed(0)} |`,
  '',
);
const text = lines.join('\n');
process.stdout.write(text);
const bars = rows.flatMap(({ scenario, peer: theirs, own: ours }) => {
  if (theirs === undefined) return [];
  const detail = `${ours.cpu.toFixed(digits)} / ${theirs.cpu.toFixed(digits)} µs`;
  return [{ label: scenario.title, ratio: theirs.cpu / ours.cpu, goal: scenario.goal, detail }];
});
const title = `CPU efficiency against nginx${withLua ? ' + Lua' : ''} (Node.js ${nodeVersion})`;
writeFileSync(`${out}.md`, text);
writeFileSync(`${out}.svg`, chart(title, bars));
