/**
 * Lua errors. They are plain objects, not `Error`s: capturing a JavaScript stack costs ten times as much as the
 * throw, and is done only where a position or a traceback is wanted.
 */

import type { Coroutine } from './coroutine.ts';
import { callingName, ownPosition, position } from './position.ts';
import type { LuaValue } from './value.ts';

/** What `error` throws. Throw it through `throwValue` so that xpcall's handler runs at the point of error. */
export class LuaError {
  /** The error value, usually a string with its position in front. */
  value: LuaValue;
  /** Text of debug.traceback at the point of error, filled if nothing in the thread catches the error. */
  traceback: string | undefined;
  /** Tracebacks of the coroutines around the one of `traceback`, innermost first: of a scheduled thread. */
  outer: readonly string[] | undefined;
  /** What `error` was called with, if it has put a position in front of that. */
  given: LuaValue;
  /** The handler of xpcall has already turned `value` into its result. */
  handled: boolean;
  /** The JavaScript error it was made from, if a native function failed in an unforeseen way. */
  cause: unknown;

  constructor(value: LuaValue, traceback?: string) {
    this.value = value;
    this.traceback = traceback;
    this.outer = undefined;
    this.given = undefined;
    this.handled = false;
    this.cause = undefined;
  }

  /** The value as text, for JavaScript programs that report it. */
  get message(): string {
    return typeof this.value === 'string' || typeof this.value === 'number'
      ? String(this.value)
      : `(error object is a ${typeof this.value === 'object' ? 'table' : this.value === undefined ? 'nil' : typeof this.value} value)`;
  }

  toString(): string {
    return this.message;
  }
}

/** Set by the runtime: runs what must see the stack before it unwinds (xpcall handlers, tracebacks). */
export const errorHooks: {
  beforeThrow(error: LuaError): void;
  /** Does the same for an error of JavaScript's that has ended a coroutine: `error.cause`. */
  unforeseen(error: LuaError, co: Coroutine): void;
} = { beforeThrow() {}, unforeseen() {} };

/** Throws a Lua value as it is, like error(v, 0). */
export function throwValue(value: LuaValue): never {
  const e = new LuaError(value);
  errorHooks.beforeThrow(e);
  throw e;
}

/**
 * Throws a message with the position of a Lua function in front, as luaL_error does.
 * Level 1 is the Lua function that called the running native, 2 its caller, 0 adds no position.
 */
export function throwError(message: string, level = 1): never {
  throwValue(level > 0 ? position(level) + message : message);
}

/** Throws the message of an operation that failed: with its position in Lua code, without in a native function. */
export function throwOperation(message: string): never {
  throwValue(ownPosition() + message);
}

/**
 * Throws "bad argument #n to 'fname' (message)" with position, as luaL_argerror does. The function is named as the
 * calling Lua code names it ('?' if it was not called by Lua code); self does not count in a method call.
 */
export function argError(n: number, fname: string, message: string): never {
  const call = callingName(fname);
  if (call.isMethod && n === 1) throwError(`calling '${call.name}' on bad self (${message})`);
  throwError(`bad argument #${call.isMethod ? n - 1 : n} to '${call.name}' (${message})`);
}

/** Runs a system call that may well fail: its error does not write down the stack, which takes long if that is deep. */
export function withoutStack<T>(systemCall: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return systemCall();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
