/**
 * ndk.set_var: directives that compute a variable's value (set_unescape_uri, set_quote_sql_str, ...) as functions.
 * Modules that declare such directives say here how they are found.
 */
import type { HttpRequest } from '../http/request.ts';
import { requireContext } from './context.ts';
import { apiError } from './error.ts';

/** Computes a value; undefined when that fails. */
export type SetVarFunction = (r: HttpRequest, value: string) => string | undefined;

const lookups: ((directive: string) => SetVarFunction | undefined)[] = [];

/** Adds directives that take one value and give one. */
export function addSetVarLookup(find: (directive: string) => SetVarFunction | undefined): void {
  lookups.push(find);
}

/** The function of a directive, called with the current request. @throws ApiError when there is none */
export function setVarFunction(directive: string): (value: string) => string {
  for (const find of lookups) {
    const fn = find(directive);
    if (fn === undefined) continue;
    return (value) => {
      const r = requireContext().r ?? apiError('no request found');
      return fn(r, value) ?? apiError(`calling directive ${directive} failed with code -1`);
    };
  }
  return apiError(`ndk.set_var: directive "${directive}" not found or does not use ndk_set_var_value`);
}
