/**
 * npm run soak: what operations do to a server under load.
 *
 *   1. 20 reloads and 5 killed workers while clients ask without pause: no request may fail but those in flight on a
 *      killed worker.
 *   2. One million requests: memory must not grow.
 *
 *   --reloads N  --kills N  --requests N   smaller runs
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { load } from './load.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    reloads: { type: 'string', default: '20' },
    kills: { type: 'string', default: '5' },
    requests: { type: 'string', default: '1000000' },
  },
});
const PORT = 18183;
const CLIENTS = 16;

const folder = mkdtempSync(join(tmpdir(), 'tsresty-soak-'));
for (const sub of ['conf', 'logs', 'tmp']) mkdirSync(join(folder, sub));
writeFileSync(
  join(folder, 'conf/nginx.conf'),
  `worker_processes 2; daemon off; user root; pid logs/nginx.pid; error_log logs/error.log notice;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path tmp; lua_shared_dict counts 1m; keepalive_requests 100000000;
  server {
    listen 127.0.0.1:${PORT};
    location / { content_by_lua_block { ngx.shared.counts:incr("n", 1, 0) ngx.say("mark ", ngx.var.arg_n) } }
    location /wait { content_by_lua_block { ngx.sleep(0.02) ngx.say("mark ", ngx.var.arg_n) } }
    location /pid { content_by_lua_block { ngx.say(ngx.worker.pid()) } }
  }
}
`,
);
const server = spawn(process.execPath, [join(root, 'bin/tsresty'), '-p', `${folder}/`, '-c', 'conf/nginx.conf'], {
  stdio: ['ignore', 'inherit', 'inherit'],
});

/** Children of the master, from /proc. */
function workers(): number[] {
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'latin1').trim();
  return children === '' ? [] : children.split(' ').map(Number);
}

function rss(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
}

const tally = { good: 0, wrong: 0, failed: 0 };
const failures = new Map<string, number>();
/** Failures are excused for this long after a worker was killed: they were in flight on it. */
let excusedUntil = 0;
let excused = 0;
/** Requests sent again because an idle connection was reset under them. */
let retried = 0;
let running = true;

function ask(agent: Agent, n: number): Promise<void> {
  return new Promise((resolve) => {
    const fail = (why: string): void => {
      if (performance.now() < excusedUntil) excused++;
      else {
        tally.failed++;
        failures.set(why, (failures.get(why) ?? 0) + 1);
      }
      resolve();
    };
    const path = n % 4 === 0 ? '/wait' : '/';
    const request = get({ port: PORT, host: '127.0.0.1', path: `${path}?n=${n}`, agent }, (response) => {
      let text = '';
      response.setEncoding('latin1');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', (error) => fail(error.message));
      response.on('end', () => {
        if (response.statusCode === 200 && text === `mark ${n}\n`) tally.good++;
        else tally.wrong++;
        resolve();
      });
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      // A server may close an idle keep-alive connection just as it is used: RFC 9112 section 9.5 has clients retry.
      if (request.reusedSocket && error.code === 'ECONNRESET' && performance.now() >= excusedUntil) {
        retried++;
        ask(agent, n).then(resolve);
      } else fail(error.code ?? error.message);
    });
  });
}

async function client(id: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let n = id; running; n += CLIENTS) await ask(agent, n);
  agent.destroy();
}

async function listening(): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const up = await new Promise((resolve) => {
      get({ port: PORT, host: '127.0.0.1', path: '/pid' }, (response) =>
        response.resume().on('end', () => resolve(true)),
      ).on('error', () => resolve(false));
    });
    if (up) return;
    await delay(50);
  }
  throw new Error('the server does not listen');
}

async function operations(): Promise<void> {
  const clients = Array.from({ length: CLIENTS }, (_, i) => client(i));
  await delay(500);
  for (let i = 1; i <= Number(values.reloads); i++) {
    process.stderr.write(`\r\x1b[Kreload ${i}`);
    process.kill(server.pid as number, 'SIGHUP');
    await delay(700);
  }
  for (let i = 1; i <= Number(values.kills); i++) {
    process.stderr.write(`\r\x1b[Kkilled worker ${i}`);
    await delay(700);
    const victim = workers()[0];
    if (victim === undefined) throw new Error('no worker to kill');
    excusedUntil = performance.now() + 100;
    process.kill(victim, 'SIGKILL');
    await delay(700);
  }
  running = false;
  await Promise.all(clients);
  process.stderr.write('\r\x1b[K');
  const why = [...failures].map(([text, count]) => `${text}: ${count}`).join(', ');
  console.log(
    `${values.reloads} reloads, ${values.kills} killed workers: ${tally.good} right answers, ${tally.wrong} wrong, ` +
      `${tally.failed} failed${why === '' ? '' : ` (${why})`}, ${retried} sent again, ` +
      `${excused} in flight on killed workers`,
  );
  if (tally.wrong > 0 || tally.failed > 0) process.exitCode = 1;
}

async function memory(): Promise<void> {
  const total = Number(values.requests);
  const seen: string[] = [];
  let done = 0;
  let settled = 0;
  while (done < total) {
    const result = await load(`http://127.0.0.1:${PORT}/?n=1`, {}, 3, 64);
    if (result.errors > 0) throw new Error(`${result.errors} failed requests`);
    done += result.requests;
    const sizes = workers().map(rss);
    const sum = sizes.reduce((a, b) => a + b, 0);
    if (settled === 0 && done > total / 4) settled = sum;
    seen.push(`${Math.round(done / 1000)}k: ${sizes.map((size) => size.toFixed(0)).join(' + ')} MB`);
    process.stderr.write(`\r\x1b[K${seen[seen.length - 1]}`);
  }
  process.stderr.write('\r\x1b[K');
  console.log(`memory of the workers over ${done} requests:\n  ${seen.join('\n  ')}`);
  const end = workers()
    .map(rss)
    .reduce((a, b) => a + b, 0);
  console.log(`from a quarter of the way to the end: ${(end - settled).toFixed(1)} MB`);
}

try {
  await listening();
  await operations();
  await memory();
} finally {
  server.kill('SIGQUIT');
  await new Promise((resolve) => server.once('exit', resolve));
  rmSync(folder, { recursive: true, force: true });
}
