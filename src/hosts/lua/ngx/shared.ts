/** ngx.shared.DICT. lua-resty-core: resty.core.shdict. */
import {
  type LuaFunction,
  type LuaResult,
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
import { checkKey, type DictValue, type SharedDict } from '../../../shm/dict.ts';
import { replayingInit } from '../replay.ts';

/** The table that stands for a dictionary; the property is not enumerable, so Lua does not see it. */
interface DictTable extends LuaTable {
  readonly $dict: SharedDict;
}

function dictOf(self: LuaValue): SharedDict {
  const dict = self instanceof LuaTable ? (self as Partial<DictTable>).$dict : undefined;
  return dict ?? throwError('bad "zone" argument');
}

/** The key as text; undefined when it is none, with the error that the functions return beside nil in `keyFault`. */
function keyOf(key: LuaValue): string | undefined {
  if (key === undefined) {
    keyFault = 'nil key';
    return undefined;
  }
  const text = typeof key === 'string' ? key : toText(key);
  const fault = checkKey(text);
  if (fault === undefined) return text;
  keyFault = fault;
  return undefined;
}

/** Why `keyOf` gave nothing. */
let keyFault = '';

function seconds(v: LuaValue, name: string): number {
  if (v === undefined) return 0;
  if (typeof v !== 'number') return throwError(`bad "${name}" argument`);
  return v < 0 ? throwError(`bad "${name}" argument`) : v;
}

type Store = (dict: SharedDict, key: string, value: DictValue | undefined, exptime: number, flags: number) => boolean;

/** set, add, replace and their kin. */
function storing(store: Store): LuaFunction {
  return (self: LuaValue, k: LuaValue, value: LuaValue, exptime: LuaValue, flags: LuaValue) => {
    const dict = dictOf(self);
    const key = keyOf(k);
    if (key === undefined) return ret2(undefined, keyFault);
    const expires = seconds(exptime, 'exptime');
    if (value !== undefined && typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
      return ret2(undefined, 'bad value type');
    }
    if (replayingInit) return ret3(true, undefined, false);
    const done = store(dict, key, value, expires, typeof flags === 'number' ? flags : 0);
    return ret3(done, done ? undefined : dict.error, dict.forcible);
  };
}

function get(self: LuaValue, k: LuaValue): LuaResult {
  const dict = dictOf(self);
  const key = keyOf(k);
  if (key === undefined) return ret2(undefined, keyFault);
  const value = dict.get(key);
  if (value === undefined) return dict.error === undefined ? undefined : ret2(undefined, dict.error);
  return dict.flags === 0 ? value : ret2(value, dict.flags);
}

function getStale(self: LuaValue, k: LuaValue): LuaResult {
  const dict = dictOf(self);
  const key = keyOf(k);
  if (key === undefined) return ret2(undefined, keyFault);
  const value = dict.getStale(key);
  if (value === undefined) return dict.error === undefined ? undefined : ret2(undefined, dict.error);
  return ret3(value, dict.flags === 0 ? undefined : dict.flags, dict.stale);
}

function number(v: LuaValue, name: string): number {
  const n = typeof v === 'number' ? v : typeof v === 'string' && v.trim() !== '' ? Number(v) : Number.NaN;
  return Number.isNaN(n) && typeof v !== 'number'
    ? throwError(`bad ${name} arg: number expected, got ${v === undefined ? 'nil' : typeof v}`)
    : n;
}

/** lua-resty-core stores it in a cdata, whose errors these are. */
function increment(v: LuaValue): number {
  if (typeof v === 'number') return v;
  return (typeof v === 'string' ? parseNumber(v) : undefined) ?? throwError("cannot convert 'nil' to 'double'");
}

function incr(self: LuaValue, k: LuaValue, by: LuaValue, init: LuaValue, initTtl: LuaValue): LuaResult {
  const dict = dictOf(self);
  const key = keyOf(k);
  if (key === undefined) return ret2(undefined, keyFault);
  const value = increment(by);
  const start = init === undefined ? undefined : number(init, 'init');
  let ttl = 0;
  if (initTtl !== undefined) {
    if (start === undefined) throwError('must provide "init" when providing "init_ttl"');
    ttl = number(initTtl, 'init_ttl');
    if (ttl < 0) throwError('bad "init_ttl" argument');
  }
  if (replayingInit) return ret3(dict.get(key) ?? start, undefined, false);
  const result = dict.incr(key, value, start, ttl);
  if (result === undefined) return ret2(undefined, dict.error);
  return start === undefined ? result : ret3(result, undefined, dict.forcible);
}

type Push = (dict: SharedDict, key: string, value: string | number) => number | false | undefined;

function pushing(push: Push): LuaFunction {
  return (self: LuaValue, k: LuaValue, value: LuaValue) => {
    const dict = dictOf(self);
    const key = keyOf(k);
    if (key === undefined) return ret2(undefined, keyFault);
    if (typeof value !== 'string' && typeof value !== 'number') return ret2(undefined, 'bad value type');
    if (replayingInit) return dict.llen(key);
    const length = push(dict, key, value);
    return typeof length === 'number' ? length : ret2(length, dict.error);
  };
}

type Read = (dict: SharedDict, key: string) => string | number | undefined;

function reading(read: Read, changes: boolean): LuaFunction {
  return (self: LuaValue, k: LuaValue) => {
    const dict = dictOf(self);
    const key = keyOf(k);
    if (key === undefined) return ret2(undefined, keyFault);
    if (changes && replayingInit) return undefined;
    const value = read(dict, key);
    return value === undefined && dict.error !== undefined ? ret2(undefined, dict.error) : value;
  };
}

function expire(self: LuaValue, k: LuaValue, exptime: LuaValue): LuaResult {
  const dict = dictOf(self);
  if (exptime === undefined || exptime === false) throwError('bad "exptime" argument');
  const key = keyOf(k);
  if (key === undefined) return ret2(undefined, keyFault);
  const expires = seconds(exptime, 'exptime');
  if (replayingInit) return true;
  return dict.expire(key, expires) ? true : ret2(undefined, dict.error);
}

/** Written out, unlike its kin, because it is called most. */
function set(self: LuaValue, k: LuaValue, value: LuaValue, exptime: LuaValue, flags: LuaValue): LuaResult {
  const dict = dictOf(self);
  const key = keyOf(k);
  if (key === undefined) return ret2(undefined, keyFault);
  const expires = seconds(exptime, 'exptime');
  if (value !== undefined && typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return ret2(undefined, 'bad value type');
  }
  if (replayingInit) return ret3(true, undefined, false);
  const done = dict.set(key, value, expires, typeof flags === 'number' ? flags : 0);
  return ret3(done, done ? undefined : dict.error, dict.forcible);
}

const METHODS: Readonly<Record<string, LuaFunction>> = {
  get,
  set,
  incr,
  get_stale: getStale,
  safe_set: storing((dict, key, value, exptime, flags) => dict.safeSet(key, value, exptime, flags)),
  add: storing((dict, key, value, exptime, flags) => dict.add(key, value, exptime, flags)),
  safe_add: storing((dict, key, value, exptime, flags) => dict.safeAdd(key, value, exptime, flags)),
  replace: storing((dict, key, value, exptime, flags) => dict.replace(key, value, exptime, flags)),
  delete: (self: LuaValue, key: LuaValue) => set(self, key, undefined, undefined, undefined),
  lpush: pushing((dict, key, value) => dict.lpush(key, value)),
  rpush: pushing((dict, key, value) => dict.rpush(key, value)),
  lpop: reading((dict, key) => dict.lpop(key), true),
  rpop: reading((dict, key) => dict.rpop(key), true),
  llen: reading((dict, key) => dict.llen(key), false),
  ttl: reading((dict, key) => dict.ttl(key), false),
  expire,
  flush_all: (self: LuaValue) => {
    const dict = dictOf(self);
    if (!replayingInit) dict.flushAll();
    return ret0();
  },
  flush_expired: (self: LuaValue, max: LuaValue) => {
    const dict = dictOf(self);
    return replayingInit ? 0 : dict.flushExpired(typeof max === 'number' ? max : 0);
  },
  get_keys: (self: LuaValue, max: LuaValue) => {
    return LuaTable.fromArray(dictOf(self).getKeys(typeof max === 'number' ? max : 1024));
  },
  capacity: (self: LuaValue) => dictOf(self).capacity(),
  free_space: (self: LuaValue) => dictOf(self).freeSpace(),
};

/** @param find gives the dictionary of each of the names */
export function installShared(
  ngx: LuaTable,
  names: readonly string[],
  find: (name: string) => SharedDict | undefined,
): void {
  const shared = new LuaTable();
  if (names.length > 0) {
    const metatable = markLibrary(LuaTable.fromObject(METHODS));
    metatable.setStr('__index', metatable);
    for (const name of names) {
      // As in ngx_lua, the first item is the zone itself, of no use to Lua code.
      const table = LuaTable.fromArray([new Userdata()]);
      Object.defineProperty(table, '$dict', { value: find(name) });
      table.metatable = metatable;
      shared.set(name, table);
    }
  }
  ngx.setStr('shared', shared);
}
