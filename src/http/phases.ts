/**
 * The eleven phases, in the order of execution. nginx: ngx_http_phases in src/http/ngx_http_core_module.h.
 *
 * FIND_CONFIG, POST_REWRITE and POST_ACCESS take no handlers: they choose the location, loop back after a rewritten
 * URI, and settle what `satisfy` decided.
 */
import type { PhaseHandler } from './cycle.ts';
import type { HttpRequest } from './request.ts';

export const PHASES = [
  'post_read',
  'server_rewrite',
  'find_config',
  'rewrite',
  'post_rewrite',
  'preaccess',
  'access',
  'post_access',
  'precontent',
  'content',
  'log',
] as const;

export type PhaseName = (typeof PHASES)[number];

/** One step of the phase engine: the checker decides what a handler's result means. */
export interface PhaseEntry {
  readonly phase: PhaseName;
  /** Returns true to go on with the engine's loop, false when the request is suspended or ended. */
  readonly checker: (r: HttpRequest, entry: PhaseEntry) => boolean;
  readonly handler: PhaseHandler | undefined;
  /** Index of the first entry of the next phase. */
  next: number;
}
