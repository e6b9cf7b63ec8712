/**
 * The modules resty.lrucache and resty.lrucache.pureffi: a cache that forgets what was used least recently. The
 * libraries of that name need LuaJIT's ffi; here a JavaScript Map, which remembers the order of insertion, does all.
 */
import { now } from '../../../api/time.ts';
import {
  type LuaFunction,
  type LuaResult,
  LuaTable,
  type LuaValue,
  ret0,
  ret2,
  ret3,
  throwError,
  Userdata,
} from '../../../lua/index.ts';
import { checkNumber } from '../ngx/args.ts';
import { type ModuleLoader, moduleTable } from './module.ts';

interface Entry {
  value: LuaValue;
  /** Seconds since 1970; undefined for never. */
  expire: number | undefined;
  flags: number;
}

/** The least recently used entry comes first. */
class Cache extends Userdata {
  readonly capacity: number;
  readonly entries = new Map<LuaValue, Entry>();

  constructor(capacity: number) {
    super();
    this.capacity = capacity;
  }
}

function cacheOf(self: LuaValue): Cache {
  const cache = self instanceof LuaTable ? self.get('cache') : undefined;
  return cache instanceof Cache ? cache : throwError('not an lrucache instance');
}

function get(self: LuaValue, key: LuaValue): LuaResult {
  const { entries } = cacheOf(self);
  const entry = entries.get(key);
  if (entry === undefined || entry.value === undefined) return undefined;
  entries.delete(key);
  entries.set(key, entry);
  if (entry.expire !== undefined && entry.expire < now()) return ret3(undefined, entry.value, entry.flags);
  return ret3(entry.value, undefined, entry.flags);
}

function set(self: LuaValue, key: LuaValue, value: LuaValue, ttl: LuaValue, flags: LuaValue): LuaResult {
  const { entries, capacity } = cacheOf(self);
  if (key === undefined) throwError('table index is nil');
  const entry = entries.get(key) ?? { value: undefined, expire: undefined, flags: 0 };
  if (!entries.delete(key) && entries.size >= capacity) {
    for (const oldest of entries.keys()) {
      entries.delete(oldest);
      break;
    }
  }
  entry.value = value;
  entry.expire = ttl === undefined || ttl === false ? undefined : now() + checkNumber(ttl, 4, 'set');
  entry.flags = typeof flags === 'number' && flags >= 0 ? Math.trunc(flags) : 0;
  entries.set(key, entry);
  return ret0();
}

function remove(self: LuaValue, key: LuaValue): LuaResult {
  return cacheOf(self).entries.delete(key);
}

function getKeys(self: LuaValue, max: LuaValue, into: LuaValue): LuaResult {
  const { entries } = cacheOf(self);
  const most = typeof max === 'number' && max !== 0 ? max : entries.size;
  const keys = [...entries.keys()].reverse();
  const table = into instanceof LuaTable ? into : new LuaTable();
  const n = Math.min(most, keys.length);
  for (let i = 0; i < n; i++) table.setInt(i + 1, keys[i]);
  table.setInt(n + 1, undefined);
  return table;
}

const METHODS: Readonly<Record<string, LuaFunction>> = {
  get,
  set,
  delete: remove,
  get_keys: getKeys,
  count: (self) => cacheOf(self).entries.size,
  capacity: (self) => cacheOf(self).capacity,
  flush_all: (self) => {
    cacheOf(self).entries.clear();
    return ret0();
  },
};

/** What `pairs` gives for a view of a cache: a table of its own, so that the cache may change under the loop. */
function itemsOf(entries: ReadonlyMap<LuaValue, Entry>): LuaResult {
  const table = new LuaTable();
  for (const [key, { value }] of entries) table.set(key, value);
  return ret3((_, key) => ret2(...(table.next(key) ?? [undefined, undefined])), table, undefined);
}

/** The library's table of values by key, which some code walks through: a view of the cache that cannot be changed. */
function viewOf({ entries }: Cache): LuaTable {
  const view = new LuaTable();
  view.metatable = LuaTable.fromObject({
    __index: (_: LuaValue, key: LuaValue): LuaResult => entries.get(key)?.value,
    __newindex: (): LuaResult => throwError('hasht is a view: use set() and delete()'),
    __pairs: (): LuaResult => itemsOf(entries),
  });
  return view;
}

export const lrucache: ModuleLoader = () => {
  const module = moduleTable({ ...METHODS, _VERSION: '0.15' });
  const metatable = LuaTable.fromObject({ __index: module });
  module.setStr('new', (size: LuaValue): LuaResult => {
    const n = checkNumber(size, 1, 'new');
    if (n < 1) return ret2(undefined, 'size too small');
    const cache = new Cache(Math.trunc(n));
    const self = LuaTable.fromObject({ cache, hasht: viewOf(cache) });
    self.metatable = metatable;
    return self;
  });
  return module;
};
