// setfenv, getfenv and the environments of compiled functions.

import { R } from '../call.ts';
import { protoByName, protoOf } from '../compiler/compile.ts';
import { levels } from '../position.ts';
import type { FunctionWithEnv } from '../runtime.ts';
import type { LuaTable } from '../table.ts';
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

/** The function at a level of the running Lua stack, 1 being the caller of the running native. */
export function functionAt(level: number): Function | undefined {
  const stack = levels(level * 8 + 16);
  const index = stack.length > 0 && stack[0]!.script === undefined ? level : level - 1;
  const at = stack[index];
  // The function of a frame that was parked and resumed is its resume form.
  if (level === 1 && R.self !== undefined && at !== undefined && protoOf(R.self) === protoByName(at.name))
    return R.self;
  return at?.fn;
}
