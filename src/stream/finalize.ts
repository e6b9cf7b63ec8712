/** The end of a session: its log handlers, then its connection. nginx: ngx_stream_finalize_session(). */
import type { StreamSession } from './session.ts';

/** Ends the session at once; what was written is sent still. */
export function finalizeSession(s: StreamSession, status: number): void {
  if (s.finalized) return;
  s.finalized = true;
  s.status = status;
  for (const handler of s.stream.handlers.log) handler(s);
  s.close();
}
