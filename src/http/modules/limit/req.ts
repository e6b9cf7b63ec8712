/**
 * `limit_req`: so many requests a second for each value of a key, by a leaky bucket. nginx:
 * src/http/modules/ngx_http_limit_req_module.c.
 *
 * A bucket's content is its "excess", in thousandths of requests: a request adds 1000, each millisecond takes off the
 * rate. Beyond `burst` requests are refused, beyond `delay` they wait until the bucket has run down to it. With
 * several limits a bucket is filled only when none of them refuses; meanwhile its record must not go, so it counts who
 * holds it.
 */
import type { ZoneRequest } from '../../../conf/cycle.ts';
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { requestZone } from '../../../conf/resources.ts';
import { enumSlot, flagSlot, numBounds, numSlot } from '../../../conf/slots.ts';
import { parseNumber } from '../../../conf/units.ts';
import { LOG_ALERT, LOG_ERR, LOG_INFO } from '../../../log/log.ts';
import { monotonicMsec, updateTime } from '../../../log/time.ts';
import { HEADER } from '../../../shm/layout.ts';
import { MAX_KEY_LENGTH, NODE } from '../../../shm/table.ts';
import { AGAIN, BUSY, DECLINED, ERROR, HTTP_SERVICE_UNAVAILABLE, OK } from '../../codes.ts';
import { httpOf } from '../../cycle.ts';
import { runPhases } from '../../engine.ts';
import { runPostedRequests, testReading } from '../../finalize.ts';
import { httpModule } from '../../module.ts';
import { type HttpRequest, noEvent } from '../../request.ts';
import type { ComplexValue } from '../../script.ts';
import type { VariableSpec } from '../../variables.ts';
import { declareLimitZone, LIMIT_LOG_LEVELS, LimitZone, type LimitZones } from './zone.ts';

// Words of a record: who holds it; as float64 the time of its last request and its excess.
const HOLDERS = NODE.payload;
const LAST = NODE.payload + 1;
const EXCESS = NODE.payload + 3;
const PAYLOAD_WORDS = 5;

/** Bytes of nginx's record besides its key. */
const RECORD_BYTES = 80;

/** A record is forgotten when its bucket is empty and nobody came for so many milliseconds. */
const FORGET = 60000;

const OWNER = 'ngx_http_limit_req_module';

interface Limit {
  readonly request: ZoneRequest;
  /** In thousandths of requests. */
  readonly burst: number;
  readonly delay: number;
}

interface LimitReqMain {
  readonly zones: LimitZones;
  used: boolean;
}

interface LimitReqLocation {
  limits: readonly Limit[] | undefined;
  logLevel: number;
  status: number;
  dryRun: boolean;
}

const PASSED = 1;
const DELAYED = 2;
const REJECTED = 3;
const DELAYED_DRY_RUN = 4;
const REJECTED_DRY_RUN = 5;
const STATUS_NAMES: readonly (string | null)[] = [
  null,
  'PASSED',
  'DELAYED',
  'REJECTED',
  'DELAYED_DRY_RUN',
  'REJECTED_DRY_RUN',
];

/** What monotonicMsec() is behind the system's clock of that kind, which all processes share. */
const clockOffset = Number(process.hrtime.bigint() / 1000n) / 1000 - performance.now();

function now(): number {
  return Math.floor(monotonicMsec() + clockOffset);
}

/** Milliseconds since a record was used last; a clock that went back a lot counts as one. */
function since(last: number, time: number): number {
  const ms = time - last;
  if (ms < -FORGET) return 1;
  return ms < 0 ? 0 : ms;
}

function filled(zone: LimitZone, excess: number, ms: number): number {
  return Math.max(0, excess - Math.floor((zone.rate * ms) / 1000) + 1000);
}

/** Excess that the last call of lookUp or account found. */
let lastExcess = 0;

/** Records held while a request's further limits are looked at, by the limit's position; 0 for none. */
const held: number[] = [];

/**
 * Looks whether a limit lets a request through.
 *
 * @param last the last limit: the request is counted at once
 * @returns OK when it was counted, AGAIN when it is to be counted and its record is held, BUSY when it is refused,
 *   ERROR when there is no memory
 */
