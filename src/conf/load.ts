/**
 * Makes a cycle of a configuration: reads -g and the files, calls the setters, completes the modules' objects. It
 * opens nothing and changes nothing, so `-t`, `-s` and a reload that fails leave no trace. nginx: the first part of
 * ngx_init_cycle (src/core/ngx_cycle.c) and ngx_process_options (src/core/nginx.c).
 */
import { LOG_DEBUG, LOG_LEVEL_NAMES, type Log } from '../log/log.ts';
import { OpenFiles } from '../log/open-file.ts';
import { Assets } from './assets.ts';
import type { Cycle } from './cycle.ts';
import type { ConfLogLevel } from './error.ts';
import { coreModule } from './modules/core.ts';
import { errlogModule } from './modules/errlog.ts';
import { eventsModule } from './modules/events.ts';
import { regexModule } from './modules/regex.ts';
import { threadPoolModule } from './modules/thread-pool.ts';
import { type ConfFile, type ConfSnapshot, type GlobResult, Parser } from './parser.ts';
import { configurationPaths } from './paths.ts';
import { type CoreModule, Registry } from './registry.ts';
import { checkZones } from './resources.ts';

/** The core modules that every program has, in nginx's order. */
export const BASE_MODULES: readonly CoreModule[] = [
  coreModule,
  errlogModule,
  regexModule,
  threadPoolModule,
  eventsModule,
];

/** What to load. All strings are latin1 byte strings. */
export interface LoadOptions {
  /** -p. Absolute; the slash at its end may be missing. */
  readonly prefix: string;
  /** -c. Relative to the prefix or absolute. */
  readonly confFile: string;
  /** -g: directives read before the file. */
  readonly globals?: string;
  /** -e: a path, or '' for standard error. Default `logs/error.log`. */
  readonly errorLog?: string;
  /** -t and -T. */
  readonly testOnly?: boolean;
  /** Read from here instead of from the disk: a worker has its master's configuration, whatever the files are now. */
  readonly snapshot?: ConfSnapshot;
  /** http, stream, ...: after BASE_MODULES. */
  readonly modules: readonly CoreModule[];
  /**
   * Takes warnings and notes, complete with their position, to be printed as `nginx: [LEVEL] MESSAGE`. Errors that
   * stop the loading are thrown instead.
   */
  readonly report: (level: ConfLogLevel, message: string) => void;
  /** Called when all is read and nothing completed yet: where -t says "syntax is ok". */
  readonly onParsed?: (confFile: string) => void;
}

/** The log of a cycle that is being loaded: what it is told goes to `report`. */
function reportingLog(report: LoadOptions['report']): Log {
  return {
    level: LOG_DEBUG,
    write(level, message, scope) {
      if (level >= LOG_DEBUG) return;
      const name = LOG_LEVEL_NAMES[level] === 'stderr' ? 'emerg' : (LOG_LEVEL_NAMES[level] as ConfLogLevel);
      report(name, message + (scope?.describe() ?? ''));
    },
  };
}

/**
 * Loads a configuration.
 *
 * The result's `log` reports to `options.report` until the process layer puts the opened error log in its place.
 * Read the main context's settings with `coreConf`, `eventsConf` and `errlogConf`.
 *
 * @throws ConfError when the configuration cannot be used: print `nginx: [LEVEL] MESSAGE`, then with -t
 *   `nginx: configuration file FILE test failed`, and exit with 1
 */
export function loadCycle(options: LoadOptions): Cycle {
  const modules = [...BASE_MODULES, ...options.modules];
  const files: ConfFile[] = [];
  const globs: GlobResult[] = [];
  const cycle: Cycle = {
    ...configurationPaths(options),
    testOnly: options.testOnly ?? false,
    errorLog: options.errorLog ?? 'logs/error.log',
    confs: new Map(),
    log: reportingLog(options.report),
    listening: [],
    zones: new Map(),
    paths: new Map(),
    files,
    globs,
    assets: new Assets(options.snapshot?.assets),
    openFiles: new OpenFiles(),
    hooks: { initModule: [], initProcess: [], exitProcess: [], drain: [], abort: [] },
    exiting: false,
  };
  for (const module of modules) {
    if (module.createConf !== undefined) cycle.confs.set(module.name, module.createConf(cycle));
  }
  const parser = new Parser({
    registry: new Registry(modules),
    cycle,
    report: options.report,
    files,
    globs,
    snapshot: options.snapshot,
  });
  parser.parseGlobals(options.globals ?? '');
  parser.parseFile(cycle.confFile);
  options.onParsed?.(cycle.confFile);
  for (const module of modules) module.initConf?.(cycle, cycle.confs.get(module.name));
  checkZones(cycle);
  return cycle;
}
