/** `gzip_static`: files that were compressed beforehand. nginx: src/http/modules/ngx_http_gzip_static_module.c. */
import type { Directive } from '../../conf/directive.ts';
import { enumSlot } from '../../conf/slots.ts';
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_CRIT, LOG_ERR } from '../../log/log.ts';
import { DECLINED, HTTP_INTERNAL_SERVER_ERROR, HTTP_NOT_FOUND, OK } from '../codes.ts';
import { gzipOk } from '../core/gzip-ok.ts';
import { coreModule } from '../core/module.ts';
import { mapUriToPath, openFile } from '../core/path.ts';
import { httpOf } from '../cycle.ts';
import { httpModule } from '../module.ts';
import type { FileInfo } from '../open-file-cache.ts';
import { type HttpRequest, METHOD_GET, METHOD_HEAD } from '../request.ts';
import { sendStaticFile } from './static.ts';

interface GzipStaticMain {
  used: boolean;
}

type Mode = 'off' | 'on' | 'always';

interface GzipStaticLocation {
  enable: Mode;
}

function logFailure(r: HttpRequest, file: FileInfo, path: string): void {
  let level = LOG_CRIT;
  switch (file.error) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      return;
    case 'EACCES':
    case 'EMLINK':
    case 'ELOOP':
      level = LOG_ERR;
  }
  r.log(level, `${file.failed} "${path}" failed${errnoSuffix(file.error)}`);
}

function gzipStaticHandler(r: HttpRequest): number {
  const { enable } = gzipStaticModule.location(r);
  if (enable === 'off' || (r.method & (METHOD_GET | METHOD_HEAD)) === 0 || r.uri.endsWith('/')) return DECLINED;
  const wanted = enable === 'always' || gzipOk(r);
  if (!wanted && !coreModule.location(r).gzipVary) return DECLINED;
  const plain = mapUriToPath(r);
  if (plain === undefined) return HTTP_INTERNAL_SERVER_ERROR;
  const path = `${plain}.gz`;
  const file = openFile(r, path, false);
  if (file.error !== '') {
    logFailure(r, file, path);
    return DECLINED;
  }
  // There are two variants of the answer.
  if (enable === 'on') r.gzipVary = true;
  if (!wanted || !file.isFile) {
    file.release();
    if (!wanted || file.isDir) return DECLINED;
    r.log(LOG_CRIT, `"${path}" is not a regular file`);
    return HTTP_NOT_FOUND;
  }
  r.rootTested = !r.errorPage;
  const rc = r.connection.discardBody(r);
  if (rc !== OK) {
    file.release();
    return rc;
  }
  return sendStaticFile(r, file, path, 'gzip');
}

const directives: readonly Directive<GzipStaticLocation>[] = [
  enumSlot<GzipStaticLocation, Mode>(
    'gzip_static',
    ['http', 'server', 'location'],
    'location',
    'enable',
    { off: 'off', on: 'on', always: 'always' },
    'off',
    {
      doc: 'Sends FILE.gz in place of FILE, to clients that take it or to all.',
      defaultText: 'off',
      post(cf, value) {
        if (value !== 'off') gzipStaticModule.mainOf(httpOf(cf).confs).used = true;
        return undefined;
      },
    },
  ),
];

export const gzipStaticModule = httpModule<GzipStaticMain, object, GzipStaticLocation>({
  name: 'ngx_http_gzip_static_module',
  directives,
  createMain: () => ({ used: false }),
  createLocation: () => ({ enable: undefined }) as unknown as GzipStaticLocation,
  postconfiguration(http) {
    if (gzipStaticModule.mainOf(http.confs).used) http.handlers.content.push(gzipStaticHandler);
  },
});
