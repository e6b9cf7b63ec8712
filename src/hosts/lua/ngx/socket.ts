/**
 * ngx.socket: cosockets as Lua sees them. A socket is a table with methods from its metatable, whose first item is
 * the socket itself, as in ngx_lua, so that libraries may keep fields of their own in it.
 */

import { SessionSocket } from '../../../api/socket/session.ts';
import { type Received, ReceiveFailure, type Sent, type StreamCosocket } from '../../../api/socket/stream.ts';
import type { ConnectOptions } from '../../../api/socket/tcp.ts';
import { TcpCosocket } from '../../../api/socket/tcp.ts';
import { UntilReader } from '../../../api/socket/until.ts';
import type { Suspension } from '../../../api/suspension.ts';
import {
  argError,
  currentState,
  formatNumber,
  type LuaResult,
  type LuaState,
  LuaTable,
  type LuaValue,
  markLibrary,
  parseNumber,
  ret0,
  ret2,
  ret3,
  throwError,
  toText,
  Userdata,
} from '../../../lua/index.ts';
import { isSocketOption } from '../../../net/sockopt.ts';
import { park } from '../run.ts';
import { checkInteger, checkString, checkTable, typeName } from './args.ts';
import { tlsMethods } from './socket-tls.ts';
import { joinTable } from './text.ts';

/** What stands at index 1 of a socket's table. */
class SocketHandle extends Userdata {
  readonly socket: StreamCosocket;

  constructor(socket: StreamCosocket) {
    super();
    this.socket = socket;
  }
}

/** The socket behind a table; undefined for a table that is none, or not connected yet. */
function socketOf(self: LuaTable): StreamCosocket | undefined {
  const handle = self.getInt(1);
  return handle instanceof SocketHandle ? handle.socket : undefined;
}

/** The TCP cosocket behind what Lua code finds at index 1 of a socket; undefined for anything else. */
export function cosocketOf(handle: LuaValue): TcpCosocket | undefined {
  return handle instanceof SocketHandle && handle.socket instanceof TcpCosocket ? handle.socket : undefined;
}

/** A table for a socket. */
export function socketTable(socket: StreamCosocket, metatable: LuaTable): LuaTable {
  const table = new LuaTable();
  table.setInt(1, new SocketHandle(socket));
  table.metatable = metatable;
  return table;
}

/** The socket of a table that may have none yet: a table of a library's own gets one now. */
function tcpOf(self: LuaValue, name: string): TcpCosocket {
  const table = checkTable(self, 1, name);
  const socket = socketOf(table);
  if (socket instanceof TcpCosocket) return socket;
  if (socket !== undefined) throwError('attempt to re-connect a request socket');
  const made = new TcpCosocket();
  table.setInt(1, new SocketHandle(made));
  return made;
}

const closed = () => ret2(undefined, 'closed');

/** Results of an operation that gives nothing but success. */
function success(error: string | undefined): LuaResult {
  return error === undefined ? 1 : ret2(undefined, error);
}

function connectedValues(error: string | undefined): LuaValue[] {
  return error === undefined ? [1] : [undefined, error];
}

function option(options: LuaTable, name: string, n: number, least: number): number | undefined {
  const v = options.get(name);
  const number = numberOf(v);
  if (number === undefined) {
    if (v === undefined || name === 'backlog') return undefined;
    return argError(n, 'connect', `bad "${name}" option type: ${typeName(v)}`);
  }
  const value = Math.trunc(number);
  if (value < least) argError(n, 'connect', `bad "${name}" option value: ${value}`);
  return value;
}

/** lua_tonumber of what lua_isnumber takes. */
function numberOf(v: LuaValue): number | undefined {
  return typeof v === 'number' ? v : typeof v === 'string' ? parseNumber(v) : undefined;
}

const NO_OPTIONS: ConnectOptions = {};

function connectOptions(options: LuaTable, n: number): ConnectOptions {
  const poolSize = option(options, 'pool_size', n, 1);
  const backlog = option(options, 'backlog', n, 0);
  const pool = options.get('pool');
  if (pool !== undefined && typeof pool !== 'string' && typeof pool !== 'number') {
    argError(n, 'connect', `bad "pool" option type: ${typeName(pool)}`);
  }
  return {
    ...(poolSize === undefined ? {} : { poolSize }),
    ...(backlog === undefined ? {} : { backlog }),
    ...(pool === undefined ? {} : { pool: typeof pool === 'number' ? formatNumber(pool) : pool }),
  };
}

