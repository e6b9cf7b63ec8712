/**
 * What compiled code reaches by global name.
 *
 * Measured: a sentinel held in a closure variable makes calls 1.8 times slower than one that is a constant global
 * property, which V8 embeds in the code. All names start with a prefix that no Lua identifier can produce; a
 * second copy of the engine in the same process takes another one.
 */

import { R, S } from '../call.ts';
import type { MemberCache } from '../ffi/cdata.ts';
import { LuaTable } from '../table.ts';
import type { LuaResult, LuaValue } from '../value.ts';

const space = globalThis as Record<string, unknown>;
const copies = ((space['$luaEngines'] as number | undefined) ?? 0) + 1;
space['$luaEngines'] = copies;

/** In front of each global name of this copy of the engine. */
export const GLOBAL_PREFIX = copies === 1 ? '$' : `$${copies}$`;

/** The operations that accessors of constant keys need. */
export interface Operations {
  index(o: LuaValue, k: LuaValue): LuaResult;
  /** `cache` is the key's accessor: what it remembers of cdata. */
  indexKey(o: LuaValue, k: string, cache: MemberCache): LuaResult;
  setField(o: LuaValue, k: string, v: LuaValue, cache: MemberCache): LuaResult;
  callIndex(h: LuaValue, o: LuaValue, k: LuaValue): LuaResult;
  /** The __index of strings: the table of their methods. */
  stringIndex(): LuaValue;
}

export const globals = {
  T: LuaTable,
  /** Defines a constant for compiled code. */
  define(name: string, value: unknown): void {
    Object.defineProperty(globalThis, GLOBAL_PREFIX + name, { value, writable: true, configurable: true });
  },
};

globals.define('S', S);
globals.define('R', R);
globals.define('T', LuaTable);
// Tested by functions of traced chunks when they are called. A constant while no hook has ever been set.
globals.define('H', false);

/** Whether a hook is set in some state: functions then run in their hooked forms. */
export const tracing = {
  on: false,
  /** Counts the times hooks were set or removed: functions that were waiting for others meanwhile change form then. */
  epoch: 0,
  /** The mark passed last in the running coroutine: its function's id, its number in it, its line. */
  fn: -1,
  mark: -1,
  line: -1,
};

/** Switches the hooked forms of functions on or off, for calls and resumptions from now on. */
export function setTracing(on: boolean): void {
  if (tracing.on === on) return;
  tracing.on = on;
  space[GLOBAL_PREFIX + 'H'] = on;
}
