/**
 * ngx.location.capture and capture_multi: subrequests whose responses are gathered instead of sent.
 * ngx_lua: ngx_http_lua_subrequest.c, ngx_http_lua_capturefilter.c.
 */
import type { Chain } from '../http/buf.ts';
import {
  ERROR,
  HTTP_CLIENT_CLOSED_REQUEST,
  HTTP_CLOSE,
  HTTP_CREATED,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_NO_CONTENT,
  HTTP_OK,
  HTTP_REQUEST_TIME_OUT,
  HTTP_SPECIAL_RESPONSE,
  OK,
} from '../http/codes.ts';
import type { HttpCycle } from '../http/cycle.ts';
import { runPhases } from '../http/engine.ts';
import type { HeadersIn, HeadersOut } from '../http/headers.ts';
import { clearAcceptRanges, clearLastModified } from '../http/output.ts';
import {
  type HttpRequest,
  METHOD_GET,
  METHOD_HEAD,
  METHOD_POST,
  METHOD_PUT,
  METHODS,
  type RequestBody,
} from '../http/request.ts';
import { cancelSubrequest, createSubrequest } from '../http/subrequest.ts';
import { setByName } from '../http/variables.ts';
import { LOG_DEBUG, LOG_ERR } from '../log/log.ts';
import { apiModule, contextOf, current, requireRequest } from './context.ts';
import { isUnsafe } from './control.ts';
import { apiError } from './error.ts';
import { sendHeaderIfNeeded, setDefaultType } from './output.ts';
import {
  IN_ACCESS,
  IN_BODY_FILTER,
  IN_CONTENT,
  IN_HEADER_FILTER,
  IN_PRECONTENT,
  IN_REWRITE,
  IN_SERVER_REWRITE,
  IN_SET,
} from './phase.ts';
import type { Suspension } from './suspension.ts';

const PHASES = IN_REWRITE | IN_SERVER_REWRITE | IN_ACCESS | IN_PRECONTENT | IN_CONTENT;

/** Where it may be done besides when the code may wait in every phase. There, the request itself may be busy otherwise. */
const BESIDE = IN_SET | IN_HEADER_FILTER | IN_BODY_FILTER;

/** One subrequest to make. */
export interface CaptureRequest {
  /** Path, with or without a query string. */
  readonly uri: string;
  /** Added to the query string. */
  readonly args?: string;
  /** A METHOD_ bit; GET by default. */
  readonly method?: number;
  readonly body?: string;
  readonly alwaysForwardBody?: boolean;
  /** Fields added to, or put in place of, the parent's. */
  readonly headers?: readonly (readonly [string, string])[];
  /** Values of variables in the subrequest. */
  readonly vars?: readonly (readonly [string, string])[];
  readonly shareAllVars?: boolean;
  readonly copyAllVars?: boolean;
  /** Called with the subrequest before it starts: the host passes ngx.ctx on. */
  readonly prepare?: (sr: HttpRequest) => void;
}

/** A gathered response. */
export interface CaptureResponse {
  readonly status: number;
  readonly headers: HeadersOut;
  readonly body: string;
  /** The end of the response was not seen. */
  readonly truncated: boolean;
}

/** Where the response of a captured subrequest goes while it runs. Kept in HttpRequest.capture. */
class Capture {
  body = '';
  seenLast = false;
  finished = false;
  response: CaptureResponse | undefined = undefined;
}

const NOTHING: readonly never[] = [];

const NAMES: ReadonlyMap<number, string> = new Map([...METHODS].map(([name, bit]) => [bit, name]));

/**
 * Starts the subrequests and waits for all of them.
 * @throws ApiError for a wrong phase, an unsafe URI, too deep a nesting
 */