function startConnect(
  socket: TcpCosocket,
  host: LuaValue,
  port: LuaValue,
  third: LuaValue,
  count: number,
): string | undefined | Suspension<string | undefined> {
  const name = checkString(host, 2, 'connect');
  const last = count === 2 ? host : count === 3 ? port : third;
  const options = last instanceof LuaTable ? connectOptions(last, count) : NO_OPTIONS;
  const number = port instanceof LuaTable ? undefined : numberOf(port);
  return socket.connect(name, number === undefined ? undefined : Math.trunc(number), options);
}

function connect(self: LuaValue, host: LuaValue, port: LuaValue, options: LuaValue): LuaResult {
  const n = arguments.length;
  if (n < 2 || n > 4) {
    throwError(`ngx.socket connect: expecting 2, 3, or 4 arguments (including the object), but seen ${n}`);
  }
  const result = startConnect(tcpOf(self, 'connect'), host, port, options, n);
  return typeof result === 'object' ? park(result, connectedValues) : success(result);
}

function bind(self: LuaValue, address: LuaValue, port: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 2 && n !== 3) throwError(`expecting 2 or 3 arguments, but got ${n}`);
  const socket = tcpOf(self, 'bind');
  let number = 0;
  if (n === 3) {
    const given = numberOf(port);
    if (given === undefined) {
      return ret2(undefined, `expecting port to be anumber but got type: ${typeName(port)}`);
    }
    number = Math.trunc(given);
  }
  const error = socket.bind(checkString(address, 2, 'bind'), number);
  return error === undefined ? true : ret2(undefined, error);
}

function receivedValues(result: Received): LuaValue[] {
  if (typeof result === 'string') return [result];
  if (result.partial === undefined) {
    return result.error === undefined ? [undefined, undefined, undefined] : [undefined, result.error];
  }
  return [undefined, result.error, result.partial];
}

function received(result: Received | Suspension<Received>): LuaResult {
  if (typeof result === 'string') return result;
  if (!(result instanceof ReceiveFailure)) return park(result, receivedValues);
  if (result.partial !== undefined || result.error === undefined) {
    return ret3(undefined, result.error, result.partial);
  }
  return ret2(undefined, result.error);
}

/** A socket that was never connected, so that reads and writes on it fail in the usual way. */
function readable(self: LuaValue, name: string): StreamCosocket {
  const table = checkTable(self, 1, name);
  return socketOf(table) ?? new TcpCosocket();
}

function receive(self: LuaValue, what: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 1 && n !== 2) throwError(`expecting 1 or 2 arguments (including the object), but got ${n}`);
  const socket = readable(self, 'receive');
  if (n === 1) return received(socket.receiveLine());
  const number = numberOf(what);
  if (number !== undefined) {
    const bytes = Math.trunc(number);
    if (bytes < 0) argError(2, 'receive', 'bad number argument');
    return received(socket.receiveBytes(bytes));
  }
  if (what === '*l') return received(socket.receiveLine());
  if (what === '*a') return received(socket.receiveAll());
  if (typeof what !== 'string') return argError(2, 'receive', 'bad argument');
  if (what.length === 2 && what.startsWith('*')) return argError(2, 'receive', 'bad pattern argument');
  return argError(2, 'receive', `bad pattern argument: ${what}`);
}

function receiveAny(self: LuaValue, max: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 2) throwError(`expecting 2 arguments (including the object), but got ${n}`);
  const socket = readable(self, 'receiveany');
  const number = numberOf(max);
  if (number === undefined || Math.trunc(number) <= 0) return argError(2, 'receiveany', 'bad max argument');
  return received(socket.receiveAny(Math.trunc(number)));
}

function receiveUntil(self: LuaValue, pattern: LuaValue, options: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 2 && n !== 3) throwError(`expecting 2 or 3 arguments (including the object), but got ${n}`);
  let inclusive = false;
  if (n === 3) {
    const v = checkTable(options, 3, 'receiveuntil').get('inclusive');
    if (v !== undefined && typeof v !== 'boolean') {
      throwError(`bad "inclusive" option value type: ${typeName(v)}`);
    }
    inclusive = v === true;
  }
  const table = checkTable(self, 1, 'receiveuntil');
  const text = checkString(pattern, 2, 'receiveuntil');
  if (text === '') return ret2(undefined, 'pattern is empty');
  const reader = new UntilReader(text, inclusive);
  return function iterator(size: LuaValue): LuaResult {
    if (arguments.length > 1) throwError(`expecting 0 or 1 argument, but seen ${arguments.length}`);
    const bytes = arguments.length === 0 ? 0 : Math.max(0, checkInteger(size, 1, 'iterator'));
    const socket = socketOf(table);
    return socket === undefined ? closed() : received(socket.receiveUntil(reader, bytes));
  };
}

function sentValues(result: Sent): LuaValue[] {
  return typeof result === 'number' ? [result] : [undefined, result];
}

