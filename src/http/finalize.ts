/**
 * How requests end: main ones by keep-alive or close, subrequests by handing the output to their parent.
 *
 * The rule that holds it together: a main request counts who may still touch it (`r.main.count`: itself, each
 * subrequest, each pending redirect, body read or Lua thread); whoever is done calls `finalizeRequest`, and the last
 * one frees it. nginx: ngx_http_finalize_request() and friends (src/http/ngx_http_request.c).
 */
import { LOG_ALERT, LOG_DEBUG, LOG_INFO } from '../log/log.ts';
import {
  DECLINED,
  DONE,
  ERROR,
  HTTP_CLIENT_CLOSED_REQUEST,
  HTTP_CLOSE,
  HTTP_CREATED,
  HTTP_NO_CONTENT,
  HTTP_REQUEST_TIME_OUT,
  HTTP_SPECIAL_RESPONSE,
  OK,
} from './codes.ts';
import type { ClientConnection } from './connection.ts';
import { coreModule } from './core/module.ts';
import { runPhases } from './engine.ts';
import { outputFilter } from './output.ts';
import { startPostAction } from './post-action.ts';
import { BUFFERED_BY_CODE, type HttpRequest, noEvent } from './request.ts';
import { specialResponse } from './special-response.ts';
import { countStat } from './stats.ts';

/** Ends the current step of a request with a result code or a status. nginx: ngx_http_finalize_request(). */
export function finalizeRequest(r: HttpRequest, rc: number): void {
  const c = r.connection;
  for (;;) {
    if (c.errorLog.level >= LOG_DEBUG) {
      const a = r === c.active ? 1 : 0;
      r.log(LOG_DEBUG, `http finalize request: ${rc}, "${r.uri}?${r.args}" a:${a}, c:${r.main.count}`);
    }
    if (rc === DONE) {
      finalizeConnection(r);
      return;
    }
    if (rc === OK && r.filterFinalize) c.error = true;
    if (rc === DECLINED) {
      r.contentHandler = undefined;
      r.writeEventHandler = runPhases;
      runPhases(r);
      return;
    }
    if (r !== r.main && r.postSubrequest !== undefined) {
      if ((r.buffered & BUFFERED_BY_CODE) !== 0 && rc <= OK && rc !== ERROR) {
        // Its end is told when its output has passed the filters.
        setWriteHandler(r);
        return;
      }
      rc = r.postSubrequest(r, rc);
    }
    if (rc === ERROR || rc === HTTP_REQUEST_TIME_OUT || rc === HTTP_CLIENT_CLOSED_REQUEST || c.error) {
      if (startPostAction(r)) return;
      terminateRequest(r, rc);
      return;
    }
    if (rc < HTTP_SPECIAL_RESPONSE && rc !== HTTP_CREATED && rc !== HTTP_NO_CONTENT) break;
    if (rc === HTTP_CLOSE) {
      c.timedOut = true;
      terminateRequest(r, rc);
      return;
    }
    if (r === r.main) c.clearSendTimeout();
    rc = specialResponse(r, rc);
  }

  if (r !== r.main) {
    finalizeSubrequest(r);
    return;
  }
  if (r.buffered !== 0 || c.buffered || r.postponed.length > 0) {
    setWriteHandler(r);
    return;
  }
  if (r !== c.active) {
    r.log(LOG_ALERT, `http finalize non-active request: "${r.uri}?${r.args}"`);
    return;
  }
  r.done = true;
  r.readEventHandler = noEvent;
  r.writeEventHandler = noEvent;
  if (!r.postAction) r.requestComplete = true;
  if (startPostAction(r)) return;
  c.clearSendTimeout();
  finalizeConnection(r);
}

function finalizeSubrequest(r: HttpRequest): void {
  const c = r.connection;
  if (r.buffered !== 0 || r.postponed.length > 0) {
    setWriteHandler(r);
    return;
  }
  const parent = r.parent as HttpRequest;
  if (r === c.active || r.background) {
    if (!r.logged) {
      if (coreModule.location(r).logSubrequest) logRequest(r);
      r.logged = true;
    } else {
      r.log(LOG_ALERT, `subrequest: "${r.uri}?${r.args}" logged again`);
    }
    r.done = true;
    dropChild(r);
    runCleanups(r);
    if (r.background) {
      finalizeConnection(r);
      return;
    }
    r.main.count--;
    r.writeEventHandler = noEvent;
    if (parent.postponed[0]?.request === r) parent.postponed.shift();
    c.active = parent;
  } else {
    r.writeEventHandler = requestFinalizer;
    if (r.waited) r.done = true;
  }
  postRequest(parent);
}

function requestFinalizer(r: HttpRequest): void {
  finalizeRequest(r, OK);
}

/** Drops one claim on the main request; with the last one, the connection decides what comes next. */
function finalizeConnection(r: HttpRequest): void {
  const main = r.main;
  if (main.count !== 1) {
    if (r.discardBody) main.connection.limitDiscarding(main);
    closeRequest(main, 0);
    return;
  }
  if (main.readingBody) {
    main.keepalive = false;
    main.lingeringClose = true;
  }
  main.connection.finalize(main);
}

