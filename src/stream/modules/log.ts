/** ngx_stream_log_module: `log_format` and `access_log` of sessions. */
import {
  bufferFile,
  type LogParameters,
  parseLogParameter,
  type SharedFile,
  shareFile,
} from '../../conf/access-log.ts';
import type { ConfContext, Directive } from '../../conf/directive.ts';
import { compileLogFormat, formatLine, type LogFormat, type LogSource } from '../../conf/log-format.ts';
import { parseSyslog } from '../../conf/modules/syslog.ts';
import { hasVariables } from '../../conf/script.ts';
import { SyslogWriter } from '../../log/syslog.ts';
import { OK } from '../codes.ts';
import { streamOf } from '../cycle.ts';
import { streamModule } from '../module.ts';
import { compileStreamValue, type StreamValue } from '../script.ts';
import type { StreamSession } from '../session.ts';
import { getIndexed, getVariableIndex } from '../variables.ts';

interface AccessLog {
  readonly format: LogFormat<StreamSession>;
  /** Undefined for syslog. */
  readonly file: SharedFile | undefined;
  readonly syslog: SyslogWriter | undefined;
  readonly filter: StreamValue | undefined;
}

interface LogMain {
  readonly formats: LogFormat<StreamSession>[];
  readonly files: Map<string, SharedFile>;
}

interface LogServer {
  logs: readonly AccessLog[] | undefined;
  off: boolean;
}

const SOURCE: LogSource<StreamSession> = { own: {}, indexOf: getVariableIndex };

function logHandler(s: StreamSession): number {
  const conf = logModule.server(s);
  if (conf.off || conf.logs === undefined) return OK;
  for (const { format, file, syslog, filter } of conf.logs) {
    const condition = filter?.evaluate(s);
    if (condition === '' || condition === '0') continue;
    const line = formatLine(s, format, getIndexed);
    if (syslog !== undefined) syslog.send(line);
    else file?.file.append(`${line}\n`);
  }
  return OK;
}

function setAccessLog(cf: ConfContext, conf: LogServer, args: readonly string[]): string | undefined {
  const name = args[0] as string;
  if (name === 'off') {
    conf.off = true;
    return args.length === 1 ? undefined : `invalid parameter "${args[1]}"`;
  }
  const stream = streamOf(cf);
  const main = logModule.mainOf(stream.confs);
  const log = () => stream.log;
  if (hasVariables(name)) return 'with variables in the path is not supported yet by tsresty in stream';
  const syslog = name.startsWith('syslog:') ? new SyslogWriter(parseSyslog(cf, name.slice(7)), log) : undefined;
  const file = syslog === undefined ? shareFile(cf, main.files, cf.fullName(name), log) : undefined;
  const formatName = args[1];
  if (formatName === undefined) return 'log format is not specified';
  const format = main.formats.find((one) => one.name.toLowerCase() === formatName.toLowerCase());
  if (format === undefined) return `unknown log format "${formatName}"`;
  const parameters: LogParameters<StreamValue> = { buffer: 0, flush: 0, gzip: 0, filter: undefined };
  for (const arg of args.slice(2)) {
    const message = parseLogParameter(cf, arg, parameters, compileStreamValue);
    if (message !== undefined) return message;
  }
  if (parameters.flush !== 0 && parameters.buffer === 0) return `no buffer is defined for access_log "${name}"`;
  if (parameters.buffer !== 0) {
    if (file === undefined) return 'logs to syslog cannot be buffered';
    const message = bufferFile(file, name, parameters, log);
    if (message !== undefined) return message;
  }
  conf.logs = [...(conf.logs ?? []), { format, file, syslog, filter: parameters.filter }];
  return undefined;
}

export const logModule = streamModule<LogMain, LogServer>({
  name: 'ngx_stream_log_module',
  directives: [
    {
      name: 'log_format',
      contexts: ['stream'],
      args: { min: 2 },
      level: 'main',
      doc: 'A format for access logs, by name.',
      set(cf, main, args) {
        const name = args[0] as string;
        if (main.formats.some((format) => format.name === name)) return `duplicate "log_format" name "${name}"`;
        main.formats.push(compileLogFormat(cf, name, args.slice(1), SOURCE));
        return undefined;
      },
    } satisfies Directive<LogMain>,
    {
      name: 'access_log',
      contexts: ['stream', 'stream server'],
      args: { min: 1 },
      level: 'server',
      doc: 'Where sessions are logged, in which format, how the file is buffered, and on what condition.',
      defaultText: 'off',
      set: setAccessLog,
    } satisfies Directive<LogServer>,
  ],
  createMain: () => ({ formats: [], files: new Map() }),
  createServer: () => ({ logs: undefined, off: false }),
  mergeServer(parent, conf) {
    if (conf.logs !== undefined || conf.off) return;
    conf.logs = parent.logs;
    conf.off = parent.off;
  },
  postconfiguration(stream) {
    stream.handlers.log.push(logHandler);
  },
});
