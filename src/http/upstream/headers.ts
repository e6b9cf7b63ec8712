/**
 * The header of a backend's response: what its fields mean for the exchange when they arrive, and how they go over into
 * the response to the client. nginx: ngx_http_upstream_headers_in (src/http/ngx_http_upstream.c).
 */
import { LOG_ERR, LOG_WARN } from '../../log/log.ts';
import { OK } from '../codes.ts';
import { HeaderList } from '../headers.ts';
import { parseHttpTime } from '../http-time.ts';
import { HTTP_VERSION_20, type HttpRequest } from '../request.ts';
import { IGNORE_XA_BUFFERING, IGNORE_XA_CHARSET, IGNORE_XA_LIMIT_RATE } from './conf.ts';
import type { Exchange } from './exchange.ts';
import { INVALID_HEADER } from './results.ts';

/** The header as received. */
export class UpstreamHeaders {
  /** In order, without duplicates of fields that may stand only once. */
  readonly list: HeaderList = new HeaderList();
  /** What each field of `list` means, in the same order. */
  readonly kinds: number[] = [];
  trailers: HeaderList | undefined = undefined;
  status = 0;
  /** `200 OK`. */
  statusLine = '';
  /** -1: not known. */
  contentLength = -1;
  /** Seconds since 1970, or -1. */
  lastModified = -1;
  chunked = false;
  connectionClose = false;
  /** Bits of the fields below that have come. */
  seen = 0;
}

// Kinds of fields; those up to ONCE may stand only once, and are bits.
const STATUS = 0x0001;
const CONTENT_TYPE = 0x0002;
const CONTENT_LENGTH = 0x0004;
const DATE = 0x0008;
const LAST_MODIFIED = 0x0010;
const ETAG = 0x0020;
const SERVER = 0x0040;
const LOCATION = 0x0080;
const REFRESH = 0x0100;
const EXPIRES = 0x0200;
const XA_EXPIRES = 0x0400;
const XA_REDIRECT = 0x0800;
const XA_LIMIT_RATE = 0x1000;
const TRANSFER_ENCODING = 0x2000;
const ONCE = 0x3fff;
const CONNECTION = 0x10000;
const KEEP_ALIVE = 0x20000;
const SET_COOKIE = 0x30000;
const ACCEPT_RANGES = 0x40000;
const UPGRADE = 0x50000;
const XA_BUFFERING = 0x60000;
const XA_CHARSET = 0x70000;
const KEPT = 0x80000;
/** Besides: does not reach the client. */
const HIDDEN = 0x100000;

const KINDS: ReadonlyMap<string, number> = new Map([
  ['status', STATUS],
  ['content-type', CONTENT_TYPE],
  ['content-length', CONTENT_LENGTH],
  ['date', DATE],
  ['last-modified', LAST_MODIFIED],
  ['etag', ETAG],
  ['server', SERVER],
  ['location', LOCATION],
  ['refresh', REFRESH],
  ['expires', EXPIRES],
  ['x-accel-expires', XA_EXPIRES],
  ['x-accel-redirect', XA_REDIRECT],
  ['x-accel-limit-rate', XA_LIMIT_RATE],
  ['transfer-encoding', TRANSFER_ENCODING],
  ['connection', CONNECTION],
  ['keep-alive', KEEP_ALIVE],
  ['set-cookie', SET_COOKIE],
  ['accept-ranges', ACCEPT_RANGES],
  ['upgrade', UPGRADE],
  ['x-accel-buffering', XA_BUFFERING],
  ['x-accel-charset', XA_CHARSET],
  ['content-disposition', KEPT],
  ['cache-control', KEPT],
]);

/** Fields of an X-Accel-Redirect response that the redirected one keeps. */
const KEPT_ON_REDIRECT: ReadonlySet<number> = new Set([CONTENT_TYPE, SET_COOKIE, EXPIRES, ACCEPT_RANGES, KEPT]);

