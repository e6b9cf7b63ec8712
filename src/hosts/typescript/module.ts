/**
 * tsresty_typescript_module: handlers in TypeScript. Each directive names a file whose default export is a function
 * `(ngx: Ngx) => void | Promise<void>`; paths are relative to the server's prefix.
 */
import { apiModule } from '../../api/context.ts';
import {
  IN_ACCESS,
  IN_BALANCER,
  IN_BODY_FILTER,
  IN_EXIT_WORKER,
  IN_HEADER_FILTER,
  IN_INIT_WORKER,
  IN_LOG,
  IN_PRECONTENT,
  IN_REWRITE,
  IN_SERVER_REWRITE,
} from '../../api/phase.ts';
import { installCaptureFilters } from '../../api/subrequest.ts';
import type { ConfContext, ConfStack, ContextName, Directive } from '../../conf/directive.ts';
import type { Chain } from '../../http/buf.ts';
import { DECLINED, ERROR, OK } from '../../http/codes.ts';
import { coreModule } from '../../http/core/module.ts';
import type { BodyFilter, HeaderFilter } from '../../http/cycle.ts';
import { httpModule } from '../../http/module.ts';
import type { HttpRequest } from '../../http/request.ts';
import type { KeepalivePool } from '../../http/upstream/keepalive.ts';
import { useBalancer } from '../balancer.ts';
import type { BodyFilters, HeldOutput } from '../held-output.ts';
import { contentHandler, phaseHandler, type UserHandler } from '../phase-handlers.ts';
import { BodyPiece } from './body.ts';
import { ModuleFile } from './loader.ts';
import { type HandlerModule, handlerOfFile, loadAhead, loadForLater, runAtOnce, runWorkerHook } from './run.ts';
import { waitingBalancer, waitingBodyFilter, waitingHeaderFilter, waitingLog } from './waiting-phases.ts';

type File = ModuleFile<HandlerModule>;

/** Of a location. */
interface TypeScriptLocation {
  rewrite: UserHandler | undefined;
  access: UserHandler | undefined;
  content: UserHandler | undefined;
  precontent: UserHandler | undefined;
  headerFilter: File | undefined;
  bodyFilter: File | undefined;
  log: File | undefined;
}

interface TypeScriptServer {
  serverRewrite: UserHandler | undefined;
}

interface TypeScriptMain {
  /** Phases in use anywhere. */
  readonly uses: Set<string>;
  initWorker: File | undefined;
  exitWorker: File | undefined;
  /** Of upstream blocks. */
  readonly balancers: File[];
  readonly pools: KeepalivePool[];
}

const ALL: readonly ContextName[] = ['http', 'server', 'location', 'if in location'];
const LOCATIONS: readonly ContextName[] = ['location', 'if in location'];

function directive(
  name: string,
  field: keyof TypeScriptLocation,
  contexts: readonly ContextName[],
  doc: string,
): Directive<TypeScriptLocation> {
  return {
    name,
    contexts,
    args: 1,
    level: 'location',
    doc,
    set(cf, conf, args) {
      if (conf[field] !== undefined) return 'is duplicate';
      const file = fileOf(cf, args);
      if (field === 'headerFilter' || field === 'bodyFilter' || field === 'log') conf[field] = file;
      else conf[field] = handlerOfFile(file, name);
      if (cf.confs !== undefined) {
        typescriptModule.mainOf(cf.confs).uses.add(field);
        if (field === 'content') coreModule.locationOf(cf.confs).handler = typescriptContent;
      }
      return undefined;
    },
  };
}

function fileOf(cf: ConfContext, args: readonly string[]): File {
  return new ModuleFile(cf.fullName(args[0] as string, 'prefix'));
}

function workerDirective(name: string, field: 'initWorker' | 'exitWorker', doc: string): Directive<TypeScriptMain> {
  return {
    name,
    contexts: ['http'],
    args: 1,
    level: 'main',
    doc,
    set(cf, conf, args) {
      if (conf[field] !== undefined) return 'is duplicate';
      conf[field] = fileOf(cf, args);
      return undefined;
    },
  };
}

const serverRewrite: Directive<TypeScriptServer> = {
  name: 'server_rewrite_by_ts_file',
  contexts: ['http', 'server'],
  args: 1,
  level: 'server',
  doc: 'Runs a TypeScript handler before a location is chosen.',
  set(cf, conf, args) {
    if (conf.serverRewrite !== undefined) return 'is duplicate';
    conf.serverRewrite = handlerOfFile(fileOf(cf, args), 'server_rewrite_by_ts_file');
    if (cf.confs !== undefined) typescriptModule.mainOf(cf.confs).uses.add('serverRewrite');
    return undefined;
  },
};

