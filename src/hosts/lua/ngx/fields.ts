/**
 * Fields of the ngx table that are computed at each access: ngx.ctx, ngx.status, ngx.headers_sent, ngx.is_subrequest,
 * ngx.arg. All others are plain fields; only names that are not found get here.
 */
import { type ApiContext, requireContext } from '../../../api/context.ts';
import { apiError } from '../../../api/error.ts';
import {
  IN_ACCESS,
  IN_BALANCER,
  IN_BODY_FILTER,
  IN_CONTENT,
  IN_EXIT_WORKER,
  IN_HEADER_FILTER,
  IN_INIT_WORKER,
  IN_LOG,
  IN_PRECONTENT,
  IN_PREREAD,
  IN_REWRITE,
  IN_SERVER_REWRITE,
  IN_SET,
  IN_SSL_CERT,
  IN_SSL_CLIENT_HELLO,
  IN_SSL_SESSION_FETCH,
  IN_SSL_SESSION_STORE,
  IN_TIMER,
} from '../../../api/phase.ts';
import { getStatus, setStatus } from '../../../api/status.ts';
import type { TlsConnection } from '../../../http/modules/ssl/handshake.ts';
import type { HttpRequest } from '../../../http/request.ts';
import { LuaTable, type LuaValue, throwError } from '../../../lua/index.ts';
import { type LuaRun, requireRun } from '../run.ts';
import { checkInteger, typeName } from './args.ts';

const CTX_PHASES =
  IN_INIT_WORKER |
  IN_EXIT_WORKER |
  IN_SET |
  IN_SERVER_REWRITE |
  IN_REWRITE |
  IN_ACCESS |
  IN_PRECONTENT |
  IN_CONTENT |
  IN_HEADER_FILTER |
  IN_BODY_FILTER |
  IN_LOG |
  IN_PREREAD |
  IN_TIMER |
  IN_BALANCER |
  IN_SSL_CERT |
  IN_SSL_CLIENT_HELLO |
  IN_SSL_SESSION_FETCH |
  IN_SSL_SESSION_STORE;

/**
 * All code in handshakes of a connection shares one table; requests on the connection read through theirs what it has.
 * lua-resty-core: lib/resty/core/ctx.lua.
 */
function newUserTable({ tls, r, session }: ApiContext, reuse: LuaTable | undefined): LuaTable {
  const decisions = (tls ?? r?.connection.tls ?? (session?.tls as TlsConnection | undefined))?.decisions;
  const shared = decisions?.userData;
  if (tls !== undefined && decisions !== undefined) {
    if (shared instanceof LuaTable) return shared;
    const table = reuse ?? new LuaTable();
    table.setStr('__index', table);
    decisions.userData = table;
    return table;
  }
  const table = reuse ?? new LuaTable();
  if (shared instanceof LuaTable) table.metatable = shared;
  return table;
}

/** The request that code runs for, in whatever phase. */
function request(): HttpRequest {
  return requireContext().r ?? apiError('API disabled in the current context');
}

function headersSent(): boolean {
  return request().headerSent && requireContext().headGone;
}

/** The run that has ngx.ctx. */
function ownerOfContext(): LuaRun {
  const run = requireRun() ?? apiError('no request ctx found');
  return run.base ?? run;
}

/** ngx.ctx of what runs now. @param reuse becomes it when there is none yet */
export function getContext(reuse?: LuaTable): LuaValue {
  const run = ownerOfContext();
  if (run.userTable === undefined) {
    requireContext().check(CTX_PHASES);
    run.userTable = newUserTable(run.ctx, reuse);
  }
  return run.userTable;
}

function setContext(value: LuaValue): undefined {
  const run = ownerOfContext();
  if (!(value instanceof LuaTable)) throwError(`ctx should be a table while getting a ${typeName(value)}`);
  run.userTable = value;
  if (run.ctx.tls !== undefined) run.ctx.tls.decisions.userData = value;
}

function get(_ngx: LuaValue, name: LuaValue): LuaValue {
  switch (name) {
    case 'ctx':
      return getContext();
    case 'status':
      return getStatus();
    case 'headers_sent':
      return headersSent();
    case 'is_subrequest':
      return request().isSubrequest;
    default:
      return undefined;
  }
}

function set(ngx: LuaValue, name: LuaValue, value: LuaValue): LuaValue {
  switch (name) {
    case 'ctx':
      return setContext(value);
    case 'status':
      setStatus(checkInteger(value, 3, 'status'));
      return undefined;
    case 'headers_sent':
    case 'is_subrequest':
      return throwError(`attempt to write to read-only field ngx.${name}`);
    default:
      (ngx as LuaTable).set(name, value);
      return undefined;
  }
}

/** What there is of these in stream. */
function getInStream(_ngx: LuaValue, name: LuaValue): LuaValue {
  if (name === 'ctx') return getContext();
  return name === 'status' ? getStatus() : undefined;
}

function setInStream(ngx: LuaValue, name: LuaValue, value: LuaValue): LuaValue {
  if (name === 'ctx') setContext(value);
  else (ngx as LuaTable).set(name, value);
  return undefined;
}

/** The metatable of ngx. */
export function fieldsMetatable(subsystem: 'http' | 'stream'): LuaTable {
  return subsystem === 'stream'
    ? LuaTable.fromObject({ __index: getInStream, __newindex: setInStream })
    : LuaTable.fromObject({ __index: get, __newindex: set });
}
