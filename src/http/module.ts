/**
 * The module contract: everything that takes part in HTTP is a module, declared with `httpModule({...})`.
 *
 * Life cycle, in this order:
 *   1. `http {` is read: createMain, createServer, createLocation make the module's objects for the http block, then
 *      createServer/createLocation for each server and createLocation for each location. Directives fill them.
 *   2. At the closing brace: preconfiguration ran before reading; initMain completes the main object; mergeServer and
 *      mergeLocation inherit from http to server to location (slots declared with a default are merged without code).
 *   3. postconfiguration registers what runs at request time: phase handlers, header and body filters. Register only
 *      when some block uses the module, so that unused modules cost nothing per request.
 *   4. In each worker, initWorker, before connections are accepted; exitWorker when it leaves.
 *
 * nginx: ngx_http_module_t (src/http/ngx_http_config.h).
 */

import type { WorkerInfo } from '../conf/cycle.ts';
import type { ConfContext, ConfStack, Directive } from '../conf/directive.ts';
import type { HttpCycle } from './cycle.ts';
import type { HttpRequest } from './request.ts';
import type { VariableSpec } from './variables.ts';

/** What a module declares. M, S, L: its configuration objects of the http, server and location levels. */
export interface HttpModuleSpec<M extends object, S extends object, L extends object> {
  /** nginx's name, as in `ngx_http_static_module`. */
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: directives of one module write to different objects
  readonly directives?: readonly Directive<any>[];
  readonly variables?: readonly VariableSpec[];
  createMain?(): M;
  createServer?(): S;
  createLocation?(): L;
  preconfiguration?(http: HttpCycle, cf: ConfContext): void;
  initMain?(main: M, cf: ConfContext): void;
  mergeServer?(parent: S, conf: S, cf: ConfContext): void;
  mergeLocation?(parent: L, conf: L, cf: ConfContext): void;
  postconfiguration?(http: HttpCycle, cf: ConfContext): void;
  initWorker?(http: HttpCycle, worker: WorkerInfo): void;
  exitWorker?(http: HttpCycle): void | Promise<void>;
}

/** A declared module: its spec with typed access to its configuration and its per-request context. */
export interface HttpModule<
  M extends object = object,
  S extends object = object,
  L extends object = object,
  C = unknown,
> extends HttpModuleSpec<M, S, L> {
  /** Position in the module list; indexes every configuration and context array. */
  index: number;
  /** The configuration that applies to the request now. */
  main(r: HttpRequest): M;
  server(r: HttpRequest): S;
  location(r: HttpRequest): L;
  /** The same while the configuration is read (from `cf.confs`) or walked. */
  mainOf(confs: ConfStack): M;
  serverOf(confs: ConfStack): S;
  locationOf(confs: ConfStack): L;
  /** The module's own state of a request; undefined until set, forgotten at internal redirects. */
  context(r: HttpRequest): C | undefined;
  setContext(r: HttpRequest, ctx: C | undefined): void;
}

/**
 * Declares a module. The index is given by `src/http/modules/index.ts`, which lists the modules in nginx's order:
 * the order of phase handlers within a phase and, reversed, of filters.
 */
export function httpModule<
  M extends object = object,
  S extends object = object,
  L extends object = object,
  C = unknown,
>(spec: HttpModuleSpec<M, S, L>): HttpModule<M, S, L, C> {
  const module: HttpModule<M, S, L, C> = {
    ...spec,
    index: -1,
    main: (r) => r.mainConf[module.index] as M,
    server: (r) => r.srvConf[module.index] as S,
    location: (r) => r.locConf[module.index] as L,
    mainOf: (confs) => confs.main[module.index] as M,
    serverOf: (confs) => confs.server[module.index] as S,
    locationOf: (confs) => confs.location[module.index] as L,
    context: (r) => r.ctx[module.index] as C | undefined,
    setContext: (r, ctx) => {
      r.ctx[module.index] = ctx;
    },
  };
  return module;
}
