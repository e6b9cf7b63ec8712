/**
 * Finalizers: __gc of proxies, ffi.gc, files that were dropped.
 *
 * They run in collectgarbage(), when a state is closed, and otherwise after the job in which V8 has found the object
 * gone; the one created last first. JavaScript has no way back to an object that is gone, so a finalizer must not
 * refer to its object: it makes another one that stands for it. If the object still lives when the state is closed,
 * it gets that one.
 */

import { callNow, dynamic } from '../coroutine.ts';
import { LuaError } from '../error.ts';
import type { LuaState } from '../state.ts';
import type { LuaValue } from '../value.ts';
import { collect, countKept } from './collector.ts';

/** What is to be done when an object is gone; `object` is the object itself if it is still there. */
export type Finalize = (object: object | undefined) => void;

/** An object's finalizer, by which it can be taken back. */
export class Finalizer {
  readonly ref: WeakRef<object>;
  readonly finalize: Finalize;
  readonly state: LuaState;
  /** LuaJIT runs those of cdata before the others when the state is closed, otherwise after them. */
  readonly isCData: boolean;
  readonly order: number;

  constructor(object: object, finalize: Finalize, state: LuaState, isCData: boolean) {
    this.ref = new WeakRef(object);
    this.finalize = finalize;
    this.state = state;
    this.isCData = isCData;
    this.order = ++created;
  }
}

let created = 0;

/** Those that have not run. */
const pending = new Set<Finalizer>();

/** Finalizers made before dead objects are looked for: V8 tells of them only after the job, which may have no end. */
const MIN_CHECK = 4096;
let untilCheck = MIN_CHECK;

/** Those whose objects V8 has found gone, to be run when it has told of all of them. */
let due: Finalizer[] = [];

const registry = new FinalizationRegistry<Finalizer>((f) => {
  if (due.push(f) === 1) queueMicrotask(runDue);
});

function runDue(): void {
  const list = due;
  due = [];
  run(list, false);
}

/**
 * Has `finalize` called when nothing reaches the object any more, in collectgarbage(), or when the state is closed.
 * It must not refer to the object, but may call Lua functions with `callFinalizer`.
 */
export function addFinalizer(object: object, finalize: Finalize, state: LuaState, isCData = false): Finalizer {
  const f = new Finalizer(object, finalize, state, isCData);
  pending.add(f);
  registry.register(object, f, f);
  countKept();
  if (--untilCheck <= 0) {
    runGone(state);
    untilCheck = Math.max(MIN_CHECK, pending.size);
  }
  return f;
}

/** Takes a finalizer back. */
export function removeFinalizer(f: Finalizer): void {
  pending.delete(f);
  registry.unregister(f);
}

/** Runs finalizers that have not run yet: those of cdata last unless the state is closed, the one created last first. */
function run(list: Finalizer[], withObject: boolean): void {
  const earlier = withObject ? -1 : 1;
  list.sort((a, b) => (a.isCData === b.isCData ? b.order - a.order : a.isCData ? earlier : -earlier));
  for (const f of list) {
    if (!pending.delete(f)) continue;
    registry.unregister(f);
    f.finalize(withObject ? f.ref.deref() : undefined);
  }
}

/** Calls a Lua finalizer with its object. Errors are reported on standard error and otherwise ignored, as in LuaJIT. */
export function callFinalizer(fn: LuaValue, object: LuaValue, state: LuaState): void {
  try {
    if (dynamic.current?.state === state) callNow(fn, [object]);
    else {
      const thread = state.newThread(() => callNow(fn, [object]));
      thread.canYield = false;
      if (thread.resume().status === 'suspended') {
        thread.kill();
        throw new LuaError('attempt to yield across C-call boundary');
      }
    }
  } catch (e) {
    if (!(e instanceof LuaError)) throw e;
    process.stderr.write(`ERROR in finalizer: ${e.message}\n`, 'latin1');
  }
}

/** collectgarbage("collect"): collects, and runs the finalizers of the state's objects that are gone. */
export function collectGarbage(state: LuaState): void {
  collect();
  runGone(state);
}

/** Runs the finalizers of the state's objects that V8 has found gone. */
function runGone(state: LuaState): void {
  const gone: Finalizer[] = [];
  for (const f of pending) if (f.state === state && f.ref.deref() === undefined) gone.push(f);
  run(gone, false);
}

/** Rounds of finalizers at the end: they may make objects that have finalizers too. */
const ROUNDS = 10;

/** Runs all finalizers of a state, as lua_close does: those of cdata first, and the one created last first. */
export function finalizeAll(state: LuaState): void {
  for (let round = 0; round < ROUNDS; round++) {
    const own = [...pending].filter((f) => f.state === state);
    if (own.length === 0) return;
    run(own, true);
  }
}
