/**
 * `ssl_session_cache`: sessions kept in shared memory, for all workers and beyond a reload, or in a worker's own memory.
 * nginx: ngx_ssl_session_cache_init(), ngx_ssl_new_session(), ngx_ssl_get_cached_session() (src/event/
 * ngx_event_openssl.c); the worker's own is OpenSSL's there, which Node leaves no room for.
 */
import type { ZoneRequest } from '../../../conf/cycle.ts';
import type { ConfContext } from '../../../conf/directive.ts';
import { requestZone } from '../../../conf/resources.ts';
import { parseNumber, parseSize } from '../../../conf/units.ts';
import { LOG_WARN, type Log } from '../../../log/log.ts';
import { currentMsec, currentSecond } from '../../../log/time.ts';
import { SharedDict } from '../../../shm/dict.ts';
import type { Zone } from '../../../shm/zone.ts';
import type { SessionCache } from './sessions.ts';

/** What `ssl_session_cache` says. */
export interface SessionCacheConf {
  /** `off` and `none` keep nothing; of clients' tickets neither says anything. */
  readonly kind: 'off' | 'none' | 'on';
  /** Sessions in each worker; undefined for none. */
  readonly builtin: number | undefined;
  readonly zone: ZoneRequest | undefined;
}

export const NO_SESSION_CACHE: SessionCacheConf = { kind: 'none', builtin: undefined, zone: undefined };

/** OpenSSL: SSL_SESSION_CACHE_MAX_SIZE_DEFAULT. */
const BUILTIN_SESSIONS = 20480;

const ZONE_OWNER = 'ssl_session_cache';

/** nginx wants eight pages at least for what it shares. */
const SMALLEST_ZONE = 8 * 4096;

/** Reads `shared:NAME:SIZE`. An error text that calls it `what`; throws ConfError. */
export function parseSharedCache(cf: ConfContext, text: string, what: string, owner: string): ZoneRequest | string {
  const [, name, sizeText] = /^shared:([^:]+):(.*)$/.exec(text) ?? [];
  const size = sizeText === undefined ? undefined : parseSize(sizeText);
  if (name === undefined || size === undefined) return `invalid ${what} "${text}"`;
  if (size < SMALLEST_ZONE) return `${what} "${text}" is too small`;
  return requestZone(cf, name, size, owner);
}

/** Reads the directive's arguments. An error text for the directive; throws ConfError. */
export function parseSessionCache(cf: ConfContext, args: readonly string[]): SessionCacheConf | string {
  let { kind, builtin, zone } = NO_SESSION_CACHE;
  for (const arg of args) {
    if (arg === 'off' || arg === 'none') {
      kind = arg;
      continue;
    }
    kind = 'on';
    if (arg === 'builtin') builtin = BUILTIN_SESSIONS;
    else if (arg.startsWith('builtin:')) {
      const size = parseNumber(arg.slice(8));
      if (size === undefined) return `invalid session cache "${arg}"`;
      // OpenSSL: 0 is no limit.
      builtin = size === 0 ? Number.POSITIVE_INFINITY : size;
    } else {
      const shared = parseSharedCache(cf, arg, 'session cache', ZONE_OWNER);
      if (typeof shared === 'string') return shared;
      zone = shared;
    }
  }
  return { kind, builtin, zone };
}

const dicts = new WeakMap<object, SharedDict>();

/** The zone as a dictionary; one object per zone and process. */
export function zoneDict(request: ZoneRequest): SharedDict {
  const zone = request.zone as Zone;
  let dict = dicts.get(zone);
  if (dict === undefined) dicts.set(zone, (dict = new SharedDict(zone, currentMsec)));
  return dict;
}

/** In shared memory. When it is full, sessions that were not used for the longest time give way. */
export class SharedSessionCache implements SessionCache {
  private readonly request: ZoneRequest;
  private readonly timeout: number;
  private readonly log: Log;
  private complainedAt = 0;

  /** @param timeout seconds */
  constructor(request: ZoneRequest, timeout: number, log: Log) {
    this.request = request;
    this.timeout = timeout;
    this.log = log;
  }

  find(id: string): Buffer | undefined {
    const session = zoneDict(this.request).get(id);
    return typeof session === 'string' ? Buffer.from(session, 'latin1') : undefined;
  }

  store(id: string, session: Buffer): void {
    // A session that is over at once; to the dictionary it would be one for ever.
    if (this.timeout === 0) return;
    if (zoneDict(this.request).set(id, session.toString('latin1'), this.timeout)) return;
    const now = currentSecond();
    if (now === this.complainedAt) return;
    this.complainedAt = now;
    const where = `in SSL session shared cache "${this.request.name}"`;
    this.log.write(LOG_WARN, `could not allocate new session ${where}`);
  }
}

/** In a worker. */
export class BuiltinSessionCache implements SessionCache {
  private readonly sessions = new Map<string, { readonly session: Buffer; readonly until: number }>();
  private readonly size: number;
  private readonly timeout: number;

  /** @param timeout seconds */
  constructor(size: number, timeout: number) {
    this.size = size;
    this.timeout = timeout;
  }

  find(id: string): Buffer | undefined {
    const kept = this.sessions.get(id);
    if (kept === undefined) return undefined;
    if (kept.until > currentSecond()) return kept.session;
    this.sessions.delete(id);
    return undefined;
  }

  store(id: string, session: Buffer): void {
    const { sessions } = this;
    if (sessions.size >= this.size) sessions.delete(sessions.keys().next().value as string);
    sessions.set(id, { session, until: currentSecond() + this.timeout });
  }
}
