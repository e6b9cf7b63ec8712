/**
 * Conditional requests: If-Modified-Since, If-Unmodified-Since, If-Match, If-None-Match (RFC 9110 section 13).
 * nginx: src/http/modules/ngx_http_not_modified_filter_module.c.
 */
import { HTTP_NOT_MODIFIED, HTTP_OK, HTTP_PRECONDITION_FAILED } from '../codes.ts';
import { IF_MODIFIED_SINCE_BEFORE, IF_MODIFIED_SINCE_OFF } from '../core/conf.ts';
import { coreModule } from '../core/module.ts';
import { parseHttpTime } from '../http-time.ts';
import { httpModule } from '../module.ts';
import { clearAcceptRanges, clearContentLength } from '../output.ts';
import type { HttpRequest } from '../request.ts';
import { filterFinalize } from '../special-response.ts';

/** -1 when the response must be replaced, 0 to send it, 304 to send Not Modified. */
function test(r: HttpRequest): number {
  const list = r.headersIn.list;
  const unmodified = list.get('if-unmodified-since');
  if (unmodified !== undefined && !wasUnmodified(r, unmodified)) return -1;
  const match = list.get('if-match');
  if (match !== undefined && !etagMatches(r, match, false)) return -1;
  const since = list.get('if-modified-since');
  const none = list.get('if-none-match');
  if (since === undefined && none === undefined) return 0;
  if (since !== undefined && wasModified(r, since)) return 0;
  if (none !== undefined && !etagMatches(r, none, true)) return 0;
  return HTTP_NOT_MODIFIED;
}

function wasUnmodified(r: HttpRequest, value: string): boolean {
  const modified = r.headersOut.lastModified;
  return modified === -1 || modified <= parseHttpTime(value);
}

function wasModified(r: HttpRequest, value: string): boolean {
  const modified = r.headersOut.lastModified;
  if (modified === -1) return true;
  const how = coreModule.location(r).ifModifiedSince;
  if (how === IF_MODIFIED_SINCE_OFF) return true;
  const time = parseHttpTime(value);
  if (modified === time) return false;
  return how !== IF_MODIFIED_SINCE_BEFORE || time < modified;
}

/** Compares with a list of entity tags; a weak comparison ignores `W/`. */
function etagMatches(r: HttpRequest, list: string, weak: boolean): boolean {
  if (list === '*') return true;
  let etag = r.headersOut.list.get('etag');
  if (etag === undefined) return false;
  if (weak && etag.startsWith('W/')) etag = etag.slice(2);
  let i = 0;
  while (i < list.length) {
    if (weak && list.startsWith('W/', i)) i += 2;
    if (list.startsWith(etag, i)) {
      let end = i + etag.length;
      while (list[end] === ' ' || list[end] === '\t') end++;
      if (end === list.length || list[end] === ',') return true;
    }
    i = list.indexOf(',', i);
    if (i < 0) return false;
    while (list[i] === ',' || list[i] === ' ' || list[i] === '\t') i++;
  }
  return false;
}

export const notModifiedFilterModule = httpModule({
  name: 'ngx_http_not_modified_filter_module',
  postconfiguration(http) {
    const next = http.topHeaderFilter;
    http.topHeaderFilter = (r) => {
      if (r.headersOut.status !== HTTP_OK || r !== r.main || r.disableNotModified) return next(r);
      const verdict = test(r);
      if (verdict === 0) return next(r);
      if (verdict === -1) return filterFinalize(r, -1, HTTP_PRECONDITION_FAILED);
      const out = r.headersOut;
      out.status = HTTP_NOT_MODIFIED;
      out.statusLine = undefined;
      out.contentType = '';
      clearContentLength(r);
      clearAcceptRanges(r);
      out.list.remove('content-encoding');
      return next(r);
    };
  },
});
