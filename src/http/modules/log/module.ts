/** `access_log`, `log_format`, `open_log_file_cache`. nginx: src/http/modules/ngx_http_log_module.c. */

import {
  bufferFile,
  type LogParameters,
  parseLogParameter,
  type SharedFile,
  shareFile,
} from '../../../conf/access-log.ts';
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { parseSyslog } from '../../../conf/modules/syslog.ts';
import { parseNumber, parseTime } from '../../../conf/units.ts';
import { SyslogWriter } from '../../../log/syslog.ts';
import { OK } from '../../codes.ts';
import { type HttpCycle, httpOf } from '../../cycle.ts';
import { httpModule } from '../../module.ts';
import type { HttpRequest } from '../../request.ts';
import { type ComplexValue, compileComplexValue, hasVariables, isTrue } from '../../script.ts';
import { COMBINED, compileLogFormat, formatLine, type LogFormat } from './format.ts';
import { LogFileCache, writeScriptLog } from './script-file.ts';

/** One `access_log`. */
interface AccessLog {
  format: LogFormat;
  /** Undefined when the path has variables, and for syslog. */
  file: SharedFile | undefined;
  syslog: SyslogWriter | undefined;
  path: ComplexValue | undefined;
  filter: ComplexValue | undefined;
}

interface LogMain {
  readonly formats: LogFormat[];
  readonly files: Map<string, SharedFile>;
}

interface LogLocation {
  logs: readonly AccessLog[] | undefined;
  off: boolean;
  /** null: `open_log_file_cache off`. */
  cache: LogFileCache | null | undefined;
}

function logHandler(r: HttpRequest): number {
  const conf = logModule.location(r);
  if (conf.off || conf.logs === undefined) return OK;
  for (const log of conf.logs) {
    if (log.filter !== undefined && !isTrue(log.filter.evaluate(r))) continue;
    if (log.syslog !== undefined) {
      log.syslog.send(formatLine(r, log.format));
      continue;
    }
    const line = `${formatLine(r, log.format)}\n`;
    if (log.file !== undefined) log.file.file.append(line);
    else writeScriptLog(r, (log.path as ComplexValue).evaluate(r), line, conf.cache ?? undefined);
  }
  return OK;
}

function mainOf(http: HttpCycle): LogMain {
  return logModule.mainOf(http.confs);
}

function sharedFile(cf: ConfContext, path: string): SharedFile {
  const http = httpOf(cf);
  return shareFile(cf, mainOf(http).files, path, () => http.log);
}

/** The compiled default, made when it is first used. */
function findFormat(cf: ConfContext, name: string): LogFormat | undefined {
  const { formats } = mainOf(httpOf(cf));
  const key = name.toLowerCase();
  const known = formats.find((format) => format.name.toLowerCase() === key);
  if (known !== undefined || key !== 'combined') return known;
  const combined = compileLogFormat(cf, 'combined', [COMBINED]);
  formats.push(combined);
  return combined;
}

function setAccessLog(cf: ConfContext, conf: LogLocation, args: readonly string[]): string | undefined {
  const name = args[0] as string;
  if (name === 'off') {
    conf.off = true;
    return args.length === 1 ? undefined : `invalid parameter "${args[1]}"`;
  }
  let file: SharedFile | undefined;
  let syslog: SyslogWriter | undefined;
  let path: ComplexValue | undefined;
  if (name.startsWith('syslog:')) {
    const http = httpOf(cf);
    syslog = new SyslogWriter(parseSyslog(cf, name.slice(7)), () => http.log);
  } else if (hasVariables(name)) path = compileComplexValue(cf, cf.fullName(name));
  else file = sharedFile(cf, cf.fullName(name));
  const formatName = args[1] ?? 'combined';
  const format = findFormat(cf, formatName);
  if (format === undefined) return `unknown log format "${formatName}"`;
  const parameters: LogParameters<ComplexValue> = { buffer: 0, flush: 0, gzip: 0, filter: undefined };
  for (const arg of args.slice(2)) {
    const message = parseLogParameter(cf, arg, parameters, compileComplexValue);
    if (message !== undefined) return message;
  }
  if (parameters.flush !== 0 && parameters.buffer === 0) return `no buffer is defined for access_log "${name}"`;
  if (parameters.buffer !== 0) {
    if (syslog !== undefined) return 'logs to syslog cannot be buffered';
    if (file === undefined) return 'buffered logs cannot have variables in name';
    const http = httpOf(cf);
    const message = bufferFile(file, name, parameters, () => http.log);
    if (message !== undefined) return message;
  }
  conf.logs = [...(conf.logs ?? []), { format, file, syslog, path, filter: parameters.filter }];
  return undefined;
}

