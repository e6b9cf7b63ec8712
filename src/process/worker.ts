/**
 * A worker process: accepts connections on its master's sockets, as an unprivileged user, until it is told to leave.
 *
 * nginx: ngx_worker_process_cycle, ngx_worker_process_init, ngx_worker_process_exit.
 */
import { writeSync } from 'node:fs';
import type { Socket as NetSocket } from 'node:net';
import type { Cycle } from '../conf/cycle.ts';
import { loadCycle } from '../conf/load.ts';
import { coreConf } from '../conf/modules/core.ts';
import { eventsConf } from '../conf/modules/events.ts';
import type { CoreModule } from '../conf/registry.ts';
import { type ErrorLog, stderrLog } from '../log/error-log.ts';
import { LOG_EMERG, LOG_NOTICE, logState } from '../log/log.ts';
import { type Acceptor, startAccepting } from '../net/accept.ts';
import { activityCount, connections, onIdle } from '../net/activity.ts';
import {
  CHANNEL_FD,
  COMMAND_QUIT,
  COMMAND_REOPEN,
  COMMAND_TERMINATE,
  receiveStart,
  type StartMessage,
  WORKER_READY,
} from './channel.ts';
import { restrictEnvironment } from './environment.ts';
import { catchUncaught } from './exceptions.ts';
import { FATAL_EXIT } from './exit-codes.ts';
import { failureText, logFailure } from './failure.ts';
import { keyOf } from './listening.ts';
import { openLogs } from './open-cycle.ts';
import { becomeWorker } from './privileges.ts';
import { logSignal, surviveOtherSignals, WORKER_ACTIONS } from './signals.ts';
import { redirectStderr } from './stderr.ts';
import { setTitle } from './title.ts';
import { attachZones } from './zones.ts';

const HANDLED = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;
/** Milliseconds that aborted connections get to close and log before the process ends. */
const ABORT_GRACE = 200;

/** Becomes a worker: what and how stands in the message that the master sends. */
export function runWorker(modules: readonly CoreModule[]): void {
  logState.useStderr = false;
  // Until the configured log is open; the master's standard error is its error log.
  let log = stderrLog();
  try {
    const message = receiveStart();
    const cycle = loadCycle({
      ...message.options,
      snapshot: message.conf,
      modules,
      // The master has reported the same already.
      report: () => {},
    });
    log = openLogs(cycle);
    attachZones(cycle, message.zones);
    becomeWorker(cycle, log, message.info.kind === 'privileged agent');
    new Worker(message, cycle, log).run();
  } catch (thrown) {
    logFailure(log, thrown);
    process.exit(FATAL_EXIT);
  }
}

class Worker {
  readonly #message: StartMessage;
  readonly #cycle: Cycle;
  readonly #log: ErrorLog;
  readonly #acceptors: Acceptor[] = [];
  #ending = false;

  constructor(message: StartMessage, cycle: Cycle, log: ErrorLog) {
    this.#message = message;
    this.#cycle = cycle;
    this.#log = log;
  }

  get #name(): string {
    return this.#message.info.kind === 'worker' ? 'worker process' : 'privileged agent process';
  }

  run(): void {
    const cycle = this.#cycle;
    const { info } = this.#message;
    catchUncaught(() => this.#log);
    surviveOtherSignals(() => this.#log);
    restrictEnvironment(cycle);
    setTitle(this.#name);
    cycle.worker = info;
    connections.limit = this.#message.connections ?? eventsConf(cycle).workerConnections;
    cycle.control = { masterPid: process.ppid, quit: () => this.#quit() };
    for (const signal of HANDLED) process.on(signal, () => this.#onSignal(signal));
    for (const hook of cycle.hooks.initModule) hook('worker');
    for (const hook of cycle.hooks.initProcess) hook(info);
    const fds = new Map(this.#message.sockets);
    for (const listening of cycle.listening) {
      const fd = fds.get(keyOf(listening));
      if (fd === undefined) continue;
      listening.fd = fd;
      if (listening.kind === 'udp') continue;
      this.#acceptors.push(startAccepting(listening, fd, () => this.#log));
    }
    this.#listenToMaster();
    writeSync(CHANNEL_FD, WORKER_READY);
  }

  #listenToMaster(): void {
    const { Socket } = process.getBuiltinModule('node:net');
    const channel: NetSocket = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
    channel.on('data', (bytes: Buffer) => {
      for (const command of bytes.toString('latin1')) {
        if (command === COMMAND_QUIT) this.#quit();
        else if (command === COMMAND_TERMINATE) this.#end();
        else if (command === COMMAND_REOPEN) this.#reopen();
      }
    });
    const gone = (): void => {
      if (this.#cycle.exiting || this.#ending) return;
      this.#log.write(LOG_NOTICE, 'the master process has gone, shutting down');
      this.#quit();
    };
    channel.on('end', gone);
    channel.on('error', gone);
  }

  #onSignal(signal: (typeof HANDLED)[number]): void {
    const ignored = signal === 'SIGWINCH' && !this.#message.daemon;
    logSignal(this.#log, signal, ignored ? '' : WORKER_ACTIONS[signal]!);
    if (ignored) return;
    if (signal === 'SIGTERM' || signal === 'SIGINT') this.#end();
    else if (signal === 'SIGQUIT' || signal === 'SIGWINCH') this.#quit();
    else if (signal === 'SIGUSR1') this.#reopen();
  }

  #reopen(): void {
    this.#log.write(LOG_NOTICE, 'reopening logs');
    this.#cycle.openFiles.reopenAll(this.#log);
    redirectStderr(this.#log, true);
  }

  /** Leaves when the connections have gone. */
  #quit(): void {
    const cycle = this.#cycle;
    if (cycle.exiting || this.#ending) return;
    this.#log.write(LOG_NOTICE, 'gracefully shutting down');
    setTitle(`${this.#name} is shutting down`);
    cycle.exiting = true;
    for (const acceptor of this.#acceptors) acceptor.close();
    const { shutdownTimeout } = coreConf(cycle);
    if (shutdownTimeout > 0) setTimeout(() => this.#abort(), shutdownTimeout).unref();
    // What has arrived is read before idle connections are looked for: a request that is in the kernel's buffer
    // makes its connection busy. The loop polls between these two.
    setImmediate(() => setImmediate(() => this.#drain()));
  }

  #drain(): void {
    for (const hook of this.#cycle.hooks.drain) this.#guard(hook);
    onIdle(() => setImmediate(() => this.#endIfIdle()));
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    if (activityCount() === 0) void this.#end();
  }

  #abort(): void {
    for (const hook of this.#cycle.hooks.abort) this.#guard(hook);
    setTimeout(() => this.#end(), ABORT_GRACE).unref();
  }

  #guard(hook: () => void): void {
    try {
      hook();
    } catch (thrown) {
      this.#log.write(LOG_EMERG, failureText(thrown));
    }
  }

  #end(): void {
    if (this.#ending) return;
    this.#ending = true;
    void this.#exit();
  }

  async #exit(): Promise<void> {
    const cycle = this.#cycle;
    this.#log.write(LOG_NOTICE, 'exiting');
    for (const hook of cycle.hooks.exitProcess) {
      try {
        await hook();
      } catch (thrown) {
        logFailure(this.#log, thrown);
      }
    }
    cycle.openFiles.flushAll();
    this.#log.write(LOG_NOTICE, 'exit');
    process.exit(0);
  }
}
