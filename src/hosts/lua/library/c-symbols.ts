/**
 * Symbols of nginx's executable that Lua libraries declare for themselves and find in ffi.C: a variable, the functions
 * by which C modules read shared dictionaries (ngx_http_lua_api.h), and types that lua-resty-core declares.
 *
 * What touches C data of the caller's is written in Lua, where ffi does that; what it needs to know is asked in
 * JavaScript.
 */
import { BalancerFailure, currentBalancer } from '../../../api/balancer.ts';
import { current } from '../../../api/context.ts';
import { sharedDict } from '../../../api/shared-dict.ts';
import { LOG_ERR } from '../../../log/log.ts';
import {
  call,
  currentState,
  declareC,
  defineCFunction,
  defineCVariable,
  type LuaFunction,
  type LuaResult,
  LuaTable,
  type LuaValue,
  ret0,
  ret2,
} from '../../../lua/index.ts';
import { cosocketOf } from '../ngx/socket.ts';
import { trustStore } from '../ngx/socket-tls.ts';
import { defineTlsFunctions } from './ssl-c-api.ts';

const TYPES = `
  typedef struct { size_t len; const unsigned char *data; } ngx_str_t;
  typedef struct { int len; const unsigned char *data; } ngx_http_lua_ffi_str_t;
  typedef struct ngx_http_request_s ngx_http_request_t;
`;

/** An array of C strings, which stays alive with the function that was made with it. */
const STRINGS = `
  local ffi = require 'ffi'
  local texts = { ... }
  local array = ffi.new('char *[?]', #texts + 1)
  local kept = { array }
  for i, text in ipairs(texts) do
    local bytes = ffi.new('char[?]', #text + 1, text)
    kept[#kept + 1] = bytes
    array[i - 1] = bytes
  end
  return array, kept
`;

/** A zone is known to C code by an address; nothing of use stands there. */
const FUNCTIONS = `
  local is_dict, read, complain, set_tls, set_store = ...
  local ffi = require 'ffi'
  local OK, ERROR, DECLINED = 0, -1, -5
  local BOOLEAN, NUMBER, STRING = 1, 3, 4
  local zones, names, kept = {}, {}, {}

  local function find_zone(data, len)
    local name = ffi.string(data, len)
    if not zones[name] then
      if not is_dict(name) then return ffi.cast('void *', nil) end
      local place = ffi.new('uint64_t[1]')
      kept[name] = place
      zones[name] = ffi.cast('void *', place)
      names[tonumber(ffi.cast('uintptr_t', place))] = name
    end
    return zones[name]
  end

  local function shared_dict_get(zone, data, len, result)
    local name = names[tonumber(ffi.cast('uintptr_t', zone))]
    if not name then return ERROR end
    local key = ffi.string(data, len)
    local value, err = read(name, key)
    local kind = type(value)
    local to = result[0]
    if kind == 'string' then
      to.type = STRING
      local s = to.value.s
      local size = tonumber(s.len)
      if s.data == nil or size == 0 then
        complain('no string buffer initialized')
        return ERROR
      end
      if #value < size then s.len = #value end
      ffi.copy(ffi.cast('char *', s.data), value, math.min(#value, size))
    elseif kind == 'number' then
      to.type, to.value.n = NUMBER, value
    elseif kind == 'boolean' then
      to.type, to.value.b = BOOLEAN, value and 1 or 0
    elseif err then
      complain('bad lua value type found for key ' .. key .. ': ' .. err)
      return ERROR
    else
      return DECLINED
    end
    return OK
  end

  local function answer(text, err)
    if not text then return OK end
    kept.message = ffi.new('char[?]', #text + 1, text)
    err[0] = kept.message
    return ERROR
  end

  local function balancer_set_upstream_tls(r, on, err)
    return answer(set_tls(on), err)
  end

  local function socket_tcp_settrustedstore(r, u, store, err)
    return answer(set_store(u, store), err)
  end

  return {
    ngx_http_lua_find_zone = find_zone,
    ngx_http_lua_shared_dict_get = shared_dict_get,
    ngx_http_lua_ffi_balancer_set_upstream_tls = balancer_set_upstream_tls,
    ngx_http_lua_ffi_socket_tcp_settrustedstore = socket_tcp_settrustedstore,
  }
`;

const FUNCTION_NAMES = [
  'ngx_http_lua_find_zone',
  'ngx_http_lua_shared_dict_get',
  'ngx_http_lua_ffi_balancer_set_upstream_tls',
  'ngx_http_lua_ffi_socket_tcp_settrustedstore',
];

/** Where a state's registry keeps the table that FUNCTIONS makes. */
const REGISTERED = '__c_functions';

function dictOf(name: LuaValue) {
  return current?.block === undefined || typeof name !== 'string' ? undefined : sharedDict(current.block, name);
}

function isDict(name: LuaValue): LuaResult {
  return dictOf(name) !== undefined;
}

function readDict(name: LuaValue, key: LuaValue): LuaResult {
  const dict = dictOf(name);
  if (dict === undefined || typeof key !== 'string') return undefined;
  dict.error = undefined;
  const value = dict.get(key);
  return value === undefined && dict.error !== undefined ? ret2(undefined, dict.error) : value;
}

function complain(text: LuaValue): LuaResult {
  current?.log(LOG_ERR, String(text));
  return ret0();
}

/** Gives what is wrong, if something is. */
function setTls(on: LuaValue): LuaResult {
  const balancer = currentBalancer();
  return (balancer instanceof BalancerFailure ? balancer : balancer.setTls(on !== 0))?.message;
}

/** Gives what is wrong, if something is. */
function setStore(u: LuaValue, store: LuaValue): LuaResult {
  const socket = cosocketOf(u);
  return socket === undefined ? 'closed' : trustStore(socket, store);
}

function functionsOf(): LuaTable {
  const state = currentState();
  const known = state.registry.getStr(REGISTERED);
  if (known instanceof LuaTable) return known;
  const made = state
    .newThread(state.load(FUNCTIONS, '=c_functions'))
    .resume([isDict, readDict, complain, setTls, setStore]);
  const table = (made.status === 'done' ? made.values[0] : undefined) as LuaTable;
  state.registry.setStr(REGISTERED, table);
  return table;
}

/** What keeps the strings alive. */
const kept: LuaValue[] = [];

function strings(texts: readonly string[]): LuaValue {
  const state = currentState();
  const result = state.newThread(state.load(STRINGS, '=strings')).resume([...texts]);
  if (result.status !== 'done') return undefined;
  kept.push(result.values[1]);
  return result.values[0];
}

/** `char **ngx_argv`: how the server was started. */
function serverArguments(): string[] {
  return process.argv.slice(1).map((text) => Buffer.from(text).toString('latin1'));
}

/** Makes them known, once a process. */
export function defineSymbols(): void {
  declareC(TYPES);
  defineTlsFunctions();
  defineCVariable('ngx_argv', () => strings(serverArguments()));
  for (const name of FUNCTION_NAMES) {
    defineCFunction(name, (...args) => call(functionsOf().getStr(name) as LuaFunction, args));
  }
}
