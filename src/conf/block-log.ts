/** `error_log` inside http and stream: logs of blocks, whose files the process layer opens with the others. */

import { ErrorLog } from '../log/error-log.ts';
import type { Log, LogScope } from '../log/log.ts';
import { makeErrorLog } from '../log/open-logs.ts';
import type { Cycle } from './cycle.ts';
import type { ConfContext } from './directive.ts';
import type { ErrorLogTarget } from './modules/errlog.ts';
import { cycleOf } from './resources.ts';

/**
 * Adds a target to a block's log, which is made for its first one.
 *
 * @throws ConfError for targets that cannot be written to
 */
export function addErrorLogTarget(cf: ConfContext, log: Log | undefined, target: ErrorLogTarget): Log {
  const errorLog = log instanceof ErrorLog ? log : new ErrorLog();
  for (const made of makeErrorLog([target], cycleOf(cf).openFiles).targets) errorLog.add(made);
  return errorLog;
}

/** The cycle's log, whichever that is when something is written: the process layer opens it after the reading. */
export class CycleLog implements Log {
  readonly #cycle: Cycle;

  constructor(cycle: Cycle) {
    this.#cycle = cycle;
  }

  get level(): number {
    return this.#cycle.log.level;
  }

  write(level: number, message: string, scope?: LogScope): void {
    this.#cycle.log.write(level, message, scope);
  }
}
