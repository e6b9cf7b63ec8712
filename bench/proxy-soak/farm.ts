/** The backends of the soak as processes, and what befalls them. Two stay well; the others do not. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { build } from 'esbuild';
import type { Mood } from './backend.ts';

class Backend {
  readonly port: number;
  readonly name: string;
  readonly #program: string;
  #child: ChildProcess | undefined;

  constructor(program: string, name: string, port: number) {
    this.#program = program;
    this.name = name;
    this.port = port;
  }

  start(): Promise<void> {
    const child = fork(this.#program, [String(this.port), this.name], { execArgv: [] });
    this.#child = child;
    return new Promise((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code, signal) => reject(new Error(`${this.name} ended: ${code ?? signal}`)));
    });
  }

  tell(mood: Mood): void {
    this.#child?.send(mood);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}

export class Farm {
  readonly steady: readonly Backend[];
  readonly victims: readonly Backend[];
  /** What was done, and how often. */
  readonly blows: Map<string, number> = new Map();
  #striking = false;
  #strikes: Promise<void> = Promise.resolve();

  private constructor(steady: readonly Backend[], victims: readonly Backend[]) {
    this.steady = steady;
    this.victims = victims;
  }

  /** @param ports of the two steady ones, then of the victims */
  static async start(folder: string, ports: readonly number[]): Promise<Farm> {
    const program = join(folder, 'backend.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'backend.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
    });
    const all = ports.map((port, i) => new Backend(program, i < 2 ? `steady-${i}` : `victim-${i - 2}`, port));
    await Promise.all(all.map((backend) => backend.start()));
    return new Farm(all.slice(0, 2), all.slice(2));
  }

  /** Begins to strike: one victim at a time is killed, stopped, slowed or made to reset connections. */
  strike(pause: number): void {
    this.#striking = true;
    this.#strikes = this.#run(pause);
  }

  async #run(pause: number): Promise<void> {
    const kinds = ['killed', 'slowed', 'resetting', 'stopped'] as const;
    for (let i = 0; this.#striking; i++) {
      const kind = kinds[i % kinds.length] as (typeof kinds)[number];
      const victim = this.victims[(i >> 1) % this.victims.length] as Backend;
      this.blows.set(kind, (this.blows.get(kind) ?? 0) + 1);
      switch (kind) {
        case 'killed':
          await victim.stop();
          await delay(pause);
          await victim.start();
          break;
        case 'slowed':
        case 'resetting':
          victim.tell(kind === 'slowed' ? 'slow' : 'resetting');
          await delay(2 * pause);
          victim.tell('well');
          break;
        case 'stopped':
          victim.signal('SIGSTOP');
          await delay(3 * pause);
          victim.signal('SIGCONT');
      }
      await delay(pause / 2);
    }
  }

  async calm(): Promise<void> {
    this.#striking = false;
    await this.#strikes;
  }

  async stop(): Promise<void> {
    this.#striking = false;
    await this.#strikes.catch(() => {});
    await Promise.all([...this.steady, ...this.victims].map((backend) => backend.stop()));
  }
}
