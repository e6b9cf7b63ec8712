/** ngx.timer.at, every, running_count, pending_count. ngx_lua: ngx_http_lua_timer.c. */
import { ApiContext, requireContext } from '../../../api/context.ts';
import { IN_INIT, IN_TIMER } from '../../../api/phase.ts';
import { currentTimers, type TimerRun, timersToSet } from '../../../api/timer.ts';
import { AGAIN, DONE } from '../../../http/codes.ts';
import { type LuaFunction, type LuaResult, LuaTable, type LuaValue, ret2, throwError } from '../../../lua/index.ts';
import { LuaRun, requireRun, runPosted, startEntry } from '../run.ts';
import { checkNumber, typeError } from './args.ts';

/** One timer's Lua function with what it is called with. */
class LuaTimer implements TimerRun {
  private readonly creator: ApiContext;
  private readonly state: LuaRun['state'];
  private readonly fn: LuaFunction;
  /** What follows `premature`. */
  private readonly args: readonly LuaValue[];

  constructor(creator: ApiContext, state: LuaRun['state'], fn: LuaFunction, args: readonly LuaValue[]) {
    this.creator = creator;
    this.state = state;
    this.fn = fn;
    this.args = args;
  }

  start(premature: boolean, ended: () => void): void {
    runTimer(this.creator, this.state, this.fn, [premature, ...this.args], ended);
  }

  where(): string {
    return definition(this.state, this.fn);
  }
}

function schedule(name: string, repeat: boolean): LuaFunction {
  return (...all: LuaValue[]): LuaResult => {
    if (all.length < 2) throwError(`expecting at least 2 arguments but got ${all.length}`);
    const delay = Math.trunc(checkNumber(all[0], 1, name) * 1000);
    if (repeat && delay <= 0) throwError('delay cannot be 0');
    if (delay < 0) throwError('delay cannot be negative');
    const fn = all[1];
    if (typeof fn !== 'function') typeError(2, name, 'function', fn);
    const ctx = requireContext();
    if (ctx.phase === IN_INIT) throwError('no request found');
    const { state } = requireRun() as LuaRun;
    const run = new LuaTimer(ctx, state, fn as LuaFunction, all.length === 2 ? NO_ARGS : all.slice(2));
    const failure = timersToSet().schedule(delay, run, repeat);
    return failure === undefined ? 1 : ret2(undefined, failure);
  };
}

const NO_ARGS: readonly LuaValue[] = [];

/** `=content_by_lua(nginx.conf:12):3`: a function's chunk and first line. */
function definition(state: LuaRun['state'], fn: LuaFunction): string {
  const get = state.load("local i = debug.getinfo(..., 'S') return i.source .. ':' .. i.linedefined", '=timer');
  const result = state.newThread(get).resume([fn]);
  return result.status === 'done' ? String(result.values[0]) : '?';
}

/** A timer runs like a handler of its own, without a request. */
function runTimer(
  creator: ApiContext,
  state: LuaRun['state'],
  fn: LuaFunction,
  args: LuaValue[],
  ended: () => void,
): void {
  const ctx = new ApiContext(undefined, creator.block, undefined, creator);
  ctx.phase = IN_TIMER;
  const run = new LuaRun(ctx, state);
  const end = () => {
    ctx.end();
    ended();
  };
  run.onEnd = end;
  let rc = startEntry(run, fn, args);
  if (rc === AGAIN) rc = runPosted(run);
  if (rc !== AGAIN && rc !== DONE) end();
}

export function installTimer(ngx: LuaTable): void {
  ngx.setStr(
    'timer',
    LuaTable.fromObject({
      at: schedule('at', false),
      every: schedule('every', true),
      running_count: () => currentTimers().running,
      pending_count: () => currentTimers().pendingCount,
    }),
  );
}
