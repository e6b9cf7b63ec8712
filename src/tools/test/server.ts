/** Starts a server in a block's folder, reloads it, and stops it by its process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Place } from './settings.ts';

/** How long a start may take, in milliseconds. */
const START_LIMIT = 30_000;
const POLL = 3;

export interface ServerOptions {
  /** The executable and its first arguments. */
  readonly command: readonly string[];
  readonly place: Place;
  readonly env: Readonly<Record<string, string>>;
  /** Standard error is of no interest. */
  readonly silent: boolean;
}

/** Servers that run, for the case that the runner itself is stopped. */
const running = new Set<ChildProcess>();

/** Ends all servers at once. */
export function killServers(): void {
  for (const child of running) child.kill('SIGTERM');
}

/** A running server, or what became of it. */
export class Server {
  readonly #child: ChildProcess;
  readonly #place: Place;
  readonly #ended: Promise<number | null>;
  #exit: number | null | undefined = undefined;
  /** What it wrote to standard error. */
  output = '';

  constructor({ command, place, env, silent }: ServerOptions) {
    const { root } = place;
    const [file, ...args] = command;
    this.#place = place;
    this.#child = spawn(
      file as string,
      [...args, '-e', `${root}/logs/error.log`, '-p', `${root}/`, '-c', `${root}/conf/nginx.conf`],
      {
        env,
        stdio: ['ignore', 'ignore', silent ? 'ignore' : 'pipe'],
      },
    );
    running.add(this.#child);
    this.#child.once('exit', () => running.delete(this.#child));
    this.#child.stderr?.setEncoding('latin1').on('data', (text: string) => {
      this.output += text;
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.output += `${error.message}\n`;
        resolve((this.#exit = -1));
      });
      this.#child.once('exit', (code) => resolve((this.#exit = code)));
    });
  }

  /** Undefined while it runs; null when a signal ended it. */
  get exit(): number | null | undefined {
    return this.#exit;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Waits until its sockets are open. False when it has ended instead, or is not there in time. */
  async ready(): Promise<boolean> {
    const began = Date.now();
    while (Date.now() - began < START_LIMIT) {
      if (this.#exit !== undefined) return false;
      // The pid file is written when the sockets are open. A connection would be seen in the log.
      if (pidIn(`${this.#place.root}/logs/nginx.pid`) === this.pid) return true;
      await sleep(POLL);
    }
    return false;
  }

  /** Waits for its end. False when it still runs at the limit, in milliseconds. */
  async end(limit: number): Promise<boolean> {
    const stop = new AbortController();
    const ended = await Promise.race([
      this.#ended.then(() => true),
      sleep(limit, false, { signal: stop.signal }).catch(() => false),
    ]);
    stop.abort();
    return ended;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /**
   * Stops it: SIGQUIT lets requests end, SIGTERM does not wait for them.
   * @param limit milliseconds until it is killed
   * @returns whether it went without being killed
   */
  async stop(signal: 'SIGQUIT' | 'SIGTERM', limit: number): Promise<boolean> {
    if (this.#exit !== undefined) return true;
    this.#child.kill(signal);
    if (await this.end(limit)) return true;
    this.#child.kill('SIGTERM');
    if (await this.end(1000)) return false;
    this.#child.kill('SIGKILL');
    await this.#ended;
    return false;
  }
}

function pidIn(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'latin1'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Stops a server that has become a daemon, by its pid file; one that never got so far, as what was started. */
export async function stopDaemon(root: string, started: Server): Promise<void> {
  await started.stop('SIGTERM', 1000);
  const pid = pidIn(`${root}/logs/nginx.pid`);
  if (pid === undefined || !(pid > 1)) return;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const end = Date.now() + 3000; Date.now() < end; await sleep(POLL)) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
        throw error;
      }
      await sleep(50);
    }
  }
}
