/**
 * `limit_conn`: so many requests at a time for each value of a key. A connection counts while a request on it is
 * worked on. nginx: src/http/modules/ngx_http_limit_conn_module.c.
 */
import type { ZoneRequest } from '../../../conf/cycle.ts';
import type { ConfContext, ContextName, Directive } from '../../../conf/directive.ts';
import { requestZone } from '../../../conf/resources.ts';
import { enumSlot, flagSlot, numBounds, numSlot } from '../../../conf/slots.ts';
import { parseNumber } from '../../../conf/units.ts';
import { LOG_CRIT, LOG_ERR } from '../../../log/log.ts';
import { HEADER } from '../../../shm/layout.ts';
import { NODE } from '../../../shm/table.ts';
import { DECLINED, HTTP_SERVICE_UNAVAILABLE } from '../../codes.ts';
import { httpOf } from '../../cycle.ts';
import { httpModule } from '../../module.ts';
import type { HttpRequest } from '../../request.ts';
import type { ComplexValue } from '../../script.ts';
import type { VariableSpec } from '../../variables.ts';
import { declareLimitZone, LIMIT_LOG_LEVELS, LimitZone, type LimitZones } from './zone.ts';

/** Word of a record: how many requests there are. */
const COUNT = NODE.payload;
const PAYLOAD_WORDS = 1;

/** Bytes of nginx's record besides its key. */
const RECORD_BYTES = 36;

const MAX_KEY = 255;

const OWNER = 'ngx_http_limit_conn_module';

interface Limit {
  readonly request: ZoneRequest;
  readonly most: number;
}

interface LimitConnMain {
  readonly zones: LimitZones;
  used: boolean;
}

interface LimitConnLocation {
  limits: readonly Limit[] | undefined;
  logLevel: number;
  status: number;
  dryRun: boolean;
}

const PASSED = 1;
const REJECTED = 2;
const REJECTED_DRY_RUN = 3;
const STATUS_NAMES: readonly (string | null)[] = [null, 'PASSED', 'REJECTED', 'REJECTED_DRY_RUN'];

/** What a request is counted in. */
class Counted {
  readonly #zones: LimitZone[] = [];
  readonly #keys: string[] = [];

  add(zone: LimitZone, key: string): void {
    this.#zones.push(zone);
    this.#keys.push(key);
  }

