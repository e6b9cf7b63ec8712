/**
 * Options of Node's and flags of V8's that pay for compiled Lua code. They concern the whole process, so it is for
 * programs, not for the library, to set them. The executables in bin/ start Node with them: a flag that is set later costs the
 * loading of node:v8, and the stack cannot grow later at all.
 *
 * Measured with bench/lua on Node 20: a request handler 0.93 of the time, method calls 0.85, varargs 0.88, the rest
 * between 0.93 and 1. Without max-optimized-bytecode-size a function of more than some 1500 statements is never
 * optimised and runs 80 times slower.
 */

/** Flags that can be set in a running process. */
const FLAGS = [
  '--max-optimized-bytecode-size=200000',
  '--max-inlined-bytecode-size=700',
  '--max-inlined-bytecode-size-cumulative=2000',
];

/**
 * Options for the start of the process. The first is room for recursion as deep as LuaJIT allows (in KB, safe with the usual limit
 * of 8 MB for a stack). The second (in MB) gives young objects from the start as much room as V8 would give them at
 * most: a request leaves nothing behind, so that a collection costs the same however rare it is. Proxying takes 0.8 of the time.
 * The third keeps V8 from allocating objects among the old ones because others from the same place have lived long, as
 * those of the first requests do while functions are being compiled. A request among the old objects keeps all it
 * has from being collected until the next full collection. With half the room for young objects that befell four
 * of six workers, and one of them took 1.6 times as long to proxy; with the room above, none of eight.
 */
export const NODE_OPTIONS: readonly string[] = [
  '--stack-size=5600',
  '--min-semi-space-size=16',
  '--no-allocation-site-pretenuring',
  ...FLAGS,
];

function nameOf(option: string): string {
  return option.split('=')[0]!.replaceAll('_', '-');
}

/** NODE_OPTIONS without those that this process was started with, be it with other values. */
export function missingOptions(): string[] {
  const given = process.execArgv.map(nameOf);
  return NODE_OPTIONS.filter((option) => !given.includes(nameOf(option)));
}

/** Sets the flags that this process was not started with and that can be set in a running one; functions compiled later profit. */
export function tuneV8(): void {
  const missing = missingOptions().filter((option) => FLAGS.includes(option));
  if (missing.length === 0) return;
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  for (const flag of missing) setFlagsFromString(flag);
}

/**
 * Makes room for deep recursion if this process was not started by the executables in bin/, where Node can replace its own process
 * (22.15 and later): then this does not return.
 */
export function restartForLua(): void {
  const { execve } = process as { execve?: (file: string, args: readonly string[], env: NodeJS.ProcessEnv) => never };
  const missing = missingOptions();
  if (execve === undefined || missing.length === 0 || process.platform === 'win32') return;
  execve(process.execPath, [process.execPath, ...missing, ...process.execArgv, ...process.argv.slice(1)], process.env);
}
