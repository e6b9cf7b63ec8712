/** The stack of a thread for hosts: debuggers, status pages, log lines about what a request waits for. */
import type { Coroutine } from '../coroutine.ts';
import { NATIVE } from '../position.ts';
import type { LuaValue } from '../value.ts';
import { getLocal } from './inspect.ts';
import { callName, levelsOf } from './traceback.ts';

/** One function on the stack of a thread. */
export interface StackFrame {
  /** The name by which it was called; undefined where nothing tells it, as for main chunks. */
  readonly name: string | undefined;
  /** Whether it is a native function. */
  readonly isNative: boolean;
  /** The chunk's name as Lua's messages show it, `[C]` for natives. */
  readonly source: string;
  /** The current line; 0 for natives. */
  readonly line: number;
  /** Local variables in scope, in the order of their declaration. A name can occur more than once. */
  locals(): (readonly [name: string, value: LuaValue])[];
}

/**
 * The functions that a thread or coroutine is in, innermost first: of a suspended one, those that are parked, of the
 * running one those on the stack. Empty for one that has not begun or has ended. What the debug library shows to Lua.
 */
export function stackOf(thread: Coroutine): StackFrame[] {
  const stack = levelsOf(thread);
  return stack.map((level, i) => {
    const called = callName(stack, i);
    const known = called === undefined ? undefined : /'(.*)'$/s.exec(called)?.[1];
    const { script } = level;
    const own = script === undefined && level.name !== NATIVE ? level.name.slice(NATIVE.length) : undefined;
    return {
      name: known ?? own,
      isNative: script === undefined,
      source: script?.shortSource ?? '[C]',
      line: script === undefined ? 0 : level.line,
      locals() {
        const locals: (readonly [string, LuaValue])[] = [];
        for (let n = 1; ; n++) {
          const local = getLocal(stack, i, n);
          if (local === undefined) return locals;
          locals.push(local);
        }
      },
    };
  });
}
