/** ngx.var: nginx's variables. lua-resty-core: resty.core.var; ngx_lua: ngx_http_lua_variable.c. */
import { getVariable, setVariable } from '../../../api/variable.ts';
import { LuaTable, type LuaValue, throwError, toText } from '../../../lua/index.ts';

function get(_t: LuaValue, name: LuaValue): LuaValue {
  if (typeof name !== 'string' && typeof name !== 'number') throwError('bad variable name');
  return getVariable(name);
}

function set(_t: LuaValue, name: LuaValue, value: LuaValue): LuaValue {
  if (typeof name !== 'string') throwError('bad variable name');
  setVariable(name, value === undefined ? undefined : typeof value === 'string' ? value : toText(value));
  return undefined;
}

export function installVar(ngx: LuaTable): void {
  const table = new LuaTable();
  table.metatable = LuaTable.fromObject({ __index: get, __newindex: set });
  ngx.setStr('var', table);
}
