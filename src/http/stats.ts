/**
 * How many connections and requests there are and have been, in all workers together: what stub_status shows. Nothing
 * is counted until a configuration asks for it; then every process adds to the same words of a shared memory zone.
 * nginx: ngx_stat_active and the others (src/event/ngx_event.c).
 */
import type { Zone } from '../shm/zone.ts';

/** Two words each, so that a number may go beyond 32 bits. */
export const STAT_ACCEPTED = 0;
export const STAT_HANDLED = 2;
export const STAT_ACTIVE = 4;
export const STAT_REQUESTS = 6;
/** Requests whose header is being read. */
export const STAT_READING = 8;
/** Requests that are worked on. */
export const STAT_WRITING = 10;
/** Connections that wait for a request. */
export const STAT_WAITING = 12;

const BYTES = 64;

let words: Int32Array | undefined;
let base = 0;

/** Counts from now on, in this zone. */
export function keepStats(zone: Zone): void {
  zone.lock.repair = () => {
    zone.slab.reset();
    zone.slab.claim(zone.root, BYTES);
    zone.slab.rebuild();
  };
  zone.lock.acquire();
  if (zone.root === 0) {
    const root = zone.slab.alloc(BYTES);
    zone.words.fill(0, root, root + BYTES / 4);
    zone.root = root;
  }
  base = zone.root;
  words = zone.words;
  zone.lock.release();
}

/** Adds to one of the numbers. */
export function countStat(stat: number, change: 1 | -1): void {
  if (words === undefined) return;
  const before = Atomics.add(words, base + stat, change);
  // The upper half, when the lower one wraps around.
  if (change === 1 ? before === -1 : before === 0) Atomics.add(words, base + stat + 1, change);
}

/** One of the numbers now; 0 when nothing is counted. */
export function readStat(stat: number): number {
  if (words === undefined) return 0;
  const low = Atomics.load(words, base + stat) >>> 0;
  return Atomics.load(words, base + stat + 1) * 2 ** 32 + low;
}
