/**
 * The module contract: everything that takes part in stream is a module, declared with `streamModule({...})`.
 *
 * Life cycle, in this order:
 *   1. `stream {` is read: createMain and createServer make the module's objects for the stream block, then
 *      createServer for each server and upstream. Directives fill them.
 *   2. At the closing brace: initMain completes the main object; mergeServer inherits from stream to server (slots
 *      declared with a default are merged without code).
 *   3. postconfiguration registers what runs for sessions: phase handlers. Register only when some block uses the
 *      module, so that unused modules cost nothing per session.
 *   4. In each worker, initWorker, before connections are accepted; exitWorker when it leaves.
 *
 * nginx: ngx_stream_module_t (src/stream/ngx_stream.h). It is http's contract without locations.
 */
import type { WorkerInfo } from '../conf/cycle.ts';
import type { ConfContext, ConfStack, Directive } from '../conf/directive.ts';
import type { VariableSpec } from '../conf/variables.ts';
import type { StreamCycle } from './cycle.ts';
import type { StreamSession } from './session.ts';

/** What a module declares. M, S: its configuration objects of the stream and server levels. */
export interface StreamModuleSpec<M extends object, S extends object> {
  /** nginx's name, as in `ngx_stream_return_module`. */
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: directives of one module write to different objects
  readonly directives?: readonly Directive<any>[];
  readonly variables?: readonly VariableSpec<StreamSession>[];
  createMain?(): M;
  createServer?(): S;
  initMain?(main: M, cf: ConfContext): void;
  mergeServer?(parent: S, conf: S, cf: ConfContext): void;
  postconfiguration?(stream: StreamCycle, cf: ConfContext): void;
  initWorker?(stream: StreamCycle, worker: WorkerInfo): void;
  exitWorker?(stream: StreamCycle): void | Promise<void>;
}

/** A declared module: its spec with typed access to its configuration and its per-session context. */
export interface StreamModule<M extends object = object, S extends object = object, C = unknown>
  extends StreamModuleSpec<M, S> {
  /** Position in the module list; indexes every configuration and context array. */
  index: number;
  /** The configuration that applies to the session. */
  main(s: StreamSession): M;
  server(s: StreamSession): S;
  /** The same while the configuration is read (from `cf.confs`) or walked. */
  mainOf(confs: ConfStack): M;
  serverOf(confs: ConfStack): S;
  /** The module's own state of a session; undefined until set. */
  context(s: StreamSession): C | undefined;
  setContext(s: StreamSession, ctx: C | undefined): void;
}

/** Declares a module. The index is given by `src/stream/modules/index.ts`, which lists the modules in nginx's order. */
export function streamModule<M extends object = object, S extends object = object, C = unknown>(
  spec: StreamModuleSpec<M, S>,
): StreamModule<M, S, C> {
  const module: StreamModule<M, S, C> = {
    ...spec,
    index: -1,
    main: (s) => s.mainConf[module.index] as M,
    server: (s) => s.srvConf[module.index] as S,
    mainOf: (confs) => confs.main[module.index] as M,
    serverOf: (confs) => confs.server[module.index] as S,
    context: (s) => s.ctx[module.index] as C | undefined,
    setContext: (s, ctx) => {
      s.ctx[module.index] = ctx;
    },
  };
  return module;
}
