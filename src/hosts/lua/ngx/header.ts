/** ngx.header: a table whose fields are those of the response header. lua-resty-core: resty.core.response. */
import { requireContext } from '../../../api/context.ts';
import { getResponseHeader, setResponseHeader } from '../../../api/response-header.ts';
import { LuaTable, type LuaValue, toText } from '../../../lua/index.ts';
import { luaModule } from '../module.ts';

/** lua_transform_underscores_in_response_headers of the request's location. */
function transforms(): boolean {
  const r = requireContext().r;
  return r === undefined || luaModule.location(r).transformUnderscores;
}

function text(v: LuaValue): string {
  return typeof v === 'string' ? v : toText(v);
}

/** Values of a header field given from Lua: nil removes, an array gives several. */
export function headerValues(v: LuaValue): string[] | undefined {
  if (v === undefined) return undefined;
  return v instanceof LuaTable ? v.items().map(text) : [text(v)];
}

/** Sets or adds a response header field. */
export function setHeader(name: LuaValue, value: LuaValue, append: boolean): void {
  setResponseHeader(text(name), headerValues(value), transforms(), append);
}

function get(_t: LuaValue, name: LuaValue): LuaValue {
  const values = getResponseHeader(text(name), transforms());
  return values.length > 1 ? LuaTable.fromArray(values) : values[0];
}

function set(_t: LuaValue, name: LuaValue, value: LuaValue): LuaValue {
  setHeader(name, value, false);
  return undefined;
}

export function installHeader(ngx: LuaTable): void {
  const header = new LuaTable();
  header.metatable = LuaTable.fromObject({ __index: get, __newindex: set });
  ngx.setStr('header', header);
}
