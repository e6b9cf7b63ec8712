/** Runs a case against a server and gathers what happened. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Backends, type Place } from './backend.ts';
import { ABORT, ALSO, type Answer, type Case, FIN, NEXT, RESUME, type Script, STOP } from './case.ts';
import type { Places } from './conf.ts';
import { readResponse } from './framing.ts';
import { normaliseAccess, normaliseLog, normaliseReceived, normaliseSeen } from './normalise.ts';

const pause = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));

/** Milliseconds to wait for something that should happen. */
const LONGEST_WAIT = 8000;
/** Milliseconds of silence after which nothing more is expected. */
const SILENCE = 200;

const LOGS = ['error.log', 'access.log'];
const NOTHING: Answer = { text: [], closed: [], backend: [], log: [] };

class Connection {
  readonly socket: Socket;
  readonly methods: string[] = [];
  received = '';
  closed = false;
  /** Responses that were waited for. */
  waits = 0;
  lastEvent = 0;
  gone = false;

  constructor(host: string, port: number) {
    this.socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.socket.on('data', (data) => {
      this.received += data.toString('latin1');
      this.lastEvent = Date.now();
    });
    const onClosed = (): void => {
      this.closed = true;
      this.lastEvent = Date.now();
    };
    this.socket.on('end', onClosed);
    this.socket.on('error', onClosed);
  }

  write(text: string): void {
    for (const [, method] of text.matchAll(/^([A-Z]+) \S+ HTTP\/1/gm)) this.methods.push(method as string);
    if (!this.socket.destroyed) this.socket.write(text, 'latin1');
  }

  /** Number of responses that are complete. */
  complete(): number {
    let count = 0;
    let pos = 0;
    for (;;) {
      const response = readResponse(this.received, pos, this.methods[count] ?? 'GET');
      if (response === undefined || response.end < 0) return count;
      pos = response.end;
      if (response.status >= 200 || response.status === 101) count++;
    }
  }
}

/** @param expected what to wait for; without it, waits until nothing has come for a while */
export async function run(c: Case, places: Places, expected?: Answer): Promise<Answer> {
  const backends = new Backends();
  await backends.listen(backendPlaces(c, places));
  const [host, port] = places.front.split(':') as [string, string];
  const began = Date.now();
  const connections: Connection[] = [];
  const open = (): Connection => {
    const connection = new Connection(host, Number(port));
    connections.push(connection);
    return connection;
  };
  const until = async (done: () => boolean): Promise<void> => {
    const deadline = Date.now() + LONGEST_WAIT;
    while (!done() && Date.now() < deadline) await pause(2);
  };
  let now = open();
  for (const step of typeof c.send === 'string' ? [c.send] : c.send) {
    const connection = now;
    if (typeof step === 'string') connection.write(places.fill(step));
    else if (typeof step === 'number') await pause(step);
    else if (typeof step === 'object') {
      if ('until' in step) await until(() => connection.received.includes(step.until) || connection.closed);
      else await until(() => backends.connections.some(({ bytes }) => bytes.includes(step.seen)));
    } else if (step === FIN) connection.socket.end();
    else if (step === ABORT) {
      connection.gone = true;
      connection.socket.resetAndDestroy();
    } else if (step === STOP) connection.socket.pause();
    else if (step === RESUME) connection.socket.resume();
    else if (step === ALSO) now = open();
    else {
      connection.waits++;
      await until(() => connection.closed || connection.complete() >= connection.waits);
      if (step === NEXT) now = open();
    }
  }
  const tookLong = (): boolean => Date.now() - began >= (c.atLeast as number);
  let answered = 0;
  const answer = (): Answer => {
    const read = (file: string): string =>
      existsSync(join(places.dir, file)) ? readFileSync(join(places.dir, file), 'latin1') : '';
    const plain = (text: string): string => masked(c, places.mask(text));
    return {
      text: connections.map(({ received, methods }) => plain(normaliseReceived(received, methods))),
      closed: connections.map(({ closed, gone }) => closed && !gone),
      backend: backends.connections.map(({ name, bytes, end }) => `${name}: ${plain(normaliseSeen(bytes))}${end}`),
      log: normaliseLog(read('error.log')).map(plain),
      ...(c.access === undefined ? {} : { access: normaliseAccess(plain(read('access.log'))) }),
      ...(c.atLeast === undefined ? {} : { tookLong: answered > 0 ? answered >= (c.atLeast as number) : tookLong() }),
    };
  };
  const lastEvent = (): number => Math.max(backends.lastEvent, ...connections.map((one) => one.lastEvent));
  const noteTime = (): void => {
    answered = lastEvent() - began;
  };
  let result: Answer;
  const asked = Date.now();
  const silence = SILENCE + (c.settle ?? 0);
  if (expected === undefined) {
    const quiet = (): boolean => {
      // On a busy machine an answer may take a while.
      const done = connections.every((one) => one.closed || one.gone || one.complete() >= one.methods.length);
      return Date.now() - Math.max(lastEvent(), asked) > (done ? silence : Math.max(silence, 1500));
    };
    while (backends.running > 0 || !quiet()) await pause(5);
    noteTime();
    result = answer();
  } else {
    const deadline = Date.now() + LONGEST_WAIT + (c.settle ?? 0);
    // Long answers are looked at only when they have changed, and are not about to change again.
    const state = (): string =>
      [
        ...connections.map(({ received, closed }) => `${received.length}${closed}`),
        ...backends.connections.map(({ bytes, end }) => `${bytes.length}${end}`),
        ...LOGS.map((file) => statSync(join(places.dir, file), { throwIfNoEntry: false })?.size),
      ].join();
    let looked = '';
    result = NOTHING;
    for (let step = 2; ; step = Math.min(step * 1.5, 50)) {
      noteTime();
      const now = state();
      const busy = Date.now() - lastEvent() < 10 && connections.some(({ received }) => received.length > 100_000);
      if ((now !== looked && !busy) || Date.now() > deadline || c.atLeast !== undefined) {
        looked = now;
        result = answer();
      }
      if (isDeepStrictEqual(result, expected)) {
        // Nothing more is to come.
        if (!expected.closed.every(Boolean)) {
          await pause(10);
          result = answer();
        }
        break;
      }
      if (Date.now() > deadline) break;
      // What is wrong does not get right by waiting.
      if (backends.running === 0 && Date.now() - Math.max(lastEvent(), asked) > 2 * silence + 3000) break;
      await pause(step);
    }
  }
  for (const { socket } of connections) socket.destroy();
  backends.close();
  return result;
}

function backendPlaces(c: Case, places: Places): Place[] {
  const scripts = Array.isArray(c.backend)
    ? { B1: c.backend as readonly Script[] }
    : ((c.backend ?? {}) as Readonly<Record<string, readonly Script[]>>);
  const fill = (script: Script): Script =>
    typeof script === 'string'
      ? places.fill(script)
      : script.map((step) => (typeof step === 'string' ? places.fill(step) : step));
  return Object.entries(scripts).map(([name, list]) => ({
    name,
    address: places.address(name),
    scripts: list.map(fill),
  }));
}

function masked(c: Case, text: string): string {
  let out = text;
  for (const [from, to] of c.mask ?? []) out = out.replace(from, to);
  return out;
}
