/**
 * Constant keys and table shapes, shared by all compiled code of the process.
 *
 * Each constant string key has one accessor object, the slow path of `t.name`: it looks in the hash and follows
 * metatables. Its functions are written for that name, so that their inline caches see that one property only; and
 * it has a class of its own, so that V8 can inline them. It remembers the last C type that had a member of the name. Each list of names in a table constructor has a JavaScript
 * constructor function, so that equal constructors everywhere give tables of one hidden class.
 *
 * Text for new keys and shapes is collected while a chunk is emitted and run in one script before it (`define`).
 */

import { Script } from 'node:vm';
import type { CData } from '../ffi/cdata.ts';
import { propertyName } from '../table.ts';
import { GLOBAL_PREFIX, globals, type Operations } from './globals.ts';

const T = `${GLOBAL_PREFIX}T`;
const OPS = `${GLOBAL_PREFIX}OPS`;

/**
 * One step along a chain of __index tables. Steps are unrolled, so that each has its own inline caches: instances,
 * their class, its parent.
 */
const step = (p: string, k: string): string =>
  `if(!(t instanceof ${T}))return ${OPS}.indexKey(o,${k},this);` +
  `if((v=t.${p})!==undefined)return v;` +
  `if((h=t.$h)!==undefined&&(v=h.get(${k}))!==undefined)return v;` +
  'if((h=t.$m)===undefined)return undefined;' +
  `if((h=h.__index)===undefined)return ${OPS}.index(t,${k});` +
  `if(typeof h==='function')return ${OPS}.callIndex(h,t,${k});` +
  't=h;';

/** `get` reads a field, `set` writes it, with metamethods; the sentinel says that one of these suspended. */
function accessorText(key: string, p: string): string {
  const k = `"${key}"`;
  return (
    `new class{c=undefined;f=undefined;get(o){let t=o,v,h;if(typeof o==='string'){if((t=${OPS}.stringIndex())instanceof ${T}&&(v=t.${p})!==undefined)return v;t=o;}` +
    `${step(p, k).repeat(3)}return ${OPS}.index(t,${k});}` +
    `set(o,v){let h;if(o instanceof ${T}&&v!==undefined&&((h=o.$m)===undefined||h.__newindex===undefined&&h.$h===undefined)` +
    `&&((h=o.$h)===undefined||!h.has(${k}))&&o.$n<100){if(!("${p}" in o))o.$n++;o.${p}=v;return undefined;}` +
    `return ${OPS}.setField(o,${k},v,this);}}`
  );
}

function shapeText(properties: readonly string[]): string {
  const params = properties.map((_, i) => 'p' + i);
  const fields = properties.map((p, i) => `this.${p}=p${i};`).join('');
  return `function(a,${params}){this.$a=a;this.$h=undefined;this.$m=undefined;this.$n=${properties.length};${fields}}`;
}

/** Globals to be defined: name and text of the value. */
const pending: [string, string][] = [];

/** Makes the keys and shapes that have been asked for; to be called before code that uses them is run. */
export function definePending(): void {
  if (pending.length === 0) return;
  const text = `[${pending.map(([, value]) => value).join(',\n')}]`;
  const values = new Script(text, { filename: 'lua:keys' }).runInThisContext() as unknown[];
  pending.forEach(([name], i) => {
    const value = values[i];
    if (typeof value === 'function') value.prototype = (globals.T as unknown as { prototype: unknown }).prototype;
    globals.define(name, value);
  });
  pending.length = 0;
}

/** Names that a chunk uses, recorded for the cache on disk. */
export class NamesUsed {
  readonly keys = new Set<string>();
  readonly shapes = new Map<string, readonly string[]>();
  /** The text depends on this process. */
  isLocal = false;
}

/** What is emitted now; with `stable`, names are the same in every process. */
export const naming: { used: NamesUsed | undefined; stable: boolean } = { used: undefined, stable: false };

const keys = new Map<string, string | undefined>();

/** Called once by the runtime with the operations that accessors fall back to. */
export function setOperations(operations: Operations): void {
  globals.define('OPS', operations);
}

/** JavaScript names for a constant key: its property, and the global that holds its accessor. */
export interface KeyNames {
  readonly property: string;
  readonly accessor: string;
}

/** The names for a constant key, or undefined if such a key lives in the hash. */
export function keyNames(key: string): KeyNames | undefined {
  let property = keys.get(key);
  if (property === undefined) {
    property = propertyName(key);
    if (property === undefined) return undefined;
    keys.set(key, property);
    pending.push(['K_' + key, accessorText(key, property)]);
  }
  naming.used?.keys.add(key);
  return { property, accessor: GLOBAL_PREFIX + 'K_' + key };
}

/** Tells -0 from 0. */
const text = (n: number): string => (Object.is(n, -0) ? '-0' : String(n));

const literals = new Map<string, string>();

/** The global name of a cdata literal, the same for equal literals. */
export function literalName(value: CData): string {
  if (naming.used !== undefined) naming.used.isLocal = true;
  const { ct, val, block, offset } = value;
  const id = `${ct.size}${ct.isUnsigned} ${block === undefined ? val : text(block.view.getFloat64(offset + 8, true))}`;
  let name = literals.get(id);
  if (name === undefined) {
    name = 'L' + literals.size;
    globals.define(name, value);
    literals.set(id, name);
  }
  return GLOBAL_PREFIX + name;
}

const shapes = new Map<string, string>();

/** The global name of a constructor `new C(items, value1, value2...)` for tables with the given keys. */
export function shape(properties: readonly string[]): string {
  const id = properties.join();
  naming.used?.shapes.set(id, properties);
  let name = shapes.get(id);
  if (name === undefined) {
    name = naming.stable ? `C_${properties.join('$')}` : `C${shapes.size}`;
    pending.push([name, shapeText(properties)]);
    name = GLOBAL_PREFIX + name;
    shapes.set(id, name);
  }
  if (naming.used !== undefined && !name.startsWith(`${GLOBAL_PREFIX}C_`)) naming.used.isLocal = true;
  return name;
}
