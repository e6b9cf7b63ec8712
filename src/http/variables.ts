/**
 * Variables: declared by modules or by the configuration (`set`, `map`, ...), evaluated on demand and cached in the
 * request. nginx: src/http/ngx_http_variables.c.
 *
 * A value is a byte string, or null for "not found" (which prints as an empty string, but which Lua sees as nil and
 * access logs as `-`).
 */
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
  /** Not visible to by-name lookups (ngx.var) unless indexed. */
  readonly noHash?: boolean;
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
