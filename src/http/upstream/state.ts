/** What is remembered of each attempt, for $upstream_* and logs. nginx: ngx_http_upstream_state_t. */

export interface UpstreamState {
  /** Name of the peer; undefined for the mark between the attempts before and after an internal redirect. */
  peer: string | undefined;
  status: number;
  // Milliseconds, -1 while not known.
  connectTime: number;
  headerTime: number;
  responseTime: number;
  // Bytes.
  responseLength: number;
  bytesReceived: number;
  bytesSent: number;
}

export function newState(): UpstreamState {
  return {
    peer: undefined,
    status: 0,
    connectTime: -1,
    headerTime: -1,
    responseTime: -1,
    responseLength: 0,
    bytesReceived: 0,
    bytesSent: 0,
  };
}

/** The empty entry that separates the attempts of one location from those of the next. */
export function separator(): UpstreamState {
  return { ...newState(), connectTime: 0, headerTime: 0, responseTime: 0 };
}
