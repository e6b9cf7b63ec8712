import type { Log } from '../log/log.ts';
import type { Listening } from '../net/listening.ts';
import type { BindFailure, OpenSocket } from './bind.ts';

export function bindDescriptor(_listening: Listening, _log: Log): OpenSocket | BindFailure {
  throw new Error('not yet');
}
export function configureDescriptor(_fd: number, _listening: Listening, _log: Log, _before: Listening): void {}
