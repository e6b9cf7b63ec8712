/** ngx.timer.at, every, running_count, pending_count. ngx_lua: ngx_http_lua_timer.c. */
import { ApiContext, requireContext } from '../../../api/context.ts';
import { IN_INIT, IN_TIMER } from '../../../api/phase.ts';
import { currentTimers, type TimerRun, timersToSet } from '../../../api/timer.ts';
import { AGAIN, DONE } from '../../../http/codes.ts';
import { type LuaFunction, type LuaResult, LuaTable, type LuaValue, ret2, throwError } from '../../../lua/index.ts';
import { LuaRun, requireRun, runPosted, startEntry } from '../run.ts';
import { checkNumber, typeError } from './args.ts';

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
    const timers = timersToSet();
    const state = (requireRun() as LuaRun).state;
    const args = all.slice(2);
    const run: TimerRun = Object.assign(
      (premature: boolean, ended: () => void) => runTimer(ctx, state, fn as LuaFunction, [premature, ...args], ended),
      { where: () => definition(state, fn as LuaFunction) },
    );
    const failure = timers.schedule(delay, run, repeat);
    return failure === undefined ? 1 : ret2(undefined, failure);
  };
}

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
