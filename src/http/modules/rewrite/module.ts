/**
 * ngx_http_rewrite_module: `rewrite`, `return`, `set`, `if`, `break`, run in the rewrite phases of server and location.
 * nginx: src/http/modules/ngx_http_rewrite_module.c.
 */
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { flagSlot } from '../../../conf/slots.ts';
import { parseNumber } from '../../../conf/units.ts';
import { LOG_WARN } from '../../../log/log.ts';
import { DECLINED, DONE, HTTP_BAD_REQUEST, HTTP_MOVED_TEMPORARILY } from '../../codes.ts';
import { coreModule } from '../../core/module.ts';
import { httpOf } from '../../cycle.ts';
import type { HttpModuleSpec } from '../../module.ts';
import type { HttpRequest } from '../../request.ts';
import { type ComplexValue, compileComplexValue, compileScript, literalValue } from '../../script.ts';
import { sendResponse } from '../../send-response.ts';
import { addVariable, getVariableIndex, setIndexed, type VariableValue } from '../../variables.ts';
import {
  appendRewriteOp,
  END,
  evaluateParts,
  type RewriteLocation,
  type RewriteMain,
  type RewriteOp,
  type RewriteRun,
  rewriteModule,
  type StoppedRun,
} from './engine.ts';
import { ifDirective } from './if-op.ts';
import { isAbsolute, rewriteDirective } from './rewrite-op.ts';

const STEPS: readonly ContextName[] = ['server', 'if in server', 'location', 'if in location'];

function rewriteHandler(r: HttpRequest): number {
  const stopped = rewriteModule.context(r);
  if (stopped !== undefined) return goOn(r, stopped);
  if (r.locConf === coreModule.server(r).confs.location && r.http.phaseEngine[r.phaseHandler]?.phase === 'rewrite') {
    // No location was found: the server's own steps have run already.
    return DECLINED;
  }
  const conf = rewriteModule.location(r);
  const ops = conf.ops;
  if (ops === undefined) return DECLINED;
  return runSteps({ r, ops, ip: 0, status: DECLINED, log: conf.rewriteLog, quote: true });
}

function runSteps(run: RewriteRun): number {
  const { ops } = run;
  while (run.ip < ops.length) (ops[run.ip++] as RewriteOp).run(run);
  return run.status;
}

/** The phase was entered again while a step waits, or when it need not any more. */
function goOn(r: HttpRequest, stopped: StoppedRun): number {
  if (!stopped.ready) return DONE;
  const { run } = stopped;
  rewriteModule.setContext(r, undefined);
  run.ip = stopped.ip;
  run.status = stopped.status;
  return runSteps(run);
}

const breakOp: RewriteOp = {
  run(run) {
    const { r } = run;
    if (r.uriChanged) {
      r.validLocation = false;
      r.uriChanged = false;
    }
    run.ip = END;
  },
};

function setReturn(cf: ConfContext, conf: RewriteLocation, args: readonly string[]): string | undefined {
  const first = args[0] as string;
  let status = parseNumber(first);
  let value: ComplexValue;
  if (status === undefined) {
    if (args.length !== 1 || !isAbsolute(first)) return `invalid return code "${first}"`;
    status = HTTP_MOVED_TEMPORARILY;
    value = compileComplexValue(cf, first);
  } else {
    if (status > 999) return `invalid return code "${first}"`;
    value = args.length === 1 ? literalValue('') : compileComplexValue(cf, args[1] as string);
  }
  const code = status;
  const hasText = code < HTTP_BAD_REQUEST || value.literal !== '';
  appendRewriteOp(cf, conf, {
    run(run) {
      run.status = hasText ? sendResponse(run.r, code, undefined, value) : code;
      run.ip = END;
    },
  });
  return undefined;
}

/** A variable that only `set` gives a value, before that was done. */
function uninitialized(r: HttpRequest, index: unknown): VariableValue {
  if (rewriteModule.location(r).uninitializedVariableWarn) {
    r.log(LOG_WARN, `using uninitialized "${r.http.indexed[index as number]?.name}" variable`);
  }
  return '';
}

/**
 * Declares a variable for `set` and directives like it (set_by_lua), named with its `$`.
 *
 * @returns what stores a value in it
 * @throws ConfError when there can be no such variable
 */
export function declareSettable(cf: ConfContext, text: string): (r: HttpRequest, value: VariableValue) => void {
  if (!text.startsWith('$')) throw cf.error(`invalid variable name "${text}"`);
  const name = text.slice(1);
  const variable = addVariable(cf, { name, changeable: true, weak: true });
  const index = getVariableIndex(httpOf(cf), name);
  if (variable.get === undefined) {
    variable.get = uninitialized;
    variable.data = index;
  }
  const { set, data } = variable;
  if (set !== undefined) return (r, value) => set(r, value ?? '', data);
  return (r, value) => setIndexed(r, index, value);
}

function setSet(cf: ConfContext, conf: RewriteLocation, args: readonly string[]): undefined {
  const store = declareSettable(cf, args[0] as string);
  const parts = compileScript(cf, args[1] as string);
  appendRewriteOp(cf, conf, {
    run: (run) => store(run.r, evaluateParts(run.r, parts, run.quote)),
  });
}

const directives: readonly Directive<RewriteLocation>[] = [
  rewriteDirective,
  {
    name: 'return',
    contexts: STEPS,
    args: [1, 2],
    level: 'location',
    doc: 'Ends the processing with a status, a text or a redirect.',
    set: setReturn,
  },
  {
    name: 'break',
    contexts: STEPS,
    args: 0,
    level: 'location',
    doc: 'Ends the steps of this block.',
    set: (cf, conf) => {
      appendRewriteOp(cf, conf, breakOp);
      return undefined;
    },
  },
  ifDirective,
  {
    name: 'set',
    contexts: STEPS,
    args: 2,
    level: 'location',
    doc: 'Gives a variable a value.',
    set: setSet,
  },
  flagSlot<RewriteLocation>(
    'rewrite_log',
    ['http', ...STEPS],
    'location',
    'rewriteLog',
    false,
    'Whether the steps are logged, at the level notice.',
  ),
  flagSlot<RewriteLocation>(
    'uninitialized_variable_warn',
    ['http', ...STEPS],
    'location',
    'uninitializedVariableWarn',
    true,
    'Whether variables that were never set are warned of.',
  ),
];

Object.assign(rewriteModule, {
  directives,
  createMain: () => ({ used: false }),
  createLocation: () =>
    ({ ops: undefined, rewriteLog: undefined, uninitializedVariableWarn: undefined }) as unknown as RewriteLocation,
  postconfiguration(http) {
    if (!rewriteModule.mainOf(http.confs).used) return;
    http.handlers.server_rewrite.push(rewriteHandler);
    http.handlers.rewrite.push(rewriteHandler);
  },
} satisfies Partial<HttpModuleSpec<RewriteMain, object, RewriteLocation>>);

export { rewriteModule };
