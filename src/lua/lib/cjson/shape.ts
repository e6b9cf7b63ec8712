// Keys of JSON objects, and tables of known shapes.
//
// Objects of one kind have the same keys in the same order. The keys of an object lead through a tree; where many
// objects end, there is a constructor that makes the whole table at once, with the hidden class that a constructor
// `{ id = ..., name = ... }` in Lua code has. Keys that look like data ("user_17") count as names of fields only when
// they have been seen before, and large objects become hashes, so maps do not fill V8 with hidden classes.

import { definePending, shape } from '../../compiler/keys.ts';
import { LuaTable, propertyName } from '../../table.ts';
import type { LuaValue } from '../../value.ts';

/** A key as it has been seen in JSON texts. */
export class Key {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Whether the key may be held as a property: it is an identifier, and has no digits or has been seen again. */
  isField: boolean;
  readonly #isIdentifier: boolean;
  #property: string | undefined;

  /** @param bytes those of the text; @param isWord only letters; @param isIdentifier letters and digits */
  constructor(text: string, bytes: Uint8Array, isWord: boolean, isIdentifier: boolean) {
    this.text = text;
    this.bytes = bytes;
    this.isField = isWord;
    this.#isIdentifier = isIdentifier;
  }

  /** To be called when the key is met again. */
  seen(): void {
    this.isField = this.#isIdentifier;
  }

  /** The JavaScript property that holds the key. */
  get property(): string {
    this.#property ??= propertyName(this.text)!;
    return this.#property;
  }
}

/** Makes a table of the values from `base` on. */
type Maker = (values: LuaValue[], base: number) => LuaTable;

/** Objects after which a shape gets a constructor. */
const HOT = 8;
/** Most keys of a shape. */
export const MAX_FIELDS = 30;
/** Most places in the tree; beyond, new kinds of objects are built key by key. */
const MAX_NODES = 4000;

let nodes = 0;

/** A place in the tree of keys. */
export class Shape {
  readonly key: Key | undefined;
  readonly parent: Shape | undefined;
  readonly depth: number;
  #children: Map<Key, Shape | undefined> | undefined;
  /** The key that led on from here last. */
  lastKey: Key | undefined;
  #lastChild: Shape | undefined;
  #uses = 0;
  #make: Maker | undefined;

  constructor(parent?: Shape, key?: Key) {
    this.parent = parent;
    this.key = key;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }

  /** The shape with one key more, or undefined if there is none (a key twice, too many keys, no identifier). */
  with(key: Key): Shape | undefined {
    if (key === this.lastKey) return this.#lastChild;
    if (!key.isField) return undefined;
    this.#children ??= new Map();
    let child = this.#children.get(key);
    if (child === undefined && !this.#children.has(key)) {
      if (nodes < MAX_NODES && this.depth < MAX_FIELDS && !this.#has(key)) {
        child = new Shape(this, key);
        nodes++;
      }
      if (this.#children.size < 64) this.#children.set(key, child);
    }
    this.lastKey = key;
    this.#lastChild = child;
    return child;
  }

  #has(key: Key): boolean {
    for (let at: Shape | undefined = this; at !== undefined; at = at.parent) if (at.key?.text === key.text) return true;
    return false;
  }

  /** A table with the keys of this shape, once the shape is used often; undefined before. */
  table(values: LuaValue[], base: number): LuaTable | undefined {
    if (this.#make !== undefined) return this.#make(values, base);
    if (++this.#uses >= HOT) this.#make = makerOf(this);
    return undefined;
  }
}

/** Whether so many kinds of objects have been met that further keys are taken for data. */
export function isTreeFull(): boolean {
  return nodes >= MAX_NODES;
}

/** Where every object starts. */
export const EMPTY_SHAPE = new Shape();

function makerOf(last: Shape): Maker {
  const properties: string[] = [];
  for (let at: Shape | undefined = last; at?.key !== undefined; at = at.parent) properties.unshift(at.key.property);
  const values = properties.map((_, i) => `v[b+${i}]`).join();
  const name = shape(properties);
  definePending();
  const make = new Function('C', 'none', `return function(v,b){return new C(none,${values})}`);
  return make((globalThis as Record<string, unknown>)[name], new LuaTable().$a) as Maker;
}
