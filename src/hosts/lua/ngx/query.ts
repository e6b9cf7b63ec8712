/** Query strings of tables, and tables of query strings. ngx_lua: ngx_http_lua_process_args_option(), _parse_args(). */
import { escapeUri, type QueryArgument } from '../../../api/encoding.ts';
import { formatNumber, LuaTable, type LuaValue, throwError } from '../../../lua/index.ts';
import { typeName } from './args.ts';

/** `a=1&b`: tables repeat their key, true gives a key without value, false nothing. */
export function encodeArgsTable(t: LuaTable): string {
  const parts: string[] = [];
  for (const [k, v] of t.entries()) {
    if (typeof k !== 'string') throwError('attempt to use a non-string key in the "args" option table');
    const key = escapeUri(k);
    if (v instanceof LuaTable) for (const [, item] of v.entries()) addPart(parts, key, item);
    else addPart(parts, key, v);
  }
  return parts.join('&');
}

function addPart(parts: string[], key: string, v: LuaValue): void {
  if (typeof v === 'string') parts.push(`${key}=${escapeUri(v)}`);
  else if (typeof v === 'number') parts.push(`${key}=${escapeUri(formatNumber(v))}`);
  else if (typeof v === 'boolean') {
    if (v) parts.push(key);
  } else throwError(`attempt to use ${typeName(v)} as query arg value`);
}

/** A table of arguments; a repeated name gives an array of its values. */
export function argsTable(args: readonly QueryArgument[], into: LuaTable = new LuaTable()): LuaTable {
  for (const { name, value } of args) addValue(into, name, value);
  return into;
}

/** Adds a value under a key, making an array of several. */
export function addValue(t: LuaTable, key: string, value: LuaValue): void {
  const existing = t.get(key);
  if (existing === undefined) t.set(key, value);
  else if (existing instanceof LuaTable) existing.push(value);
  else t.set(key, LuaTable.fromArray([existing, value]));
}
