/** ngx.req.*: the request line, its header and body. */
import { current } from '../../../api/context.ts';
import { decodeArgs } from '../../../api/encoding.ts';
import {
  appendBody,
  bodyData,
  bodyFile,
  discardBody,
  finishBody,
  initBody,
  postArgsText,
  readBody,
  setBodyData,
  setBodyFile,
} from '../../../api/request-body.ts';
import { requestHeaders, setRequestHeader } from '../../../api/request-header.ts';
import {
  getMethod,
  httpVersion,
  isInternal,
  rawHeader,
  setMethod,
  setUri,
  setUriArgs,
  startTime,
  uriArgs,
} from '../../../api/request-line.ts';
import { requestSocket } from '../../../api/socket/request.ts';
import { LOG_DEBUG } from '../../../log/log.ts';
import {
  argError,
  type LuaResult,
  LuaTable,
  type LuaValue,
  ret0,
  ret2,
  throwError,
  toText,
} from '../../../lua/index.ts';
import { park, stop } from '../run.ts';
import { checkInteger, checkNumber, checkString, isTrue, typeError, typeName } from './args.ts';
import { clear } from './encoding.ts';
import { headerValues } from './header.ts';
import { addValue, argsTable, encodeArgsTable } from './query.ts';
import { bodyMetatable, socketTable } from './socket.ts';

/** The default limit on headers and arguments, against floods of them. */
const LIMIT = 100;

function limitOf(v: LuaValue): number {
  return v === undefined || v === false ? LIMIT : checkInteger(v, 1, 'get_headers');
}

/** Looks names up without regard to case, and with `_` for `-`. */
const headersMetatable = LuaTable.fromObject({
  __index: (t: LuaValue, name: LuaValue): LuaValue => {
    if ((typeof name !== 'string' && typeof name !== 'number') || !(t instanceof LuaTable)) return undefined;
    const key = toText(name).toLowerCase();
    const value = t.get(key);
    return value === undefined && key.includes('_') ? t.get(key.replaceAll('_', '-')) : value;
  },
});

function getHeaders(max: LuaValue, raw: LuaValue): LuaResult {
  const { list, count, truncated } = requestHeaders(limitOf(max));
  const keepCase = isTrue(raw);
  const table = new LuaTable();
  for (let i = 0; i < count; i++) {
    addValue(table, (keepCase ? list.names[i] : list.keys[i]) as string, list.values[i]);
  }
  if (!keepCase) table.metatable = headersMetatable;
  return truncated ? ret2(table, 'truncated') : table;
}

function getUriArgs(max: LuaValue, into: LuaValue): LuaResult {
  const limit = limitOf(max);
  const { args, truncated } = decodeArgs(uriArgs(), limit);
  if (truncated) current?.log(LOG_DEBUG, `lua hit query args limit ${limit}`);
  const table = argsTable(args, into instanceof LuaTable ? clear(into) : undefined);
  return truncated ? ret2(table, 'truncated') : table;
}

function getPostArgs(max: LuaValue): LuaResult {
  const limit = limitOf(max);
  const body = postArgsText();
  if ('error' in body) return ret2(undefined, body.error);
  const { args, truncated } = decodeArgs(body.text, limit);
  if (truncated) current?.log(LOG_DEBUG, `lua hit query args limit ${limit}`);
  const table = argsTable(args);
  return truncated ? ret2(table, 'truncated') : table;
}

function headerName(v: LuaValue): string {
  if (v === undefined) throwError("bad 'name' argument: string expected, got nil");
  return typeof v === 'string' ? v : toText(v);
}

function setHeader(name: LuaValue, value: LuaValue): LuaResult {
  setRequestHeader(headerName(name), headerValues(value), false);
  return ret0();
}

function checkFlag(v: LuaValue, n: number, name: string): boolean {
  if (v === undefined) return false;
  return typeof v === 'boolean' ? v : typeError(n, name, 'boolean', v);
}

function ngxSetUri(...all: LuaValue[]): LuaResult {
  if (all.length < 1 || all.length > 3) throwError(`expecting 1, 2 or 3 arguments but seen ${all.length}`);
  const uri = checkString(all[0], 1, 'set_uri');
  return setUri(uri, checkFlag(all[1], 2, 'set_uri'), checkFlag(all[2], 3, 'set_uri')) ? stop() : ret0();
}

function ngxSetUriArgs(...all: LuaValue[]): LuaResult {
  if (all.length !== 1) throwError(`expecting 1 argument but seen ${all.length}`);
  const v = all[0];
  if (v instanceof LuaTable) setUriArgs(encodeArgsTable(v));
  else if (typeof v === 'string' || typeof v === 'number') setUriArgs(checkString(v, 1, 'set_uri_args'));
  else argError(1, 'set_uri_args', `string, number, or table expected, but got ${typeName(v)}`);
  return ret0();
}

function ngxReadBody(...all: LuaValue[]): LuaResult {
  expectNone(all);
  const waits = readBody();
  if (waits === undefined) return ret0();
  return typeof waits === 'number' ? stop() : park(waits, () => []);
}

function expectNone(all: readonly LuaValue[]): void {
  if (all.length > 0) throwError(`expecting 0 arguments but seen ${all.length}`);
}

function expectOne(all: readonly LuaValue[]): LuaValue {
  if (all.length !== 1) throwError(`expecting 1 arguments but seen ${all.length}`);
  return all[0];
}

export function installRequest(ngx: LuaTable): void {
  ngx.setStr(
    'req',
    LuaTable.fromObject({
      get_headers: getHeaders,
      get_uri_args: getUriArgs,
      get_post_args: getPostArgs,
      get_method: () => getMethod(),
      set_method: (v: LuaValue) => {
        if (typeof v !== 'number') throwError('bad method number');
        setMethod(v);
        return ret0();
      },
      http_version: () => httpVersion(),
      raw_header: (noRequestLine: LuaValue) => rawHeader(isTrue(noRequestLine)),
      start_time: () => startTime(),
      is_internal: () => isInternal(),
      socket: (...all: LuaValue[]) => {
        if (all.length > 1) throwError(`expecting 0 or 1 argument, but got ${all.length}`);
        const raw = isTrue(all[0]);
        const socket = requestSocket(raw);
        if (typeof socket === 'string') return ret2(undefined, socket);
        return socketTable(socket, bodyMetatable(raw));
      },
      set_header: setHeader,
      clear_header: (name: LuaValue) => setHeader(name, undefined),
      set_uri: ngxSetUri,
      set_uri_args: ngxSetUriArgs,
      read_body: ngxReadBody,
      discard_body: (...all: LuaValue[]) => {
        expectNone(all);
        discardBody();
        return ret0();
      },
      get_body_data: (max: LuaValue) => bodyData(max === undefined ? 0 : checkNumber(max, 1, 'get_body_data')),
      get_body_file: (...all: LuaValue[]) => {
        expectNone(all);
        return bodyFile();
      },
      set_body_data: (...all: LuaValue[]) => {
        setBodyData(checkString(expectOne(all), 1, 'set_body_data'));
        return ret0();
      },
      set_body_file: (path: LuaValue, clean: LuaValue) => {
        setBodyFile(checkString(path, 1, 'set_body_file'), isTrue(clean));
        return ret0();
      },
      init_body: (size: LuaValue) => {
        initBody(size === undefined ? undefined : checkInteger(size, 1, 'init_body'));
        return ret0();
      },
      append_body: (...all: LuaValue[]) => {
        appendBody(checkString(expectOne(all), 1, 'append_body'));
        return ret0();
      },
      finish_body: () => {
        finishBody();
        return ret0();
      },
    }),
  );
}
