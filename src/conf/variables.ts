/**
 * Variables of a block: declared by modules or by the configuration (`set`, `map`, ...), evaluated on demand and cached
 * in the request or session. nginx has this twice (src/http/ngx_http_variables.c, src/stream/ngx_stream_variables.c);
 * here http and stream share it, R being the request or the session.
 *
 * A value is a byte string, or null for "not found" (which prints as an empty string, but which Lua sees as nil and
 * access logs as `-`).
 *
 * `r.variables` holds what was evaluated or set. A variable that must not be cached is stored there only when it was
 * set explicitly (`set`, a named capture, ngx.var): such a value stays, as nginx's values without `no_cacheable` do.
 */
import { LOG_ALERT, LOG_ERR } from '../log/log.ts';
import type { ConfContext } from './directive.ts';
import { ConfError } from './error.ts';

export type VariableValue = string | null;

/** A request or session, as far as its variables are concerned. */
export interface VariableOwner {
  /** By slot; undefined: not evaluated yet. */
  readonly variables: (VariableValue | undefined)[];
  log(level: number, message: string): void;
}

/** How a variable is computed. `data` is what the declaration carried (for prefixes: the full name asked for). */
export type VariableGetter<R> = (r: R, data: unknown) => VariableValue;
export type VariableSetter<R> = (r: R, value: string, data: unknown) => void;

/** One declared variable. */
export interface VariableSpec<R> {
  /** Without `$`; for a prefix variable the prefix with its underscore (`http_`, `arg_`). */
  readonly name: string;
  readonly prefix?: boolean;
  readonly get?: VariableGetter<R>;
  readonly set?: VariableSetter<R>;
  readonly data?: unknown;
  /** May be declared again by `set`, `map` and the like. */
  readonly changeable?: boolean;
  /** Evaluated anew at each use. */
  readonly noCacheable?: boolean;
  /** Not visible to by-name lookups (ngx.var). */
  readonly noHash?: boolean;
  /** A prefix variable's computation is preferred to this one. nginx: NGX_HTTP_VAR_WEAK. */
  readonly weak?: boolean;
}

/** A declaration as the block keeps it. Who declared it may still give it its functions. */
export interface DeclaredVariable<R> {
  readonly name: string;
  get: VariableGetter<R> | undefined;
  set: VariableSetter<R> | undefined;
  data: unknown;
  readonly changeable: boolean;
  noCacheable: boolean;
  readonly noHash: boolean;
  weak: boolean;
  /** Slot in the request, or -1. */
  index: number;
}

/** A variable with a slot in each request. */
export interface IndexedVariable<R> {
  readonly name: string;
  readonly index: number;
  get: VariableGetter<R> | undefined;
  set: VariableSetter<R> | undefined;
  data: unknown;
  changeable: boolean;
  noCacheable: boolean;
}

/** The variables of one block. */
export interface VariableTable<R> {
  /** Variables with a slot in each request. */
  readonly indexed: IndexedVariable<R>[];
  /** Declared variables by lower-case name, and prefixes, longest first. */
  readonly variables: Map<string, DeclaredVariable<R>>;
  readonly prefixVariables: DeclaredVariable<R>[];
}

/**
 * Declares a variable. One that is there already and may be changed is returned as it is: give it its functions
 * afterwards. nginx: ngx_http_add_variable().
 *
 * @throws ConfError for an empty name and for one that is taken
 */
export function declareVariable<R>(
  cf: ConfContext,
  table: VariableTable<R>,
  spec: VariableSpec<R>,
): DeclaredVariable<R> {
  if (spec.name === '') throw cf.error('invalid variable name "$"');
  const name = spec.name.toLowerCase();
  const known = spec.prefix === true ? table.prefixVariables.find((v) => v.name === name) : table.variables.get(name);
  if (known !== undefined) {
    if (!known.changeable) throw cf.error(`the duplicate "${spec.name}" variable`);
    if (spec.weak !== true) known.weak = false;
    return known;
  }
  const declared: DeclaredVariable<R> = {
    name,
    get: spec.get,
    set: spec.set,
    data: spec.data,
    changeable: spec.changeable === true,
    noCacheable: spec.noCacheable === true,
    noHash: spec.noHash === true,
    weak: spec.weak === true,
    index: -1,
  };
  if (spec.prefix === true) {
    table.prefixVariables.push(declared);
    table.prefixVariables.sort((a, b) => b.name.length - a.name.length);
  } else {
    table.variables.set(name, declared);
  }
  return declared;
}

/**
 * The slot of a variable in each request, by name without `$`. Whether there is such a variable is checked when the
 * block has been read. nginx: ngx_http_get_variable_index().
 */