/** The kinds of fields with those that a location hides: one look at a field's name tells all that happens to it. */
function fieldKinds(hidden: ReadonlySet<string>): ReadonlyMap<string, number> {
  const kinds = new Map(KINDS);
  for (const key of hidden) kinds.set(key, (kinds.get(key) ?? 0) | HIDDEN);
  return kinds;
}

const LARGEST_LENGTH = '9223372036854775807';

/** Digits only, within 63 bits; undefined for anything else. */
function parseLength(text: string): number | undefined {
  const { length } = text;
  if (length > 0 && length <= 9) {
    let n = 0;
    for (let i = 0; i < length; i++) {
      const digit = text.charCodeAt(i) - 0x30;
      if (digit < 0 || digit > 9) return undefined;
      n = n * 10 + digit;
    }
    return n;
  }
  if (!/^[0-9]+$/.test(text)) return undefined;
  const digits = text.replace(/^0+/, '');
  if (digits.length > 19 || (digits.length === 19 && digits > LARGEST_LENGTH)) return undefined;
  return Number(text);
}

/**
 * A field has arrived: takes it into the header.
 *
 * @param line as HeaderList.add takes it
 * @returns OK, or INVALID_HEADER for a response that cannot be trusted
 */
export function receiveField(x: Exchange, name: string, key: string, value: string, line: string): number {
  const { headers, conf } = x;
  conf.fieldKinds ??= fieldKinds(conf.hidden);
  const meaning = conf.fieldKinds.get(key) ?? 0;
  const kind = meaning & ~HIDDEN;
  if (kind <= ONCE) {
    if ((headers.seen & kind) !== 0) return duplicate(x, kind, name, key, value);
    headers.seen |= kind;
  }
  switch (kind) {
    case CONTENT_LENGTH: {
      if ((headers.seen & TRANSFER_ENCODING) !== 0) return refuseBoth(x.r);
      const length = parseLength(value);
      if (length === undefined) {
        x.r.log(LOG_ERR, `upstream sent invalid "Content-Length" header: "${name}: ${value}"`);
        return INVALID_HEADER;
      }
      headers.contentLength = length;
      break;
    }
    case TRANSFER_ENCODING:
      if ((headers.seen & CONTENT_LENGTH) !== 0) return refuseBoth(x.r);
      if (value.length !== 7 || value.toLowerCase() !== 'chunked') {
        x.r.log(LOG_ERR, `upstream sent unknown "Transfer-Encoding": "${value}"`);
        return INVALID_HEADER;
      }
      headers.chunked = true;
      break;
    case LAST_MODIFIED:
      headers.lastModified = parseHttpTime(value);
      break;
    case CONNECTION:
      if (value.toLowerCase().includes('close')) headers.connectionClose = true;
      break;
    case XA_LIMIT_RATE:
      if ((x.conf.ignoreHeaders & IGNORE_XA_LIMIT_RATE) === 0 && /^[0-9]+$/.test(value)) {
        x.r.limitRate = Number(value);
        x.r.limitRateSet = true;
      }
      break;
    case XA_BUFFERING:
      if ((x.conf.ignoreHeaders & IGNORE_XA_BUFFERING) === 0) {
        const word = value.toLowerCase();
        if (word === 'no') x.buffering = false;
        else if (word === 'yes') x.buffering = true;
      }
      break;
    case XA_CHARSET:
      if ((x.conf.ignoreHeaders & IGNORE_XA_CHARSET) === 0) x.r.headersOut.overrideCharset = value;
      break;
  }
  headers.list.add(name, value, key, line);
  headers.kinds.push(meaning);
  return OK;
}

function refuseBoth(r: HttpRequest): number {
  r.log(LOG_ERR, 'upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time');
  return INVALID_HEADER;
}

