/** Sends a case's bytes and gathers the answer. */
import { readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { type Answer, FIN, type RawCase, SERVERS } from './case.ts';
import type { Ports } from './conf.ts';
import { normaliseLog, normaliseText } from './normalise.ts';

const WHILE_READING = ' while reading client request headers';
const ABOUT_BODY = /(?:chunked body|too large|prematurely closed).*server: (?:body|small),/;

const pause = (ms: number): Promise<void> => new Promise((go) => setTimeout(go, ms));

export interface Target {
  /** Bodies are read before the phases begin, which shows in the log. */
  readonly readsEarly: boolean;
  readonly ports: Ports;
  readonly errorLog: string;
}

/**
 * Runs one case.
 * @param expected what to wait for; without it, waits until nothing has come for a while
 */
export async function ask(target: Target, c: RawCase, expected: Answer | undefined): Promise<Answer> {
  const logStart = statSync(target.errorLog).size;
  const socket = connect({ port: target.ports[c.to ?? 'main'], host: '127.0.0.1', allowHalfOpen: true });
  socket.setNoDelay(true);
  let received = '';
  let closed = false;
  let lastEvent = Date.now();
  socket.on('data', (data) => {
    received += data.toString('latin1');
    lastEvent = Date.now();
  });
  const onClosed = (): void => {
    closed = true;
    lastEvent = Date.now();
  };
  socket.on('end', onClosed);
  socket.on('error', onClosed);
  for (const part of typeof c.send === 'string' ? [c.send] : c.send) {
    if (typeof part === 'number') await pause(part);
    else if (part === FIN) socket.end();
    else if (!socket.destroyed) socket.write(part, 'latin1');
  }
  lastEvent = Date.now();
  const log = (): string[] =>
    normaliseLog(readFileSync(target.errorLog, 'latin1').slice(logStart), (line) =>
      target.readsEarly && ABOUT_BODY.test(mask(line)) ? mask(line).replace(WHILE_READING, '') : mask(line),
    );
  const mask = (text: string): string => maskPorts(text, target.ports);
  const text = (): string => mask(normaliseText(received));
  const answer = (): Answer => ({ text: text(), closed, log: log() });
  if (expected === undefined) {
    while (Date.now() - lastEvent < (c.settle ?? 120)) await pause(5);
  } else {
    const deadline = Date.now() + 5000 + (c.settle ?? 0);
    while (text() !== expected.text || closed !== expected.closed) {
      if (Date.now() > deadline) break;
      // What is wrong does not get right by waiting.
      if (closed && Date.now() - lastEvent > 300) break;
      await pause(1);
    }
    // Nothing more is to come, and the connection is to stay open.
    await pause(expected.closed ? 1 : 8);
  }
  const result = answer();
  socket.destroy();
  // What the server says about that is not for the next case: it says something about every connection that is left.
  const said = statSync(target.errorLog).size;
  const patience = Date.now() + 40;
  while (!closed && statSync(target.errorLog).size === said && Date.now() < patience) await pause(2);
  if (!closed) await pause(expected === undefined ? 30 : 2);
  return result;
}

function maskPorts(text: string, ports: Ports): string {
  for (const server of SERVERS) text = text.replaceAll(`:${ports[server]}`, `:${server.toUpperCase()}`);
  return text;
}
