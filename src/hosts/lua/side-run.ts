/**
 * Code of a phase that OpenResty lets not wait, where `lua_strict_phases` is off: it runs as light threads of its own,
 * beside those that the request may have in another phase (a header filter waits while the content handler goes on),
 * with a context of its own that lets it wait. Shared with the request are its state, ngx.ctx and what is in HttpRequest.
 */
import { ApiContext } from '../../api/context.ts';
import { AGAIN, DONE, OK } from '../../http/codes.ts';
import type { HttpRequest } from '../../http/request.ts';
import type { LuaFunction, LuaState, LuaValue } from '../../lua/index.ts';
import type { LuaCode } from './code.ts';
import { loadCode } from './handlers.ts';
import { finalizeThreads, LuaRun, runPosted, type Side, startEntry } from './run.ts';
import { runOf } from './vm.ts';

export class SideRun {
  readonly ctx: ApiContext;
  /** The code has begun to wait and not ended yet. */
  waiting = false;
  /** It ended by an error, which has been logged. */
  failed = false;
  readonly run: LuaRun;

  constructor(ctx: ApiContext, state: LuaState, side: Side) {
    this.ctx = ctx;
    ctx.mayWait = true;
    this.run = new LuaRun(ctx, state);
    this.run.side = side;
  }

  /** The code's first result. */
  get value(): LuaValue {
    return this.run.results[0];
  }

  /** Runs it until it waits or ends; `ended` is called when it has ended after waiting. */
  start(fn: LuaFunction, args: LuaValue[], ended: () => void): this {
    const { run } = this;
    let rc = startEntry(run, fn, args);
    if (rc === AGAIN) rc = runPosted(run);
    if (rc !== AGAIN && rc !== DONE) {
      this.failed = rc !== OK;
      return this;
    }
    this.waiting = true;
    run.onEnd = (end) => {
      this.waiting = false;
      this.failed = end !== OK;
      ended();
    };
    return this;
  }

  /** Ends the code where it waits. */
  cancel(): void {
    this.waiting = false;
    finalizeThreads(this.run);
  }
}

/**
 * Runs code of a request.
 * @param ended called when the code has ended after it had to wait
 * @returns undefined when it could not be loaded (logged)
 */
export function startSide(
  r: HttpRequest,
  code: LuaCode,
  phase: number,
  side: Side,
  args: LuaValue[],
  ended: (side: SideRun) => void,
  outlives = false,
): SideRun | undefined {
  const base = runOf(r);
  const closure = loadCode(r, base, code);
  if (typeof closure === 'number') return undefined;
  const ctx = new ApiContext(r, r.http);
  ctx.phase = phase;
  ctx.outlives = outlives;
  const started = new SideRun(ctx, base.state, side);
  started.run.base = base;
  return started.start(closure, args, () => ended(started));
}
