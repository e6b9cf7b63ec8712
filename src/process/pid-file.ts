/**
 * The pid file: how `-s` finds the master. nginx: ngx_create_pidfile, ngx_delete_pidfile, ngx_signal_process
 * (src/core/ngx_cycle.c).
 */
import { closeSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { errnoSuffix } from '../log/errno.ts';
import { LOG_ALERT, type Log } from '../log/log.ts';
import { StartError } from './failure.ts';

/** Writes this process's id. Throws StartError. */
export function writePidFile(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 });
  } catch (e) {
    throw new StartError(`open() "${path}" failed${errnoSuffix(e)}`);
  }
}

/** -t: whether it could be written; an existing file is not touched. Throws StartError. */
export function testPidFile(path: string): void {
  try {
    closeSync(openSync(path, 'a+', 0o644));
  } catch (e) {
    throw new StartError(`open() "${path}" failed${errnoSuffix(e)}`);
  }
}

/** On reload: moves to the new configuration's file when it is another one. Throws StartError. */
export function changePidFile(path: string, old: string, log: Log): void {
  if (path === old) return;
  writePidFile(path);
  deletePidFile(old, log);
}

export function deletePidFile(path: string, log: Log): void {
  try {
    unlinkSync(path);
  } catch (e) {
    log.write(LOG_ALERT, `unlink() "${path}" failed${errnoSuffix(e)}`);
  }
}

/**
 * The process id in a pid file.
 *
 * @throws StartError with nginx's message, at the caller's level
 */
export function readPidFile(path: string): number {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (e) {
    throw new StartError(`open() "${path}" failed${errnoSuffix(e)}`);
  }
  // No more than an id can have is read, as in nginx.
  const digits = text.slice(0, 22).replace(/[\r\n]+$/, '');
  if (!/^[0-9]+$/.test(digits)) throw new StartError(`invalid PID number "${digits}" in "${path}"`);
  return Number(digits);
}
