/**
 * proxy_store: a response that came whole becomes a file. While it arrives it is written to a temporary file, from which
 * the client gets it, too; that is moved to its place at the end, so that nobody ever sees a part of a response there.
 * nginx: ngx_http_upstream_store() (src/http/ngx_http_upstream.c).
 */
import type { PathRequest } from '../../conf/cycle.ts';
import { errnoSuffix } from '../../log/errno.ts';
import { LOG_CRIT } from '../../log/log.ts';
import { type Buf, fileBuf } from '../buf.ts';
import { HTTP_OK } from '../codes.ts';
import { mapUriToPath } from '../core/path.ts';
import { parseHttpTime } from '../http-time.ts';
import { renameFile } from '../rename-file.ts';
import { appendToFile, createTempFile, type TempFile } from '../temp-file.ts';
import type { Exchange } from './exchange.ts';

/** Moves the pieces that wait for the client to the end of a file; false (logged) when that fails. */
export function movePendingToFile(x: Exchange, file: TempFile): boolean {
  const kept: Buf[] = [];
  for (const b of x.pending) {
    if (b.data === undefined) {
      kept.push(b);
      continue;
    }
    const from = file.size;
    if (!append(x, file, b.data)) return false;
    const before = kept[kept.length - 1];
    if (before !== undefined && before.file === file && before.fileLast === from) before.fileLast = file.size;
    else kept.push(fileBuf(file, from, file.size));
  }
  x.pending = kept;
  x.pendingSize = 0;
  return true;
}

function append(x: Exchange, file: TempFile, data: string | Uint8Array): boolean {
  try {
    appendToFile(file, data);
    return true;
  } catch (e) {
    x.r.log(LOG_CRIT, `pwritev() "${file.path}" failed${errnoSuffix(e)}`);
    return false;
  }
}

/** Writes what has come of the body to the file that is going to be the response's; false (logged) when that fails. */
export function storePending(x: Exchange): boolean {
  const file = storeFile(x);
  return file !== undefined && movePendingToFile(x, file);
}

function storeFile(x: Exchange): TempFile | undefined {
  x.tempFile ??= createTempFile(x.r, x.conf.tempPath as PathRequest, { persistent: true, clean: true });
  return x.tempFile;
}

/** The whole body has come: moves the file to its place, if the response is one to keep. Failures are logged. */
export function storeResponse(x: Exchange): void {
  const { r, headers, conf } = x;
  if (headers.status !== HTTP_OK) return;
  if (headers.contentLength !== -1 && headers.contentLength !== (x.tempFile?.size ?? 0)) return;
  const file = storeFile(x);
  if (file === undefined) return;
  const path = conf.store === null || conf.store === 'on' ? mapUriToPath(r) : conf.store.evaluate(r);
  if (path === undefined || path === '') return;
  const modified = headers.list.get('last-modified');
  file.moved = true;
  renameFile(r, file.path, path, {
    access: conf.storeAccess,
    pathAccess: conf.storeAccess,
    time: modified === undefined ? -1 : (parseHttpTime(modified) ?? -1),
    deleteFile: true,
  });
}
