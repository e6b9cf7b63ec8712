/** ngx.location.capture and capture_multi. ngx_lua: ngx_http_lua_subrequest.c. */
import { type CaptureRequest, type CaptureResponse, capture } from '../../../api/subrequest.ts';
import { formatHttpTime } from '../../../log/time.ts';
import { formatNumber, type LuaResult, LuaTable, type LuaValue, throwError } from '../../../lua/index.ts';
import { park, requireRun } from '../run.ts';
import { runOf } from '../vm.ts';
import { checkString, isTrue, typeName } from './args.ts';
import { addValue, encodeArgsTable } from './query.ts';

/** An option that is a table of strings. */
function pairs(options: LuaTable, name: string): [string, string][] | undefined {
  const v = options.get(name);
  if (v === undefined) return undefined;
  if (!(v instanceof LuaTable)) throwError(`Bad ${name} option value`);
  const out: [string, string][] = [];
  for (const [k, value] of v.entries()) {
    if (typeof k !== 'string') throwError(`attempt to use a non-string key in the "${name}" option table`);
    if (typeof value === 'string') out.push([k, value]);
    else if (typeof value === 'number') out.push([k, formatNumber(value)]);
    else throwError(`attempt to use bad variable value type ${typeName(value)}`);
  }
  return out;
}

function flag(options: LuaTable, name: string): boolean {
  const v = options.get(name);
  if (v !== undefined && typeof v !== 'boolean') throwError(`Bad ${name} option value`);
  return v === true;
}

function requestOf(uri: LuaValue, options: LuaValue): CaptureRequest {
  const path = checkString(uri, 1, 'capture');
  if (options === undefined) return { uri: path };
  if (!(options instanceof LuaTable)) {
    return throwError('expecting table as the 2nd argument for subrequest 0, but got ' + typeName(options));
  }
  const args = options.get('args');
  let query: string | undefined;
  if (args instanceof LuaTable) query = encodeArgsTable(args);
  else if (typeof args === 'string' || typeof args === 'number') query = checkString(args, 2, 'capture');
  else if (args !== undefined) throwError('Bad args option value');
  const method = options.get('method');
  if (method !== undefined && typeof method !== 'number') throwError('Bad http request method');
  const body = options.get('body');
  if (body !== undefined && typeof body !== 'string' && typeof body !== 'number') throwError('Bad http request body');
  const ctx = options.get('ctx');
  if (ctx !== undefined && !(ctx instanceof LuaTable)) {
    throwError(`Bad ctx option value type ${typeName(ctx)}, expected a Lua table`);
  }
  return {
    uri: path,
    args: query,
    method,
    body: typeof body === 'number' ? formatNumber(body) : body,
    alwaysForwardBody: isTrue(options.get('always_forward_body')),
    headers: pairs(options, 'headers'),
    vars: pairs(options, 'vars'),
    shareAllVars: flag(options, 'share_all_vars'),
    copyAllVars: flag(options, 'copy_all_vars'),
    prepare: ctx === undefined ? undefined : (sr) => (runOf(sr).userTable = ctx),
  } as CaptureRequest;
}

/** `{ status, header, body, truncated }`. */
function responseTable(response: CaptureResponse): LuaTable {
  const { headers } = response;
  const header = new LuaTable();
  for (let i = 0; i < headers.list.length; i++) {
    addValue(header, headers.list.names[i] as string, headers.list.values[i]);
  }
  if (headers.contentType !== '') {
    const charset = headers.charset === '' ? '' : `; charset=${headers.charset}`;
    header.set('Content-Type', headers.contentType + charset);
  }
  if (headers.contentLength >= 0) header.set('Content-Length', formatNumber(headers.contentLength));
  if (headers.lastModified >= 0) header.set('Last-Modified', formatHttpTime(headers.lastModified));
  header.metatable = headerMetatable;
  return LuaTable.fromObject({
    status: response.status,
    truncated: response.truncated,
    body: response.body,
    header,
  });
}

/** `res.header.content_type` finds Content-Type. */
const headerMetatable = LuaTable.fromObject({
  __index: (t: LuaValue, name: LuaValue): LuaValue => {
    if (typeof name !== 'string' || !(t instanceof LuaTable)) return undefined;
    const wanted = name.toLowerCase().replaceAll('_', '-');
    for (const [k, v] of t.entries()) if (typeof k === 'string' && k.toLowerCase() === wanted) return v;
    return undefined;
  },
});

function run(requests: readonly CaptureRequest[]): LuaResult {
  const thread = requireRun()?.currentThread;
  const waits = capture(requests);
  if (thread !== undefined) thread.pendingSubrequests += requests.length;
  return park(waits, (responses) => {
    if (thread !== undefined) thread.pendingSubrequests -= requests.length;
    return responses.map(responseTable);
  });
}

function ngxCapture(...all: LuaValue[]): LuaResult {
  if (all.length !== 1 && all.length !== 2) throwError('expecting one or two arguments');
  return run([requestOf(all[0], all[1])]);
}

function captureMulti(...all: LuaValue[]): LuaResult {
  if (all.length !== 1) throwError(`only one argument is expected, but got ${all.length}`);
  const list = all[0];
  if (!(list instanceof LuaTable))
    return throwError(`bad argument #1 to 'capture_multi' (table expected, got ${typeName(list)})`);
  const requests: CaptureRequest[] = [];
  for (const [k, item] of list.entries()) {
    if (typeof k !== 'number') throwError('only array-like tables are allowed');
    if (!(item instanceof LuaTable)) throwError(`the query argument ${k} is not a table, but a ${typeName(item)}`);
    const count = item.length();
    if (count !== 1 && count !== 2) {
      throwError(`query argument ${k} expecting one or two arguments`);
    }
    requests.push(requestOf(item.getInt(1), item.getInt(2)));
  }
  if (requests.length === 0) throwError('at least one subrequest should be specified');
  return run(requests);
}

export function installLocation(ngx: LuaTable): void {
  ngx.setStr('location', LuaTable.fromObject({ capture: ngxCapture, capture_multi: captureMulti }));
}
