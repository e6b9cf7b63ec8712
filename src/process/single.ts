/**
 * `master_process off`: one process that does everything, for development and tests. nginx:
 * ngx_single_process_cycle (src/os/unix/ngx_process_cycle.c).
 */
import type { WorkerInfo } from '../conf/cycle.ts';
import { coreConf } from '../conf/modules/core.ts';
import { eventsConf } from '../conf/modules/events.ts';
import { LOG_NOTICE } from '../log/log.ts';
import { startAccepting } from '../net/accept.ts';
import { activityCount, connections, onIdle } from '../net/activity.ts';
import { restrictEnvironment } from './environment.ts';
import { catchUncaught } from './exceptions.ts';
import { logFailure } from './failure.ts';
import { closeReplaced, type OpenedCycle, openCycle } from './open-cycle.ts';
import { deletePidFile } from './pid-file.ts';
import { logSignal, MASTER_ACTIONS, surviveOtherSignals } from './signals.ts';
import { type Loader, load } from './start.ts';

const INFO: WorkerInfo = { id: 0, count: 1, kind: 'single' };
/** Milliseconds until the log files of a replaced configuration are closed: its connections still log there. */
const OLD_FILES_KEPT = 60_000;
const HANDLED = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGWINCH', 'SIGUSR2'] as const;

/**
 * Runs the opened cycle in this process.
 *
 * @param ready called when signals are taken, before modules begin their work: nginx has become a daemon by then
 */
export function runSingle(loader: Loader, opened: OpenedCycle, ready: () => void): void {
  new SingleProcess(loader, opened).run(ready);
}

class SingleProcess {
  readonly #loader: Loader;
  #current: OpenedCycle;
  #leaving = false;

  constructor(loader: Loader, opened: OpenedCycle) {
    this.#loader = loader;
    this.#current = opened;
  }

  run(ready: () => void): void {
    catchUncaught(() => this.#current.log);
    surviveOtherSignals(() => this.#current.log);
    for (const signal of HANDLED) process.on(signal, () => this.#onSignal(signal));
    restrictEnvironment(this.#current.cycle);
    ready();
    this.#enter(this.#current);
  }

  /** Initializes the cycle's modules for work and accepts for it. */
  #enter({ cycle, sockets, log }: OpenedCycle): void {
    cycle.worker = INFO;
    cycle.control = { masterPid: process.pid, quit: () => this.#quit() };
    connections.limit = eventsConf(cycle).workerConnections;
    try {
      for (const hook of cycle.hooks.initProcess) hook(INFO);
      for (const { listening, sockets: open } of sockets) {
        const [socket] = open;
        if (socket === undefined || listening.kind === 'udp') continue;
        if (socket.acceptor !== undefined) socket.acceptor.listening = listening;
        else socket.acceptor = startAccepting(listening, socket.handle ?? socket.fd, () => this.#current.log);
      }
    } catch (thrown) {
      logFailure(log, thrown);
      process.exit(2);
    }
  }

  #onSignal(signal: (typeof HANDLED)[number]): void {
    const { log, cycle } = this.#current;
    logSignal(log, signal, signal === 'SIGWINCH' || signal === 'SIGUSR2' ? '' : MASTER_ACTIONS[signal]!);
    switch (signal) {
      case 'SIGTERM':
      case 'SIGINT':
      case 'SIGQUIT':
        void this.#exit();
        break;
      case 'SIGHUP':
        log.write(LOG_NOTICE, 'reconfiguring');
        this.#reload();
        break;
      case 'SIGUSR1':
        log.write(LOG_NOTICE, 'reopening logs');
        cycle.openFiles.reopenAll(log);
        break;
    }
  }

  #reload(): void {
    const old = this.#current;
    const cycle = load(this.#loader, old.log);
    if (cycle === undefined) return;
    const opened = openCycle(cycle, { log: old.log, previous: old, stage: 'single' });
    if (opened === undefined) return;
    this.#current = opened;
    closeReplaced(old, opened);
    this.#enter(opened);
    old.cycle.exiting = true;
    for (const hook of old.cycle.hooks.drain) hook();
    for (const hook of old.cycle.hooks.exitProcess) void hook();
    setTimeout(() => old.cycle.openFiles.closeAll(), OLD_FILES_KEPT).unref();
  }

  /** ngx.process.signal_graceful_exit(): leaves when the work that is under way is done, as OpenResty's nginx does. */
  #quit(): void {
    const { cycle, sockets } = this.#current;
    if (cycle.exiting || this.#leaving) return;
    cycle.exiting = true;
    for (const { sockets: open } of sockets) for (const { acceptor } of open) acceptor?.close();
    for (const hook of cycle.hooks.drain) hook();
    const endIfIdle = (): void => {
      if (activityCount() === 0) void this.#exit();
    };
    onIdle(() => setImmediate(endIfIdle));
    endIfIdle();
  }

  async #exit(): Promise<void> {
    if (this.#leaving) return;
    this.#leaving = true;
    const { log, cycle, sockets } = this.#current;
    cycle.exiting = true;
    for (const hook of cycle.hooks.exitProcess) {
      try {
        await hook();
      } catch (thrown) {
        logFailure(log, thrown);
      }
    }
    deletePidFile(coreConf(cycle).pid, log);
    log.write(LOG_NOTICE, 'exit');
    sockets.closeAll(log, true);
    cycle.openFiles.flushAll();
    process.exit(0);
  }
}
