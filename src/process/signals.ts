/** Signals by name, with the words that nginx has for them (src/os/unix/ngx_process.c). */
import { constants } from 'node:os';
import { LOG_NOTICE, type Log } from '../log/log.ts';

/** What `-s` sends. */
export const SIGNAL_COMMANDS: Readonly<Record<string, NodeJS.Signals>> = {
  stop: 'SIGTERM',
  quit: 'SIGQUIT',
  reopen: 'SIGUSR1',
  reload: 'SIGHUP',
};

/** What a signal makes a master, or a single process, do. */
export const MASTER_ACTIONS: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGQUIT: ', shutting down',
  SIGTERM: ', exiting',
  SIGINT: ', exiting',
  SIGWINCH: ', stop accepting connections',
  SIGHUP: ', reconfiguring',
  SIGUSR1: ', reopening logs',
  SIGUSR2: ', changing binary',
};

/** And a worker. */
export const WORKER_ACTIONS: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGQUIT: ', shutting down',
  SIGWINCH: ', shutting down',
  SIGTERM: ', exiting',
  SIGINT: ', exiting',
  SIGUSR1: ', reopening logs',
  SIGHUP: ', ignoring',
  SIGUSR2: ', ignoring',
};

/** The signal's number on this system. */
export function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal];
}

/** Signals that mean nothing to the server and must not end it, as they would by default: they are only logged. */
export function surviveOtherSignals(log: () => Log): void {
  for (const signal of ['SIGALRM', 'SIGIO'] as const) process.on(signal, () => logSignal(log(), signal, ''));
}

/** `signal 1 (SIGHUP) received, reconfiguring`. Node does not tell who sent it. */
export function logSignal(log: Log, signal: NodeJS.Signals, action: string): void {
  log.write(LOG_NOTICE, `signal ${signalNumber(signal)} (${signal}) received${action}`);
}
