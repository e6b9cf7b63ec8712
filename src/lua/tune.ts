/**
 * V8 flags that pay for compiled Lua code. They concern the whole process, so it is for programs, not for the
 * library, to set them.
 *
 * Measured with bench/lua on Node 20: a request handler 0.93 of the time, method calls 0.85, varargs 0.88, the rest
 * between 0.93 and 1. Without the first flag a function of more than some 1500 statements is never optimised and
 * runs 80 times slower.
 */

import { setFlagsFromString } from 'node:v8';

const FLAGS = [
  '--max-optimized-bytecode-size=200000',
  '--max-inlined-bytecode-size=700',
  '--max-inlined-bytecode-size-cumulative=2000',
];

/**
 * Node options that must be given at the start of the process: room for recursion as deep as LuaJIT allows
 * (in KB, safe with the usual limit of 8 MB for a stack).
 */
export const NODE_OPTIONS: readonly string[] = ['--stack-size=3900'];

/** Sets the flags that can be set in a running process; functions compiled later profit. */
export function tuneV8(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}

/** Makes room for deep recursion where Node can replace its own process (22.15 and later): then this does not return. */
export function restartForLua(): void {
  const { execve } = process as { execve?: (file: string, args: readonly string[], env: NodeJS.ProcessEnv) => never };
  const missing = NODE_OPTIONS.filter((o) => !process.execArgv.some((own) => own.startsWith(o.split('=')[0]!)));
  if (execve === undefined || missing.length === 0 || process.platform === 'win32') return;
  execve(process.execPath, [process.execPath, ...missing, ...process.execArgv, ...process.argv.slice(1)], process.env);
}
