/**
 * tsresty_typescript_module: handlers in TypeScript. Each directive names a file whose default export is a function
 * `(ngx: Ngx) => void | Promise<void>`; paths are relative to the server's prefix.
 */
import { IN_ACCESS, IN_HEADER_FILTER, IN_LOG, IN_REWRITE } from '../../api/phase.ts';
import { installCaptureFilters } from '../../api/subrequest.ts';
import type { ContextName, Directive } from '../../conf/directive.ts';
import { DECLINED, ERROR, OK } from '../../http/codes.ts';
import { coreModule } from '../../http/core/module.ts';
import { httpModule } from '../../http/module.ts';
import { contentHandler, phaseHandler, type UserHandler } from '../phase-handlers.ts';
import { ModuleFile } from './loader.ts';
import { type HandlerModule, handlerOfFile, loadAhead, runAtOnce } from './run.ts';

type File = ModuleFile<HandlerModule>;

/** Of a location. */
interface TypeScriptLocation {
  rewrite: UserHandler | undefined;
  access: UserHandler | undefined;
  content: UserHandler | undefined;
  headerFilter: File | undefined;
  log: File | undefined;
}

interface TypeScriptMain {
  /** Phases in use anywhere. */
  readonly uses: Set<string>;
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
      const file: File = new ModuleFile(cf.fullName(args[0] as string, 'prefix'));
      if (field === 'headerFilter' || field === 'log') conf[field] = file;
      else conf[field] = handlerOfFile(file, name);
      if (cf.confs !== undefined) {
        typescriptModule.mainOf(cf.confs).uses.add(field);
        if (field === 'content') coreModule.locationOf(cf.confs).handler = typescriptContent;
      }
      return undefined;
    },
  };
}

export const typescriptModule = httpModule<TypeScriptMain, object, TypeScriptLocation>({
  name: 'tsresty_typescript_module',
  directives: [
    directive('rewrite_by_ts_file', 'rewrite', ALL, 'Runs a TypeScript handler in the rewrite phase.'),
    directive('access_by_ts_file', 'access', ALL, 'Runs a TypeScript handler in the access phase.'),
    directive('content_by_ts_file', 'content', LOCATIONS, 'Generates the response by a TypeScript handler.'),
    directive('header_filter_by_ts_file', 'headerFilter', ALL, 'Changes the header by a TypeScript handler.'),
    directive('log_by_ts_file', 'log', ALL, 'Runs a TypeScript handler when the request has ended.'),
  ],
  createMain: () => ({ uses: new Set() }),
  createLocation: () => ({
    rewrite: undefined,
    access: undefined,
    content: undefined,
    headerFilter: undefined,
    log: undefined,
  }),
  mergeLocation(parent, conf) {
    conf.rewrite ??= parent.rewrite;
    conf.access ??= parent.access;
    conf.headerFilter ??= parent.headerFilter;
    conf.log ??= parent.log;
  },
  postconfiguration(http) {
    const { uses } = typescriptModule.mainOf(http.confs);
    if (uses.size > 0) installCaptureFilters(http);
    if (uses.has('headerFilter') || uses.has('log')) {
      const handler = phaseHandler(IN_REWRITE, (r) => {
        const { headerFilter, log } = typescriptModule.location(r);
        return loadAhead(r, IN_REWRITE, [headerFilter, log]);
      });
      http.postponed.push({ phase: 'rewrite', handler });
    }
    if (uses.has('rewrite')) {
      const handler = phaseHandler(IN_REWRITE, (r) => typescriptModule.location(r).rewrite);
      http.postponed.push({ phase: 'rewrite', handler });
    }
    if (uses.has('access')) {
      const handler = phaseHandler(IN_ACCESS, (r) => typescriptModule.location(r).access);
      http.postponed.push({ phase: 'access', handler });
    }
    if (uses.has('headerFilter')) {
      const next = http.topHeaderFilter;
      http.topHeaderFilter = (r) => {
        const file = typescriptModule.location(r).headerFilter;
        if (file !== undefined && !runAtOnce(r, file, IN_HEADER_FILTER, 'header_filter_by_ts_file')) return ERROR;
        return next(r);
      };
    }
    if (uses.has('log')) {
      // In front of the access log, as log_by_lua.
      http.handlers.log.unshift((r) => {
        const file = typescriptModule.location(r).log;
        if (file === undefined) return DECLINED;
        runAtOnce(r, file, IN_LOG, 'log_by_ts_file');
        return OK;
      });
    }
  },
});

/** The content handler of every location with content_by_ts_file. */
const typescriptContent = contentHandler((r) => typescriptModule.location(r).content!);
