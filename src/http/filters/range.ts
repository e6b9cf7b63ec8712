/**
 * Byte ranges (RFC 9110 section 14): one range or multipart/byteranges.
 * nginx: src/http/modules/ngx_http_range_filter_module.c, whose header part runs late (with Accept-Ranges last) and
 * whose body part runs early (on pieces as the content handler made them).
 */
import { type Buf, bufSize, type Chain, memoryBuf } from '../buf.ts';
import { DECLINED, HTTP_OK, HTTP_PARTIAL_CONTENT, HTTP_RANGE_NOT_SATISFIABLE, OK } from '../codes.ts';
import { coreModule } from '../core/module.ts';
import type { BodyFilter, HeaderFilter } from '../cycle.ts';
import { parseHttpTime } from '../http-time.ts';
import { httpModule } from '../module.ts';
import { clearContentLength } from '../output.ts';
import { HTTP_VERSION_10, type HttpRequest } from '../request.ts';

interface Range {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** Multipart: the part's own header. */
  head: string;
}

interface RangeContext {
  /** Position in the whole content of the next piece that comes. */
  offset: number;
  ranges: Range[];
  boundary: string;
  /** Multipart: index of the range being sent. */
  current: number;
}

/** No limit was configured: then many small ranges whose frames outweigh them are served as a whole. */
export const MAX_RANGES_UNSET = 2147483647;

let boundaries = Math.floor(Math.random() * 1e9);

/** Ranges of a `bytes=` list within `length` bytes; DECLINED to send everything, 416 when none can be met. */
function parseRanges(text: string, length: number, max: number): Range[] | number {
  const ranges: Range[] = [];
  let size = 0;
  for (const item of text.slice(6).split(',')) {
    const m = /^ *(?:(\d+) *- *(\d*)|-(\d+)) *$/.exec(item);
    if (m === null) return HTTP_RANGE_NOT_SATISFIABLE;
    let start: number;
    let end: number;
    if (m[3] !== undefined) {
      start = Math.max(length - Number(m[3]), 0);
      end = length;
    } else {
      start = Number(m[1]);
      end = m[2] === '' ? length : Math.min(Number(m[2]) + 1, length);
    }
    // Beyond what numbers hold exactly no file reaches either.
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(Number(m[2] ?? ''))) return HTTP_RANGE_NOT_SATISFIABLE;
    if (start < end) {
      ranges.push({ start, end, head: '' });
      size += end - start;
      if (ranges.length > max) return DECLINED;
    } else if (start === 0) return DECLINED;
  }
  if (ranges.length === 0) return HTTP_RANGE_NOT_SATISFIABLE;
  if (ranges.length === 1) return ranges;
  if (size > length) return DECLINED;
  if (max === MAX_RANGES_UNSET && size + ranges.length * 256 > length + 4096) return DECLINED;
  return ranges;
}

/** If-Range: an entity tag or a date that must be the present one. */
function ifRangeHolds(r: HttpRequest): boolean {
  const value = r.headersIn.list.get('if-range');
  if (value === undefined) return true;
  if (value.length >= 2 && value.endsWith('"')) return value === r.headersOut.list.get('etag');
  const modified = r.headersOut.lastModified;
  return modified !== -1 && parseHttpTime(value) === modified;
}

function headerFilter(r: HttpRequest, next: HeaderFilter): number {
  const out = r.headersOut;
  if (
    !r.allowRanges ||
    r.httpVersion < HTTP_VERSION_10 ||
    out.status !== HTTP_OK ||
    (r !== r.main && !r.subrequestRanges) ||
    out.contentLength === -1
  ) {
    return next(r);
  }
  const max = coreModule.location(r).maxRanges;
  if (max === 0) return next(r);
  const asked = r.headersIn.list.get('range');
  if (asked !== undefined && asked.length >= 7 && /^bytes=/i.test(asked) && ifRangeHolds(r)) {
    const length = out.contentLength;
    // A subrequest is a part of what the main request has cut into ranges already.
    const known = r === r.main ? undefined : rangeBodyModule.context(r.main)?.ranges;
    const ranges = known ?? parseRanges(asked, length, r.singleRange ? 1 : max);
    if (ranges === HTTP_RANGE_NOT_SATISFIABLE) {
      out.status = HTTP_RANGE_NOT_SATISFIABLE;
      out.list.remove('content-range');
      out.list.add('Content-Range', `bytes */${length}`, 'content-range');
      clearContentLength(r);
      return HTTP_RANGE_NOT_SATISFIABLE;
    }
    if (typeof ranges !== 'number') {
      const ctx: RangeContext = { offset: out.contentOffset, ranges, boundary: '', current: 0 };
      rangeBodyModule.setContext(r, ctx);
      out.status = HTTP_PARTIAL_CONTENT;
      out.statusLine = undefined;
      if (r !== r.main) return next(r);
      if (ranges.length === 1) single(r, ranges[0] as Range, length);
      else multipart(r, ctx, length);
      return next(r);
    }
  }
  out.list.add('Accept-Ranges', 'bytes', 'accept-ranges');
  return next(r);
}

