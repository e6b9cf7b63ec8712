/** Hosts as they come in Host fields and absolute request targets. nginx: ngx_http_validate_host(). */

/** A host as it may be looked up, with the port that stood behind it. */
export interface ValidHost {
  /** Lower case, without port and final dot; an IPv6 address keeps its brackets. */
  readonly host: string;
  /** 0 when none was given. */
  readonly port: number;
}

// Unreserved characters, sub-delims and the percent sign of RFC 3986; brackets stand around an IP literal only.
const HOST = /^([A-Za-z0-9\-._~!$&'()*+,;=%]*)(?::([0-9]*))?$/;
const LITERAL = /^(\[[A-Za-z0-9:\-._~!$&'()*+,;=]*\])(?::([0-9]*))?$/;

/** Undefined when it is no host: to be answered with 400. */
export function validateHost(text: string): ValidHost | undefined {
  const match = (text.startsWith('[') ? LITERAL : HOST).exec(text);
  if (match === null) return undefined;
  let host = match[1] as string;
  if (host.includes('..')) return undefined;
  const port = Number(match[2] ?? '0');
  if (port > 65535) return undefined;
  if (host.endsWith('.')) host = host.slice(0, -1);
  return host === '' ? undefined : { host: host.toLowerCase(), port };
}
