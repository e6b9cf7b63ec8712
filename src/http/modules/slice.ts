/**
 * `slice`: fetches a large answer in ranges of one size, so that a cache holds them one by one. nginx:
 * src/http/modules/ngx_http_slice_filter_module.c.
 *
 * The location asks its upstream for `$slice_range`. The first answer tells how long the whole is; the client is sent
 * the header of the whole, or of the range that it asked for, and each further slice is fetched by a subrequest that is
 * a copy of the request.
 */
import type { ContextName, Directive } from '../../conf/directive.ts';
import { sizeSlot } from '../../conf/slots.ts';
import { LOG_ERR } from '../../log/log.ts';
import type { Chain } from '../buf.ts';
import { ERROR, HTTP_OK, HTTP_PARTIAL_CONTENT } from '../codes.ts';
import { updateLocationConfig } from '../core/location.ts';
import type { BodyFilter, HeaderFilter } from '../cycle.ts';
import { httpOf, insertFilters } from '../cycle.ts';
import { runPhases } from '../engine.ts';
import { httpModule } from '../module.ts';
import { sendLast } from '../output.ts';
import type { HttpRequest } from '../request.ts';
import { createSubrequest } from '../subrequest.ts';
import type { VariableSpec, VariableValue } from '../variables.ts';

interface SliceMain {
  used: boolean;
}

interface SliceLocation {
  /** Bytes; 0 for `slice 0`. */
  size: number;
}

