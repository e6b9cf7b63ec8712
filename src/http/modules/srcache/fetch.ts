/**
 * srcache_fetch: before the content phase the cache is asked by a subrequest; when it has a response, that is sent.
 * srcache-nginx-module: ngx_http_srcache_fetch.c.
 */
import { LOG_DEBUG, LOG_ERR } from '../../../log/log.ts';
import { type Chain, chainSize, flagBuf } from '../../buf.ts';
import { AGAIN, DECLINED, DONE, ERROR, HTTP_OK, HTTP_SPECIAL_RESPONSE, OK } from '../../codes.ts';
import { runPhases } from '../../engine.ts';
import { finalizeRequest } from '../../finalize.ts';
import { outputFilter, sendHeader } from '../../output.ts';
import { type HttpRequest, METHOD_HEAD } from '../../request.ts';
import { createSubrequest } from '../../subrequest.ts';
import { parseUnsafeUri } from '../../unsafe-uri.ts';
import { readCachedHeader } from './cached-header.ts';
import { adopt, type CacheRequest, contextOf, isSet, SrcacheContext } from './context.ts';
import { srcacheModule } from './module.ts';

/** What the client says about caches: whether it wants a fresh answer, and whether that may be stored. */
function requestControl(r: HttpRequest): { noCache: boolean; noStore: boolean } {
  const { list } = r.headersIn;
  const control = list.getAll('cache-control').join(',').toLowerCase();
  const pragma = list.getAll('pragma').join(',').toLowerCase();
  return {
    noCache: control.includes('no-cache') || pragma.includes('no-cache'),
    noStore: control.includes('no-store'),
  };
}

/** The last handler of the access phase. */
export function accessHandler(r: HttpRequest): number {
  const conf = srcacheModule.location(r);
  if (conf.fetch === null && conf.store === null) return DECLINED;
  if ((r.method & conf.methods) === 0) return DECLINED;
  if (conf.requestCacheControl) {
    const { noCache, noStore } = requestControl(r);
    if (noCache) {
      // The answer may be stored all the same.
      if (!noStore) srcacheModule.setContext(r, new SrcacheContext('main'));
      return DECLINED;
    }
  }
  let ctx = srcacheModule.context(r);
  if (ctx === undefined) {
    ctx = new SrcacheContext('main');
    srcacheModule.setContext(r, ctx);
    if (isSet(r, conf.fetchSkip)) return DECLINED;
  } else {
    if (ctx.waitingFetch || ctx.waitingBody) return AGAIN;
    if (ctx.fetchDone) return ctx.fromCache ? sendCached(r, ctx) : DECLINED;
  }
  if (conf.fetch === null) return DECLINED;
  // Subrequests share the body, so it is read first.
  if (r.requestBody === undefined) {
    const rc = r.connection.readBody(r, afterBody);
    if (rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) return rc;
    r.main.count--;
    if (rc === AGAIN) {
      ctx.waitingBody = true;
      return AGAIN;
    }
  }
  const sr = startSubrequest(r, conf.fetch, new SrcacheContext('fetch'), afterFetch);
  if (sr === undefined) return ERROR;
  ctx.fetchIssued = true;
  ctx.waitingFetch = true;
  return AGAIN;
}

function afterBody(r: HttpRequest): void {
  const ctx = srcacheModule.context(r);
  // Reading has put its own in the place of it.
  r.writeEventHandler = runPhases;
  if (ctx === undefined || !ctx.waitingBody) return;
  ctx.waitingBody = false;
  runPhases(r);
}

/** Asks the cache. Undefined: it cannot be asked. */
export function startSubrequest(
  r: HttpRequest,
  request: CacheRequest,
  ctx: SrcacheContext,
  post: (sr: HttpRequest, rc: number, ctx: SrcacheContext) => void,
): HttpRequest | undefined {
  const target = parseUnsafeUri(request.location.evaluate(r));
  if (target === undefined) return undefined;
  const args = request.args?.evaluate(r) ?? '';
  const sr = createSubrequest(r, target.uri, args === '' ? (target.args ?? '') : args, {
    post: (ended, rc) => {
      post(ended, rc, ctx);
      return OK;
    },
  });
  if (sr === undefined) return undefined;
  sr.method = request.method;
  sr.methodName = request.methodName;
  // The parent's variables are its own.
  sr.variables = [];
  adopt(sr, ctx);
  return sr;
}

function afterFetch(sr: HttpRequest, rc: number, ctx: SrcacheContext): void {
  const parent = srcacheModule.context(sr.parent as HttpRequest);
  if (parent === undefined) return;
  if (ctx.parsing) {
    sr.log(LOG_ERR, 'srcache_fetch: cache sent truncated status line or headers');
    parent.fromCache = false;
  } else if (sr.headersOut.status >= HTTP_SPECIAL_RESPONSE || rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE) {
    parent.fromCache = false;
  } else if (!ctx.ended) {
    sr.log(LOG_ERR, 'srcache_fetch: cache sent truncated response body');
    parent.fromCache = false;
  }
  parent.waitingFetch = false;
  parent.fetchDone = true;
}

function sendCached(r: HttpRequest, ctx: SrcacheContext): number {
  r.headersOut.contentLength = chainSize(ctx.bodyFromCache);
  let rc = sendHeader(r);
  if (rc === ERROR || rc > OK) return rc;
  if (r.headerOnly) return HTTP_OK;
  if (!r.filterFinalize) {
    const last = flagBuf();
    last.lastBuf = true;
    rc = outputFilter(r, [...ctx.bodyFromCache, last]);
    if (rc === ERROR || rc > OK) return rc;
  }
  finalizeRequest(r, rc);
  return DONE;
}

/** The header of the cache's answer to a fetch. */
export function fetchHeader(r: HttpRequest, ctx: SrcacheContext): number {
  const parent = contextOf(r.parent as HttpRequest);
  if (parent === undefined) {
    ctx.ignoring = true;
    return ERROR;
  }
  r.log(LOG_DEBUG, `srcache_fetch: subrequest returned status ${r.headersOut.status}`);
  r.headerSent = true;
  if (r.method === METHOD_HEAD) r.headerOnly = true;
  if (r.headersOut.status !== HTTP_OK) {
    ctx.ignoring = true;
    parent.waitingFetch = false;
    return OK;
  }
  r.filterNeedInMemory = true;
  parent.fromCache = true;
  ctx.parsing = true;
  return OK;
}

/** A part of that answer: a response with header and body. */
export function fetchBody(r: HttpRequest, ctx: SrcacheContext, chain: Chain): number {
  const requester = r.parent as HttpRequest;
  const parent = contextOf(requester);
  if (parent === undefined) return ERROR;
  for (const b of chain) {
    let data = b.data;
    if (ctx.parsing && data !== undefined) {
      const limit = srcacheModule.location(requester).headerBufferSize;
      const rest = readCachedHeader(r, requester, ctx, data, limit);
      if (rest === undefined) {
        ctx.parsing = false;
        ctx.ignoring = true;
        parent.fromCache = false;
        return OK;
      }
      data = rest;
    }
    if (ctx.parsing) continue;
    if (data !== undefined && data.length > 0) {
      parent.bodyFromCache.push({ ...b, data, flush: false, lastBuf: false, lastInChain: false });
    }
    if (b.lastBuf || b.lastInChain) ctx.ended = true;
  }
  return OK;
}
