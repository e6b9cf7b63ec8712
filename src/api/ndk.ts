/**
 * ndk.set_var: directives that compute a variable's value (set_unescape_uri, set_quote_sql_str, ...) as functions.
 * Modules that declare such directives say here how they are found.
 */
import type { HttpRequest } from '../http/request.ts';
import { type ApiContext, requireContext } from './context.ts';
import { apiError } from './error.ts';

/** Computes a value; undefined when that fails. */
export type SetVarFunction = (r: HttpRequest, value: string) => string | undefined;

const lookups: ((directive: string) => SetVarFunction | undefined)[] = [];

/** Adds directives that take one value and give one. */
export function addSetVarLookup(find: (directive: string) => SetVarFunction | undefined): void {
  lookups.push(find);
}

/** The request, or, in timers and worker hooks, what of one such functions look at: its configuration and its log. */
function requestOf(ctx: ApiContext): HttpRequest {
  if (ctx.r !== undefined) return ctx.r;
  const { locConf, block: http } = ctx;
  const { confs } = http ?? apiError('no request found');
  const stand = { http, locConf, srvConf: confs.server, mainConf: confs.main, log: ctx.log.bind(ctx) };
  return stand as unknown as HttpRequest;
}

/** The function of a directive, called with the current request. @throws ApiError when there is none */
export function setVarFunction(directive: string): (value: string) => string {
  for (const find of lookups) {
    const fn = find(directive);
    if (fn === undefined) continue;
    return (value) => {
      return fn(requestOf(requireContext()), value) ?? apiError(`calling directive ${directive} failed with code -1`);
    };
  }
  return apiError(`ndk.set_var: directive "${directive}" not found or does not use ndk_set_var_value`);
}
