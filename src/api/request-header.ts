/**
 * ngx.req.get_headers, set_header, clear_header: the request header as later handlers and backends see it.
 * ngx_lua: ngx_http_lua_headers.c, ngx_http_lua_headers_in.c.
 */
import { CONNECTION_CLOSE, CONNECTION_KEEP_ALIVE, CONNECTION_UNSET, type HeaderList } from '../http/headers.ts';
import { HTTP_VERSION_10, type HttpRequest } from '../http/request.ts';
import { LOG_DEBUG } from '../log/log.ts';
import { requireContext } from './context.ts';
import { apiError } from './error.ts';

function hex(ch: string): string {
  return `%${ch.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function request(): HttpRequest {
  return requireContext().r ?? apiError('API disabled in the current context');
}

/** Fields that a request has once: setting another value replaces, even when appending. */
const SINGLE: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'if-modified-since',
  'if-unmodified-since',
  'if-match',
  'if-none-match',
  'user-agent',
  'referer',
  'content-length',
  'content-type',
  'range',
  'if-range',
  'transfer-encoding',
  'expect',
  'upgrade',
  'accept-encoding',
  'via',
  'authorization',
  'keep-alive',
]);

/** The fields in order, at most `max` (0 or less: all). */
export function requestHeaders(max: number): {
  readonly list: HeaderList;
  readonly count: number;
  readonly truncated: boolean;
} {
  const r = request();
  const { list } = r.headersIn;
  const truncated = max > 0 && list.length > max;
  if (truncated) r.log(LOG_DEBUG, `lua exceeding request header limit ${list.length} > ${max}`);
  return { list, count: truncated ? max : list.length, truncated };
}

/** Sets a field; undefined or no values remove it. With `append` the values go beside those there are. */
export function setRequestHeader(name: string, values: readonly string[] | undefined, append: boolean): void {
  const r = request();
  // HTTP/0.9 has no header.
  if (r.httpVersion < HTTP_VERSION_10) return;
  // Subrequests share the list with their parent until one of them changes it.
  r.headersIn.list = r.headersIn.list.clone();
  const shown = name.replace(/[\x00-\x20"(),/:;<=>?@[\\\]{}\x7f-\xff]/g, hex);
  const key = shown.toLowerCase();
  if (values === undefined || values.length === 0) {
    setOne(r, shown, key, '', false);
    return;
  }
  values.forEach((value, i) => {
    const safe = value.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, hex);
    setOne(r, shown, key, safe, append || i > 0);
  });
}

/** Has a variable evaluated anew. */
function forget(r: HttpRequest, name: string): void {
  const index = r.http.variables.get(name)?.index ?? -1;
  if (index >= 0) r.variables[index] = undefined;
}

function setOne(r: HttpRequest, name: string, key: string, value: string, append: boolean): void {
  const headers = r.headersIn;
  const { list } = headers;
  switch (key) {
    case 'host':
      // The port is not part of what servers are chosen by.
      headers.server = value === '' ? undefined : value.replace(/:\d*$/, '').toLowerCase();
      forget(r, 'host');
      break;
    case 'connection': {
      const word = value.toLowerCase();
      headers.connectionType = word.includes('close')
        ? CONNECTION_CLOSE
        : word.includes('keep-alive')
          ? CONNECTION_KEEP_ALIVE
          : CONNECTION_UNSET;
      break;
    }
    case 'content-length':
      headers.contentLength =
        value === '' ? -1 : /^\d+$/.test(value) ? Number(value) : apiError('failed to set header');
      break;
    case 'user-agent':
      headers.msie = /\bMSIE /.test(value);
      headers.chrome = value.includes('Chrome/');
      headers.safari = value.includes('Safari/') && !headers.chrome;
      break;
    case 'authorization':
      headers.user = undefined;
      headers.password = undefined;
      break;
  }
  if (append && !SINGLE.has(key)) list.add(name, value, key);
  else if (value === '') list.remove(key);
  else list.set(name, value, key);
}