const balancer: Directive<TypeScriptServer> = {
  name: 'balancer_by_ts_file',
  contexts: ['upstream'],
  args: [1, 2],
  level: 'server',
  doc: 'Chooses the server of an upstream block for each attempt by a TypeScript handler. keepalive=N: most idle connections that ngx.balancer.enableKeepalive keeps (32).',
  set(cf, _conf, args) {
    const option = args[1];
    const keepalive = option === undefined ? undefined : /^keepalive=([1-9]\d{0,8})$/.exec(option)?.[1];
    if (option !== undefined && keepalive === undefined) throw cf.error(`invalid parameter "${option}"`);
    const file = fileOf(cf, args);
    const { balancers, uses, pools } = typescriptModule.mainOf(cf.confs as ConfStack);
    balancers.push(file);
    uses.add('balancer');
    useBalancer(cf, {
      connections: () => (keepalive === undefined ? undefined : Number(keepalive)),
      usePool: (_upstream, pool) => pools.push(pool),
      run(r, ctx, selection) {
        if (!apiModule.location(r).strictPhases) return waitingBalancer(r, file, ctx, selection);
        ctx.exited = false;
        return runAtOnce(r, file, IN_BALANCER, 'balancer_by_ts_file') === undefined ? ERROR : OK;
      },
    });
    return undefined;
  },
};

export const typescriptModule = httpModule<TypeScriptMain, TypeScriptServer, TypeScriptLocation, HeldOutput>({
  name: 'tsresty_typescript_module',
  directives: [
    directive('rewrite_by_ts_file', 'rewrite', ALL, 'Runs a TypeScript handler in the rewrite phase.'),
    directive('access_by_ts_file', 'access', ALL, 'Runs a TypeScript handler in the access phase.'),
    directive('precontent_by_ts_file', 'precontent', ALL, 'Runs a TypeScript handler before the content phase.'),
    directive('content_by_ts_file', 'content', LOCATIONS, 'Generates the response by a TypeScript handler.'),
    directive('header_filter_by_ts_file', 'headerFilter', ALL, 'Changes the header by a TypeScript handler.'),
    directive('body_filter_by_ts_file', 'bodyFilter', ALL, 'Changes the body by a TypeScript handler, piece by piece.'),
    directive('log_by_ts_file', 'log', ALL, 'Runs a TypeScript handler when the request has ended.'),
    serverRewrite,
    balancer,
    workerDirective('init_worker_by_ts_file', 'initWorker', 'Runs a TypeScript handler when a worker starts.'),
    workerDirective('exit_worker_by_ts_file', 'exitWorker', 'Runs a TypeScript handler when a worker exits.'),
  ],
  createMain: () => ({ uses: new Set(), initWorker: undefined, exitWorker: undefined, balancers: [], pools: [] }),
  createServer: () => ({ serverRewrite: undefined }),
  createLocation: () => ({
    rewrite: undefined,
    access: undefined,
    precontent: undefined,
    content: undefined,
    headerFilter: undefined,
    bodyFilter: undefined,
    log: undefined,
  }),
  mergeServer(parent, conf) {
    conf.serverRewrite ??= parent.serverRewrite;
  },
  mergeLocation(parent, conf) {
    conf.rewrite ??= parent.rewrite;
    conf.access ??= parent.access;
    conf.precontent ??= parent.precontent;
    conf.headerFilter ??= parent.headerFilter;
    conf.bodyFilter ??= parent.bodyFilter;
    conf.log ??= parent.log;
  },
  postconfiguration(http) {
    const { uses, balancers, pools } = typescriptModule.mainOf(http.confs);
    http.cycle.hooks.drain.push(() => {
      for (const pool of pools) pool.closeAll();
    });
    if (uses.size > 0) installCaptureFilters(http);
    if (uses.has('serverRewrite')) {
      http.handlers.server_rewrite.push(
        phaseHandler(IN_SERVER_REWRITE, (r) => typescriptModule.server(r).serverRewrite),
      );
    }
    if (['headerFilter', 'bodyFilter', 'log', 'balancer'].some((use) => uses.has(use))) {
      const handler = phaseHandler(IN_REWRITE, (r) => {
        const { headerFilter, bodyFilter, log } = typescriptModule.location(r);
        return loadAhead(r, IN_REWRITE, [headerFilter, bodyFilter, log, ...balancers]);
      });
      // In front of the rewrite module, whose `return` may end the request.
      http.handlers.rewrite.push(handler);
    }
    if (uses.has('rewrite')) {
      const handler = phaseHandler(IN_REWRITE, (r) => typescriptModule.location(r).rewrite);
      http.postponed.push({ phase: 'rewrite', handler });
    }
    if (uses.has('access')) {
      const handler = phaseHandler(IN_ACCESS, (r) => typescriptModule.location(r).access);
      http.postponed.push({ phase: 'access', handler });
    }
    if (uses.has('precontent')) {
      const handler = phaseHandler(IN_PRECONTENT, (r) => typescriptModule.location(r).precontent);
      http.postponed.push({ phase: 'precontent', handler });
    }
    const bodies: BodyFilters = { filter: (r, chain) => bodyFilter(r, chain, bodies), next: http.topBodyFilter };
    const body = bodies.filter;
    if (uses.has('headerFilter') || uses.has('bodyFilter')) {
      const next = http.topHeaderFilter;
      http.topHeaderFilter = (r) => headerFilter(r, next, bodies);
      if (apiModule.mainOf(http.confs).relaxed) {
        http.topBodyFilter = (r, chain) => typescriptModule.context(r)?.take(chain) ?? body(r, chain);
      } else if (uses.has('bodyFilter')) http.topBodyFilter = body;
    }
    if (uses.has('log')) {
      // In front of the access log, as log_by_lua.
      http.handlers.log.unshift((r) => {
        const file = typescriptModule.location(r).log;
        if (file === undefined) return DECLINED;
        if (!apiModule.location(r).strictPhases) {
          waitingLog(r, file);
          return OK;
        }
        runAtOnce(r, file, IN_LOG, 'log_by_ts_file');
        return OK;
      });
    }
  },
  initWorker(http) {
    const { initWorker, exitWorker } = typescriptModule.mainOf(http.confs);
    if (initWorker !== undefined) runWorkerHook(http, initWorker, IN_INIT_WORKER, 'init_worker_by_ts_file');
    // At its end the worker has no time to load it.
    if (exitWorker !== undefined) loadForLater(http, exitWorker, 'exit_worker_by_ts_file');
  },
  exitWorker(http) {
    const { exitWorker } = typescriptModule.mainOf(http.confs);
    if (exitWorker !== undefined) runWorkerHook(http, exitWorker, IN_EXIT_WORKER, 'exit_worker_by_ts_file');
  },
});

