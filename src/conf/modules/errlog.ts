/**
 * `error_log`: parsed here, opened by src/process. The same arguments are taken in http, server and location blocks,
 * whose own directives call `parseErrorLog`. nginx: ngx_log_set_log (src/core/ngx_log.c), ngx_syslog_process_conf.
 */
import { LOG_DEBUG, LOG_ERR, LOG_LEVEL_NAMES } from '../../log/log.ts';
import type { ConfContext, ConfCycle, Directive } from '../directive.ts';
import type { CoreModule } from '../registry.ts';
import { parseSize } from '../units.ts';
import { parseSyslog, type SyslogTarget } from './syslog.ts';

/** Where the lines of one error_log go, and from which level up. */
export type ErrorLogTarget = {
  /** LOG_EMERG to LOG_DEBUG. */
  readonly level: number;
} & (
  | { readonly kind: 'stderr' }
  /** Absolute path. */
  | { readonly kind: 'file'; readonly path: string }
  /** A ring of `size` bytes in memory. */
  | { readonly kind: 'memory'; readonly size: number }
  | { readonly kind: 'syslog'; readonly syslog: SyslogTarget }
);

/** error_log of the main context. */
export interface ErrlogConf {
  readonly targets: ErrorLogTarget[];
}

/** The main context's error logs of a loaded cycle; empty when the configuration names none. */
export function errlogConf(cycle: ConfCycle): ErrlogConf {
  return cycle.confs.get('errlog') as ErrlogConf;
}

/** Kinds of debugging lines that nginx can select; all count as `debug` here. */
const DEBUG_KINDS: readonly string[] = [
  'debug_core',
  'debug_alloc',
  'debug_mutex',
  'debug_event',
  'debug_http',
  'debug_mail',
  'debug_stream',
];

function parseLevels(cf: ConfContext, names: readonly string[]): number {
  if (names.length === 0) return LOG_ERR;
  let level = 0;
  let kinds = false;
  for (const name of names) {
    const number = LOG_LEVEL_NAMES.indexOf(name, 1);
    if (number > 0) {
      if (level !== 0) throw cf.error(`duplicate log level "${name}"`);
      level = number;
    } else if (DEBUG_KINDS.includes(name)) {
      if (level !== 0 && !kinds) throw cf.error(`invalid log level "${name}"`);
      kinds = true;
      level = LOG_DEBUG;
    } else {
      throw cf.error(`invalid log level "${name}"`);
    }
  }
  return level;
}

/**
 * Parses the arguments of an `error_log`.
 *
 * @throws ConfError with nginx's message
 */
export function parseErrorLog(cf: ConfContext, args: readonly string[]): ErrorLogTarget {
  const where = args[0]!;
  if (where.startsWith('memory:')) {
    const size = parseSize(where.slice(7));
    // Room for one line and the buffer's own header, as nginx demands.
    const needed = 'MEMLOG  :\n'.length + cf.file.length + 20 + 20 + 2048;
    if (size === undefined || size < needed) throw cf.error(`invalid buffer size "${where.slice(7)}"`);
    return { kind: 'memory', size, level: parseLevels(cf, args.slice(1)) };
  }
  if (where.startsWith('syslog:')) {
    const syslog = parseSyslog(cf, where.slice(7));
    return { kind: 'syslog', syslog, level: parseLevels(cf, args.slice(1)) };
  }
  const level = parseLevels(cf, args.slice(1));
  return where === 'stderr' ? { kind: 'stderr', level } : { kind: 'file', path: cf.fullName(where), level };
}

const directives: readonly Directive<ErrlogConf>[] = [
  {
    name: 'error_log',
    contexts: ['main'],
    args: { min: 1 },
    doc: 'Where errors are logged, and from which level up.',
    defaultText: 'logs/error.log error',
    set(cf, conf, args) {
      conf.targets.push(parseErrorLog(cf, args));
      return undefined;
    },
  },
];

/** nginx: ngx_errlog_module. */
export const errlogModule: CoreModule = {
  name: 'errlog',
  directives,
  createConf: (): ErrlogConf => ({ targets: [] }),
};
