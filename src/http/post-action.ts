/** `post_action`: a URI that is processed when a request is done, with nobody listening. nginx: ngx_http_post_action(). */
import { coreModule } from './core/module.ts';
import { internalRedirect, namedLocation } from './redirect.ts';
import { HTTP_VERSION_9, type HttpRequest, noEvent } from './request.ts';

/** Starts the location's post_action. False when there is none, or it has run. */
export function startPostAction(r: HttpRequest): boolean {
  const target = coreModule.location(r).postAction;
  if (target === '' || (r.postAction && r.uriChanges === 0)) return false;
  r.main.count--;
  // No header is sent any more, and none of the output.
  r.httpVersion = HTTP_VERSION_9;
  r.headerOnly = true;
  r.postAction = true;
  r.readEventHandler = noEvent;
  if (target.startsWith('/')) internalRedirect(r, target, '');
  else namedLocation(r, target);
  return true;
}
