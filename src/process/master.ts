/**
 * The master process: holds the listening sockets and shared memory, starts workers and replaces those that end,
 * loads a new configuration beside the running one. It serves no request.
 *
 * nginx: ngx_master_process_cycle, ngx_reap_children, ngx_master_process_exit (src/os/unix/ngx_process_cycle.c).
 */
import { coreConf } from '../conf/modules/core.ts';
import { LOG_ALERT, LOG_CRIT, LOG_NOTICE, type Log } from '../log/log.ts';
import { AGENT_ID, type Child, Children, type ChildrenOwner } from './children.ts';
import { catchUncaught } from './exceptions.ts';
import { logFailure } from './failure.ts';
import { closeReplaced, type OpenedCycle, openCycle } from './open-cycle.ts';
import { deletePidFile } from './pid-file.ts';
import { logSignal, MASTER_ACTIONS, surviveOtherSignals } from './signals.ts';
import { type Loader, load } from './start.ts';
import { redirectStderr } from './stderr.ts';
import { setTitle } from './title.ts';
import { NewBinary } from './upgrade.ts';

/** Milliseconds: first pause before workers are reminded to terminate, doubled each time, and when they are killed. */
const FIRST_REMINDER = 50;
const KILL_AFTER = 1000;
/** Milliseconds: a worker that dies younger than this for a second time in a row is started again after a pause. */
const SHORT_LIFE = 1000;

const HANDLED = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;

/** Runs the master with an opened cycle. */
export function runMaster(loader: Loader, opened: OpenedCycle): void {
  new Master(loader, opened).run();
}

class Master implements ChildrenOwner {
  readonly #loader: Loader;
  readonly #children: Children;
  readonly #newBinary: NewBinary;
  #current: OpenedCycle;
  #terminating = false;
  #quitting = false;
  /** WINCH: the workers were told to quit, the master stays. */
  #noAccepting = false;
  /** Workers of the new configuration that are not ready yet; the old ones go on until there are none. */
  #starting = new Set<Child>();
  #pauses = new Set<NodeJS.Timeout>();
  /** Numbers of workers whose last process died young. */
  readonly #diedYoung = new Set<number>();

  constructor(loader: Loader, opened: OpenedCycle) {
    this.#loader = loader;
    this.#current = opened;
    this.#children = new Children(this);
    this.#newBinary = new NewBinary(loader, (restart) => this.#newBinaryExited(restart));
  }

  get log(): Log {
    return this.#current.log;
  }

