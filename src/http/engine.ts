/**
 * The phase engine: walks a request through the phases (src/http/phases.ts) by an array of entries made once from
 * what the modules registered. A handler that waits returns AGAIN or DONE, and the walk goes on later from the same
 * entry by `runPhases`. nginx: ngx_http_core_run_phases() and its checkers (src/http/ngx_http_core_module.c).
 */
import { LOG_ERR, LOG_INFO } from '../log/log.ts';
import { finalizeUnauthorized } from './auth-delay.ts';
import {
  AGAIN,
  DECLINED,
  DONE,
  ERROR,
  HTTP_FORBIDDEN,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_MOVED_PERMANENTLY,
  HTTP_NOT_FOUND,
  HTTP_REQUEST_ENTITY_TOO_LARGE,
  HTTP_UNAUTHORIZED,
  OK,
} from './codes.ts';
import { type CoreLocation, SATISFY_ALL } from './core/conf.ts';
import { findLocation, updateLocationConfig } from './core/location.ts';
import { coreModule } from './core/module.ts';
import { mapUriToPath } from './core/path.ts';
import type { HttpCycle } from './cycle.ts';
import { finalizeRequest } from './finalize.ts';
import { CONNECTION_CLOSE, CONNECTION_KEEP_ALIVE } from './headers.ts';
import { PHASES, type PhaseEntry } from './phases.ts';
import { HTTP_VERSION_10, type HttpRequest, noEvent } from './request.ts';

/** Starts a request, or starts it anew after an internal redirect. nginx: ngx_http_handler(). */
export function handleRequest(r: HttpRequest): void {
  r.connection.action = '';
  if (!r.internal) {
    const type = r.headersIn.connectionType;
    r.keepalive = type === CONNECTION_KEEP_ALIVE || (type !== CONNECTION_CLOSE && r.httpVersion > HTTP_VERSION_10);
    r.lingeringClose = r.headersIn.contentLength > 0 || r.headersIn.chunked;
    r.phaseHandler = 0;
  } else {
    r.phaseHandler = r.http.serverRewriteIndex;
  }
  r.validLocation = true;
  r.gzipTested = false;
  r.gzipOk = false;
  r.gzipVary = false;
  r.writeEventHandler = runPhases;
  runPhases(r);
}

/** Goes on with the phases at `r.phaseHandler`. nginx: ngx_http_core_run_phases(). */
export function runPhases(r: HttpRequest): void {
  const engine = r.http.phaseEngine;
  for (;;) {
    const entry = engine[r.phaseHandler];
    if (entry === undefined) {
      noContent(r);
      return;
    }
    if (!entry.checker(r, entry)) return;
  }
}

/**
 * Makes `http.phaseEngine` of the handlers registered by modules: the handler registered last runs first, as in nginx.
 * nginx: ngx_http_init_phase_handlers().
 */
export function buildPhaseEngine(http: HttpCycle): void {
  for (const { phase, handler } of http.postponed.splice(0)) http.handlers[phase].unshift(handler);
  const entries: PhaseEntry[] = [];
  const first = new Map<string, number>();
  const rewrites = http.handlers.server_rewrite.length > 0 || http.handlers.rewrite.length > 0;
  const accesses = http.handlers.access.length > 0;
  for (const phase of PHASES) {
    if (phase === 'log') break;
    first.set(phase, entries.length);
    if (phase === 'find_config') {
      entries.push({ phase, checker: findConfigPhase, handler: undefined, next: 0 });
    } else if (phase === 'post_rewrite') {
      if (rewrites) entries.push({ phase, checker: postRewritePhase, handler: undefined, next: 0 });
    } else if (phase === 'post_access') {
      if (accesses) entries.push({ phase, checker: postAccessPhase, handler: undefined, next: 0 });
    } else if (phase === 'content') {
      // The location's own content handler needs an entry even when no module registered one.
      const handlers = http.handlers.content;
      if (handlers.length === 0) entries.push({ phase, checker: contentPhase, handler: decline, next: 0 });
      for (const handler of handlers.toReversed()) entries.push({ phase, checker: contentPhase, handler, next: 0 });
    } else {
      const checker =
        phase === 'access'
          ? accessPhase
          : phase === 'server_rewrite' || phase === 'rewrite'
            ? rewritePhase
            : genericPhase;
      for (const handler of http.handlers[phase].toReversed()) entries.push({ phase, checker, handler, next: 0 });
    }
  }
  for (const entry of entries) {
    // After a rewritten URI the location is looked up again; from any access handler "done" leads behind post_access.
    if (entry.phase === 'post_rewrite') entry.next = first.get('find_config') as number;
    else entry.next = first.get(PHASES[PHASES.indexOf(entry.phase) + 1] as string) ?? entries.length;
    if (entry.phase === 'access') entry.next = first.get('precontent') as number;
  }
  http.phaseEngine = entries;
  http.serverRewriteIndex = first.get('server_rewrite') as number;
  http.locationRewriteIndex = first.get('rewrite') as number;
}

function decline(): number {
  return DECLINED;
}

