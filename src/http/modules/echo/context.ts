/**
 * What a location's echo commands are, and how far a request has come with them. The module object is made here, without
 * its functions (module.ts), since nearly every file of this folder needs it.
 */
import type { Timer } from '../../../net/timer.ts';
import { httpModule } from '../../module.ts';
import type { HttpRequest } from '../../request.ts';
import type { ComplexValue } from '../../script.ts';

/**
 * Runs one command.
 * @returns OK to go on with the next one, AGAIN when the command goes on later, DONE when the request has left the
 *   location, FINISHED when the response ends here, ERROR, or a status
 */
export type EchoRun = (r: HttpRequest, ctx: EchoContext, command: EchoCommand) => number;

/** The response is complete without the commands that follow. */
export const FINISHED = 1;

/** One directive of a location, in the order of the configuration. */
export interface EchoCommand {
  readonly name: string;
  readonly run: EchoRun;
  /** Leading words that begin with a dash, without it; a word `--` ends them. */
  readonly options: readonly string[];
  readonly args: readonly ComplexValue[];
  /** The arguments when none of them has variables. */
  readonly literals: readonly string[] | undefined;
}

export interface EchoLocation {
  /** Run by the content handler. */
  commands: EchoCommand[] | undefined;
  /** echo_before_body and echo_after_body. */
  before: EchoCommand[] | undefined;
  after: EchoCommand[] | undefined;
  /** A command of the location writes something itself. */
  seenOutput: boolean;
  /** echo_status. */
  status: number;
}

export interface EchoMain {
  filterUsed: boolean;
}

/** Repetition of the commands up to echo_end. */
export interface Foreach {
  readonly choices: readonly string[];
  next: number;
  /** Index of the echo_foreach_split command. */
  readonly start: number;
}

export class EchoContext {
  /** Index of the command that runs, or runs next. */
  next = 0;
  foreach: Foreach | undefined = undefined;
  /** Milliseconds since 1970 of echo_reset_timer; 0: the request's start. */
  timerBegin = 0;
  sleep: Timer | undefined = undefined;
  /** $echo_incr. */
  counter = 0;
  headerSent = false;
  beforeSent = false;
  /** The body filter has nothing more to add. */
  skipFilter = false;
  /** A command goes on later, and has done so. */
  waiting = false;
  done = false;
  waitBody = false;
  /** The request body was asked for. */
  bodyRead = false;
  /** The subrequest's end was told to its parent. */
  ended = false;
}

export const echoModule = httpModule<EchoMain, object, EchoLocation, EchoContext>({ name: 'ngx_http_echo_module' });

/** The values of a command's arguments. */
export function evaluateArguments(r: HttpRequest, command: EchoCommand): readonly string[] {
  if (command.literals !== undefined) return command.literals;
  const values: string[] = [];
  for (const arg of command.args) values.push(arg.evaluate(r));
  return values;
}
