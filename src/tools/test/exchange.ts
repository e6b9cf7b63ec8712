/** Sends requests and gathers what comes back. */
import { connect } from 'node:net';
import type { Exchange } from './request.ts';
import { readResponses } from './response.ts';

/** What came back over one connection. */
export interface Received {
  /** Bytes (latin1). */
  readonly data: string;
  readonly closed: boolean;
  /** The client waited to its time limit. */
  readonly timedOut: boolean;
  /** What went wrong below HTTP, such as a reset. */
  readonly error: string | undefined;
}

/**
 * Makes a connection to 127.0.0.1 and ends when the server closes it, when all responses are there, or at the time
 * limit.
 *
 * @param timeout milliseconds
 */
export function exchange(
  port: number,
  { packets, packetDelay, methods }: Exchange,
  timeout: number,
): Promise<Received> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let data = '';
    let timedOut = false;
    let next = 0;
    let pause: NodeJS.Timeout | undefined;
    const finish = (closed: boolean, error: string | undefined): void => {
      clearTimeout(limit);
      clearTimeout(pause);
      socket.removeAllListeners();
      socket.on('error', () => socket.destroy());
      socket.destroy();
      resolve({ data, closed, timedOut, error });
    };
    const limit = setTimeout(() => {
      timedOut = true;
      finish(false, undefined);
    }, timeout);
    const send = (): void => {
      socket.write(packets[next++] as string, 'latin1');
      if (next < packets.length) pause = setTimeout(send, packetDelay);
    };
    socket.setEncoding('latin1');
    socket.on('connect', send);
    socket.on('data', (chunk: string) => {
      data += chunk;
      // A server that should close the connection gets the time to do it: only full keep-alive answers end it here.
      const { list, fault } = readResponses(data, methods, false);
      const open = !list.at(-1)?.fields.some(([name, value]) => /^connection$/i.test(name) && /^close$/i.test(value));
      if (fault === undefined && open && next === packets.length) finish(false, undefined);
    });
    socket.on('end', () => finish(true, undefined));
    socket.on('error', (error) => finish(true, error.message));
  });
}
