// Who holds a lock, in one 32-bit word: the process id, and a few bits of the moment the process started, so that a
// process id that was given away again is not taken for the holder. 22 bits are all a Linux process id can have.
//
// A process that was killed stays visible to kill(pid, 0) until its parent has waited for it, and the parent may be
// the very process that spins on the lock: so the state in /proc decides where there is one. Elsewhere `ps` is asked,
// which is slow and only happens when a lock has been waited for in vain.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const PID_BITS = 22;
const PID_MASK = (1 << PID_BITS) - 1;

/** 1..1023, so that 0 can mean "unknown". */
function startStamp(start: number): number {
  return (start % 1023) + 1;
}

/** What /proc/PID/stat says: the state letter (field 3) and the start time in clock ticks since boot (field 22). */
function processStat(pid: number): { state: string; start: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The command name, field 2, is in parentheses and may contain anything, parentheses too.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0]!, start: Number(fields[19]) };
}

let own = 0;

/** The word that stands for this process; never 0. */
export function ownerWord(): number {
  if (own === 0) {
    if (process.pid > PID_MASK) throw new Error(`process id ${process.pid} does not fit a lock word`);
    const stat = processStat(process.pid);
    own = process.pid | ((stat === undefined ? 0 : startStamp(stat.start)) << PID_BITS);
  }
  return own;
}

/** The process id in an owner word. */
export function ownerPid(word: number): number {
  return word & PID_MASK;
}

/** Whether the process an owner word stands for still runs. In doubt it does. */
export function ownerAlive(word: number): boolean {
  const pid = word & PID_MASK;
  if (!exists(pid)) return false;
  if (process.platform !== 'linux') return !isZombie(pid);
  const stat = processStat(pid);
  // Either it ended just now, or /proc is mounted so that it hides other users' processes.
  if (stat === undefined) return exists(pid);
  if (stat.state === 'Z' || stat.state === 'X') return false;
  const stamp = word >>> PID_BITS;
  return stamp === 0 || stamp === startStamp(stat.start);
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function isZombie(pid: number): boolean {
  try {
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'latin1' })
      .trim()
      .startsWith('Z');
  } catch {
    return false;
  }
}
