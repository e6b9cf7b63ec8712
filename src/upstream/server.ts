/** The `server` lines of `upstream` blocks. nginx: ngx_http_upstream_server(), ngx_stream_upstream_server(). */
import type { ConfContext } from '../conf/directive.ts';
import { parseNumber, parseTime } from '../conf/units.ts';
import { type ParsedUrl, parseUrl, UrlError } from '../net/url.ts';
import {
  SUPPORTS_BACKUP,
  SUPPORTS_DOWN,
  SUPPORTS_FAIL_TIMEOUT,
  SUPPORTS_MAX_CONNS,
  SUPPORTS_MAX_FAILS,
  SUPPORTS_WEIGHT,
  type UpstreamServer,
} from './group.ts';
import { DOWN_DRAINING, DOWN_FAILED } from './peers.ts';

/** Parameters of `server`, with what a balancing method must know for each. */
const NUMBERS: Readonly<Record<string, number>> = {
  weight: SUPPORTS_WEIGHT,
  max_conns: SUPPORTS_MAX_CONNS,
  max_fails: SUPPORTS_MAX_FAILS,
  fail_timeout: SUPPORTS_FAIL_TIMEOUT,
};

const FLAGS: Readonly<Record<string, number>> = {
  backup: SUPPORTS_BACKUP,
  down: SUPPORTS_DOWN,
  drain: SUPPORTS_DOWN,
  resolve: 0,
};

/** Longest `route`. */
const MAX_ROUTE = 32;

/** In which the `server` lines of http and stream differ. */
export interface ServerRules {
  /** Undefined: the port must be said. */
  readonly defaultPort: number | undefined;
  /** There is `sticky`: `route` and `drain` mean something. */
  readonly sticky: boolean;
}

/**
 * A `server` line.
 *
 * @param supports SUPPORTS_* bits of the group's balancing method
 * @throws ConfError
 */
export function parseServer(
  cf: ConfContext,
  supports: number,
  args: readonly string[],
  rules: ServerRules,
): UpstreamServer {
  const values: Record<string, number> = { weight: 1, max_conns: 0, max_fails: 1, fail_timeout: 10 };
  let backup = false;
  let down = 0;
  let resolve = false;
  let route = '';
  let service = '';
  for (const arg of args.slice(1)) {
    const equals = arg.indexOf('=');
    const key = equals < 0 ? arg : arg.slice(0, equals);
    const text = arg.slice(equals + 1);
    if (equals >= 0 && key === 'route' && rules.sticky) {
      if (text === '') throw cf.error('route is empty');
      if (text.length > MAX_ROUTE) throw cf.error(`route is longer than ${MAX_ROUTE}`);
      route = text;
      continue;
    }
    if (equals >= 0 && key === 'service') {
      if (text === '') throw cf.error('service is empty');
      service = text;
      continue;
    }
    const needs = equals < 0 ? FLAGS[key] : NUMBERS[key];
    if (needs === undefined || (key === 'drain' && !rules.sticky)) throw cf.error(`invalid parameter "${arg}"`);
    if ((supports & needs) !== needs) {
      throw cf.error(`balancing method does not support parameter "${arg}"`);
    }
    if (key === 'backup') backup = true;
    else if (key === 'down') down = DOWN_FAILED;
    else if (key === 'drain') down = DOWN_DRAINING;
    else if (key === 'resolve') resolve = true;
    else {
      const value = key === 'fail_timeout' ? parseTime(text, 's') : parseNumber(text);
      if (value === undefined || (key === 'weight' && value === 0)) throw cf.error(`invalid parameter "${arg}"`);
      values[key] = value;
    }
  }
  const name = args[0] as string;
  if (service !== '' && !resolve) throw cf.error(`service upstream "${name}" requires "resolve" parameter`);
  let url: ParsedUrl;
  try {
    url = parseUrl(name, { defaultPort: rules.defaultPort ?? 0, noResolve: resolve });
  } catch (e) {
    if (e instanceof UrlError) throw cf.error(`${e.message} in upstream "${name}"`);
    throw e;
  }
  if (rules.defaultPort === undefined && url.noPort && url.family !== 'unix') {
    throw cf.error(`no port in upstream "${name}"`);
  }
  if (service !== '' && !url.noPort) throw cf.error(`service upstream "${name}" may not have port`);
  if (service !== '' && url.addresses.length > 0) throw cf.error(`service upstream "${name}" requires domain name`);
  return {
    name,
    addresses: url.addresses,
    weight: values['weight'] as number,
    maxConns: values['max_conns'] as number,
    maxFails: values['max_fails'] as number,
    failTimeout: values['fail_timeout'] as number,
    down,
    backup,
    route,
    host: resolve && url.addresses.length === 0 ? url.host : undefined,
    port: url.port,
    service,
  };
}