function lookUp(r: HttpRequest, zone: LimitZone, key: string, burst: number, last: boolean, position: number): number {
  const records = zone.table;
  const { table } = records;
  const { words, floats, lock } = records.zone;
  const hash = table.hash(key);
  const time = now();
  let rc: number;
  held[position] = 0;
  lock.acquire();
  try {
    let record = table.find(key, hash);
    if (record !== 0) {
      table.touch(record);
      const ms = since(floats[(record + LAST) >> 1] as number, time);
      const excess = filled(zone, floats[(record + EXCESS) >> 1] as number, ms);
      lastExcess = excess;
      if (excess > burst) rc = BUSY;
      else if (last) {
        floats[(record + EXCESS) >> 1] = excess;
        if (ms > 0) floats[(record + LAST) >> 1] = time;
        rc = OK;
      } else {
        words[record + HOLDERS]!++;
        held[position] = record;
        rc = AGAIN;
      }
    } else {
      lastExcess = 0;
      expire(zone, time, false);
      record = records.alloc(key);
      if (record === 0) {
        expire(zone, time, true);
        record = records.alloc(key);
      }
      if (record === 0) rc = ERROR;
      else {
        words[record + HOLDERS] = last ? 0 : 1;
        floats[(record + LAST) >> 1] = last ? time : 0;
        floats[(record + EXCESS) >> 1] = 0;
        records.insert(record, key, hash);
        if (!last) held[position] = record;
        rc = last ? OK : AGAIN;
      }
    }
    lock.release();
  } catch (error) {
    words[HEADER.repair] = 1;
    Atomics.store(words, HEADER.lock, 0);
    throw error;
  }
  if (rc === ERROR) r.http.log.write(LOG_ALERT, `could not allocate node in limit_req zone "${zone.name}"`);
  return rc;
}

/** Forgets one or two records that say nothing any more; `force`: before them the oldest, whatever it says. */
function expire(zone: LimitZone, time: number, force: boolean): void {
  const records = zone.table;
  const { words, floats } = records.zone;
  for (let n = force ? 0 : 1; n < 3; n++) {
    const record = records.table.oldest;
    if (record === 0 || words[record + HOLDERS] !== 0) return;
    if (n > 0) {
      const ms = Math.abs(time - (floats[(record + LAST) >> 1] as number));
      if (ms < FORGET) return;
      const excess = floats[(record + EXCESS) >> 1] as number;
      if (excess - Math.floor((zone.rate * ms) / 1000) > 0) return;
    }
    records.remove(record);
  }
}

/** Lets go of the record held at a position; with `count` the request is counted in it first. */
function letGo(zone: LimitZone, position: number, count: boolean): void {
  const record = held[position] as number;
  held[position] = 0;
  const { words, floats, lock } = zone.table.zone;
  lock.acquire();
  try {
    if (count) {
      const time = now();
      const ms = since(floats[(record + LAST) >> 1] as number, time);
      lastExcess = filled(zone, floats[(record + EXCESS) >> 1] as number, ms);
      if (ms > 0) floats[(record + LAST) >> 1] = time;
      floats[(record + EXCESS) >> 1] = lastExcess;
    }
    words[record + HOLDERS]!--;
    lock.release();
  } catch (error) {
    words[HEADER.repair] = 1;
    Atomics.store(words, HEADER.lock, 0);
    throw error;
  }
}

function zoneOf(r: HttpRequest, limit: Limit): LimitZone {
  return limitReqModule.main(r).zones.get(limit.request.name) as LimitZone;
}

/** Milliseconds after which a bucket has run down to where requests need not wait. */
function waitFor(zone: LimitZone, limit: Limit, excess: number): number {
  return excess <= limit.delay ? 0 : Math.floor(((excess - limit.delay) * 1000) / zone.rate);
}

function excessText(excess: number): string {
  return `${Math.floor(excess / 1000)}.${String(excess % 1000).padStart(3, '0')}`;
}

