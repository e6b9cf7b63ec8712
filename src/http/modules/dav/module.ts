/** WebDAV's PUT, DELETE, MKCOL, COPY and MOVE on files. nginx: src/http/modules/ngx_http_dav_module.c. */
import { lstatSync, mkdirSync, type Stats, statSync, unlinkSync } from 'node:fs';
import type { ContextName, Directive } from '../../../conf/directive.ts';
import { accessSlot, bitmaskSlot, flagSlot, numSlot } from '../../../conf/slots.ts';
import { errnoOf, errnoSuffix } from '../../../log/errno.ts';
import { LOG_CRIT, LOG_ERR } from '../../../log/log.ts';
import {
  DECLINED,
  DONE,
  ERROR,
  HTTP_BAD_REQUEST,
  HTTP_CONFLICT,
  HTTP_CREATED,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_NO_CONTENT,
  HTTP_NOT_FOUND,
  HTTP_NOT_IMPLEMENTED,
  HTTP_SPECIAL_RESPONSE,
  HTTP_UNSUPPORTED_MEDIA_TYPE,
  OK,
} from '../../codes.ts';
import { mapUriToPath } from '../../core/path.ts';
import { httpOf } from '../../cycle.ts';
import { escapeUri } from '../../escape.ts';
import { finalizeRequest } from '../../finalize.ts';
import { fsPath } from '../../fs-path.ts';
import { parseHttpTime } from '../../http-time.ts';
import { httpModule } from '../../module.ts';
import { sendHeader } from '../../output.ts';
import { dirAccess, renameFile } from '../../rename-file.ts';
import { type HttpRequest, METHOD_COPY, METHOD_DELETE, METHOD_MKCOL, METHOD_MOVE, METHOD_PUT } from '../../request.ts';
import { copyOrMove } from './copy-move.ts';
import { DEPTH_INFINITY, readDepth } from './depth.ts';
import { davError, deletePath } from './files.ts';

interface DavMain {
  used: boolean;
}

interface DavLocation {
  /** METHOD_* bits. */
  methods: number;
  createFullPutPath: boolean;
  minDeleteDepth: number;
  access: number;
}

/** `off`: a bit of its own, so that it can be inherited from. */
const METHODS_OFF = 2;

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

function davHandler(r: HttpRequest): number {
  const conf = davModule.location(r);
  if ((r.method & conf.methods) === 0) return DECLINED;
  switch (r.method) {
    case METHOD_PUT:
      return put(r);
    case METHOD_DELETE:
      return remove(r, conf);
    case METHOD_MKCOL:
      return makeCollection(r, conf);
    case METHOD_COPY:
    case METHOD_MOVE:
      return copyOrMove(r, conf.access);
    default:
      return DECLINED;
  }
}

function put(r: HttpRequest): number {
  if (r.uri.endsWith('/')) {
    r.log(LOG_ERR, 'cannot PUT to a collection');
    return HTTP_CONFLICT;
  }
  if (r.headersIn.list.has('content-range')) {
    r.log(LOG_ERR, 'PUT with range is unsupported');
    return HTTP_NOT_IMPLEMENTED;
  }
  r.requestBodyInFileOnly = true;
  r.requestBodyInPersistentFile = true;
  r.requestBodyInCleanFile = true;
  r.requestBodyFileLogLevel = 0;
  const rc = r.connection.readBody(r, putBody);
  return rc === ERROR || rc >= HTTP_SPECIAL_RESPONSE ? rc : DONE;
}

function putBody(r: HttpRequest): void {
  finalizeRequest(r, store(r));
}

/** Moves the body's file to its place. */
function store(r: HttpRequest): number {
  const file = r.requestBody?.file;
  if (file === undefined) {
    const what = r.requestBody === undefined ? 'is unavailable' : 'must be in a file';
    r.log(LOG_ERR, `PUT request body ${what}`);
    return HTTP_INTERNAL_SERVER_ERROR;
  }
  const path = mapUriToPath(r);
  if (path === undefined) return HTTP_INTERNAL_SERVER_ERROR;
  const known = statOf(path);
  if (known?.isDirectory() === true) {
    r.log(LOG_ERR, `"${path}" could not be created${errnoSuffix('EISDIR')}`);
    try {
      unlinkSync(file.path);
    } catch (e) {
      r.log(LOG_CRIT, `unlink() "${file.path}" failed${errnoSuffix(e)}`);
    }
    return HTTP_CONFLICT;
  }
  const conf = davModule.location(r);
  const date = r.headersIn.list.get('date');
  const options = {
    access: conf.access,
    pathAccess: conf.createFullPutPath ? conf.access : undefined,
    time: date === undefined ? -1 : (parseHttpTime(date) ?? -1),
    deleteFile: true,
  };
  file.moved = true;
  if (!renameFile(r, file.path, path, options)) return HTTP_INTERNAL_SERVER_ERROR;
  r.headersOut.status = known === undefined ? HTTP_CREATED : HTTP_NO_CONTENT;
  if (known === undefined) {
    setLocation(r);
    r.headersOut.contentLength = 0;
  }
  r.headerOnly = true;
  return sendHeader(r);
}

