/**
 * Internal redirects: the request begins anew with another URI, or in a named location.
 * nginx: ngx_http_internal_redirect(), ngx_http_named_location().
 */
import { LOG_ERR } from '../log/log.ts';
import { DONE, HTTP_INTERNAL_SERVER_ERROR } from './codes.ts';
import { updateLocationConfig } from './core/location.ts';
import { coreModule } from './core/module.ts';
import { handleRequest, runPhases } from './engine.ts';
import { finalizeRequest } from './finalize.ts';
import type { HttpRequest } from './request.ts';

/** File extension of the URI's last segment into `r.exten`. nginx: ngx_http_set_exten(). */
export function setExtension(r: HttpRequest): void {
  const uri = r.uri;
  r.exten = '';
  for (let i = uri.length - 1; i > 0; i--) {
    const ch = uri.charCodeAt(i);
    if (ch === 0x2f) return;
    // A dot right behind a slash is a hidden file, not an extension.
    if (ch === 0x2e && uri.charCodeAt(i - 1) !== 0x2f) {
      r.exten = uri.slice(i + 1);
      return;
    }
  }
}

/** Splits `uri?args` at its first question mark. nginx: ngx_http_split_args(). */
export function splitArgs(uri: string): { uri: string; args: string } {
  const q = uri.indexOf('?');
  return q < 0 ? { uri, args: '' } : { uri: uri.slice(0, q), args: uri.slice(q + 1) };
}

/** Processes the request again under another URI. Always returns DONE; the caller passes it on. */
export function internalRedirect(r: HttpRequest, uri: string, args: string): number {
  r.uriChanges--;
  if (r.uriChanges === 0) {
    r.log(LOG_ERR, `rewrite or internal redirection cycle while internally redirecting to "${uri}"`);
    r.main.count++;
    finalizeRequest(r, HTTP_INTERNAL_SERVER_ERROR);
    return DONE;
  }
  r.uri = uri;
  r.args = args;
  setExtension(r);
  r.ctx = new Array(r.http.modules.length);
  const confs = coreModule.server(r).confs;
  r.locConf = confs.location;
  updateLocationConfig(r);
  r.internal = true;
  r.validUnparsedUri = false;
  r.addUriToAlias = false;
  r.main.count++;
  handleRequest(r);
  return DONE;
}

/** Goes on in a named location (`@name`), from its rewrite phase. Always returns DONE. */
export function namedLocation(r: HttpRequest, name: string): number {
  r.main.count++;
  r.uriChanges--;
  if (r.uriChanges === 0) {
    r.log(LOG_ERR, `rewrite or internal redirection cycle while redirect to named location "${name}"`);
    finalizeRequest(r, HTTP_INTERNAL_SERVER_ERROR);
    return DONE;
  }
  if (r.uri === '') {
    r.log(LOG_ERR, `empty URI in redirect to named location "${name}"`);
    finalizeRequest(r, HTTP_INTERNAL_SERVER_ERROR);
    return DONE;
  }
  const location = coreModule.server(r).named.get(name);
  if (location === undefined) {
    r.log(LOG_ERR, `could not find named location "${name}"`);
    finalizeRequest(r, HTTP_INTERNAL_SERVER_ERROR);
    return DONE;
  }
  r.internal = true;
  r.contentHandler = undefined;
  r.uriChanged = false;
  r.locConf = location.confs;
  r.ctx = new Array(r.http.modules.length);
  updateLocationConfig(r);
  r.writeEventHandler = runPhases;
  r.phaseHandler = r.http.locationRewriteIndex;
  runPhases(r);
  return DONE;
}
