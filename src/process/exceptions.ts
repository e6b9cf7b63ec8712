/**
 * An exception that nobody has caught: a mistake in a module or in user code. The process logs it and goes on, as an
 * nginx worker would not survive it but a request of another client must not pay for it.
 */
import { LOG_ALERT, type Log } from '../log/log.ts';
import { failureText } from './failure.ts';

/** @param log gives the current error log */
export function catchUncaught(log: () => Log): void {
  process.on('uncaughtException', (thrown) => log().write(LOG_ALERT, `uncaught exception: ${withStack(thrown)}`));
  process.on('unhandledRejection', (thrown) => log().write(LOG_ALERT, `unhandled rejection: ${withStack(thrown)}`));
}

function withStack(thrown: unknown): string {
  return failureText(thrown instanceof Error ? (thrown.stack ?? thrown.message) : thrown);
}
