/**
 * The channel between a master and each worker: a socket pair on descriptor 3 of the worker. First the master sends
 * all that the worker needs to become one; then commands, one byte each; the worker answers once that it is ready.
 * When the channel breaks the other side has gone.
 *
 * nginx: ngx_channel.c. A forked worker of nginx has its master's memory; ours reads the start message instead.
 */
import { readSync } from 'node:fs';
import type { WorkerInfo } from '../conf/cycle.ts';
import type { ConfSnapshot } from '../conf/parser.ts';
import type { StartOptions } from './start.ts';

/** The channel's descriptor in the worker. */
export const CHANNEL_FD = 3;

/** Commands of the master. nginx: NGX_CMD_QUIT and so on. */
export const COMMAND_QUIT = 'q';
export const COMMAND_TERMINATE = 't';
export const COMMAND_REOPEN = 'o';
/** The worker's answer: it accepts connections. */
export const WORKER_READY = 'r';

/** What a worker starts with. Strings are latin1 byte strings. */
export interface StartMessage {
  readonly info: WorkerInfo;
  readonly options: StartOptions;
  /** The configuration as the master has read it. */
  readonly conf: ConfSnapshot;
  /** How many connections the process may have, when not what the configuration says. */
  readonly connections: number | undefined;
  /** Listening sockets: key of the address (listening.ts) and descriptor in the worker. */
  readonly sockets: readonly (readonly [string, number])[];
  /** For the zones' registry. */
  readonly zones: string;
  /** What the master would do with WINCH, a worker does as well. */
  readonly daemon: boolean;
}

const LENGTH_DIGITS = 10;

/** The message as bytes: its length in ten digits, then JSON. */
export function encodeStart(message: StartMessage): Buffer {
  const json = JSON.stringify(message);
  return Buffer.from(String(json.length).padStart(LENGTH_DIGITS, '0') + json, 'latin1');
}

/** Reads the message, waiting for it. Throws when the master goes away meanwhile. */
export function receiveStart(): StartMessage {
  const length = Number(readBytes(LENGTH_DIGITS));
  return JSON.parse(readBytes(length)) as StartMessage;
}

function readBytes(length: number): string {
  const buffer = Buffer.alloc(length);
  let have = 0;
  while (have < length) {
    const n = readSync(CHANNEL_FD, buffer, have, length - have, null);
    if (n === 0) throw new Error('the master process has gone');
    have += n;
  }
  return buffer.toString('latin1');
}