function single(r: HttpRequest, range: Range, length: number): void {
  const out = r.headersOut;
  out.list.remove('content-range');
  out.list.add('Content-Range', `bytes ${range.start}-${range.end - 1}/${length}`, 'content-range');
  clearContentLength(r);
  out.contentLength = range.end - range.start;
  out.contentOffset = range.start;
}

function multipart(r: HttpRequest, ctx: RangeContext, length: number): void {
  const out = r.headersOut;
  ctx.boundary = String(++boundaries).padStart(20, '0');
  const charset = out.charset !== '' && !out.contentType.includes(';') ? `; charset=${out.charset}` : '';
  const type = out.contentType === '' ? '' : `Content-Type: ${out.contentType}${charset}\r\n`;
  let size = `\r\n--${ctx.boundary}--\r\n`.length;
  for (const range of ctx.ranges) {
    range.head = `\r\n--${ctx.boundary}\r\n${type}Content-Range: bytes ${range.start}-${range.end - 1}/${length}\r\n\r\n`;
    size += range.head.length + range.end - range.start;
  }
  out.contentType = `multipart/byteranges; boundary=${ctx.boundary}`;
  out.charset = '';
  clearContentLength(r);
  out.contentLength = size;
}

/** The part of a piece that lies in [start, end) of the content, the piece beginning at `offset`. */
function cut(b: Buf, offset: number, start: number, end: number): Buf | undefined {
  const size = bufSize(b);
  const from = Math.max(start - offset, 0);
  const to = Math.min(end - offset, size);
  if (from >= to) return undefined;
  if (from === 0 && to === size) return { ...b, lastBuf: false, lastInChain: false };
  const piece: Buf = { ...b, lastBuf: false, lastInChain: false };
  if (b.data === undefined) {
    piece.filePos = b.filePos + from;
    piece.fileLast = b.filePos + to;
  } else if (typeof b.data === 'string') piece.data = b.data.slice(from, to);
  else piece.data = b.data.subarray(from, to);
  return piece;
}

function bodyFilter(r: HttpRequest, chain: Chain | null, next: BodyFilter): number {
  const ctx = rangeBodyModule.context(r);
  if (ctx === undefined || chain === null) return next(r, chain);
  const out: Chain = [];
  let last: Buf | undefined;
  for (const b of chain) {
    const size = bufSize(b);
    if (size > 0) cutRanges(ctx, b, size, out);
    ctx.offset += size;
    if (b.lastBuf || b.lastInChain) last = b;
    else if (size === 0) out.push(b);
  }
  if (last !== undefined) {
    const end = memoryBuf(ctx.boundary === '' ? '' : `\r\n--${ctx.boundary}--\r\n`);
    end.lastBuf = last.lastBuf;
    end.lastInChain = last.lastInChain;
    out.push(end);
  }
  return out.length === 0 ? OK : next(r, out);
}

/** Adds what the ranges want of one piece. Multipart parts come in the order asked for, as far as pieces allow. */
function cutRanges(ctx: RangeContext, b: Buf, size: number, out: Chain): void {
  for (; ctx.current < ctx.ranges.length; ctx.current++) {
    const range = ctx.ranges[ctx.current] as Range;
    const piece = cut(b, ctx.offset, range.start, range.end);
    if (piece !== undefined) {
      if (ctx.offset <= range.start && ctx.boundary !== '') out.push(memoryBuf(range.head));
      out.push(piece);
    }
    if (range.end > ctx.offset + size) return;
  }
}

export const rangeHeaderModule = httpModule({
  name: 'ngx_http_range_header_filter_module',
  postconfiguration(http) {
    const next = http.topHeaderFilter;
    http.topHeaderFilter = (r) => headerFilter(r, next);
  },
});

export const rangeBodyModule = httpModule<object, object, object, RangeContext>({
  name: 'ngx_http_range_body_filter_module',
  postconfiguration(http) {
    const next = http.topBodyFilter;
    http.topBodyFilter = (r, chain) => bodyFilter(r, chain, next);
  },
});
