/** ngx.arg: the arguments of set_by_lua, the piece of response in body_filter_by_lua. */
import { bodyText, isBodyEnd, replaceBody, setBodyEnd } from '../../../api/body-filter.ts';
import { type ApiContext, requireContext } from '../../../api/context.ts';
import { apiError } from '../../../api/error.ts';
import { IN_BODY_FILTER, IN_SET, phaseDirective } from '../../../api/phase.ts';
import type { HttpRequest } from '../../../http/request.ts';
import { formatNumber, LuaTable, type LuaValue, throwError } from '../../../lua/index.ts';
import { bodyChain, setArguments, setBodyChain } from '../filters.ts';
import { checkInteger, isTrue, typeName } from './args.ts';
import { joinTable } from './text.ts';

function get(_t: LuaValue, key: LuaValue): LuaValue {
  const ctx = requireContext();
  if (ctx.phase === IN_SET) return setArguments[checkInteger(key, 2, '__index') - 1];
  if (ctx.phase !== IN_BODY_FILTER) return apiError('API disabled in the current context');
  const index = checkInteger(key, 2, '__index');
  if (index === 1) return bodyText(bodyChain);
  if (index === 2) return isBodyEnd(bodyChain);
  return throwError(`bad index: ${index}`);
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
  if (isBodyEnd(bodyChain)) ctx.seenLastInFilter = true;
  setBodyChain(replaceBody(ctx.r as HttpRequest, bodyChain, text));
}

/** ngx.arg[2] = true ends the response here: what comes behind is dropped. False takes the end away. */
function setEnd(ctx: ApiContext, end: boolean): void {
  ctx.seenLastInFilter = end;
  setBodyChain(setBodyEnd(ctx.r as HttpRequest, bodyChain, end));
}

export function installArg(ngx: LuaTable): void {
  const arg = new LuaTable();
  arg.metatable = LuaTable.fromObject({ __index: get, __newindex: set });
  ngx.setStr('arg', arg);
}