function limitReqHandler(r: HttpRequest): number {
  if (r.main.limitReqStatus !== 0) return DECLINED;
  const conf = limitReqModule.location(r);
  const { limits } = conf;
  if (limits === undefined) return DECLINED;
  let rc = DECLINED;
  let n = 0;
  for (; n < limits.length; n++) {
    const limit = limits[n] as Limit;
    const zone = zoneOf(r, limit);
    const key = zone.key.evaluate(r);
    held[n] = 0;
    if (key === '') continue;
    if (key.length > MAX_KEY_LENGTH) {
      r.log(LOG_ERR, `the value of the "${zone.key.text}" key is more than 65535 bytes: "${key}"`);
      continue;
    }
    rc = lookUp(r, zone, key, limit.burst, n === limits.length - 1, n);
    if (rc !== AGAIN) break;
  }
  if (rc === DECLINED) return DECLINED;
  if (rc === BUSY || rc === ERROR) return reject(r, conf, limits, n, rc);
  return pass(r, conf, limits, n, rc);
}

function reject(r: HttpRequest, conf: LimitReqLocation, limits: readonly Limit[], n: number, rc: number): number {
  if (rc === BUSY) {
    const how = conf.dryRun ? ', dry run' : '';
    const { name } = (limits[n] as Limit).request;
    r.log(conf.logLevel, `limiting requests${how}, excess: ${excessText(lastExcess)} by zone "${name}"`);
  }
  for (let i = 0; i < n; i++) if (held[i] !== 0) letGo(zoneOf(r, limits[i] as Limit), i, false);
  r.main.limitReqStatus = conf.dryRun ? REJECTED_DRY_RUN : REJECTED;
  return conf.dryRun ? DECLINED : conf.status;
}

/** Counts the request in the buckets held, and has it wait as long as the fullest of them demands. */
function pass(r: HttpRequest, conf: LimitReqLocation, limits: readonly Limit[], n: number, rc: number): number {
  let decisive = limits[Math.min(n, limits.length - 1)] as Limit;
  let excess = rc === AGAIN ? 0 : lastExcess;
  let delay = waitFor(zoneOf(r, decisive), decisive, excess);
  for (let i = n - 1; i >= 0; i--) {
    if (held[i] === 0) continue;
    const limit = limits[i] as Limit;
    const zone = zoneOf(r, limit);
    letGo(zone, i, true);
    const wait = waitFor(zone, limit, lastExcess);
    if (wait <= delay) continue;
    delay = wait;
    excess = lastExcess;
    decisive = limit;
  }
  if (delay === 0) {
    r.main.limitReqStatus = PASSED;
    return DECLINED;
  }
  const how = conf.dryRun ? ', dry run' : '';
  const level = conf.logLevel === LOG_INFO ? LOG_INFO : conf.logLevel + 1;
  r.log(level, `delaying request${how}, excess: ${excessText(excess)}, by zone "${decisive.request.name}"`);
  r.main.limitReqStatus = conf.dryRun ? DELAYED_DRY_RUN : DELAYED;
  if (conf.dryRun) return DECLINED;
  wait(r, delay);
  return AGAIN;
}

/** Has the phases go on later. The client may leave meanwhile. */
function wait(r: HttpRequest, delay: number): void {
  r.readEventHandler = testReading;
  r.writeEventHandler = noEvent;
  r.connection.watchClose(r);
  const timer = setTimeout(goOn, delay, r);
  r.addCleanup(() => clearTimeout(timer));
}

function goOn(r: HttpRequest): void {
  updateTime();
  if (r.main.freed) return;
  r.readEventHandler = noEvent;
  r.writeEventHandler = runPhases;
  runPhases(r);
  runPostedRequests(r.connection);
}

/** `5r/s` or `30r/m` in thousandths of requests a second; undefined when it is neither. */
function parseRate(text: string): number | undefined {
  const match = /^(.*?)(?:r\/(s|m))?$/.exec(text);
  const rate = parseNumber(match?.[1] ?? '');
  if (rate === undefined || rate === 0) return undefined;
  return Math.floor((rate * 1000) / (match?.[2] === 'm' ? 60 : 1));
}

