/** `stub_status`: a page of counters, and variables of them. nginx: src/http/modules/ngx_http_stub_status_module.c. */
import type { ZoneRequest } from '../../conf/cycle.ts';
import type { ConfStack, Directive } from '../../conf/directive.ts';
import { requestZone } from '../../conf/resources.ts';
import { MIN_ZONE_SIZE } from '../../shm/layout.ts';
import type { Zone } from '../../shm/zone.ts';
import { HTTP_NOT_ALLOWED, HTTP_OK, OK } from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { httpModule } from '../module.ts';
import { type HttpRequest, METHOD_GET, METHOD_HEAD } from '../request.ts';
import { literalValue } from '../script.ts';
import { sendResponse } from '../send-response.ts';
import {
  keepStats,
  readStat,
  STAT_ACCEPTED,
  STAT_ACTIVE,
  STAT_HANDLED,
  STAT_READING,
  STAT_REQUESTS,
  STAT_WAITING,
  STAT_WRITING,
} from '../stats.ts';
import type { VariableSpec } from '../variables.ts';

interface StubStatusMain {
  used: boolean;
  zone: ZoneRequest | undefined;
}

const ZONE = 'ngx_http_stub_status';

function stubStatusHandler(r: HttpRequest): number {
  if ((r.method & (METHOD_GET | METHOD_HEAD)) === 0) return HTTP_NOT_ALLOWED;
  const rc = r.connection.discardBody(r);
  if (rc !== OK) return rc;
  const page =
    `Active connections: ${readStat(STAT_ACTIVE)} \n` +
    'server accepts handled requests\n' +
    ` ${readStat(STAT_ACCEPTED)} ${readStat(STAT_HANDLED)} ${readStat(STAT_REQUESTS)} \n` +
    `Reading: ${readStat(STAT_READING)} Writing: ${readStat(STAT_WRITING)} Waiting: ${readStat(STAT_WAITING)} \n`;
  return sendResponse(r, HTTP_OK, 'text/plain', literalValue(page));
}

function statVariable(_r: HttpRequest, stat: unknown): string {
  return String(readStat(stat as number));
}

const variables: readonly VariableSpec[] = [
  { name: 'connections_active', get: statVariable, data: STAT_ACTIVE, noCacheable: true },
  { name: 'connections_reading', get: statVariable, data: STAT_READING, noCacheable: true },
  { name: 'connections_writing', get: statVariable, data: STAT_WRITING, noCacheable: true },
  { name: 'connections_waiting', get: statVariable, data: STAT_WAITING, noCacheable: true },
];

const directives: readonly Directive<object>[] = [
  {
    name: 'stub_status',
    contexts: ['server', 'location'],
    args: [0, 1],
    level: 'location',
    doc: 'Answers with the numbers of connections and requests.',
    set(cf) {
      const confs = cf.confs as ConfStack;
      coreModule.locationOf(confs).handler = stubStatusHandler;
      stubStatusModule.mainOf(confs).used = true;
      return undefined;
    },
  },
];

export const stubStatusModule = httpModule<StubStatusMain, object, object>({
  name: 'ngx_http_stub_status_module',
  directives,
  variables,
  createMain: () => ({ used: false, zone: undefined }),
  createLocation: () => ({}),
  postconfiguration(http, cf) {
    const main = stubStatusModule.mainOf(http.confs);
    const named = http.indexed.some(({ name }) => variables.some((variable) => variable.name === name));
    // A page long, and the numbers go on over a reload: the name is the same in every configuration.
    if (main.used || named) main.zone = requestZone(cf, ZONE, MIN_ZONE_SIZE, ZONE);
  },
  initWorker(http) {
    const zone = stubStatusModule.mainOf(http.confs).zone?.zone as Zone | undefined;
    if (zone !== undefined) keepStats(zone);
  },
});
