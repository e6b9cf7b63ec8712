/**
 * The variables of ngx_http_core_module: the request, the connection, the response and the time. Those about TCP are
 * in tcpinfo.ts. nginx: ngx_http_core_variables (src/http/ngx_http_variables.c).
 */
import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { NGINX_VERSION } from '../../conf/identity.ts';
import { parseAddress } from '../../conf/modules/cidr.ts';
import { parseSize } from '../../conf/units.ts';
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_CRIT, LOG_ERR } from '../../log/log.ts';
import { accessLogTime, currentMsec, formatHttpTime, iso8601Time, msecOf, msecText } from '../../log/time.ts';
import { HTTP_SWITCHING_PROTOCOLS } from '../codes.ts';
import { fsPath } from '../fs-path.ts';
import type { HeaderList } from '../headers.ts';
import { HTTP_VERSION_9, type HttpRequest } from '../request.ts';
import type { VariableGetter, VariableSpec, VariableValue } from '../variables.ts';
import { coreModule } from './module.ts';
import { documentRoot, mapUriToPath } from './path.ts';
import { remoteUser } from './remote-user.ts';
import { tcpinfoVariables } from './tcpinfo.ts';

/** All values of a field, as one. */
function joinValues(list: HeaderList, key: string, separator: string): VariableValue {
  const first = list.keys.indexOf(key);
  if (first < 0) return null;
  let text = list.values[first] as string;
  for (let i = list.keys.indexOf(key, first + 1); i >= 0; i = list.keys.indexOf(key, i + 1)) {
    text += separator + list.values[i];
  }
  return text;
}

/** Whether a field's lower-case name is the end of a variable's name from `from` on; dashes are underscores there. */
function isField(key: string, name: string, from: number): boolean {
  if (key.length !== name.length - from) return false;
  for (let i = 0; i < key.length; i++) {
    const ch = key.charCodeAt(i);
    if (name.charCodeAt(from + i) !== (ch === 0x2d ? 0x5f : ch)) return false;
  }
  return true;
}

/**
 * The values of the field whose name is that of a variable from `from` on: `http_`, `upstream_http_`, ...
 * nginx: ngx_http_variable_unknown_header().
 */
export function fieldByVariable(list: HeaderList | undefined, name: string, from: number): VariableValue {
  if (list === undefined) return null;
  const { keys, values } = list;
  let text: VariableValue = null;
  for (let i = 0; i < keys.length; i++) {
    if (!isField(keys[i] as string, name, from)) continue;
    text = text === null ? (values[i] as string) : `${text}, ${values[i]}`;
  }
  return text;
}

/**
 * The value of a cookie or of a similar parameter, from all fields of that name. The name is compared in any case.
 * nginx: ngx_http_parse_cookie_lines().
 */
export function findCookie(list: HeaderList, name: string): VariableValue {
  return findCookieLine(list, name)?.value ?? null;
}

/** The same with the whole field that it stands in. */
export function findCookieLine(list: HeaderList, name: string): { value: string; line: string } | null {
  const key = name.toLowerCase();
  for (let i = list.keys.indexOf('cookie'); i >= 0; i = list.keys.indexOf('cookie', i + 1)) {
    const line = list.values[i] as string;
    const value = findInCookie(line, key);
    if (value !== null) return { value, line };
  }
  return null;
}

function findInCookie(line: string, name: string): VariableValue {
  let start = 0;
  while (start < line.length) {
    // A name, white space, an equals sign; else on to the next semicolon.
    if (line.length - start > name.length && line.slice(start, start + name.length).toLowerCase() === name) {
      let at = start + name.length;
      while (line[at] === ' ') at++;
      if (line[at] === '=') {
        at++;
        while (line[at] === ' ') at++;
        const end = line.indexOf(';', at);
        return end < 0 ? line.slice(at) : line.slice(at, end);
      }
    }
    const next = line.indexOf(';', start);
    if (next < 0) return null;
    start = next + 1;
    while (line[start] === ' ') start++;
  }
  return null;
}

/** The value of an argument, as it stands in the URI, by its name in any case. nginx: ngx_http_arg(). */
export function findArgument(args: string, name: string): VariableValue {
  if (args === '' || name === '') return null;
  let start = 0;
  for (;;) {
    let end = args.indexOf('&', start);
    if (end < 0) end = args.length;
    if (
      end - start > name.length &&
      args.charCodeAt(start + name.length) === 0x3d &&
      args.slice(start, start + name.length).toLowerCase() === name
    ) {
      return args.slice(start + name.length + 1, end);
    }
    if (end === args.length) return null;
    start = end + 1;
  }
}

