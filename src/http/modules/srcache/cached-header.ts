/**
 * The header that stands in front of a cached response: read from the cache into the response of the request that
 * asked. srcache-nginx-module: ngx_http_srcache_process_header(), ngx_http_srcache_headers.c.
 */
import { LOG_ERR } from '../../../log/log.ts';
import { parseHttpTime } from '../../http-time.ts';
import type { HttpRequest } from '../../request.ts';
import { charsetOf } from '../../upstream/headers.ts';
import type { SrcacheContext } from './context.ts';

/** Tells that the response may be sent in parts: stored with it, not sent. */
export const ALLOW_RANGES = 'X-SRCache-Allow-Ranges';

/**
 * Reads on.
 *
 * @param r for the log
 * @param to whose response gets the fields
 * @param limit most bytes of a line
 * @returns what comes behind the header, '' while it is not complete (`ctx.parsing`), undefined when it cannot be used
 */
export function readCachedHeader(
  r: HttpRequest,
  to: HttpRequest,
  ctx: SrcacheContext,
  data: string | Uint8Array,
  limit: number,
): string | undefined {
  const text = ctx.line + (typeof data === 'string' ? data : Buffer.from(data).toString('latin1'));
  let at = 0;
  for (;;) {
    const end = text.indexOf('\n', at);
    const size = (end < 0 ? text.length : end + 1) - at;
    if (ctx.statusSeen && size > limit) {
      const hint = 'maybe you should consider increasing srcache_header_buffer_size?';
      r.log(LOG_ERR, `srcache_fetch: header buffer overflown (${hint})`);
      return undefined;
    }
    const line = text.slice(at, end < 0 ? undefined : text[end - 1] === '\r' && end > at ? end - 1 : end);
    if (!ctx.statusSeen && !(end < 0 ? mayBeStatusLine(line) : STATUS_LINE.test(line))) {
      r.log(LOG_ERR, 'srcache_fetch: cache sent invalid status line');
      return undefined;
    }
    if (end < 0) {
      ctx.line = text.slice(at);
      return '';
    }
    at = end + 1;
    if (!ctx.statusSeen) {
      ctx.statusSeen = true;
      to.headersOut.status = Number((STATUS_LINE.exec(line) as RegExpExecArray)[1]);
    } else if (line === '') {
      ctx.parsing = false;
      ctx.line = '';
      return text.slice(at);
    } else if (!receiveLine(to, line)) {
      r.log(LOG_ERR, 'srcache_fetch: cache sent invalid header');
      return undefined;
    }
  }
}

const STATUS_LINE = /^HTTP\/\d+\.\d+ +(\d{3})(?: .*)?$/;

/** The start of a line that is not complete could be one. */
function mayBeStatusLine(text: string): boolean {
  return 'HTTP/'.startsWith(text) || /^HTTP\/\d*\.?\d* *\d{0,3}(?:[ \r].*)?$/.test(text);
}

function receiveLine(to: HttpRequest, line: string): boolean {
  const colon = line.indexOf(':');
  const name = colon < 0 ? line : line.slice(0, colon);
  if (name === '' || /[\0-\x20\x7f]/.test(name) || line.includes('\0')) return false;
  receiveField(to, name, colon < 0 ? '' : line.slice(colon + 1).replace(/^ +| +$/g, ''));
  return true;
}

function receiveField(r: HttpRequest, name: string, value: string): void {
  const out = r.headersOut;
  const key = name.toLowerCase();
  switch (key) {
    case 'content-type':
      out.contentType = value;
      out.contentTypeKey = '';
      out.charset = charsetOf(value);
      return;
    // The body's length is known, and the connection is another one.
    case 'content-length':
    case 'connection':
    case 'keep-alive':
      return;
    case 'x-srcache-allow-ranges':
      r.allowRanges = true;
      return;
    case 'date':
      out.date = '';
      break;
    case 'server':
      out.server = '';
      break;
    case 'last-modified':
      out.lastModified = parseHttpTime(value);
      break;
    case 'location':
      out.locationAsIs = value.startsWith('/');
      break;
  }
  out.list.add(name, value, key);
}
