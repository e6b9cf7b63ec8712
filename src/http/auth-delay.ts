/** `auth_delay`: an answer of 401 that comes late, so that guessing passwords is slow. nginx: ngx_http_core_auth_delay(). */
import { LOG_INFO } from '../log/log.ts';
import { updateTime } from '../log/time.ts';
import { HTTP_UNAUTHORIZED } from './codes.ts';
import { coreModule } from './core/module.ts';
import { finalizeRequest, runPostedRequests, testReading } from './finalize.ts';
import { type HttpRequest, noEvent } from './request.ts';

/** Ends a request with 401, after the location's delay. */
export function finalizeUnauthorized(r: HttpRequest): void {
  const delay = coreModule.location(r).authDelay;
  if (delay === 0) {
    finalizeRequest(r, HTTP_UNAUTHORIZED);
    return;
  }
  r.log(LOG_INFO, 'delaying unauthorized request');
  r.readEventHandler = testReading;
  r.writeEventHandler = noEvent;
  const timer = setTimeout(() => {
    updateTime();
    if (r.freed) return;
    finalizeRequest(r, HTTP_UNAUTHORIZED);
    runPostedRequests(r.connection);
  }, delay);
  r.addCleanup(() => clearTimeout(timer));
}
