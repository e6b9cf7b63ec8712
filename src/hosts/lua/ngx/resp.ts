/** ngx.resp.get_headers, and the module ngx.resp. */
import { getResponseHeaders } from '../../../api/response-header.ts';
import { type LuaResult, LuaTable, type LuaValue, ret2, throwError } from '../../../lua/index.ts';
import { checkInteger, isTrue } from './args.ts';
import { addValue } from './query.ts';

const metatable = LuaTable.fromObject({
  __index: (t: LuaValue, name: LuaValue): LuaValue => {
    if (typeof name !== 'string' || !(t instanceof LuaTable)) return undefined;
    return t.get(name.toLowerCase().replaceAll('_', '-'));
  },
});

function getHeaders(...all: LuaValue[]): LuaResult {
  if (all.length > 2) throwError(`expecting 0, 1, or 2 arguments but seen ${all.length}`);
  const max = all[0] === undefined ? 100 : checkInteger(all[0], 1, 'get_headers');
  const { fields, truncated } = getResponseHeaders(max);
  const keepCase = isTrue(all[1]);
  const table = new LuaTable();
  for (const [name, value] of fields) addValue(table, keepCase ? name : name.toLowerCase(), value);
  if (!keepCase) table.metatable = metatable;
  return truncated ? ret2(table, 'truncated') : table;
}

export function installResponse(ngx: LuaTable): void {
  ngx.setStr('resp', LuaTable.fromObject({ get_headers: getHeaders }));
}