/** Shared by a request and the subrequests that fetch its slices. */
interface SliceContext {
  /** Where the next slice begins, and where what the client gets ends. */
  start: number;
  end: number;
  /** $slice_range. */
  range: string;
  etag: string;
  /** The header of the slice that is under way has come. */
  active: boolean;
  /** All of the slice before has been passed on. */
  last: boolean;
  subrequest: HttpRequest | undefined;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

function rangeOf(start: number, size: number): string {
  return `bytes=${start}-${start + size - 1}`;
}

/** First byte that the client asks for, as far as that is simple. */
function firstByte(r: HttpRequest): number {
  const { list } = r.headersIn;
  const range = list.get('range');
  if (list.has('if-range') || range === undefined || range.includes(',')) return 0;
  const first = Number(/^bytes= *([0-9]*)/i.exec(range)?.[1] ?? '0');
  return Number.isSafeInteger(first) ? first : 0;
}

function sliceRange(r: HttpRequest): VariableValue {
  const known = sliceModule.context(r);
  if (known !== undefined) return known.range;
  const { size } = sliceModule.location(r);
  if (r !== r.main || r.headersOut.status !== 0 || size === 0) return null;
  const start = Math.floor(firstByte(r) / size) * size;
  const range = rangeOf(start, size);
  sliceModule.setContext(r, {
    start,
    end: 0,
    range,
    etag: '',
    active: false,
    last: false,
    subrequest: undefined,
  });
  return range;
}

/** `bytes 0-99/1000`: first byte, the one behind the last, and the whole's length, -1 for `*`. */
function parseContentRange(text: string | undefined): readonly [number, number, number] | undefined {
  const match = /^bytes +([0-9]+) *- *([0-9]+) *\/ *([0-9]+|\*) *$/.exec(text ?? '');
  if (match === null) return undefined;
  const numbers = [Number(match[1]), Number(match[2]) + 1, match[3] === '*' ? -1 : Number(match[3])] as const;
  return numbers.every(Number.isSafeInteger) ? numbers : undefined;
}

/** What is wrong with the answer for a slice; undefined when it is the one expected. */
function check(r: HttpRequest, ctx: SliceContext, size: number): string | readonly [number, number, number] {
  const { list } = r.headersOut;
  const etag = list.get('etag');
  if (ctx.etag !== '' && etag !== ctx.etag) return 'etag mismatch in slice response';
  if (etag !== undefined) ctx.etag = etag;
  const range = parseContentRange(list.get('content-range'));
  if (range === undefined) return 'invalid range in slice response';
  const [start, end, length] = range;
  if (length === -1) return 'no complete length in slice response';
  const expected = Math.min(start + size, length);
  if (start === ctx.start && end === expected) return range;
  return `unexpected range in slice response: ${start}-${end}, expected: ${ctx.start}-${expected}`;
}

function headerFilter(r: HttpRequest, next: HeaderFilter): number {
  const ctx = sliceModule.context(r);
  if (ctx === undefined) return next(r);
  const out = r.headersOut;
  if (out.status !== HTTP_PARTIAL_CONTENT) {
    if (r === r.main) {
      sliceModule.setContext(r, undefined);
      return next(r);
    }
    r.log(LOG_ERR, `unexpected status code ${out.status} in slice response`);
    return ERROR;
  }
  const { size } = sliceModule.location(r);
  const checked = check(r, ctx, size);
  if (typeof checked === 'string') {
    r.log(LOG_ERR, checked);
    return ERROR;
  }
  const [start, end, length] = checked;
  ctx.start = end;
  ctx.active = true;
  out.status = HTTP_OK;
  out.statusLine = undefined;
  out.contentLength = length;
  out.contentOffset = start;
  out.list.remove('content-range');
  out.list.remove('accept-ranges');
  r.allowRanges = true;
  r.subrequestRanges = true;
  r.singleRange = true;
  const rc = next(r);
  if (r !== r.main) return rc;
  r.preserveBody = true;
  // As the range filter has left it.
  if ((out.status as number) !== HTTP_PARTIAL_CONTENT) ctx.end = length;
  else {
    if (ctx.start + size <= out.contentOffset) ctx.start = Math.floor(out.contentOffset / size) * size;
    ctx.end = out.contentOffset + out.contentLength;
  }
  return rc;
}

function bodyFilter(r: HttpRequest, chain: Chain | null, next: BodyFilter): number {
  const ctx = sliceModule.context(r);
  if (ctx === undefined || r !== r.main) return next(r, chain);
  const pieces =
    chain?.map((b) => {
      if (!b.lastBuf) return b;
      ctx.last = true;
      return { ...b, lastBuf: false, lastInChain: true, sync: true };
    }) ?? null;
  const rc = next(r, pieces);
  if (rc === ERROR || !ctx.last) return rc;
  if (ctx.subrequest !== undefined && !ctx.subrequest.done) return rc;
  if (!ctx.active) {
    r.log(LOG_ERR, 'missing slice response');
    return ERROR;
  }
  if (ctx.start >= ctx.end) {
    sliceModule.setContext(r, undefined);
    sendLast(r);
    return rc;
  }
  if (r.buffered !== 0) return rc;
  return fetchNext(r, ctx) ? rc : ERROR;
}

/** Begins the subrequest for the next slice: the request itself once more, from where its content handler runs. */
function fetchNext(r: HttpRequest, ctx: SliceContext): boolean {
  const sr = createSubrequest(r, r.uri, r.args, {});
  if (sr === undefined) return false;
  sr.method = r.method;
  sr.methodName = r.methodName;
  sr.locConf = r.locConf;
  sr.validLocation = r.validLocation;
  sr.validUnparsedUri = r.validUnparsedUri;
  sr.contentHandler = r.contentHandler;
  sr.phaseHandler = r.phaseHandler;
  sr.writeEventHandler = runPhases;
  updateLocationConfig(sr);
  // Choosing the location's content handler again would be nothing else.
  sr.contentHandler = r.contentHandler;
  sliceModule.setContext(sr, ctx);
  ctx.subrequest = sr;
  ctx.range = rangeOf(ctx.start, sliceModule.location(r).size);
  ctx.active = false;
  return true;
}

const variables: readonly VariableSpec[] = [{ name: 'slice_range', noCacheable: true, get: sliceRange }];

const directives: readonly Directive<SliceLocation>[] = [
  sizeSlot<SliceLocation>('slice', CONTEXTS, 'location', 'size', 0, {
    doc: 'Size of the ranges in which answers are fetched; `$slice_range` is the one to ask for.',
    defaultText: '0',
    post(cf) {
      sliceModule.mainOf(httpOf(cf).confs).used = true;
      return undefined;
    },
  }),
];

export const sliceModule = httpModule<SliceMain, object, SliceLocation, SliceContext>({
  name: 'ngx_http_slice_filter_module',
  directives,
  variables,
  createMain: () => ({ used: false }),
  createLocation: () => ({ size: undefined }) as unknown as SliceLocation,
  postconfiguration(http) {
    if (sliceModule.mainOf(http.confs).used) insertFilters(http, headerFilter, bodyFilter);
  },
});
