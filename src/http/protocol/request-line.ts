/**
 * The request line: method, target, version. nginx: ngx_http_parse_request_line() (src/http/ngx_http_parse.c).
 *
 * Works on the byte string received so far. A line that has not arrived completely is checked as far as it goes, so
 * that garbage is answered at once and not when the client's patience or ours ends, and read again from its start
 * when more has come: lines are short, and nearly always arrive in one piece.
 */
import { HTTP_VERSION_11, METHOD_CONNECT, METHOD_GET, METHOD_UNKNOWN, METHODS } from '../request.ts';

/** What a parser found. */
export const PARSE_OK = 0;
/** The line goes on beyond what was received. */
export const PARSE_AGAIN = 1;
/** The empty line at the end of the header. */
export const PARSE_HEADER_DONE = 2;
export const PARSE_INVALID_METHOD = 3;
export const PARSE_INVALID_REQUEST = 4;
export const PARSE_INVALID_VERSION = 5;
export const PARSE_INVALID_09_METHOD = 6;
export const PARSE_INVALID_HEADER = 7;

/** What stands in error.log for a refused request line. */
export const REQUEST_LINE_ERRORS: Readonly<Record<number, string>> = {
  [PARSE_INVALID_METHOD]: 'client sent invalid method',
  [PARSE_INVALID_REQUEST]: 'client sent invalid request',
  [PARSE_INVALID_VERSION]: 'client sent invalid version',
  [PARSE_INVALID_09_METHOD]: 'client sent invalid method in HTTP/0.9 request',
};

// Classes of the bytes of a request target: ORDINARY is anything that no state looks at.
const ORDINARY = 0;
const CONTROL = 1;
const SPACE = 2;
const CR = 3;
const LF = 4;
const DOT = 5;
const PERCENT = 6;
const SLASH = 7;
const QUESTION = 8;
const HASH = 9;
const PLUS = 10;

const TARGET = new Uint8Array(256);
TARGET.fill(CONTROL, 0, 0x20);
TARGET[0x7f] = CONTROL;
TARGET[0x20] = SPACE;
TARGET[0x0d] = CR;
TARGET[0x0a] = LF;
TARGET[0x2e] = DOT;
TARGET[0x25] = PERCENT;
TARGET[0x2f] = SLASH;
TARGET[0x3f] = QUESTION;
TARGET[0x23] = HASH;
TARGET[0x2b] = PLUS;

/** 1: A-Z, `_` and `-`. */
const METHOD_BYTE = byteSet('ABCDEFGHIJKLMNOPQRSTUVWXYZ_-');
const LETTER = byteSet('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ');
const DIGIT = byteSet('0123456789');
/** After the first letter of a scheme. */
const SCHEME_BYTE = byteSet('+-.', LETTER, DIGIT);
const HOST_BYTE = byteSet('.-', LETTER, DIGIT);
/** Within the brackets of an IP literal: unreserved, sub-delims and the colon (RFC 3986 section 3.2.2). */
const IP_LITERAL_BYTE = byteSet(":-._~!$&'()*+,;=", LETTER, DIGIT);

/** A table of the given bytes and of those of other tables. */
export function byteSet(bytes: string, ...others: Uint8Array[]): Uint8Array {
  const set = new Uint8Array(256);
  for (const other of others) for (let i = 0; i < 256; i++) if (other[i] === 1) set[i] = 1;
  for (let i = 0; i < bytes.length; i++) set[bytes.charCodeAt(i)] = 1;
  return set;
}

/** A parsed request line: positions in the text, and what they say. One object serves all requests of a connection. */
export class RequestLine {
  /** First byte of the method: line ends before it are skipped. */
  start = 0;
  /** First byte behind the line end. */
  next = 0;
  /** End of `GET /x HTTP/1.1`, exclusive. */
  end = 0;
  method = METHOD_UNKNOWN;
  methodName = '';
  /** Position and end of the target; `/` of somewhere in the line when the target has no path. */
  uriStart = 0;
  uriEnd = 0;
  /** Behind the question mark, -1 without one (or when only the slow path can tell). */
  argsStart = -1;
  /** Behind the last dot of the last segment, -1 without one. */
  extStart = -1;
  schemeStart = -1;
  schemeEnd = -1;
  hostStart = -1;
  hostEnd = -1;
  /** Of `HTTP/1.1`, -1 in HTTP/0.9. */
  protocolStart = -1;
  httpVersion: number = HTTP_VERSION_11;
  /** Holds `//`, `/.` or `#`: has to be normalised. */
  complexUri = false;
  /** Holds `%`. */
  quotedUri = false;
  plusInUri = false;
  /** `http://host?x`. */
  emptyPathInUri = false;
}

