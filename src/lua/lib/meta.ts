// Operations that look at metatables, for library functions that index or compare values of the program.

import { call, first, suspended } from '../call.ts';
import { throwError } from '../error.ts';
import { LuaTable } from '../table.ts';
import { type LuaResult, type LuaValue, truthy, Userdata } from '../value.ts';
import { typeName } from './args.ts';

const MAX_CHAIN = 100;

/** `t[k]` with __index. The result may be a suspension of an __index function. */
export function index(t: LuaValue, k: LuaValue): LuaResult {
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    let metatable: LuaTable | undefined;
    if (t instanceof LuaTable) {
      const v = t.get(k);
      if (v !== undefined || t.$m === undefined) return v;
      metatable = t.$m;
    } else if (t instanceof Userdata) metatable = t.metatable;
    const handler = metatable?.getStr('__index');
    if (handler === undefined) {
      if (t instanceof LuaTable) return undefined;
      throwError(`attempt to index a ${typeName(t)} value`);
    }
    if (typeof handler === 'function') {
      const r = handler(t, k);
      return suspended(r) ? r : first(r);
    }
    t = handler;
  }
  throwError('loop in gettable');
}

function metaOf(v: LuaValue, event: string): LuaValue {
  return v instanceof LuaTable || v instanceof Userdata ? v.metatable?.getStr(event) : undefined;
}

/** `a < b` with __lt. True and false are plain; else the result is a suspension, to be read with `truthy` later. */
export function lessThan(a: LuaValue, b: LuaValue): LuaResult {
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (typeof a === 'string' && typeof b === 'string') return a < b;
  const handler = metaOf(a, '__lt') ?? metaOf(b, '__lt');
  if (handler === undefined) {
    const [x, y] = [typeName(a), typeName(b)];
    throwError(x === y ? `attempt to compare two ${x} values` : `attempt to compare ${x} with ${y}`);
  }
  const r = call(handler, [a, b]);
  return suspended(r) ? r : truthy(first(r));
}
