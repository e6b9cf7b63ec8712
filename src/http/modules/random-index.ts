/** `random_index`: any file of a folder stands for it. nginx: src/http/modules/ngx_http_random_index_module.c. */
import { type Dirent, readdirSync, statSync } from 'node:fs';
import type { Directive } from '../../conf/directive.ts';
import { flagSlot } from '../../conf/slots.ts';
import { errnoOf, errnoSuffix } from '../../log/errno.ts';
import { LOG_CRIT, LOG_ERR } from '../../log/log.ts';
import { DECLINED, HTTP_FORBIDDEN, HTTP_INTERNAL_SERVER_ERROR, HTTP_NOT_FOUND } from '../codes.ts';
import { mapUriToPath } from '../core/path.ts';
import { httpOf } from '../cycle.ts';
import { fsPath } from '../fs-path.ts';
import { httpModule } from '../module.ts';
import { internalRedirect } from '../redirect.ts';
import { type HttpRequest, METHOD_GET, METHOD_HEAD, METHOD_POST } from '../request.ts';

interface RandomIndexMain {
  used: boolean;
}

interface RandomIndexLocation {
  enable: boolean;
}

function refuse(r: HttpRequest, path: string, error: string): number {
  let level = LOG_CRIT;
  let status = HTTP_INTERNAL_SERVER_ERROR;
  if (error === 'ENOENT' || error === 'ENOTDIR' || error === 'ENAMETOOLONG') {
    level = LOG_ERR;
    status = HTTP_NOT_FOUND;
  } else if (error === 'EACCES') {
    level = LOG_ERR;
    status = HTTP_FORBIDDEN;
  }
  r.log(level, `opendir() "${path}" failed${errnoSuffix(error)}`);
  return status;
}

/** Names of the files in a folder, links to files among them; a status when that cannot be found out. */
function filesOf(r: HttpRequest, path: string): string[] | number {
  let entries: Dirent[];
  try {
    entries = readdirSync(fsPath(path), { withFileTypes: true, encoding: 'latin1' });
  } catch (e) {
    return refuse(r, path, errnoOf(e));
  }
  const names: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    let isFile = entry.isFile();
    if (entry.isSymbolicLink()) {
      const target = `${path}/${entry.name}`;
      try {
        isFile = statSync(fsPath(target)).isFile();
      } catch (e) {
        // A link to nothing is no file.
        if (errnoOf(e) === 'ENOENT') continue;
        r.log(LOG_CRIT, `stat() "${target}" failed${errnoSuffix(e)}`);
        return HTTP_INTERNAL_SERVER_ERROR;
      }
    }
    if (isFile) names.push(entry.name);
  }
  return names;
}

function randomIndexHandler(r: HttpRequest): number {
  if (!r.uri.endsWith('/') || (r.method & (METHOD_GET | METHOD_HEAD | METHOD_POST)) === 0) return DECLINED;
  if (!randomIndexModule.location(r).enable) return DECLINED;
  const path = mapUriToPath(r);
  if (path === undefined) return HTTP_INTERNAL_SERVER_ERROR;
  const names = filesOf(r, path.slice(0, -1));
  if (typeof names === 'number') return names;
  if (names.length === 0) return DECLINED;
  return internalRedirect(r, r.uri + names[Math.floor(Math.random() * names.length)], r.args);
}

const directives: readonly Directive<RandomIndexLocation>[] = [
  flagSlot<RandomIndexLocation>('random_index', ['location'], 'location', 'enable', false, {
    doc: 'Answers requests for a folder with any of its files.',
    defaultText: 'off',
    post(cf) {
      randomIndexModule.mainOf(httpOf(cf).confs).used = true;
      return undefined;
    },
  }),
];

export const randomIndexModule = httpModule<RandomIndexMain, object, RandomIndexLocation>({
  name: 'ngx_http_random_index_module',
  directives,
  createMain: () => ({ used: false }),
  createLocation: () => ({ enable: undefined }) as unknown as RandomIndexLocation,
  postconfiguration(http) {
    if (randomIndexModule.mainOf(http.confs).used) http.handlers.content.push(randomIndexHandler);
  },
});
