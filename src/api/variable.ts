/** ngx.var: variables by name, of the request or of the stream session. ngx_lua: ngx_http_lua_variable.c. */

import { getByName, setByName } from '../http/variables.ts';
import * as stream from '../stream/variables.ts';
import { requireContext } from './context.ts';
import { apiError } from './error.ts';

/** A variable's value, undefined when it has none; a number is a capture of the last regex match. */
export function getVariable(name: string | number): string | undefined {
  const { r, session } = requireContext();
  if (r === undefined) {
    if (session === undefined) return noRequest();
    if (typeof name === 'number') return name > 0 ? session.captures?.[name] : undefined;
    return stream.getByName(session, name) ?? undefined;
  }
  if (typeof name === 'number') return name > 0 ? r.captures?.[name] : undefined;
  return getByName(r, name) ?? undefined;
}

/** Sets a variable; undefined makes it "not found". @throws ApiError when it cannot be set */
export function setVariable(name: string, value: string | undefined): void {
  const { r, session } = requireContext();
  let failure: string | undefined;
  if (r !== undefined) failure = setByName(r, name, value ?? null);
  else if (session !== undefined) failure = stream.setByName(session, name, value ?? null);
  else noRequest();
  if (failure !== undefined) apiError(failure);
}

function noRequest(): never {
  return apiError('API disabled in the current context');
}
