/** Runs the soak: a server of ours in front of the farm, clients that ask, and what the system says of it afterwards. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../src/tools/test/ports.ts';
import { childrenOf, filesIn, listening, look, type Sight } from '../system.ts';
import { Farm } from './farm.ts';
import { one } from './requests.ts';

const root = join(import.meta.dirname, '../..');

export interface SoakOptions {
  readonly requests: number;
  /** Seconds after which no further request is begun. */
  readonly seconds: number;
  /** Requests at a time. */
  readonly clients: number;
  /** Milliseconds: how long a backend suffers, about. */
  readonly pause: number;
  /** An executable like bin/tsresty, and its arguments before `-p`. */
  readonly command?: readonly string[];
  /** Modules to be loaded and the like, in front of the configuration. */
  readonly preamble?: string;
  readonly progress?: (text: string) => void;
}

export interface SoakResult {
  readonly asked: number;
  /** How often requests ended so: `200`, `502`, `cut 200`, ... */
  readonly outcomes: ReadonlyMap<string, number>;
  /** What was not allowed; all are counted, the first are told. */
  readonly wrong: readonly string[];
  readonly wrongCount: number;
  readonly blows: ReadonlyMap<string, number>;
  readonly before: Sight;
  readonly after: Sight;
  /** Lines of the error log that should never be there, and of the server's output. */
  readonly alarms: readonly string[];
  /** Files left in the folders for temporary ones. */
  readonly leftovers: number;
  readonly milliseconds: number;
}

function configuration(port: number, tlsPort: number, backends: readonly number[], preamble: string): string {
  const [first, second, ...victims] = backends;
  const steady = `server 127.0.0.1:${first} max_fails=0; server 127.0.0.1:${second} max_fails=0;`;
  const all = `${steady} ${victims.map((p) => `server 127.0.0.1:${p} max_fails=2 fail_timeout=1s;`).join(' ')}`;
  return `${preamble}
worker_processes 2; daemon off; pid logs/nginx.pid; error_log logs/error.log warn;${process.geteuid?.() === 0 ? ' user root;' : ''}
events { worker_connections 2048; }
http {
  access_log off; client_body_temp_path tmp/body; proxy_temp_path tmp/proxy; keepalive_timeout 300s;
  upstream suffering { ${all} keepalive 32; keepalive_timeout 2s; }
  upstream steady { ${steady} keepalive 32; keepalive_timeout 2s; }
  upstream single { server 127.0.0.1:${first} max_fails=0; keepalive 8; keepalive_timeout 2s; }
  upstream sockets { ${steady} }
  proxy_read_timeout 1s; proxy_connect_timeout 1s; proxy_send_timeout 1s;
  proxy_http_version 1.1; proxy_set_header Connection ""; client_max_body_size 10m;
  server {
    listen 127.0.0.1:${port}; listen 127.0.0.1:${tlsPort} ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem;
    location /keep/ { proxy_pass http://suffering; }
    location /fresh/ { proxy_pass http://suffering; proxy_set_header Connection close; }
    location /old/ { proxy_pass http://suffering; proxy_http_version 1.0; proxy_set_header Connection close; }
    location /direct/ { proxy_pass http://suffering; proxy_buffering off; }
    location /small/ {
      proxy_pass http://suffering; proxy_buffer_size 4k; proxy_buffers 2 4k; proxy_busy_buffers_size 4k;
      proxy_max_temp_file_size 256k; proxy_temp_file_write_size 64k;
    }
    location /arriving/ { proxy_pass http://suffering; proxy_request_buffering off; }
    location /file/ { proxy_pass http://suffering; client_body_buffer_size 1k; }
    location /faults/ {
      proxy_pass http://steady; proxy_read_timeout 10s; proxy_next_upstream error timeout invalid_header http_503;
    }
    location /closing/ { proxy_pass http://single; proxy_read_timeout 10s; }
    location /hang/ { proxy_pass http://sockets; proxy_read_timeout 250ms; proxy_next_upstream off; }
    location /socket/ {
      proxy_pass http://sockets; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
      proxy_read_timeout 20s;
    }
  }
}
`;
}

/** The master listens before its workers are there. */
async function workersOf(master: number): Promise<number[]> {
  for (let i = 0; i < 400; i++) {
    const workers = childrenOf(master);
    if (workers.length === 2) return workers;
    await delay(25);
  }
  throw new Error('no workers');
}

