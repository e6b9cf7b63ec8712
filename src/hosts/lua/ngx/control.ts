/** ngx.exit, ngx.exec, ngx.redirect. */
import { exec, exit, redirect } from '../../../api/control.ts';
import {
  argError,
  type LuaResult,
  type LuaTable,
  type LuaValue,
  ret0,
  LuaTable as Table,
  throwError,
} from '../../../lua/index.ts';
import { stop } from '../run.ts';
import { checkInteger, checkString, typeName } from './args.ts';
import { encodeArgsTable } from './query.ts';

function ngxExit(status: LuaValue): LuaResult {
  return exit(checkInteger(status, 1, 'exit')) ? stop() : ret0();
}

function ngxExec(...all: LuaValue[]): LuaResult {
  if (all.length !== 1 && all.length !== 2) throwError(`expecting one or two arguments, but got ${all.length}`);
  const uri = checkString(all[0], 1, 'exec');
  exec(uri, queryOf(all[1], 2, 'exec'));
  return stop();
}

/** A query string given as text, number or table. */
function queryOf(v: LuaValue, n: number, name: string): string {
  if (v === undefined) return '';
  if (typeof v === 'string' || typeof v === 'number') return checkString(v, n, name);
  if (v instanceof Table) return encodeArgsTable(v);
  return argError(n, name, `string, number, or table expected, but got ${typeName(v)}`);
}

function ngxRedirect(...all: LuaValue[]): LuaResult {
  if (all.length !== 1 && all.length !== 2) throwError('expecting one or two arguments');
  const uri = checkString(all[0], 1, 'redirect');
  if (all.length === 1) redirect(uri);
  else redirect(uri, checkInteger(all[1], 2, 'redirect'));
  return stop();
}

export function installControl(ngx: LuaTable): void {
  ngx.setStr('exit', ngxExit);
  ngx.setStr('exec', ngxExec);
  ngx.setStr('redirect', ngxRedirect);
}
