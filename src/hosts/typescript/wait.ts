/** Between the API's operations, which give a result or a suspension, and promises. */

import type { Suspension } from '../../api/suspension.ts';
import { updateTime } from '../../api/time.ts';

/** Runs API code on behalf of the request. */
export type Run = <T>(fn: () => T) => T;

/** What waits: nothing else that the API gives has a `start`. */
export function isSuspension<T>(result: T | Suspension<T>): result is Suspension<T> {
  return typeof result === 'object' && result !== null && typeof (result as Suspension<T>).start === 'function';
}

/** The operation's result, when it is there. When the request ends before, the promise never does. */
export async function settled<T>(run: Run, operation: () => T | Suspension<T>): Promise<T> {
  const result = run(operation);
  if (!isSuspension(result)) return result;
  return new Promise((resolve) => {
    result.start((value) => {
      updateTime();
      resolve(value);
    });
  });
}
