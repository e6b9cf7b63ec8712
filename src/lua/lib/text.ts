// Values as text: what `tostring`, `print` and "%s" show.

import { first } from '../call.ts';
import { callNow } from '../coroutine.ts';
import { formatNumber } from '../number.ts';
import { metamethod } from '../runtime.ts';
import { addressOf, type LuaValue } from '../value.ts';
import { typeName } from './args.ts';
import { builtinName } from './builtin.ts';

/** The text of a value without its metatable: "nil", "1.5", "table: 0x7f0000000010". */
export function rawText(v: LuaValue): string {
  switch (typeof v) {
    case 'string':
      return v;
    case 'number':
      return formatNumber(v);
    case 'boolean':
      return v ? 'true' : 'false';
    case 'undefined':
      return 'nil';
    case 'function':
      return `function: ${builtinName(v) ?? addressOf(v)}`;
    default:
      return typeName(v) + ': ' + addressOf(v);
  }
}

/** The text of a value as "%s" shows it: through __tostring, whose result need not be a string. */
export function toText(v: LuaValue): string {
  if (typeof v !== 'object') return rawText(v);
  const handler = metamethod(v, '__tostring');
  return handler === undefined ? rawText(v) : rawText(first(callNow(handler, [v])));
}

/** "%p": the address of a value that has one, else "NULL". */
export function pointerText(v: LuaValue): string {
  if (typeof v === 'object' || typeof v === 'function') return addressOf(v);
  if (typeof v !== 'string') return 'NULL';
  // Equal strings are one object in Lua: a hash of the bytes serves as the address.
  let hash = 0x811c9dc5;
  for (let i = 0; i < v.length; i++) hash = Math.imul(hash ^ v.charCodeAt(i), 0x01000193);
  return '0x7e' + (hash >>> 0).toString(16).padStart(10, '0');
}
