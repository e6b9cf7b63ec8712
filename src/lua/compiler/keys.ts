/**
 * Constant keys and table shapes, shared by all compiled code of the process.
 *
 * Each constant string key has one accessor object, the slow path of `t.name`: it looks in the hash and follows
 * metatables. An accessor that is used often is replaced by functions compiled for its name, whose inline caches
 * see that one property only. Each list of names in a table constructor has a JavaScript constructor function, so
 * that equal constructors everywhere give tables of one hidden class.
 */

import { propertyName } from '../table.ts';
import type { LuaResult, LuaValue } from '../value.ts';
import { GLOBAL_PREFIX, globals, type Operations } from './globals.ts';

type Get = (o: LuaValue) => LuaResult;
type Set = (o: LuaValue, v: LuaValue) => LuaResult;

/** Uses after which an accessor is compiled for its name. */
const HOT = 100;

class Key {
  readonly key: string;
  readonly property: string;
  private uses = 0;
  private fastGet: Get | undefined = undefined;
  private fastSet: Set | undefined = undefined;

  constructor(key: string, property: string) {
    this.key = key;
    this.property = property;
  }

  /** Reads the field with metamethods; the sentinel if that suspended. */
  get(o: LuaValue): LuaResult {
    if (this.fastGet !== undefined) return this.fastGet(o);
    if (++this.uses > HOT) this.specialize();
    return operations.index(o, this.key);
  }

  /** Writes the field with metamethods; the sentinel if that suspended. */
  set(o: LuaValue, v: LuaValue): LuaResult {
    if (this.fastSet !== undefined) return this.fastSet(o, v);
    if (++this.uses > HOT) this.specialize();
    return operations.setField(o, this.key, v);
  }

  private specialize(): void {
    const p = this.property;
    const k = JSON.stringify(this.key);
    const k2 = JSON.stringify(p);
    const [get, set] = new Function(
      'T',
      'rt',
      `return [function(o){
let t=o,v,h;
if(typeof o==='string'){if((t=rt.stringIndex())instanceof T&&(v=t.${p})!==undefined)return v;t=o;}
${LEVEL(p, k).repeat(3)}
return rt.index(t,${k});
},function(o,v){
let h;
if(o instanceof T&&v!==undefined&&((h=o.$m)===undefined||h.__newindex===undefined&&h.$h===undefined)&&((h=o.$h)===undefined||!h.has(${k}))&&o.$n<100){
if(!(${k2} in o))o.$n++;
o.${p}=v;
return undefined;
}
return rt.setField(o,${k},v);
}];`,
    )(globals.T, operations) as [Get, Set];
    this.fastGet = get;
    this.fastSet = set;
  }
}

/**
 * One step along a chain of __index tables. Steps are unrolled, so that each has its own inline caches: instances,
 * their class, its parent.
 */
const LEVEL = (property: string, key: string): string => `
if(!(t instanceof T))return rt.index(t,${key});
if((v=t.${property})!==undefined)return v;
if((h=t.$h)!==undefined&&(v=h.get(${key}))!==undefined)return v;
if((h=t.$m)===undefined)return undefined;
if((h=h.__index)===undefined)return rt.index(t,${key});
if(typeof h==='function')return rt.callIndex(h,t,${key});
t=h;`;

let operations: Operations;
const keys = new Map<string, string | undefined>();

/** Called once by the runtime with the operations that accessors fall back to. */
export function setOperations(ops: Operations): void {
  operations = ops;
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
    globals.define('K_' + key, new Key(key, property));
  }
  return { property, accessor: GLOBAL_PREFIX + 'K_' + key };
}

const shapes = new Map<string, string>();

/** The global name of a constructor `new C(items, value1, value2...)` for tables with the given keys. */
export function shape(properties: readonly string[]): string {
  const id = properties.join();
  let name = shapes.get(id);
  if (name === undefined) {
    name = 'C' + shapes.size;
    shapes.set(id, name);
    const params = properties.map((_, i) => 'p' + i);
    const make = new Function(
      `return function(a,${params}){this.$a=a;this.$h=undefined;this.$m=undefined;this.$n=${properties.length};${properties
        .map((p, i) => `this.${p}=p${i};`)
        .join('')}}`,
    )() as { prototype: unknown };
    make.prototype = (globals.T as unknown as { prototype: unknown }).prototype;
    globals.define(name, make);
    name = GLOBAL_PREFIX + name;
    shapes.set(id, name);
  }
  return name;
}
