/** ngx.exit, ngx.exec, ngx.redirect. */
import { requireContext } from '../../../api/context.ts';
import { exec, exit, redirect } from '../../../api/control.ts';
import { phaseDirective, YIELDABLE } from '../../../api/phase.ts';
import {
  argError,
  isNative,
  type LuaResult,
  type LuaTable,
  type LuaValue,
  ret0,
  ret2,
  LuaTable as Table,
  throwError,
} from '../../../lua/index.ts';
import { requireRun, setAbortCallback, stop } from '../run.ts';
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

function onAbort(fn: LuaValue): LuaResult {
  const ctx = requireContext();
  const run = requireRun();
  if (run === undefined) throwError('no request found');
  if (ctx.r === undefined && ctx.session === undefined)
    throwError(`API disabled in the context of ${phaseDirective(ctx.phase)}`);
  if (run.onAbort !== undefined) return ret2(undefined, 'duplicate call');
  if (!ctx.watchesClient) return ret2(undefined, 'lua_check_client_abort is off');
  if (typeof fn !== 'function' || isNative(fn)) argError(1, 'on_abort', 'Lua function expected');
  ctx.check(YIELDABLE);
  setAbortCallback(run, fn);
  return 1;
}

export function installControl(ngx: LuaTable): void {
  ngx.setStr('exit', ngxExit);
  ngx.setStr('on_abort', onAbort);
  ngx.setStr('exec', ngxExec);
  ngx.setStr('redirect', ngxRedirect);
}