function duplicate(x: Exchange, kind: number, name: string, key: string, value: string): number {
  const { list } = x.headers;
  const at = list.keys.indexOf(key);
  const lines = `"${name}: ${value}", previous value: "${list.names[at]}: ${list.values[at]}"`;
  if (kind === CONTENT_LENGTH || kind === TRANSFER_ENCODING) {
    // Where a body ends must not depend on who reads the header.
    x.r.log(LOG_ERR, `upstream sent duplicate header line: ${lines}`);
    return INVALID_HEADER;
  }
  x.r.log(LOG_WARN, `upstream sent duplicate header line: ${lines}, ignored`);
  return OK;
}

/**
 * Copies the header into the response, without what is hidden. nginx: ngx_http_upstream_process_headers().
 * @returns false when a field could not be rewritten
 */
export function copyHeaders(x: Exchange): void {
  const { r, conf, headers } = x;
  const out = r.headersOut;
  const { kinds } = headers;
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i] as number;
    if (kind < HIDDEN) copyField(x, kind, i);
  }
  // A server that does not say who it is stays unnamed when its name is passed on.
  if ((headers.seen & SERVER) === 0 && !conf.hidden.has('server')) out.server = '';
  if ((headers.seen & DATE) === 0 && !conf.hidden.has('date')) out.date = '';
  out.status = headers.status;
  out.statusLine = headers.statusLine === '' ? undefined : headers.statusLine;
  out.contentLength = headers.contentLength;
  r.disableNotModified = true;
  if (conf.forceRanges) {
    r.allowRanges = true;
    r.singleRange = true;
  }
}

/** X-Accel-Redirect: copies what the response from elsewhere keeps of this one. */
export function copyRedirectHeaders(x: Exchange): void {
  const { kinds } = x.headers;
  for (let i = 0; i < kinds.length; i++) {
    const kind = (kinds[i] as number) & ~HIDDEN;
    if (KEPT_ON_REDIRECT.has(kind)) copyField(x, kind, i);
  }
}

/** Takes the i-th field of the backend's response over into the client's. */
function copyField(x: Exchange, kind: number, i: number): void {
  const { r } = x;
  const { list } = x.headers;
  const out = r.headersOut;
  const value = list.values[i] as string;
  switch (kind) {
    case CONTENT_TYPE:
      out.contentType = value;
      out.contentTypeKey = '';
      out.charset = charsetOf(value);
      return;
    case CONTENT_LENGTH:
    case TRANSFER_ENCODING:
    case CONNECTION:
    case KEEP_ALIVE:
      return;
    case DATE:
      out.date = '';
      break;
    case SERVER:
      // In its place among the others, instead of our own.
      out.server = '';
      break;
    case LAST_MODIFIED:
      out.lastModified = x.headers.lastModified;
      break;
    case LOCATION: {
      const rewritten = x.rewriteRedirect(value, 0);
      // What the backend gave as a path stays one.
      out.locationAsIs = rewritten === undefined;
      copyChanged(x, i, rewritten);
      return;
    }
    case REFRESH: {
      const at = /url=/i.exec(value)?.index;
      copyChanged(x, i, at === undefined ? undefined : x.rewriteRedirect(value, at + 4));
      return;
    }
    case SET_COOKIE:
      copyChanged(x, i, x.rewriteCookie(value));
      return;
    case ACCEPT_RANGES:
      if (x.conf.forceRanges) return;
      break;
    case UPGRADE:
      if (r.httpVersion >= HTTP_VERSION_20) return;
      break;
  }
  out.list.addFrom(list, i);
}

/** @param value undefined: as the backend sent it */
function copyChanged(x: Exchange, i: number, value: string | undefined): void {
  const { list } = x.headers;
  const out = x.r.headersOut.list;
  if (value === undefined) out.addFrom(list, i);
  else out.add(list.names[i] as string, value, list.keys[i] as string);
}

/** The value of a `charset` parameter, or ''. */
export function charsetOf(type: string): string {
  const match = /; *charset="?(.*)$/is.exec(type);
  if (match === null) return '';
  const charset = match[1] as string;
  return charset.endsWith('"') ? charset.slice(0, -1) : charset;
}
