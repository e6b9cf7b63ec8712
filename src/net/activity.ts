/**
 * What keeps a leaving worker alive: accepted connections, and whatever else must be finished before it may exit
 * (running timers, light threads without a request). A worker that was told to quit exits when the count is zero.
 *
 * nginx counts non-cancelable timers (ngx_event_no_timers_left); here each piece of work says so itself.
 */

let count = 0;
let idle: (() => void) | undefined;

/** Accepted connections of this process, and how many there may be. */
export const connections = {
  open: 0,
  /** `worker_connections`. nginx also counts connections to upstreams. */
  limit: Number.POSITIVE_INFINITY,
  /** Closes some idle keep-alive connections when the limit is near; set by http. */
  makeRoom: undefined as (() => void) | undefined,
};

/** Some work begins that a graceful exit waits for. Pair with `endActivity`. */
export function beginActivity(): void {
  count++;
}

/** The work is over. */
export function endActivity(): void {
  if (--count === 0 && idle !== undefined) idle();
}

/** How many are under way. */
export function activityCount(): number {
  return count;
}

/** Calls `then` whenever the count falls to zero; undefined takes that back. */
export function onIdle(then: (() => void) | undefined): void {
  idle = then;
}

/** A connection was accepted. Counts as activity. */
export function beginConnection(): void {
  connections.open++;
  beginActivity();
}

/** It is closed. */
export function endConnection(): void {
  connections.open--;
  endActivity();
}

let lastNumber = 0;

/** The number of a new connection, for $connection and error.log. */
export function nextConnectionNumber(): number {
  return ++lastNumber;
}