function statOf(path: string): Stats | undefined {
  return statSync(fsPath(path), { throwIfNoEntry: false });
}

function setLocation(r: HttpRequest): void {
  r.headersOut.list.add('Location', escapeUri(r.uri, 'uri'), 'location');
}

function hasBody(r: HttpRequest): boolean {
  return r.headersIn.contentLength > 0 || r.headersIn.chunked;
}

/** How deep the URI is, as far as `wanted` asks: a slash counts when something follows it. */
function isDeepEnough(r: HttpRequest, wanted: number): boolean {
  let depth = 0;
  for (let slash = r.uri.indexOf('/'); slash >= 0; slash = r.uri.indexOf('/', slash + 1)) {
    if (++depth >= wanted && slash + 1 < r.uri.length) return true;
  }
  r.log(LOG_ERR, `insufficient URI depth:${depth} to DELETE`);
  return false;
}

function remove(r: HttpRequest, conf: DavLocation): number {
  if (hasBody(r)) {
    r.log(LOG_ERR, 'DELETE with body is unsupported');
    return HTTP_UNSUPPORTED_MEDIA_TYPE;
  }
  if (conf.minDeleteDepth !== 0 && !isDeepEnough(r, conf.minDeleteDepth)) return HTTP_CONFLICT;
  const path = mapUriToPath(r);
  if (path === undefined) return HTTP_INTERNAL_SERVER_ERROR;
  let isFolder: boolean;
  try {
    isFolder = lstatSync(fsPath(path)).isDirectory();
  } catch (e) {
    const missing = errnoOf(e) === 'ENOTDIR' ? HTTP_CONFLICT : HTTP_NOT_FOUND;
    return davError(r, e, missing, 'lstat()', path);
  }
  if (isFolder) {
    if (!r.uri.endsWith('/')) {
      r.log(LOG_ERR, `DELETE "${path}" failed${errnoSuffix('EISDIR')}`);
      return HTTP_CONFLICT;
    }
    if (readDepth(r, DEPTH_INFINITY) !== DEPTH_INFINITY) {
      r.log(LOG_ERR, '"Depth" header must be infinity');
      return HTTP_BAD_REQUEST;
    }
  } else {
    const depth = readDepth(r, 0);
    if (depth !== 0 && depth !== DEPTH_INFINITY) {
      r.log(LOG_ERR, '"Depth" header must be 0 or infinity');
      return HTTP_BAD_REQUEST;
    }
  }
  const rc = deletePath(r, isFolder ? path.slice(0, -1) : path, isFolder, HTTP_NOT_FOUND);
  return rc === OK ? HTTP_NO_CONTENT : rc;
}

function makeCollection(r: HttpRequest, conf: DavLocation): number {
  if (hasBody(r)) {
    r.log(LOG_ERR, 'MKCOL with body is unsupported');
    return HTTP_UNSUPPORTED_MEDIA_TYPE;
  }
  if (!r.uri.endsWith('/')) {
    r.log(LOG_ERR, 'MKCOL can create a collection only');
    return HTTP_CONFLICT;
  }
  const path = mapUriToPath(r)?.slice(0, -1);
  if (path === undefined) return HTTP_INTERNAL_SERVER_ERROR;
  try {
    mkdirSync(fsPath(path), dirAccess(conf.access));
  } catch (e) {
    return davError(r, e, HTTP_CONFLICT, 'mkdir()', path);
  }
  setLocation(r);
  return HTTP_CREATED;
}

const directives: readonly Directive<DavLocation>[] = [
  bitmaskSlot<DavLocation>(
    'dav_methods',
    CONTEXTS,
    'location',
    'methods',
    {
      off: METHODS_OFF,
      put: METHOD_PUT,
      delete: METHOD_DELETE,
      mkcol: METHOD_MKCOL,
      copy: METHOD_COPY,
      move: METHOD_MOVE,
    },
    METHODS_OFF,
    { min: 1 },
    {
      doc: 'Methods that change files.',
      defaultText: 'off',
      post(cf) {
        davModule.mainOf(httpOf(cf).confs).used = true;
        return undefined;
      },
    },
  ),
  flagSlot<DavLocation>('create_full_put_path', CONTEXTS, 'location', 'createFullPutPath', false, {
    doc: 'Makes the folders that PUT needs.',
    defaultText: 'off',
  }),
  numSlot<DavLocation>('min_delete_depth', CONTEXTS, 'location', 'minDeleteDepth', 0, {
    doc: 'Number of path elements without which DELETE is refused.',
    defaultText: '0',
  }),
  accessSlot<DavLocation>('dav_access', CONTEXTS, 'location', 'access', 0o600, {
    doc: 'Permissions of new files and folders.',
    defaultText: 'user:rw',
  }),
];

export const davModule = httpModule<DavMain, object, DavLocation>({
  name: 'ngx_http_dav_module',
  directives,
  createMain: () => ({ used: false }),
  createLocation: () =>
    ({
      methods: undefined,
      createFullPutPath: undefined,
      minDeleteDepth: undefined,
      access: undefined,
    }) as unknown as DavLocation,
  postconfiguration(http) {
    if (davModule.mainOf(http.confs).used) http.handlers.content.push(davHandler);
  },
});
