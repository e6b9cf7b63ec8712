/** COPY and MOVE (RFC 4918 sections 9.8 and 9.9). nginx: ngx_http_dav_copy_move_handler(). */
import { lstatSync, mkdirSync, renameSync, type Stats } from 'node:fs';
import { errnoOf, errnoSuffix } from '../../../log/errno.ts';
import { LOG_ERR } from '../../../log/log.ts';
import {
  HTTP_BAD_REQUEST,
  HTTP_CONFLICT,
  HTTP_CREATED,
  HTTP_FORBIDDEN,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_NO_CONTENT,
  HTTP_NOT_FOUND,
  HTTP_PRECONDITION_FAILED,
  HTTP_UNSUPPORTED_MEDIA_TYPE,
  OK,
} from '../../codes.ts';
import { coreModule } from '../../core/module.ts';
import { mapUriToPath } from '../../core/path.ts';
import { fsPath } from '../../fs-path.ts';
import { renameFile } from '../../rename-file.ts';
import { type HttpRequest, METHOD_COPY, METHOD_MOVE } from '../../request.ts';
import { parseUnsafeUri } from '../../unsafe-uri.ts';
import { DEPTH_INFINITY, readDepth } from './depth.ts';
import { copyFile, copyTree, davError, deletePath } from './files.ts';

interface Destination {
  readonly field: string;
  /** As it stands there, without scheme and host. */
  readonly text: string;
  readonly uri: string;
}

/** The Destination field; a status (logged) when it is of no use. */
function readDestination(r: HttpRequest): Destination | number {
  const field = r.headersIn.list.get('destination');
  if (field === undefined) {
    r.log(LOG_ERR, 'client sent no "Destination" header');
    return HTTP_BAD_REQUEST;
  }
  let text: string | undefined = field;
  if (!field.startsWith('/')) {
    const host = r.headersIn.server ?? '';
    if (host === '') {
      r.log(LOG_ERR, 'client sent no "Host" header');
      return HTTP_BAD_REQUEST;
    }
    const scheme = r.connection.secure ? 'https://' : 'http://';
    if (!field.startsWith(scheme)) return invalidDestination(r, field);
    if (!field.startsWith(host, scheme.length)) {
      r.log(LOG_ERR, `"Destination" URI "${field}" is handled by different repository than the source URI`);
      return HTTP_BAD_REQUEST;
    }
    const slash = field.indexOf('/', scheme.length + host.length);
    if (slash < 0) return invalidDestination(r, field);
    text = field.slice(slash);
  }
  const parsed = parseUnsafeUri(text);
  if (parsed === undefined) {
    r.log(LOG_ERR, `unsafe URI "${text}" was detected`);
    return invalidDestination(r, field);
  }
  const { alias } = coreModule.location(r);
  if (r.uri.endsWith('/') !== text.endsWith('/')) {
    r.log(
      LOG_ERR,
      `both URI "${r.uri}" and "Destination" URI "${field}" should be either collections or non-collections`,
    );
    return HTTP_CONFLICT;
  }
  if (alias > 0 && parsed.uri.length < alias) return invalidDestination(r, field);
  return { field, text, uri: parsed.uri };
}

function invalidDestination(r: HttpRequest, field: string): number {
  r.log(LOG_ERR, `client sent invalid "Destination" header: "${field}"`);
  return HTTP_BAD_REQUEST;
}

/** The Overwrite field; a status (logged) when it is neither T nor F. */
function readOverwrite(r: HttpRequest): boolean | number {
  const field = r.headersIn.list.get('overwrite');
  if (field === undefined || /^t$/i.test(field)) return true;
  if (/^f$/i.test(field)) return false;
  r.log(LOG_ERR, `client sent invalid "Overwrite" header: "${field}"`);
  return HTTP_BAD_REQUEST;
}

function checkDepth(r: HttpRequest): number {
  const depth = readDepth(r, DEPTH_INFINITY);
  if (depth === DEPTH_INFINITY || (r.method === METHOD_COPY && depth === 0)) return OK;
  r.log(LOG_ERR, `"Depth" header must be ${r.method === METHOD_COPY ? '0 or infinity' : 'infinity'}`);
  return HTTP_BAD_REQUEST;
}

