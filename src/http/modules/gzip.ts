/** `gzip`: compresses answers for clients that take it. nginx: src/http/modules/ngx_http_gzip_filter_module.c. */
import type { ContextName, Directive } from '../../conf/directive.ts';
import { type Buffers, bufsSlot, flagSlot, numBounds, numSlot, sizeSlot } from '../../conf/slots.ts';
import { LOG_ALERT } from '../../log/log.ts';
import { type Buf, type Chain, flagBuf, memoryBuf } from '../buf.ts';
import { ERROR, HTTP_FORBIDDEN, HTTP_NOT_FOUND, HTTP_OK, OK } from '../codes.ts';
import { gzipOk } from '../core/gzip-ok.ts';
import { type TypeList, testContentType, typesSlot } from '../core/types.ts';
import { type BodyFilter, httpOf, prependFilters } from '../cycle.ts';
import { DeflateError, FINISH, GzipDeflater, NO_FLUSH, SYNC_FLUSH } from '../deflate.ts';
import { httpModule } from '../module.ts';
import { clearAcceptRanges, clearContentLength, weakEtag } from '../output.ts';
import type { HttpRequest } from '../request.ts';
import type { VariableSpec, VariableValue } from '../variables.ts';

interface GzipMain {
  used: boolean;
}

interface GzipLocation {
  enable: boolean;
  buffers: Buffers;
  types: TypeList;
  level: number;
  /** The window is 2^windowBits bytes. */
  windowBits: number;
  memLevel: number;
  /** Bytes that are gathered before compression begins. */
  postpone: number;
  noBuffer: boolean;
  minLength: number;
}

class GzipContext {
  deflater: GzipDeflater | undefined = undefined;
  windowBits: number;
  memLevel: number;
  /** Pieces that wait until there are `postpone` bytes; undefined from then on. */
  postponed: Chain | undefined;
  /** Compressed, not passed on yet. */
  held = '';
  /** Bytes before and after. */
  zin = 0;
  zout = 0;
  done = false;

  constructor(conf: GzipLocation, contentLength: number) {
    let { windowBits, memLevel } = conf;
    if (contentLength > 0) {
      // What is smaller than the window does not need all of it; zlib's window is 262 bytes short.
      while (contentLength < (1 << (windowBits - 1)) - 262) {
        windowBits--;
        memLevel--;
      }
    }
    // zlib knows no smaller window for gzip than 2^9.
    this.windowBits = Math.max(windowBits, 9);
    this.memLevel = Math.max(memLevel, 1);
    this.postponed = conf.postpone > 0 ? [] : undefined;
  }
}

const CONTEXTS: readonly ContextName[] = ['http', 'server', 'location'];

function headerFilter(r: HttpRequest): void {
  const conf = gzipModule.location(r);
  const out = r.headersOut;
  if (!conf.enable || r.headerOnly) return;
  if (out.status !== HTTP_OK && out.status !== HTTP_FORBIDDEN && out.status !== HTTP_NOT_FOUND) return;
  if ((out.list.get('content-encoding') ?? '') !== '') return;
  if (out.contentLength >= 0 && out.contentLength < conf.minLength) return;
  if (!testContentType(r, conf.types)) return;
  r.gzipVary = true;
  if (!(r.gzipTested ? r.gzipOk : gzipOk(r))) return;
  gzipModule.setContext(r, new GzipContext(conf, out.contentLength));
  out.list.set('Content-Encoding', 'gzip', 'content-encoding');
  r.filterNeedInMemory = true;
  clearContentLength(r);
  clearAcceptRanges(r);
  weakEtag(r);
}

/** Gathers what comes before there is enough to compress; true when there is. */
function gather(ctx: GzipContext, postponed: Chain, chain: Chain, limit: number): boolean {
  let size = 0;
  let enough = false;
  for (const b of postponed) size += b.data?.length ?? 0;
  for (const b of chain) {
    size += b.data?.length ?? 0;
    if (b.flush || b.lastBuf || size >= limit) enough = true;
    postponed.push(b);
  }
  if (enough) ctx.postponed = undefined;
  return enough;
}

/** Passes on what is held. `like` gives the flags. */
function release(ctx: GzipContext, out: Chain, like: Buf | undefined): void {
  if (ctx.held !== '') {
    out.push(memoryBuf(ctx.held));
    ctx.held = '';
  }
  if (like === undefined) return;
  const end = out.at(-1) ?? flagBuf();
  if (out.length === 0) out.push(end);
  end.flush = like.flush;
  end.lastBuf = like.lastBuf;
  end.lastInChain = like.lastInChain;
}

