/**
 * Blocks about `stream {}`: a server of plain TCP beside the http one, what it is sent and what it answers until it
 * closes the connection. Test::Nginx::Socket::Lua::Stream(3).
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Block } from './block.ts';
import { checkText } from './checks.ts';

/** How often, and after how many milliseconds, a server is tried that does not listen yet. */
const TRIES = 50;
const PAUSE = 20;

interface Answer {
  readonly data: string;
  readonly timedOut: boolean;
  readonly refused: boolean;
  readonly error: string | undefined;
}

/** Sends `stream_request` to the port and compares all that comes back. Returns faults. */
export async function runStream(
  block: Block,
  port: number,
  expand: (text: string) => string,
  timeout: number,
): Promise<string[]> {
  const { sections } = block;
  const request = sections.get('stream_request') ?? '';
  if (typeof request !== 'string') throw new Error('section "stream_request" must be text');
  let answer = await converse(port, expand(request), timeout);
  // The http server is reached first.
  for (let tries = 0; answer.refused && tries < TRIES; tries++) {
    await sleep(PAUSE);
    answer = await converse(port, expand(request), timeout);
  }
  const { data, timedOut, error } = answer;
  if (timedOut) return [`no end within ${timeout / 1000} s`];
  if (error !== undefined) return [`connection failed: ${error}`];
  return checkText(block, 'stream_response', data, expand);
}

/** Connects, sends, and reads until the server closes. */
function converse(port: number, request: string, timeout: number): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let data = '';
    const finish = (timedOut: boolean, error: string | undefined, refused = false): void => {
      clearTimeout(limit);
      socket.removeAllListeners();
      socket.on('error', () => socket.destroy());
      socket.destroy();
      resolve({ data, timedOut, refused, error });
    };
    const limit = setTimeout(() => finish(true, undefined), timeout);
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      if (request !== '') socket.write(request, 'latin1');
    });
    socket.on('data', (chunk: string) => {
      data += chunk;
    });
    socket.on('end', () => finish(false, undefined));
    // A server that closes without having read everything resets the connection, after its answer.
    socket.on('error', (e: NodeJS.ErrnoException) => {
      const ended = e.code === 'ECONNRESET' || e.code === 'EPIPE';
      finish(false, ended ? undefined : e.message, e.code === 'ECONNREFUSED');
    });
  });
}
