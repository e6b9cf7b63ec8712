// setfenv, getfenv and the environments of compiled functions.

import { type Frame, R } from '../call.ts';
import { type Proto, protoByName, protoOf } from '../compiler/compile.ts';
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

/** Stands for a native that runs: all are alike to setfenv and getfenv. */
function someNative(): void {}

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
  const frame = resumedFrame(at);
  if (frame !== undefined && (frame.proto as Proto).fn.changesEnv) return frame.v1 as Function;
  return at.fn ?? functionOf(stack, index) ?? (at.script === undefined ? someNative : 'unknown');
}

/** The frame that a level which was parked has gone on with. V8 tells the arguments of sloppy functions that run. */
function resumedFrame({ fn }: Level): Frame | undefined {
  const proto = fn === undefined ? undefined : protoOf(fn);
  return proto?.isResumeForm(fn!) ? (fn as Function & { arguments: [Frame] }).arguments[0] : undefined;
}

/** The environment of a level that was parked and has gone on; undefined for others, and if it uses no globals. */
export function resumedEnvironment(level: number): LuaTable | undefined {
  const [stack, index] = stackAt(level);
  const at = stack[index];
  const frame = at === undefined ? undefined : resumedFrame(at);
  if (frame === undefined) return undefined;
  // A frame has the environment first, then the function itself if that uses setfenv (compiler/emit.ts).
  const { usesEnv, changesEnv } = (frame.proto as Proto).fn;
  if (!usesEnv) return undefined;
  return (changesEnv ? (frame.v1 as FunctionWithEnv).$E?.env : undefined) ?? (frame.v0 as LuaTable);
}

/** Tells a chunk that runs at a level of its new environment. Other functions use theirs from their next call on. */
export function setEnvironmentAt(level: number, env: LuaTable): void {
  const [stack, index] = stackAt(level);
  const at = stack[index];
  if (at?.script === undefined) return;
  setChunkEnvironment(stack, index, env);
  const frame = resumedFrame(at);
  if (frame !== undefined && (frame.proto as Proto).fn.index === 0) frame.v0 = env;
}
