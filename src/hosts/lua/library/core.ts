/**
 * The modules resty.core and resty.core.*: everything they put into ngx is there from the start, so that they have
 * little left to do. What libraries take out of the submodules is provided; what works on C data is not.
 */
import { current } from '../../../api/context.ts';
import { setRequestHeader } from '../../../api/request-header.ts';
import { monotonicMsec } from '../../../log/time.ts';
import {
  type LuaFunction,
  type LuaResult,
  LuaTable,
  type LuaValue,
  ret0,
  throwError,
  toText,
} from '../../../lua/index.ts';
import { checkTable } from '../ngx/args.ts';
import { clear } from '../ngx/encoding.ts';
import { getContext } from '../ngx/fields.ts';
import { headerValues, setHeader } from '../ngx/header.ts';
import { regexFunctions } from '../ngx/re.ts';
import { requireRun } from '../run.ts';
import { CORE_VERSION, type ModuleLoader, moduleTable } from './module.ts';
import { bypassIfChecks } from './request.ts';

/** Submodules that only fill ngx. */
const SUBMODULES = [
  'base64',
  'coroutine',
  'exit',
  'hash',
  'misc',
  'ndk',
  'param',
  'phase',
  'shdict',
  'socket',
  'uri',
  'var',
  'worker',
] as const;

const versionOnly: ModuleLoader = () => moduleTable({ version: CORE_VERSION });

function allowsSubsystem(subsystem: string): LuaFunction {
  return (...names: LuaValue[]): LuaResult => {
    if (!names.includes(subsystem)) throwError(`unsupported subsystem: ${subsystem}`);
    return ret0();
  };
}

/** Puts a value at a free index of a table, index 0 leading the list of free ones. */
function refInTable(table: LuaValue, value: LuaValue): LuaResult {
  const t = checkTable(table, 1, 'ref_in_table');
  if (value === undefined) return -1;
  const free = t.get(0);
  let ref: number;
  if (typeof free === 'number' && free !== 0) {
    t.set(0, t.get(free));
    ref = free;
  } else {
    ref = t.length() + 1;
  }
  t.set(ref, value);
  return ref;
}

/** Memory that libraries share for what C functions write, given size_t and char * to point to. */
const BUFFERS = `
  local ffi = require 'ffi'
  local size, buffer = 4096
  local size_ptr, errmsg_ptr = ffi.new('size_t[1]'), ffi.new('char *[1]')
  local function get_string_buf(n, must_alloc)
    if n > size or must_alloc then return ffi.new('unsigned char[?]', n) end
    buffer = buffer or ffi.new('unsigned char[?]', size)
    return buffer
  end
  local function set_string_buf_size(n)
    if n <= 0 then return end
    buffer, size = nil, math.ceil(n)
  end
  local function get_string_buf_size() return size end
  local function get_size_ptr() return size_ptr end
  local function get_errmsg_ptr() return errmsg_ptr end
  return get_string_buf, set_string_buf_size, get_string_buf_size, get_size_ptr, get_errmsg_ptr
`;

const base: ModuleLoader = (state, block) => {
  const made = state.newThread(state.load(BUFFERS, '=resty.core.base')).resume();
  const [getBuffer, setSize, getSize, sizePointer, messagePointer] = made.status === 'done' ? made.values : [];
  return moduleTable({
    get_string_buf: getBuffer,
    set_string_buf_size: setSize,
    get_string_buf_size: getSize,
    get_size_ptr: sizePointer,
    get_errmsg_ptr: messagePointer,
    version: CORE_VERSION,
    new_tab: () => new LuaTable(),
    clear_tab: (t: LuaValue) => {
      clear(checkTable(t, 1, 'clear_tab'));
      return ret0();
    },
    ref_in_table: refInTable,
    allows_subsystem: allowsSubsystem(block.subsystem),
    get_request: () => ((current?.r ?? current?.session ?? current?.tls) ? requireRun()?.exdata : undefined),
    FFI_OK: 0,
    FFI_NO_REQ_CTX: -100,
    FFI_BAD_CONTEXT: -101,
    FFI_ERROR: -1,
    FFI_AGAIN: -2,
    FFI_BUSY: -3,
    FFI_DONE: -4,
    FFI_DECLINED: -5,
    FFI_ABORT: -6,
  });
};

/** A clock that nobody sets: seconds since some time in the past. */
const time: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    monotonic_msec: () => Math.floor(monotonicMsec()),
    monotonic_time: () => Math.floor(monotonicMsec()) / 1000,
  });

const ctx: ModuleLoader = () =>
  moduleTable({
    _VERSION: CORE_VERSION,
    get_ctx_table: (reuse: LuaValue) => getContext(reuse instanceof LuaTable ? reuse : undefined),
  });

const regex: ModuleLoader = (_state, block) =>
  moduleTable({
    version: CORE_VERSION,
    no_pcre: false,
    set_buf_grow_ratio: () => ret0(),
    is_regex_cache_empty: () => regexFunctions(block).isCacheEmpty,
  });

const request: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    set_req_header: (name: LuaValue, value: LuaValue, override: LuaValue) => {
      setRequestHeader(toText(name), headerValues(value), override === false || override === undefined);
      return ret0();
    },
  });

const response: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    set_resp_header: (_table: LuaValue, name: LuaValue, value: LuaValue, noOverride: LuaValue) => {
      setHeader(name, value, noOverride !== undefined && noOverride !== false);
      return ret0();
    },
    bypass_if_checks: bypassIfChecks,
  });

const utils: ModuleLoader = () =>
  moduleTable({
    version: CORE_VERSION,
    str_replace_char: (text: LuaValue, find: LuaValue, replace: LuaValue) =>
      toText(text).replaceAll(toText(find), () => toText(replace)),
  });

/** By name. */
export const coreModules: Readonly<Record<string, ModuleLoader>> = {
  'resty.core': versionOnly,
  ...Object.fromEntries(SUBMODULES.map((name) => [`resty.core.${name}`, versionOnly])),
  'resty.core.base': base,
  'resty.core.ctx': ctx,
  'resty.core.time': time,
  'resty.core.regex': regex,
  'resty.core.request': request,
  'resty.core.response': response,
  'resty.core.utils': utils,
};
