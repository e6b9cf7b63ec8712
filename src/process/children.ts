/**
 * The worker processes of a master: starting them, telling them things, noticing that they end. What to do when one
 * ends is the master's decision.
 *
 * nginx: ngx_spawn_process, ngx_process_get_status (src/os/unix/ngx_process.c), ngx_signal_worker_processes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import { coreConf } from '../conf/modules/core.ts';
import { errnoSuffix } from '../log/errno.ts';
import { LOG_ALERT, LOG_NOTICE, type Log } from '../log/log.ts';
import {
  CHANNEL_FD,
  COMMAND_QUIT,
  COMMAND_REOPEN,
  COMMAND_TERMINATE,
  encodeStart,
  type StartMessage,
  WORKER_READY,
} from './channel.ts';
import { ownCommand, ROLE_VARIABLE } from './daemon.ts';
import { workerEnvironment } from './environment.ts';
import { FATAL_EXIT } from './exit-codes.ts';
import { keyOf } from './listening.ts';
import type { OpenedCycle } from './open-cycle.ts';
import { signalNumber } from './signals.ts';
import type { Loader } from './start.ts';

/** The id of the privileged agent. */
export const AGENT_ID = -1;

/** One worker process. */
export interface Child {
  readonly pid: number;
  /** Worker number, from 0; -1 for the privileged agent. */
  readonly id: number;
  /** What messages call it. */
  readonly name: string;
  readonly process: ChildProcess;
  /** Milliseconds of performance.now(). */
  readonly startedAt: number;
  /** Starts anew when it ends unasked. */
  respawn: boolean;
  /** The configuration that it was started with. */
  readonly opened: OpenedCycle;
  /** Was told to leave. */
  exiting: boolean;
  /** Accepts connections. */
  ready: boolean;
}

/** Who is told about them. */
export interface ChildrenOwner {
  readonly log: Log;
  /** It has ended; what happened has been logged. `child` is not among the children any more. */
  onExit(child: Child): void;
  onReady(child: Child): void;
}

/** The children that run. */
export class Children {
  readonly all = new Set<Child>();
  readonly #owner: ChildrenOwner;

  constructor(owner: ChildrenOwner) {
    this.#owner = owner;
  }

  /** Starts a worker for a cycle, or with the id -1 its privileged agent. Undefined when the system refuses, which has been logged. */
  start(loader: Loader, opened: OpenedCycle, id: number): Child | undefined {
    const { cycle } = opened;
    const agent = id === AGENT_ID;
    const name = agent ? 'privileged agent process' : 'worker process';
    const fds: number[] = [];
    const firstFd = CHANNEL_FD + 1;
    const sockets: [string, number][] = [];
    for (const { listening, sockets: open } of opened.sockets) {
      const socket = listening.options.reuseport ? open[id] : open[0];
      if (socket === undefined || agent) continue;
      sockets.push([keyOf(listening), firstFd + fds.length]);
      fds.push(socket.fd);
    }
    const zones = opened.zones.serialize(firstFd + fds.length);
    fds.push(...zones.fds);
    const process_ = spawn(process.execPath, ownCommand(loader.program.entry), {
      argv0: `nginx: ${name}`,
      env: { ...workerEnvironment(cycle), [ROLE_VARIABLE]: 'worker' },
      stdio: ['ignore', 'inherit', 'inherit', 'pipe', ...fds],
    });
    if (process_.pid === undefined) {
      process_.once('error', (e) => {
        this.#owner.log.write(LOG_ALERT, `fork() failed while spawning "${name}"${errnoSuffix(e)}`);
      });
      return undefined;
    }
    const child: Child = {
      pid: process_.pid,
      id,
      name,
      process: process_,
      startedAt: performance.now(),
      respawn: true,
      opened,
      exiting: false,
      ready: false,
    };
    this.all.add(child);
    this.#owner.log.write(LOG_NOTICE, `start ${name} ${child.pid}`);
    process_.once('exit', (code, signal) => this.#exited(child, code, signal));
    const channel = channelOf(child);
    // A worker that dies while it is told something: its exit says all.
    channel.on('error', () => {});
    channel.on('data', (bytes: Buffer) => {
      if (bytes.toString('latin1').includes(WORKER_READY)) {
        child.ready = true;
        this.#owner.onReady(child);
      }
    });
    const message: StartMessage = {
      info: { id, count: coreConf(cycle).workerProcesses, kind: agent ? 'privileged agent' : 'worker' },
      connections: agent ? cycle.privilegedAgent?.connections : undefined,
      options: loader.options,
      conf: { files: cycle.files, globs: cycle.globs, assets: cycle.assets.list },
      sockets,
      zones: zones.text,
      daemon: loader.state.kind !== 'foreground',
    };
    channel.write(encodeStart(message));
    return child;
  }

  /**
   * Tells all, except those of one configuration and those that have been told. nginx: ngx_signal_worker_processes.
   */
  signal(signal: 'SIGQUIT' | 'SIGTERM' | 'SIGUSR1' | 'SIGKILL', except?: OpenedCycle): void {
    for (const child of this.all) {
      if (child.opened === except) continue;
      if (child.exiting && signal === 'SIGQUIT') continue;
      if (signal !== 'SIGUSR1') child.exiting = true;
      if (signal === 'SIGKILL') {
        try {
          process.kill(child.pid, signal);
        } catch (e) {
          this.#owner.log.write(LOG_ALERT, `kill(${child.pid}, ${signalNumber(signal)}) failed${errnoSuffix(e)}`);
        }
        continue;
      }
      const command = signal === 'SIGQUIT' ? COMMAND_QUIT : signal === 'SIGTERM' ? COMMAND_TERMINATE : COMMAND_REOPEN;
      channelOf(child).write(command);
    }
  }

  #exited(child: Child, code: number | null, signal: NodeJS.Signals | null): void {
    const { log } = this.#owner;
    this.all.delete(child);
    channelOf(child).destroy();
    log.write(LOG_NOTICE, `signal ${signalNumber('SIGCHLD')} (SIGCHLD) received from ${child.pid}`);
    if (signal !== null) {
      log.write(LOG_ALERT, `${child.name} ${child.pid} exited on signal ${constants.signals[signal]}`);
    } else {
      log.write(LOG_NOTICE, `${child.name} ${child.pid} exited with code ${code}`);
    }
    if (code === FATAL_EXIT && child.respawn) {
      log.write(LOG_ALERT, `${child.name} ${child.pid} exited with fatal code ${FATAL_EXIT} and cannot be respawned`);
      child.respawn = false;
    }
    this.#owner.onExit(child);
  }
}

function channelOf(child: Child): Duplex {
  return child.process.stdio[CHANNEL_FD] as Duplex;
}
