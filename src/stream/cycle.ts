/**
 * One `stream {}` block at run time: what its modules registered, its servers and its variables. Sessions reach it as
 * `s.stream`. A reload makes a new one; sessions keep the one they were accepted under.
 */
import type { Block } from '../conf/block.ts';
import type { ConfContext } from '../conf/directive.ts';
import type { VariableTable } from '../conf/variables.ts';
import type { Log } from '../log/log.ts';
import type { StreamModule } from './module.ts';
import type { PhaseEntry, PhaseHandler, PhaseName } from './phases.ts';
import type { StreamSession } from './session.ts';

export interface StreamCycle extends Block, VariableTable<StreamSession> {
  readonly subsystem: 'stream';
  readonly modules: readonly StreamModule[];
  /** Handlers by phase, in the order of registration, which is the order of execution. */
  readonly handlers: Record<PhaseName, PhaseHandler[]>;
  phaseEngine: readonly PhaseEntry[];
  /** What stands in for an error_log that no block has: the cycle's, also once that is reopened. */
  readonly log: Log;
  /** The open sessions. */
  readonly sessions: Set<StreamSession>;
}

/** The stream block that a setter's directive stands in, while it is being read. */
export function streamOf(cf: ConfContext): StreamCycle {
  return cf.cycle.confs.get('stream') as StreamCycle;
}
