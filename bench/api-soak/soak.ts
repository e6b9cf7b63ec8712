/**
 * Runs the API soak: a server, peers for its cosockets, clients that ask and leave, workers that are killed, reloads.
 * Two parts: first one worker lives through everything while the others are killed, and is compared with itself; then
 * the server is reloaded again and again, and its master is compared with itself.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HEADER } from '../../src/shm/layout.ts';
import { freePorts } from '../../src/tools/test/ports.ts';
import { childrenOf, filesIn, listening, look, type Sight } from '../system.ts';
import { configuration, KINDS } from './configuration.ts';
import { Peers } from './peers.ts';
import { one } from './requests.ts';

const root = join(import.meta.dirname, '../..');
const WORKERS = 3;

export interface SoakOptions {
  readonly minutes: number;
  /** Requests at a time. */
  readonly clients: number;
  /** Milliseconds that a client waits between requests, on average. */
  readonly pause: number;
  /** The share of clients that leave before the end. */
  readonly leaving: number;
  /** An executable like bin/tsresty, and its arguments before `-p`. */
  readonly command?: readonly string[];
  /** Lines in front of the configuration. */
  readonly preamble?: string;
  /** A folder with resty/lock.lua, as for lua_package_path; without it the soak has a lock of its own. */
  readonly lualib?: string;
  readonly progress: (text: string) => void;
}

/** What a worker tells of itself, in app.lua's order. */
export interface WorkerState {
  readonly runningTimers: number;
  readonly pendingTimers: number;
  /** Light threads and handlers that have not ended. */
  readonly threads: number;
  /** Kilobytes, after a collection. */
  readonly heap: number;
  readonly permits: number;
  readonly inside: number;
}

export interface WorkerSight extends WorkerState, Sight {}

export interface SoakResult {
  readonly minutes: number;
  readonly asked: number;
  /** By kind and outcome. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** What was not allowed; all are counted, the first are told. */
  readonly wrong: readonly string[];
  readonly wrongCount: number;
  readonly kills: number;
  readonly reloads: number;
  /** How often a killed worker held a shared dictionary's lock, which another took over. */
  readonly takeovers: number;
  /** Of the worker that lived through the first part. */
  readonly before: WorkerSight;
  readonly after: WorkerSight;
  readonly masterBefore: Sight;
  readonly masterAfter: Sight;
  /** The survivor's heap after each round, in megabytes. */
  readonly heaps: readonly number[];
  /** The last word of every counter that must add up. */
  readonly counters: ReadonlyMap<string, number>;
  /** Request bodies in files that killed workers left. */
  readonly leftovers: number;
  /** Lines of the error log that should never be there, and of the server's output. */
  readonly alarms: readonly string[];
}

type State = ReadonlyMap<string, string>;

class Soak {
  readonly options: SoakOptions;
  readonly outcomes = new Map<string, number>();
  readonly wrong: string[] = [];
  readonly heaps: number[] = [];
  wrongCount = 0;
  asked = 0;
  kills = 0;
  reloads = 0;
  port = 0;
  master = 0;
  folder = '';
  #lastBlow = Number.NEGATIVE_INFINITY;
  #running = false;
  #next = 0;
  /** Of each worker, when it settled last; kilobytes. */
  readonly #leastHeap = new Map<number, number>();

  constructor(options: SoakOptions) {
    this.options = options;
  }

  fault(text: string): void {
    this.wrongCount++;
    if (this.wrong.length < 30) this.wrong.push(text);
    this.options.progress(`wrong: ${text}\n`);
  }

  mark(): string {
    return `m${(this.#next++).toString(36)}x`;
  }