/** Whether one of the paths lies in the other, or they are the same. */
function checkPaths(r: HttpRequest, source: string, target: string, collection: boolean, field: string): boolean {
  const from = source.endsWith('/') && source.length > 1 ? source.slice(0, -1) : source;
  if (from === target) {
    r.log(LOG_ERR, `both URI "${r.uri}" and "Destination" URI "${field}" point to the same location`);
    return false;
  }
  if (collection && (target.startsWith(`${from}/`) || `${source}`.startsWith(`${target}/`))) {
    r.log(LOG_ERR, `"${r.uri}" could not be ${r.methodName}ed to collection "${field}"`);
    return false;
  }
  return true;
}

function statLink(path: string): Stats | string {
  try {
    return lstatSync(fsPath(path));
  } catch (e) {
    return errnoOf(e);
  }
}

/** @param access dav_access, for folders made on the way */
export function copyOrMove(r: HttpRequest, access: number): number {
  if (r.headersIn.contentLength > 0 || r.headersIn.chunked) {
    r.log(LOG_ERR, 'COPY and MOVE with body are unsupported');
    return HTTP_UNSUPPORTED_MEDIA_TYPE;
  }
  const destination = readDestination(r);
  if (typeof destination === 'number') return destination;
  const depth = checkDepth(r);
  if (depth !== OK) return depth;
  const wanted = readOverwrite(r);
  if (typeof wanted === 'number') return wanted;
  const from = mapUriToPath(r);
  const to = mapUriToPath(r, destination.uri);
  if (from === undefined || to === undefined) return HTTP_INTERNAL_SERVER_ERROR;
  return transfer(r, from.replace(/\/+/g, '/'), to.replace(/\/+/g, '/'), destination.field, wanted, access);
}

function transfer(
  r: HttpRequest,
  source: string,
  destination: string,
  field: string,
  wanted: boolean,
  access: number,
): number {
  const collection = destination.endsWith('/');
  const target = collection ? destination.slice(0, -1) : destination;
  if (!checkPaths(r, source, target, collection, field)) return HTTP_FORBIDDEN;
  const there = statLink(target);
  let overwrite = false;
  if (typeof there === 'string') {
    if (there !== 'ENOENT') return davError(r, { code: there }, HTTP_NOT_FOUND, 'lstat()', target);
  } else {
    if (there.isDirectory() && !collection) {
      r.log(LOG_ERR, `"${r.uri}" could not be ${r.methodName}ed to collection "${field}"`);
      return HTTP_CONFLICT;
    }
    if (!wanted) {
      r.log(LOG_ERR, `"${target}" could not be created${errnoSuffix('EEXIST')}`);
      return HTTP_PRECONDITION_FAILED;
    }
    overwrite = true;
  }
  const stats = statLink(source);
  if (typeof stats === 'string') return davError(r, { code: stats }, HTTP_NOT_FOUND, 'lstat()', source);
  if (stats.isDirectory()) {
    if (!r.uri.endsWith('/')) {
      r.log(LOG_ERR, `"${r.uri}" is collection`);
      return HTTP_BAD_REQUEST;
    }
    if (overwrite) {
      const rc = deletePath(r, target, (there as Stats).isDirectory(), HTTP_NOT_FOUND);
      if (rc !== OK) return rc;
    }
    return transferFolder(r, source.slice(0, -1), target, stats);
  }
  if (r.method === METHOD_MOVE) {
    const options = { access: 0, pathAccess: access, time: -1, deleteFile: false };
    return renameFile(r, source, target, options) ? HTTP_NO_CONTENT : HTTP_INTERNAL_SERVER_ERROR;
  }
  return copyFile(r, source, target, stats) ? HTTP_NO_CONTENT : HTTP_INTERNAL_SERVER_ERROR;
}

function transferFolder(r: HttpRequest, source: string, target: string, stats: Stats): number {
  if (r.method === METHOD_MOVE) {
    try {
      renameSync(fsPath(source), fsPath(target));
      return HTTP_CREATED;
    } catch {
      // To another file system: by copying and deleting.
    }
  }
  try {
    mkdirSync(fsPath(target), stats.mode & 0o777);
  } catch (e) {
    return davError(r, e, HTTP_NOT_FOUND, 'mkdir()', target);
  }
  if (!copyTree(r, source, target)) return HTTP_INTERNAL_SERVER_ERROR;
  if (r.method === METHOD_MOVE) {
    const rc = deletePath(r, source, true, HTTP_NOT_FOUND);
    if (rc !== OK) return rc;
  }
  return HTTP_CREATED;
}
