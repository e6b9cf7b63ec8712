/** Starts nginx or tsresty with the configuration of cases. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../../src/tools/test/ports.ts';
import { RunningServer as ServerProcess, TSRESTY } from '../../support/server.ts';
import type { Case } from './case.ts';
import { Places, writeConfiguration } from './conf.ts';

export interface RunningServer {
  /** By case, in the order given. */
  readonly places: readonly Places[];
  readonly folder: string;
  stop(): Promise<void>;
}

export async function startServer(flavour: 'nginx' | 'tsresty', cases: readonly Case[]): Promise<RunningServer> {
  const [frontPort, backPort] = (await longPorts(2)) as [number, number];
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
  const command = flavour === 'nginx' ? ['/usr/sbin/nginx'] : TSRESTY;
  const server = await ServerProcess.start(folder, ['-p', folder, '-c', conf], frontPort, command);
  return {
    places,
    folder,
    async stop() {
      await server.stop();
      if (process.env.KEEP === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Ports that nobody listens on now, of five digits. */
async function longPorts(count: number): Promise<number[]> {
  const ports = await freePorts(count);
  return ports.every((port) => port > 9999) ? ports : longPorts(count);
}
