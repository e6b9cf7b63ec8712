/**
 * Changing the binary without closing a socket (USR2): the master starts the program that is installed now, hands its
 * listening sockets over, and both serve until the administrator stops one of them.
 *
 * nginx: ngx_exec_new_binary, ngx_add_inherited_sockets (src/core/nginx.c).
 */
import { spawn } from 'node:child_process';
import { renameSync } from 'node:fs';
import { coreConf } from '../conf/modules/core.ts';
import { errnoSuffix } from '../log/errno.ts';
import { LOG_ALERT, LOG_NOTICE, LOG_WARN, type Log } from '../log/log.ts';
import { ownCommand, ROLE_VARIABLE } from './daemon.ts';
import { keyOf, ListeningSockets } from './listening.ts';
import type { OpenedCycle } from './open-cycle.ts';
import type { Loader } from './start.ts';

/** nginx's variable: the descriptors, each followed by a semicolon. */
const SOCKETS_VARIABLE = 'NGINX';
/** Ours beside it: the addresses of the same descriptors, as JSON. */
const KEYS_VARIABLE = 'TSRESTY_SOCKETS';
const FIRST_FD = 3;

/** The process that started this one, when it was started. */
const originalParent = process.ppid;

/** The new program's process, as its old master sees it. */
export class NewBinary {
  readonly #loader: Loader;
  readonly #exited: (then: 'restart' | 'stay') => void;
  /** While it runs. */
  pid: number | undefined;

  constructor(loader: Loader, exited: (then: 'restart' | 'stay') => void) {
    this.#loader = loader;
    this.#exited = exited;
  }

  /** Whether this process was itself started that way and its old master still runs. */
  parentLives(): boolean {
    return this.#loader.state.kind === 'upgrade' && process.ppid === originalParent;
  }

  /** Neither an old master with a running successor nor a successor beside its old master may change the binary. */
  refuses(): boolean {
    return this.pid !== undefined || this.parentLives();
  }

  start(opened: OpenedCycle): void {
    const { log, cycle } = opened;
    const conf = coreConf(cycle);
    const fds: number[] = [];
    const keys: string[] = [];
    for (const { listening, sockets } of opened.sockets) {
      for (const { fd } of sockets) {
        fds.push(fd);
        keys.push(keyOf(listening));
      }
    }
    try {
      renameSync(conf.pid, conf.oldPid);
    } catch (e) {
      log.write(
        LOG_ALERT,
        `rename() ${conf.pid} to ${conf.oldPid} failed before executing new binary process ` +
          `"${this.#loader.program.entry}"${errnoSuffix(e)}`,
      );
      return;
    }
    const child = spawn(process.execPath, [...ownCommand(this.#loader.program.entry), ...this.#loader.state.args], {
      argv0: 'nginx: master process',
      env: {
        ...process.env,
        [ROLE_VARIABLE]: 'upgrade',
        [SOCKETS_VARIABLE]: fds.map((_, i) => `${FIRST_FD + i};`).join(''),
        [KEYS_VARIABLE]: JSON.stringify(keys),
      },
      stdio: ['ignore', 'inherit', 'inherit', ...fds],
    });
    child.once('error', (e) => {
      log.write(LOG_ALERT, `execve() failed while executing new binary process "${process.execPath}"${errnoSuffix(e)}`);
      this.#restorePidFile(opened);
    });
    if (child.pid === undefined) return;
    this.pid = child.pid;
    log.write(LOG_NOTICE, `start new binary process ${child.pid}`);
    child.once('exit', (code, signal) => {
      if (signal === null) log.write(LOG_NOTICE, `new binary process ${child.pid} exited with code ${code}`);
      else log.write(LOG_ALERT, `new binary process ${child.pid} exited on signal ${signal}`);
      this.pid = undefined;
      this.#restorePidFile(opened);
      this.#exited('restart');
    });
  }

  #restorePidFile({ log, cycle }: OpenedCycle): void {
    const conf = coreConf(cycle);
    try {
      renameSync(conf.oldPid, conf.pid);
    } catch (e) {
      log.write(
        LOG_ALERT,
        `rename() ${conf.oldPid} back to ${conf.pid} failed after the new binary process ` +
          `"${this.#loader.program.entry}" exited${errnoSuffix(e)}`,
      );
    }
  }
}

/** The listening sockets that an old master has handed to this process; the variables are taken out. */
export function inheritedSockets(log: Log): ListeningSockets | undefined {
  const text = process.env[SOCKETS_VARIABLE];
  const keys = process.env[KEYS_VARIABLE];
  delete process.env[SOCKETS_VARIABLE];
  delete process.env[KEYS_VARIABLE];
  if (text === undefined) return undefined;
  log.write(LOG_NOTICE, `using inherited sockets from "${text}"`);
  if (keys === undefined) {
    log.write(LOG_WARN, "the inherited sockets are not tsresty's, ignored");
    return undefined;
  }
  const fds = text.split(';').slice(0, -1).map(Number);
  return ListeningSockets.inherited((JSON.parse(keys) as string[]).map((key, i) => ({ key, fd: fds[i]! })));
}
