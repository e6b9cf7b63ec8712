/**
 * Timers for connections and requests, made to be set again and again: a keep-alive connection moves its timeout
 * with every request, and nearly none ever fires.
 *
 * A timer keeps its deadline beside its place in a heap. Moving the deadline later touches only the field: when the
 * old place comes up, the timer is put where it belongs by then. Clearing it touches only the field as well. So a
 * set costs a subtraction and a comparison, whatever the number of connections; the heap changes when a timer is
 * set for the first time, set to an earlier time, or comes up. nginx saves the same work for moves of less than
 * 300 ms (NGX_TIMER_LAZY_DELAY).
 *
 * One timer of Node's serves them all. It does not keep the process alive: what does is in src/net/activity.ts.
 */
import { monotonicMsec, updateTime } from '../log/time.ts';

/** Who is told. One object for any number of timers: the timer that fired is the argument. */
export interface TimerOwner {
  onTimer(timer: Timer): void;
}

/** Longest delay of Node's timers, about 24 days; a later deadline is looked at again by then. */
const LONGEST = 0x7fffffff;

const heap: Timer[] = [];
let systemTimer: NodeJS.Timeout | undefined;
/** When `systemTimer` fires, in monotonic milliseconds. */
let systemDue = Number.POSITIVE_INFINITY;
let running = false;

/** A timeout that can be set, moved and cleared cheaply. */
export class Timer {
  owner: TimerOwner;
  /** Monotonic milliseconds; infinite while the timer is not set. */
  deadline = Number.POSITIVE_INFINITY;
  /** The deadline that the place in the heap was taken for, never later than `deadline`. */
  place = 0;
  /** Index in the heap, -1 when not in it. */
  index = -1;

  constructor(owner: TimerOwner) {
    this.owner = owner;
  }

  /** Fires once after `ms` milliseconds, within a millisecond or two, replacing what was set before. */
  set(ms: number): void {
    // At least one, so that a timer that sets itself again does not keep the others waiting.
    const deadline = monotonicMsec() + Math.max(ms, 1);
    this.deadline = deadline;
    if (this.index >= 0) {
      if (this.place <= deadline) return;
      this.place = deadline;
      siftUp(this, this.index);
    } else {
      this.place = deadline;
      heap.push(this);
      siftUp(this, heap.length - 1);
    }
    if (heap[0] === this && !running) arm();
  }

  /** Not to fire. The object stays referenced until its old time comes up; see `release`. */
  clear(): void {
    this.deadline = Number.POSITIVE_INFINITY;
  }

  /** As clear, and forgets the object at once: for the end of a connection or request. */
  release(): void {
    this.deadline = Number.POSITIVE_INFINITY;
    if (this.index >= 0) remove(this);
  }

  /** Whether it will fire. */
  get isSet(): boolean {
    return this.deadline !== Number.POSITIVE_INFINITY;
  }
}

/** How many timers are referenced, for tests and statistics. */
export function timerCount(): number {
  return heap.length;
}

function remove(timer: Timer): void {
  const { index } = timer;
  timer.index = -1;
  const last = heap.pop()!;
  if (last === timer) return;
  // The last one takes the hole, and moves up or down from there.
  siftUp(last, index);
  if (last.index === index) siftDown(last, index);
}

function siftUp(timer: Timer, index: number): void {
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex]!;
    if (parent.place <= timer.place) break;
    heap[index] = parent;
    parent.index = index;
    index = parentIndex;
  }
  heap[index] = timer;
  timer.index = index;
}

function siftDown(timer: Timer, index: number): void {
  const { length } = heap;
  for (;;) {
    let childIndex = 2 * index + 1;
    if (childIndex >= length) break;
    if (childIndex + 1 < length && heap[childIndex + 1]!.place < heap[childIndex]!.place) childIndex++;
    const child = heap[childIndex]!;
    if (child.place >= timer.place) break;
    heap[index] = child;
    child.index = index;
    index = childIndex;
  }
  heap[index] = timer;
  timer.index = index;
}

function arm(): void {
  if (heap.length === 0) return;
  const due = heap[0]!.place;
  if (systemTimer !== undefined) {
    // An earlier wake-up than needed does no harm.
    if (systemDue <= due) return;
    clearTimeout(systemTimer);
  }
  systemDue = due;
  const delay = due - monotonicMsec();
  systemTimer = setTimeout(run, delay < 1 ? 1 : delay > LONGEST ? LONGEST : Math.ceil(delay)).unref();
}

function run(): void {
  systemTimer = undefined;
  systemDue = Number.POSITIVE_INFINITY;
  updateTime();
  const now = monotonicMsec();
  running = true;
  try {
    while (heap.length > 0 && heap[0]!.place <= now) {
      const timer = heap[0]!;
      if (timer.deadline === Number.POSITIVE_INFINITY) {
        remove(timer);
      } else if (timer.deadline > now) {
        // It was moved since; only now does it pay to look for its place.
        timer.place = timer.deadline;
        siftDown(timer, 0);
      } else {
        remove(timer);
        timer.deadline = Number.POSITIVE_INFINITY;
        timer.owner.onTimer(timer);
      }
    }
  } finally {
    running = false;
    arm();
  }
}