function setLogFormat(cf: ConfContext, main: LogMain, args: readonly string[]): string | undefined {
  const name = args[0] as string;
  if (name === 'combined' || main.formats.some((format) => format.name === name)) {
    return `duplicate "log_format" name "${name}"`;
  }
  main.formats.push(compileLogFormat(cf, name, args.slice(1)));
  return undefined;
}

function setOpenLogFileCache(_cf: ConfContext, conf: LogLocation, args: readonly string[]): string | undefined {
  if (conf.cache !== undefined) return 'is duplicate';
  let max: number | undefined = 0;
  let inactive: number | undefined = 10;
  let valid: number | undefined = 60;
  let minUses: number | undefined = 1;
  let off = false;
  for (const arg of args) {
    let good = true;
    if (arg.startsWith('max=')) good = (max = parseNumber(arg.slice(4))) !== undefined;
    else if (arg.startsWith('inactive=')) good = (inactive = parseTime(arg.slice(9), 's')) !== undefined;
    else if (arg.startsWith('min_uses=')) good = (minUses = parseNumber(arg.slice(9))) !== undefined;
    else if (arg.startsWith('valid=')) good = (valid = parseTime(arg.slice(6), 's')) !== undefined;
    else if (arg === 'off') off = true;
    else good = false;
    if (!good) return `invalid "open_log_file_cache" parameter "${arg}"`;
  }
  if (off) {
    conf.cache = null;
    return undefined;
  }
  if (!max) return '"open_log_file_cache" must have "max" parameter';
  conf.cache = new LogFileCache(max, inactive as number, valid as number, minUses as number);
  return undefined;
}

const LOCATION: readonly ContextName[] = ['http', 'server', 'location'];

const logFormatDirective: Directive<LogMain> = {
  name: 'log_format',
  contexts: ['http'],
  args: { min: 2 },
  level: 'main',
  doc: 'A format for access logs, by name.',
  defaultText: `combined '${COMBINED}'`,
  set: setLogFormat,
};

const locationDirectives: readonly Directive<LogLocation>[] = [
  {
    name: 'access_log',
    contexts: ['http', 'server', 'location', 'if in location', 'limit_except'],
    args: { min: 1 },
    level: 'location',
    doc: 'Where requests are logged, in which format, how the file is buffered, and on what condition.',
    defaultText: 'logs/access.log combined',
    set: setAccessLog,
  },
  {
    name: 'open_log_file_cache',
    contexts: LOCATION,
    args: [1, 2, 3, 4],
    level: 'location',
    slot: { field: 'cache', default: undefined },
    doc: 'Keeps logs open whose paths have variables.',
    defaultText: 'off',
    set: setOpenLogFileCache,
  },
];

export const logModule = httpModule<LogMain, object, LogLocation>({
  name: 'ngx_http_log_module',
  directives: [logFormatDirective, ...locationDirectives],
  createMain: () => ({ formats: [], files: new Map() }),
  createLocation: () => ({ logs: undefined, off: false, cache: undefined }),
  mergeLocation(parent, conf, cf) {
    if (conf.logs !== undefined || conf.off) return;
    conf.logs = parent.logs;
    conf.off = parent.off;
    if (conf.logs !== undefined || conf.off) return;
    conf.logs = [
      {
        format: findFormat(cf, 'combined') as LogFormat,
        file: sharedFile(cf, cf.fullName('logs/access.log')),
        syslog: undefined,
        path: undefined,
        filter: undefined,
      },
    ];
  },
  postconfiguration(http) {
    http.handlers.log.push(logHandler);
  },
});
