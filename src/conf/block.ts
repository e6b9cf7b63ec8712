/**
 * What `http {}` and `stream {}` have in common at run time: what code that serves both (src/api, src/hosts) knows of
 * the block that it runs in.
 */
import type { Cycle } from './cycle.ts';
import type { ConfStack } from './directive.ts';
import type { SubModule } from './registry.ts';

export interface Block {
  readonly subsystem: 'http' | 'stream';
  readonly cycle: Cycle;
  /** Configuration objects of the block itself. stream has no locations: there `location` is `server`. */
  readonly confs: ConfStack;
  readonly modules: readonly SubModule[];
  /** What locations (in stream: servers) of the block inherit, complete: for work that belongs to no request. */
  readonly outside: unknown[];
}
