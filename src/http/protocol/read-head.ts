/**
 * From bytes to a request: reads the request line and the header of a connection's current request, chooses the
 * server, and starts the request. What is refused is logged at level info and answered as nginx does.
 * nginx: ngx_http_process_request_line(), ngx_http_process_request_headers() (src/http/ngx_http_request.c).
 */
import { LOG_INFO } from '../../log/log.ts';
import {
  HTTP_BAD_REQUEST,
  HTTP_MISDIRECTED_REQUEST,
  HTTP_NOT_ALLOWED,
  HTTP_NOT_IMPLEMENTED,
  HTTP_REQUEST_HEADER_TOO_LARGE,
  HTTP_REQUEST_URI_TOO_LARGE,
  HTTP_VERSION_NOT_SUPPORTED,
} from '../codes.ts';
import type { CoreServer } from '../core/conf.ts';
import { coreModule } from '../core/module.ts';
import { finalizeRequest } from '../finalize.ts';
import { CONNECTION_CLOSE, CONNECTION_KEEP_ALIVE } from '../headers.ts';
import { sslModule } from '../modules/ssl/module.ts';
import { mayChangeServer } from '../modules/ssl/verify.ts';
import { HTTP_VERSION_10, HTTP_VERSION_11, type HttpRequest, METHOD_CONNECT, METHOD_TRACE } from '../request.ts';
import { HeaderLine, parseHeaderLine, prepareHeaderLines } from './header-line.ts';
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_HOST,
  FIELD_PLAIN,
  FIELD_TRANSFER_ENCODING,
  FIELD_UNIQUE,
  FIELD_USER_AGENT,
} from './header-names.ts';
import { type ValidHost, validateHost } from './host.ts';
import { type Http1Connection, STATE_HEADER, STATE_REQUEST } from './http1.ts';
import { rememberHeader, repeatHeader } from './repeat.ts';
import {
  PARSE_AGAIN,
  PARSE_HEADER_DONE,
  PARSE_INVALID_09_METHOD,
  PARSE_INVALID_VERSION,
  PARSE_OK,
  parseRequestLine,
  REQUEST_LINE_ERRORS,
  RequestLine,
} from './request-line.ts';
import { setRequestUri } from './uri.ts';
import { setBrowser } from './user-agent.ts';

// Parsing never waits within a line, so one of each serves all connections.
const line = new RequestLine();
const headerLine = new HeaderLine();

/** Longest part of a header line that is quoted in the log. OpenResty: NGX_MAX_ERROR_STR - 300. */
const LONGEST_QUOTE = 4096 - 300;

/** Refuses the request. Returns false, as the functions below do when there is nothing more to read. */
function refuse(c: Http1Connection, r: HttpRequest, status: number, message: string): boolean {
  c.log(LOG_INFO, message, r);
  c.readTimer.clear();
  c.state = STATE_REQUEST;
  finalizeRequest(r, status);
  return false;
}

