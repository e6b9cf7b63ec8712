/**
 * Runs what `rewrite`, `if`, `set`, `return` and `break` were compiled to: a list of steps with jumps, so that the steps
 * inside an `if` stand in the list of the block around it and keep their order among the others. Other modules may put
 * steps of their own in between (set_by_lua). nginx: ngx_http_rewrite_handler(), ngx_http_script_engine_t.
 */
import type { ConfContext } from '../../../conf/directive.ts';
import { DONE } from '../../codes.ts';
import { httpOf } from '../../cycle.ts';
import { runPhases } from '../../engine.ts';
import { escapeUri } from '../../escape.ts';
import { runPostedRequests } from '../../finalize.ts';
import { httpModule } from '../../module.ts';
import type { HttpRequest } from '../../request.ts';
import type { ScriptPart } from '../../script.ts';
import { evaluatePart } from '../../script.ts';

/** Ends the run when `ip` is set to it. */
export const END = Number.MAX_SAFE_INTEGER;

/** One run over the steps of a block. */
export interface RewriteRun {
  readonly r: HttpRequest;
  readonly ops: readonly RewriteOp[];
  /** Index of the next step. */
  ip: number;
  /** Result of the phase handler; DECLINED until a step says otherwise. */
  status: number;
  /** rewrite_log. */
  readonly log: boolean;
  /** Captures are escaped. True at first, as in nginx: `set $x $1` before any `rewrite` escapes. */
  quote: boolean;
}

/** A run that one of its steps has stopped. */
export interface StoppedRun {
  readonly run: RewriteRun;
  /** Where it goes on, and with what result so far. */
  ip: number;
  status: number;
  /** What the step waited for is there. */
  ready: boolean;
}

/** One step. It may move `run.ip`, which stands at the next step already. */
export interface RewriteOp {
  run(run: RewriteRun): void;
}

export interface RewriteMain {
  /** Some block has steps. */
  used: boolean;
}

export interface RewriteLocation {
  ops: RewriteOp[] | undefined;
  rewriteLog: boolean;
  uninitializedVariableWarn: boolean;
}

/** ngx_http_rewrite_module, for whoever needs its objects; its directives and handler are in module.ts. */
export const rewriteModule = httpModule<RewriteMain, object, RewriteLocation, StoppedRun>({
  name: 'ngx_http_rewrite_module',
});

/**
 * Adds a step behind those of the block that the directive stands in (`if` blocks included).
 *
 * @param conf the module's object of the block: `rewriteModule.locationOf(cf.confs)`
 */
export function appendRewriteOp(cf: ConfContext, conf: RewriteLocation, op: RewriteOp): void {
  conf.ops ??= [];
  conf.ops.push(op);
  rewriteModule.mainOf(httpOf(cf).confs).used = true;
}

/**
 * For a step that must wait: stops the run behind the step, and with it the request, which stays in its phase.
 * @returns to be changed and given to `continueRun` from an event
 */
export function stopRun(run: RewriteRun): StoppedRun {
  const stopped: StoppedRun = { run, ip: run.ip, status: run.status, ready: false };
  rewriteModule.setContext(run.r, stopped);
  run.ip = END;
  run.status = DONE;
  return stopped;
}

/** Has the request go on from the step that stopped it. */
export function continueRun(stopped: StoppedRun): void {
  const { r } = stopped.run;
  stopped.ready = true;
  runPhases(r);
  runPostedRequests(r.connection);
}

/** The value of a compiled string, its captures escaped where the request's URI was. */
export function evaluateParts(r: HttpRequest, parts: readonly ScriptPart[], quote: boolean): string {
  const escaping = quote && (r.quotedUri || r.plusInUri);
  let value = '';
  for (const part of parts) {
    const text = evaluatePart(r, part);
    value += escaping && part.kind === 'capture' ? escapeUri(text, 'args') : text;
  }
  return value;
}