  release(): void {
    for (let i = 0; i < this.#zones.length; i++) leave(this.#zones[i] as LimitZone, this.#keys[i] as string);
    this.#zones.length = 0;
  }
}

const ENTERED = 0;
const TOO_MANY = 1;
const NO_MEMORY = 2;

/** Counts one more with this key, unless there are enough. */
function enter(zone: LimitZone, key: string, most: number): number {
  const records = zone.table;
  const { table } = records;
  const { words, lock } = records.zone;
  const hash = table.hash(key);
  let result = ENTERED;
  lock.acquire();
  try {
    let record = table.find(key, hash);
    if (record !== 0) {
      if ((words[record + COUNT] as number) >= most) result = TOO_MANY;
      else words[record + COUNT]!++;
    } else {
      record = records.alloc(key);
      if (record === 0) result = NO_MEMORY;
      else {
        words[record + COUNT] = 1;
        records.insert(record, key, hash);
      }
    }
    lock.release();
  } catch (error) {
    words[HEADER.repair] = 1;
    Atomics.store(words, HEADER.lock, 0);
    throw error;
  }
  return result;
}

/** Counts one less; the last one takes the record with it. */
function leave(zone: LimitZone, key: string): void {
  const records = zone.table;
  const { table } = records;
  const { words, lock } = records.zone;
  const hash = table.hash(key);
  lock.acquire();
  try {
    const record = table.find(key, hash);
    // After a crash of another worker the record may be missing.
    if (record !== 0 && --words[record + COUNT]! <= 0) records.remove(record);
    lock.release();
  } catch (error) {
    words[HEADER.repair] = 1;
    Atomics.store(words, HEADER.lock, 0);
    throw error;
  }
}

function limitConnHandler(r: HttpRequest): number {
  if (r.main.limitConnStatus !== 0) return DECLINED;
  const conf = limitConnModule.location(r);
  if (conf.limits === undefined) return DECLINED;
  const { zones } = limitConnModule.main(r);
  let counted: Counted | undefined;
  for (const { request, most } of conf.limits) {
    const zone = zones.get(request.name) as LimitZone;
    const key = zone.key.evaluate(r);
    if (key === '') continue;
    if (key.length > MAX_KEY) {
      r.log(LOG_ERR, `the value of the "${zone.key.text}" key is more than 255 bytes: "${key}"`);
      continue;
    }
    r.main.limitConnStatus = PASSED;
    const result = enter(zone, key, most);
    if (result !== ENTERED) {
      counted?.release();
      return reject(r, conf, zone, result);
    }
    if (counted === undefined) {
      const entered = new Counted();
      counted = entered;
      r.main.addCleanup(() => entered.release());
    }
    counted.add(zone, key);
  }
  return DECLINED;
}

function reject(r: HttpRequest, conf: LimitConnLocation, zone: LimitZone, result: number): number {
  if (result === TOO_MANY) {
    r.log(conf.logLevel, `limiting connections${conf.dryRun ? ', dry run,' : ''} by zone "${zone.name}"`);
  } else {
    r.http.log.write(LOG_CRIT, `ngx_slab_alloc() failed: no memory in limit_conn_zone "${zone.name}"`);
  }
  r.main.limitConnStatus = conf.dryRun ? REJECTED_DRY_RUN : REJECTED;
  return conf.dryRun ? DECLINED : conf.status;
}

function setZone(cf: ConfContext, main: LimitConnMain, args: readonly string[]): string | undefined {
  const make = (request: ZoneRequest, key: ComplexValue): LimitZone =>
    new LimitZone(request, key, 0, PAYLOAD_WORDS, RECORD_BYTES);
  return declareLimitZone(cf, main.zones, OWNER, args, () => undefined, make);
}

function setLimit(cf: ConfContext, conf: LimitConnLocation, args: readonly string[]): string | undefined {
  const [name, text] = args as [string, string];
  const request = requestZone(cf, name, 0, OWNER);
  if (conf.limits?.some((limit) => limit.request === request) === true) return 'is duplicate';
  const most = parseNumber(text) ?? 0;
  if (most === 0) return `invalid number of connections "${text}"`;
  if (most > 65535) return 'connection limit must be less 65536';
  conf.limits = [...(conf.limits ?? []), { request, most }];
  limitConnModule.mainOf(httpOf(cf).confs).used = true;
  return undefined;
}

const variables: readonly VariableSpec[] = [
  {
    name: 'limit_conn_status',
    noCacheable: true,
    get: (r) => STATUS_NAMES[r.main.limitConnStatus] as string | null,
  },
];

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

const zoneDirective: Directive<LimitConnMain> = {
  name: 'limit_conn_zone',
  contexts: ['http'],
  args: 2,
  level: 'main',
  doc: 'A zone of shared memory for limit_conn: the key and `zone=NAME:SIZE`.',
  set: setZone,
};

const directives: readonly Directive<LimitConnLocation>[] = [
  {
    name: 'limit_conn',
    contexts: CONTEXTS,
    args: 2,
    level: 'location',
    slot: { field: 'limits', default: undefined },
    doc: 'Limits the number of requests that are worked on at a time, by a zone.',
    set: setLimit,
  },
  enumSlot<LimitConnLocation, number>(
    'limit_conn_log_level',
    CONTEXTS,
    'location',
    'logLevel',
    LIMIT_LOG_LEVELS,
    LOG_ERR,
    { doc: 'Level of lines about refused requests.', defaultText: 'error' },
  ),
  numSlot<LimitConnLocation>('limit_conn_status', CONTEXTS, 'location', 'status', HTTP_SERVICE_UNAVAILABLE, {
    doc: 'Status of refused requests.',
    defaultText: '503',
    post: numBounds(400, 599),
  }),
  flagSlot<LimitConnLocation>('limit_conn_dry_run', CONTEXTS, 'location', 'dryRun', false, {
    doc: 'Counts and logs, but lets all requests through.',
    defaultText: 'off',
  }),
];

export const limitConnModule = httpModule<LimitConnMain, object, LimitConnLocation>({
  name: OWNER,
  directives: [zoneDirective, ...directives],
  variables,
  createMain: () => ({ zones: new Map(), used: false }),
  createLocation: () =>
    ({ limits: undefined, logLevel: undefined, status: undefined, dryRun: undefined }) as unknown as LimitConnLocation,
  postconfiguration(http) {
    const { zones, used } = limitConnModule.mainOf(http.confs);
    if (used) http.handlers.preaccess.push(limitConnHandler);
    if (zones.size === 0) return;
    http.cycle.hooks.initModule.push((stage) => {
      if (stage !== 'worker') for (const zone of zones.values()) zone.checkKey('limit_conn_zone');
    });
  },
});
