/**
 * What ngx_stream_core_module declares: its objects before anything is set, its directives, and what is inherited in
 * other ways than by slots. nginx: src/stream/ngx_stream_core_module.c.
 */
import { addErrorLogTarget } from '../../conf/block-log.ts';
import type { ConfContext, ConfStack, ContextName, Directive } from '../../conf/directive.ts';
import { parseErrorLog } from '../../conf/modules/errlog.ts';
import { resolverDirectives } from '../../conf/resolver-directives.ts';
import { flagSlot, msecSlot, numSlot, sizeSlot } from '../../conf/slots.ts';
import { streamOf } from '../cycle.ts';
import type { StreamModuleSpec } from '../module.ts';
import type { CoreMain, CoreServer } from './conf.ts';
import { listenDirective } from './listen.ts';
import { coreModule } from './module.ts';
import { coreVariables } from './variables.ts';

/** All fields, unset. Every field is named here, so that the objects of all blocks have the same shape. */
type Unset<T> = { [K in keyof T]: T[K] | undefined };

const NO_CONFS: ConfStack = { main: [], server: [], location: [] };
const BOTH: readonly ContextName[] = ['stream', 'stream server'];

function createMain(): CoreMain {
  const main: Unset<CoreMain> = {
    servers: [],
    ports: [],
    variablesHashMaxSize: undefined,
    variablesHashBucketSize: undefined,
  };
  return main as CoreMain;
}

function createServer(): CoreServer {
  const server: Unset<CoreServer> = {
    confs: NO_CONFS,
    tlsConfs: [],
    file: '',
    line: 0,
    listen: false,
    listenSsl: false,
    handler: undefined,
    errorLog: undefined,
    resolver: undefined,
    resolverTimeout: undefined,
    tcpNodelay: undefined,
    prereadBufferSize: undefined,
    prereadTimeout: undefined,
  };
  return server as CoreServer;
}

function setServer(cf: ConfContext): undefined {
  const stream = streamOf(cf);
  const own = stream.modules.map((module) => module.createServer?.());
  const confs: ConfStack = { main: stream.confs.main, server: own, location: own };
  const server = coreModule.serverOf(confs);
  server.confs = confs;
  server.file = cf.file;
  server.line = cf.line;
  coreModule.mainOf(confs).servers.push(server);
  cf.parseBlock('stream server', confs);
  if (!server.listen) throw cf.error(`no "listen" is defined for server in ${server.file}:${server.line}`);
}

// biome-ignore lint/suspicious/noExplicitAny: they write to objects of two levels
const directives: readonly Directive<any>[] = [
  numSlot<CoreMain>(
    'variables_hash_max_size',
    ['stream'],
    'main',
    'variablesHashMaxSize',
    1024,
    'Accepted; not needed.',
  ),
  numSlot<CoreMain>(
    'variables_hash_bucket_size',
    ['stream'],
    'main',
    'variablesHashBucketSize',
    64,
    'Accepted; not needed.',
  ),
  {
    name: 'server',
    contexts: ['stream'],
    args: 0,
    block: 'conf',
    level: 'server',
    doc: 'A server of plain TCP.',
    set: setServer,
  },
  listenDirective,
  {
    name: 'error_log',
    contexts: BOTH,
    args: { min: 1 },
    level: 'server',
    doc: 'Where errors are logged, and from which level up.',
    defaultText: 'logs/error.log error',
    set(cf: ConfContext, server: CoreServer, args: readonly string[]) {
      server.errorLog = addErrorLogTarget(cf, server.errorLog, parseErrorLog(cf, args));
      return undefined;
    },
  },
  ...resolverDirectives(BOTH, 'server'),
  flagSlot<CoreServer>('tcp_nodelay', BOTH, 'server', 'tcpNodelay', true, 'Sends small pieces at once.'),
  sizeSlot<CoreServer>(
    'preread_buffer_size',
    BOTH,
    'server',
    'prereadBufferSize',
    16384,
    'Most bytes that the preread phase looks at.',
  ),
  msecSlot<CoreServer>(
    'preread_timeout',
    BOTH,
    'server',
    'prereadTimeout',
    30000,
    'How long the preread phase may take.',
  ),
];

function mergeServer(parent: CoreServer, server: CoreServer, cf: ConfContext): void {
  server.errorLog ??= parent.errorLog ?? streamOf(cf).log;
}

Object.assign(coreModule, {
  directives,
  variables: coreVariables,
  createMain,
  createServer,
  mergeServer,
} satisfies Partial<StreamModuleSpec<CoreMain, CoreServer>>);

export { coreModule };