  async #client(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { port } = this;
    const { leaving, pause } = this.options;
    const order = { port, agent, leaving, lastBlow: () => this.#lastBlow };
    while (this.#running) {
      const { kind, text, wrong } = await one({ ...order, mark: this.mark() });
      this.asked++;
      const key = `${kind}: ${text}`;
      this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1);
      if (wrong !== undefined) this.fault(wrong);
      await delay(Math.random() * 2 * pause);
    }
    agent.destroy();
  }

  /** Clients ask for a while; `blows` happen meanwhile, one after the other. */
  async storm(seconds: number, blows: () => Promise<void> = async () => {}): Promise<void> {
    this.#running = true;
    const clients = Array.from({ length: this.options.clients }, () => this.#client());
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      await delay(Math.min(end - performance.now(), 1000 + Math.random() * 3000));
      if (performance.now() < end) await blows();
    }
    this.#running = false;
    await Promise.all(clients);
  }

  /** Kills one of the workers, any but `spared`. */
  async kill(spared?: number): Promise<void> {
    const victims = this.workers().filter((pid) => pid !== spared);
    const victim = victims[Math.floor(Math.random() * victims.length)];
    if (victim === undefined) return;
    this.kills++;
    this.#lastBlow = performance.now();
    process.kill(victim, 'SIGKILL');
    // What was in flight on it fails within this time.
    for (let i = 0; i < 10; i++) {
      await delay(20);
      this.#lastBlow = performance.now();
    }
  }

  async reload(): Promise<void> {
    this.reloads++;
    process.kill(this.master, 'SIGHUP');
    await delay(500 + Math.random() * 2000);
  }

  workers(): number[] {
    return childrenOf(this.master);
  }

  leftovers(): number {
    return filesIn(join(this.folder, 'tmp'));
  }

  async state(collect?: boolean): Promise<State> {
    const path = collect === undefined ? '/state' : `/state?collect=${collect ? 1 : 0}`;
    const text = await new Promise<string>((resolve, reject) => {
      get({ port: this.port, host: '127.0.0.1', path, agent: false }, (response) => {
        let body = '';
        response.setEncoding('latin1').on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve(body)).on('error', reject);
      }).on('error', reject);
    });
    return new Map(text.split('\n').map((line) => line.split('=', 2) as [string, string]));
  }

  sight(pid: number, state: State): WorkerSight {
    const told = state.get(`state:${pid}`);
    if (told === undefined) throw new Error(`worker ${pid} tells nothing`);
    const [runningTimers, pendingTimers, threads, heapNow, permits, inside] = told.split(' ').map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const heap = this.#leastHeap.get(pid) ?? heapNow;
    return { runningTimers, pendingTimers, threads, heap, permits, inside, ...look([pid]) };
  }

  /**
   * Waits until nothing is under way any more, and looks whether everything came to its end. Idle connections to
   * peers are kept for 1.5 s, a lock of a dead holder for 2 s, so all must be over in some seconds.
   * @param peers the connections that they see
   * @returns the last state
   */
  async settle(when: string, peers: () => string[]): Promise<State> {
    await delay(2500);
    await this.state(true);
    let left: string[] = [];
    let state: State = new Map();
    for (let i = 0; i < 40; i++) {
      await delay(500);
      state = await this.state();
      left = this.unsettled(state, peers());
      if (left.length === 0) break;
    }
    await this.#leastHeaps();
    await this.state(false);
    for (const text of left) this.fault(`${when}: ${text}`);
    return state;
  }

  /** Collections take turns with the worker's tasks: the least of some readings is the heap without garbage. */
  async #leastHeaps(): Promise<void> {
    this.#leastHeap.clear();
    for (let i = 0; i < 10; i++) {
      await delay(500);
      const state = await this.state();
      for (const pid of this.workers()) {
        const heap = Number(state.get(`state:${pid}`)?.split(' ')[3] ?? Number.POSITIVE_INFINITY);
        this.#leastHeap.set(pid, Math.min(heap, this.#leastHeap.get(pid) ?? heap));
      }
    }
  }

  unsettled(state: State, peers: readonly string[]): string[] {
    const left: string[] = [];
    const number = (key: string): number => Number(state.get(key) ?? 0);
    const must = (good: boolean, text: string): void => {
      if (!good) left.push(text);
    };
    const workers = this.workers();
    must(workers.length === WORKERS, `${workers.length} workers`);
    for (const pid of workers) {
      if (!state.has(`state:${pid}`)) {
        left.push(`worker ${pid} tells nothing`);
        continue;
      }
      const { runningTimers, pendingTimers, threads, permits, inside } = this.sight(pid, state);
      // The timer that tells is running while it does, and its next turn is waiting.
      must(runningTimers === 1 && pendingTimers === 1, `${runningTimers} timers run, ${pendingTimers} wait`);
      must(threads === 0, `${threads} threads`);
      must(permits === 5 && inside === 0, `semaphore has ${permits} permits, ${inside} inside`);
      const set = number(`set:${pid}`);
      const fired = number(`fired:${pid}`);
      must(set === fired, `${set} timers set, ${fired} fired`);
      const began = number(`begun:${pid}`);
      const logged = number(`logged:${pid}`);
      must(began === logged, `${began} requests begun, ${logged} logged`);
      const children = childrenOf(pid);
      must(children.length === 0, `${children.length} child processes`);
    }
    // A killed worker cannot delete the body that it has written to a file; nginx's cannot, either.
    const files = this.leftovers();
    must(files <= this.kills, `${files} temporary files after ${this.kills} kills`);
    must(number('locks') === 0, `${number('locks')} locks held`);
    must(peers.length === 0, `connections to peers: ${peers.join()}`);
    // A worker that is killed between two operations leaves them one apart.
    const apart = number('a') - number('b');
    must(apart >= 0 && apart <= this.kills, `counters ${apart} apart after ${this.kills} kills`);
    const items = number('pushed') - number('popped') - number('length');
    must(Math.abs(items) <= this.kills, `list items ${items} off after ${this.kills} kills`);
    return left;
  }

  /** Known numbers of operations, none of which is cut short: every counter must be exact. */
  async exactly(count: number): Promise<void> {
    const before = await this.state();
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const order = { port: this.port, agent, leaving: 0, lastBlow: () => Number.NEGATIVE_INFINITY };
    const kinds = ['dict', 'list', 'onabort'];
    for (let i = 0; i < count; i += 8) {
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, j) => one({ ...order, mark: this.mark() }, kinds[(i + j) % 3])),
      );
      for (const { wrong } of outcomes) if (wrong !== undefined) this.fault(wrong);
      this.asked += 8;
    }
    agent.destroy();
    const after = await this.state();
    const more = (key: string): number => Number(after.get(key) ?? 0) - Number(before.get(key) ?? 0);
    const rounds = Math.ceil(count / 8) * 8;
    const each = (at: number): number => Array.from({ length: rounds }, (_, i) => i).filter((i) => i % 3 === at).length;
    const expect = (key: string, value: number): void => {
      if (more(key) !== value) this.fault(`${key} rose by ${more(key)}, not ${value}`);
    };
    expect('a', each(0) * 300);
    expect('b', each(0) * 300);
    expect('pushed', each(1) * 20);
    const popped = more('pushed') - more('length');
    expect('popped', popped);
  }
}

