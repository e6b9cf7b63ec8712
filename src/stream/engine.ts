/**
 * Walks a session through its phases. nginx: ngx_stream_core_run_phases() and the phase checkers
 * (src/stream/ngx_stream_core_module.c).
 *
 * A handler returns OK (on to the next phase), DECLINED (on to the next handler), AGAIN (wait; in the preread phase:
 * for more input), DONE (it goes on by itself, with continuePhase) or a status to finalize the session with.
 */
import { AGAIN, DECLINED, DONE, ERROR, OK, STREAM_INTERNAL_SERVER_ERROR, STREAM_OK } from './codes.ts';
import { coreModule } from './core/module.ts';
import type { StreamCycle } from './cycle.ts';
import { finalizeSession } from './finalize.ts';
import { PHASES, type PhaseEntry } from './phases.ts';
import type { StreamSession } from './session.ts';

/** Makes the engine of what modules have registered. nginx: ngx_stream_init_phase_handlers(). */
export function buildPhaseEngine(stream: StreamCycle): void {
  const engine: PhaseEntry[] = [];
  for (const phase of PHASES) {
    if (phase === 'log' || phase === 'content') continue;
    const handlers = stream.handlers[phase];
    const next = engine.length + handlers.length;
    for (const handler of handlers) engine.push({ phase, handler, next });
  }
  stream.phaseEngine = engine;
}

/** Goes on with the handler that is due. */
export function runPhases(s: StreamSession): void {
  const { phaseEngine } = s.stream;
  for (;;) {
    if (s.finalized) return;
    const entry = phaseEngine[s.phaseHandler];
    if (entry === undefined) {
      runContent(s);
      return;
    }
    const rc = entry.phase === 'preread' ? preread(s, entry) : entry.handler(s);
    if (!advance(s, entry, rc)) return;
  }
}

/** A handler that had returned DONE has come to its end with `rc`: goes on as if it had returned that. */
export function continuePhase(s: StreamSession, rc: number): void {
  if (s.finalized) return;
  const entry = s.stream.phaseEngine[s.phaseHandler];
  if (entry !== undefined && advance(s, entry, rc)) runPhases(s);
}

/** Acts on a handler's result. Returns false when the walk stops here. */
function advance(s: StreamSession, entry: PhaseEntry, rc: number): boolean {
  switch (rc) {
    case OK:
      s.phaseHandler = entry.next;
      return true;
    case DECLINED:
      s.phaseHandler++;
      return true;
    case AGAIN:
    case DONE:
      return false;
    default:
      finalizeSession(s, rc === ERROR ? STREAM_INTERNAL_SERVER_ERROR : rc);
      return false;
  }
}

/** Asks a preread handler again with each piece of input, until it has seen enough. */
function preread(s: StreamSession, entry: PhaseEntry): number {
  s.action = 'prereading client data';
  let rc: number = s.timedOut ? STREAM_OK : entry.handler(s);
  if (rc === AGAIN) {
    // What is there already has been seen.
    const why = s.prereading ? s.whyNoMore() : undefined;
    if (why === undefined) {
      s.waitForPreread();
      return AGAIN;
    }
    rc = why;
  }
  if (s.prereading) s.endPreread();
  return rc;
}

function runContent(s: StreamSession): void {
  s.action = '';
  const server = coreModule.server(s);
  s.socket.setNoDelay(server.tcpNodelay);
  if (server.handler === undefined) finalizeSession(s, STREAM_INTERNAL_SERVER_ERROR);
  else server.handler(s);
}
