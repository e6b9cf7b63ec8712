/** How a start fails: with a message of nginx's at a level, or with an error of our own, which shows its stack. */
import { ConfError } from '../conf/error.ts';
import { LOG_EMERG, type Log, logLevelNumber } from '../log/log.ts';

/** The start cannot go on. `message` is what nginx would log. */
export class StartError extends Error {
  readonly level: number;
  constructor(message: string, level: number = LOG_EMERG) {
    super(message);
    this.name = 'StartError';
    this.level = level;
  }
}

/** Names of errors that mean a mistake in our own code: for those the place matters more than the words. */
const MISTAKES = new Set(['TypeError', 'ReferenceError', 'RangeError', 'SyntaxError', 'AssertionError']);

/** Text for an error log: the message of an expected failure, the stack of an unexpected one; a latin1 byte string. */
export function failureText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const text = MISTAKES.has(thrown.name) ? (thrown.stack ?? thrown.message) : thrown.message;
  return toBytes(text);
}

/** Logs why a start or reload failed. */
export function logFailure(log: Log, thrown: unknown): void {
  const level =
    thrown instanceof StartError
      ? thrown.level
      : thrown instanceof ConfError
        ? (logLevelNumber(thrown.level) ?? LOG_EMERG)
        : LOG_EMERG;
  log.write(level, failureText(thrown));
}

/** Characters beyond latin1, which only texts of Node's can have, become UTF-8 bytes. */
function toBytes(text: string): string {
  return /[^\0-\xff]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}
