/** Sends requests and gathers what comes back, over plain TCP so that anything can be sent and seen. */
import { connect, type Socket } from 'node:net';
import type { Packet } from './request.ts';

/** What came back over one connection. */
export interface Received {
  /** Bytes (latin1). */
  readonly data: string;
  /** Nothing happened for as long as the time limit. */
  readonly timedOut: boolean;
  /** What went wrong below HTTP, such as a reset. */
  readonly error: string | undefined;
}

export interface SendOptions {
  readonly host: string;
  readonly port: number;
  /** Milliseconds without anything happening. */
  readonly timeout: number;
  /** Milliseconds before each packet that does not say its own delay. */
  readonly middleDelay: number;
  /** When all is sent: 1 shuts the sending side down, 2 both. */
  readonly shutdown: number | undefined;
}

/** Milliseconds between attempts to connect, growing, and how long to go on. */
const RETRY = 5;
const CONNECT_LIMIT = 10_000;

/**
 * Sends packets and reads until the server closes the connection or nothing happens within the time limit.
 *
 * @throws Error when no connection can be made
 */
export async function send(packets: readonly Packet[], options: SendOptions): Promise<Received> {
  return converse(await connected(options), packets, options);
}

async function connected({ host, port }: SendOptions): Promise<Socket> {
  const until = Date.now() + CONNECT_LIMIT;
  for (let pause = RETRY; ; pause = Math.min(pause * 1.5, 500)) {
    const socket = connect({ host, port, noDelay: true });
    const error = await new Promise<Error | undefined>((resolve) => {
      socket.once('connect', () => resolve(undefined));
      socket.once('error', resolve);
    });
    if (error === undefined) return socket;
    socket.destroy();
    if (Date.now() > until) throw new Error(`Can't connect to ${host}:${port}: ${error.message} (aborted)`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function converse(socket: Socket, packets: readonly Packet[], options: SendOptions): Promise<Received> {
  return new Promise((resolve) => {
    let data = '';
    let next = 0;
    let pause: NodeJS.Timeout | undefined;
    let limit: NodeJS.Timeout;
    const finish = (timedOut: boolean, error: string | undefined): void => {
      clearTimeout(limit);
      clearTimeout(pause);
      socket.removeAllListeners();
      socket.on('error', () => socket.destroy());
      socket.destroy();
      resolve({ data, timedOut, error });
    };
    const alive = (): void => {
      clearTimeout(limit);
      limit = setTimeout(() => finish(true, undefined), options.timeout);
    };
    const sendNext = (): void => {
      const packet = packets[next++];
      if (packet === undefined) {
        if (options.shutdown !== undefined && options.shutdown > 0) socket.end();
        return;
      }
      alive();
      socket.write(packet.data, 'latin1', () => {
        const following = packets[next];
        const delay = following === undefined ? 0 : (following.delay ?? options.middleDelay / 1000) * 1000;
        if (delay > 0) {
          clearTimeout(limit);
          pause = setTimeout(sendNext, delay);
        } else sendNext();
      });
    };
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      data += chunk;
      alive();
    });
    socket.on('end', () => finish(false, undefined));
    socket.on('close', () => finish(false, undefined));
    socket.on('error', (error) => finish(false, error.message));
    alive();
    sendNext();
  });
}
