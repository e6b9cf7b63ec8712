/**
 * Variables: declared by modules or by the configuration (`set`, `map`, ...), evaluated on demand and cached in the
 * request. nginx: src/http/ngx_http_variables.c.
 *
 * A value is a byte string, or null for "not found" (which prints as an empty string, but which Lua sees as nil and
 * access logs as `-`).
 *
 * `r.variables` holds what was evaluated or set. A variable that must not be cached is stored there only when it was
 * set explicitly (`set`, a named capture, ngx.var): such a value stays, as nginx's values without `no_cacheable` do.
 */
import type { ConfContext } from '../conf/directive.ts';
import { ConfError } from '../conf/error.ts';
import { LOG_ALERT, LOG_ERR } from '../log/log.ts';
import { type HttpCycle, httpOf } from './cycle.ts';
import type { HttpRequest } from './request.ts';

export type VariableValue = string | null;

/** How a variable is computed. `data` is what the declaration carried (for prefixes: the full name asked for). */
export type VariableGetter = (r: HttpRequest, data: unknown) => VariableValue;
export type VariableSetter = (r: HttpRequest, value: string, data: unknown) => void;

/** One declared variable. */
export interface VariableSpec {
  /** Without `$`; for a prefix variable the prefix with its underscore (`http_`, `arg_`). */
  readonly name: string;
  readonly prefix?: boolean;
  readonly get?: VariableGetter;
  readonly set?: VariableSetter;
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

/** A declaration as the http block keeps it. Who declared it may still give it its functions. */
export interface DeclaredVariable {
  readonly name: string;
  get: VariableGetter | undefined;
  set: VariableSetter | undefined;
  data: unknown;
  readonly changeable: boolean;
  noCacheable: boolean;
  readonly noHash: boolean;
  weak: boolean;
  /** Slot in the request, or -1. */
  index: number;
}

/** A variable with a slot in each request. */
export interface IndexedVariable {
  readonly name: string;
  readonly index: number;
  get: VariableGetter | undefined;
  set: VariableSetter | undefined;
  data: unknown;
  changeable: boolean;
  noCacheable: boolean;
}

/**
 * Declares a variable. One that is there already and may be changed is returned as it is: give it its functions
 * afterwards. nginx: ngx_http_add_variable().
 *
 * @throws ConfError for an empty name and for one that is taken
 */
export function addVariable(cf: ConfContext, spec: VariableSpec): DeclaredVariable {
  if (spec.name === '') throw cf.error('invalid variable name "$"');
  const http = httpOf(cf);
  const name = spec.name.toLowerCase();
  const known = spec.prefix === true ? http.prefixVariables.find((v) => v.name === name) : http.variables.get(name);
  if (known !== undefined) {
    if (!known.changeable) throw cf.error(`the duplicate "${spec.name}" variable`);
    if (spec.weak !== true) known.weak = false;
    return known;
  }
  const declared: DeclaredVariable = {
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
    http.prefixVariables.push(declared);
    http.prefixVariables.sort((a, b) => b.name.length - a.name.length);
  } else {
    http.variables.set(name, declared);
  }
  return declared;
}

/**
 * The slot of a variable in each request, by name without `$`. Whether there is such a variable is checked when the
 * http block has been read. nginx: ngx_http_get_variable_index().
 */
export function getVariableIndex(http: HttpCycle, name: string): number {
  if (name === '') throw new ConfError('invalid variable name "$"');
  const key = name.toLowerCase();
  const slots = slotsOf(http);
  let index = slots.get(key);
  if (index === undefined) {
    index = http.indexed.length;
    slots.set(key, index);
    http.indexed.push({
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

const slotsByName = new WeakMap<HttpCycle, Map<string, number>>();

function slotsOf(http: HttpCycle): Map<string, number> {
  let slots = slotsByName.get(http);
  if (slots === undefined) {
    slots = new Map();
    slotsByName.set(http, slots);
  }
  return slots;
}

function findPrefix(http: HttpCycle, name: string): DeclaredVariable | undefined {
  for (const v of http.prefixVariables) if (name.startsWith(v.name)) return v;
  return undefined;
}

/**
 * Gives the slots the functions of their variables, when all is declared. nginx: ngx_http_variables_init_vars().
 *
 * @throws ConfError when nobody declared a variable that is used
 */
export function initVariables(http: HttpCycle): void {
  for (const v of http.indexed) {
    const declared = http.variables.get(v.name);
    if (declared !== undefined) {
      declared.index = v.index;
      adopt(v, declared, declared.data);
      if (declared.get !== undefined && !declared.weak) continue;
    }
    const prefix = findPrefix(http, v.name);
    if (prefix !== undefined) adopt(v, prefix, v.name);
    if (v.get === undefined) throw new ConfError(`unknown "${v.name}" variable`);
  }
}

function adopt(v: IndexedVariable, from: DeclaredVariable, data: unknown): void {
  v.get = from.get;
  v.set = from.set;
  v.data = data;
  v.changeable = from.changeable;
  v.noCacheable = from.noCacheable;
}

/** Variables may refer to each other (map, set_by_lua); this deep and no deeper. nginx: ngx_http_variable_depth. */
let depth = 100;

/** The value in a slot, evaluated when it has to be. nginx: ngx_http_get_indexed_variable(). */
export function getIndexed(r: HttpRequest, index: number): VariableValue {
  const known = r.variables[index];
  if (known !== undefined) return known;
  const v = r.http.indexed[index];
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
    const value = (v.get as VariableGetter)(r, v.data);
    if (!v.noCacheable) r.variables[index] = value;
    return value;
  } finally {
    depth++;
  }
}

/** As getIndexed, but never a stale value. Here both are the same, see above. nginx: ngx_http_get_flushed_variable(). */
export const getFlushed = getIndexed;

/** Stores a value in a slot: `set`, named captures. */
export function setIndexed(r: HttpRequest, index: number, value: VariableValue): void {
  r.variables[index] = value;
}

/**
 * A variable by its name, in any case: ngx.var.NAME. null when it is not found or there is none.
 * nginx: ngx_http_get_variable().
 */
export function getByName(r: HttpRequest, name: string): VariableValue {
  const http = r.http;
  let declared = http.variables.get(name);
  if (declared === undefined) {
    name = name.toLowerCase();
    declared = http.variables.get(name);
  }
  if (declared !== undefined && !declared.noHash) {
    if (declared.index >= 0) return getIndexed(r, declared.index);
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
  const prefix = findPrefix(http, name);
  return prefix?.get === undefined ? null : prefix.get(r, name);
}

/**
 * Sets a variable by its name, in any case: `ngx.var.NAME = value`; null makes it not found.
 *
 * @returns ngx_lua's message when that cannot be done
 */
export function setByName(r: HttpRequest, name: string, value: VariableValue): string | undefined {
  const declared = r.http.variables.get(name) ?? r.http.variables.get(name.toLowerCase());
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
