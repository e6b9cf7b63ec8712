/** `gunzip`: decompresses answers for clients that do not take gzip. nginx: src/http/modules/ngx_http_gunzip_filter_module.c. */
import type { ContextName, Directive } from '../../conf/directive.ts';
import { type Buffers, bufsSlot, flagSlot } from '../../conf/slots.ts';
import { LOG_ERR } from '../../log/log.ts';
import { type Chain, flagBuf, memoryBuf } from '../buf.ts';
import { ERROR, OK } from '../codes.ts';
import { gzipOk } from '../core/gzip-ok.ts';
import { type BodyFilter, httpOf, prependFilters } from '../cycle.ts';
import { GzipInflater, InflateError } from '../inflate.ts';
import { httpModule } from '../module.ts';
import { clearAcceptRanges, clearContentLength, weakEtag } from '../output.ts';
import type { HttpRequest } from '../request.ts';

interface GunzipMain {
  used: boolean;
}

interface GunzipLocation {
  enable: boolean;
  /** Only the size counts: output is passed on at once. */
  buffers: Buffers;
}

interface GunzipContext {
  inflater: GzipInflater | undefined;
  done: boolean;
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

/** zlib: Z_FINISH, Z_SYNC_FLUSH, Z_NO_FLUSH, as messages name them. */
const FINISH = 4;
const SYNC_FLUSH = 2;
const BUF_ERROR = -5;

function headerFilter(r: HttpRequest): void {
  if (!gunzipModule.location(r).enable) return;
  const { list } = r.headersOut;
  if (list.get('content-encoding')?.toLowerCase() !== 'gzip') return;
  r.gzipVary = true;
  if (r.gzipTested ? r.gzipOk : gzipOk(r)) return;
  gunzipModule.setContext(r, { inflater: undefined, done: false });
  r.filterNeedInMemory = true;
  list.remove('content-encoding');
  clearContentLength(r);
  clearAcceptRanges(r);
  weakEtag(r);
}

function start(r: HttpRequest): GzipInflater {
  const inflater = new GzipInflater(gunzipModule.location(r).buffers.size);
  r.addCleanup(() => inflater.close());
  return inflater;
}

function bodyFilter(r: HttpRequest, chain: Chain | null, next: BodyFilter): number {
  const ctx = gunzipModule.context(r);
  if (ctx === undefined || ctx.done || chain === null) return next(r, chain);
  ctx.inflater ??= start(r);
  const out: Chain = [];
  for (const b of chain) {
    const last = b.lastBuf || b.lastInChain;
    const data = typeof b.data === 'string' ? Buffer.from(b.data, 'latin1') : b.data;
    if ((data === undefined || data.length === 0) && !last && !b.flush) continue;
    try {
      ctx.inflater.write(data, last, (output) => out.push(memoryBuf(output)));
    } catch (e) {
      if (!(e instanceof InflateError)) throw e;
      ctx.done = true;
      if (last && e.code === BUF_ERROR) r.log(LOG_ERR, `inflate() returned ${e.code} on response end`);
      else r.log(LOG_ERR, `inflate() failed: ${last ? FINISH : b.flush ? SYNC_FLUSH : 0}, ${e.code}`);
      return ERROR;
    }
    if (!last && !b.flush) continue;
    const end = flagBuf();
    end.flush = b.flush;
    end.lastBuf = last && r === r.main;
    end.lastInChain = last;
    end.sync = last;
    out.push(end);
    if (last) {
      ctx.done = true;
      break;
    }
  }
  return out.length === 0 ? OK : next(r, out);
}

const directives: readonly Directive<GunzipLocation>[] = [
  flagSlot<GunzipLocation>('gunzip', CONTEXTS, 'location', 'enable', false, {
    doc: 'Decompresses answers in gzip for clients that do not take it.',
    defaultText: 'off',
    post(cf, value) {
      if (value) gunzipModule.mainOf(httpOf(cf).confs).used = true;
      return undefined;
    },
  }),
  bufsSlot<GunzipLocation>(
    'gunzip_buffers',
    CONTEXTS,
    'location',
    'buffers',
    { num: 32, size: 4096 },
    { doc: 'Number and size of the buffers for decompressed data.', defaultText: '32 4k|16 8k' },
  ),
];

export const gunzipModule = httpModule<GunzipMain, object, GunzipLocation, GunzipContext>({
  name: 'ngx_http_gunzip_filter_module',
  directives,
  createMain: () => ({ used: false }),
  createLocation: () => ({ enable: undefined, buffers: undefined }) as unknown as GunzipLocation,
  postconfiguration(http) {
    if (gunzipModule.mainOf(http.confs).used) prependFilters(http, headerFilter, bodyFilter);
  },
});
