/** Starts the built executable, or another, on an application folder, as a user does, and stops it by its process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const root = join(import.meta.dirname, '../..');

/** The built executable. */
export const TSRESTY: readonly string[] = [process.execPath, join(root, 'bin/tsresty')];

/** A port of 127.0.0.1 that nobody listens on: `wanted` if it is free. */
export function freePort(wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', () => (wanted === 0 ? reject(new Error('no free port')) : resolve(freePort())));
    probe.listen(wanted, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

export class RunningServer {
  readonly #child: ChildProcess;
  /** What it wrote to its standard streams. */
  output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  /**
   * @param args after the executable; `daemon off` must be among them, or in the configuration
   * @param command the executable, and what comes before `args`
   */
  static async start(
    folder: string,
    args: readonly string[],
    port: number,
    command: readonly string[] = TSRESTY,
  ): Promise<RunningServer> {
    const [program, ...first] = command as [string, ...string[]];
    const child = spawn(program, [...first, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const server = new RunningServer(child);
    for (let i = 0; i < 800 && child.exitCode === null; i++) {
      if (await accepts(port)) return server;
      await sleep(25);
    }
    await server.stop();
    throw new Error(`the server does not start\n${server.output}`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }
}

/** Keeps workers of root's server able to read folders of root. */
export const GLOBALS = `daemon off;${process.geteuid?.() === 0 ? ' user root;' : ''}`;
