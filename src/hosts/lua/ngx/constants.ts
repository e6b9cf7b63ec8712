/** Constants of the ngx table. ngx_lua: ngx_http_lua_consts.c, log levels in ngx_http_lua_log.c. */

import { CODES, LEVELS, STATUSES } from '../../../api/constants.ts';
import * as request from '../../../http/request.ts';
import { type LuaTable, NULL } from '../../../lua/index.ts';

const METHODS = {
  HTTP_GET: request.METHOD_GET,
  HTTP_POST: request.METHOD_POST,
  HTTP_PUT: request.METHOD_PUT,
  HTTP_HEAD: request.METHOD_HEAD,
  HTTP_DELETE: request.METHOD_DELETE,
  HTTP_OPTIONS: request.METHOD_OPTIONS,
  HTTP_MKCOL: request.METHOD_MKCOL,
  HTTP_COPY: request.METHOD_COPY,
  HTTP_MOVE: request.METHOD_MOVE,
  HTTP_PROPFIND: request.METHOD_PROPFIND,
  HTTP_PROPPATCH: request.METHOD_PROPPATCH,
  HTTP_LOCK: request.METHOD_LOCK,
  HTTP_UNLOCK: request.METHOD_UNLOCK,
  HTTP_PATCH: request.METHOD_PATCH,
  HTTP_TRACE: request.METHOD_TRACE,
} as const;

const STREAM: Readonly<Record<string, number>> = { ...CODES, ...LEVELS };
const HTTP: Readonly<Record<string, number>> = { ...STREAM, ...STATUSES, ...METHODS };

export function installConstants(ngx: LuaTable, subsystem: 'http' | 'stream'): void {
  const constants = subsystem === 'stream' ? STREAM : HTTP;
  for (const name of Object.keys(constants)) ngx.setStr(name, constants[name]);
  ngx.setStr('null', NULL);
}
