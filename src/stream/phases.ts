/** The phases of a session in the order of execution. nginx: ngx_stream_phases (src/stream/ngx_stream.h). */
import type { StreamSession } from './session.ts';

export const PHASES = ['post_accept', 'preaccess', 'access', 'ssl', 'preread', 'content', 'log'] as const;
export type PhaseName = (typeof PHASES)[number];

/** A phase handler: returns a code of codes.ts or a status to finalize the session with. */
export type PhaseHandler = (s: StreamSession) => number;

/** Takes the session over: it finalizes it when it is done. */
export type ContentHandler = (s: StreamSession) => void;

/** One step of the phase engine. */
export interface PhaseEntry {
  readonly phase: PhaseName;
  readonly handler: PhaseHandler;
  /** Index of the next phase's first entry. */
  readonly next: number;
}
