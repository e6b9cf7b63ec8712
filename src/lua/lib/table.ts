// The table library: https://www.lua.org/manual/5.1/manual.html#5.5, LuaJIT's additions (move, new, clear) and
// OpenResty's (clone, isarray, isempty, nkeys; https://github.com/openresty/luajit2#new-lua-apis).
//
// All access is raw, as in LuaJIT. Items 1..n are in the array of the table, which these functions use directly.

import { type NativeFrame, pushFrame, R, ret0, ret2, ret3, retN, S } from '../call.ts';
import { throwError } from '../error.ts';
import { formatNumber } from '../number.ts';
import { Cursor, clearTable, cloneTable, hasWeakItems, LuaTable } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../value.ts';
import { argInteger, argString, argTable, optInteger, typeError, typeName } from './args.ts';
import { sortTable } from './sort.ts';

/** Most values that unpack returns (LUAI_MAXCSTACK). */
const MAX_RESULTS = 8000;

/** LuaJIT has some functions written in Lua: these say "got nil" for arguments that are not there. */
const LUA_FUNCTION = Number.POSITIVE_INFINITY;

/** table.insert and remove: shorter tails are moved one by one, longer ones by the native method. */
const SHORT_TAIL = 16;

/** table.concat with a separator: from this many items on, joining them natively beats appending one by one. */
const MANY = 6;

function insert(t: LuaValue, pos: LuaValue, v: LuaValue): LuaResult {
  const table = t instanceof LuaTable ? t : argTable(t, 1, 'insert', arguments.length);
  if (arguments.length === 2) {
    table.setInt(table.length() + 1, pos);
    return ret0();
  }
  if (arguments.length !== 3) throwError("wrong number of arguments to 'insert'");
  const at = argInteger(pos, 2, 'insert', arguments.length);
  const items = table.$a;
  const end = table.length() + 1;
  if (at > 0 && at < items.length) {
    if (end - at <= SHORT_TAIL || table.$h !== undefined) {
      table.setInt(end, items[end - 1]);
      for (let i = end - 1; i > at; i--) items[i] = items[i - 1];
      items[at] = v;
    } else items.splice(at, 0, v);
  } else {
    for (let i = end; i > at; i--) table.setInt(i, table.getInt(i - 1));
    table.setInt(at, v);
  }
  return ret0();
}

function remove(t: LuaValue, pos: LuaValue): LuaResult {
  const table = t instanceof LuaTable ? t : argTable(t, 1, 'remove', LUA_FUNCTION);
  const items = table.$a;
  const last = table.length();
  if (pos === undefined || pos === last) {
    if (last === 0) return ret0();
    const old = table.getInt(last);
    table.setInt(last, undefined);
    return old;
  }
  const at = argInteger(pos, 2, 'remove', LUA_FUNCTION);
  if (at < 1 || at > last) return ret0();
  const old = table.getInt(at);
  if (hasWeakItems(table)) {
    for (let i = at; i <= last; i++) table.setInt(i, table.getInt(i + 1));
  } else if (last - at <= SHORT_TAIL) {
    for (let i = at; i < last; i++) items[i] = items[i + 1];
    table.setInt(last, undefined);
  } else items.splice(at, 1);
  return old;
}

function concat(t: LuaValue, separator: LuaValue, i: LuaValue, j: LuaValue): LuaResult {
  const table = t instanceof LuaTable ? t : argTable(t, 1, 'concat', arguments.length);
  const glue = separator === undefined ? '' : argString(separator, 2, 'concat', arguments.length);
  const from = optInteger(i, 3, 'concat', arguments.length, 1);
  const items = table.$a;
  const to = j === undefined ? table.length() : argInteger(j, 4, 'concat', arguments.length);
  if (glue !== '' && to - from >= MANY && from >= 1 && to < items.length) {
    let at = from;
    while (at <= to && typeof items[at] === 'string') at++;
    if (at > to) return items.slice(from, to + 1).join(glue);
  }
  // V8 notes what is appended (3 ns) and puts it together when somebody reads it, which join does no faster.
  let text = '';
  for (let at = from; at <= to; at++) {
    let v = items[at];
    if (typeof v !== 'string') {
      if (v === undefined) v = table.getInt(at);
      if (typeof v === 'number') v = formatNumber(v);
      else if (typeof v !== 'string') throwError(`invalid value (${typeName(v)}) at index ${at} in table for 'concat'`);
    }
    text += at < to && glue !== '' ? v + glue : v;
  }
  return text;
}

function sort(t: LuaValue, less: LuaValue): LuaResult {
  const table = t instanceof LuaTable ? t : argTable(t, 1, 'sort', arguments.length);
  if (less !== undefined && typeof less !== 'function') typeError(less, 2, 'sort', 'function', arguments.length);
  return sortTable(table, less);
}

function getn(t: LuaValue): LuaResult {
  return argTable(t, 1, 'getn', LUA_FUNCTION).length();
}

function maxn(t: LuaValue): LuaResult {
  let max = 0;
  const cursor = new Cursor(argTable(t, 1, 'maxn', arguments.length));
  while (cursor.next()) if (typeof cursor.k === 'number' && cursor.k > max) max = cursor.k;
  return max;
}

/** A traversal that calls a function for each pair until it returns something. */
class Traversal implements NativeFrame {
  readonly name: string;
  readonly #f: LuaFunction;
  readonly #next: () => boolean;
  readonly #at: { k: LuaValue; v: LuaValue };

