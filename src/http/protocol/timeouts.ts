/** What the timers of a connection mean when they fire. nginx: the `timedout` branches of its event handlers. */
import { LOG_INFO } from '../../log/log.ts';
import type { Timer } from '../../net/timer.ts';
import { HTTP_REQUEST_TIME_OUT } from '../codes.ts';
import { closeRequest } from '../finalize.ts';
import type { HttpRequest } from '../request.ts';
import { discardTimedOut } from './discard.ts';
import {
  type Http1Connection,
  STATE_HEADER,
  STATE_KEEPALIVE,
  STATE_LINGERING,
  STATE_REQUEST,
  STATE_REQUEST_LINE,
  STATE_WAITING,
} from './http1.ts';
import { addReusable } from './idle.ts';

/** A timer of the connection fired. */
export function timedOut(c: Http1Connection, timer: Timer): void {
  const r = c.request;
  if (timer === c.writeTimer) {
    if (c.state !== STATE_REQUEST) return;
    if (c.writeDelayed) {
      c.writeDelayed = false;
      if (c.socketWaiting) {
        c.armSendTimeout(c.active);
        return;
      }
    } else {
      c.timedOut = true;
    }
    c.active.writeEventHandler(c.active);
    c.afterEvent();
    return;
  }
  switch (c.state) {
    case STATE_WAITING:
      c.log(LOG_INFO, 'client timed out (110: Connection timed out)');
      c.close();
      return;
    case STATE_KEEPALIVE:
      if (c.keepaliveRest > 0 && !c.http.cycle.exiting) {
        c.idle = true;
        addReusable(c);
        c.readTimer.set(c.keepaliveRest);
        c.keepaliveRest = 0;
      } else {
        c.close();
      }
      return;
    case STATE_REQUEST_LINE:
    case STATE_HEADER:
      c.log(LOG_INFO, 'client timed out (110: Connection timed out)');
      c.timedOut = true;
      closeRequest(r as HttpRequest, HTTP_REQUEST_TIME_OUT);
      return;
    case STATE_REQUEST:
      if (c.body !== undefined) c.body.onTimeout();
      else if (c.discarding) discardTimedOut(c, r as HttpRequest);
      c.afterEvent();
      return;
    case STATE_LINGERING:
      closeRequest(r as HttpRequest, 0);
      return;
  }
}
