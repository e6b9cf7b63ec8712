/** The modules ngx.req and ngx.resp. lua-resty-core: lib/ngx/req.lua, resp.lua. */
import { setRequestHeader } from '../../../api/request-header.ts';
import { skipConditions } from '../../../api/response-header.ts';
import { setStatus } from '../../../api/status.ts';
import { type LuaResult, type LuaValue, ret0, throwError, toText } from '../../../lua/index.ts';
import { checkInteger } from '../ngx/args.ts';
import { headerValues, setHeader } from '../ngx/header.ts';
import { CORE_VERSION, type ModuleLoader, moduleTable } from './module.ts';

function addRequestHeader(name: LuaValue, value: LuaValue): LuaResult {
  if (name === undefined) throwError("bad 'name' argument: string expected, got nil");
  if (value === undefined) throwError("bad 'value' argument: string or table expected, got nil");
  const values = headerValues(value);
  if (values?.length === 0) throwError("bad 'value' argument: non-empty table expected");
  setRequestHeader(toText(name), values, true);
  return undefined;
}

export const req: ModuleLoader = () => moduleTable({ version: CORE_VERSION, add_header: addRequestHeader });

function addResponseHeader(name: LuaValue, value: LuaValue): LuaResult {
  if (name === undefined) throwError("bad 'key' argument: string expected, got nil");
  if (value === undefined) throwError('invalid header value');
  // Nothing to add.
  if (headerValues(value)?.length !== 0) setHeader(name, value, true);
  return undefined;
}

function setStatusAndReason(status: LuaValue, reason: LuaValue): LuaResult {
  const number = checkInteger(status, 1, 'set_status');
  if (typeof reason !== 'string') throwError('attempt to get length of a nil value');
  setStatus(number, reason);
  return undefined;
}

/** The response is sent as it is, whatever If-Modified-Since and the like ask for. */
export function bypassIfChecks(): LuaResult {
  skipConditions();
  return ret0();
}

export const resp: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    add_header: addResponseHeader,
    set_status: setStatusAndReason,
    bypass_if_checks: bypassIfChecks,
  });