  constructor(name: string, f: LuaFunction, at: { k: LuaValue; v: LuaValue }, next: () => boolean) {
    this.name = name;
    this.#f = f;
    this.#at = at;
    this.#next = next;
  }

  run(): LuaResult {
    while (this.#next()) {
      let r = this.#f(this.#at.k, this.#at.v);
      if (r === S) {
        if (R.n < 0) return pushFrame(this);
        r = R.n > 0 ? R.a : undefined;
      }
      if (r !== undefined) return r;
    }
    return ret0();
  }

  resume(result: LuaResult): LuaResult {
    const r = result === S ? (R.n > 0 ? R.a : undefined) : result;
    return r !== undefined ? r : this.run();
  }
}

function foreach(t: LuaValue, f: LuaValue): LuaResult {
  const table = argTable(t, 1, 'foreach', LUA_FUNCTION);
  if (typeof f !== 'function') typeError(f, 2, 'foreach', 'function', LUA_FUNCTION);
  const cursor = new Cursor(table);
  return new Traversal('foreach', f, cursor, () => cursor.next()).run();
}

function foreachi(t: LuaValue, f: LuaValue): LuaResult {
  const table = argTable(t, 1, 'foreachi', LUA_FUNCTION);
  if (typeof f !== 'function') typeError(f, 2, 'foreachi', 'function', LUA_FUNCTION);
  const last = table.length();
  const at: { k: number; v: LuaValue } = { k: 0, v: undefined };
  const next = (): boolean => {
    if (at.k >= last) return false;
    at.v = table.getInt(++at.k);
    return true;
  };
  return new Traversal('foreachi', f, at, next).run();
}

function move(source: LuaValue, f: LuaValue, e: LuaValue, t: LuaValue, target: LuaValue): LuaResult {
  const a = argTable(source, 1, 'move', LUA_FUNCTION);
  const from = argInteger(f, 2, 'move', LUA_FUNCTION);
  const to = argInteger(e, 3, 'move', LUA_FUNCTION);
  const at = argInteger(t, 4, 'move', LUA_FUNCTION);
  const b = target === undefined ? a : argTable(target, 5, 'move', LUA_FUNCTION);
  const shift = at - from;
  if (at > to || at <= from || a !== b) {
    for (let i = from; i <= to; i++) b.setInt(i + shift, a.getInt(i));
  } else {
    for (let i = to; i >= from; i--) b.setInt(i + shift, a.getInt(i));
  }
  return b;
}

function pack(...values: LuaValue[]): LuaResult {
  const t = LuaTable.fromArray(values);
  t.setStr('n', values.length);
  return t;
}

/** unpack(t [, i [, j]]), also table.unpack. */
export function unpack(t: LuaValue, i: LuaValue, j: LuaValue): LuaResult {
  const table = t instanceof LuaTable ? t : argTable(t, 1, 'unpack', arguments.length);
  const items = table.$a;
  const from = i === undefined ? 1 : argInteger(i, 2, 'unpack', arguments.length);
  const to = j === undefined ? table.length() : argInteger(j, 3, 'unpack', arguments.length);
  switch (to - from) {
    case 0:
      return table.getInt(from);
    case 1:
      return ret2(table.getInt(from), table.getInt(to));
    case 2:
      return ret3(table.getInt(from), table.getInt(from + 1), table.getInt(to));
  }
  if (to < from) return ret0();
  if (to - from >= MAX_RESULTS) throwError('too many results to unpack');
  if (from >= 1 && to < items.length) return retN(items.slice(from, to + 1));
  const values: LuaValue[] = [];
  for (let at = from; at <= to; at++) values.push(table.getInt(at));
  return retN(values);
}

/** table.new(narr, nrec): V8 sizes tables by their use, so the sizes are only checked. */
function newTable(narr: LuaValue, nrec: LuaValue): LuaResult {
  argInteger(narr, 1, 'new', arguments.length);
  argInteger(nrec, 2, 'new', arguments.length);
  return new LuaTable();
}

function clear(t: LuaValue): LuaResult {
  clearTable(argTable(t, 1, 'clear', arguments.length));
  return ret0();
}

function clone(t: LuaValue): LuaResult {
  return cloneTable(argTable(t, 1, 'clone', arguments.length));
}

function nkeys(t: LuaValue): LuaResult {
  const cursor = new Cursor(argTable(t, 1, 'nkeys', arguments.length));
  let n = 0;
  while (cursor.next()) n++;
  return n;
}

function isempty(t: LuaValue): LuaResult {
  const table = argTable(t, 1, 'isempty', arguments.length);
  return table.$a.length === 1 && !new Cursor(table).next();
}

function isarray(t: LuaValue): LuaResult {
  const cursor = new Cursor(argTable(t, 1, 'isarray', arguments.length));
  while (cursor.next()) if (!Number.isInteger(cursor.k)) return false;
  return true;
}

const FUNCTIONS: Readonly<Record<string, LuaFunction>> = {
  concat,
  foreach,
  foreachi,
  getn,
  insert,
  maxn,
  move,
  pack,
  remove,
  sort,
  unpack,
};

/**
 * Functions of `table` that are there only after `require "table.new"` and the like; require of such a module returns
 * the function and adds it to the table.
 */
export const TABLE_MODULES: Readonly<Record<string, LuaFunction>> = {
  new: newTable,
  clear,
  clone,
  isarray,
  isempty,
  nkeys,
};

/** Makes the `table` table of a new state. */
export function openTable(): LuaTable {
  return LuaTable.fromObject(FUNCTIONS);
}
