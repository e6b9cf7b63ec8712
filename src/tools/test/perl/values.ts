/**
 * Perl's values. A scalar is undefined, a number, a byte string or a reference; a reference is the container itself.
 * Elements of arrays and hashes are cells, so that `foreach`, `map` and `\` can hand out the element, not a copy.
 * perldata, perlref.
 */
import type { Regex } from '../../../regex/regex.ts';
import { pattern } from '../pattern.ts';
import type { Block } from './ast.ts';

export type Value =
  | undefined
  | number
  | string
  | Cell
  | PerlArray
  | PerlHash
  | PerlCode
  | PerlRegex
  | PerlHandle
  | PerlObject;

/** A place that holds a scalar. */
export class Cell {
  v: Value;
  constructor(v: Value = undefined) {
    this.v = v;
  }
}

export class PerlArray {
  cells: Cell[];
  constructor(values: readonly Value[] = []) {
    this.cells = values.map((v) => new Cell(v));
  }
  get values(): Value[] {
    return this.cells.map((cell) => cell.v);
  }
}

export class PerlHash {
  readonly map = new Map<string, Cell>();
  get(key: string): Value {
    return this.map.get(key)?.v;
  }
  set(key: string, v: Value): void {
    const cell = this.map.get(key);
    if (cell === undefined) this.map.set(key, new Cell(v));
    else cell.v = v;
  }
}

/** What a sub is called with: whether a list or one value is wanted. */
export type Want = 'list' | 'scalar';

/** A function of this runner that Perl calls. */
export type Native = (args: Value[], want: Want) => Value | readonly Value[];

/** Variables of a block; looked up outwards. */
export class Scope {
  readonly variables = new Map<string, Cell | PerlArray | PerlHash>();
  readonly outer: Scope | undefined;
  constructor(outer: Scope | undefined) {
    this.outer = outer;
  }
  find(name: string): Cell | PerlArray | PerlHash | undefined {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.outer) {
      const found = scope.variables.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** A sub: parsed, or native. */
export class PerlCode {
  readonly name: string;
  readonly body: Block | Native;
  readonly scope: Scope;
  readonly package: string;
  constructor(name: string, body: Block | Native, scope: Scope, inPackage: string) {
    this.name = name;
    this.body = body;
    this.scope = scope;
    this.package = inPackage;
  }
}

/** `qr//`. */
export class PerlRegex {
  readonly source: string;
  /** Among `imsx`. */
  readonly flags: string;
  #compiled: Regex | undefined;
  constructor(source: string, flags: string) {
    this.source = source;
    this.flags = flags.replace(/[^imsx]/g, '');
  }
  /** @throws RegexError */
  get regex(): Regex {
    return (this.#compiled ??= pattern(this.source, this.flags));
  }
  toString(): string {
    return `(?^${this.flags}:${this.source})`;
  }
}

/** An open file: what is still to be read, or where to write. */
export class PerlHandle {
  readonly name: string;
  rest: string;
  readonly write: ((text: string) => void) | undefined;
  constructor(name: string, rest: string, write: ((text: string) => void) | undefined) {
    this.name = name;
    this.rest = rest;
    this.write = write;
  }
}

/** An object of this runner that Perl calls methods of. */
export abstract class PerlObject {
  abstract method(name: string, args: Value[]): Value;
}

/** `die`. */
export class PerlDie extends Error {
  readonly value: Value;
  constructor(value: Value) {
    super(text(value).trimEnd());
    this.value = value;
  }
}

/** What `ref` says of a value. */
export function refOf(value: Value): string {
  if (value instanceof Cell) return value.v instanceof Cell || isReference(value.v) ? 'REF' : 'SCALAR';
  if (value instanceof PerlArray) return 'ARRAY';
  if (value instanceof PerlHash) return 'HASH';
  if (value instanceof PerlCode) return 'CODE';
  if (value instanceof PerlRegex) return 'Regexp';
  if (value instanceof PerlHandle) return 'GLOB';
  return value instanceof PerlObject ? 'Test::Base::Block' : '';
}

function isReference(value: Value): boolean {
  return value !== undefined && typeof value !== 'number' && typeof value !== 'string';
}

/** A value as a string. */
export function text(value: Value): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return '';
  if (typeof value === 'number') return numberText(value);
  return value instanceof PerlRegex ? value.toString() : `${refOf(value)}(0x1)`;
}

/** A number as Perl prints it: 15 digits. */
function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e18) return BigInt(value).toString();
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Inf' : '-Inf';
  return String(Number(value.toPrecision(15))).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** A value as a number: the number at the beginning of a text, 0 without one. */
export function number(value: Value): number {
  if (typeof value === 'number') return value;
  if (value === undefined) return 0;
  if (typeof value !== 'string') return 1;
  const found = /^\s*([-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf(?:inity)?|nan))/i.exec(value)?.[1];
  if (found === undefined) return 0;
  if (/inf/i.test(found)) return found.startsWith('-') ? -Infinity : Infinity;
  return Number(found);
}

/** Whether a value counts as true. */
export function truth(value: Value): boolean {
  return !(value === undefined || value === '' || value === '0' || value === 0);
}

/** Perl's true and false. */
export const bool = (value: boolean): Value => (value ? 1 : '');