function genericPhase(r: HttpRequest, entry: PhaseEntry): boolean {
  const rc = (entry.handler as (r: HttpRequest) => number)(r);
  if (rc === OK) {
    r.phaseHandler = entry.next;
    return true;
  }
  if (rc === DECLINED) {
    r.phaseHandler++;
    return true;
  }
  if (rc === AGAIN || rc === DONE) return false;
  finalizeRequest(r, rc);
  return false;
}

function rewritePhase(r: HttpRequest, entry: PhaseEntry): boolean {
  const rc = (entry.handler as (r: HttpRequest) => number)(r);
  if (rc === DECLINED) {
    r.phaseHandler++;
    return true;
  }
  if (rc === DONE) return false;
  finalizeRequest(r, rc);
  return false;
}

function findConfigPhase(r: HttpRequest): boolean {
  r.contentHandler = undefined;
  r.uriChanged = false;
  const rc = findLocation(r);
  if (rc === ERROR) {
    finalizeRequest(r, HTTP_INTERNAL_SERVER_ERROR);
    return false;
  }
  const location = coreModule.location(r);
  if (!r.internal && location.internal) {
    finalizeRequest(r, HTTP_NOT_FOUND);
    return false;
  }
  updateLocationConfig(r);
  const length = r.headersIn.contentLength;
  if (length !== -1 && !r.discardBody && location.clientMaxBodySize !== 0 && location.clientMaxBodySize < length) {
    r.log(LOG_ERR, `client intended to send too large body: ${length} bytes`);
    r.expectTested = true;
    r.connection.discardBody(r);
    finalizeRequest(r, HTTP_REQUEST_ENTITY_TOO_LARGE);
    return false;
  }
  if (rc === DONE) {
    redirectToSlash(r, location);
    return false;
  }
  r.phaseHandler++;
  return true;
}

/** A request for `/dir` where the location is `/dir/` of a proxying module. */
function redirectToSlash(r: HttpRequest, location: CoreLocation): void {
  r.headersOut.list.remove('location');
  r.headersOut.list.add(
    'Location',
    r.args === '' ? location.escapedName : `${location.escapedName}?${r.args}`,
    'location',
  );
  finalizeRequest(r, HTTP_MOVED_PERMANENTLY);
}

function postRewritePhase(r: HttpRequest, entry: PhaseEntry): boolean {
  if (!r.uriChanged) {
    r.phaseHandler++;
    return true;
  }
  r.uriChanges--;
  if (r.uriChanges === 0) {
    r.log(LOG_ERR, `rewrite or internal redirection cycle while processing "${r.uri}"`);
    finalizeRequest(r, HTTP_INTERNAL_SERVER_ERROR);
    return false;
  }
  r.phaseHandler = entry.next;
  r.locConf = coreModule.server(r).confs.location;
  return true;
}

function accessPhase(r: HttpRequest, entry: PhaseEntry): boolean {
  if (r.main !== r) {
    r.phaseHandler = entry.next;
    return true;
  }
  const rc = (entry.handler as (r: HttpRequest) => number)(r);
  if (rc === DECLINED) {
    r.phaseHandler++;
    return true;
  }
  if (rc === AGAIN || rc === DONE) return false;
  if (coreModule.location(r).satisfy === SATISFY_ALL) {
    if (rc === OK) {
      r.phaseHandler++;
      return true;
    }
  } else if (rc === OK) {
    r.accessCode = 0;
    r.headersOut.list.remove('www-authenticate');
    r.phaseHandler = entry.next;
    return true;
  } else if (rc === HTTP_FORBIDDEN || rc === HTTP_UNAUTHORIZED) {
    if (r.accessCode !== HTTP_UNAUTHORIZED) r.accessCode = rc;
    r.phaseHandler++;
    return true;
  }
  if (rc === HTTP_UNAUTHORIZED) finalizeUnauthorized(r);
  else finalizeRequest(r, rc);
  return false;
}

function postAccessPhase(r: HttpRequest): boolean {
  const code = r.accessCode;
  if (code !== 0) {
    r.accessCode = 0;
    if (code === HTTP_UNAUTHORIZED) {
      finalizeUnauthorized(r);
      return false;
    }
    if (code === HTTP_FORBIDDEN) r.log(LOG_ERR, 'access forbidden by rule');
    finalizeRequest(r, code);
    return false;
  }
  r.phaseHandler++;
  return true;
}

function contentPhase(r: HttpRequest, entry: PhaseEntry): boolean {
  if (r.contentHandler !== undefined) {
    r.writeEventHandler = noEvent;
    finalizeRequest(r, r.contentHandler(r));
    return false;
  }
  const rc = (entry.handler as (r: HttpRequest) => number)(r);
  if (rc !== DECLINED) {
    finalizeRequest(r, rc);
    return false;
  }
  r.phaseHandler++;
  return true;
}

/** No module had content for the request. */
function noContent(r: HttpRequest): void {
  if (r.uri.endsWith('/')) {
    const path = mapUriToPath(r);
    if (path !== undefined) r.log(LOG_ERR, `directory index of "${path}" is forbidden`);
    finalizeRequest(r, HTTP_FORBIDDEN);
    return;
  }
  r.log(LOG_INFO, 'no handler found');
  finalizeRequest(r, HTTP_NOT_FOUND);
}
