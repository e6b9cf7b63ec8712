/**
 * Files: what is answered when no other module has content. nginx: src/http/modules/ngx_http_static_module.c.
 *
 * Small files are read at once and sent as one string with their header; larger ones go down as a range of an open
 * file, which the connection sends as its platform does it best.
 */
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_CRIT, LOG_ERR } from '../../log/log.ts';
import { latin1Slice } from '../../net/latin1.ts';
import { type Buf, fileBuf, flagBuf, memoryBuf } from '../buf.ts';
import {
  DECLINED,
  ERROR,
  HTTP_FORBIDDEN,
  HTTP_INTERNAL_SERVER_ERROR,
  HTTP_MOVED_PERMANENTLY,
  HTTP_NOT_ALLOWED,
  HTTP_NOT_FOUND,
  HTTP_OK,
  OK,
} from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { mapUriToPath, openFile } from '../core/path.ts';
import { setContentType } from '../core/types.ts';
import { escapeUri } from '../escape.ts';
import { failure, readStart } from '../file-calls.ts';
import { httpModule } from '../module.ts';
import type { FileInfo } from '../open-file-cache.ts';
import { outputFilter, sendHeader } from '../output.ts';
import { type HttpRequest, METHOD_GET, METHOD_HEAD, METHOD_POST } from '../request.ts';

/** Files up to this size are sent from memory. */
const SMALL = 32768;

const buffer = Buffer.allocUnsafeSlow(SMALL);

/** Answers a file that cannot be opened. */
function refuse(r: HttpRequest, file: FileInfo, path: string): number {
  let level = LOG_CRIT;
  let status = HTTP_INTERNAL_SERVER_ERROR;
  switch (file.error) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENAMETOOLONG':
      level = LOG_ERR;
      status = HTTP_NOT_FOUND;
      break;
    case 'EACCES':
    case 'EMLINK':
    case 'ELOOP':
      level = LOG_ERR;
      status = HTTP_FORBIDDEN;
      break;
  }
  if (status !== HTTP_NOT_FOUND || coreModule.location(r).logNotFound) {
    r.log(level, `${file.failed} "${path}" failed${errnoSuffix(file.error)}`);
  }
  return status;
}

/** To the same URI with a slash. */
function redirectToFolder(r: HttpRequest): number {
  const uri = `${escapeUri(r.uri, 'uri')}/`;
  r.headersOut.list.remove('location');
  r.headersOut.list.add('Location', r.args === '' ? uri : `${uri}?${r.args}`, 'location');
  return HTTP_MOVED_PERMANENTLY;
}

/** The ETag of a file: its time and size. nginx: ngx_http_set_etag(). */
export function setEtag(r: HttpRequest): void {
  if (!coreModule.location(r).etag) return;
  const { lastModified, contentLength, list } = r.headersOut;
  list.add('ETag', `"${lastModified.toString(16)}-${contentLength.toString(16)}"`, 'etag');
}

/** The file's bytes as one piece; undefined (logged) when they cannot be read. */
function content(r: HttpRequest, file: FileInfo, path: string): Buf | undefined {
  if (file.size === 0) return flagBuf();
  if (file.size > SMALL) return fileBuf({ fd: file.fd, path }, 0, file.size);
  const count = readStart(file.fd, buffer, file.size);
  if (count === file.size) return memoryBuf(latin1Slice(buffer, 0, count));
  if (count >= 0) r.log(LOG_CRIT, `pread() read only ${count} of ${file.size} from "${path}"`);
  else r.log(LOG_CRIT, `pread() "${path}" failed${errnoSuffix(failure())}`);
  return undefined;
}

/**
 * Sends an open file with status 200. nginx: the second half of ngx_http_static_handler().
 * @param encoding the file's Content-Encoding
 */
export function sendStaticFile(r: HttpRequest, file: FileInfo, path: string, encoding = ''): number {
  r.connection.action = 'sending response to client';
  const out = r.headersOut;
  out.status = HTTP_OK;
  out.contentLength = file.size;
  out.lastModified = file.mtime;
  setEtag(r);
  setContentType(r);
  if (encoding !== '') out.list.add('Content-Encoding', encoding, 'content-encoding');
  r.allowRanges = true;
  const rc = sendHeader(r);
  if (rc === ERROR || rc > OK || r.headerOnly) {
    file.release();
    return rc;
  }
  const b = content(r, file, path);
  if (b === undefined) {
    file.release();
    return ERROR;
  }
  b.lastBuf = r === r.main;
  b.lastInChain = true;
  b.sync = !b.lastBuf && file.size === 0;
  if (b.file === undefined) file.release();
  else r.main.addCleanup(() => file.release());
  return outputFilter(r, [b]);
}

function staticHandler(r: HttpRequest): number {
  if ((r.method & (METHOD_GET | METHOD_HEAD | METHOD_POST)) === 0) return HTTP_NOT_ALLOWED;
  if (r.uri.endsWith('/')) return DECLINED;
  const path = mapUriToPath(r);
  if (path === undefined) return HTTP_INTERNAL_SERVER_ERROR;
  const file = openFile(r, path, false);
  if (file.error !== '') return refuse(r, file, path);
  r.rootTested = !r.errorPage;
  if (!file.isFile) {
    file.release();
    if (file.isDir) return redirectToFolder(r);
    r.log(LOG_CRIT, `"${path}" is not a regular file`);
    return HTTP_NOT_FOUND;
  }
  const rc = r.method === METHOD_POST ? HTTP_NOT_ALLOWED : r.connection.discardBody(r);
  if (rc !== OK) {
    file.release();
    return rc;
  }
  return sendStaticFile(r, file, path);
}

export const staticModule = httpModule({
  name: 'ngx_http_static_module',
  postconfiguration(http) {
    http.handlers.content.push(staticHandler);
  },
});