/** A port's number; '' for none. */
function portText(port: number): string {
  return port > 0 ? String(port) : '';
}

/** Seconds with milliseconds since a moment; never negative. */
function since(milliseconds: number): string {
  return msecOf(Math.max(0, currentMsec() - milliseconds));
}

function binaryAddress(address: string): string {
  if (address.startsWith('unix:')) return address;
  const bytes = parseAddress(address);
  return bytes === undefined ? '' : String.fromCharCode(...bytes);
}

function realpathRoot(r: HttpRequest): VariableValue {
  const path = documentRoot(r);
  try {
    return realpathSync(fsPath(path), 'latin1');
  } catch (e) {
    r.log(LOG_CRIT, `realpath() "${path}" failed${errnoSuffix(e)}`);
    return null;
  }
}

function requestBody(r: HttpRequest): VariableValue {
  const body = r.requestBody;
  if (body === undefined || body.file !== undefined || body.chunks.length === 0) return null;
  let text = '';
  for (const chunk of body.chunks) text += typeof chunk === 'string' ? chunk : chunk.toString('latin1');
  return text;
}

function setLimitRate(r: HttpRequest, value: string): void {
  const size = parseSize(value);
  if (size === undefined) {
    r.log(LOG_ERR, `invalid $limit_rate "${value}"`);
    return;
  }
  r.limitRate = size;
  r.limitRateSet = true;
}

function setArgs(r: HttpRequest, value: string): void {
  r.args = value;
  r.validUnparsedUri = false;
}

function statusOf(r: HttpRequest): string {
  let status = r.errStatus !== 0 ? r.errStatus : r.headersOut.status;
  if (status === 0 && r.httpVersion === HTTP_VERSION_9) status = 9;
  return String(status).padStart(3, '0');
}

function sentConnection(r: HttpRequest): string {
  if (r.headersOut.status === HTTP_SWITCHING_PROTOCOLS) return 'upgrade';
  return r.keepalive ? 'keep-alive' : 'close';
}

function sentKeepAlive(r: HttpRequest): VariableValue {
  const seconds = r.keepalive ? coreModule.location(r).keepaliveHeader : 0;
  return seconds > 0 ? `timeout=${seconds}` : null;
}

function sentContentLength(r: HttpRequest): VariableValue {
  const field = r.headersOut.list.get('content-length');
  if (field !== undefined) return field;
  return r.headersOut.contentLength >= 0 ? String(r.headersOut.contentLength) : null;
}

function sentLastModified(r: HttpRequest): VariableValue {
  const field = r.headersOut.list.get('last-modified');
  if (field !== undefined) return field;
  return r.headersOut.lastModified >= 0 ? formatHttpTime(r.headersOut.lastModified) : null;
}

function contentLength(r: HttpRequest): VariableValue {
  const field = r.headersIn.list.get('content-length');
  if (field !== undefined) return field;
  // The length of a body in chunks is known once all of it is there.
  return !r.readingBody && r.headersIn.contentLength >= 0 ? String(r.headersIn.contentLength) : null;
}

/** Random bytes for $request_id, made many at a time. */
let pool = '';
let poolAt = 0;

function requestId(): string {
  if (poolAt === pool.length) {
    pool = randomBytes(4096).toString('hex');
    poolAt = 0;
  }
  poolAt += 32;
  return pool.slice(poolAt - 32, poolAt);
}

let ownHostname: string | undefined;

/** A variable that is computed once for a request. */
function v(name: string, get: VariableGetter): VariableSpec {
  return { name, get };
}

/** A variable that is computed at each use. */
function fresh(name: string, get: VariableGetter): VariableSpec {
  return { name, get, noCacheable: true };
}

/** A request field: several of them are joined by a comma. */
function field(name: string, key: string, separator = ', '): VariableSpec {
  return { name, get: (r) => joinValues(r.headersIn.list, key, separator) };
}

function sentField(name: string, key: string): VariableSpec {
  return { name, get: (r) => joinValues(r.headersOut.list, key, ', ') };
}

