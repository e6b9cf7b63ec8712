/** Starts program.ts as real processes in a folder of its own, and stops what it has started, also on failure. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');
let program: string | undefined;

/** The test program as one bundle: starting from sources would take a second for each process. */
export async function buildProgram(): Promise<string> {
  if (program !== undefined) return program;
  // Within the package, so that its dependencies are found.
  mkdirSync(join(root, '.tmp'), { recursive: true });
  const outdir = mkdtempSync(join(root, '.tmp/process-'));
  chmodSync(outdir, 0o755);
  await build({
    absWorkingDir: root,
    entryPoints: ['test/process/program.ts'],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    outdir,
    outExtension: { '.js': '.mjs' },
  });
  process.on('exit', () => rmSync(outdir, { recursive: true, force: true }));
  program = join(outdir, 'program.mjs');
  return program;
}

/** What a finished command said. */
export interface Ended {
  code: number | null;
  stderr: string;
  stdout: string;
}

export class Server {
  readonly dir = mkdtempSync(join(tmpdir(), 'process-server-'));
  readonly program: string;
  #foreground: ChildProcess | undefined;
  readonly #pids = new Set<number>();

  constructor(entry: string) {
    this.program = entry;
    for (const name of ['conf', 'logs']) mkdirSync(join(this.dir, name));
    // Workers that have given up root must reach it.
    chmodSync(this.dir, 0o755);
  }

  conf(text: string): this {
    const standard = text.includes('error_log') ? '' : 'error_log logs/error.log notice;\n';
    writeFileSync(join(this.dir, 'conf/nginx.conf'), `${standard}events {}\n${text}\n`);
    return this;
  }

  /** Runs the executable to its end. */
  run(...args: string[]): Ended {
    const env = { ...process.env };
    delete env['NODE_EXTRA_CA_CERTS'];
    const result = spawnSync(process.execPath, [this.program, '-p', this.dir, ...args], {
      encoding: 'latin1',
      env,
      timeout: 20_000,
    });
    if (existsSync(this.pidPath)) this.#remember();
    return { code: result.status, stderr: result.stderr, stdout: result.stdout };
  }

  start(...args: string[]): this {
    const { code, stderr } = this.run(...args);
    assert.equal(code, 0, stderr + this.log());
    this.#remember();
    return this;
  }

  /** Starts one with `daemon off`. */
  async startForeground(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [this.program, '-p', this.dir], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#foreground = child;
    await until(() => this.hasPid || child.exitCode !== null, 'the pid file');
    this.#remember();
    return child;
  }

  get pidPath(): string {
    return join(this.dir, 'logs/nginx.pid');
  }

  /** The pid file is there and has been written: it exists a moment before. */
  get hasPid(): boolean {
    return existsSync(this.pidPath) && this.pid !== 0;
  }

  get pid(): number {
    return Number(readFileSync(this.pidPath, 'latin1'));
  }

  /** Processes whose parent is the master. */
  workers(): number[] {
    return childrenOf(this.pid);
  }

  #remember(): void {
    const { pid } = this;
    if (pid > 0) this.#pids.add(pid);
  }

  log(name = 'error.log'): string {
    const path = join(this.dir, 'logs', name);
    return existsSync(path) ? readFileSync(path, 'latin1') : '';
  }

  /** Waits for a line in the log. */
  async logged(pattern: RegExp | string, times = 1): Promise<void> {
    const found = () =>
      typeof pattern === 'string'
        ? this.log().split(pattern).length > times
        : (this.log().match(new RegExp(pattern, 'g'))?.length ?? 0) >= times;
    await until(found, String(pattern), () => this.log());
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Asks it to stop and waits until its processes have gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { pid } = this;
    process.kill(pid, signal);
    await until(
      () => !alive(pid),
      'the master to end',
      () => this.log(),
    );
  }

  /** Kills whatever is left and removes the folder. */
  destroy(): void {
    for (const pid of this.#pids) {
      for (const worker of childrenOf(pid)) kill(worker);
      kill(pid);
    }
    this.#foreground?.kill('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone already.
  }
}

/** False for a process that has ended and is only waiting to be reaped. */
export function alive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => alive(child) && new RegExp(`^\\d+ \\(.*\\) \\S ${pid} `, 's').test(stat(child)));
}

function stat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return '';
  }
}

/** What ps shows. */
export function titleOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replace(/\0+$/, '').replaceAll('\0', ' ');
}

export async function until(condition: () => boolean, what: string, detail?: () => string): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (condition()) return;
    await sleep(10);
  }
  throw new Error(`waited in vain for ${what}\n${detail?.() ?? ''}`);
}

/** The body of an answer, on a connection of its own. */
export function get(where: { port: number; host?: string } | { socketPath: string }, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = 'port' in where ? { host: '127.0.0.1', ...where } : where;
    const req = request({ ...options, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('latin1').on('data', (part) => (text += part));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    req.on('error', reject);
    req.end();
  });
}
