/**
 * The `events` block. The event loop is Node's, so most of it is checked and stored only: `worker_connections` is
 * what src/process and src/http hold themselves to. nginx: ngx_events_module, ngx_event_core_module
 * (src/event/ngx_event.c).
 */
import type { ConfContext, ConfCycle, Directive } from '../directive.ts';
import { ConfError } from '../error.ts';
import type { CoreModule } from '../registry.ts';
import { flagSlot, initSlots, msecSlot, numSlot, slot } from '../slots.ts';
import { parseNumber } from '../units.ts';
import { type Cidr, parseCidr } from './cidr.ts';

/** The events block's settings; complete once the cycle is loaded. */
export interface EventsConf {
  /** The block was read. */
  present: boolean;
  /** Connections a worker may have at once, to clients and to upstreams. */
  workerConnections: number;
  /** Name of the event method. */
  use: string;
  multiAccept: boolean;
  acceptMutex: boolean;
  /** Milliseconds. */
  acceptMutexDelay: number;
  epollEvents: number;
  aioRequests: number;
  /** Clients whose connections are logged at the level debug; 'unix:' for those of unix sockets. */
  debugConnections: readonly (Cidr | 'unix:')[];
}

type Draft = { -readonly [K in keyof EventsConf]: EventsConf[K] | undefined };

/** The events block's settings of a loaded cycle. */
export function eventsConf(cycle: ConfCycle): EventsConf {
  return cycle.confs.get('events') as EventsConf;
}

function noEffect(cf: ConfContext, why: string): undefined {
  cf.warn(`"${cf.name}" has no effect in tsresty: ${why}`);
}

const EVENTS = ['events'] as const;
const METHOD = process.platform === 'linux' ? 'epoll' : 'kqueue';

function setBlock(cf: ConfContext, conf: Draft): string | undefined {
  if (conf.present === true) return 'is duplicate';
  conf.present = true;
  cf.parseBlock('events');
  return undefined;
}

function addDebugConnection(cf: ConfContext, conf: Draft, args: readonly string[]): string | undefined {
  const text = args[0]!;
  const before = conf.debugConnections ?? [];
  const why = 'the level of debugging lines is chosen by error_log alone';
  if (text === 'unix:') {
    conf.debugConnections = [...before, text];
    return noEffect(cf, why);
  }
  const cidr = parseCidr(text);
  if (cidr === undefined) return `host not found in debug_connection "${text}"`;
  if (cidr.lowBits) cf.warn(`low address bits of ${text} are meaningless`);
  conf.debugConnections = [...before, cidr];
  return noEffect(cf, why);
}

const directives: readonly Directive<Draft>[] = [
  {
    name: 'events',
    contexts: ['main'],
    args: 0,
    block: 'conf',
    set: setBlock,
    doc: 'Settings of connection handling.',
  },
  slot<Draft, number>({
    name: 'worker_connections',
    contexts: EVENTS,
    args: 1,
    level: undefined,
    field: 'workerConnections',
    parse: (_cf, args) => parseNumber(args[0]!) ?? { message: `invalid number "${args[0]}"` },
    default: 512,
    extra: { doc: 'Connections that a worker may have at once, to clients and to upstreams.', defaultText: '512' },
  }),
  slot<Draft, string>({
    name: 'use',
    contexts: EVENTS,
    args: 1,
    level: undefined,
    field: 'use',
    parse(cf, args) {
      const name = args[0]!;
      if (name === METHOD) return METHOD;
      if (name !== 'poll' && name !== 'select') return { message: `invalid event type "${name}"` };
      cf.log('info', `"use ${name}" has no effect: the runtime uses ${METHOD}`);
      return METHOD;
    },
    default: METHOD,
    extra: "The event method: the system's best, which is the only one.",
  }),
  flagSlot('multi_accept', EVENTS, undefined, 'multiAccept', false, {
    doc: 'Whether a worker accepts all waiting connections at once.',
    post: (cf, on) => (on ? noEffect(cf, 'the event loop accepts all that are waiting') : undefined),
  }),
  flagSlot('accept_mutex', EVENTS, undefined, 'acceptMutex', false, {
    doc: 'Whether workers take turns accepting.',
    post: (cf, on) => (on ? noEffect(cf, 'the kernel decides which worker accepts') : undefined),
  }),
  msecSlot('accept_mutex_delay', EVENTS, undefined, 'acceptMutexDelay', 500, {
    doc: 'How long a worker waits for its turn.',
    defaultText: '500ms',
    post: (cf) => noEffect(cf, 'the kernel decides which worker accepts'),
  }),
  numSlot('epoll_events', EVENTS, undefined, 'epollEvents', 512, {
    doc: 'Events taken from the kernel at once.',
    post: (cf) => noEffect(cf, 'the event loop takes its own number of events'),
  }),
  numSlot('worker_aio_requests', EVENTS, undefined, 'aioRequests', 32, {
    doc: 'Outstanding asynchronous disk operations of a worker.',
    post: (cf) => noEffect(cf, "files are read through Node's own threads"),
  }),
  {
    name: 'debug_connection',
    contexts: EVENTS,
    args: 1,
    doc: 'Clients whose connections are logged at the level debug.',
    set: addDebugConnection,
  },
];

function emptyConf(): Draft {
  return {
    present: false,
    workerConnections: undefined,
    use: undefined,
    multiAccept: undefined,
    acceptMutex: undefined,
    acceptMutexDelay: undefined,
    epollEvents: undefined,
    aioRequests: undefined,
    debugConnections: [],
  };
}

/** nginx: ngx_events_module. */
export const eventsModule: CoreModule = {
  name: 'events',
  directives,
  createConf: emptyConf,
  initConf(_cycle, conf) {
    const events = conf as Draft;
    if (events.present !== true) throw new ConfError('no "events" section in configuration');
    initSlots(directives, undefined, events);
  },
};
