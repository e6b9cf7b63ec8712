/**
 * Makes the log of `error_log` directives: of the main context when a cycle is opened, and of http, server and
 * location blocks by their own modules. The files belong to the cycle, which opens them (OpenFiles).
 *
 * nginx: ngx_log_set_log, ngx_log_open_default (src/core/ngx_log.c).
 */
import { ConfError } from '../conf/error.ts';
import type { ErrorLogTarget } from '../conf/modules/errlog.ts';
import { ErrorLog } from './error-log.ts';
import { LOG_ERR } from './log.ts';
import type { OpenFiles } from './open-file.ts';
import { SyslogWriter } from './syslog.ts';

/**
 * The log with these targets.
 *
 * @param defaultPath absolute path of the log of `-e`, '' for standard error; taken when no target is a file, as
 *   nginx does so that there always is one. Undefined for the logs of inner blocks, which need no file.
 * @throws ConfError for a kind of target that is not supported
 */
export function makeErrorLog(targets: readonly ErrorLogTarget[], files: OpenFiles, defaultPath?: string): ErrorLog {
  const log = new ErrorLog();
  for (const target of targets) {
    switch (target.kind) {
      case 'stderr':
        log.add({ level: target.level, to: files.get('') });
        break;
      case 'file':
        log.add({ level: target.level, to: files.get(target.path) });
        break;
      case 'syslog':
        log.add({ level: target.level, to: new SyslogWriter(target.syslog, () => log) });
        break;
      case 'memory':
        throw new ConfError('"error_log" to memory is not supported by tsresty');
    }
  }
  if (defaultPath !== undefined && log.file === undefined) log.add({ level: LOG_ERR, to: files.get(defaultPath) });
  return log;
}
