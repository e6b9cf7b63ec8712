/** Starts a server in a block's folder and stops it by its process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Prefix } from './prefix.ts';

/** How long a start and a stop may take, in milliseconds. */
const START_LIMIT = 20_000;
const STOP_LIMIT = 10_000;
const POLL = 10;

/** A running server, or what became of it. */
export class Server {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #exit: number | null | undefined = undefined;
  /** What it wrote to standard error and standard output. */
  output = '';

  /** @param command the executable and its first arguments */
  constructor(command: readonly string[], prefix: Prefix) {
    const [file, ...args] = command;
    this.#child = spawn(file as string, [...args, '-p', `${prefix.dir}/`, '-c', 'conf/nginx.conf'], {
      cwd: prefix.dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('latin1').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.output += `${error.message}\n`;
        resolve((this.#exit = -1));
      });
      this.#child.once('close', (code) => resolve((this.#exit = code)));
    });
  }

  /** Undefined while it runs; null when a signal ended it. */
  get exit(): number | null | undefined {
    return this.#exit;
  }

  /** Waits until it accepts connections. False when it has ended instead, or is not there in time. */
  async ready(port: number): Promise<boolean> {
    for (const end = Date.now() + START_LIMIT; Date.now() < end; await sleep(POLL)) {
      if (this.#exit !== undefined) return false;
      if (await accepts(port)) return true;
    }
    return false;
  }

  /** Waits for its end. False when it still runs at the limit. */
  async end(limit = START_LIMIT): Promise<boolean> {
    const stop = new AbortController();
    const ended = await Promise.race([
      this.#ended.then(() => true),
      sleep(limit, false, { signal: stop.signal }).catch(() => false),
    ]);
    stop.abort();
    return ended;
  }

  /**
   * Stops it: SIGQUIT lets requests end, SIGTERM does not wait for them.
   * @returns whether it went without being killed
   */
  async stop(signal: 'SIGQUIT' | 'SIGTERM'): Promise<boolean> {
    if (this.#exit !== undefined) return true;
    this.#child.kill(signal);
    if (await this.end(STOP_LIMIT)) return true;
    this.#child.kill('SIGKILL');
    await this.#ended;
    return false;
  }
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