function setZone(cf: ConfContext, main: LimitReqMain, args: readonly string[]): string | undefined {
  let rate = 1000;
  const takeRate = (arg: string): string | undefined => {
    if (!arg.startsWith('rate=')) return undefined;
    const parsed = parseRate(arg.slice(5));
    if (parsed === undefined) return `invalid rate "${arg}"`;
    rate = parsed;
    return '';
  };
  const make = (request: ZoneRequest, key: ComplexValue): LimitZone =>
    new LimitZone(request, key, rate, PAYLOAD_WORDS, RECORD_BYTES);
  return declareLimitZone(cf, main.zones, OWNER, args, takeRate, make);
}

function setLimit(cf: ConfContext, conf: LimitReqLocation, args: readonly string[]): string | undefined {
  let request: ZoneRequest | undefined;
  let burst = 0;
  let delay = 0;
  for (const arg of args) {
    const equals = arg.indexOf('=') + 1;
    const value = arg.slice(equals);
    switch (arg.slice(0, equals)) {
      case 'zone=':
        request = requestZone(cf, value, 0, OWNER);
        continue;
      case 'burst=':
        burst = parseNumber(value) ?? 0;
        if (burst === 0) return `invalid burst value "${arg}"`;
        continue;
      case 'delay=':
        delay = parseNumber(value) ?? 0;
        if (delay === 0) return `invalid delay value "${arg}"`;
        continue;
    }
    if (arg !== 'nodelay') return `invalid parameter "${arg}"`;
    delay = Number.POSITIVE_INFINITY;
  }
  if (request === undefined) return `"${cf.name}" must have "zone" parameter`;
  if (conf.limits?.some((limit) => limit.request === request) === true) return 'is duplicate';
  conf.limits = [...(conf.limits ?? []), { request, burst: burst * 1000, delay: delay * 1000 }];
  limitReqModule.mainOf(httpOf(cf).confs).used = true;
  return undefined;
}

const variables: readonly VariableSpec[] = [
  {
    name: 'limit_req_status',
    noCacheable: true,
    get: (r) => STATUS_NAMES[r.main.limitReqStatus] as string | null,
  },
];

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

const zoneDirective: Directive<LimitReqMain> = {
  name: 'limit_req_zone',
  contexts: ['http'],
  args: 3,
  level: 'main',
  doc: 'A zone of shared memory for limit_req: the key, `zone=NAME:SIZE` and `rate=NUMBERr/s` or `r/m`.',
  set: setZone,
};

const directives: readonly Directive<LimitReqLocation>[] = [
  {
    name: 'limit_req',
    contexts: CONTEXTS,
    args: [1, 2, 3],
    level: 'location',
    slot: { field: 'limits', default: undefined },
    doc: 'Limits the rate of requests by a zone: `zone=NAME`, `burst=NUMBER`, `nodelay` or `delay=NUMBER`.',
    set: setLimit,
  },
  enumSlot<LimitReqLocation, number>(
    'limit_req_log_level',
    CONTEXTS,
    'location',
    'logLevel',
    LIMIT_LOG_LEVELS,
    LOG_ERR,
    { doc: 'Level of lines about refused requests; delayed ones are a level below.', defaultText: 'error' },
  ),
  numSlot<LimitReqLocation>('limit_req_status', CONTEXTS, 'location', 'status', HTTP_SERVICE_UNAVAILABLE, {
    doc: 'Status of refused requests.',
    defaultText: '503',
    post: numBounds(400, 599),
  }),
  flagSlot<LimitReqLocation>('limit_req_dry_run', CONTEXTS, 'location', 'dryRun', false, {
    doc: 'Counts and logs, but lets all requests through.',
    defaultText: 'off',
  }),
];

export const limitReqModule = httpModule<LimitReqMain, object, LimitReqLocation>({
  name: OWNER,
  directives: [zoneDirective, ...directives],
  variables,
  createMain: () => ({ zones: new Map(), used: false }),
  createLocation: () =>
    ({ limits: undefined, logLevel: undefined, status: undefined, dryRun: undefined }) as unknown as LimitReqLocation,
  postconfiguration(http) {
    const { zones, used } = limitReqModule.mainOf(http.confs);
    if (used) http.handlers.preaccess.push(limitReqHandler);
    if (zones.size === 0) return;
    http.cycle.hooks.initModule.push((stage) => {
      if (stage !== 'worker') for (const zone of zones.values()) zone.checkKey('limit_req');
    });
  },
});
