/** ngx.now, ngx.time, ngx.http_time, ... and ngx.sleep. ngx_lua: ngx_http_lua_time.c, _sleep.c; resty.core.time. */
import { parseHttpTime } from '../http/http-time.ts';
import { currentMsec, formatCookieTime, formatHttpTime, localDateTime, updateTime } from '../log/time.ts';
import { type ApiContext, requireContext } from './context.ts';
import { apiError } from './error.ts';
import type { Suspension } from './suspension.ts';

/** Seconds since 1970 with milliseconds, of the cached clock. */
export function now(): number {
  return currentMsec() / 1000;
}

/** Whole seconds since 1970, of the cached clock. */
export function time(): number {
  return Math.floor(currentMsec() / 1000);
}

/** `2026-11-21 12:00:00` in local time. */
export function localtime(): string {
  return localDateTime();
}

/** The same in UTC. */
export function utctime(): string {
  return new Date(currentMsec()).toISOString().slice(0, 19).replace('T', ' ');
}

/** `2026-11-21` in local time. */
export function today(): string {
  return localDateTime().slice(0, 10);
}

export { updateTime };

export function httpTime(seconds: number): string {
  return formatHttpTime(Math.floor(seconds));
}

export function cookieTime(seconds: number): string {
  return formatCookieTime(Math.floor(seconds));
}

/** Seconds since 1970, or undefined when the text is no date. */
export function parseTime(text: string): number | undefined {
  const seconds = parseHttpTime(text);
  return seconds < 0 ? undefined : seconds;
}

/** ngx.sleep(seconds). */
export function sleep(seconds: number): Suspension<void> {
  const ctx = requireContext();
  ctx.checkWait();
  const delay = Math.trunc(seconds * 1000);
  if (delay < 0) apiError(`invalid sleep duration "${delay}"`);
  return {
    start(done) {
      if (ctx.debugging) return debugSleep(ctx, delay, done);
      if (delay === 0) {
        // Other requests have their turn, but no timer's granularity is paid for.
        const immediate = setImmediate(done);
        return () => clearImmediate(immediate);
      }
      const timer = setTimeout(done, delay);
      return () => clearTimeout(timer);
    },
  };
}

/** The same, with ngx_lua's lines for who debugs. */
function debugSleep(ctx: ApiContext, delay: number, done: () => void): () => void {
  ctx.debug(`lua ready to sleep for ${delay} ms`);
  const wake = () => {
    ctx.debug(`lua sleep timer expired: "${ctx.target}"`);
    done();
  };
  const timer = delay === 0 ? setImmediate(wake) : setTimeout(wake, delay);
  return () => {
    ctx.debug(`lua clean up the ${delay === 0 ? 'posted event' : 'timer'} for pending ngx.sleep`);
    clearImmediate(timer as NodeJS.Immediate);
    clearTimeout(timer as NodeJS.Timeout);
  };
}