/**
 * Parses the request line that begins at `pos`.
 * @returns PARSE_OK, PARSE_AGAIN or one of the PARSE_INVALID_ codes; with PARSE_AGAIN only `out.start` is set, to the
 *   end of the text while nothing but line ends has come
 */
export function parseRequestLine(text: string, pos: number, out: RequestLine): number {
  const length = text.length;
  let i = pos;
  let ch = 0;
  while (i < length && ((ch = text.charCodeAt(i)) === 0x0d || ch === 0x0a)) i++;
  const start = i;
  out.start = start;
  if (i === length) return PARSE_AGAIN;

  if (text.startsWith('GET ', i)) {
    out.method = METHOD_GET;
    out.methodName = 'GET';
    i += 3;
  } else {
    while (i < length && METHOD_BYTE[text.charCodeAt(i)] === 1) i++;
    if (i === length) return PARSE_AGAIN;
    if (i === start || text.charCodeAt(i) !== 0x20) return PARSE_INVALID_METHOD;
    out.methodName = text.slice(start, i);
    out.method = METHODS.get(out.methodName) ?? METHOD_UNKNOWN;
  }
  while (i < length && text.charCodeAt(i) === 0x20) i++;
  if (i === length) return PARSE_AGAIN;

  out.schemeStart = -1;
  out.schemeEnd = -1;
  out.hostStart = -1;
  out.hostEnd = -1;
  out.protocolStart = -1;
  out.argsStart = -1;
  out.extStart = -1;
  out.complexUri = false;
  out.quotedUri = false;
  out.plusInUri = false;
  out.emptyPathInUri = false;
  out.httpVersion = 9;

  ch = text.charCodeAt(i);
  if (ch === 0x2f && out.method !== METHOD_CONNECT) {
    out.uriStart = i;
    i = parsePath(text, i + 1, out);
  } else {
    i = parseAuthorityForm(text, i, out);
    if (i >= 0) {
      if (text.charCodeAt(i) === 0x2f) {
        out.uriStart = i;
        i = parsePath(text, i + 1, out);
      } else if (text.charCodeAt(i) === 0x3f) {
        out.uriStart = i;
        out.argsStart = i + 1;
        out.emptyPathInUri = true;
        i = parseQuery(text, i + 1, out);
      } else {
        // The path of `http://host` is the first slash behind the scheme.
        out.uriStart = out.schemeEnd + 1;
        out.uriEnd = out.schemeEnd + 2;
      }
    }
  }
  if (i < 0) return i === -1 ? PARSE_AGAIN : PARSE_INVALID_REQUEST;
  return parseVersion(text, i, out);
}

/** Scheme, host and port. Returns the position behind them, -1 for more, -2 for an error. */
function parseAuthorityForm(text: string, pos: number, out: RequestLine): number {
  const length = text.length;
  const connect = out.method === METHOD_CONNECT;
  let i = pos;
  if (!connect) {
    if (LETTER[text.charCodeAt(i)] !== 1) return -2;
    out.schemeStart = i;
    while (i < length && SCHEME_BYTE[text.charCodeAt(i)] === 1) i++;
    out.schemeEnd = i;
    for (const expected of [0x3a, 0x2f, 0x2f]) {
      if (i === length) return -1;
      if (text.charCodeAt(i) !== expected) return -2;
      i++;
    }
    if (i === length) return -1;
  }
  out.hostStart = i;
  if (text.charCodeAt(i) === 0x5b) {
    i++;
    while (i < length && IP_LITERAL_BYTE[text.charCodeAt(i)] === 1) i++;
    if (i === length) return -1;
    if (text.charCodeAt(i) !== 0x5d) return -2;
    i++;
  } else {
    while (i < length && HOST_BYTE[text.charCodeAt(i)] === 1) i++;
  }
  if (i === length) return -1;
  if (text.charCodeAt(i) === 0x3a) {
    i++;
    const portStart = i;
    while (i < length && DIGIT[text.charCodeAt(i)] === 1) i++;
    if (i === length) return -1;
    if (connect && i === portStart) return -2;
  } else if (connect) {
    return -2;
  }
  out.hostEnd = i;
  const ch = text.charCodeAt(i);
  if (ch === 0x20) return i;
  return !connect && (ch === 0x2f || ch === 0x3f) ? i : -2;
}

