/** Starts a server with the configuration of the raw requests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVERS } from './case.ts';
import type { Target } from './client.ts';
import { configuration, type Ports } from './conf.ts';

export interface RunningServer extends Target {
  stop(): Promise<void>;
}

const TSRESTY = fileURLToPath(new URL('../../../bin/tsresty', import.meta.url));

export async function startServer(flavour: 'nginx' | 'tsresty'): Promise<RunningServer> {
  const ports = await freePorts();
  const folder = mkdtempSync(join(tmpdir(), 'tsresty-raw-'));
  const conf = join(folder, 'nginx.conf');
  const errorLog = join(folder, 'error.log');
  mkdirSync(join(folder, 'logs'));
  writeFileSync(errorLog, '');
  writeFileSync(conf, configuration(flavour, folder, ports));
  const args = ['-p', folder, '-c', conf];
  const child: ChildProcess =
    flavour === 'nginx'
      ? spawn('/usr/sbin/nginx', args, { stdio: ['ignore', 'ignore', 'pipe'] })
      : spawn(process.execPath, [TSRESTY, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr!.on('data', (data) => {
    stderr += data;
  });
  let ended = false;
  const exit = new Promise<void>((done) => {
    child.on('exit', () => {
      ended = true;
      done();
    });
  });
  for (let i = 0; ; i++) {
    if (await answers(ports.main)) break;
    if (ended || i > 200) throw new Error(`${flavour} does not start: ${stderr}`);
    await new Promise((go) => setTimeout(go, 25));
  }
  // The end of the last attempt is logged.
  await new Promise((go) => setTimeout(go, 50));
  return {
    ports,
    errorLog,
    readsEarly: flavour === 'tsresty',
    async stop() {
      child.kill('SIGTERM');
      await exit;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });
}

/** Ports that nobody listens on now. */
async function freePorts(): Promise<Ports> {
  const names = [...SERVERS, 'backend'] as const;
  const held = await Promise.all(
    names.map(
      (name) =>
        new Promise<[string, ReturnType<typeof createServer>]>((done) => {
          const server = createServer().listen(0, '127.0.0.1', () => done([name, server]));
        }),
    ),
  );
  const ports = Object.fromEntries(held.map(([name, server]) => [name, (server.address() as AddressInfo).port]));
  await Promise.all(held.map(([, server]) => new Promise((done) => server.close(done))));
  return ports as Ports;
}
