/**
 * Values joined to text as ngx.say, ngx.print, ngx.log and cosockets' send do it: nested arrays are flattened.
 * ngx_lua: ngx_http_lua_calc_strlen_in_table() and ngx_http_lua_ngx_echo().
 */
import { argError, formatNumber, LuaTable, type LuaValue, NULL } from '../../../lua/index.ts';
import { typeName } from './args.ts';

/** A number as output: as Lua prints it, but without the sign of -0. ngx_lua: ngx_http_lua_write_num(). */
export function outputNumber(n: number): string {
  return formatNumber(n + 0);
}

/** Text of the arguments of print and say. `name` is the function's, for messages. */
export function joinArguments(args: readonly LuaValue[], name: string): string {
  let text = '';
  for (let i = 0; i < args.length; i++) {
    const v = args[i];
    if (typeof v === 'string') text += v;
    else if (typeof v === 'number') text += outputNumber(v);
    else if (v === undefined) text += 'nil';
    else if (typeof v === 'boolean') text += v ? 'true' : 'false';
    else if (v === NULL) text += 'null';
    else if (v instanceof LuaTable) text += joinTable(v, i + 1, name, false);
    else {
      argError(i + 1, name, `string, number, boolean, nil, ngx.null, or array table expected, but got ${typeName(v)}`);
    }
  }
  return text;
}

/** Text of an array table. `strict` allows strings and numbers only, as cosockets and ngx.arg[1] do. */
export function joinTable(t: LuaTable, argument: number, name: string, strict: boolean): string {
  let max = 0;
  for (const [k] of t.entries()) {
    if (typeof k !== 'number' || k < 1 || !Number.isInteger(k)) argError(argument, name, 'non-array table found');
    if (k > max) max = k;
  }
  let text = '';
  for (let i = 1; i <= max; i++) {
    const v = t.getInt(i);
    if (typeof v === 'string') text += v;
    else if (typeof v === 'number') text += outputNumber(v);
    else if (v instanceof LuaTable) text += joinTable(v, argument, name, strict);
    else if (!strict && v === undefined) text += 'nil';
    else if (!strict && typeof v === 'boolean') text += v ? 'true' : 'false';
    else if (!strict && v === NULL) text += 'null';
    else argError(argument, name, `bad data type ${typeName(v)} found`);
  }
  return text;
}
