/** `syslog:server=...,facility=...,severity=...,tag=...,nohostname`. nginx: src/core/ngx_syslog.c. */
import type { ListenAddress } from '../../net/listening.ts';
import { parseUrl, UrlError } from '../../net/url.ts';
import type { ConfContext } from '../directive.ts';

const FACILITIES = (
  'kern user mail daemon auth intern lpr news uucp clock authpriv ftp ntp audit alert cron ' +
  'local0 local1 local2 local3 local4 local5 local6 local7'
).split(' ');
const SEVERITIES = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug'];

/** Where and how to send log lines. */
export interface SyslogTarget {
  /** `host`, `host:port` or `unix:/path`, as written. */
  readonly server: string;
  /** The first address of it; port 514 when none was named. */
  readonly address: ListenAddress;
  /** Numbers of RFC 3164. Defaults: local7, info. */
  readonly facility: number;
  readonly severity: number;
  readonly tag: string;
  readonly nohostname: boolean;
}

function parseServer(cf: ConfContext, server: string): ListenAddress {
  try {
    return parseUrl(server, { defaultPort: 514 }).addresses[0]!;
  } catch (thrown) {
    if (thrown instanceof UrlError) throw cf.error(`${thrown.message} in syslog server "${server}"`);
    throw thrown;
  }
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
  let address: ListenAddress | undefined;
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
      address = parseServer(cf, value);
      server = value;
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
  if (server === undefined || address === undefined) throw cf.error('no syslog server specified');
  return { server, address, facility: facility ?? 23, severity: severity ?? 6, tag: tag ?? 'nginx', nohostname };
}