/** Goes on with the request line. Returns false when it is incomplete or refused. */
export function readRequestLine(c: Http1Connection, r: HttpRequest): boolean {
  const { text } = c;
  let code = parseRequestLine(text, c.pos, line);
  if (code === PARSE_OK ? line.next > c.bufferEnd : text.length >= c.bufferEnd) {
    const server = coreModule.server(r);
    const { size } = server.largeClientHeaderBuffers;
    if (code > PARSE_AGAIN && text.length - line.start > size) {
      // What is wrong may stand behind the limit: then the line is too long before it is wrong.
      code = parseRequestLine(text.slice(0, line.start + size), c.pos, line);
    }
    const end = code === PARSE_OK ? line.next : text.length;
    if (code <= PARSE_AGAIN && !growForRequestLine(c, server, line.start, end, code === PARSE_AGAIN)) {
      r.requestLine = text.slice(line.start, c.bufferEnd);
      return refuse(c, r, HTTP_REQUEST_URI_TOO_LARGE, 'client sent too long URI');
    }
  }
  if (code !== PARSE_OK) {
    if (code === PARSE_AGAIN) {
      // Empty lines before the request are forgotten.
      if (line.start === text.length) c.pos = line.start;
      return false;
    }
    const status = code === PARSE_INVALID_VERSION ? HTTP_VERSION_NOT_SUPPORTED : HTTP_BAD_REQUEST;
    r.requestLine = c.firstLine();
    if (code === PARSE_INVALID_09_METHOD) r.httpVersion = 9;
    return refuse(c, r, status, REQUEST_LINE_ERRORS[code] as string);
  }
  c.pos = line.next;
  c.headStart = line.start;
  c.headBefore = '';
  r.requestLine = text.slice(line.start, line.end);
  r.requestLength = line.next - line.start;
  r.method = line.method;
  r.methodName = line.methodName;
  r.httpVersion = line.httpVersion;
  if (line.protocolStart >= 0) {
    r.httpProtocol =
      line.end - line.protocolStart === 8 && line.httpVersion === HTTP_VERSION_11
        ? 'HTTP/1.1'
        : text.slice(line.protocolStart, line.end);
  }
  if (!setRequestUri(r, text, line, coreModule.server(r).mergeSlashes)) {
    return refuse(c, r, HTTP_BAD_REQUEST, 'client sent invalid request');
  }
  if (line.schemeStart >= 0) r.schema = text.slice(line.schemeStart, line.schemeEnd);
  if (line.hostStart >= 0) {
    const host = validateHost(text.slice(line.hostStart, line.hostEnd));
    if (host === undefined) return refuse(c, r, HTTP_BAD_REQUEST, 'client sent invalid host in request line');
    if (!setServer(c, r, host.host)) return false;
    r.headersIn.server = host.host;
    r.headersIn.port = host.port;
  }
  if (r.httpVersion < HTTP_VERSION_10) {
    if (r.headersIn.server === undefined && !setServer(c, r, '')) return false;
    c.startRequest(r);
    return false;
  }
  c.action = 'reading client request headers';
  c.state = STATE_HEADER;
  c.seenFields = 0;
  c.fieldCount = 0;
  c.lastLine = -1;
  return true;
}

/** Goes on with the header. Returns false when it is incomplete or refused, or the request was started. */
export function readHeader(c: Http1Connection, r: HttpRequest): boolean {
  const { text } = c;
  if (c.repeat !== undefined && repeatHeader(c, r, c.repeat)) {
    if (setServer(c, r, c.repeat.host) && checkMethod(c, r)) c.startRequest(r);
    return true;
  }
  let server = coreModule.server(r);
  prepareHeaderLines(text, c.pos, headerLine);
  const { names, keys, values } = r.headersIn.list;
  const begin = c.pos;
  // Can this header be taken for that of the next request, should that have the same bytes?
  let repeatable = c.fieldCount === 0 && r.headersIn.server === undefined;
  for (;;) {
    const start = c.pos;
    const code = parseHeaderLine(text, start, headerLine);
    if (code === PARSE_AGAIN) {
      if (text.length >= c.bufferEnd && !growForHeader(c, server, start, text.length + 1)) return headerTooLarge(c, r);
      return false;
    }
    if (code !== PARSE_OK && code !== PARSE_HEADER_DONE) {
      const { badAt } = headerLine;
      const byte = text.charCodeAt(badAt).toString(16).padStart(2, '0');
      return refuse(
        c,
        r,
        HTTP_BAD_REQUEST,
        `client sent invalid header line: "${text.slice(start, badAt)}\\x${byte}..."`,
      );
    }
    const { next } = headerLine;
    if (next > c.bufferEnd && !growForHeader(c, server, start, next)) return headerTooLarge(c, r);
    r.requestLength += next - start;
    c.pos = next;
    c.lastLine = start;
    if (code === PARSE_HEADER_DONE) break;
    const { name, value } = headerLine;
    if ((name.odd || (name.underscore && !server.underscoresInHeaders)) && server.ignoreInvalidHeaders) {
      c.log(LOG_INFO, `client sent invalid header line: "${text.slice(start, headerLine.end)}"`, r);
      repeatable = false;
      continue;
    }
    if (c.fieldCount++ >= server.maxHeaders) {
      r.lingeringClose = true;
      return refuse(c, r, HTTP_REQUEST_HEADER_TOO_LARGE, 'client sent too many header lines');
    }
    names.push(name.name);
    keys.push(name.key);
    values.push(value);
    if (name.kind !== FIELD_PLAIN) {
      if (!takeField(c, r, name.kind, name.name, value)) return false;
      if (name.kind === FIELD_HOST) server = coreModule.server(r);
    }
  }
  if (!checkHeader(c, r)) return false;
  if (repeatable && c.pos === text.length) rememberHeader(c, r, text, begin);
  c.startRequest(r);
  return true;
}

