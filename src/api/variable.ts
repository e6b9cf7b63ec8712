/** ngx.var: variables by name. ngx_lua: ngx_http_lua_variable.c. */

import type { HttpRequest } from '../http/request.ts';
import { getByName, setByName } from '../http/variables.ts';
import { requireContext } from './context.ts';
import { apiError } from './error.ts';

function request(): HttpRequest {
  return requireContext().r ?? apiError('API disabled in the current context');
}

/** A variable's value, undefined when it has none; a number is a capture of the last regex match. */
export function getVariable(name: string | number): string | undefined {
  const r = request();
  if (typeof name === 'number') return name > 0 ? r.captures?.[name] : undefined;
  return getByName(r, name) ?? undefined;
}

/** Sets a variable; undefined makes it "not found". @throws ApiError when it cannot be set */
export function setVariable(name: string, value: string | undefined): void {
  const failure = setByName(request(), name, value ?? null);
  if (failure !== undefined) apiError(failure);
}
