/**
 * TEST_NGINX_CHECK_LEAK: the block's first request is sent over and over for a few seconds while the server's resident
 * memory is sampled; the slope of the line through the samples tells whether it grows. Test::Nginx::Socket(3).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Packet } from './request.ts';

/** Connections at a time. */
const CLIENTS = 2;
/** Milliseconds before the first sample, and between samples. */
const WARM_UP = 1000;
const INTERVAL = 20;
/** Linux counts resident memory in pages of this many KB. */
const PAGE_KB = 4;

/** What was seen: kilobytes, and the growth from one sample to the next. */
export interface LeakReport {
  readonly samples: readonly number[];
  readonly slope: number;
}

/**
 * @param count samples; TEST_NGINX_CHECK_LEAK_COUNT
 * @param pid of the server; its children count too
 */
export async function measureLeak(
  packets: readonly Packet[],
  port: number,
  pid: number,
  count: number,
): Promise<LeakReport> {
  const data = packets.map((packet) => packet.data).join('');
  let running = true;
  const client = async (): Promise<void> => {
    while (running) await once(data, port);
  };
  const clients = Array.from({ length: CLIENTS }, client);
  await sleep(WARM_UP);
  const samples: number[] = [];
  for (let i = 0; i < count; i++) {
    await sleep(INTERVAL);
    const size = residentKb(pid);
    if (size === 0) break;
    samples.push(size);
  }
  running = false;
  await Promise.all(clients);
  return { samples, slope: slopeOf(samples) };
}

/** One request on a connection of its own, as the block sends it. */
function once(data: string, port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(data, 'latin1'));
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve());
    socket.resume();
  });
}

function residentKb(pid: number): number {
  let pages = 0;
  for (const one of [pid, ...childrenOf(pid)]) {
    try {
      pages += Number(readFileSync(`/proc/${one}/statm`, 'latin1').split(' ')[1]);
    } catch (error) {
      // A process that has ended has no memory.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return pages * PAGE_KB;
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
      return readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1')
        .split(' ')
        .filter((one) => one !== '')
        .map(Number);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The slope of the line of least squares through samples at 1, 2, 3... */
export function slopeOf(samples: readonly number[]): number {
  const n = samples.length;
  if (n < 2) return 0;
  const meanX = (n + 1) / 2;
  const meanY = samples.reduce((sum, y) => sum + y, 0) / n;
  let above = 0;
  let below = 0;
  for (const [i, y] of samples.entries()) {
    above += (i + 1 - meanX) * (y - meanY);
    below += (i + 1 - meanX) ** 2;
  }
  return above / below;
}
