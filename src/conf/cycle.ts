/**
 * A cycle: one loaded configuration with everything opened for it. A reload makes a new one beside the old.
 * nginx: ngx_cycle_t (src/core/ngx_cycle.h).
 *
 * Who does what: src/conf fills it from the configuration (no side effects, so `-t` is cheap), src/process opens
 * it (folders, logs, shared memory, listening sockets) and runs its hooks, http and stream hang their servers
 * into `listening` and the hooks.
 */
import type { Log } from '../log/log.ts';
import type { OpenFiles } from '../log/open-file.ts';
import type { Listening } from '../net/listening.ts';
import type { Assets } from './assets.ts';
import type { ConfCycle, Position } from './directive.ts';
import type { ConfFile, GlobResult } from './parser.ts';

/** A shared memory zone asked for by a directive; opened by the process layer before the hooks run. */
export interface ZoneRequest {
  readonly name: string;
  /** Bytes; 0 while it is only referred to. */
  size: number;
  /** Which kind of module owns it: two owners of one name are an error. */
  readonly owner: string;
  /** A reload makes it anew, rather than going on with the zone of the cycle before. nginx: noreuse. */
  fresh?: boolean;
  /** Set when the cycle is opened. */
  zone?: object;
  /** Of a fresh one, in the process that opens it: the zone of that name, size and owner in the cycle before. */
  previous?: object;
}

/**
 * A folder for files made at run time (request bodies, cached answers): created by the process layer at start, with
 * the workers' user as its owner. nginx: ngx_path_t.
 */
export interface PathRequest {
  /** Absolute, without a slash at its end. */
  readonly path: string;
  /** Lengths of the names of nested folders; at most three. */
  readonly levels: readonly number[];
  /** Where it was asked for; undefined for a default. */
  readonly position?: Position;
  /** Who uses it: two owners of one folder are an error. */
  readonly owner?: string;
}

/** What runs when. Each list runs in order; a hook that throws stops the start with its message. */
export interface CycleHooks {
  /** In the master (or single process) after everything is open, and again in each worker. nginx: init_module. */
  readonly initModule: ((stage: 'master' | 'worker' | 'single') => void)[];
  /** In each worker before it accepts. nginx: init_process. */
  readonly initProcess: ((worker: WorkerInfo) => void)[];
  /** In each worker when it ends. May wait, within worker_shutdown_timeout. nginx: exit_process. */
  readonly exitProcess: (() => void | Promise<void>)[];
  /**
   * In a worker that was told to leave, with `cycle.exiting` set and its listening sockets closed: closes idle
   * connections. The worker ends when the rest have gone. nginx: ngx_close_idle_connections.
   */
  readonly drain: (() => void)[];
  /** In a leaving worker when worker_shutdown_timeout has passed: closes every connection. */
  readonly abort: (() => void)[];
}

/** Which process this is. */
export interface WorkerInfo {
  /** 0-based; -1 in the master and in the privileged agent. */
  readonly id: number;
  readonly count: number;
  readonly kind: 'worker' | 'single' | 'master' | 'privileged agent';
}

/** What modules may ask of the process layer. */
export interface ProcessControl {
  /** Of the master, or of the single process. */
  readonly masterPid: number;
  /** Leaves gracefully, as a worker does when its master says quit. A single process ends. */
  quit(): void;
}

/** One loaded configuration. */
export interface Cycle extends ConfCycle {
  /** error_log of the main context. */
  log: Log;
  readonly listening: Listening[];
  /** By name. */
  readonly zones: Map<string, ZoneRequest>;
  /** Folders to create, by path. */
  readonly paths: Map<string, PathRequest>;
  /** The configuration's files in the order of reading, each once. */
  readonly files: readonly ConfFile[];
  /** What the patterns of `include` matched. */
  readonly globs: readonly GlobResult[];
  /** What directives have read beside the configuration. */
  readonly assets: Assets;
  /** Log files, asked for by setters with `get(path)` and opened by the process layer. */
  readonly openFiles: OpenFiles;
  /** -e: where errors go when no error_log says otherwise. '' is standard error. */
  readonly errorLog: string;
  readonly hooks: CycleHooks;
  /** Set once the process is a worker (or single). */
  worker?: WorkerInfo;
  /**
   * Set by an initModule hook in the master: one more process that accepts nothing and keeps the master's rights.
   * lua-resty-core: ngx.process.enable_privileged_agent().
   */
  privilegedAgent?: { readonly connections: number };
  /** Set before the initProcess hooks run. */
  control?: ProcessControl;
  /** The worker is leaving: finish requests, take no new keep-alive ones. nginx: ngx_exiting. */
  exiting: boolean;
}
