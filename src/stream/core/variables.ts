/** The variables of the stream core: the connection and the time. nginx: ngx_stream_core_variables. */
import { hostname } from 'node:os';
import { NGINX_VERSION } from '../../conf/identity.ts';
import { parseAddress } from '../../conf/modules/cidr.ts';
import type { VariableSpec } from '../../conf/variables.ts';
import { accessLogTime, currentMsec, iso8601Time, msecOf, msecText } from '../../log/time.ts';
import type { StreamSession } from '../session.ts';

function port(number: number): string {
  return number === 0 ? '' : String(number);
}

function status(s: StreamSession): string {
  return s.status === 0 ? '000' : String(s.status).padStart(3, '0');
}

export const coreVariables: readonly VariableSpec<StreamSession>[] = [
  {
    name: 'binary_remote_addr',
    get: (s) => {
      const bytes = parseAddress(s.remoteAddress);
      return bytes === undefined ? s.remoteAddress : String.fromCharCode(...bytes);
    },
  },
  { name: 'remote_addr', get: (s) => s.remoteAddress },
  { name: 'remote_port', get: (s) => port(s.remotePort) },
  { name: 'server_addr', get: (s) => s.localAddress },
  { name: 'server_port', get: (s) => port(s.localPort) },
  { name: 'bytes_sent', get: (s) => String(s.sent), noCacheable: true },
  { name: 'bytes_received', get: (s) => String(s.received), noCacheable: true },
  { name: 'session_time', get: (s) => msecOf(Math.max(0, currentMsec() - s.startTime)), noCacheable: true },
  { name: 'status', get: status, noCacheable: true },
  { name: 'connection', get: (s) => String(s.connectionNumber) },
  { name: 'nginx_version', get: () => NGINX_VERSION },
  { name: 'hostname', get: () => hostname().toLowerCase() },
  { name: 'pid', get: () => String(process.pid) },
  { name: 'msec', get: () => msecText(), noCacheable: true },
  { name: 'time_iso8601', get: () => iso8601Time(), noCacheable: true },
  { name: 'time_local', get: () => accessLogTime(), noCacheable: true },
  { name: 'protocol', get: () => 'TCP' },
];