/** Drops one claim; frees the request and closes its connection when it was the last. nginx: ngx_http_close_request(). */
export function closeRequest(r: HttpRequest, rc: number): void {
  const main = r.main;
  if (main.count === 0) main.log(LOG_ALERT, 'http request count is zero');
  main.count--;
  if (main.count > 0 || main.blocked > 0) return;
  const c = main.connection;
  freeRequest(main, rc);
  c.close();
}

/** Gives up on a request: nothing more is sent. nginx: ngx_http_terminate_request(). */
export function terminateRequest(r: HttpRequest, rc: number): void {
  const main = r.main;
  if (rc > 0 && (main.headersOut.status === 0 || main.connection.sent === 0)) main.headersOut.status = rc;
  endChildren(main);
  runCleanups(main);
  if (main.freed) return;
  // Callers up the stack may still look at the request: it is freed on the way back to the event loop.
  main.connection.posted.length = 0;
  main.count = 1;
  main.writeEventHandler = terminateHandler;
  postRequest(main);
}

function terminateHandler(r: HttpRequest): void {
  r.count = 1;
  closeRequest(r, 0);
}

/** Runs the log phase and the cleanups. Called once for a main request. nginx: ngx_http_free_request(). */
export function freeRequest(r: HttpRequest, rc: number): void {
  if (r.freed) {
    r.log(LOG_ALERT, 'http request already closed');
    return;
  }
  if (r.stat !== 0) {
    countStat(r.stat, -1);
    r.stat = 0;
  }
  endChildren(r);
  runCleanups(r);
  if (rc > 0 && (r.headersOut.status === 0 || r.connection.sent === 0)) r.headersOut.status = rc;
  if (!r.logged) {
    r.connection.action = 'logging request';
    logRequest(r);
    r.logged = true;
  }
  r.connection.action = '';
  r.freed = true;
  // What log handlers added.
  runCleanups(r);
}

function logRequest(r: HttpRequest): void {
  const handlers = r.http.handlers.log;
  for (let i = 0; i < handlers.length; i++) (handlers[i] as (r: HttpRequest) => number)(r);
}

/** A subrequest has ended or does not come to be: its main request forgets it. */
export function dropChild(sr: HttpRequest): void {
  const { children } = sr.main;
  if (children === undefined) return;
  if (children[children.length - 1] === sr) children.pop();
  else {
    const i = children.indexOf(sr);
    if (i >= 0) children.splice(i, 1);
  }
}

/**
 * Subrequests end with their main request: what they wait for must not call them any more. nginx has one list of
 * cleanups for all of them.
 */
function endChildren(main: HttpRequest): void {
  const { children } = main;
  if (children === undefined) return;
  main.children = undefined;
  for (const child of children.reverse()) {
    child.freed = true;
    runCleanups(child);
  }
}

function runCleanups(r: HttpRequest): void {
  const cleanups = r.cleanups;
  if (cleanups === undefined) return;
  r.cleanups = undefined;
  for (let i = cleanups.length - 1; i >= 0; i--) (cleanups[i] as () => void)();
}

/** Output waits for the client: goes on with it when the socket drains. nginx: ngx_http_set_write_handler(). */
function setWriteHandler(r: HttpRequest): void {
  r.readEventHandler = r.discardBody ? noEvent : testReading;
  r.writeEventHandler = writer;
  if (r === r.connection.active) waitForClient(r);
}

/** A client that is slow has its time limited; one that waits for user code is only watched. */
function waitForClient(r: HttpRequest): void {
  if ((r.buffered & BUFFERED_BY_CODE) === 0) r.connection.armSendTimeout(r);
  else r.connection.watchClose(r);
}

/** nginx: ngx_http_writer(). */
function writer(r: HttpRequest): void {
  const c = r.connection;
  if (c.timedOut) {
    r.log(LOG_INFO, 'client timed out (110: Connection timed out)');
    finalizeRequest(r, HTTP_REQUEST_TIME_OUT);
    return;
  }
  const rc = outputFilter(r, null);
  if (rc === ERROR) {
    finalizeRequest(r, rc);
    return;
  }
  if (r.buffered !== 0 || r.postponed.length > 0 || (r === r.main && c.buffered)) {
    waitForClient(r);
    return;
  }
  r.writeEventHandler = noEvent;
  finalizeRequest(r, rc);
}

/**
 * Called by the connection when the client closed or reset it while a response is on its way.
 * nginx: ngx_http_test_reading().
 */
export function testReading(r: HttpRequest): void {
  const c = r.connection;
  c.error = true;
  r.log(LOG_INFO, 'client prematurely closed connection');
  finalizeRequest(r, HTTP_CLIENT_CLOSED_REQUEST);
}

/** Has a request run before control returns to the event loop. nginx: ngx_http_post_request(). */
export function postRequest(r: HttpRequest): number {
  r.connection.posted.push(r);
  return OK;
}

/** Runs what was posted; to be called at the end of each event of a connection. nginx: ngx_http_run_posted_requests(). */
export function runPostedRequests(c: ClientConnection): void {
  const posted = c.posted;
  while (posted.length > 0) {
    const r = posted.shift() as HttpRequest;
    r.writeEventHandler(r);
  }
}
