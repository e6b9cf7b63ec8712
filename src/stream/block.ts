/**
 * The `stream` block: makes the modules' configuration objects, reads what stands inside, hands the values down from
 * stream to server, and builds what sessions run on. nginx: ngx_stream_block() (src/stream/ngx_stream.c).
 */
import { accepter, within } from '../conf/block.ts';
import { CycleLog } from '../conf/block-log.ts';
import type { Cycle } from '../conf/cycle.ts';
import type { ConfContext, ConfStack, Directive } from '../conf/directive.ts';
import type { CoreModule } from '../conf/registry.ts';
import { cycleOf } from '../conf/resources.ts';
import { initSlots, mergeSlots } from '../conf/slots.ts';
import { completeVariables } from '../conf/variables.ts';
import type { AcceptedSocket } from '../net/socket.ts';
import type { ListenGroup } from './core/conf.ts';
import { coreModule } from './core/define.ts';
import { buildListening } from './core/listen.ts';
import type { StreamCycle } from './cycle.ts';
import { buildPhaseEngine, runPhases } from './engine.ts';
import type { StreamModule } from './module.ts';
import { PHASES, type PhaseHandler, type PhaseName } from './phases.ts';
import { StreamSession } from './session.ts';
import { addVariable } from './variables.ts';

function createStream(cycle: Cycle, modules: readonly StreamModule[]): StreamCycle {
  const handlers = Object.fromEntries(PHASES.map((phase) => [phase, []])) as unknown as Record<
    PhaseName,
    PhaseHandler[]
  >;
  const server = modules.map((module) => module.createServer?.());
  return {
    subsystem: 'stream',
    cycle,
    modules,
    outside: modules.map((module) => module.createServer?.()),
    confs: { main: modules.map((module) => module.createMain?.()), server, location: server },
    handlers,
    phaseEngine: [],
    indexed: [],
    variables: new Map(),
    prefixVariables: [],
    log: new CycleLog(cycle),
    sessions: new Set(),
  };
}

function setStream(cf: ConfContext, modules: readonly StreamModule[]): string | undefined {
  const cycle = cycleOf(cf);
  if (cycle.confs.get('stream') !== undefined) return 'is duplicate';
  const stream = createStream(cycle, modules);
  cycle.confs.set('stream', stream);
  const inside = within(cf, stream.confs);
  for (const module of modules) for (const variable of module.variables ?? []) addVariable(inside, variable);
  cf.parseBlock('stream', stream.confs);
  completeStream(stream, inside);
  return undefined;
}

/** From what the directives set to what sessions run on. */
function completeStream(stream: StreamCycle, cf: ConfContext): void {
  const main = coreModule.mainOf(stream.confs);
  const outside: ConfStack = { main: stream.confs.main, server: stream.outside, location: stream.outside };
  const inheriting = [...main.servers.map((server) => server.confs), outside];
  for (const module of stream.modules) {
    const conf = stream.confs.main[module.index] as object | undefined;
    if (conf !== undefined) {
      initSlots(module.directives ?? [], 'main', conf);
      module.initMain?.(conf, cf);
    }
    const parent = stream.confs.server[module.index] as object | undefined;
    if (parent === undefined) continue;
    for (const confs of inheriting) {
      const own = confs.server[module.index] as object;
      mergeSlots(module.directives ?? [], 'server', parent, own);
      module.mergeServer?.(parent, own, within(cf, confs));
    }
  }
  for (const module of stream.modules) module.postconfiguration?.(stream, cf);
  completeVariables(stream);
  buildPhaseEngine(stream);
  buildListening(stream.cycle, main);
  for (const port of main.ports) port.listening.accept = accepter(port, (group) => acceptStream(stream, group));
  const { hooks } = stream.cycle;
  hooks.initProcess.push((worker) => {
    for (const module of stream.modules) module.initWorker?.(stream, worker);
  });
  hooks.exitProcess.push(async () => {
    for (const module of stream.modules) await module.exitWorker?.(stream);
  });
  hooks.abort.push(() => {
    for (const session of [...stream.sessions]) session.abort();
  });
}

/** What takes the connections of an address. nginx: ngx_stream_init_connection(). */
function acceptStream(stream: StreamCycle, group: ListenGroup): (socket: AcceptedSocket) => void {
  return (socket) => runPhases(new StreamSession(socket, stream, group));
}

/** For loadCycle: the stream block with its modules, as `streamModules` lists them. */
export function streamCoreModule(modules: readonly StreamModule[]): CoreModule {
  const directive: Directive = {
    name: 'stream',
    contexts: ['main'],
    args: 0,
    block: 'conf',
    doc: 'Servers of plain TCP.',
    set: (cf) => setStream(cf, modules),
  };
  return { name: 'stream', directives: [directive], submodules: modules as CoreModule['submodules'] & object };
}

/** The stream block of a loaded cycle; undefined when the configuration has none. */
export function streamConf(cycle: Cycle): StreamCycle | undefined {
  return cycle.confs.get('stream') as StreamCycle | undefined;
}