export function capture(requests: readonly CaptureRequest[]): Suspension<CaptureResponse[]> {
  const beside = current?.mayWait === true && (current.phase & BESIDE) !== 0;
  const ctx = requireRequest(beside ? BESIDE : PHASES);
  const r = ctx.r;
  const captures: Capture[] = [];
  let pending = requests.length;
  let notify: ((responses: CaptureResponse[]) => void) | undefined;
  const finish = () => {
    pending--;
    if (pending > 0) return;
    ctx.noAbort--;
    if (beside) {
      setImmediate(() => notify?.(captures.map((one) => one.response as CaptureResponse)));
      return;
    }
    // The parent goes on from its own event, which finalizing the subrequest posts.
    const resume = (): void => notify?.(captures.map((one) => one.response as CaptureResponse));
    ctx.finished = ctx.finished.length === 0 ? [resume] : [...ctx.finished, resume];
    r.writeEventHandler = resumeParent;
  };
  for (const request of requests) {
    const one = new Capture();
    captures.push(one);
    start(r, request, one, finish, beside);
  }
  ctx.noAbort++;
  return {
    start(done) {
      notify = done;
      return () => {
        notify = undefined;
      };
    },
  };
}

/** Runs what waits for a finished subrequest, one waiter an event, as each has posted the parent once. */
function resumeParent(r: HttpRequest): void {
  const ctx = contextOf(r);
  const next = ctx.finished[0];
  ctx.finished = ctx.finished.length > 1 ? ctx.finished.slice(1) : NOTHING;
  if (ctx.finished.length === 0) r.writeEventHandler = ctx.entered === IN_CONTENT ? ctx.writable : runPhases;
  // Else each subrequest of a loop would go deeper into the stack.
  ctx.inEvent = true;
  try {
    next?.();
  } finally {
    ctx.inEvent = false;
  }
}

function start(r: HttpRequest, request: CaptureRequest, one: Capture, finish: () => void, beside: boolean): void {
  const q = request.uri.indexOf('?');
  const path = q < 0 ? request.uri : request.uri.slice(0, q);
  if (path === '' || isUnsafe(path)) {
    r.log(LOG_ERR, `unsafe URI "${path}" was detected`);
    apiError(`unsafe uri in argument #1: ${request.uri}`);
  }
  if (request.method !== undefined && !NAMES.has(request.method)) {
    r.log(LOG_ERR, `unsupported HTTP method: ${request.method}`);
    apiError(`failed to adjust the subrequest: ${ERROR}`);
  }
  const own = q < 0 ? '' : request.uri.slice(q + 1);
  const added = request.args ?? '';
  const args = own === '' ? added : added === '' ? own : `${own}&${added}`;
  const ctx = contextOf(r);
  if (ctx.debugging) ctx.debug(`lua http subrequest "${path}?${args}"`);
  const sr = createSubrequest(r, path, args, {
    detached: true,
    background: beside,
    ownHeaders: true,
    post: (child, rc) => postSubrequest(child, rc, one, finish),
  });
  if (sr === undefined) apiError('failed to issue subrequest: -1');
  sr.capture = one;
  const rc = adjust(sr, r, request);
  if (rc !== OK) {
    cancelSubrequest(sr);
    apiError(`failed to adjust the subrequest: ${rc}`);
  }
  request.prepare?.(sr);
}

/** Method, body, headers and variables as the options say; OK, or a code. ngx_lua: ngx_http_lua_adjust_subrequest(). */
function adjust(sr: HttpRequest, r: HttpRequest, request: CaptureRequest): number {
  const method = request.method ?? METHOD_GET;
  const headers = sr.headersIn;
  if (request.body !== undefined) {
    sr.requestBody = bodyOf(request.body);
    setLength(headers, request.body.length);
  } else if (
    request.alwaysForwardBody !== true &&
    method !== METHOD_PUT &&
    method !== METHOD_POST &&
    r.headersIn.contentLength > 0
  ) {
    sr.requestBody = undefined;
    setLength(headers, -1);
  } else if (sr.requestBody !== undefined && headers.chunked) {
    setLength(headers, sr.requestBody.received);
  }
  if (request.headers !== undefined) for (const [key, value] of request.headers) headers.list.set(key, value);
  sr.method = method;
  sr.methodName = NAMES.get(method) as string;
  if (request.shareAllVars !== true) sr.variables = request.copyAllVars === true ? r.variables.slice() : [];
  for (const [key, value] of request.vars ?? NOTHING) {
    const failure = setByName(sr, key, value);
    if (failure === undefined) continue;
    const unchangeable = failure.endsWith('not changeable');
    const forgotten = `variable "${key}" cannot be assigned a value (maybe you forgot to define it first?) `;
    sr.log(LOG_ERR, unchangeable ? failure : forgotten);
    return unchangeable ? HTTP_INTERNAL_SERVER_ERROR : ERROR;
  }
  return OK;
}

