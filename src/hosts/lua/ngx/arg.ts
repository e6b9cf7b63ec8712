/** ngx.arg: the arguments of set_by_lua, the piece of response in body_filter_by_lua. */
import { type ApiContext, requireContext } from '../../../api/context.ts';
import { apiError } from '../../../api/error.ts';
import { IN_BODY_FILTER, IN_SET, phaseDirective } from '../../../api/phase.ts';
import { type Buf, type Chain, flagBuf, memoryBuf } from '../../../http/buf.ts';
import { formatNumber, LuaTable, type LuaValue, throwError } from '../../../lua/index.ts';
import { bodyChain, setArguments, setBodyChain } from '../filters.ts';
import { checkInteger, isTrue, typeName } from './args.ts';
import { joinTable } from './text.ts';

function get(_t: LuaValue, key: LuaValue): LuaValue {
  const ctx = requireContext();
  if (ctx.phase === IN_SET) return setArguments[checkInteger(key, 2, '__index') - 1];
  if (ctx.phase !== IN_BODY_FILTER) return apiError(`API disabled in the context of ${phaseDirective(ctx.phase)}`);
  const index = checkInteger(key, 2, '__index');
  if (index === 1) return bodyText(bodyChain);
  if (index === 2) return bodyChain.some((b) => b.lastBuf || b.lastInChain);
  return throwError(`bad index: ${index}`);
}

/** The bytes of a chain; file pieces have been read into memory before (filterNeedInMemory). */
function bodyText(chain: Chain): string {
  let text = '';
  for (const b of chain) {
    if (typeof b.data === 'string') text += b.data;
    else if (b.data !== undefined)
      text += Buffer.from(b.data.buffer, b.data.byteOffset, b.data.length).toString('latin1');
  }
  return text;
}

function set(_t: LuaValue, key: LuaValue, value: LuaValue): LuaValue {
  const ctx = requireContext();
  if (ctx.phase !== IN_BODY_FILTER) apiError(`API disabled in the context of ${phaseDirective(ctx.phase)}`);
  const index = checkInteger(key, 2, '__newindex');
  if (index === 1) setData(ctx, value);
  else if (index === 2) setEnd(ctx, isTrue(value));
  else throwError(`bad index: ${index}`);
  return undefined;
}

/** ngx.arg[1] = data: replaces the piece, keeping its flush and end. */
function setData(ctx: ApiContext, value: LuaValue): void {
  let text = '';
  if (typeof value === 'string') text = value;
  else if (typeof value === 'number') text = formatNumber(value);
  else if (value instanceof LuaTable) text = joinTable(value, 3, '__newindex', true);
  else if (value !== undefined) throwError(`bad chunk data type: ${typeName(value)}`);
  const flush = bodyChain.some((b) => b.flush);
  const last = bodyChain.some((b) => b.lastBuf || b.lastInChain);
  if (text === '' && !flush && !last) {
    setBodyChain([]);
    return;
  }
  const b = text === '' ? flagBuf() : memoryBuf(text);
  b.flush = flush;
  setBodyChain([b]);
  if (last) setEnd(ctx, true);
}

/** ngx.arg[2] = true ends the response here; false takes the end away. */
function setEnd(ctx: ApiContext, end: boolean): void {
  ctx.seenLastInFilter = end;
  const main = ctx.r?.isSubrequest === false;
  if (end) {
    const chain = bodyChain.length === 0 ? [flagBuf()] : [...bodyChain];
    const last: Buf = { ...(chain[chain.length - 1] as Buf) };
    if (main) last.lastBuf = true;
    else last.lastInChain = true;
    chain[chain.length - 1] = last;
    setBodyChain(chain);
    return;
  }
  setBodyChain(
    bodyChain.map((b) => {
      if (!b.lastBuf && !b.lastInChain) return b;
      return { ...b, lastBuf: false, lastInChain: false, sync: b.data === undefined && b.file === undefined };
    }),
  );
}

export function installArg(ngx: LuaTable): void {
  const arg = new LuaTable();
  arg.metatable = LuaTable.fromObject({ __index: get, __newindex: set });
  ngx.setStr('arg', arg);
}