/** The bytes that a value stands for. */
export function sendText(v: LuaValue, name: string): string {
  switch (typeof v) {
    case 'string':
      return v;
    case 'number':
      return formatNumber(v);
    case 'undefined':
      return 'nil';
    case 'boolean':
      return v ? 'true' : 'false';
    default:
      if (v instanceof LuaTable) return joinTable(v, 2, name, true);
      return argError(2, name, `string, number, boolean, nil, or array table expected, got ${typeName(v)}`);
  }
}

function send(self: LuaValue, data: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 2) throwError(`expecting 2 arguments (including the object), but got ${n}`);
  const socket = readable(self, 'send');
  const refused = socket.refuseWrite();
  if (refused !== undefined) return ret2(undefined, refused);
  const result = socket.send(sendText(data, 'send'));
  if (typeof result === 'number') return result;
  return typeof result === 'string' ? ret2(undefined, result) : park(result, sentValues);
}

function close(self: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 1) throwError(`expecting 1 argument (including the object) but seen ${n}`);
  const socket = socketOf(checkTable(self, 1, 'close'));
  if (socket === undefined) return closed();
  if (!(socket instanceof TcpCosocket)) return ret2(undefined, 'attempt to close a request socket');
  return success(socket.close());
}

/** A timeout in milliseconds as C reads it: what is no number is 0. */
function timeout(v: LuaValue): number {
  const ms = Math.trunc(numberOf(v) ?? 0);
  if (Number.isNaN(ms) || ms < 0 || ms > 0x7fffffff) throwError('bad timeout value');
  return ms;
}

function setAllTimeouts(self: LuaValue, name: string, connecting: number, sending: number, reading: number): LuaResult {
  const table = checkTable(self, 1, name);
  const socket = socketOf(table);
  // ngx_lua keeps them there; whoever copies or prints a socket's table finds them.
  table.setInt(2, connecting);
  table.setInt(4, sending);
  table.setInt(5, reading);
  if (socket !== undefined && !(socket instanceof TcpCosocket)) socket.setTimeouts(connecting, sending, reading);
  else tcpOf(table, name).setOwnTimeouts(connecting, sending, reading);
  return ret0();
}

function setTimeout(self: LuaValue, ms: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 2) throwError(`ngx.socket settimeout: expecting 2 arguments (including the object) but seen ${n}`);
  const all = timeout(ms);
  return setAllTimeouts(self, 'settimeout', all, all, all);
}

function setTimeouts(self: LuaValue, connecting: LuaValue, sending: LuaValue, reading: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 4) throwError(`ngx.socket settimeouts: expecting 4 arguments (including the object) but seen ${n}`);
  return setAllTimeouts(self, 'settimeouts', timeout(connecting), timeout(sending), timeout(reading));
}

function getReusedTimes(self: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 1) throwError(`expecting 1 argument (including the object), but got ${n}`);
  const socket = socketOf(checkTable(self, 1, 'getreusedtimes'));
  if (!(socket instanceof TcpCosocket)) return closed();
  const times = socket.reusedTimes();
  return typeof times === 'number' ? times : ret2(undefined, times);
}

function setKeepalive(self: LuaValue, idle: LuaValue, size: LuaValue): LuaResult {
  const n = arguments.length;
  if (n < 1 || n > 3) throwError(`expecting 1 to 3 arguments (including the object), but got ${n}`);
  const socket = socketOf(checkTable(self, 1, 'setkeepalive'));
  const ms = idle === undefined ? undefined : checkInteger(idle, 2, 'setkeepalive');
  const most = size === undefined ? undefined : checkInteger(size, 3, 'setkeepalive');
  if (!(socket instanceof TcpCosocket)) return closed();
  if (most !== undefined && most <= 0 && socket.makesPool) {
    argError(n, 'setkeepalive', `bad "pool_size" option value: ${most}`);
  }
  return success(socket.setKeepalive(ms, most));
}

/** The socket of one of lua-resty-core's methods, which ask for one that was connected. */
function connectedSocket(self: LuaValue): StreamCosocket {
  const socket = self instanceof LuaTable ? socketOf(self) : undefined;
  if (socket === undefined || (socket instanceof TcpCosocket && !socket.wasUsed)) {
    throwError('socket is never created nor connected');
  }
  return socket;
}

function getOption(self: LuaValue, name: LuaValue): LuaResult {
  const socket = connectedSocket(self);
  if (name === undefined) return ret2(undefined, 'missing the "option" argument');
  if (typeof name !== 'string' || !isSocketOption(name)) return ret2(undefined, `unsupported option ${toText(name)}`);
  const value = socket.getOption(name);
  return typeof value === 'number' ? value : ret2(undefined, value);
}

