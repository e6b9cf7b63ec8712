import type { LuaFunction, LuaValue } from '../../../src/lua/value.ts';
/** One call: a Lua expression of the function ("string.find") and its arguments. */
export interface Call {
    readonly fn: string;
    readonly args: readonly LuaValue[];
}
/** Whether luajit is installed. */
export declare const hasLuaJit: boolean;
/** A Lua value as Lua source. */
export declare function literal(v: LuaValue): string;
/** Runs all calls in one LuaJIT process: a line of shown results or "error: message" for each. */
export declare function runInLuaJit(calls: readonly Call[]): string[];
/** Runs one call of ours and shows its results the same way. */
export declare function runOurs(fn: LuaFunction, args: readonly LuaValue[]): string;
/** Shows a value as the prelude's `show` does. */
export declare function show(v: LuaValue): string;
