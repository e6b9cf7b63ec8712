/** echo_sleep, echo_blocking_sleep and the timer behind $echo_timer_elapsed. */
import { parseFixedPoint } from '../../../conf/units.ts';
import { LOG_ERR } from '../../../log/log.ts';
import { currentMsec, updateTime } from '../../../log/time.ts';
import { Timer, type TimerOwner } from '../../../net/timer.ts';
import { AGAIN, ERROR, HTTP_BAD_REQUEST, OK } from '../../codes.ts';
import { finalizeRequest, runPostedRequests } from '../../finalize.ts';
import type { HttpRequest } from '../../request.ts';
import type { VariableValue } from '../../variables.ts';
import { type EchoCommand, EchoContext, type EchoRun, echoModule, evaluateArguments } from './context.ts';
import { onWritable } from './handler.ts';

/** Wakes a request up. */
class Sleeper implements TimerOwner {
  readonly r: HttpRequest;
  readonly ctx: EchoContext;

  constructor(r: HttpRequest, ctx: EchoContext) {
    this.r = r;
    this.ctx = ctx;
  }

  onTimer(): void {
    const { r, ctx } = this;
    const c = r.connection;
    if (r.main.freed) return;
    if (c.error) finalizeRequest(r, ERROR);
    else {
      ctx.waiting = false;
      ctx.done = true;
      onWritable(r);
    }
    runPostedRequests(c);
  }
}

/** Milliseconds; undefined (logged) when the argument is no time. */
function duration(r: HttpRequest, command: EchoCommand): number | undefined {
  const text = evaluateArguments(r, command)[0] ?? '';
  const delay = parseFixedPoint(text, 3);
  if (delay === undefined) r.log(LOG_ERR, `invalid sleep duration "${text}"`);
  return delay;
}

export const runSleep: EchoRun = (r, ctx, command) => {
  const delay = duration(r, command);
  if (delay === undefined) return HTTP_BAD_REQUEST;
  if (ctx.sleep === undefined) {
    const timer = new Timer(new Sleeper(r, ctx));
    ctx.sleep = timer;
    r.main.addCleanup(() => timer.release());
  }
  ctx.sleep.set(delay);
  return AGAIN;
};

const lock = new Int32Array(new SharedArrayBuffer(4));

/** Stops the whole worker, as the directive says. */
export const runBlockingSleep: EchoRun = (r, _ctx, command) => {
  const delay = duration(r, command);
  if (delay === undefined) return HTTP_BAD_REQUEST;
  Atomics.wait(lock, 0, 0, delay);
  return OK;
};

export const runResetTimer: EchoRun = (_r, ctx) => {
  updateTime();
  ctx.timerBegin = currentMsec();
  return OK;
};

/** $echo_timer_elapsed: seconds with three decimals. */
export function timerElapsed(r: HttpRequest): VariableValue {
  let ctx = echoModule.context(r);
  if (ctx === undefined) {
    ctx = new EchoContext();
    echoModule.setContext(r, ctx);
  }
  if (ctx.timerBegin === 0) ctx.timerBegin = r.startTime;
  updateTime();
  return (Math.max(currentMsec() - ctx.timerBegin, 0) / 1000).toFixed(3);
}
