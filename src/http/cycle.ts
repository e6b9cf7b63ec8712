/**
 * One `http {}` block at run time: what its modules registered, its servers and its variables. Requests reach it as
 * `r.http`. A reload makes a new one; connections keep the one they were accepted under.
 */
import type { Block } from '../conf/block.ts';
import type { Cycle } from '../conf/cycle.ts';
import type { ConfContext, ConfStack } from '../conf/directive.ts';
import type { Log } from '../log/log.ts';
import type { Chain } from './buf.ts';
import type { HttpModule } from './module.ts';
import type { PhaseEntry, PhaseName } from './phases.ts';
import type { HttpRequest } from './request.ts';
import type { DeclaredVariable, IndexedVariable } from './variables.ts';

/** Returns OK, AGAIN (output held back), ERROR, or a status to finalize with. */
export type HeaderFilter = (r: HttpRequest) => number;
/** Takes a chain (null: go on with what is held back). Returns OK, AGAIN or ERROR. */
export type BodyFilter = (r: HttpRequest, chain: Chain | null) => number;
/** A phase or content handler: returns a code of src/http/codes.ts or a status. */
export type PhaseHandler = (r: HttpRequest) => number;

export interface HttpCycle extends Block {
  readonly subsystem: 'http';
  readonly cycle: Cycle;
  readonly modules: readonly HttpModule[];
  /** Configuration objects of the http block itself. */
  readonly confs: ConfStack;
  /** What locations of the http block inherit, complete: for work that belongs to no request. */
  outside: unknown[];
  /** Handlers by phase, in the order of registration; they run in the opposite one, except in the log phase. */
  readonly handlers: Record<PhaseName, PhaseHandler[]>;
  /** Handlers that run behind all others of their phase, whatever the order of modules. */
  readonly postponed: { readonly phase: PhaseName; readonly handler: PhaseHandler }[];
  phaseEngine: PhaseEntry[];
  /** Index in `phaseEngine` where the server rewrite phase, the location rewrite phase, ... begin. */
  serverRewriteIndex: number;
  locationRewriteIndex: number;
  /** Tops of the filter chains: a module saves the current one as its `next` and puts its own in front. */
  topHeaderFilter: HeaderFilter;
  topBodyFilter: BodyFilter;
  /** Variables with a slot in each request. */
  readonly indexed: IndexedVariable[];
  /** Declared variables by lower-case name, and prefixes, longest first. */
  readonly variables: Map<string, DeclaredVariable>;
  readonly prefixVariables: DeclaredVariable[];
  /** What stands in for an error_log that no block has: the cycle's, also once that is reopened. */
  readonly log: Log;
}

/**
 * Puts a module's filters in front of both chains. The header filter only looks and prepares; the next one always runs.
 * For those that decide themselves there is `insertFilters`.
 */
export function prependFilters(
  http: HttpCycle,
  header: (r: HttpRequest) => void,
  body: (r: HttpRequest, chain: Chain | null, next: BodyFilter) => number,
): void {
  const filter = (r: HttpRequest, next: HeaderFilter): number => {
    header(r);
    return next(r);
  };
  insertFilters(http, filter, body);
}

/** Puts a module's filters in front of both chains; each gets the one that was there before. */
export function insertFilters(
  http: HttpCycle,
  header: (r: HttpRequest, next: HeaderFilter) => number,
  body: (r: HttpRequest, chain: Chain | null, next: BodyFilter) => number,
): void {
  const nextHeader = http.topHeaderFilter;
  const nextBody = http.topBodyFilter;
  http.topHeaderFilter = (r) => header(r, nextHeader);
  http.topBodyFilter = (r, chain) => body(r, chain, nextBody);
}

/** The http block that a setter's directive stands in, while it is being read. */
export function httpOf(cf: ConfContext): HttpCycle {
  return cf.cycle.confs.get('http') as HttpCycle;
}
