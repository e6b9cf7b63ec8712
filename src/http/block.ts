/**
 * The `http` block: makes the modules' configuration objects, reads what stands inside, hands the values down from
 * http to server to location, and builds what requests run on. nginx: ngx_http_block() (src/http/ngx_http.c).
 */

import { accepter, within } from '../conf/block.ts';
import { CycleLog } from '../conf/block-log.ts';
import type { Cycle } from '../conf/cycle.ts';
import type { ConfContext, ConfStack, Directive } from '../conf/directive.ts';
import type { CoreModule } from '../conf/registry.ts';
import { cycleOf } from '../conf/resources.ts';
import { initSlots, mergeSlots } from '../conf/slots.ts';
import type { CoreLocation, CoreServer } from './core/conf.ts';
import { buildListening } from './core/listen.ts';
import { LocationTree } from './core/location-tree.ts';
import { coreModule } from './core/module.ts';
import type { BodyFilter, HeaderFilter, HttpCycle, PhaseHandler } from './cycle.ts';
import { buildPhaseEngine } from './engine.ts';
import type { HttpModule } from './module.ts';
import { PHASES, type PhaseName } from './phases.ts';
import { acceptHttp, endConnectionsWithCycle } from './protocol/server.ts';
import { addVariable, initVariables } from './variables.ts';

const noHeaderFilter: HeaderFilter = () => {
  throw new Error('no module writes response headers');
};
const noBodyFilter: BodyFilter = () => {
  throw new Error('no module writes response bodies');
};

function createHttp(cycle: Cycle, modules: readonly HttpModule[]): HttpCycle {
  const handlers = Object.fromEntries(PHASES.map((phase) => [phase, []])) as unknown as Record<
    PhaseName,
    PhaseHandler[]
  >;
  return {
    subsystem: 'http',
    cycle,
    modules,
    confs: {
      main: modules.map((module) => module.createMain?.()),
      server: modules.map((module) => module.createServer?.()),
      location: modules.map((module) => module.createLocation?.()),
    },
    outside: [],
    handlers,
    postponed: [],
    phaseEngine: [],
    serverRewriteIndex: 0,
    locationRewriteIndex: 0,
    topHeaderFilter: noHeaderFilter,
    topBodyFilter: noBodyFilter,
    indexed: [],
    variables: new Map(),
    prefixVariables: [],
    log: new CycleLog(cycle),
  };
}

function setHttp(cf: ConfContext, modules: readonly HttpModule[]): string | undefined {
  const cycle = cycleOf(cf);
  if (cycle.confs.get('http') !== undefined) return 'is duplicate';
  const http = createHttp(cycle, modules);
  cycle.confs.set('http', http);
  coreModule.locationOf(http.confs).confs = http.confs.location;
  const inside = within(cf, http.confs);
  for (const module of http.modules) {
    module.preconfiguration?.(http, inside);
    for (const variable of module.variables ?? []) addVariable(inside, variable);
  }
  cf.parseBlock('http', http.confs);
  completeHttp(http, inside);
  return undefined;
}

/** From what the directives set to what requests run on. */
function completeHttp(http: HttpCycle, cf: ConfContext): void {
  const main = coreModule.mainOf(http.confs);
  for (const module of http.modules) {
    const conf = http.confs.main[module.index] as object | undefined;
    if (conf !== undefined) {
      initSlots(module.directives ?? [], 'main', conf);
      module.initMain?.(conf, cf);
    }
    for (const server of main.servers) mergeServer(module, http.confs, server, cf);
  }
  mergeOutside(http, cf);
  for (const server of main.servers) initLocations(coreModule.locationOf(server.confs), server);
  for (const module of http.modules) module.postconfiguration?.(http, cf);
  initVariables(http);
  buildPhaseEngine(http);
  buildListening(http.cycle, main);
  for (const port of main.ports) port.listening.accept = accepter(port, (group) => acceptHttp(http, group));
  endConnectionsWithCycle(http);
  const { hooks } = http.cycle;
  hooks.initProcess.push((worker) => {
    for (const module of http.modules) module.initWorker?.(http, worker);
  });
  hooks.exitProcess.push(async () => {
    for (const module of http.modules) await module.exitWorker?.(http);
  });
}

function mergeServer(module: HttpModule, outer: ConfStack, server: CoreServer, cf: ConfContext): void {
  const { index } = module;
  const inside = within(cf, server.confs);
  const conf = server.confs.server[index] as object | undefined;
  if (conf !== undefined) {
    const parent = outer.server[index] as object;
    mergeSlots(module.directives ?? [], 'server', parent, conf);
    module.mergeServer?.(parent, conf, inside);
  }
  if (server.confs.location[index] === undefined) return;
  mergeLocation(module, outer.location, server.confs, cf);
}

/** As ngx_lua does for init_worker_by_lua and its timers: an empty location directly in the http block. */
function mergeOutside(http: HttpCycle, cf: ConfContext): void {
  const { main, server, location } = http.confs;
  const confs = { main, server, location: http.modules.map((module) => module.createLocation?.()) };
  coreModule.locationOf(confs).confs = confs.location;
  for (const module of http.modules) {
    if (confs.location[module.index] !== undefined) mergeLocation(module, location, confs, cf);
  }
  http.outside = confs.location;
}

/** Hands values down to a location-like block, then from it to those inside. */
function mergeLocation(module: HttpModule, outer: readonly unknown[], confs: ConfStack, cf: ConfContext): void {
  const parent = outer[module.index] as object;
  const conf = confs.location[module.index] as object;
  mergeSlots(module.directives ?? [], 'location', parent, conf);
  module.mergeLocation?.(parent, conf, within(cf, confs));
  for (const child of coreModule.locationOf(confs).children) {
    mergeLocation(module, confs.location, { ...confs, location: child.confs }, cf);
  }
}

/** Sorts a block's locations by how they are found. nginx: ngx_http_init_locations(). */
function initLocations(outer: CoreLocation, server: CoreServer): void {
  const named: CoreLocation[] = [];
  const regexes: CoreLocation[] = [];
  const plain: CoreLocation[] = [];
  for (const location of outer.children) {
    initLocations(location, server);
    if (location.noname) continue;
    if (location.regex !== undefined) regexes.push(location);
    else if (location.named) named.push(location);
    else plain.push(location);
  }
  for (const location of named) if (!server.named.has(location.name)) server.named.set(location.name, location);
  if (regexes.length > 0) outer.regexLocations = regexes;
  if (plain.length > 0) outer.tree = new LocationTree(plain);
}

/** For loadCycle: the http block with its modules, as `httpModules` lists them. */
export function httpCoreModule(modules: readonly HttpModule[]): CoreModule {
  const directive: Directive = {
    name: 'http',
    contexts: ['main'],
    args: 0,
    block: 'conf',
    doc: 'The HTTP server.',
    set: (cf) => setHttp(cf, modules),
  };
  return { name: 'http', directives: [directive], submodules: modules as CoreModule['submodules'] & object };
}

/** The http block of a loaded cycle; undefined when the configuration has none. */
export function httpConf(cycle: Cycle): HttpCycle | undefined {
  return cycle.confs.get('http') as HttpCycle | undefined;
}
