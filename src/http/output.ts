/**
 * The way out: header filters, then body filters, down to the connection. nginx: ngx_http_send_header(),
 * ngx_http_output_filter(), ngx_http_send_special().
 */
import { LOG_ALERT } from '../log/log.ts';
import { type Chain, flagBuf } from './buf.ts';
import { ERROR, OK } from './codes.ts';
import type { HttpRequest } from './request.ts';

/** Sends the response header through the header filters. Returns OK, AGAIN, ERROR, or a status. */
export function sendHeader(r: HttpRequest): number {
  if (r.postAction) return OK;
  if (r.headerSent) {
    r.log(LOG_ALERT, 'header already sent');
    return ERROR;
  }
  if (r.errStatus !== 0) {
    r.headersOut.status = r.errStatus;
    r.headersOut.statusLine = undefined;
  }
  return r.http.topHeaderFilter(r);
}

/** Sends pieces of the response through the body filters; null goes on with what is held back. */
export function outputFilter(r: HttpRequest, chain: Chain | null): number {
  const rc = r.http.topBodyFilter(r, chain);
  if (rc === ERROR) r.connection.error = true;
  return rc;
}

/** Marks the end of the response (of the main request) or of a subrequest's part of it. */
export function sendLast(r: HttpRequest): number {
  const b = flagBuf();
  if (r === r.main && !r.postAction) {
    b.lastBuf = true;
  } else {
    b.sync = true;
    b.lastInChain = true;
  }
  return outputFilter(r, [b]);
}

/** Has what was output so far sent now. */
export function sendFlush(r: HttpRequest): number {
  const b = flagBuf();
  b.flush = true;
  return outputFilter(r, [b]);
}

/** Forgets a response that a handler began to build, so that another one can take its place. */
export function cleanHeader(r: HttpRequest): void {
  const out = r.headersOut;
  out.status = 0;
  out.statusLine = undefined;
  out.list.clear();
  out.trailers = undefined;
  out.contentLength = -1;
  out.lastModified = -1;
  out.contentType = '';
  out.contentTypeKey = '';
  out.charset = '';
  out.server = undefined;
  out.date = undefined;
}

/** nginx: ngx_http_clear_content_length(), ngx_http_clear_accept_ranges(), ... as filters that change bodies need. */
export function clearContentLength(r: HttpRequest): void {
  r.headersOut.contentLength = -1;
  r.headersOut.list.remove('content-length');
}

export function clearAcceptRanges(r: HttpRequest): void {
  r.allowRanges = false;
  r.headersOut.list.remove('accept-ranges');
}

export function clearLastModified(r: HttpRequest): void {
  r.headersOut.lastModified = -1;
  r.headersOut.list.remove('last-modified');
}

export function clearEtag(r: HttpRequest): void {
  r.headersOut.list.remove('etag');
}

/** A strong ETag becomes weak, since a filter changes the bytes. nginx: ngx_http_weak_etag(). */
export function weakEtag(r: HttpRequest): void {
  const etag = r.headersOut.list.get('etag');
  if (etag === undefined || etag.startsWith('W/')) return;
  if (etag.startsWith('"')) r.headersOut.list.set('ETag', `W/${etag}`, 'etag');
  else r.headersOut.list.remove('etag');
}
