/**
 * Opens a loaded configuration: folders, logs, shared memory, listening sockets, and then the modules' own
 * initialization. If any of it fails, everything that was opened is closed again and the cycle before goes on.
 *
 * nginx: the second part of ngx_init_cycle (src/core/ngx_cycle.c).
 */
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import type { Cycle } from '../conf/cycle.ts';
import { coreConf } from '../conf/modules/core.ts';
import { errlogConf } from '../conf/modules/errlog.ts';
import { errnoSuffix } from '../log/errno.ts';
import type { ErrorLog } from '../log/error-log.ts';
import { LOG_NOTICE, type Log } from '../log/log.ts';
import { makeErrorLog } from '../log/open-logs.ts';
import type { ZoneRegistry } from '../shm/registry.ts';
import { lendEnvironment } from './environment.ts';
import { logFailure, StartError } from './failure.ts';
import { ListeningSockets } from './listening.ts';
import { changePidFile, testPidFile } from './pid-file.ts';
import { openZones } from './zones.ts';

/** A cycle with all that is open for it. */
export interface OpenedCycle {
  readonly cycle: Cycle;
  /** The same as `cycle.log`. */
  readonly log: ErrorLog;
  readonly sockets: ListeningSockets;
  readonly zones: ZoneRegistry;
}

/** How to open. */
export interface OpenCycleOptions {
  /** Where failures are logged before the cycle's own log is open. */
  readonly log: Log;
  /** The cycle that is being replaced. */
  readonly previous: OpenedCycle | undefined;
  /** Sockets that another program has left to this one. */
  readonly inherited?: ListeningSockets | undefined;
  /** A master opens for its workers, a single process for itself. */
  readonly stage: 'master' | 'single';
}

/**
 * Opens a cycle that `loadCycle` has made. Failures are logged.
 *
 * @returns undefined when it failed
 */
export function openCycle(cycle: Cycle, options: OpenCycleOptions): OpenedCycle | undefined {
  const { previous, stage } = options;
  const conf = coreConf(cycle);
  let log: Log = options.log;
  let sockets: ListeningSockets | undefined;
  let zones: ZoneRegistry | undefined;
  try {
    if (cycle.testOnly) testPidFile(conf.pid);
    else if (previous !== undefined) changePidFile(conf.pid, coreConf(previous.cycle).pid, log);
    createPaths(cycle);
    const opened = openLogs(cycle);
    log = opened;
    zones = openZones(cycle, previous?.zones, stage === 'master' && !cycle.testOnly);
    sockets = ListeningSockets.open(cycle.listening, previous?.sockets ?? options.inherited, {
      workers: stage === 'master' ? conf.workerProcesses : 1,
      handOver: stage === 'master' && !cycle.testOnly,
      testOnly: cycle.testOnly,
      log,
    });
    if (sockets !== undefined) {
      log.write(LOG_NOTICE, `using the "${process.platform === 'linux' ? 'epoll' : 'kqueue'}" event method`);
      const takeBack = lendEnvironment(cycle);
      try {
        for (const hook of cycle.hooks.initModule) hook(stage);
      } finally {
        takeBack();
      }
      return { cycle, log: opened, sockets, zones };
    }
  } catch (thrown) {
    logFailure(log, thrown);
  }
  sockets?.rollBack();
  zones?.close(previous?.zones);
  cycle.openFiles.closeAll();
  return undefined;
}

/** Gives back what the old cycle had and the new one has not taken over. Its open files are the caller's. */
export function closeReplaced(old: OpenedCycle, current: OpenedCycle): void {
  old.zones.close(current.zones);
  old.sockets.closeUnused(current.sockets, current.log);
}

/** Makes and opens the log of the main context, and all files that modules have asked for. */
export function openLogs(cycle: Cycle): ErrorLog {
  const { errorLog } = cycle;
  const path = errorLog === '' || errorLog.startsWith('/') ? errorLog : cycle.prefix + errorLog;
  const log = makeErrorLog(errlogConf(cycle).targets, cycle.openFiles, path);
  cycle.openFiles.openAll();
  cycle.log = log;
  return log;
}

const OWNER_RWX = 0o700;

/** Creates the folders that modules need, for the workers' user. nginx: ngx_create_paths. */
function createPaths(cycle: Cycle): void {
  const user = coreConf(cycle).user;
  for (const { path } of cycle.paths.values()) {
    let call = `mkdir() "${path}"`;
    try {
      mkdirSync(path, OWNER_RWX);
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code !== 'EEXIST') throw new StartError(`${call} failed${errnoSuffix(e)}`);
    }
    if (user === undefined) continue;
    try {
      call = `stat() "${path}"`;
      const info = statSync(path);
      if (info.uid !== user.uid) {
        call = `chown("${path}", ${user.uid})`;
        chownSync(path, user.uid, info.gid);
      }
      if ((info.mode & OWNER_RWX) !== OWNER_RWX) {
        call = `chmod() "${path}"`;
        chmodSync(path, (info.mode & 0o7777) | OWNER_RWX);
      }
    } catch (e) {
      throw new StartError(`${call} failed${errnoSuffix(e)}`);
    }
  }
}