/** A path behind its first slash, with what follows it. Returns the end of the target, -1 for more, -2 for an error. */
function parsePath(text: string, pos: number, out: RequestLine): number {
  const length = text.length;
  let i = pos;
  // A dot or a second slash at the start of a segment makes the path complex.
  let segmentStart = true;
  for (; i < length; i++) {
    switch (TARGET[text.charCodeAt(i)]) {
      case ORDINARY:
        segmentStart = false;
        continue;
      case SLASH:
        if (segmentStart) {
          out.complexUri = true;
          return parseQuery(text, i + 1, out);
        }
        out.extStart = -1;
        segmentStart = true;
        continue;
      case DOT:
        if (segmentStart) {
          out.complexUri = true;
          return parseQuery(text, i + 1, out);
        }
        out.extStart = i + 1;
        continue;
      case PLUS:
        out.plusInUri = true;
        continue;
      case PERCENT:
        out.quotedUri = true;
        return parseQuery(text, i + 1, out);
      case QUESTION:
        out.argsStart = i + 1;
        return parseQuery(text, i + 1, out);
      case HASH:
        out.complexUri = true;
        return parseQuery(text, i + 1, out);
      case CONTROL:
        return -2;
      default:
        out.uriEnd = i;
        return i;
    }
  }
  return -1;
}

/** The rest of the target, where only its end, `#` and control characters matter. Returns as parsePath does. */
function parseQuery(text: string, pos: number, out: RequestLine): number {
  const length = text.length;
  for (let i = pos; i < length; i++) {
    const kind = TARGET[text.charCodeAt(i)] as number;
    if (kind === ORDINARY || kind > LF) {
      if (kind === HASH) out.complexUri = true;
    } else if (kind === CONTROL) {
      return -2;
    } else {
      out.uriEnd = i;
      return i;
    }
  }
  return -1;
}

/** From the end of the target: version and line end, or the line end of HTTP/0.9. */
function parseVersion(text: string, pos: number, out: RequestLine): number {
  if (text.startsWith(' HTTP/1.1\r\n', pos)) {
    out.protocolStart = pos + 1;
    out.httpVersion = HTTP_VERSION_11;
    out.end = pos + 9;
    out.next = pos + 11;
    if (out.method === METHOD_CONNECT) connectUri(out);
    return PARSE_OK;
  }
  const length = text.length;
  let i = pos;
  while (i < length && text.charCodeAt(i) === 0x20) i++;
  if (i === length) return PARSE_AGAIN;
  if (text.charCodeAt(i) === 0x48) {
    out.protocolStart = i;
    for (let k = 0; k < 5; k++, i++) {
      if (i === length) return PARSE_AGAIN;
      if (text.charCodeAt(i) !== 'HTTP/'.charCodeAt(k)) return PARSE_INVALID_REQUEST;
    }
    if (out.method === METHOD_CONNECT) connectUri(out);
    if (i === length) return PARSE_AGAIN;
    let ch = text.charCodeAt(i);
    if (ch < 0x31 || ch > 0x39) return PARSE_INVALID_REQUEST;
    let major = 0;
    for (;;) {
      major = major * 10 + (ch - 0x30);
      if (major > 1) return PARSE_INVALID_VERSION;
      i++;
      if (i === length) return PARSE_AGAIN;
      ch = text.charCodeAt(i);
      if (ch === 0x2e) break;
      if (ch < 0x30 || ch > 0x39) return PARSE_INVALID_REQUEST;
    }
    i++;
    if (i === length) return PARSE_AGAIN;
    if (DIGIT[text.charCodeAt(i)] !== 1) return PARSE_INVALID_REQUEST;
    let minor = 0;
    while (i < length && DIGIT[(ch = text.charCodeAt(i))] === 1) {
      if (minor > 99) return PARSE_INVALID_REQUEST;
      minor = minor * 10 + (ch - 0x30);
      i++;
    }
    while (i < length && text.charCodeAt(i) === 0x20) i++;
    if (i === length) return PARSE_AGAIN;
    out.httpVersion = major * 1000 + minor;
  }
  // The line as it is logged and shown by $request reaches up to the line end, trailing spaces included; that of
  // HTTP/0.9 too.
  out.end = i;
  if (text.charCodeAt(i) === 0x0d) {
    i++;
    if (i === length) return PARSE_AGAIN;
  }
  if (text.charCodeAt(i) !== 0x0a) return PARSE_INVALID_REQUEST;
  out.next = i + 1;
  if (out.httpVersion === 9 && out.method !== METHOD_GET) return PARSE_INVALID_09_METHOD;
  return PARSE_OK;
}

/** The path of a CONNECT request is `/`: the one in `HTTP/`. */
function connectUri(out: RequestLine): void {
  out.uriStart = out.protocolStart + 4;
  out.uriEnd = out.protocolStart + 5;
}