  run(): void {
    catchUncaught(() => this.log);
    surviveOtherSignals(() => this.log);
    for (const signal of HANDLED) process.on(signal, () => this.#onSignal(signal));
    setTitle(['master process', this.#loader.program.entry, ...this.#loader.state.args].join(' '));
    this.#startWorkers();
    // Nothing else keeps an event loop alive whose workers have all failed for good; nginx's master stays as well.
    setInterval(() => {}, 0x7fffffff);
  }

  /** Starts those of the current configuration. */
  #startWorkers(): Child[] {
    this.log.write(LOG_NOTICE, 'start worker processes');
    const started: Child[] = [];
    const { workerProcesses } = coreConf(this.#current.cycle);
    for (let id = this.#mayHaveAgent() ? AGENT_ID : 0; id < workerProcesses; id++) {
      const child = this.#children.start(this.#loader, this.#current, id);
      if (child !== undefined) started.push(child);
    }
    return started;
  }

  #mayHaveAgent(): boolean {
    const { privilegedAgent } = this.#current.cycle;
    if (privilegedAgent?.connections !== 0) return privilegedAgent !== undefined;
    this.log.write(LOG_ALERT, '0 worker_connection is not enough, privileged agent process cannot be spawned');
    return false;
  }

  onReady(child: Child): void {
    this.#started(child);
  }

  onExit(child: Child): void {
    this.#current.zones.releaseLocksOf(child.pid);
    // One of an old configuration has its successor already.
    const wanted = child.opened === this.#current && child.respawn && !child.exiting;
    if (wanted && !this.#terminating && !this.#quitting) this.#respawn(child);
    this.#started(child);
    this.#exitWhenAlone();
  }

  #respawn(child: Child): void {
    const lived = performance.now() - child.startedAt;
    const start = (): void => {
      if (this.#terminating || this.#quitting) return;
      if (this.#children.start(this.#loader, this.#current, child.id) === undefined) {
        this.log.write(LOG_ALERT, `could not respawn ${child.name}`);
      }
    };
    if (lived >= SHORT_LIFE) this.#diedYoung.delete(child.id);
    if (lived >= SHORT_LIFE || !this.#diedYoung.has(child.id)) {
      if (lived < SHORT_LIFE) this.#diedYoung.add(child.id);
      start();
    } else {
      // One that dies at once, again and again, must not take all the time of the machine.
      const pause = setTimeout(() => {
        this.#pauses.delete(pause);
        start();
      }, SHORT_LIFE - lived);
      this.#pauses.add(pause);
    }
  }

  /** A worker of the new configuration is ready, or has failed; after the last one the old workers may leave. */
  #started(child: Child): void {
    if (!this.#starting.delete(child) || this.#starting.size > 0) return;
    this.#children.signal('SIGQUIT', this.#current);
  }

  #onSignal(signal: (typeof HANDLED)[number]): void {
    let action = MASTER_ACTIONS[signal]!;
    if (signal === 'SIGWINCH' && this.#loader.state.kind === 'foreground') action = '';
    const ignored = signal === 'SIGUSR2' && this.#newBinary.refuses();
    if (ignored) action = ', ignoring';
    logSignal(this.log, signal, action);
    if (ignored) {
      this.log.write(
        LOG_CRIT,
        'the changing binary signal is ignored: ' +
          "you should shutdown or terminate before either old or new binary's process",
      );
      return;
    }
    switch (signal) {
      case 'SIGTERM':
      case 'SIGINT':
        this.#terminate();
        break;
      case 'SIGQUIT':
        this.#quit();
        break;
      case 'SIGHUP':
        if (!this.#terminating && !this.#quitting) this.#reconfigure();
        break;
      case 'SIGUSR1':
        this.log.write(LOG_NOTICE, 'reopening logs');
        this.#current.cycle.openFiles.reopenAll(this.log, coreConf(this.#current.cycle).user?.uid);
        redirectStderr(this.#current.log, true);
        this.#children.signal('SIGUSR1');
        break;
      case 'SIGUSR2':
        this.log.write(LOG_NOTICE, 'changing binary');
        this.#newBinary.start(this.#current);
        break;
      case 'SIGWINCH':
        if (action === '') break;
        this.#noAccepting = true;
        this.#dropPauses();
        this.#children.signal('SIGQUIT');
        break;
    }
  }

  #terminate(): void {
    if (this.#terminating) return;
    this.#terminating = true;
    this.#dropPauses();
    const remind = (delay: number): void => {
      this.#children.signal(delay > KILL_AFTER ? 'SIGKILL' : 'SIGTERM');
      setTimeout(() => remind(delay * 2), delay);
    };
    remind(FIRST_REMINDER);
    this.#exitWhenAlone();
  }

  #quit(): void {
    this.#quitting = true;
    this.#dropPauses();
    this.#children.signal('SIGQUIT');
    this.#current.sockets.closeAll(this.log, this.#ownsPaths());
    this.#exitWhenAlone();
  }

  #reconfigure(): void {
    if (this.#newBinary.pid !== undefined) {
      // After WINCH and USR2: the administrator goes back to the old binary.
      this.#startWorkers();
      this.#noAccepting = false;
      return;
    }
    this.log.write(LOG_NOTICE, 'reconfiguring');
    const old = this.#current;
    const cycle = load(this.#loader, old.log);
    if (cycle === undefined) return;
    if (!coreConf(cycle).masterProcess) {
      old.log.write(LOG_ALERT, '"master_process off" takes effect with the next start only');
    }
    const opened = openCycle(cycle, { log: old.log, previous: old, stage: 'master' });
    if (opened === undefined) return;
    this.#current = opened;
    redirectStderr(opened.log, true);
    closeReplaced(old, opened);
    old.cycle.openFiles.closeAll();
    // Those of a reload that is still under way count as old.
    this.#dropPauses();
    this.#starting = new Set(this.#startWorkers());
    if (this.#starting.size === 0) this.#children.signal('SIGQUIT', opened);
  }

  #dropPauses(): void {
    for (const pause of this.#pauses) clearTimeout(pause);
    this.#pauses.clear();
  }

  #newBinaryExited(log: 'restart' | 'stay'): void {
    if (log === 'restart' && this.#noAccepting && !this.#terminating && !this.#quitting) {
      this.#noAccepting = false;
      this.#startWorkers();
    }
    this.#exitWhenAlone();
  }

  /** Names of unix sockets go with the last server that listens on them. */
  #ownsPaths(): boolean {
    return this.#newBinary.pid === undefined && !this.#newBinary.parentLives();
  }

  #exitWhenAlone(): void {
    if ((!this.#terminating && !this.#quitting) || this.#children.all.size > 0) return;
    const { log, cycle, sockets } = this.#current;
    const conf = coreConf(cycle);
    deletePidFile(this.#newBinary.pid === undefined ? conf.pid : conf.oldPid, log);
    log.write(LOG_NOTICE, 'exit');
    try {
      sockets.closeAll(log, this.#ownsPaths());
    } catch (thrown) {
      logFailure(log, thrown);
    }
    cycle.openFiles.flushAll();
    process.exit(0);
  }
}
