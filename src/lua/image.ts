/**
 * Images of states: a state that has been set up once, libraries and all, is copied for others in a few microseconds.
 *
 * The image is JavaScript text made for it: a constructor for each table, which gives all copies one hidden class, and
 * statements that tie the new tables together. Functions and userdata are shared between the copies, so functions must find
 * what belongs to a state through the state that runs. Those of math and io that do not are made anew for each copy.
 */

import { Script } from 'node:vm';
import { numberFunctions } from './lib/builtin.ts';
import { renewIo } from './lib/io.ts';
import { renewRandom } from './lib/math.ts';
import type { TypeMetatables } from './runtime.ts';
import type { LuaState } from './state.ts';
import { LuaTable, tableParts } from './table.ts';
import type { LuaValue } from './value.ts';

/** The tables that a state consists of. */
export interface StateTables {
  readonly globals: LuaTable;
  readonly registry: LuaTable;
  readonly loaded: LuaTable;
  readonly package: LuaTable;
  readonly metatables: TypeMetatables;
}

type Roots = [globals: LuaTable, registry: LuaTable, loaded: LuaTable, pack: LuaTable, types: LuaTable];

const METATABLES = ['string', 'number', 'boolean', 'function', 'thread', 'nil'] as const;

/** Writes the text of the function that makes the copies. */
class Writer {
  private readonly numbers = new Map<LuaTable, number>();
  /** Values that the text refers to as `c[i]`. */
  readonly constants: unknown[] = [];
  classes = '';
  making = '';
  tying = '';

  /** The variable of a table's copy. */
  private table(t: LuaTable): string {
    let number = this.numbers.get(t);
    if (number === undefined) {
      number = this.numbers.size;
      this.numbers.set(t, number);
      this.write(t, number);
    }
    return `t${number}`;
  }

  private constant(v: unknown): string {
    if (typeof v === 'string' && /^\w*$/.test(v)) return `'${v}'`;
    if (v === undefined || typeof v === 'boolean') return String(v);
    return `c[${this.constants.push(v) - 1}]`;
  }

  private write(t: LuaTable, number: number): void {
    const name = `t${number}`;
    const { fields, items, hash, hidden } = tableParts(t);
    const tables: [string, LuaTable][] = [];
    let assignments = '';
    for (const [property, v] of fields) {
      assignments += `this.${property}=${v instanceof LuaTable ? 'undefined' : this.constant(v)};`;
      if (v instanceof LuaTable) tables.push([`${name}.${property}`, v]);
    }
    this.classes += `function C${number}(){this.$a=a;this.$h=undefined;this.$m=undefined;this.$n=${fields.length};${assignments}}C${number}.prototype=p;`;
    this.making += `const ${name}=new C${number}();`;
    if (items.length > 1) this.tying += `${name}.$a=${this.constant(items)}.slice();`;
    items.forEach((v, i) => {
      if (v instanceof LuaTable) tables.push([`${name}.$a[${i}]`, v]);
    });
    if (hash !== undefined) {
      this.tying += `${name}.$h=${this.constant(hash)}.copy();`;
      hash.tables().forEach(([i, v]) => {
        tables.push([`${name}.$h.values[${i}]`, v]);
      });
    }
    for (const [key, v] of hidden) {
      this.tying += `Object.defineProperty(${name},${this.constant(key)},{value:${this.constant(v)}});`;
    }
    if (t.metatable !== undefined) tables.push([`${name}.$m`, t.metatable]);
    for (const [place, v] of tables) {
      const target = this.table(v);
      this.tying += `${place}=${target};`;
    }
  }

  text(roots: readonly LuaTable[]): string {
    const result = roots.map((t) => this.table(t));
    return `(function(c,a,p){'use strict';${this.classes}return function(){${this.making}${this.tying}return[${result}];}})`;
  }
}

/** What `new LuaState` needs to make states like one that has been set up. */
export class StateImage {
  private readonly make: () => Roots;

  /** `state` must not have run any code. It is not changed, and need not be kept. */
  constructor(state: LuaState) {
    const types = new LuaTable();
    for (const type of METATABLES) types.setStr(type, state.metatables[type]);
    const writer = new Writer();
    const text = writer.text([state.globals, state.registry, state.loaded, state.package, types]);
    const factory = new Script(text, { filename: 'lua:image' }).runInThisContext() as (
      constants: unknown[],
      noItems: LuaValue[],
      prototype: object,
    ) => () => Roots;
    this.make = factory(writer.constants, new LuaTable().$a, LuaTable.prototype);
  }

  /** Tables for another state. */
  copy(): StateTables {
    const [globals, registry, loaded, pack, types] = this.make();
    for (const name of ['math', 'io'] as const) {
      const library = loaded.getStr(name);
      if (!(library instanceof LuaTable)) continue;
      (name === 'math' ? renewRandom : renewIo)(library);
      numberFunctions({ loaded }, name);
    }
    const metatables = Object.fromEntries(METATABLES.map((type) => [type, types.getStr(type)]));
    return { globals, registry, loaded, package: pack, metatables: metatables as unknown as TypeMetatables };
  }
}
