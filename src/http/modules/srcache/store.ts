/**
 * srcache_store: a response is copied while it goes out, and given to the cache by a subrequest at its end.
 * srcache-nginx-module: ngx_http_srcache_store.c.
 */
import { LOG_DEBUG, LOG_ERR, LOG_WARN } from '../../../log/log.ts';
import { currentSecond, formatHttpTime } from '../../../log/time.ts';
import { bufSize, type Chain } from '../../buf.ts';
import {
  ERROR,
  HTTP_NO_CONTENT,
  HTTP_NOT_MODIFIED,
  HTTP_OK,
  HTTP_PARTIAL_CONTENT,
  HTTP_SPECIAL_RESPONSE,
  OK,
} from '../../codes.ts';
import type { BodyFilter, HeaderFilter } from '../../cycle.ts';
import { parseHttpTime } from '../../http-time.ts';
import { type HttpRequest, METHOD_HEAD } from '../../request.ts';
import { statusText } from '../../status.ts';
import { replaceBody } from '../../subrequest.ts';
import { ALLOW_RANGES } from './cached-header.ts';
import { adopt, contextOf, isSet, SrcacheContext, type SrcacheLocation } from './context.ts';
import { fetchBody, fetchHeader, startSubrequest } from './fetch.ts';
import { srcacheModule } from './module.ts';

/** Stored unless srcache_store_statuses says otherwise. */
const STATUSES: ReadonlySet<number> = new Set([200, 301, 302, 307, 308]);

/** What nginx's status line and the end of a header take, about: for a Content-Length that is too large already. */
const HEADER_GUESS = 15;

/** Whether a response must not be stored by its own word; else `ctx.validUntil` is set. */
function forbidsStoring(r: HttpRequest, conf: SrcacheLocation, ctx: SrcacheContext): boolean {
  const { list } = r.headersOut;
  for (const value of list.getAll('cache-control')) {
    const text = value.toLowerCase();
    if (!conf.storePrivate && text.includes('private')) return true;
    if (!conf.storeNoStore && text.includes('no-store')) return true;
    if (!conf.storeNoCache && text.includes('no-cache')) return true;
    if (ctx.validUntil !== 0) continue;
    const match = /max-age=([^,; ]*)/.exec(text);
    if (match === null) continue;
    const seconds = match[1] as string;
    if (!/^[0-9]*[1-9][0-9]*$/.test(seconds)) return true;
    ctx.validUntil = currentSecond() + Number(seconds);
  }
  if (ctx.validUntil !== 0) return false;
  const expires = list.get('expires');
  if (expires === undefined) return false;
  const time = parseHttpTime(expires);
  if (time <= currentSecond()) return true;
  ctx.validUntil = time;
  return false;
}

function decides(r: HttpRequest, conf: SrcacheLocation, ctx: SrcacheContext): boolean {
  const out = r.headersOut;
  if ((r.method & conf.methods & ~METHOD_HEAD) === 0) {
    r.log(LOG_DEBUG, `srcache_store skipped due to request method ${r.methodName}`);
    return false;
  }
  const encoding = out.list.get('content-encoding') ?? '';
  if (!conf.ignoreContentEncoding && encoding !== '') {
    const hint = 'maybe you forgot to disable compression on the backend?';
    r.log(LOG_WARN, `srcache_store skipped due to response header "Content-Encoding: ${encoding}" (${hint})`);
    return false;
  }
  if (conf.responseCacheControl && forbidsStoring(r, conf, ctx)) return false;
  if (isSet(r, conf.storeSkip)) {
    ctx.storeSkipped = true;
    return false;
  }
  if (!(conf.storeStatuses ?? STATUSES).has(out.status)) return false;
  const most = conf.storeMaxSize;
  return most === 0 || out.contentLength <= 0 || out.contentLength + HEADER_GUESS <= most;
}

export function headerFilter(r: HttpRequest, next: HeaderFilter): number {
  const ctx = contextOf(r);
  if (ctx === undefined || ctx.fromCache) return next(r);
  if (r !== r.main && srcacheModule.context(r) === undefined) adopt(r, ctx);
  if (ctx.role === 'fetch') return fetchHeader(r, ctx);
  if (ctx.role === 'store') {
    r.log(LOG_DEBUG, `srcache_store: subrequest returned status ${r.headersOut.status}`);
    ctx.ignoring = true;
    r.headerSent = true;
    if (r.method === METHOD_HEAD) r.headerOnly = true;
    return OK;
  }
  const conf = srcacheModule.location(r);
  if (conf.store === null || !decides(r, conf, ctx)) return next(r);
  if (r !== r.main) {
    r.log(LOG_ERR, 'ngx_srcache not working in subrequests (yet)');
    return ERROR;
  }
  r.filterNeedInMemory = true;
  ctx.status = r.headersOut.status;
  ctx.storing = true;
  const header = headerToStore(r, conf);
  ctx.stored.push(header);
  ctx.storedSize = header.length;
  return next(r);
}

