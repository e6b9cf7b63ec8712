/** set_by_lua: a step in the sequence of the rewrite module's `set`, `if`, `rewrite` and `return`. */
import { apiModule } from '../../api/context.ts';
import type { ConfContext, ConfStack } from '../../conf/directive.ts';
import { HTTP_INTERNAL_SERVER_ERROR } from '../../http/codes.ts';
import {
  appendRewriteOp,
  continueRun,
  END,
  type RewriteRun,
  rewriteModule,
  type StoppedRun,
  stopRun,
} from '../../http/modules/rewrite/engine.ts';
import { declareSettable } from '../../http/modules/rewrite/module.ts';
import type { HttpRequest } from '../../http/request.ts';
import { compileComplexValue } from '../../http/script.ts';
import type { LuaCode } from './code.ts';
import { runSet, variableValue } from './filters.ts';
import type { SideRun } from './side-run.ts';
import { startSet } from './waiting-phases.ts';

/** Adds `set_by_lua $variable CODE arguments...` to the block's rewrite steps. */
export function addSetStep(cf: ConfContext, code: LuaCode, variable: string, args: readonly string[]): undefined {
  const store = declareSettable(cf, variable);
  const values = args.map((arg) => compileComplexValue(cf, arg));
  appendRewriteOp(cf, rewriteModule.locationOf(cf.confs as ConfStack), {
    run(run) {
      const { r } = run;
      const given = values.map((value) => value.evaluate(r));
      if (!apiModule.location(r).strictPhases) {
        waitingStep(run, code, given, store);
        return;
      }
      const result = runSet(r, code, given);
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

/** The step where code may wait: the request stays in its phase meanwhile. */
function waitingStep(
  run: RewriteRun,
  code: LuaCode,
  args: readonly string[],
  store: (r: HttpRequest, value: string) => void,
): void {
  const { r } = run;
  let stopped: StoppedRun | undefined;
  /** Stores the value. @param at the run, or where it is to go on */
  const finish = (side: SideRun | undefined, at: { ip: number; status: number }): void => {
    if (side !== undefined && !side.failed) {
      store(r, variableValue(side.value));
      return;
    }
    at.ip = END;
    at.status = HTTP_INTERNAL_SERVER_ERROR;
  };
  const side = startSet(r, code, args, (ended) => {
    if (stopped === undefined) return;
    finish(ended, stopped);
    continueRun(stopped);
  });
  if (side?.waiting === true) stopped = stopRun(run);
  else finish(side, run);
}