export function variableIndex<R>(table: VariableTable<R>, name: string): number {
  if (name === '') throw new ConfError('invalid variable name "$"');
  const key = name.toLowerCase();
  const slots = slotsOf(table);
  let index = slots.get(key);
  if (index === undefined) {
    index = table.indexed.length;
    slots.set(key, index);
    table.indexed.push({
      name: key,
      index,
      get: undefined,
      set: undefined,
      data: undefined,
      changeable: false,
      noCacheable: false,
    });
  }
  return index;
}

const slotsByName = new WeakMap<object, Map<string, number>>();

function slotsOf(table: object): Map<string, number> {
  let slots = slotsByName.get(table);
  if (slots === undefined) {
    slots = new Map();
    slotsByName.set(table, slots);
  }
  return slots;
}

function findPrefix<R>(table: VariableTable<R>, name: string): DeclaredVariable<R> | undefined {
  for (const v of table.prefixVariables) if (name.startsWith(v.name)) return v;
  return undefined;
}

/**
 * Gives the slots the functions of their variables, when all is declared. nginx: ngx_http_variables_init_vars().
 *
 * @throws ConfError when nobody declared a variable that is used
 */
export function completeVariables<R>(table: VariableTable<R>): void {
  for (const v of table.indexed) {
    const declared = table.variables.get(v.name);
    if (declared !== undefined) {
      declared.index = v.index;
      adopt(v, declared, declared.data);
      if (declared.get !== undefined && !declared.weak) continue;
    }
    const prefix = findPrefix(table, v.name);
    if (prefix !== undefined) adopt(v, prefix, v.name);
    if (v.get === undefined) throw new ConfError(`unknown "${v.name}" variable`);
  }
}

function adopt<R>(v: IndexedVariable<R>, from: DeclaredVariable<R>, data: unknown): void {
  v.get = from.get;
  v.set = from.set;
  v.data = data;
  v.changeable = from.changeable;
  v.noCacheable = from.noCacheable;
}

/** Variables may refer to each other (map, set_by_lua); this deep and no deeper. nginx: ngx_http_variable_depth. */
let depth = 100;

/** Evaluates the variable of a slot that has no value yet. nginx: ngx_http_get_indexed_variable(). */
export function evaluateIndexed<R extends VariableOwner>(table: VariableTable<R>, r: R, index: number): VariableValue {
  const v = table.indexed[index];
  if (v === undefined) {
    r.log(LOG_ALERT, `unknown variable index: ${index}`);
    return null;
  }
  if (depth === 0) {
    r.log(LOG_ERR, `cycle while evaluating variable "${v.name}"`);
    return null;
  }
  depth--;
  try {
    const value = (v.get as VariableGetter<R>)(r, v.data);
    if (!v.noCacheable) r.variables[index] = value;
    return value;
  } finally {
    depth++;
  }
}

/**
 * A variable by its name, in any case: ngx.var.NAME. null when it is not found or there is none.
 * nginx: ngx_http_get_variable().
 */
export function variableByName<R extends VariableOwner>(table: VariableTable<R>, r: R, name: string): VariableValue {
  let declared = table.variables.get(name);
  if (declared === undefined) {
    name = name.toLowerCase();
    declared = table.variables.get(name);
  }
  if (declared !== undefined && !declared.noHash) {
    if (declared.index >= 0) {
      const known = r.variables[declared.index];
      return known !== undefined ? known : evaluateIndexed(table, r, declared.index);
    }
    if (declared.get === undefined) return null;
    if (depth === 0) {
      r.log(LOG_ERR, `cycle while evaluating variable "${name}"`);
      return null;
    }
    depth--;
    try {
      return declared.get(r, declared.data);
    } finally {
      depth++;
    }
  }
  const prefix = findPrefix(table, name);
  return prefix?.get === undefined ? null : prefix.get(r, name);
}

/**
 * Sets a variable by its name, in any case: `ngx.var.NAME = value`; null makes it not found.
 *
 * @returns ngx_lua's message when that cannot be done
 */
export function assignByName<R extends VariableOwner>(
  table: VariableTable<R>,
  r: R,
  name: string,
  value: VariableValue,
): string | undefined {
  const declared = table.variables.get(name) ?? table.variables.get(name.toLowerCase());
  if (declared === undefined || declared.noHash) {
    return (
      `variable "${name}" not found for writing; maybe it is a built-in variable that is not changeable ` +
      `or you forgot to use "set $${name} '';" in the config file to define it first`
    );
  }
  if (!declared.changeable) return `variable "${name}" not changeable`;
  if (declared.set !== undefined) {
    declared.set(r, value ?? '', declared.data);
    return undefined;
  }
  if (declared.index < 0) return `variable "${name}" cannot be assigned a value`;
  r.variables[declared.index] = value;
  return undefined;
}