/** Waits until idle connections are closed: as many descriptors as `expected`, or no change for a second and a half. */
async function settle(pids: readonly number[], expected: number): Promise<Sight> {
  let still = 0;
  for (let last = look(pids); ; ) {
    if (last.descriptors <= expected || still === 15) return last;
    await delay(100);
    const sight = look(pids);
    still = sight.descriptors === last.descriptors ? still + 1 : 0;
    last = sight;
  }
}

export async function soak(options: SoakOptions): Promise<SoakResult> {
  const began = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'tsresty-proxy-soak-'));
  for (const sub of ['conf', 'logs', 'tmp']) mkdirSync(join(folder, sub));
  const [port, tlsPort, ...backends] = (await freePorts(7)) as [number, number, ...number[]];
  writeFileSync(join(folder, 'conf/nginx.conf'), configuration(port, tlsPort, backends, options.preamble ?? ''));
  const [key, certificate] = [join(folder, 'conf/key.pem'), join(folder, 'conf/cert.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost'];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const farm = await Farm.start(folder, backends);
  const [program, ...args] = (options.command ?? [process.execPath, join(root, 'bin/tsresty')]) as [
    string,
    ...string[],
  ];
  const server = spawn(program, [...args, '-p', `${folder}/`, '-c', 'conf/nginx.conf'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  try {
    await listening(port);
    const workers = await workersOf(server.pid as number);
    const outcomes = new Map<string, number>();
    const wrong: string[] = [];
    let wrongCount = 0;
    let asked = 0;
    let next = 0;
    let striking = false;
    const run = async (until: number, seconds: number): Promise<void> => {
      const end = performance.now() + seconds * 1000;
      const client = async (): Promise<void> => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        const tlsAgent = new TlsAgent({ keepAlive: true, maxSockets: 1 });
        const before = { plain: '', tls: '' };
        while (next < until && performance.now() < end) {
          const n = next++;
          const mark = `m${n.toString(36)}x`;
          const outcome = await one({ port, tlsPort, n, mark, agent, tlsAgent, before, striking: () => striking });
          asked++;
          outcomes.set(outcome.text, (outcomes.get(outcome.text) ?? 0) + 1);
          if (outcome.wrong === undefined) continue;
          wrongCount++;
          if (wrong.length < 20) wrong.push(outcome.wrong);
          options.progress?.(outcome.wrong);
        }
        agent.destroy();
        tlsAgent.destroy();
      };
      await Promise.all(Array.from({ length: options.clients }, client));
    };
    const told = setInterval(() => {
      const { descriptors, memory } = look(workers);
      options.progress?.(
        `${asked} of ${options.requests}, ${wrongCount} wrong, ${descriptors} descriptors, ${memory.toFixed(0)} MB`,
      );
    }, 1000);
    let before: Sight;
    try {
      const { requests, seconds, pause } = options;
      // What every worker opens once, and the memory that its code takes, belongs to the start.
      const warm = Math.ceil(requests / 10);
      await run(warm, seconds / 4);
      await delay(1000);
      before = await settle(workers, 0);
      farm.strike(pause);
      striking = true;
      await run(requests - warm, seconds);
      await farm.calm();
      // Backends that failed are asked again after a second.
      await delay(1500);
      striking = false;
      await run(requests, seconds / 4);
    } finally {
      clearInterval(told);
    }
    // Idle connections to backends are kept for two seconds.
    await delay(1000);
    const after = await settle(workers, before.descriptors);
    const died = childrenOf(server.pid as number).join() === workers.join() ? [] : ['a worker ended'];
    const log = readFileSync(join(folder, 'logs/error.log'), 'latin1').split('\n');
    const alarms = log.filter((line) => /\[(?:alert|emerg|crit)\]|\n? {4}at /.test(line));
    return {
      asked,
      outcomes,
      wrong,
      wrongCount,
      blows: farm.blows,
      before,
      after,
      alarms: [...died, ...alarms.slice(0, 20), ...output.split('\n').filter((line) => line !== '')],
      leftovers: filesIn(join(folder, 'tmp')),
      milliseconds: performance.now() - began,
    };
  } finally {
    await farm.stop();
    server.kill('SIGTERM');
    if (server.exitCode === null) await new Promise((resolve) => server.once('exit', resolve));
    rmSync(folder, { recursive: true, force: true });
  }
}
