/**
 * `zone`: the state of an upstream's servers is shared by all workers, and names with `resolve` are resolved again and
 * again. nginx: src/http/modules/ngx_http_upstream_zone_module.c.
 */
import type { Cycle, WorkerInfo, ZoneRequest } from '../../conf/cycle.ts';
import type { ConfContext } from '../../conf/directive.ts';
import { ConfError } from '../../conf/error.ts';
import { coreConf } from '../../conf/modules/core.ts';
import { requestZone } from '../../conf/resources.ts';
import { parseSize } from '../../conf/units.ts';
import { MIN_ZONE_SIZE } from '../../shm/layout.ts';
import type { Zone } from '../../shm/zone.ts';
import { attachSharedUpstreams, createSharedUpstreams } from '../../upstream/shared-peers.ts';
import type { HttpCycle } from '../cycle.ts';
import { httpModule } from '../module.ts';
import type { Upstream } from '../upstream/conf.ts';
import { upstreamModule, upstreamOf } from '../upstream/module.ts';
import { NameWatch } from '../upstream/name-watch.ts';

const OWNER = 'ngx_http_upstream_module';

function setZone(cf: ConfContext, _conf: object, args: readonly string[]): undefined {
  const upstream = upstreamOf(cf);
  const [name, sizeText] = args as [string, string | undefined];
  if (name === '') throw cf.error(`invalid zone name "${name}"`);
  let size = 0;
  if (sizeText !== undefined) {
    const parsed = parseSize(sizeText);
    if (parsed === undefined) throw cf.error(`invalid zone size "${sizeText}"`);
    if (parsed < MIN_ZONE_SIZE) throw cf.error(`zone "${name}" is too small`);
    size = parsed;
  }
  upstream.zone = requestZone(cf, name, size, OWNER);
  upstream.zone.fresh = true;
  return undefined;
}

/** The upstreams of each zone. */
function byZone(http: HttpCycle): Map<ZoneRequest, Upstream[]> {
  const groups = new Map<ZoneRequest, Upstream[]>();
  for (const upstream of upstreamModule.mainOf(http.confs).upstreams) {
    const { zone } = upstream;
    if (zone === undefined) continue;
    const group = groups.get(zone);
    if (group === undefined) groups.set(zone, [upstream]);
    else group.push(upstream);
  }
  return groups;
}

function openZones(http: HttpCycle, stage: 'master' | 'worker' | 'single'): void {
  const { cycle } = http;
  for (const [request, upstreams] of byZone(http)) {
    const zone = request.zone as Zone;
    if (stage === 'worker') {
      attachSharedUpstreams(zone, upstreams);
      continue;
    }
    const workers = stage === 'single' ? 1 : coreConf(cycle as Cycle).workerProcesses;
    try {
      createSharedUpstreams(zone, upstreams, workers, request.previous as Zone | undefined);
    } catch (error) {
      throw new ConfError((error as Error).message);
    }
    // Else each configuration would hold the one before.
    delete request.previous;
  }
}

/** Names that this process resolves: the first worker does it for all. */
const watches = new WeakMap<HttpCycle, NameWatch[]>();

function initWorker(http: HttpCycle, worker: WorkerInfo): void {
  const started: NameWatch[] = [];
  for (const upstream of upstreamModule.mainOf(http.confs).upstreams) {
    if (upstream.shared === undefined) continue;
    upstream.shared.takeLedger(worker.id + 1);
    if (worker.id !== 0) continue;
    upstream.servers?.forEach((server, index) => {
      if (server.host !== undefined) started.push(new NameWatch(http, upstream, index));
    });
  }
  for (const watch of started) watch.start();
  watches.set(http, started);
}

function stop(http: HttpCycle): void {
  for (const watch of watches.get(http) ?? []) watch.stop();
  watches.delete(http);
}

export const upstreamZoneModule = httpModule({
  name: 'ngx_http_upstream_zone_module',
  directives: [
    {
      name: 'zone',
      contexts: ['upstream'],
      args: [1, 2],
      level: 'server',
      doc: 'Shared memory for the state of the servers; the size is given once for all upstreams that share it.',
      set: setZone,
    },
  ],
  createServer: () => ({}),
  postconfiguration(http) {
    if (!upstreamModule.mainOf(http.confs).upstreams.some((upstream) => upstream.zone !== undefined)) return;
    http.cycle.hooks.initModule.push((stage) => openZones(http, stage));
    http.cycle.hooks.drain.push(() => stop(http));
  },
  initWorker,
  exitWorker: stop,
});
