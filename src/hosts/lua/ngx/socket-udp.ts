/** ngx.socket.udp: UDP cosockets as Lua sees them. */
import { type Datagram, DatagramFailure, UdpCosocket } from '../../../api/socket/udp.ts';
import {
  currentState,
  type LuaResult,
  type LuaState,
  LuaTable,
  type LuaValue,
  markLibrary,
  parseNumber,
  ret0,
  ret2,
  throwError,
  Userdata,
} from '../../../lua/index.ts';
import { park } from '../run.ts';
import { checkInteger, checkNumber, checkString, checkTable } from './args.ts';
import { sendText } from './socket.ts';

/** What stands at index 1 of a socket's table. */
class UdpHandle extends Userdata {
  readonly socket: UdpCosocket;

  constructor(socket: UdpCosocket) {
    super();
    this.socket = socket;
  }
}

function udpOf(self: LuaValue, name: string): UdpCosocket {
  const table = checkTable(self, 1, name);
  const handle = table.getInt(1);
  if (handle instanceof UdpHandle) return handle.socket;
  const made = new UdpCosocket();
  table.setInt(1, new UdpHandle(made));
  return made;
}

function success(error: string | undefined): LuaResult {
  return error === undefined ? 1 : ret2(undefined, error);
}

function setPeerName(self: LuaValue, host: LuaValue, port: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 2 && n !== 3) {
    throwError(`ngx.socket.udp setpeername: expecting 2 or 3 arguments (including the object), but seen ${n}`);
  }
  const socket = udpOf(self, 'setpeername');
  const name = checkString(host, 2, 'setpeername');
  const result = socket.setPeerName(name, n === 3 ? checkInteger(port, 3, 'setpeername') : 0);
  if (typeof result === 'object') return park(result, (error) => (error === undefined ? [1] : [undefined, error]));
  return success(result);
}

function bind(self: LuaValue, address: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 2) throwError(`expecting 2 arguments, but got ${n}`);
  const error = udpOf(self, 'bind').bind(checkString(address, 2, 'bind'));
  return error === undefined ? true : ret2(undefined, error);
}

function send(self: LuaValue, data: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 2) throwError(`expecting 2 arguments (including the object), but got ${n}`);
  const socket = udpOf(self, 'send');
  const refused = socket.refuseSend();
  if (refused !== undefined) return ret2(undefined, refused);
  return success(socket.send(sendText(data, 'send')));
}

function values(result: Datagram): LuaValue[] {
  return typeof result === 'string' ? [result] : [undefined, result.error];
}

function receive(self: LuaValue, size: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 1 && n !== 2) throwError(`expecting 1 or 2 arguments (including the object), but got ${n}`);
  const socket = udpOf(self, 'receive');
  const result = socket.receive(size === undefined ? 65536 : Math.trunc(checkNumber(size, 2, 'receive')));
  if (typeof result === 'string') return result;
  return result instanceof DatagramFailure ? ret2(undefined, result.error) : park(result, values);
}

function setTimeout(self: LuaValue, ms: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 2) {
    throwError(`ngx.socket settimeout: expecting at least 2 arguments (including the object) but seen ${n}`);
  }
  const number = typeof ms === 'string' ? parseNumber(ms) : ms;
  udpOf(self, 'settimeout').setTimeout(typeof number === 'number' ? Math.trunc(number) : 0);
  return ret0();
}

function close(self: LuaValue): LuaResult {
  const n = arguments.length;
  if (n !== 1) throwError(`expecting 1 argument (including the object) but seen ${n}`);
  return success(udpOf(self, 'close').close());
}

/** Where the metatable of UDP sockets is in a state's registry, as in ngx_lua. */
const METATABLE = '__udp_cosocket_mt';

/** Adds `udp` to ngx.socket. */
export function installUdp(ngx: LuaTable, state: LuaState): void {
  const methods = LuaTable.fromObject({ setpeername: setPeerName, bind, send, receive, settimeout: setTimeout, close });
  const metatable = markLibrary(methods);
  metatable.setStr('__index', metatable);
  state.registry.setStr(METATABLE, metatable);
  const sockets = ngx.get('socket') as LuaTable;
  sockets.setStr('udp', function udpSocket(): LuaResult {
    if (arguments.length !== 0) throwError(`expecting zero arguments, but got ${arguments.length}`);
    const table = new LuaTable();
    table.setInt(1, new UdpHandle(new UdpCosocket()));
    table.metatable = currentState().registry.getStr(METATABLE) as LuaTable;
    return table;
  });
}