/** The response's header as it is stored. */
function headerToStore(r: HttpRequest, conf: SrcacheLocation): string {
  const out = r.headersOut;
  const { hidden } = conf;
  if (out.statusLine === undefined && out.status === HTTP_NOT_MODIFIED) r.headerOnly = true;
  let text = `HTTP/1.1 ${out.statusLine ?? statusText(out.status)}\r\n`;
  if (!hidden.has('content-type') && out.contentType !== '') {
    text += `Content-Type: ${out.contentType}`;
    if (out.charset !== '' && !out.contentType.includes(';')) text += `; charset=${out.charset}`;
    text += '\r\n';
  }
  if (!hidden.has('last-modified') && out.lastModified !== -1) {
    if (!MODIFIED_STATUSES.has(out.status)) out.lastModified = -1;
    else if (!out.list.has('last-modified')) text += `Last-Modified: ${formatHttpTime(out.lastModified)}\r\n`;
  }
  if (r.allowRanges) text += `${ALLOW_RANGES}: 1\r\n`;
  const { list } = out;
  for (let i = 0; i < list.length; i++) {
    if (!hidden.has(list.keys[i] as string)) text += list.line(i);
  }
  return `${text}\r\n`;
}

/** Statuses of responses that have a Last-Modified. */
const MODIFIED_STATUSES: ReadonlySet<number> = new Set([
  HTTP_OK,
  HTTP_PARTIAL_CONTENT,
  HTTP_NOT_MODIFIED,
  HTTP_NO_CONTENT,
]);

export function bodyFilter(r: HttpRequest, chain: Chain | null, next: BodyFilter): number {
  if (chain === null) return next(r, chain);
  const ctx = contextOf(r);
  if (ctx === undefined || ctx.fromCache || ctx.storeSkipped) return next(r, chain);
  if (ctx.ignoring) return OK;
  if (ctx.role === 'fetch') return fetchBody(r, ctx, chain);
  if (ctx.storing) ctx.storing = keep(r, ctx, chain);
  return next(r, chain);
}

/** Copies a part of the body; at its end the whole goes to the cache. False when it is not to be stored after all. */
function keep(r: HttpRequest, ctx: SrcacheContext, chain: Chain): boolean {
  const conf = srcacheModule.location(r);
  const { status } = r.headersOut;
  if (status === HTTP_PARTIAL_CONTENT && ctx.status === HTTP_OK) {
    if (!conf.storeRanges) return false;
    // The range filter has made a part of it.
    ctx.stored[0] = (ctx.stored[0] as string).replace(/^(HTTP\/1\.1 20)0/, '$16');
    ctx.status = HTTP_PARTIAL_CONTENT;
  }
  let last = false;
  for (const b of chain) {
    if (b.lastBuf || b.lastInChain) last = true;
    if (b.data === undefined) continue;
    const size = bufSize(b);
    ctx.storedSize += size;
    ctx.storedBodySize += size;
    // What is in a buffer may change when it has been sent.
    ctx.stored.push(typeof b.data === 'string' ? b.data : Uint8Array.from(b.data));
  }
  if (conf.storeMaxSize !== 0 && ctx.storedSize > conf.storeMaxSize) return false;
  if (!last || r !== r.main) return true;
  const expected = r.headersOut.contentLength;
  if (expected > ctx.storedBodySize) {
    const sizes = `${expected} > ${ctx.storedBodySize}`;
    r.log(LOG_ERR, `srcache_store: skipped because response body truncated: ${sizes}`);
    return false;
  }
  if (status >= HTTP_SPECIAL_RESPONSE && status !== ctx.status) {
    r.log(LOG_ERR, `srcache_store: skipped due to new error status code ${status} (old: ${ctx.status})`);
    return false;
  }
  if (isSet(r, conf.storeSkip)) {
    const value = conf.storeSkip?.evaluate(r);
    r.log(LOG_DEBUG, `srcache_store skipped due to the true value in srcache_store_skip: "${value}"`);
    return false;
  }
  return store(r, ctx, conf);
}

function store(r: HttpRequest, ctx: SrcacheContext, conf: SrcacheLocation): boolean {
  if (conf.store === null) return false;
  const sr = startSubrequest(r, conf.store, new SrcacheContext('store'), afterStore);
  if (sr === undefined) return false;
  const chunks = ctx.stored.map((piece) => (typeof piece === 'string' ? piece : Buffer.from(piece.buffer)));
  replaceBody(sr, { chunks, received: ctx.storedSize, file: undefined });
  return true;
}

function afterStore(sr: HttpRequest, rc: number): void {
  const { status } = sr.headersOut;
  if (rc !== ERROR && rc < HTTP_SPECIAL_RESPONSE && status < HTTP_SPECIAL_RESPONSE) return;
  sr.log(LOG_ERR, `srcache_store subrequest failed: rc=${rc} status=${status}`);
}
