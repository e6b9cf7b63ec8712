/**
 * Choosing the location of a request, and what the choice means for it. nginx: ngx_http_core_find_location(),
 * ngx_http_update_location_config().
 */
import { currentMsec } from '../../log/time.ts';
import { DECLINED, DONE, ERROR, OK } from '../codes.ts';
import { type HttpRequest, METHOD_POST } from '../request.ts';
import { type CoreLocation, KEEPALIVE_DISABLE_MSIE6, KEEPALIVE_DISABLE_SAFARI } from './conf.ts';
import { coreModule } from './module.ts';

/**
 * Sets `r.locConf`, going down into nested locations.
 *
 * @returns OK for an exact or regex match, DECLINED for a prefix or none, DONE when the location found is the URI with
 *   one more slash, ERROR when a regular expression failed
 */
export function findLocation(r: HttpRequest): number {
  return findWithin(r, coreModule.location(r));
}

function findWithin(r: HttpRequest, parent: CoreLocation): number {
  let noRegex = false;
  const tree = parent.tree;
  if (tree !== undefined) {
    const uri = r.uri;
    const exact = tree.exact(uri);
    if (exact !== undefined) {
      r.locConf = exact.confs;
      return OK;
    }
    const prefix = tree.prefix(uri);
    if (prefix === undefined || prefix.name.length !== uri.length) {
      const redirect = tree.redirect(uri);
      if (redirect !== undefined) {
        r.locConf = redirect.confs;
        return DONE;
      }
    }
    if (prefix !== undefined) {
      r.locConf = prefix.confs;
      noRegex = prefix.noRegex;
      if (prefix.children.length > 0) {
        const rc = findWithin(r, prefix);
        if (rc !== DECLINED) return rc;
      }
    }
  }
  const regexLocations = parent.regexLocations;
  if (regexLocations !== undefined && !noRegex) {
    for (const location of regexLocations) {
      const rc = (location.regex as NonNullable<CoreLocation['regex']>).exec(r, r.uri);
      if (rc === DECLINED) continue;
      if (rc !== OK) return ERROR;
      r.locConf = location.confs;
      return findWithin(r, location) === ERROR ? ERROR : OK;
    }
  }
  return DECLINED;
}

/** Takes over what a location decides about the request. */
export function updateLocationConfig(r: HttpRequest): void {
  let location = coreModule.location(r);
  if ((r.method & location.limitExcept) !== 0) {
    r.locConf = location.limitExceptConfs as unknown[];
    location = coreModule.location(r);
  }
  if (r === r.main) r.connection.errorLog = location.errorLog;
  if (location.clientBodyInFileOnly !== 'off') {
    r.requestBodyInFileOnly = true;
    r.requestBodyInPersistentFile = true;
    r.requestBodyInCleanFile = location.clientBodyInFileOnly === 'clean';
  }
  r.requestBodyInSingleBuf = location.clientBodyInSingleBuffer;
  if (r.keepalive && !mayStayAlive(r, location)) r.keepalive = false;
  if (location.handler !== undefined) r.contentHandler = location.handler;
}

function mayStayAlive(r: HttpRequest, location: CoreLocation): boolean {
  if (location.keepaliveTimeout === 0) return false;
  const c = r.connection;
  if (c.requests >= location.keepaliveRequests) return false;
  if (currentMsec() - c.startTime > location.keepaliveTime) return false;
  const client = r.headersIn;
  // Old browsers: a POST on a kept connection may hang, or go to one that is closed.
  if (client.msie6 && r.method === METHOD_POST && (location.keepaliveDisable & KEEPALIVE_DISABLE_MSIE6) !== 0) {
    return false;
  }
  return !(client.safari && (location.keepaliveDisable & KEEPALIVE_DISABLE_SAFARI) !== 0);
}
