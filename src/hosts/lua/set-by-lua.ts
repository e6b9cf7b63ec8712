/** set_by_lua: a step in the sequence of the rewrite module's `set`, `if`, `rewrite` and `return`. */
import type { ConfContext, ConfStack } from '../../conf/directive.ts';
import { HTTP_INTERNAL_SERVER_ERROR } from '../../http/codes.ts';
import { appendRewriteOp, END, rewriteModule } from '../../http/modules/rewrite/engine.ts';
import { declareSettable } from '../../http/modules/rewrite/module.ts';
import { compileComplexValue } from '../../http/script.ts';
import type { LuaCode } from './code.ts';
import { runSet } from './filters.ts';

/** Adds `set_by_lua $variable CODE arguments...` to the block's rewrite steps. */
export function addSetStep(cf: ConfContext, code: LuaCode, variable: string, args: readonly string[]): undefined {
  const store = declareSettable(cf, variable);
  const values = args.map((arg) => compileComplexValue(cf, arg));
  appendRewriteOp(cf, rewriteModule.locationOf(cf.confs as ConfStack), {
    run(run) {
      const { r } = run;
      const result = runSet(
        r,
        code,
        values.map((value) => value.evaluate(r)),
      );
      if (result !== undefined) {
        store(r, result);
        return;
      }
      run.ip = END;
      run.status = HTTP_INTERNAL_SERVER_ERROR;
    },
  });
  return undefined;
}
