/**
 * Connections that may be closed without harm: those that wait for their first or next request, and those that only
 * drain what a refused client still sends. When worker_connections run out the longest waiting go first; when the
 * worker leaves, the idle keep-alive ones go at once. nginx: ngx_reusable_connection(), ngx_drain_connections(),
 * ngx_close_idle_connections().
 *
 * A ring of links inside the connections: entering and leaving it costs a few stores for each request.
 */

import type { Block } from '../../conf/block.ts';
import { LOG_WARN } from '../../log/log.ts';
import { currentMsec, currentSecond } from '../../log/time.ts';
import { connections } from '../../net/activity.ts';
import { countStat, STAT_WAITING } from '../stats.ts';

/** A connection as the ring knows it. */
export interface Reusable {
  olderReusable: Reusable | undefined;
  newerReusable: Reusable | undefined;
  reusable: boolean;
  /** When it was entered, milliseconds since 1970. */
  reusableSince: number;
  readonly http: Block;
  /** Between two requests, with nothing left to do. */
  readonly idle: boolean;
  /** Closes it, now. */
  closeReusable(): void;
}

/** At most this many are closed for each connection that finds no room. */
const DRAIN = 32;

let oldest: Reusable | undefined;
let newest: Reusable | undefined;
let count = 0;

/** Enters a connection as the one that was used last. */
export function addReusable(c: Reusable): void {
  if (c.reusable) removeReusable(c);
  c.reusable = true;
  c.reusableSince = currentMsec();
  c.olderReusable = newest;
  c.newerReusable = undefined;
  if (newest === undefined) oldest = c;
  else newest.newerReusable = c;
  newest = c;
  count++;
  countStat(STAT_WAITING, 1);
}

/** The connection is in use, or closed. */
export function removeReusable(c: Reusable): void {
  if (!c.reusable) return;
  c.reusable = false;
  const { olderReusable, newerReusable } = c;
  if (olderReusable === undefined) oldest = newerReusable;
  else olderReusable.newerReusable = newerReusable;
  if (newerReusable === undefined) newest = olderReusable;
  else newerReusable.olderReusable = olderReusable;
  c.olderReusable = undefined;
  c.newerReusable = undefined;
  count--;
  countStat(STAT_WAITING, -1);
}

/** The second in which a shortage was logged last. */
let loggedSecond = 0;

/** Makes room for new connections: closes an eighth of the reusable ones, at least one and at most 32. */
export function drainReusable(): void {
  if (oldest === undefined) return;
  if (currentSecond() !== loggedSecond) {
    loggedSecond = currentSecond();
    const message = `${connections.limit} worker_connections are not enough, reusing connections`;
    oldest.http.cycle.log.write(LOG_WARN, message);
  }
  for (let n = Math.max(Math.min(DRAIN, count >> 3), 1); n > 0 && oldest !== undefined; n--) {
    const c = oldest;
    removeReusable(c);
    c.closeReusable();
  }
}

/**
 * How long, in milliseconds, a connection that was in use a moment ago is kept when the worker leaves. Its client may
 * be sending the next request right now, which closing would lose; answered, it carries `Connection: close`. nginx
 * closes at once unless keepalive_min_timeout says otherwise.
 */
const GRACE = 1000;

/** Closes the keep-alive connections of an http block that wait for a request: no more are to come. */
export function closeIdleConnections(http: Block): void {
  if (closeIdle(http, currentMsec() - GRACE)) setTimeout(closeIdle, GRACE, http, Number.POSITIVE_INFINITY);
}

/** Closes those that have been idle since before `time`; tells whether there are others. */
function closeIdle(http: Block, time: number): boolean {
  let others = false;
  let c = oldest;
  while (c !== undefined) {
    const next = c.newerReusable;
    if (c.idle && c.http === http) {
      if (c.reusableSince < time) {
        removeReusable(c);
        c.closeReusable();
      } else others = true;
    }
    c = next;
  }
  return others;
}

connections.makeRoom = drainReusable;
