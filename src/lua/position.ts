/**
 * Positions from V8's structured stack.
 *
 * Compiled scripts keep each Lua line on the JavaScript line of the same number, so that a stack frame's line is
 * the Lua line. Nothing is recorded while code runs.
 */

/** What is known of a compiled script by its file name in V8's stack. */
export interface ScriptInfo {
  /** The chunk's name as Lua shows it: `foo.lua`, `[string "..."]`. */
  readonly shortSource: string;
}

/** File names of compiled scripts in stack frames -> their chunk. */
export const scripts = new Map<string, ScriptInfo>();

/** Function name in front of names of natives (see library.ts), by which stack walks know them. */
export const NATIVE = 'C:';
/** Name of the function that runs a coroutine: a stack walk ends there. */
export const BASE = '$coroutineBase';

/** One level of the Lua stack. */
export interface Level {
  /** The script, undefined for a native function. */
  script: ScriptInfo | undefined;
  /** Current line, -1 for a native function. */
  line: number;
  /** The JavaScript function's name: `$<proto>_<name>` or `C:<name>`. */
  name: string;
  /** The function itself, if the frame is live. */
  fn: Function | undefined;
}

const structured = (_: Error, sites: NodeJS.CallSite[]): NodeJS.CallSite[] => sites;

function capture(limit: number): NodeJS.CallSite[] {
  const prepare = Error.prepareStackTrace;
  const oldLimit = Error.stackTraceLimit;
  Error.prepareStackTrace = structured;
  Error.stackTraceLimit = limit;
  const holder: { stack?: NodeJS.CallSite[] } = {};
  Error.captureStackTrace(holder, capture);
  const sites = holder.stack!;
  Error.prepareStackTrace = prepare;
  Error.stackTraceLimit = oldLimit;
  return sites;
}

/** Set by the coroutine module: the levels of the current coroutine that are parked on the heap. */
export const parkedLevels: { get(): Level[] } = { get: () => [] };

/**
 * The levels of the current coroutine, innermost first. Level 0 is the running native function if it was called
 * from Lua code. `limit` is the number of JavaScript frames looked at.
 */
export function levels(limit: number): Level[] {
  const result: Level[] = [];
  const sites = capture(limit);
  for (const site of sites) {
    const name = site.getFunctionName() ?? '';
    if (name === BASE) {
      result.push(...parkedLevels.get());
      return result;
    }
    if (name.startsWith(NATIVE)) {
      result.push({ script: undefined, line: -1, name, fn: undefined });
      continue;
    }
    if (name.charCodeAt(0) !== 36) continue;
    const file = site.getScriptNameOrSourceURL();
    const script = file ? scripts.get(file) : undefined;
    if (script === undefined) continue;
    result.push({ script, line: site.getLineNumber() ?? 0, name, fn: site.getFunction() as Function | undefined });
  }
  if (sites.length < limit) result.push(...parkedLevels.get());
  return result;
}

/** "chunk:line: " of the Lua function at a level (1 = the caller of the running native), or "". */
export function position(level: number): string {
  const stack = levels(level * 8 + 8);
  // A native called by other natives only has no level of its own.
  const index = stack.length > 0 && stack[0]!.script === undefined ? level : level - 1;
  const at = stack[index];
  return at?.script === undefined ? '' : `${at.script.shortSource}:${at.line}: `;
}
