/**
 * From the master's rights and limits to a worker's: priority, limits, user, working directory. In nginx's order
 * (ngx_worker_process_init): what needs root first.
 */
import { setPriority } from 'node:os';
import type { Cycle } from '../conf/cycle.ts';
import { coreConf } from '../conf/modules/core.ts';
import { errnoName, errnoSuffix } from '../log/errno.ts';
import { LOG_ALERT, LOG_EMERG, type Log } from '../log/log.ts';
import { errno, libc } from '../shm/libc.ts';
import { StartError } from './failure.ts';

const RLIMIT_CORE = 4;
const RLIMIT_NOFILE = process.platform === 'linux' ? 7 : 8;
const PR_SET_DUMPABLE = 4;

/**
 * Applies the main context's settings to this process.
 *
 * @param privileged keep the master's user
 * @throws StartError for what must not be ignored
 */
export function becomeWorker(cycle: Cycle, log: Log, privileged: boolean): void {
  const conf = coreConf(cycle);
  if (conf.workerPriority !== 0) {
    try {
      setPriority(conf.workerPriority);
    } catch (e) {
      const name = (e as { info?: { code?: string } }).info?.code;
      log.write(LOG_ALERT, `setpriority(${conf.workerPriority}) failed${errnoSuffix(name ?? e)}`);
    }
  }
  if (conf.rlimitNofile !== undefined) setLimit(RLIMIT_NOFILE, 'RLIMIT_NOFILE', conf.rlimitNofile, log);
  if (conf.rlimitCore !== undefined) setLimit(RLIMIT_CORE, 'RLIMIT_CORE', conf.rlimitCore, log);
  if (!privileged && process.geteuid?.() === 0 && conf.user !== undefined) {
    const { name, uid, gid } = conf.user;
    attempt(`setgid(${gid})`, () => process.setgid!(gid));
    try {
      // Missing in the types of Node.
      (process as unknown as { initgroups(user: string, group: number): void }).initgroups(name, gid);
    } catch (e) {
      log.write(LOG_EMERG, `initgroups(${name}, ${gid}) failed${errnoSuffix(e)}`);
    }
    attempt(`setuid(${uid})`, () => process.setuid!(uid));
    // A process that has changed its user leaves no core file unless it says so.
    if (conf.rlimitCore !== undefined && process.platform === 'linux' && libc.prctl(PR_SET_DUMPABLE, 1) !== 0) {
      log.write(LOG_ALERT, `prctl(PR_SET_DUMPABLE) failed${errnoSuffix(errnoName(errno()) ?? 'EIO')}`);
    }
  }
  if (conf.workingDirectory) {
    attempt(`chdir("${conf.workingDirectory}")`, () => process.chdir(conf.workingDirectory!));
  }
}

function setLimit(resource: number, name: string, value: number, log: Log): void {
  const limit = BigInt(value);
  if (libc.setrlimit(resource, new BigUint64Array([limit, limit])) !== 0) {
    log.write(LOG_ALERT, `setrlimit(${name}, ${value}) failed${errnoSuffix(errnoName(errno()) ?? 'EIO')}`);
  }
}

function attempt(call: string, action: () => void): void {
  try {
    action();
  } catch (e) {
    throw new StartError(`${call} failed${errnoSuffix(e)}`);
  }
}
