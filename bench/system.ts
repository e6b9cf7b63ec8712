/** What the soaks ask the system: whether somebody listens, processes and what they hold. */
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What processes hold together. */
export interface Sight {
  readonly descriptors: number;
  /** Resident, in megabytes. */
  readonly memory: number;
}

/** Waits until a server listens. */
export async function listening(port: number): Promise<void> {
  for (let i = 0; i < 800; i++) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (up) return;
    await delay(25);
  }
  throw new Error('the server does not listen');
}

/** Processes that a process started, from /proc; none when it is gone. */
export function childrenOf(pid: number): number[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
  } catch {
    return [];
  }
  return text === '' ? [] : text.split(' ').map(Number);
}

/** @throws when one of the processes is gone */
export function look(pids: readonly number[]): Sight {
  let descriptors = 0;
  let memory = 0;
  for (const pid of pids) {
    descriptors += readdirSync(`/proc/${pid}/fd`).length;
    memory += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
  }
  return { descriptors, memory };
}

/** How many files lie in a folder and those below it. */
export function filesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}
