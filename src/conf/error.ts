/**
 * Errors of the configuration, worded and placed as nginx prints them (ngx_conf_log_error in
 * src/core/ngx_conf_file.c): `nginx: [emerg] MESSAGE in FILE:LINE`.
 */
import type { Position } from './directive.ts';

/** Levels that a configuration message may have. */
export type ConfLogLevel = 'emerg' | 'alert' | 'crit' | 'error' | 'warn' | 'notice' | 'info';

/** nginx cuts a configuration message after this many bytes, before the position is added. */
const MAX_MESSAGE = 1024;

/** The `file` of positions in the text of -g. */
export const COMMAND_LINE = 'command line';

/** Adds ` in FILE:LINE`, or ` in command line` for -g. */
export function withPosition(message: string, position: Position | undefined): string {
  const text = message.length > MAX_MESSAGE ? message.slice(0, MAX_MESSAGE) : message;
  if (position === undefined) return text;
  return position.file === COMMAND_LINE ? `${text} in ${COMMAND_LINE}` : `${text} in ${position.file}:${position.line}`;
}

/**
 * The configuration cannot be used. `message` is complete, with its position; print it as
 * `nginx: [LEVEL] MESSAGE`. All strings are latin1 byte strings.
 */
export class ConfError extends Error {
  /** The message alone. */
  readonly text: string;
  readonly position: Position | undefined;
  readonly level: ConfLogLevel;

  constructor(text: string, position?: Position, level: ConfLogLevel = 'emerg') {
    super(withPosition(text, position));
    this.name = 'ConfError';
    this.text = text;
    this.position = position === undefined ? undefined : { file: position.file, line: position.line };
    this.level = level;
  }
}
