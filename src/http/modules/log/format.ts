/** `log_format` in http: see src/conf/log-format.ts. nginx: ngx_http_log_vars. */
import type { ConfContext } from '../../../conf/directive.ts';
import * as shared from '../../../conf/log-format.ts';
import { accessLogTime, currentMsec, iso8601Time, msecOf, msecText } from '../../../log/time.ts';
import { httpOf } from '../../cycle.ts';
import { HTTP_VERSION_9, type HttpRequest } from '../../request.ts';
import { getFlushed, getVariableIndex } from '../../variables.ts';

/** A named format. */
export type LogFormat = shared.LogFormat<HttpRequest>;

export const COMBINED =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

function statusOf(r: HttpRequest): string {
  let status = r.errStatus !== 0 ? r.errStatus : r.headersOut.status;
  if (status === 0 && r.httpVersion === HTTP_VERSION_9) status = 9;
  return status > 99 ? String(status) : String(status).padStart(3, '0');
}

const OWN: Readonly<Record<string, (r: HttpRequest) => string>> = {
  pipe: (r) => (r.pipeline ? 'p' : '.'),
  time_local: () => accessLogTime(),
  time_iso8601: () => iso8601Time(),
  msec: () => msecText(),
  request_time: (r) => msecOf(Math.max(0, currentMsec() - r.startTime)),
  status: statusOf,
  bytes_sent: (r) => String(r.connection.sent),
  body_bytes_sent: (r) => String(Math.max(0, r.connection.sent - r.headerSize)),
  request_length: (r) => String(r.requestLength),
};

const SOURCE: shared.LogSource<HttpRequest> = {
  own: OWN,
  indexOf: (cf, name) => getVariableIndex(httpOf(cf), name),
};

/**
 * Compiles a format from its words, which are joined as they are.
 *
 * @throws ConfError when a name is none
 */
export function compileLogFormat(cf: ConfContext, name: string, words: readonly string[]): LogFormat {
  return shared.compileLogFormat(cf, name, words, SOURCE);
}

/** A request's line, without its line feed. */
export function formatLine(r: HttpRequest, format: LogFormat): string {
  return shared.formatLine(r, format, getFlushed);
}
