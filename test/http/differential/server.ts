/** Starts nginx or tsresty with the configuration of cases. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Case } from './case.ts';
import { Places, writeConfiguration } from './conf.ts';

const TSRESTY = fileURLToPath(new URL('../../../bin/tsresty', import.meta.url));

export interface RunningServer {
  /** By case, in the order given. */
  readonly places: readonly Places[];
  readonly folder: string;
  stop(): Promise<void>;
}

export async function startServer(flavour: 'nginx' | 'tsresty', cases: readonly Case[]): Promise<RunningServer> {
  const [frontPort, backPort] = (await freePorts()) as [number, number];
  const folder = mkdtempSync(join(tmpdir(), 'tsr-diff-'));
  const places = cases.map((_, index) => new Places(index, folder, frontPort, backPort));
  mkdirSync(join(folder, 'logs'));
  writeFileSync(join(folder, 'error.log'), '');
  const conf = writeConfiguration(
    flavour,
    folder,
    frontPort,
    cases.map((c, i) => ({ c, places: places[i] as Places })),
  );
  const args = ['-p', folder, '-c', conf];
  const [command, all] = flavour === 'nginx' ? ['/usr/sbin/nginx', args] : [process.execPath, [TSRESTY, ...args]];
  const child = spawn(command, all, { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  let ended = false;
  const exit = new Promise<void>((done) => {
    child.on('exit', () => {
      ended = true;
      done();
    });
  });
  for (let i = 0; !(await listens('127.0.0.1', frontPort)); i++) {
    if (ended || i > 400) throw new Error(`${flavour} does not start: ${stderr}`);
    await new Promise((go) => setTimeout(go, 25));
  }
  return {
    places,
    folder,
    async stop() {
      child.kill('SIGTERM');
      await exit;
      if (process.env.KEEP === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function listens(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, host);
    socket.on('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });
}

/** Two ports that nobody listens on now, of five digits. */
async function freePorts(): Promise<number[]> {
  const held = await Promise.all(
    [0, 1].map(
      () =>
        new Promise<ReturnType<typeof createServer>>((done) => {
          const server = createServer().listen(0, '127.0.0.1', () => done(server));
        }),
    ),
  );
  const ports = held.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
  return ports.every((port) => port > 9999) ? ports : freePorts();
}
