/** Whether init_by_lua runs again in a worker: then its effects on shared dicts and logs must not happen twice. */

/** True meanwhile. */
export let replayingInit = false;

/** Sets it; returns what it was. */
export function setReplaying(replaying: boolean): boolean {
  const before = replayingInit;
  replayingInit = replaying;
  return before;
}
