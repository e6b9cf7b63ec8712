/** Variables of http: see src/conf/variables.ts. nginx: src/http/ngx_http_variables.c. */
import type { ConfContext } from '../conf/directive.ts';
import type { VariableValue } from '../conf/variables.ts';
import * as shared from '../conf/variables.ts';
import { type HttpCycle, httpOf } from './cycle.ts';
import type { HttpRequest } from './request.ts';

export type { VariableValue };

/** How a variable is computed. `data` is what the declaration carried (for prefixes: the full name asked for). */
export type VariableGetter = shared.VariableGetter<HttpRequest>;
export type VariableSetter = shared.VariableSetter<HttpRequest>;
/** One declared variable. */
export type VariableSpec = shared.VariableSpec<HttpRequest>;
/** A declaration as the http block keeps it. Who declared it may still give it its functions. */
export type DeclaredVariable = shared.DeclaredVariable<HttpRequest>;
/** A variable with a slot in each request. */
export type IndexedVariable = shared.IndexedVariable<HttpRequest>;

/**
 * Declares a variable. One that is there already and may be changed is returned as it is: give it its functions
 * afterwards. nginx: ngx_http_add_variable().
 *
 * @throws ConfError for an empty name and for one that is taken
 */
export function addVariable(cf: ConfContext, spec: VariableSpec): DeclaredVariable {
  return shared.declareVariable(cf, httpOf(cf), spec);
}

/**
 * The slot of a variable in each request, by name without `$`. Whether there is such a variable is checked when the
 * http block has been read. nginx: ngx_http_get_variable_index().
 */
export function getVariableIndex(http: HttpCycle, name: string): number {
  return shared.variableIndex(http, name);
}

/**
 * Gives the slots the functions of their variables, when all is declared. nginx: ngx_http_variables_init_vars().
 *
 * @throws ConfError when nobody declared a variable that is used
 */
export function initVariables(http: HttpCycle): void {
  shared.completeVariables(http);
}

/** The value in a slot, evaluated when it has to be. nginx: ngx_http_get_indexed_variable(). */
export function getIndexed(r: HttpRequest, index: number): VariableValue {
  const known = r.variables[index];
  return known !== undefined ? known : shared.evaluateIndexed(r.http, r, index);
}

/** As getIndexed, but never a stale value. Here both are the same. nginx: ngx_http_get_flushed_variable(). */
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
  return shared.variableByName(r.http, r, name);
}

/**
 * Sets a variable by its name, in any case: `ngx.var.NAME = value`; null makes it not found.
 *
 * @returns ngx_lua's message when that cannot be done
 */
export function setByName(r: HttpRequest, name: string, value: VariableValue): string | undefined {
  return shared.assignByName(r.http, r, name, value);
}