export async function soak(options: SoakOptions): Promise<SoakResult> {
  const began = performance.now();
  const run = new Soak(options);
  const folder = mkdtempSync(join(tmpdir(), 'tsresty-api-soak-'));
  for (const sub of ['conf', 'logs', 'tmp']) mkdirSync(join(folder, sub));
  const [port] = (await freePorts(1)) as [number];
  run.port = port;
  run.folder = folder;
  const peers = await Peers.start();
  const luaPath = `${import.meta.dirname}/?.lua;${options.lualib === undefined ? '' : `${options.lualib}/?.lua;`};`;
  const text = configuration({ port, workers: WORKERS, ports: peers.ports, luaPath });
  writeFileSync(join(folder, 'conf/nginx.conf'), `${options.preamble ?? ''}\n${text}`);
  const [program, ...args] = (options.command ?? [process.execPath, join(root, 'bin/tsresty')]) as [
    string,
    ...string[],
  ];
  const server = spawn(program, [...args, '-p', `${folder}/`, '-c', 'conf/nginx.conf'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  run.master = server.pid as number;
  let output = '';
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const told = setInterval(() => {
    if (server.exitCode !== null) return;
    const passed = ((performance.now() - began) / 60_000).toFixed(1);
    const { memory, descriptors } = look([run.master]);
    options.progress(
      `${passed} min: ${run.asked} asked, ${run.wrongCount} wrong, ${run.kills} kills, ${run.reloads} reloads, ` +
        `master ${memory.toFixed(0)} MB, ${descriptors} descriptors`,
    );
  }, 5000);
  try {
    await listening(port);
    const seconds = options.minutes * 60;
    const quiet = (): string[] => peers.open;

    // What a worker opens once, and the memory its code takes when compiled, belongs to the start.
    await run.storm(seconds / 12);
    let state = await run.settle('after the start', quiet);
    const survivor = run.workers()[0] as number;
    const before = run.sight(survivor, state);
    const masterBefore = look([run.master]);

    const rounds = Math.max(2, Math.round(options.minutes / 3));
    for (let i = 0; i < rounds; i++) {
      await run.storm((seconds * 0.55) / rounds, () => run.kill(survivor));
      state = await run.settle(`round ${i + 1}`, quiet);
      run.heaps.push(run.sight(survivor, state).heap / 1024);
      await run.exactly(96);
    }
    if (!run.workers().includes(survivor)) throw new Error('the worker that was spared ended');
    state = await run.settle('after the rounds', quiet);
    const after = run.sight(survivor, state);

    for (let i = 0; i < Math.max(1, Math.round(rounds / 2)); i++) {
      const share = (seconds * 0.25) / Math.max(1, Math.round(rounds / 2));
      await run.storm(share, () => (Math.random() < 0.3 ? run.kill() : run.reload()));
      state = await run.settle(`reloads ${i + 1}`, quiet);
      await run.exactly(96);
    }
    const masterAfter = look([run.master]);
    const log = readFileSync(join(folder, 'logs/error.log'), 'latin1').split('\n');
    const killed = /\[alert\].*worker process \d+ exited on signal 9/;
    const alarms = log.filter((line) => /\[(?:alert|emerg|crit)\]|^ {4}at /.test(line) && !killed.test(line));
    return {
      minutes: (performance.now() - began) / 60_000,
      asked: run.asked,
      outcomes: run.outcomes,
      wrong: run.wrong,
      wrongCount: run.wrongCount,
      kills: run.kills,
      reloads: run.reloads,
      takeovers: takeovers(run.master),
      before,
      after,
      masterBefore,
      masterAfter,
      heaps: run.heaps,
      counters: new Map([...state].filter(([key]) => /^[a-z]+$/.test(key)).map(([key, text]) => [key, Number(text)])),
      leftovers: run.leftovers(),
      alarms: [...alarms.slice(0, 20), ...output.split('\n').filter((line) => line !== '')],
    };
  } finally {
    clearInterval(told);
    server.kill('SIGTERM');
    if (server.exitCode === null && server.signalCode === null) {
      await new Promise((resolve) => server.once('exit', resolve));
    }
    await peers.stop();
    if (process.env['SOAK_KEEP'] === undefined) rmSync(folder, { recursive: true, force: true });
    else options.progress(`kept: ${folder}\n`);
  }
}

/** The zones' own counts, from the master's descriptors of their memory; 0 for servers that are not ours. */
function takeovers(master: number): number {
  let sum = 0;
  for (const fd of readdirSync(`/proc/${master}/fd`)) {
    const path = `/proc/${master}/fd/${fd}`;
    let target = '';
    try {
      target = readlinkSync(path);
    } catch {
      // Closed meanwhile.
    }
    if (!target.startsWith('/memfd:tsresty:')) continue;
    const file = openSync(path, 'r');
    const word = new Uint32Array(1);
    readSync(file, word, 0, 4, HEADER.repairs * 4);
    closeSync(file);
    sum += word[0] as number;
  }
  return sum;
}

/** The kinds by name, each with its outcomes and how often they came. */
export function byKind(outcomes: ReadonlyMap<string, number>): [kind: string, outcomes: string][] {
  return Object.keys(KINDS).map((kind) => {
    const own = [...outcomes].filter(([key]) => key.startsWith(`${kind}: `)).sort(([, a], [, b]) => b - a);
    return [kind, own.map(([key, count]) => `${key.slice(kind.length + 2)} ${count}`).join(', ')];
  });
}
