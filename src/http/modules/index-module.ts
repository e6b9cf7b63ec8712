/** `index`: the file that stands for a folder. nginx: src/http/modules/ngx_http_index_module.c. */
import type { ConfContext, Directive } from '../../conf/directive.ts';
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_ALERT, LOG_CRIT, LOG_ERR } from '../../log/log.ts';
import { DECLINED, HTTP_FORBIDDEN, HTTP_INTERNAL_SERVER_ERROR, HTTP_NOT_FOUND, OK } from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { mapUriToPath, openFile } from '../core/path.ts';
import { httpModule } from '../module.ts';
import { internalRedirect } from '../redirect.ts';
import { type HttpRequest, METHOD_GET, METHOD_HEAD, METHOD_POST } from '../request.ts';
import { type ComplexValue, compileComplexValue, literalValue } from '../script.ts';

interface IndexLocation {
  indices: readonly ComplexValue[] | undefined;
}

const DEFAULT_INDICES: readonly ComplexValue[] = [literalValue('index.html')];

function refuse(r: HttpRequest, path: string, error: string): number {
  if (error === 'EACCES') {
    r.log(LOG_ERR, `"${path}" is forbidden${errnoSuffix(error)}`);
    return HTTP_FORBIDDEN;
  }
  if (coreModule.location(r).logNotFound) r.log(LOG_ERR, `"${path}" is not found${errnoSuffix(error)}`);
  return HTTP_NOT_FOUND;
}

/** Whether the folder is one at all, asked once when its first index, `index`, is missing. OK or a status. */
function testFolder(r: HttpRequest, folder: string, index: string): number {
  const path = folder.length > 1 && folder.endsWith('/') ? folder.slice(0, -1) : folder;
  const file = openFile(r, path, true);
  file.release();
  if (file.error === '') {
    if (file.isDir) return OK;
    r.log(LOG_ALERT, `"${path}" is not a directory`);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  if (file.error === 'EMLINK' || file.error === 'ELOOP') return HTTP_FORBIDDEN;
  if (file.error === 'ENOENT') return refuse(r, index, 'ENOENT');
  // The index was looked for without this failure, so the folder may be searched.
  if (file.error === 'EACCES') return OK;
  r.log(LOG_CRIT, `${file.failed} "${path}" failed${errnoSuffix(file.error)}`);
  return HTTP_INTERNAL_SERVER_ERROR;
}

function indexHandler(r: HttpRequest): number {
  if (!r.uri.endsWith('/') || (r.method & (METHOD_GET | METHOD_HEAD | METHOD_POST)) === 0) return DECLINED;
  let folder: string | undefined;
  let tested = false;
  for (const index of indexModule.location(r).indices ?? []) {
    const name = index.evaluate(r);
    if (name.startsWith('/')) return internalRedirect(r, name, r.args);
    folder ??= mapUriToPath(r);
    if (folder === undefined) return HTTP_INTERNAL_SERVER_ERROR;
    const path = folder + name;
    const file = openFile(r, path, true);
    file.release();
    const { error } = file;
    if (error === '') return internalRedirect(r, r.uri + name, r.args);
    if (error === 'EMLINK' || error === 'ELOOP') return HTTP_FORBIDDEN;
    if (error === 'ENOTDIR' || error === 'ENAMETOOLONG' || error === 'EACCES') return refuse(r, path, error);
    if (!tested) {
      const rc = testFolder(r, folder, path);
      if (rc !== OK) return rc;
      tested = true;
    }
    if (error === 'ENOENT') continue;
    r.log(LOG_CRIT, `${file.failed} "${path}" failed${errnoSuffix(error)}`);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  return DECLINED;
}

function setIndex(cf: ConfContext, conf: IndexLocation, args: readonly string[]): string | undefined {
  const indices = [...(conf.indices ?? [])];
  for (const [i, arg] of args.entries()) {
    if (arg.startsWith('/') && i !== args.length - 1) {
      cf.warn('only the last index in "index" directive should be absolute');
    }
    if (arg === '') return `index "${arg}" in "index" directive is invalid`;
    indices.push(compileComplexValue(cf, arg));
  }
  conf.indices = indices;
  return undefined;
}

const directives: readonly Directive<IndexLocation>[] = [
  {
    name: 'index',
    contexts: ['http', 'server', 'location'],
    args: { min: 1 },
    level: 'location',
    slot: { field: 'indices', default: DEFAULT_INDICES },
    doc: 'Files that stand for a folder; the first that is there is taken.',
    defaultText: 'index.html',
    set: setIndex,
  },
];

export const indexModule = httpModule<object, object, IndexLocation>({
  name: 'ngx_http_index_module',
  directives,
  createLocation: () => ({ indices: undefined }),
  postconfiguration(http) {
    http.handlers.content.push(indexHandler);
  },
});
