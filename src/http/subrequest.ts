/**
 * Subrequests: requests that a request makes to its own server, whose output takes its place in the response.
 * nginx: ngx_http_subrequest() (src/http/ngx_http_core_module.c).
 */
import { LOG_ALERT, LOG_ERR } from '../log/log.ts';
import { currentMsec } from '../log/time.ts';
import { coreModule } from './core/module.ts';
import { handleRequest } from './engine.ts';
import { dropChild, postRequest } from './finalize.ts';
import { HeaderList } from './headers.ts';
import { setExtension } from './redirect.ts';
import { HttpRequest, MAX_URI_CHANGES, METHOD_GET, type PostSubrequest, type RequestBody } from './request.ts';

export interface SubrequestOptions {
  /** The parent does not wait in the output's order; `r.done` tells when it has ended. nginx: NGX_HTTP_SUBREQUEST_WAITED. */
  waited?: boolean;
  /** The output is gathered by a filter, not sent. */
  inMemory?: boolean;
  /** The output is dropped and nobody waits. */
  background?: boolean;
  /** Its output is gathered by a filter and takes no place in the response. */
  detached?: boolean;
  /** Its header fields are a copy that may be changed; else it shares the parent's list. */
  ownHeaders?: boolean;
  post?: PostSubrequest;
}

/**
 * Creates a subrequest and posts it: it starts before control returns to the event loop. It begins as a GET with the
 * parent's headers and body; the caller may change it before then.
 * @returns undefined when the limit of nesting is reached (logged), as nginx's NGX_ERROR
 */
export function createSubrequest(
  r: HttpRequest,
  uri: string,
  args: string,
  options: SubrequestOptions,
): HttpRequest | undefined {
  if (r.subrequests === 0) {
    // Alerts match ngx_lua's line for those of location.capture.
    const who = options.detached === true ? 'lua subrequests' : 'subrequests';
    r.log(LOG_ERR, `${who} cycle while processing "${uri}"`);
    return undefined;
  }
  if (r.subrequestInMemory) {
    r.log(LOG_ERR, `nested in-memory subrequest "${uri}"`);
    return undefined;
  }
  const main = r.main;
  if (main.count >= 65535 - 1000) {
    r.log(LOG_ALERT, 'request reference counter overflow while processing subrequest');
    return undefined;
  }
  const server = coreModule.server(r);
  const { confs } = server;
  // The parent's values under a new object, so that changing the subrequest's leaves the parent's alone.
  const headers = r.headersIn.clone(options.ownHeaders === true ? undefined : r.headersIn.list);
  const sr = new HttpRequest(r.connection, r.http, r.mainConf, confs.server, confs.location, headers);
  sr.main = main;
  sr.parent = r;
  sr.requestBody = r.requestBody;
  sr.method = METHOD_GET;
  sr.methodName = 'GET';
  sr.httpVersion = r.httpVersion;
  sr.requestLine = r.requestLine;
  sr.httpProtocol = r.httpProtocol;
  sr.schema = r.schema;
  sr.unparsedUri = r.unparsedUri;
  sr.validUnparsedUri = false;
  sr.uri = uri;
  sr.args = args;
  setExtension(sr);
  sr.variables = r.variables;
  sr.captures = r.captures;
  sr.postSubrequest = options.post;
  sr.waited = options.waited === true;
  sr.subrequestInMemory = options.inMemory === true;
  sr.background = options.background === true;
  sr.internal = true;
  sr.discardBody = r.discardBody;
  sr.bodyDone = r.bodyDone;
  sr.expectTested = true;
  sr.mainFilterNeedInMemory = r.mainFilterNeedInMemory;
  sr.uriChanges = MAX_URI_CHANGES + 1;
  sr.subrequests = r.subrequests - 1;
  sr.startTime = currentMsec();
  sr.writeEventHandler = handleRequest;
  main.count++;
  (main.children ??= []).push(sr);
  if (!sr.background && options.detached !== true) {
    const c = r.connection;
    if (c.active === r && r.postponed.length === 0) c.active = sr;
    r.postponed.push({ request: sr, out: undefined });
  }
  postRequest(sr);
  return sr;
}

/** Gives a subrequest a body of its own in place of the parent's, with a list of header fields that says so. */
export function replaceBody(sr: HttpRequest, body: RequestBody): void {
  sr.requestBody = body;
  const headers = sr.headersIn;
  headers.contentLength = body.received;
  headers.chunked = false;
  const list = new HeaderList();
  list.add('Content-Length', String(body.received), 'content-length');
  const before = headers.list;
  for (let i = 0; i < before.length; i++) {
    const key = before.keys[i];
    if (key !== 'content-length' && key !== 'transfer-encoding') list.addFrom(before, i);
  }
  headers.list = list;
}

/** Takes back a subrequest that was created just now. */
export function cancelSubrequest(sr: HttpRequest): void {
  const { posted } = sr.connection;
  const i = posted.indexOf(sr);
  if (i >= 0) posted.splice(i, 1);
  sr.main.count--;
  dropChild(sr);
}
