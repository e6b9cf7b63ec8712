/**
 * From a parsed command line to a running server, a tested configuration or a sent signal. nginx: main() in
 * src/core/nginx.c.
 */
import { release, type } from 'node:os';
import type { Cycle } from '../conf/cycle.ts';
import { dumpConfiguration } from '../conf/dump.ts';
import { ConfError } from '../conf/error.ts';
import { identity } from '../conf/identity.ts';
import { type LoadOptions, loadCycle } from '../conf/load.ts';
import { coreConf } from '../conf/modules/core.ts';
import { configurationPaths } from '../conf/paths.ts';
import type { CoreModule } from '../conf/registry.ts';
import { errnoSuffix } from '../log/errno.ts';
import { ErrorLog, logStderr, stderrLog } from '../log/error-log.ts';
import { LOG_ALERT, LOG_ERR, LOG_INFO, LOG_NOTICE, type Log, logLevelNumber } from '../log/log.ts';
import { OpenFile } from '../log/open-file.ts';
import { announceReady, startDaemon } from './daemon.ts';
import { failureText, logFailure } from './failure.ts';
import { fileLimits } from './limits.ts';
import type { ListeningSockets } from './listening.ts';
import { openCycle } from './open-cycle.ts';
import { readPidFile, writePidFile } from './pid-file.ts';
import { SIGNAL_COMMANDS, signalNumber } from './signals.ts';
import { runSingle } from './single.ts';
import { redirectStderr } from './stderr.ts';

/** The program: what it can do and how it is started again. */
export interface Program {
  /** Path of the executable script. */
  readonly entry: string;
  /** The core modules besides BASE_MODULES: http, stream. */
  readonly modules: readonly CoreModule[];
}

/** Where the configuration is. Strings are latin1 byte strings. */
export interface StartOptions {
  /** Absolute; ends with a slash. */
  readonly prefix: string;
  readonly confFile: string;
  readonly globals: string;
  /** '' for standard error. */
  readonly errorLog: string;
}

/** How this process was started. */
export interface StartState {
  /** By hand; by a launcher that waits; by an old master whose sockets it takes over. */
  readonly kind: 'foreground' | 'daemon' | 'upgrade';
  /** The command line's arguments. */
  readonly args: readonly string[];
}

/** Everything that is needed to load the configuration, now and on each reload. */
export interface Loader {
  readonly program: Program;
  readonly options: StartOptions;
  readonly state: StartState;
}

/** The log before the configuration is read. nginx: ngx_log_init. */
function initialLog(options: StartOptions, level: number): ErrorLog {
  const { errorLog, prefix } = options;
  if (errorLog === '') return stderrLog(level);
  const path = errorLog.startsWith('/') ? errorLog : prefix + errorLog;
  const file = new OpenFile(path);
  try {
    file.open();
  } catch (e) {
    logStderr(`[alert] could not open error log file: open() "${path}" failed${errnoSuffix(e)}`);
    return stderrLog(level);
  }
  return new ErrorLog().add({ level, to: file });
}

/**
 * Loads the configuration; messages go to `log`.
 *
 * @returns undefined when it cannot be used, which has been logged
 */
export function load(loader: Loader, log: Log, extra?: Partial<LoadOptions>): Cycle | undefined {
  try {
    return loadCycle({
      ...loader.options,
      modules: loader.program.modules,
      report: (level, message) => log.write(logLevelNumber(level)!, message),
      ...extra,
    });
  } catch (thrown) {
    logFailure(log, thrown);
    if (!(thrown instanceof ConfError) && thrown instanceof Error) log.write(LOG_ALERT, failureText(thrown.stack));
    return undefined;
  }
}

/** -t and -T. Returns the exit code. */
export function testConfiguration(loader: Loader, quiet: boolean, dump: boolean): number {
  const log = initialLog(loader.options, LOG_INFO);
  const { confFile } = configurationPaths(loader.options);
  const cycle = load(loader, log, {
    testOnly: true,
    onParsed: (file) => {
      if (!quiet) logStderr(`the configuration file ${file} syntax is ok`);
    },
  });
  const opened = cycle === undefined ? undefined : openCycle(cycle, { log, previous: undefined, stage: 'single' });
  if (opened === undefined) {
    logStderr(`configuration file ${confFile} test failed`);
    return 1;
  }
  if (!quiet) logStderr(`configuration file ${confFile} test is successful`);
  if (dump) process.stdout.write(dumpConfiguration(opened.cycle), 'latin1');
  return 0;
}

/** -s. Returns the exit code. */
export function sendSignal(loader: Loader, command: string): number {
  const log = initialLog(loader.options, LOG_NOTICE);
  const cycle = load(loader, log);
  if (cycle === undefined) return 1;
  log.write(LOG_NOTICE, 'signal process started');
  let pid: number;
  try {
    pid = readPidFile(coreConf(cycle).pid);
  } catch (thrown) {
    log.write(LOG_ERR, failureText(thrown));
    return 1;
  }
  const signal = SIGNAL_COMMANDS[command]!;
  try {
    process.kill(pid, signal);
    return 0;
  } catch (e) {
    log.write(LOG_ALERT, `kill(${pid}, ${signalNumber(signal)}) failed${errnoSuffix(e)}`);
    return 1;
  }
}

/**
 * Starts the server. The process goes on when this has returned 'running'.
 *
 * @returns 'running', or an exit code
 */
export async function startServer(loader: Loader): Promise<'running' | number> {
  const { state, program } = loader;
  // Files get the modes that they are opened with, whatever the shell says. nginx: ngx_daemon.
  if (state.kind === 'daemon') process.umask(0);
  const log = initialLog(loader.options, LOG_NOTICE);
  const inherited = state.kind === 'upgrade' ? await takeInherited(log) : undefined;
  const cycle = load(loader, log);
  if (cycle === undefined) return 1;
  const conf = coreConf(cycle);
  // The launcher's quick look at the configuration has missed the directive.
  if (conf.daemon && state.kind === 'foreground') return startDaemon(program.entry, state.args);
  const opened = openCycle(cycle, {
    log,
    previous: undefined,
    inherited,
    stage: conf.masterProcess ? 'master' : 'single',
  });
  if (opened === undefined) return 1;
  inherited?.closeUnused(opened.sockets, opened.log);
  logSystem(opened.log);
  try {
    writePidFile(conf.pid);
  } catch (thrown) {
    logFailure(opened.log, thrown);
    return 1;
  }
  redirectStderr(opened.log, conf.masterProcess);
  log.file?.close();
  const ready = (): void => {
    if (state.kind === 'daemon') announceReady();
  };
  if (conf.masterProcess) {
    const { runMaster } = await import('./master.ts');
    runMaster(loader, opened);
    ready();
  } else {
    runSingle(loader, opened, ready);
  }
  return 'running';
}

async function takeInherited(log: Log): Promise<ListeningSockets | undefined> {
  const { inheritedSockets } = await import('./upgrade.ts');
  return inheritedSockets(log);
}

/** nginx: ngx_os_status. */
function logSystem(log: Log): void {
  log.write(LOG_NOTICE, identity.full);
  log.write(LOG_NOTICE, `built with Node.js ${process.version}`);
  log.write(LOG_NOTICE, `OS: ${type()} ${release()}`);
  const limits = fileLimits();
  if (limits !== undefined) log.write(LOG_NOTICE, `getrlimit(RLIMIT_NOFILE): ${limits.soft}:${limits.hard}`);
}
