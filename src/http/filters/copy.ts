/**
 * Between content handlers and filters: filters that look into bodies (gzip, sub, body_filter_by_lua, ...) ask for
 * memory, so file ranges are read for them, in pieces of `output_buffers` size. nginx: ngx_http_copy_filter_module.c.
 */
import { readSync } from 'node:fs';
import { type Buffers, bufsSlot } from '../../conf/slots.ts';
import { LOG_CRIT } from '../../log/log.ts';
import { type Buf, type Chain, memoryBuf } from '../buf.ts';
import { ERROR } from '../codes.ts';
import { httpModule } from '../module.ts';
import type { HttpRequest } from '../request.ts';

interface CopyLocation {
  /** Number and size of buffers; files are read one at a time, so that only the size counts. */
  buffers: Buffers;
}

/** Reads a file range into memory pieces; the flags go on the last one. */
function read(r: HttpRequest, b: Buf, out: Chain): boolean {
  const file = b.file;
  if (file === undefined) return false;
  const piece = copyFilterModule.location(r).buffers.size;
  let position = b.filePos;
  while (position < b.fileLast) {
    const buffer = Buffer.allocUnsafe(Math.min(piece, b.fileLast - position));
    let count: number;
    try {
      count = readSync(file.fd, buffer, 0, buffer.length, position);
    } catch (error) {
      r.log(LOG_CRIT, `pread() "${file.path}" failed (${(error as NodeJS.ErrnoException).code})`);
      return false;
    }
    if (count === 0) {
      r.log(LOG_CRIT, `pread() read only ${position - b.filePos} of ${b.fileLast - b.filePos} from "${file.path}"`);
      return false;
    }
    out.push(memoryBuf(count === buffer.length ? buffer : buffer.subarray(0, count)));
    position += count;
  }
  const last = out[out.length - 1] as Buf;
  last.flush = b.flush;
  last.lastBuf = b.lastBuf;
  last.lastInChain = b.lastInChain;
  return true;
}

export const copyFilterModule = httpModule<object, object, CopyLocation>({
  name: 'ngx_http_copy_filter_module',
  directives: [
    bufsSlot<CopyLocation>(
      'output_buffers',
      ['http', 'server', 'location'],
      'location',
      'buffers',
      { num: 2, size: 32768 },
      'Number and size of the buffers that files are read into where they are not sent by the kernel.',
    ),
  ],
  createLocation: () => ({ buffers: undefined }) as unknown as CopyLocation,
  postconfiguration(http) {
    const next = http.topBodyFilter;
    http.topBodyFilter = (r, chain) => {
      if (chain === null || (!r.filterNeedInMemory && !r.mainFilterNeedInMemory)) return next(r, chain);
      if (!chain.some((b) => b.file !== undefined && b.fileLast > b.filePos)) return next(r, chain);
      const out: Chain = [];
      for (const b of chain) {
        if (b.file === undefined || b.fileLast <= b.filePos) out.push(b);
        else if (!read(r, b, out)) return ERROR;
      }
      return next(r, out);
    };
  },
});