function bodyOf(text: string): RequestBody {
  return { chunks: text === '' ? [] : [text], received: text.length, file: undefined };
}

/** Content-Length as the subrequest's body has it; -1 for none. */
function setLength(headers: HeadersIn, length: number): void {
  headers.contentLength = length;
  headers.chunked = false;
  headers.list.remove('transfer-encoding');
  if (length < 0) headers.list.remove('content-length');
  else headers.list.set('Content-Length', String(length), 'content-length');
}

/** A subrequest has ended: its status, header and body become the result. */
function postSubrequest(sr: HttpRequest, rc: number, one: Capture, finish: () => void): number {
  const c = sr.connection;
  if (one.finished) {
    c.active = sr;
    return OK;
  }
  one.finished = true;
  const parent = sr.parent as HttpRequest;
  let status = sr.headersOut.status;
  if (status === 0) {
    if (rc === OK) status = HTTP_OK;
    else if (rc === ERROR) status = HTTP_INTERNAL_SERVER_ERROR;
    else if (rc >= 100) status = rc;
  }
  const ctx = apiModule.context(sr);
  if (ctx?.headersSet === true) setDefaultType(sr, ctx);
  one.response = { status, headers: sr.headersOut, body: one.body, truncated: !one.seenLast };
  finish();
  if (!sr.background) {
    c.posted.unshift(parent);
    // As if it were its turn to output, so that finalizing it hands over to the parent at once.
    c.active = sr;
  }
  const failed = rc === ERROR || rc === HTTP_CREATED || rc === HTTP_NO_CONTENT || rc >= HTTP_SPECIAL_RESPONSE;
  if (!failed || rc === HTTP_CLOSE || rc === HTTP_REQUEST_TIME_OUT || rc === HTTP_CLIENT_CLOSED_REQUEST) return rc;
  if (rc > OK) {
    // In place of an error page, which nobody would see.
    sr.errStatus = rc;
    sr.expectTested = true;
    sr.headersOut.contentType = '';
    sr.headersOut.contentLength = 0;
    clearAcceptRanges(sr);
    clearLastModified(sr);
    if (sendHeaderIfNeeded(sr, contextOf(sr)) === ERROR) return ERROR;
  }
  return OK;
}

function gather(one: Capture, chain: Chain): void {
  for (const b of chain) {
    if (typeof b.data === 'string') one.body += b.data;
    else if (b.data !== undefined) {
      one.body += Buffer.from(b.data.buffer, b.data.byteOffset, b.data.length).toString('latin1');
    }
    if (b.lastBuf || b.lastInChain) one.seenLast = true;
  }
}

const installed = new WeakSet<HttpCycle>();

/** Puts the filters that gather responses in front of those there are. Each host asks for them; once is enough. */
export function installCaptureFilters(http: HttpCycle): void {
  if (installed.has(http)) return;
  installed.add(http);
  const nextHeader = http.topHeaderFilter;
  http.topHeaderFilter = (r) => {
    if (r.connection.errorLog.level >= LOG_DEBUG) r.log(LOG_DEBUG, `lua capture header filter, uri "${r.uri}"`);
    if (r.capture === undefined) return nextHeader(r);
    r.filterNeedInMemory = true;
    r.headerSent = true;
    const ctx = apiModule.context(r);
    if (ctx !== undefined) ctx.headerSent = true;
    if (r.method === METHOD_HEAD) r.headerOnly = true;
    return OK;
  };
  const nextBody = http.topBodyFilter;
  http.topBodyFilter = (r, chain) => {
    if (chain === null) return nextBody(r, chain);
    if (r.connection.errorLog.level >= LOG_DEBUG) r.log(LOG_DEBUG, `lua capture body filter, uri "${r.uri}"`);
    if (r.capture === undefined) return nextBody(r, chain);
    const one = r.capture as Capture;
    if (!one.finished) gather(one, chain);
    return OK;
  };
}
