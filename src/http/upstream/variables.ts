/** $upstream_*: where a request was passed on to, how long it took, and what the response had. */
import type { HttpRequest } from '../request.ts';
import type { VariableSpec, VariableValue } from '../variables.ts';
import type { UpstreamState } from './state.ts';

/**
 * One value for each attempt: separated by commas, and by colons where an internal redirect came in between.
 */
function eachAttempt(r: HttpRequest, value: (state: UpstreamState) => string): VariableValue {
  const states = r.upstreamStates;
  if (states === undefined || states.length === 0) return null;
  const only = states[0] as UpstreamState;
  if (states.length === 1) return value(only);
  let text = '';
  for (let i = 0; ; ) {
    text += value(states[i] as UpstreamState);
    if (++i === states.length) return text;
    if ((states[i] as UpstreamState).peer !== undefined) {
      text += ', ';
      continue;
    }
    text += ' : ';
    if (++i === states.length) return text;
  }
}

function seconds(ms: number): string {
  return ms === -1 ? '-' : (Math.max(ms, 0) / 1000).toFixed(3);
}

/** The field of a name with underscores for dashes: all its values. */
function headerField(r: HttpRequest, data: unknown): VariableValue {
  return field(r.upstream?.headers.list, (data as string).slice('upstream_http_'.length));
}

function trailerField(r: HttpRequest, data: unknown): VariableValue {
  return field(r.upstream?.headers.trailers, (data as string).slice('upstream_trailer_'.length));
}

function field(
  list: { readonly keys: readonly string[]; readonly values: readonly string[] } | undefined,
  name: string,
): VariableValue {
  if (list === undefined) return null;
  const { keys, values } = list;
  let text: string | null = null;
  for (let i = 0; i < keys.length; i++) {
    if ((keys[i] as string).replaceAll('-', '_') !== name) continue;
    text = text === null ? (values[i] as string) : `${text}, ${values[i]}`;
  }
  return text;
}

/** The value of a cookie that the backend sets. nginx: ngx_http_parse_set_cookie_lines(). */
function cookie(r: HttpRequest, data: unknown): VariableValue {
  const list = r.upstream?.headers.list;
  if (list === undefined) return null;
  const name = (data as string).slice('upstream_cookie_'.length);
  for (const line of list.getAll('set-cookie')) {
    if (line.slice(0, name.length).toLowerCase() !== name) continue;
    const match = /^ *= *([^;]*)/.exec(line.slice(name.length));
    if (match !== null) return match[1] as string;
  }
  return null;
}

export const upstreamVariables: readonly VariableSpec[] = [
  { name: 'upstream_addr', noCacheable: true, get: (r) => eachAttempt(r, (state) => state.peer ?? '') },
  {
    name: 'upstream_status',
    noCacheable: true,
    get: (r) => eachAttempt(r, (state) => (state.status === 0 ? '-' : String(state.status))),
  },
  { name: 'upstream_connect_time', noCacheable: true, get: (r) => eachAttempt(r, (s) => seconds(s.connectTime)) },
  { name: 'upstream_header_time', noCacheable: true, get: (r) => eachAttempt(r, (s) => seconds(s.headerTime)) },
  { name: 'upstream_response_time', noCacheable: true, get: (r) => eachAttempt(r, (s) => seconds(s.responseTime)) },
  { name: 'upstream_response_length', noCacheable: true, get: (r) => eachAttempt(r, (s) => String(s.responseLength)) },
  { name: 'upstream_bytes_received', noCacheable: true, get: (r) => eachAttempt(r, (s) => String(s.bytesReceived)) },
  { name: 'upstream_bytes_sent', noCacheable: true, get: (r) => eachAttempt(r, (s) => String(s.bytesSent)) },
  { name: 'upstream_http_', prefix: true, noCacheable: true, get: headerField },
  { name: 'upstream_trailer_', prefix: true, noCacheable: true, get: trailerField },
  { name: 'upstream_cookie_', prefix: true, noCacheable: true, get: cookie },
];
