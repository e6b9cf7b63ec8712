/**
 * CPU time of the thread that runs Lua. V8 compiles and collects garbage on other threads too; what these use is
 * measured apart, since it does not keep requests waiting.
 */

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export interface ThreadClock {
  /** How the time is measured. */
  readonly name: string;
  /** Seconds of CPU used so far. */
  seconds(): number;
}

interface NewerProcess {
  threadCpuUsage?: () => { user: number; system: number };
}

interface Koffi {
  load(path: null): { func(signature: string): (clock: number, time: Buffer) => number };
}

const CLOCK_THREAD_CPUTIME_ID = 3;

/** The best clock that this Node.js has. */
export function threadClock(): ThreadClock {
  const usage = (process as NewerProcess).threadCpuUsage;
  if (usage !== undefined) {
    return {
      name: 'process.threadCpuUsage',
      seconds: () => {
        const { user, system } = usage();
        return (user + system) / 1e6;
      },
    };
  }
  if (process.platform === 'linux') {
    const require = createRequire(pathToFileURL(`${process.env['BENCH_ROOT'] ?? process.cwd()}/package.json`));
    const koffi = require('koffi') as Koffi;
    const getTime = koffi.load(null).func('int clock_gettime(int, _Out_ uint8_t *)');
    const time = Buffer.alloc(16);
    return {
      name: 'clock_gettime(CLOCK_THREAD_CPUTIME_ID)',
      seconds: () => {
        getTime(CLOCK_THREAD_CPUTIME_ID, time);
        return Number(time.readBigInt64LE(0)) + Number(time.readBigInt64LE(8)) / 1e9;
      },
    };
  }
  return {
    name: 'process.cpuUsage, all threads',
    seconds: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  };
}
