/** Starts a server with the configuration of the raw requests. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../../src/tools/test/ports.ts';
import { RunningServer as ServerProcess, TSRESTY } from '../../support/server.ts';
import { SERVERS } from './case.ts';
import type { Target } from './client.ts';
import { configuration, type Ports } from './conf.ts';

export interface RunningServer extends Target {
  stop(): Promise<void>;
}

export async function startServer(flavour: 'nginx' | 'tsresty'): Promise<RunningServer> {
  const names = [...SERVERS, 'backend'];
  const numbers = await freePorts(names.length);
  const ports = Object.fromEntries(names.map((name, i) => [name, numbers[i]])) as Ports;
  const folder = mkdtempSync(join(tmpdir(), 'tsresty-raw-'));
  const conf = join(folder, 'nginx.conf');
  const errorLog = join(folder, 'error.log');
  mkdirSync(join(folder, 'logs'));
  writeFileSync(errorLog, '');
  writeFileSync(conf, configuration(flavour, folder, ports));
  const command = flavour === 'nginx' ? ['/usr/sbin/nginx'] : TSRESTY;
  const server = await ServerProcess.start(folder, ['-p', folder, '-c', conf], ports.main, command);
  // The end of the last attempt is logged.
  await new Promise((go) => setTimeout(go, 50));
  return {
    ports,
    errorLog,
    readsEarly: flavour === 'tsresty',
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
