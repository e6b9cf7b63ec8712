/** Variables of stream: see src/conf/variables.ts. nginx: src/stream/ngx_stream_variables.c. */
import type { ConfContext } from '../conf/directive.ts';
import * as shared from '../conf/variables.ts';
import { streamOf } from './cycle.ts';
import type { StreamSession } from './session.ts';

/** Declares a variable. @throws ConfError for an empty name and for one that is taken */
export function addVariable(
  cf: ConfContext,
  spec: shared.VariableSpec<StreamSession>,
): shared.DeclaredVariable<StreamSession> {
  return shared.declareVariable(cf, streamOf(cf), spec);
}

/** The slot of a variable in each session, by name without `$`. */
export function getVariableIndex(cf: ConfContext, name: string): number {
  return shared.variableIndex(streamOf(cf), name);
}

/** The value in a slot, evaluated when it has to be. */
export function getIndexed(s: StreamSession, index: number): shared.VariableValue {
  const known = s.variables[index];
  return known !== undefined ? known : shared.evaluateIndexed(s.stream, s, index);
}

/** A variable by its name, in any case: ngx.var.NAME. null when it is not found or there is none. */
export function getByName(s: StreamSession, name: string): shared.VariableValue {
  return shared.variableByName(s.stream, s, name);
}

/**
 * Sets a variable by its name, in any case: `ngx.var.NAME = value`; null makes it not found.
 *
 * @returns ngx_lua's message when that cannot be done
 */
export function setByName(s: StreamSession, name: string, value: shared.VariableValue): string | undefined {
  return shared.assignByName(s.stream, s, name, value);
}
