/**
 * The cached clock: one look at the system's clock per event, and each printed form made at most once a second.
 *
 * nginx reads the clock when the event loop wakes up and everything that runs until the next wake-up sees that
 * time (ngx_times.c); `ngx.now()` shows it to Lua and `ngx.update_time()` moves it. Node tells nobody when its loop
 * wakes up, so whoever starts work in the process (an accepted or readable socket, a timer) calls updateTime().
 * That costs one Date.now(). The strings are made on first use after the second has changed.
 */

const WEEK_DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Milliseconds since 1970, as of the last updateTime(). */
let now = Date.now();
/** `now` in whole seconds. */
let second = Math.floor(now / 1000);
/** The wall clock minus a clock that is never set, in milliseconds. See monotonicMsec(). */
let wallOffset = now - performance.now();
/** A step of the wall clock larger than this, or backwards, makes us ask whether somebody has set it. */
const SUSPICIOUS_STEP = 500;

// One printed form and the second that it was made for.
let errorLogSecond = 0;
let errorLogText = '';
let httpSecond = 0;
let httpText = '';
let accessLogSecond = 0;
let accessLogText = '';
let isoSecond = 0;
let isoText = '';
let syslogSecond = 0;
let syslogText = '';

/** Reads the system's clock into the cache. Called at the start of each event; ngx.update_time() calls it too. */
export function updateTime(): void {
  const t = Date.now();
  if (t === now) return;
  const step = t - now;
  now = t;
  if (step < 0 || step > SUSPICIOUS_STEP) wallOffset = t - performance.now();
  // A division only when the second has changed, also when the clock was set back.
  const since = t - second * 1000;
  if (since >= 1000 || since < 0) second = Math.floor(t / 1000);
}

/** Cached time in milliseconds since 1970. nginx: ngx_timeofday(); Lua: ngx.now() * 1000. */
export function currentMsec(): number {
  return now;
}

/** Cached time in whole seconds since 1970. nginx: ngx_time(); Lua: ngx.time(). */
export function currentSecond(): number {
  return second;
}

/**
 * Cached milliseconds of a clock that nobody sets, for timeouts. nginx: ngx_current_msec. It is the wall clock minus
 * an offset, so that it costs nothing; the offset is measured again when the wall clock jumps.
 */
export function monotonicMsec(): number {
  return now - wallOffset;
}

/** `2026/11/21 12:00:00` in local time: error.log. */
export function errorLogTime(): string {
  if (errorLogSecond !== second) {
    errorLogSecond = second;
    const d = new Date(second * 1000);
    errorLogText = `${d.getFullYear()}/${pad(d.getMonth() + 1)}/${pad(d.getDate())} ${clockOf(d)}`;
  }
  return errorLogText;
}

/** `Sat, 21 Nov 2026 12:00:00 GMT`: the Date header (RFC 9110 section 5.6.7). */
export function httpTime(): string {
  if (httpSecond !== second) {
    httpSecond = second;
    httpText = formatHttpTime(second);
  }
  return httpText;
}

/** `21/Nov/2026:12:00:00 +0000` in local time: $time_local. */
export function accessLogTime(): string {
  if (accessLogSecond !== second) {
    accessLogSecond = second;
    const d = new Date(second * 1000);
    const offset = -d.getTimezoneOffset();
    const abs = Math.abs(offset);
    accessLogText =
      `${pad(d.getDate())}/${MONTHS[d.getMonth()]}/${d.getFullYear()}:${clockOf(d)} ` +
      `${offset < 0 ? '-' : '+'}${pad(Math.floor(abs / 60))}${pad(abs % 60)}`;
  }
  return accessLogText;
}

/** `2026-11-21T12:00:00+00:00` in local time: $time_iso8601. */
export function iso8601Time(): string {
  if (isoSecond !== second) {
    isoSecond = second;
    const d = new Date(second * 1000);
    const offset = -d.getTimezoneOffset();
    const abs = Math.abs(offset);
    isoText =
      `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}T${clockOf(d)}` +
      `${offset < 0 ? '-' : '+'}${pad(Math.floor(abs / 60))}:${pad(abs % 60)}`;
  }
  return isoText;
}

/** `Nov 21 12:00:00` in local time: the time stamp of syslog messages (RFC 3164 section 4.1.2). */
export function syslogTime(): string {
  if (syslogSecond !== second) {
    syslogSecond = second;
    const d = new Date(second * 1000);
    syslogText = `${MONTHS[d.getMonth()]} ${String(d.getDate()).padStart(2, ' ')} ${clockOf(d)}`;
  }
  return syslogText;
}

/** $msec: `1795262400.123`. */
export function msecText(): string {
  return msecOf(now);
}

/** Milliseconds printed as seconds with three decimals, as $msec and $request_time are. */
export function msecOf(milliseconds: number): string {
  const s = Math.floor(milliseconds / 1000);
  const ms = milliseconds - s * 1000;
  return `${s}.${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}`;
}

// HTTP dates that were made, each in the place that its time's last bits give: a server's files have few times.
const HTTP_DATES = 256;
const datedSeconds: number[] = new Array(HTTP_DATES).fill(Number.NaN);
const dates: string[] = new Array(HTTP_DATES).fill('');

/** A time in seconds since 1970 as an HTTP date (RFC 9110 section 5.6.7). nginx: ngx_http_time. */
export function formatHttpTime(seconds: number): string {
  const place = seconds & (HTTP_DATES - 1);
  if (datedSeconds[place] === seconds) return dates[place] as string;
  const d = new Date(seconds * 1000);
  const text =
    `${WEEK_DAYS[d.getUTCDay()]}, ${pad(d.getUTCDate())} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()} ` +
    `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}:${pad(d.getUTCSeconds())} GMT`;
  datedSeconds[place] = seconds;
  dates[place] = text;
  return text;
}

/** A time in seconds since 1970 as a cookie's date: `Sat, 21-Nov-26 12:00:00 GMT`. nginx: ngx_http_cookie_time. */
export function formatCookieTime(seconds: number): string {
  const d = new Date(seconds * 1000);
  const year = d.getUTCFullYear();
  return (
    `${WEEK_DAYS[d.getUTCDay()]}, ${pad(d.getUTCDate())}-${MONTHS[d.getUTCMonth()]}-` +
    `${year > 2037 ? year : pad(year % 100)} ` +
    `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}:${pad(d.getUTCSeconds())} GMT`
  );
}

/** Local date and time with a dash between the fields' groups: `2026-11-21 12:00:00`, for ngx.localtime(). */
export function localDateTime(): string {
  const text = errorLogTime();
  return text.replace('/', '-').replace('/', '-');
}

function clockOf(d: Date): string {
  return `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

function pad(n: number): string {
  return n < 10 ? '0' + n : String(n);
}
