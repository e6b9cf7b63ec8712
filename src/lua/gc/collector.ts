/**
 * V8's garbage collector, as Lua code knows its own: collectgarbage() collects before it returns.
 *
 * Two things stand in the way. What a WeakRef was made of or read through is kept by V8 until the current job ends,
 * and scripts are one job. But V8 lets go of these objects after each run of microtasks, also of those of a context
 * that has its own queue: running an empty script in such a context is enough. And the function that collects exists
 * only in contexts that were made under a flag; it is set for that moment only, because V8 takes cached code
 * only under the flags it was compiled with.
 */

import { setFlagsFromString } from 'node:v8';
import { type Context, createContext, runInContext, Script } from 'node:vm';
import { R } from '../call.ts';

type Collect = () => void;

interface Engine {
  readonly context: Context;
  readonly empty: Script;
  /** Absent if this build of V8 cannot be asked. */
  readonly collect: Collect | undefined;
}

let engine: Engine | undefined;

/** Made by the first use: takes a millisecond. */
function makeEngine(): Engine {
  const wasExposed = process.execArgv.some((flag) => /^--expose[-_]gc$/.test(flag));
  setFlagsFromString('--expose-gc');
  const context = createContext({}, { microtaskMode: 'afterEvaluate' });
  const collect = runInContext('typeof gc === "function" ? gc : undefined', context) as Collect | undefined;
  if (!wasExposed) setFlagsFromString('--no-expose-gc');
  return { context, empty: new Script(''), collect };
}

/** Makes V8 let go of objects that it keeps for the current job because a WeakRef was made or read. 2 microseconds. */
export function releaseKept(): void {
  kept = 0;
  engine ??= makeEngine();
  engine.empty.runInContext(engine.context);
}

let kept = 0;

/** Objects that weak references may make V8 keep before it is told to let them go. */
const MAX_KEPT = 10_000;

/** To be called for each WeakRef that is made or read: a job that does this without end must not run out of memory. */
export function countKept(): void {
  if (++kept >= MAX_KEPT) releaseKept();
}

const forgetters: (() => void)[] = [];

/** Registers a function that drops objects which the engine remembers for speed. Called before each collection. */
export function onCollect(forget: () => void): void {
  forgetters.push(forget);
}

onCollect(() => {
  R.a = R.b = R.c = undefined;
  R.v = [];
});

/** Collections of programs that must not stand still. */
interface Allowance {
  /** Part of the time that they may take. */
  readonly share: number;
  /** Milliseconds that they may take now. */
  credit: number;
  /** When the credit was reckoned. */
  at: number;
}

let allowance: Allowance | undefined;

/** Milliseconds that collections may take after a long time without one. */
const MAX_CREDIT = 250;

/**
 * Limits collections to a part of the time: beyond that, collectgarbage() leaves it to V8 when to collect. For servers,
 * where code on a request's path may call it.
 */
export function limitCollections(share: number): void {
  allowance = { share, credit: MAX_CREDIT, at: performance.now() };
}

function mayCollect(limit: Allowance, now: number): boolean {
  limit.credit = Math.min(MAX_CREDIT, limit.credit + (now - limit.at) * limit.share);
  limit.at = now;
  return limit.credit > 0;
}

/** Whether Lua code of this process knows collectgarbage: only then the engine remembers what it might drop. */
export const collecting = { expected: false };

/**
 * collectgarbage("collect"), but for the finalizers: all objects that nothing reaches are gone when it returns, unless
 * collections are limited.
 */
export function collect(): void {
  for (const forget of forgetters) forget();
  releaseKept();
  const run = engine!.collect;
  if (run === undefined) return;
  if (allowance === undefined) {
    run();
    return;
  }
  const start = performance.now();
  if (!mayCollect(allowance, start)) return;
  run();
  allowance.at = performance.now();
  allowance.credit -= allowance.at - start;
}
