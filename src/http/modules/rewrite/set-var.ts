/**
 * Directives that set a variable to what a function makes of their arguments, in the rewrite phase, in the order of
 * `set`, `if` and the like. nginx: NDK's ndk_set_var.
 */
import type { ConfContext, ConfStack } from '../../../conf/directive.ts';
import { HTTP_INTERNAL_SERVER_ERROR } from '../../codes.ts';
import type { HttpRequest } from '../../request.ts';
import { compileScript } from '../../script.ts';
import { appendRewriteOp, END, evaluateParts, rewriteModule } from './engine.ts';
import { declareSettable } from './module.ts';

/** One function. */
export interface SetVar {
  /** How many arguments it takes, the variable not among them. */
  readonly arguments: number;
  /** Undefined when that is impossible, which was logged: the request ends with 500. */
  run(r: HttpRequest, args: readonly string[]): string | undefined;
}

const named = new Map<string, SetVar>();

/** Makes functions known by the names of their directives, for `ndk.set_var` and `array_map_op`. */
export function nameSetVars(functions: Iterable<readonly [string, SetVar]>): void {
  for (const [name, fn] of functions) named.set(name, fn);
}

/** A directive's function, if it takes one argument. */
export function findSetVar(name: string): SetVar | undefined {
  const fn = named.get(name);
  return fn?.arguments === 1 ? fn : undefined;
}

/** Adds a step that stores what a function makes of its arguments. */
export function addSetVar(cf: ConfContext, run: SetVar['run'], variable: string, args: readonly string[]): undefined {
  const store = declareSettable(cf, variable);
  const compiled = args.map((arg) => compileScript(cf, arg));
  appendRewriteOp(cf, rewriteModule.locationOf(cf.confs as ConfStack), {
    run(state) {
      const { r, quote } = state;
      const value = run(
        r,
        compiled.map((parts) => evaluateParts(r, parts, quote)),
      );
      if (value !== undefined) {
        store(r, value);
        return;
      }
      state.status = HTTP_INTERNAL_SERVER_ERROR;
      state.ip = END;
    },
  });
  return undefined;
}