function headerFilter(r: HttpRequest, next: HeaderFilter, bodies: BodyFilters): number {
  const { headerFilter: file, bodyFilter: body } = typescriptModule.location(r);
  if (body !== undefined) {
    r.filterNeedInMemory = true;
    r.endApart = true;
  }
  if (file === undefined) return next(r);
  if (!apiModule.location(r).strictPhases) return waitingHeaderFilter(r, file, next, bodies);
  return runAtOnce(r, file, IN_HEADER_FILTER, 'header_filter_by_ts_file') === undefined ? ERROR : next(r);
}

/** Requests whose body filter has ended the response. */
const ended = new WeakSet<HttpRequest>();

function bodyFilter(r: HttpRequest, chain: Chain | null, bodies: BodyFilters): number {
  const { next } = bodies;
  const file = typescriptModule.location(r).bodyFilter;
  if (file === undefined || r.headerOnly) return next(r, chain);
  if (chain === null || ended.has(r)) return next(r, null);
  if (!apiModule.location(r).strictPhases) return waitingBodyFilter(r, chain, file, bodies);
  const piece = new BodyPiece(r, chain);
  if (runAtOnce(r, file, IN_BODY_FILTER, 'body_filter_by_ts_file', piece) === undefined) return ERROR;
  return passPiece(r, chain, piece, next);
}

/** What the filter has made of a piece goes on. */
export function passPiece(r: HttpRequest, chain: Chain, piece: BodyPiece, next: BodyFilter): number {
  const { chain: out, ended: over } = piece.result;
  if (over) ended.add(r);
  return out !== chain && out.length === 0 ? OK : next(r, out);
}

/** The content handler of every location with content_by_ts_file. */
const typescriptContent = contentHandler((r) => typescriptModule.location(r).content!);