/** What the server itself wants of a field. Returns false when the request is refused. */
function takeField(c: Http1Connection, r: HttpRequest, kind: number, name: string, value: string): boolean {
  if ((kind & FIELD_UNIQUE) !== 0) {
    if ((c.seenFields & kind) !== 0) return refuseDuplicate(c, r, 'header line', name, value);
    c.seenFields |= kind;
    return true;
  }
  const headers = r.headersIn;
  switch (kind) {
    case FIELD_HOST: {
      if ((c.seenFields & FIELD_HOST) !== 0) return refuseDuplicate(c, r, 'host header', name, value);
      c.seenFields |= FIELD_HOST;
      // One client asks for the same host over and over.
      let host: ValidHost | undefined = c.lastHost;
      if (value !== c.lastHostText || host === undefined) {
        host = validateHost(value);
        if (host === undefined) return refuse(c, r, HTTP_BAD_REQUEST, 'client sent invalid host header');
        c.lastHostText = value;
        c.lastHost = host;
      }
      // The host of an absolute target comes first.
      if (headers.server !== undefined) return true;
      if (!setServer(c, r, host.host)) return false;
      headers.server = host.host;
      headers.port = host.port;
      return true;
    }
    case FIELD_CONNECTION: {
      if (value === 'keep-alive') {
        headers.connectionType = CONNECTION_KEEP_ALIVE;
        return true;
      }
      const lower = value.toLowerCase();
      if (lower.includes('close')) headers.connectionType = CONNECTION_CLOSE;
      else if (lower.includes('keep-alive')) headers.connectionType = CONNECTION_KEEP_ALIVE;
      return true;
    }
    case FIELD_USER_AGENT:
      setBrowser(headers, value);
      return true;
    default:
      return true;
  }
}

function refuseDuplicate(c: Http1Connection, r: HttpRequest, what: string, name: string, value: string): boolean {
  const { names, keys, values } = r.headersIn.list;
  const previous = keys.indexOf(name.toLowerCase());
  return refuse(
    c,
    r,
    HTTP_BAD_REQUEST,
    `client sent duplicate ${what}: "${name}: ${value}", previous value: "${names[previous]}: ${values[previous]}"`,
  );
}

/** Rules about the header as a whole. nginx: ngx_http_process_request_header(). */
function checkHeader(c: Http1Connection, r: HttpRequest): boolean {
  const headers = r.headersIn;
  const seen = c.seenFields;
  if (headers.server === undefined && !setServer(c, r, '')) return false;
  if ((seen & FIELD_HOST) === 0 && r.httpVersion > HTTP_VERSION_10) {
    return refuse(c, r, HTTP_BAD_REQUEST, 'client sent HTTP/1.1 request without "Host" header');
  }
  if ((seen & FIELD_CONTENT_LENGTH) !== 0) {
    headers.contentLength = parseLength(headers.list.get('content-length') as string);
    if (headers.contentLength === -1) {
      return refuse(c, r, HTTP_BAD_REQUEST, 'client sent invalid "Content-Length" header');
    }
  }
  if ((seen & FIELD_TRANSFER_ENCODING) !== 0) {
    if (r.httpVersion < HTTP_VERSION_11) {
      return refuse(c, r, HTTP_BAD_REQUEST, 'client sent HTTP/1.0 request with "Transfer-Encoding" header');
    }
    const value = headers.list.get('transfer-encoding') as string;
    if (value.length !== 7 || value.toLowerCase() !== 'chunked') {
      return refuse(c, r, HTTP_NOT_IMPLEMENTED, `client sent unknown "Transfer-Encoding": "${value}"`);
    }
    if ((seen & FIELD_CONTENT_LENGTH) !== 0) {
      const message = 'client sent "Content-Length" and "Transfer-Encoding" headers at the same time';
      return refuse(c, r, HTTP_BAD_REQUEST, message);
    }
    headers.chunked = true;
  }
  if (headers.connectionType === CONNECTION_KEEP_ALIVE) {
    const keepAlive = headers.list.get('keep-alive');
    if (keepAlive !== undefined) headers.keepAliveSeconds = parseLength(keepAlive);
  }
  return checkMethod(c, r);
}

