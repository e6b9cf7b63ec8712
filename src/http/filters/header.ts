/**
 * The last header filter: serializes the response header into one byte string, in nginx's order of fields.
 * nginx: src/http/ngx_http_header_filter_module.c.
 */
import { identity } from '../../conf/identity.ts';
import { formatHttpTime, httpTime } from '../../log/time.ts';
import { type Chain, flagBuf } from '../buf.ts';
import {
  HTTP_NO_CONTENT,
  HTTP_NOT_MODIFIED,
  HTTP_OK,
  HTTP_PARTIAL_CONTENT,
  HTTP_SWITCHING_PROTOCOLS,
  OK,
} from '../codes.ts';
import { type CoreLocation, SERVER_TOKENS_OFF } from '../core/conf.ts';
import { coreModule } from '../core/module.ts';
import { httpModule } from '../module.ts';
import { HTTP_VERSION_10, type HttpRequest, METHOD_HEAD } from '../request.ts';
import { statusLine } from '../status.ts';

const SERVER_FULL = `Server: ${identity.full}\r\n`;
const SERVER_NAME = `Server: ${identity.name}\r\n`;

// The Date field changes once a second: kept ready.
let dateText = '';
let dateField = '';

function dateHeader(): string {
  const text = httpTime();
  if (text !== dateText) {
    dateText = text;
    dateField = `Date: ${text}\r\n`;
  }
  return dateField;
}

// Nearly all responses begin alike: status line, Server and Date, kept ready by status until the second is over. One flat
// string instead of a rope of six is cheaper to send.
let beginningsFor = '';
let full: string[] = [];
let nameOnly: string[] = [];

function beginning(status: number, tokens: number): string {
  const date = dateHeader();
  if (date !== beginningsFor) {
    beginningsFor = date;
    full = [];
    nameOnly = [];
  }
  const known = tokens === SERVER_TOKENS_OFF ? nameOnly : full;
  const text = known[status];
  if (text !== undefined) return text;
  const server = tokens === SERVER_TOKENS_OFF ? SERVER_NAME : SERVER_FULL;
  const flat = Buffer.from(statusLine(status) + server + date, 'latin1').toString('latin1');
  known[status] = flat;
  return flat;
}

function headerFilter(r: HttpRequest): number {
  if (r.headerSent) return OK;
  r.headerSent = true;
  if (r !== r.main || r.httpVersion < HTTP_VERSION_10) return OK;
  if (r.method === METHOD_HEAD) r.headerOnly = true;
  const out = r.headersOut;
  const status = out.status;
  if (
    out.lastModified !== -1 &&
    status !== HTTP_OK &&
    status !== HTTP_PARTIAL_CONTENT &&
    status !== HTTP_NOT_MODIFIED
  ) {
    out.lastModified = -1;
    out.list.remove('last-modified');
  }
  if (r.keepalive && r.http.cycle.exiting) r.keepalive = false;
  if (out.statusLine === undefined) {
    if (status === HTTP_NO_CONTENT) {
      r.headerOnly = true;
      out.contentType = '';
      out.lastModified = -1;
      out.contentLength = -1;
      out.list.remove('last-modified');
      out.list.remove('content-length');
    } else if (status === HTTP_NOT_MODIFIED) {
      r.headerOnly = true;
    }
  }
  const location = coreModule.location(r);
  let text: string;
  if (out.statusLine === undefined && out.server === undefined && out.date === undefined) {
    text = beginning(status, location.serverTokens);
  } else {
    text = out.statusLine === undefined ? statusLine(status) : `HTTP/1.1 ${out.statusLine}\r\n`;
    if (out.server === undefined) text += location.serverTokens === SERVER_TOKENS_OFF ? SERVER_NAME : SERVER_FULL;
    else if (out.server !== '') text += `Server: ${out.server}\r\n`;
    if (out.date === undefined) text += dateHeader();
    else if (out.date !== '') text += `Date: ${out.date}\r\n`;
  }
  if (out.contentType !== '') {
    // A charset is added only to a type without parameters of its own.
    text +=
      out.charset !== '' && !out.contentType.includes(';')
        ? `Content-Type: ${out.contentType}; charset=${out.charset}\r\n`
        : `Content-Type: ${out.contentType}\r\n`;
  }
  const list = out.list;
  if (out.contentLength >= 0 && !list.has('content-length')) text += `Content-Length: ${out.contentLength}\r\n`;
  if (out.lastModified !== -1 && !list.has('last-modified')) {
    text += `Last-Modified: ${formatHttpTime(out.lastModified)}\r\n`;
  }
  let skip = -1;
  const at = list.keys.indexOf('location');
  if (at >= 0 && !out.locationAsIs && location.absoluteRedirect && (list.values[at] as string).startsWith('/')) {
    text += `Location: ${absoluteLocation(r, location, list.values[at] as string)}\r\n`;
    skip = at;
  }
  if (r.chunked) text += 'Transfer-Encoding: chunked\r\n';
  if (status === HTTP_SWITCHING_PROTOCOLS) text += 'Connection: upgrade\r\n';
  else if (r.keepalive) {
    text += 'Connection: keep-alive\r\n';
    if (location.keepaliveHeader > 0) text += `Keep-Alive: timeout=${location.keepaliveHeader}\r\n`;
  } else text += 'Connection: close\r\n';
  if (r.gzipVary) {
    if (location.gzipVary) text += 'Vary: Accept-Encoding\r\n';
    else r.gzipVary = false;
  }
  for (let i = 0; i < list.length; i++) {
    if (i !== skip) text += list.line(i);
  }
  r.headerSize = text.length + 2;
  return r.connection.write(r, `${text}\r\n`, r.headerOnly ? endOfResponse() : null);
}

/** Without a body the header itself is the last piece. */
function endOfResponse(): Chain {
  const b = flagBuf();
  b.lastBuf = true;
  return [b];
}

/** `http://host:port/path` as nginx completes it. */
function absoluteLocation(r: HttpRequest, location: CoreLocation, path: string): string {
  const c = r.connection;
  let host = c.localAddress;
  if (location.serverNameInRedirect) host = coreModule.server(r).serverName;
  else if (r.headersIn.server !== undefined) host = r.headersIn.server;
  else if (host.includes(':')) host = `[${host}]`;
  const scheme = c.secure ? 'https' : 'http';
  const port =
    location.portInRedirect && c.localPort !== 0 && c.localPort !== (c.secure ? 443 : 80) ? `:${c.localPort}` : '';
  return `${scheme}://${host}${port}${path}`;
}

export const headerFilterModule = httpModule({
  name: 'ngx_http_header_filter_module',
  postconfiguration(http) {
    http.topHeaderFilter = headerFilter;
  },
});
