/** One server under test: its configuration, its process, and what the system says of that process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Scenario } from './scenarios.ts';

/** A page of about `size` bytes with the repetitions that pages have, the same each time. */
function page(size: number): string {
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 48271) % 0x7fffffff;
    return seed % below;
  };
  const words = Array.from({ length: 400 }, () =>
    Array.from({ length: 2 + random(8) }, () => String.fromCharCode(97 + random(26))).join(''),
  );
  let text = '<!doctype html><html><head><title>Products</title></head><body>\n';
  while (text.length < size) {
    const line = Array.from({ length: 12 }, () => words[random(random(400) + 1)]).join(' ');
    text += `<div class="item"><a href="/products/${random(100_000)}">${line}</a></div>\n`;
  }
  return `${text}</body></html>\n`;
}

export interface ServerOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly folder: string;
  readonly port: number;
  readonly scenarios: readonly Scenario[];
  /** Lines in front of the configuration (load_module). */
  readonly preamble: string;
  /** Lines of the http block. */
  readonly http: string;
  /** Where the backend of proxied scenarios listens. */
  readonly backend: number;
  /** Certificate and key of the TLS listeners, on the two ports after `port`. */
  readonly certificate: string;
  readonly key: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Clock ticks a second in /proc (USER_HZ), which Linux fixes at 100 for programs. */
const TICKS = 100;

export class Server {
  readonly options: ServerOptions;
  /** Milliseconds from the start of the master until its worker answers. */
  coldStart = 0;
  private child: ChildProcess | undefined;
  private worker = 0;

  constructor(options: ServerOptions) {
    this.options = options;
  }

  /** The worker's. */
  get pid(): number {
    if (this.worker === 0) throw new Error(`${this.options.name} does not run`);
    return this.worker;
  }

  private configure(): void {
    const { folder, port, scenarios, preamble, http, backend, certificate, key } = this.options;
    for (const sub of ['conf', 'logs', 'html', 'tmp']) mkdirSync(join(folder, sub), { recursive: true });
    writeFileSync(join(folder, 'html/1k'), 'x'.repeat(1024));
    writeFileSync(join(folder, 'html/1m'), Buffer.alloc(1 << 20, 'y'));
    writeFileSync(join(folder, 'html/page.html'), page(15_000));
    writeFileSync(
      join(folder, 'hello.ts'),
      "export default (ngx: { say(text: string): void }): void => ngx.say('hello');\n",
    );
    const locations = (tls: Scenario['tls']): string =>
      scenarios
        .filter((scenario) => scenario.tls === tls)
        .map((scenario) => `location = ${scenario.location}`)
        .join('\n    ');
    const text = `${preamble}
worker_processes 1; daemon off; pid logs/nginx.pid; error_log logs/error.log warn;
events { worker_connections 1024; }
http {
  access_log off; default_type text/plain; keepalive_requests 100000000; client_body_temp_path tmp;
  ssl_certificate ${certificate}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;
  proxy_http_version 1.1; proxy_set_header Connection "";
  upstream backend { server 127.0.0.1:${backend}; keepalive 64; keepalive_requests 100000000; }
  ${http}
  server {
    listen 127.0.0.1:${port};
    ${locations(undefined)}
  }
  server {
    listen 127.0.0.1:${port + 1} ssl; ssl_session_tickets on;
    ${locations('tickets')}
  }
  server {
    listen 127.0.0.1:${port + 2} ssl; ssl_session_tickets off; ssl_session_cache off;
    ${locations('full')}
  }
}
`;
    writeFileSync(join(folder, 'conf/nginx.conf'), text);
  }

  async start(): Promise<void> {
    this.configure();
    const { command, folder, port, env, name } = this.options;
    const [program, ...args] = command as [string, ...string[]];
    const began = performance.now();
    const child = spawn(program, [...args, '-p', `${folder}/`, '-c', 'conf/nginx.conf'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.child = child;
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk));
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`${name} did not start:\n${errors}`);
      if (performance.now() - began > 15000) throw new Error(`${name} does not answer:\n${errors}`);
      await delay(2);
    }
    this.coldStart = performance.now() - began;
    this.worker = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').trim());
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }

  /** CPU time of the worker so far, user and system, in microseconds. */
  cpu(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1e6;
  }

  /** Resident memory in MB. */
  memory(): number {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'));
    return Number(kilobytes?.[1] ?? 0) / 1024;
  }
}

/** Whatever the answer is. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write('HEAD / HTTP/1.0\r\n\r\n');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
    socket.once('end', () => resolve(false));
  });
}