function checkMethod(c: Http1Connection, r: HttpRequest): boolean {
  if (r.method === METHOD_CONNECT) return refuse(c, r, HTTP_NOT_ALLOWED, 'client sent CONNECT method');
  if (r.method === METHOD_TRACE) return refuse(c, r, HTTP_NOT_ALLOWED, 'client sent TRACE method');
  return true;
}

const LARGEST_LENGTH = '9223372036854775807';

/** Digits only; -1 for anything else and beyond 63 bits. nginx: ngx_atoof(). */
function parseLength(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) {
    const digits = text.replace(/^0+/, '');
    if (digits.length > 19 || (digits.length === 19 && digits > LARGEST_LENGTH)) return -1;
  }
  return text === '' ? -1 : value;
}

/** nginx: ngx_http_set_virtual_server(). Returns false when the request is refused. */
function setServer(c: Http1Connection, r: HttpRequest, host: string): boolean {
  const { confs } = c.group.findServer(host, r);
  if (c.tls !== undefined && !mayChangeServer(c.tls, host, sslModule.serverOf(confs))) {
    const message = 'client attempted to request the server name different from the one that was negotiated';
    return refuse(c, r, HTTP_MISDIRECTED_REQUEST, message);
  }
  r.srvConf = confs.server;
  r.locConf = confs.location;
  c.errorLog = coreModule.location(r).errorLog;
  return true;
}

/**
 * nginx reads a head into one small buffer (client_header_buffer_size) and, when that is full, into large ones
 * (large_client_header_buffers), each of which must hold at least a whole line. Nothing is read into buffers of
 * these sizes here, but the limits that follow are the same: `bufferEnd` is where the current one would end.
 *
 * @param start of the line, @param end up to where it must be held
 * @returns false when the line is too long or there are too many buffers
 */
function growForHeader(c: Http1Connection, server: CoreServer, start: number, end: number): boolean {
  const { num, size } = server.largeClientHeaderBuffers;
  while (end > c.bufferEnd) {
    if (c.bufferEnd - start >= size || c.largeBuffers >= num) return false;
    c.largeBuffers++;
    c.bufferEnd = start + size;
  }
  return true;
}

function growForRequestLine(
  c: Http1Connection,
  server: CoreServer,
  start: number,
  end: number,
  incomplete: boolean,
): boolean {
  // Line ends before the request do not use the buffer up.
  while (c.bufferEnd <= start) c.bufferEnd += server.clientHeaderBufferSize;
  // An incomplete line that fills the buffer needs the next one at once.
  return growForHeader(c, server, start, incomplete ? end + 1 : end);
}

function headerTooLarge(c: Http1Connection, r: HttpRequest): boolean {
  r.lingeringClose = true;
  let message = 'client sent too large request';
  // At a line's end the line before is quoted; on the first line there is none.
  const start = c.pos < c.bufferEnd ? c.pos : c.lastLine;
  if (start >= 0) {
    const end = Math.min(c.bufferEnd, start + LONGEST_QUOTE);
    message = `client sent too long header line: "${c.text.slice(start, end)}..."`;
  }
  return refuse(c, r, HTTP_REQUEST_HEADER_TOO_LARGE, message);
}