export const coreVariables: readonly VariableSpec[] = [
  field('http_host', 'host'),
  field('http_user_agent', 'user-agent'),
  field('http_referer', 'referer'),
  field('http_via', 'via'),
  field('http_x_forwarded_for', 'x-forwarded-for'),
  field('http_cookie', 'cookie', '; '),
  fresh('content_length', contentLength),
  field('content_type', 'content-type'),
  v('host', (r) => r.headersIn.server ?? coreModule.server(r).serverName),
  v('binary_remote_addr', (r) => binaryAddress(r.connection.remoteAddress)),
  v('remote_addr', (r) => r.connection.remoteAddress),
  v('remote_port', (r) => portText(r.connection.remotePort)),
  v('proxy_protocol_addr', (r) => r.connection.proxyProtocol?.sourceAddress ?? null),
  v('proxy_protocol_port', (r) => optionalPort(r.connection.proxyProtocol?.sourcePort)),
  v('proxy_protocol_server_addr', (r) => r.connection.proxyProtocol?.destinationAddress ?? null),
  v('proxy_protocol_server_port', (r) => optionalPort(r.connection.proxyProtocol?.destinationPort)),
  {
    name: 'proxy_protocol_tlv_',
    prefix: true,
    get: (r, name) => r.connection.proxyProtocol?.tlv?.((name as string).slice(19)) ?? null,
  },
  v('server_addr', (r) => r.connection.localAddress),
  v('server_port', (r) => portText(r.connection.localPort)),
  v('server_protocol', (r) => r.httpProtocol || null),
  v('scheme', (r) => (r.connection.secure ? 'https' : 'http')),
  v('https', (r) => (r.connection.secure ? 'on' : '')),
  v('request_port', (r) => portText(r.headersIn.port)),
  v('is_request_port', (r) => (r.headersIn.port === 0 ? '' : ':')),
  v('request_uri', (r) => r.unparsedUri || null),
  fresh('uri', (r) => r.uri || null),
  fresh('document_uri', (r) => r.uri || null),
  v('request', (r) => (r.requestLine === '' ? null : r.requestLine)),
  fresh('document_root', documentRoot),
  fresh('realpath_root', realpathRoot),
  fresh('query_string', (r) => r.args || null),
  { name: 'args', get: (r) => r.args || null, set: setArgs, changeable: true, noCacheable: true },
  fresh('is_args', (r) => (r.args === '' ? '' : '?')),
  fresh('request_filename', (r) => mapUriToPath(r) ?? null),
  v('server_name', (r) => coreModule.server(r).serverName),
  fresh('request_method', (r) => r.main.methodName),
  v('remote_user', remoteUser),
  v('bytes_sent', (r) => String(r.connection.sent)),
  v('body_bytes_sent', (r) => String(Math.max(0, r.connection.sent - r.headerSize))),
  v('pipe', (r) => (r.pipeline ? 'p' : '.')),
  v('request_completion', (r) => (r.requestComplete ? 'OK' : '')),
  v('request_body', requestBody),
  v('request_body_file', (r) => r.requestBody?.file?.path ?? null),
  fresh('request_length', (r) => String(r.requestLength)),
  fresh('request_time', (r) => since(r.startTime)),
  v('request_id', requestId),
  fresh('status', statusOf),
  v('sent_http_content_type', (r) => r.headersOut.contentType || null),
  v('sent_http_content_length', sentContentLength),
  sentField('sent_http_location', 'location'),
  v('sent_http_last_modified', sentLastModified),
  v('sent_http_connection', sentConnection),
  v('sent_http_keep_alive', sentKeepAlive),
  v('sent_http_transfer_encoding', (r) => (r.chunked ? 'chunked' : null)),
  sentField('sent_http_cache_control', 'cache-control'),
  sentField('sent_http_link', 'link'),
  {
    name: 'limit_rate',
    get: (r) => String(r.limitRate ?? 0),
    set: setLimitRate,
    changeable: true,
    noCacheable: true,
  },
  v('connection', (r) => String(r.connection.connectionNumber)),
  v('connection_requests', (r) => String(r.connection.requests)),
  fresh('connection_time', (r) => since(r.connection.startTime)),
  v('nginx_version', () => NGINX_VERSION),
  v('hostname', () => (ownHostname ??= hostname().toLowerCase())),
  v('pid', () => String(process.pid)),
  fresh('msec', () => msecText()),
  fresh('time_iso8601', () => iso8601Time()),
  fresh('time_local', () => accessLogTime()),
  ...tcpinfoVariables,
  { name: 'http_', prefix: true, get: (r, name) => fieldByVariable(r.headersIn.list, name as string, 5) },
  { name: 'sent_http_', prefix: true, get: (r, name) => fieldByVariable(r.headersOut.list, name as string, 10) },
  { name: 'sent_trailer_', prefix: true, get: (r, name) => fieldByVariable(r.headersOut.trailers, name as string, 13) },
  { name: 'cookie_', prefix: true, get: (r, name) => findCookie(r.headersIn.list, (name as string).slice(7)) },
  {
    name: 'arg_',
    prefix: true,
    noCacheable: true,
    get: (r, name) => findArgument(r.args, (name as string).slice(4)),
  },
];

function optionalPort(port: number | undefined): VariableValue {
  return port === undefined ? null : portText(port);
}
