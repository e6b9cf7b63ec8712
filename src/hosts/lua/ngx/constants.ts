/** Constants of the ngx table. ngx_lua: ngx_http_lua_consts.c, log levels in ngx_http_lua_log.c. */

import * as request from '../../../http/request.ts';
import { type LuaTable, NULL } from '../../../lua/index.ts';

const CODES = { OK: 0, AGAIN: -2, DONE: -4, DECLINED: -5, ERROR: -1 } as const;

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

const STATUSES = {
  HTTP_CONTINUE: 100,
  HTTP_SWITCHING_PROTOCOLS: 101,
  HTTP_OK: 200,
  HTTP_CREATED: 201,
  HTTP_ACCEPTED: 202,
  HTTP_NO_CONTENT: 204,
  HTTP_PARTIAL_CONTENT: 206,
  HTTP_SPECIAL_RESPONSE: 300,
  HTTP_MOVED_PERMANENTLY: 301,
  HTTP_MOVED_TEMPORARILY: 302,
  HTTP_SEE_OTHER: 303,
  HTTP_NOT_MODIFIED: 304,
  HTTP_TEMPORARY_REDIRECT: 307,
  HTTP_PERMANENT_REDIRECT: 308,
  HTTP_BAD_REQUEST: 400,
  HTTP_UNAUTHORIZED: 401,
  HTTP_PAYMENT_REQUIRED: 402,
  HTTP_FORBIDDEN: 403,
  HTTP_NOT_FOUND: 404,
  HTTP_NOT_ALLOWED: 405,
  HTTP_NOT_ACCEPTABLE: 406,
  HTTP_REQUEST_TIMEOUT: 408,
  HTTP_CONFLICT: 409,
  HTTP_GONE: 410,
  HTTP_UPGRADE_REQUIRED: 426,
  HTTP_TOO_MANY_REQUESTS: 429,
  HTTP_CLOSE: 444,
  HTTP_ILLEGAL: 451,
  HTTP_INTERNAL_SERVER_ERROR: 500,
  HTTP_NOT_IMPLEMENTED: 501,
  HTTP_METHOD_NOT_IMPLEMENTED: 501,
  HTTP_BAD_GATEWAY: 502,
  HTTP_SERVICE_UNAVAILABLE: 503,
  HTTP_GATEWAY_TIMEOUT: 504,
  HTTP_VERSION_NOT_SUPPORTED: 505,
  HTTP_INSUFFICIENT_STORAGE: 507,
} as const;

/** ngx.STDERR is level 0, which goes to standard error. */
const LEVELS = {
  STDERR: 0,
  EMERG: 1,
  ALERT: 2,
  CRIT: 3,
  ERR: 4,
  WARN: 5,
  NOTICE: 6,
  INFO: 7,
  DEBUG: 8,
} as const;

/** All of them, by name; the TypeScript host offers the same. */
export const CONSTANTS: Readonly<Record<string, number>> = { ...CODES, ...STATUSES, ...METHODS, ...LEVELS };

export function installConstants(ngx: LuaTable): void {
  for (const name of Object.keys(CONSTANTS)) ngx.setStr(name, CONSTANTS[name]);
  ngx.setStr('null', NULL);
}
