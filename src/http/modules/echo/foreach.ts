/** echo_foreach_split and echo_end: the commands between them run once for each part of a string. */
import { LOG_ERR } from '../../../log/log.ts';
import { ERROR, HTTP_INTERNAL_SERVER_ERROR, OK } from '../../codes.ts';
import type { HttpRequest } from '../../request.ts';
import type { VariableValue } from '../../variables.ts';
import { type EchoCommand, type EchoRun, echoModule, evaluateArguments } from './context.ts';

/** $echo_it. */
export function foreachItem(r: HttpRequest): VariableValue {
  const foreach = echoModule.context(r)?.foreach;
  return foreach?.choices[foreach.next] ?? null;
}

export const runForeachSplit: EchoRun = (r, ctx, command) => {
  if (ctx.foreach !== undefined) {
    r.log(LOG_ERR, 'Nested echo_foreach not supported yet.');
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  const [delimiter, compound] = evaluateArguments(r, command);
  if (delimiter === undefined || compound === undefined) {
    r.log(
      LOG_ERR,
      'echo_foreach should take at least two arguments. ' +
        '(if your delimiter starts with "-", preceding it with a "--".)',
    );
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  const parts = delimiter === '' ? [compound] : compound.split(delimiter);
  const choices = parts.filter((part) => part !== '');
  ctx.foreach = { choices, next: 0, start: ctx.next };
  if (choices.length === 0) {
    // Over the commands, up to echo_end, which ends the repetition.
    const commands = echoModule.location(r).commands as EchoCommand[];
    const end = commands.findIndex((one, i) => i > ctx.next && one.run === runEnd);
    ctx.next = (end < 0 ? commands.length : end) - 1;
  }
  return OK;
};

export const runEnd: EchoRun = (r, ctx) => {
  const { foreach } = ctx;
  if (foreach === undefined) {
    r.log(LOG_ERR, 'Found a echo_end that has no corresponding echo_foreach before it.');
    return ERROR;
  }
  foreach.next++;
  // The handler steps behind the command that `next` is at.
  if (foreach.next < foreach.choices.length) ctx.next = foreach.start;
  else ctx.foreach = undefined;
  return OK;
};