function bodyFilter(r: HttpRequest, chain: Chain | null, next: BodyFilter): number {
  const ctx = gzipModule.context(r);
  if (ctx === undefined || ctx.done || r.headerOnly) return next(r, chain);
  const conf = gzipModule.location(r);
  let input = chain ?? [];
  if (ctx.postponed !== undefined) {
    const { postponed } = ctx;
    if (chain === null) ctx.postponed = undefined;
    else if (!gather(ctx, postponed, chain, conf.postpone)) return OK;
    input = postponed;
  }
  if (ctx.deflater === undefined) {
    const deflater = GzipDeflater.take({ level: conf.level, windowBits: ctx.windowBits, memLevel: ctx.memLevel });
    ctx.deflater = deflater;
    r.addCleanup(() => deflater.release());
  }
  const out: Chain = [];
  for (const b of input) {
    const data = b.data ?? '';
    const flush = b.lastBuf ? FINISH : b.flush ? SYNC_FLUSH : NO_FLUSH;
    if (data.length === 0 && flush === NO_FLUSH) continue;
    ctx.zin += data.length;
    try {
      const output = ctx.deflater.write(data, flush);
      ctx.zout += output.length;
      ctx.held += output;
    } catch (e) {
      if (!(e instanceof DeflateError)) throw e;
      ctx.done = true;
      r.log(LOG_ALERT, `deflate() failed: ${flush}, ${e.code}`);
      return ERROR;
    }
    if (flush !== NO_FLUSH) release(ctx, out, b);
    else if (conf.noBuffer || ctx.held.length >= conf.buffers.size) release(ctx, out, undefined);
    if (b.lastBuf) {
      ctx.done = true;
      ctx.deflater.release();
      break;
    }
  }
  return out.length === 0 && chain !== null ? OK : next(r, out.length === 0 ? null : out);
}

function ratioVariable(r: HttpRequest): VariableValue {
  const ctx = gzipModule.context(r);
  if (ctx === undefined || ctx.zout === 0) return null;
  let hundredths = Math.floor((ctx.zin * 100) / ctx.zout);
  if (Math.floor((ctx.zin * 1000) / ctx.zout) % 10 > 4) hundredths++;
  return `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')}`;
}

const variables: readonly VariableSpec[] = [{ name: 'gzip_ratio', get: ratioVariable, noHash: true }];

/** A size that is a power of two, kept as another number. */
function powerSlot(name: string, field: 'windowBits' | 'memLevel', doc: string, text: string): Directive<GzipLocation> {
  const most = field === 'windowBits' ? 15 : 17;
  return sizeSlot<GzipLocation>(name, CONTEXTS, 'location', field, field === 'windowBits' ? 15 : 8, {
    doc,
    defaultText: text,
    post(_cf, value, conf) {
      const bits = Math.log2(value);
      if (!Number.isInteger(bits) || bits < 9 || bits > most) {
        return `must be 512, 1k, 2k, 4k, 8k, 16k, ${field === 'windowBits' ? 'or 32k' : '32k, 64k, or 128k'}`;
      }
      conf[field] = field === 'windowBits' ? bits : bits - 8;
      return undefined;
    },
  });
}

const directives: readonly Directive<GzipLocation>[] = [
  flagSlot<GzipLocation>('gzip', [...CONTEXTS, 'if in location'], 'location', 'enable', false, {
    doc: 'Compresses answers for clients that take gzip.',
    defaultText: 'off',
    post(cf, value) {
      if (value) gzipModule.mainOf(httpOf(cf).confs).used = true;
      return undefined;
    },
  }),
  bufsSlot<GzipLocation>(
    'gzip_buffers',
    CONTEXTS,
    'location',
    'buffers',
    { num: 32, size: 4096 },
    { doc: 'Number and size of the buffers for compressed data.', defaultText: '32 4k|16 8k' },
  ),
  typesSlot<GzipLocation>('gzip_types', CONTEXTS, 'location', 'types', ['text/html'], {
    doc: 'Content types of answers that are compressed.',
    defaultText: 'text/html',
  }),
  numSlot<GzipLocation>('gzip_comp_level', CONTEXTS, 'location', 'level', 1, {
    doc: 'From 1, the fastest, to 9, the smallest.',
    defaultText: '1',
    post: numBounds(1, 9),
  }),
  powerSlot('gzip_window', 'windowBits', 'Size of the window in which zlib looks for repetitions.', '32k'),
  powerSlot('gzip_hash', 'memLevel', 'Memory for looking for repetitions.', '64k'),
  sizeSlot<GzipLocation>('postpone_gzipping', CONTEXTS, 'location', 'postpone', 0, {
    doc: 'Bytes that are gathered before compression begins.',
    defaultText: '0',
  }),
  flagSlot<GzipLocation>('gzip_no_buffer', CONTEXTS, 'location', 'noBuffer', false, {
    doc: 'Passes compressed data on at once.',
    defaultText: 'off',
  }),
  sizeSlot<GzipLocation>('gzip_min_length', CONTEXTS, 'location', 'minLength', 20, {
    doc: 'Answers whose Content-Length is smaller are left alone.',
    defaultText: '20',
  }),
];

export const gzipModule = httpModule<GzipMain, object, GzipLocation, GzipContext>({
  name: 'ngx_http_gzip_filter_module',
  directives,
  variables,
  createMain: () => ({ used: false }),
  createLocation: () => ({ enable: undefined }) as unknown as GzipLocation,
  postconfiguration(http) {
    if (gzipModule.mainOf(http.confs).used) prependFilters(http, headerFilter, bodyFilter);
  },
});
