/** `try_files`: the first file that is there, or where to go. nginx: src/http/modules/ngx_http_try_files_module.c. */
import type { ConfContext, Directive } from '../../conf/directive.ts';
import { parseNumber } from '../../conf/units.ts';
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_CRIT } from '../../log/log.ts';
import { DECLINED, DONE, HTTP_INTERNAL_SERVER_ERROR } from '../codes.ts';
import { ALIAS_WHOLE } from '../core/conf.ts';
import { coreModule } from '../core/module.ts';
import { documentRoot, mapUriToPath, openFile } from '../core/path.ts';
import { httpOf } from '../cycle.ts';
import { finalizeRequest } from '../finalize.ts';
import { httpModule } from '../module.ts';
import { internalRedirect, namedLocation, setExtension, splitArgs } from '../redirect.ts';
import type { HttpRequest } from '../request.ts';
import { type ComplexValue, compileComplexValue } from '../script.ts';

/** One argument. */
interface TryFile {
  readonly name: ComplexValue;
  /** It ends with a slash: a folder is looked for. */
  readonly folder: boolean;
}

interface TryFilesLocation {
  tries: readonly TryFile[] | undefined;
  /** The last argument. */
  fallback: ComplexValue | undefined;
  /** `=CODE`, or 0. */
  code: number;
}

interface TryFilesMain {
  used: boolean;
}

/** Failures that mean no more than that there is no such file. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

/** An argument's value as a part of the path: with `alias`, without the location's own part of the URI. */
function nameOf(r: HttpRequest, value: ComplexValue, alias: number): string {
  const name = value.evaluate(r);
  const strip = value.literal === undefined && alias > 0 && name.startsWith(r.uri.slice(0, alias));
  return strip ? name.slice(alias) : name;
}

function tryFilesHandler(r: HttpRequest): number {
  const conf = tryFilesModule.location(r);
  if (conf.tries === undefined) return DECLINED;
  const { alias } = coreModule.location(r);
  if (alias !== 0 && mapUriToPath(r) === undefined) return HTTP_INTERNAL_SERVER_ERROR;
  for (const { name: value, folder } of conf.tries) {
    const name = nameOf(r, value, alias);
    const path = documentRoot(r) + name;
    const file = openFile(r, path, true);
    file.release();
    if (file.error !== '') {
      if (!ABSENT.has(file.error)) r.log(LOG_CRIT, `${file.failed} "${path}" failed${errnoSuffix(file.error)}`);
      continue;
    }
    if (file.isDir !== folder) continue;
    if (alias === 0) r.uri = name;
    else if (alias !== ALIAS_WHOLE) r.uri = r.uri.slice(0, alias) + name;
    else if (!folder) {
      r.uri = name;
      r.addUriToAlias = true;
    }
    setExtension(r);
    return DECLINED;
  }
  if (conf.code !== 0) return conf.code;
  const target = nameOf(r, conf.fallback as ComplexValue, alias);
  if (target.startsWith('@')) namedLocation(r, target);
  else {
    const { uri, args } = splitArgs(target);
    internalRedirect(r, uri, args);
  }
  finalizeRequest(r, DONE);
  return DONE;
}

function setTryFiles(cf: ConfContext, conf: TryFilesLocation, args: readonly string[]): string | undefined {
  if (conf.tries !== undefined) return 'is duplicate';
  conf.tries = args.slice(0, -1).map((arg) => {
    const folder = arg.endsWith('/');
    return { name: compileComplexValue(cf, folder ? arg.slice(0, -1) : arg), folder };
  });
  const last = args[args.length - 1] as string;
  conf.fallback = compileComplexValue(cf, last);
  if (last.startsWith('=')) {
    const code = parseNumber(last.slice(1));
    if (code === undefined || code > 999) return `invalid code "${last}"`;
    conf.code = code;
  }
  tryFilesModule.mainOf(httpOf(cf).confs).used = true;
  return undefined;
}

const directives: readonly Directive<TryFilesLocation>[] = [
  {
    name: 'try_files',
    contexts: ['server', 'location'],
    args: { min: 2 },
    level: 'location',
    doc: 'Files to look for in order; when none is there, a URI, a named location or a status.',
    set: setTryFiles,
  },
];

export const tryFilesModule = httpModule<TryFilesMain, object, TryFilesLocation>({
  name: 'ngx_http_try_files_module',
  directives,
  createMain: () => ({ used: false }),
  createLocation: () => ({ tries: undefined, fallback: undefined, code: 0 }),
  postconfiguration(http) {
    if (tryFilesModule.mainOf(http.confs).used) http.handlers.precontent.push(tryFilesHandler);
  },
});
