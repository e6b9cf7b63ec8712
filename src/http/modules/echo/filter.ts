/** echo_before_body and echo_after_body: text around whatever a location answers. */
import { type Chain, flagBuf, memoryBuf } from '../../buf.ts';
import { ERROR, OK } from '../../codes.ts';
import type { BodyFilter, HttpCycle } from '../../cycle.ts';
import { clearAcceptRanges, clearContentLength } from '../../output.ts';
import type { HttpRequest } from '../../request.ts';
import { type EchoCommand, EchoContext, echoModule } from './context.ts';
import { echoText } from './output.ts';

function write(r: HttpRequest, commands: readonly EchoCommand[], next: BodyFilter): number {
  for (const command of commands) {
    const text = echoText(r, command);
    if (text === '') continue;
    const rc = next(r, [memoryBuf(text)]);
    if (rc === ERROR || rc > OK) return ERROR;
  }
  return OK;
}

function prepare(r: HttpRequest): void {
  const { before, after } = echoModule.location(r);
  let ctx = echoModule.context(r);
  if (before === undefined && after === undefined) {
    if (ctx !== undefined) ctx.skipFilter = true;
    return;
  }
  if (ctx === undefined) {
    ctx = new EchoContext();
    echoModule.setContext(r, ctx);
  }
  clearContentLength(r);
  clearAcceptRanges(r);
}

/** Takes the end of the response off its pieces; tells whether there was one. */
function cutEnd(chain: Chain): boolean {
  let last = false;
  for (let i = 0; i < chain.length; i++) {
    const b = chain[i] as Chain[number];
    if (!b.lastBuf && !b.lastInChain) continue;
    chain[i] = { ...b, lastBuf: false, lastInChain: false, sync: true };
    last = true;
  }
  return last;
}

function filter(r: HttpRequest, chain: Chain, ctx: EchoContext, next: BodyFilter): number {
  const { before, after } = echoModule.location(r);
  if (!ctx.beforeSent) {
    ctx.beforeSent = true;
    if (before !== undefined && write(r, before, next) !== OK) return ERROR;
  }
  if (after === undefined) {
    ctx.skipFilter = true;
    return next(r, chain);
  }
  const body = [...chain];
  const last = cutEnd(body);
  const rc = next(r, body);
  if (rc === ERROR || rc > OK || !last) return rc;
  if (write(r, after, next) !== OK) return ERROR;
  ctx.skipFilter = true;
  const end = flagBuf();
  if (r === r.main && !r.postAction) end.lastBuf = true;
  else {
    end.sync = true;
    end.lastInChain = true;
  }
  return next(r, [end]);
}

export function addEchoFilters(http: HttpCycle): void {
  const nextHeader = http.topHeaderFilter;
  http.topHeaderFilter = (r) => {
    prepare(r);
    return nextHeader(r);
  };
  const nextBody = http.topBodyFilter;
  http.topBodyFilter = (r, chain) => {
    if (chain === null || r.headerOnly) return nextBody(r, chain);
    const ctx = echoModule.context(r);
    return ctx === undefined || ctx.skipFilter ? nextBody(r, chain) : filter(r, chain, ctx, nextBody);
  };
}
