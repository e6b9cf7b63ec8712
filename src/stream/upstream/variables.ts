/** $upstream_addr and its kin: of each attempt, joined by commas. nginx: ngx_stream_upstream_vars. */
import type { VariableSpec, VariableValue } from '../../conf/variables.ts';
import type { StreamSession } from '../session.ts';
import type { UpstreamState } from './conf.ts';

function joined(value: (state: UpstreamState) => string) {
  return (s: StreamSession): VariableValue => {
    const { upstreamStates } = s;
    return upstreamStates.length === 0 ? null : upstreamStates.map(value).join(', ');
  };
}

/** Seconds with milliseconds, `-` while not known. */
function time(ms: number): string {
  return ms < 0 ? '-' : (ms / 1000).toFixed(3);
}

export const upstreamVariables: readonly VariableSpec<StreamSession>[] = [
  { name: 'upstream_addr', get: joined(({ peer }) => peer), noCacheable: true },
  { name: 'upstream_bytes_sent', get: joined(({ sent }) => String(sent)), noCacheable: true },
  { name: 'upstream_bytes_received', get: joined(({ received }) => String(received)), noCacheable: true },
  { name: 'upstream_connect_time', get: joined(({ connectTime }) => time(connectTime)), noCacheable: true },
  { name: 'upstream_first_byte_time', get: joined(({ firstByteTime }) => time(firstByteTime)), noCacheable: true },
  { name: 'upstream_session_time', get: joined(({ sessionTime }) => time(sessionTime)), noCacheable: true },
];
