/** set_by_lua: an operation in the sequence of the rewrite module's `set`, `if`, `rewrite` and `return`. */
import type { ConfContext } from '../../conf/directive.ts';
import { compileComplexValue } from '../../http/script.ts';
import { appendSetOp } from '../../http/modules/rewrite.ts';
import type { LuaCode } from './code.ts';
import { runSet } from './filters.ts';

/** Adds `set_by_lua $variable CODE arguments...` to the block's rewrite operations. */
export function addSetOp(
  cf: ConfContext,
  code: LuaCode,
  variable: string,
  args: readonly string[],
): string | undefined {
  if (!variable.startsWith('$')) return `invalid variable name "${variable}"`;
  const values = args.map((arg) => compileComplexValue(cf, arg));
  return appendSetOp(cf, variable.slice(1), (r) => {
    return runSet(
      r,
      code,
      values.map((value) => value.evaluate(r)),
    );
  });
}
