/** At which level failures of connections are logged. nginx: ngx_connection_error(). */
import { errnoNumber } from './errno.ts';
import { LOG_ALERT, LOG_ERR } from './log.ts';

/** What an ordinary peer or network can cause. */
const ORDINARY = new Set([
  ...['ECONNRESET', 'EPIPE', 'ENOTCONN', 'ETIMEDOUT', 'ECONNREFUSED'],
  ...['ENETDOWN', 'ENETUNREACH', 'EHOSTDOWN', 'EHOSTUNREACH'],
]);

/** The log level of a failed operation on a connection; `code` is errno's name. */
export function connectionErrorLevel(code: string): number {
  return ORDINARY.has(code) || errnoNumber(code) === 0 ? LOG_ERR : LOG_ALERT;
}
