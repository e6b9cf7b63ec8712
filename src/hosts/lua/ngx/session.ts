/** ngx.req in stream: the client's connection. stream-lua-nginx-module: ngx_stream_lua_req_socket(). */
import { requireContext } from '../../../api/context.ts';
import { apiError } from '../../../api/error.ts';
import { sessionSocket } from '../../../api/socket/session.ts';
import { type LuaResult, LuaTable, type LuaValue, ret2, throwError } from '../../../lua/index.ts';
import { sessionMetatable, socketTable } from './socket.ts';

function socket(...all: LuaValue[]): LuaResult {
  if (all.length > 1) throwError(`expecting zero arguments, but got ${all.length}`);
  const ctx = requireContext();
  const made = sessionSocket(ctx, ctx.session ?? apiError('no request found'));
  return typeof made === 'string' ? ret2(undefined, made) : socketTable(made, sessionMetatable());
}

export function installSession(ngx: LuaTable): void {
  ngx.setStr('req', LuaTable.fromObject({ socket }));
}
