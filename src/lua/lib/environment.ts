// setfenv, getfenv and the environments of compiled functions.

import { R } from '../call.ts';
import { protoByName, protoOf } from '../compiler/compile.ts';
import { type Level, levels } from '../position.ts';
import type { FunctionWithEnv } from '../runtime.ts';
import type { LuaTable } from '../table.ts';
import { functionOf, setChunkEnvironment } from './inspect.ts';
import { isNative } from './native.ts';

/** The environment of a function, or undefined if it is native or uses no globals and was given none. */
export function environmentOf(fn: FunctionWithEnv): LuaTable | undefined {
  if (isNative(fn)) return undefined;
  if (fn.$E !== undefined) return fn.$E.env;
  const proto = protoOf(fn);
  if (proto === undefined || !proto.fn.usesEnv) return undefined;
  if (proto.fn.changesEnv) return undefined;
  // The function itself knows: a call with the query set only tells.
  const query = { env: undefined as unknown as LuaTable, instance: undefined, query: true };
  fn.$E = query;
  try {
    fn();
  } finally {
    delete fn.$E;
  }
  return query.env;
}

/** Gives a compiled function another environment. False if the function is native. */
export function setEnvironment(fn: FunctionWithEnv, env: LuaTable): boolean {
  if (isNative(fn)) return false;
  fn.$E = { env, instance: undefined, query: false };
  return true;
}

/** Levels of the running Lua stack, and the place there of level `level`: 1 is the caller of the running native. */
function stackAt(level: number): [stack: Level[], index: number] {
  const stack = levels(level * 8 + 16);
  return [stack, stack.length > 0 && stack[0]!.script === undefined ? level : level - 1];
}

/**
 * The function at a level of the running Lua stack, 1 being the caller of the running native; 'unknown' if there is
 * one that uses no globals, undefined if there is no such level.
 */
export function functionAt(level: number): Function | 'unknown' | undefined {
  const [stack, index] = stackAt(level);
  const at = stack[index];
  if (at === undefined) return undefined;
  // The function of a frame that was parked and resumed is its resume form.
  if (level === 1 && R.self !== undefined && protoOf(R.self) === protoByName(at.name)) return R.self;
  return at.fn ?? functionOf(stack, index) ?? (at.script === undefined ? undefined : 'unknown');
}

/** Tells a chunk that runs at a level of its new environment. Other functions use theirs from their next call on. */
export function setEnvironmentAt(level: number, env: LuaTable): void {
  const [stack, index] = stackAt(level);
  if (stack[index]?.script !== undefined) setChunkEnvironment(stack, index, env);
}
