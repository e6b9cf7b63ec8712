/** `syslog:server=...,facility=...,severity=...,tag=...,nohostname`. nginx: src/core/ngx_syslog.c. */
import type { ConfContext } from '../directive.ts';

const FACILITIES = (
  'kern user mail daemon auth intern lpr news uucp clock authpriv ftp ntp audit alert cron ' +
  'local0 local1 local2 local3 local4 local5 local6 local7'
).split(' ');
const SEVERITIES = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug'];

/** Where and how to send log lines. */
export interface SyslogTarget {
  /** `host`, `host:port` or `unix:/path`, as written; the port is 514 when there is none. */
  readonly server: string;
  /** Numbers of RFC 3164. Defaults: local7, info. */
  readonly facility: number;
  readonly severity: number;
  readonly tag: string;
  readonly nohostname: boolean;
}

/** The form of `host`, `host:port`, `[address]:port`, `unix:path`; a host's name is looked up when it is used. */
function checkServer(cf: ConfContext, server: string): string {
  if (server.startsWith('unix:')) {
    if (server.length === 5) throw cf.error(`no path in the unix domain socket in syslog server "${server}"`);
    return server;
  }
  const port = /^(?:\[[^\]]*\]|[^:[]*)(?::(.*))?$/.exec(server);
  if (port === null || server === '' || server.startsWith(':')) {
    throw cf.error(`${server.startsWith('[') ? 'invalid host' : 'no host'} in syslog server "${server}"`);
  }
  if (port[1] !== undefined && (!/^[0-9]{1,5}$/.test(port[1]) || Number(port[1]) < 1 || Number(port[1]) > 65535)) {
    throw cf.error(`invalid port in syslog server "${server}"`);
  }
  return server;
}

function checkTag(cf: ConfContext, tag: string): string {
  if (tag.length > 32) throw cf.error('syslog tag length exceeds 32');
  if (/[^0-9a-zA-Z_]/.test(tag)) {
    throw cf.error('syslog "tag" only allows alphanumeric characters and underscore');
  }
  return tag;
}

/**
 * Parses what follows `syslog:`.
 *
 * @throws ConfError with nginx's message
 */
export function parseSyslog(cf: ConfContext, text: string): SyslogTarget {
  let server: string | undefined;
  let facility: number | undefined;
  let severity: number | undefined;
  let tag: string | undefined;
  let nohostname = false;
  const once = (name: string, before: unknown): void => {
    if (before !== undefined) throw cf.error(`duplicate syslog "${name}"`);
  };
  for (const parameter of text.split(',')) {
    const at = parameter.indexOf('=');
    const key = at === -1 ? parameter : parameter.slice(0, at);
    const value = at === -1 ? '' : parameter.slice(at + 1);
    if (key === 'server' && at !== -1) {
      once(key, server);
      server = checkServer(cf, value);
    } else if (key === 'facility' && at !== -1) {
      once(key, facility);
      facility = FACILITIES.indexOf(value);
      if (facility === -1) throw cf.error(`unknown syslog facility "${value}"`);
    } else if (key === 'severity' && at !== -1) {
      once(key, severity);
      severity = SEVERITIES.indexOf(value);
      if (severity === -1) throw cf.error(`unknown syslog severity "${value}"`);
    } else if (key === 'tag' && at !== -1) {
      once(key, tag);
      tag = checkTag(cf, value);
    } else if (parameter === 'nohostname') {
      nohostname = true;
    } else {
      throw cf.error(`unknown syslog parameter "${parameter}"`);
    }
  }
  if (server === undefined) throw cf.error('no syslog server specified');
  return { server, facility: facility ?? 23, severity: severity ?? 6, tag: tag ?? 'nginx', nohostname };
}
