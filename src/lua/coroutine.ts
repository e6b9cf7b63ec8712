/** Coroutines and host threads: a fresh stack each, captured to the heap when it yields. */

import type { Frame } from './call.ts';
import type { LuaFunction } from './value.ts';

export type CoroutineStatus = 'suspended' | 'running' | 'normal' | 'dead';

/** A Lua coroutine. */
export class Coroutine {
  status: CoroutineStatus = 'suspended';
  /** The body, until it has been started. */
  body: LuaFunction | undefined;
  /** Parked frames, outermost first. */
  frames: Frame[] = [];
  /** Data of the host (the request, the light thread); inherited by coroutine.create. */
  host: unknown = undefined;

  constructor(body: LuaFunction) {
    this.body = body;
  }
}
