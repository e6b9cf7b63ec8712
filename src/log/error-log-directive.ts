/**
 * The arguments of `error_log`, the same in every context: `error_log file [level...]`, `stderr`, `syslog:...`,
 * `memory:...`. Who declares the directive calls addErrorLog with the log of its block.
 *
 * nginx: ngx_log_set_log, ngx_log_set_levels.
 */
import type { ErrorLog } from './error-log.ts';
import { LOG_DEBUG, LOG_ERR, logLevelNumber } from './log.ts';
import type { OpenFiles } from './open-file.ts';

/** `debug_http` and its kin select kinds of debugging lines; all of them count as `debug` here. */
const DEBUG_LEVELS = new Set([
  'debug_core',
  'debug_alloc',
  'debug_mutex',
  'debug_event',
  'debug_http',
  'debug_mail',
  'debug_stream',
]);

/**
 * Adds the target that the arguments ask for.
 *
 * @param log of the block where the directive stands
 * @param args without the directive's name
 * @param files of the cycle, which open the file later
 * @param fullName makes a path absolute against the prefix
 * @returns nginx's message when the arguments are wrong
 */
export function addErrorLog(
  log: ErrorLog,
  args: readonly string[],
  files: OpenFiles,
  fullName: (path: string) => string,
): string | undefined {
  const target = args[0]!;
  let level = 0;
  for (let i = 1; i < args.length; i++) {
    const name = args[i]!;
    const n = logLevelNumber(name);
    if (n !== undefined) {
      if (level !== 0) return `duplicate log level "${name}"`;
      level = n;
    } else if (DEBUG_LEVELS.has(name)) {
      if (level !== 0 && level !== LOG_DEBUG) return `invalid log level "${name}"`;
      level = LOG_DEBUG;
    } else {
      return `invalid log level "${name}"`;
    }
  }
  if (level === 0) level = LOG_ERR;

  if (target === 'stderr') {
    log.add({ level, to: files.get('') });
  } else if (target.startsWith('memory:')) {
    return 'nginx was built without debug support';
  } else if (target.startsWith('syslog:')) {
    return 'logging to syslog is not supported';
  } else {
    log.add({ level, to: files.get(fullName(target)) });
  }
  return undefined;
}
