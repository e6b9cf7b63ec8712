/**
 * The end of a request: its connection waits for the next one, lingers until the client has taken the answer, or is
 * closed. nginx: ngx_http_finalize_connection(), ngx_http_set_keepalive(), ngx_http_set_lingering_close().
 */
import { monotonicMsec } from '../../log/time.ts';
import { LINGERING_ALWAYS, LINGERING_ON } from '../core/conf.ts';
import { coreModule } from '../core/module.ts';
import { closeRequest, freeRequest } from '../finalize.ts';
import type { HttpRequest } from '../request.ts';
import { type Http1Connection, NO_REQUEST, STATE_KEEPALIVE, STATE_LINGERING } from './http1.ts';
import { addReusable } from './idle.ts';

/** The main request has ended and nobody else has a claim on it. */
export function finishRequest(c: Http1Connection, r: HttpRequest): void {
  const location = coreModule.location(r);
  const early = c.pos < c.text.length;
  if (c.eof && !early) {
    closeRequest(r, 0);
    return;
  }
  if (r.keepalive && (location.keepaliveMinTimeout > 0 || (location.keepaliveTimeout > 0 && !c.http.cycle.exiting))) {
    keepAlive(c, r);
    return;
  }
  if (
    location.lingeringClose === LINGERING_ALWAYS ||
    (location.lingeringClose === LINGERING_ON && (r.lingeringClose || early || c.pipelined))
  ) {
    linger(c, r);
    return;
  }
  closeRequest(r, 0);
}

function keepAlive(c: Http1Connection, r: HttpRequest): void {
  const location = coreModule.location(r);
  c.action = 'closing request';
  r.keepalive = false;
  freeRequest(r, 0);
  c.body = undefined;
  c.request = undefined;
  c.active = NO_REQUEST;
  if (c.outSize > 0) c.dropOutput();
  if (c.pos < c.text.length) {
    // One large buffer at most stays in use.
    if (c.largeBuffers > 0) c.largeBuffers = 1;
    if (c.bufferEnd <= c.pos) {
      c.bufferEnd = c.pos + c.defaultServer.clientHeaderBufferSize;
    }
    c.pipelined = true;
    c.action = 'reading client pipelined request line';
    c.beginRequest();
    c.active.pipeline = true;
    if (!c.running) process.nextTick(runPipelined, c);
    return;
  }
  c.text = '';
  c.pos = 0;
  c.bufferEnd = c.defaultServer.clientHeaderBufferSize;
  c.largeBuffers = 0;
  c.state = STATE_KEEPALIVE;
  c.action = 'keepalive';
  const { keepaliveTimeout, keepaliveMinTimeout } = location;
  if (keepaliveMinTimeout === 0) {
    c.idle = true;
    addReusable(c);
  }
  c.keepaliveRest =
    keepaliveMinTimeout > 0 && keepaliveTimeout > keepaliveMinTimeout ? keepaliveTimeout - keepaliveMinTimeout : 0;
  c.readTimer.set(keepaliveTimeout - c.keepaliveRest);
  c.setReading(true);
}

function linger(c: Http1Connection, r: HttpRequest): void {
  const location = coreModule.location(r);
  c.state = STATE_LINGERING;
  c.text = '';
  c.pos = 0;
  if (c.lingeringUntil === 0) c.lingeringUntil = monotonicMsec() + location.lingeringTime;
  c.socket.shutdown();
  addReusable(c);
  c.readTimer.set(location.lingeringTimeout);
  c.setReading(true);
}

/** What a refused client still sends came, and is dropped. */
export function keepLingering(c: Http1Connection): void {
  const r = c.request as HttpRequest;
  const left = c.lingeringUntil - monotonicMsec();
  if (left <= 0) {
    closeRequest(r, 0);
    return;
  }
  c.readTimer.set(Math.min(left, coreModule.location(r).lingeringTimeout));
}

function runPipelined(c: Http1Connection): void {
  c.afterEvent();
}
