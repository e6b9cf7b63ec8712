/** Limits on this process. */
import { readFileSync } from 'node:fs';

/** Limits on open files, `unlimited` or a number as text; undefined where the system does not show them as files. */
export function fileLimits(): { soft: string; hard: string } | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const match = /^Max open files +(\S+) +(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return match === null ? undefined : { soft: match[1]!, hard: match[2]! };
  } catch {
    // /proc is not mounted; the numbers are for information only.
    return undefined;
  }
}