function setOption(self: LuaValue, name: LuaValue, value: LuaValue): LuaResult {
  if (name === undefined) return ret2(undefined, 'missing the "option" argument');
  if (value === undefined) return ret2(undefined, 'missing the "value" argument');
  const socket = connectedSocket(self);
  if (typeof name !== 'string' || !isSocketOption(name)) return ret2(undefined, `unsupported option ${toText(name)}`);
  const number = typeof value === 'boolean' ? Number(value) : checkInteger(value, 3, 'setoption');
  const error = socket.setOption(name, number);
  return error === undefined ? true : ret2(undefined, error);
}

function getFd(self: LuaValue): LuaResult {
  if (self === undefined) throwError('ngx.socket getfd: expecting the cosocket object, but seen none');
  const fd = connectedSocket(self).fd();
  return typeof fd === 'number' ? fd : ret2(undefined, fd);
}

function sessionOf(self: LuaValue, name: string): SessionSocket {
  const socket = socketOf(checkTable(self, 1, name));
  return socket instanceof SessionSocket ? socket : throwError('bad request');
}

function peek(self: LuaValue, bytes: LuaValue): LuaResult {
  if (arguments.length !== 2) throwError(`expecting 2 arguments (including the object), but got ${arguments.length}`);
  const socket = sessionOf(self, 'peek');
  const n = checkInteger(bytes, 2, 'peek');
  if (n < 0) argError(2, 'peek', 'bytes can not be negative');
  return received(socket.peek(n));
}

function shutdown(self: LuaValue, direction: LuaValue): LuaResult {
  if (arguments.length !== 2) {
    throwError(`expecting 2 arguments (including the object), but seen ${arguments.length}`);
  }
  const socket = sessionOf(self, 'shutdown');
  if (direction !== 'send') return argError(2, 'shutdown', 'only "send" is supported');
  const error = socket.shutdownSend();
  return error === undefined ? 1 : ret2(undefined, error);
}

const READING = {
  receive,
  receiveany: receiveAny,
  receiveuntil: receiveUntil,
  settimeout: setTimeout,
  settimeouts: setTimeouts,
  getfd: getFd,
  getoption: getOption,
  setoption: setOption,
};

/** A metatable that finds the methods in itself, as libraries expect that look for them there. */
function metatable(methods: Readonly<Record<string, LuaValue>>): LuaTable {
  const table = markLibrary(LuaTable.fromObject(methods));
  table.setStr('__index', table);
  return table;
}

/** The metatables of sockets are in a state's registry under ngx_lua's names. */
const TCP = '__tcp_cosocket_mt';
const BODY = '__tcp_req_cosocket_mt';
const RAW_BODY = '__tcp_raw_req_cosocket_mt';
const SESSION = '__tcp_session_cosocket_mt';

function registered(name: string): LuaTable {
  return currentState().registry.getStr(name) as LuaTable;
}

/** The metatable of ngx.req.socket(). */
export function bodyMetatable(raw: boolean): LuaTable {
  return registered(raw ? RAW_BODY : BODY);
}

/** The metatable of ngx.req.socket() in stream. */
export function sessionMetatable(): LuaTable {
  return registered(SESSION);
}

function createTcp(): LuaResult {
  if (arguments.length !== 0) throwError(`expecting zero arguments, but got ${arguments.length}`);
  return socketTable(new TcpCosocket(), registered(TCP));
}

function connectNew(host: LuaValue, port: LuaValue, options: LuaValue): LuaResult {
  const n = arguments.length + 1;
  if (n < 2 || n > 4) {
    throwError(`ngx.socket connect: expecting 2, 3, or 4 arguments (including the object), but seen ${n}`);
  }
  const socket = new TcpCosocket();
  const table = socketTable(socket, registered(TCP));
  const values = (error: string | undefined) => (error === undefined ? [table] : [undefined, error]);
  const result = startConnect(socket, host, port, options, n);
  if (typeof result === 'object') return park(result, values);
  return result === undefined ? table : ret2(undefined, result);
}

export function installSocket(ngx: LuaTable, state: LuaState): void {
  const tcp = metatable({
    ...READING,
    bind,
    connect,
    send,
    close,
    getreusedtimes: getReusedTimes,
    setkeepalive: setKeepalive,
    ...tlsMethods((self) => {
      const socket = connectedSocket(self);
      return socket instanceof TcpCosocket ? socket : throwError('not supported for downstream sockets');
    }),
  });
  state.registry.setStr(TCP, tcp);
  state.registry.setStr(BODY, metatable(READING));
  state.registry.setStr(RAW_BODY, metatable({ ...READING, send }));
  state.registry.setStr(SESSION, metatable({ ...READING, send, peek, shutdown }));
  ngx.setStr('socket', markLibrary(LuaTable.fromObject({ tcp: createTcp, stream: createTcp, connect: connectNew })));
}
