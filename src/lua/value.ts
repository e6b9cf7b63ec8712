/**
 * What a Lua value is in JavaScript.
 *
 * Values are bare JavaScript values wherever V8 is fastest with them: nil is `undefined`, numbers, booleans and
 * functions are themselves, a string is a latin1 byte string (one char code 0..255 per byte). Only tables,
 * coroutines and userdata are classes of ours.
 */

import type { Coroutine } from './coroutine.ts';
import type { LuaTable } from './table.ts';

/** Any Lua value. `undefined` is nil; strings hold one byte per character. */
export type LuaValue = undefined | boolean | number | string | LuaTable | LuaFunction | Coroutine | Userdata;

/**
 * The single object that says "look into the registers": zero or several return values, or a suspension.
 * One comparison with it after each call covers both.
 */
export class Sentinel {
  /** Makes the type nominal, so that no other object is taken for the sentinel. */
  readonly $sentinel = true;
}

/** What a Lua or native function returns: one bare value, or the sentinel `S` with the registers of call.ts. */
export type LuaResult = LuaValue | Sentinel;

/** A Lua function, compiled or native, is a bare JavaScript function. */
export type LuaFunction = (...args: LuaValue[]) => LuaResult;

/** An opaque host object with an optional metatable: subclass it, or use it as it is for a light userdata. */
export class Userdata {
  /** The metatable, as set by the host; Lua code cannot change it without the debug library. */
  metatable: LuaTable | undefined;

  constructor(metatable?: LuaTable) {
    this.metatable = metatable;
  }
}

/** The light userdata of address 0: `ngx.null`, `cjson.null`. Shown as "userdata: NULL". */
export const NULL = new Userdata();

let lastId = 0;
const ids = new WeakMap<object, number>();

/** A number that stands for the object's address in texts such as "table: 0x...". Stable for the object's life. */
export function addressOf(object: object): string {
  if (object === NULL) return 'NULL';
  let id = ids.get(object);
  if (id === undefined) {
    id = ++lastId;
    ids.set(object, id);
  }
  return '0x' + (0x7f0000000000 + id * 16).toString(16).padStart(12, '0');
}

/** Whether Lua takes the value for true in a condition. */
export function truthy(v: LuaValue | Sentinel): boolean {
  return v !== undefined && v !== false;
}
