/**
 * Chunked transfer coding for responses of unknown length (RFC 9112 section 7.1).
 * nginx: src/http/modules/ngx_http_chunked_filter_module.c.
 */
import { type Buf, bufSize, type Chain, memoryBuf } from '../buf.ts';
import { HTTP_NO_CONTENT, HTTP_NOT_MODIFIED, HTTP_OK } from '../codes.ts';
import { coreModule } from '../core/module.ts';
import { type HttpModule, httpModule } from '../module.ts';
import { HTTP_VERSION_11, type HttpRequest, METHOD_HEAD } from '../request.ts';

function decide(r: HttpRequest): void {
  const out = r.headersOut;
  if (
    out.status === HTTP_NOT_MODIFIED ||
    out.status === HTTP_NO_CONTENT ||
    (out.status < HTTP_OK && out.status !== 0) ||
    r !== r.main ||
    r.method === METHOD_HEAD
  ) {
    return;
  }
  if (out.contentLength !== -1 && !r.expectTrailers) return;
  if (out.list.has('content-length')) return;
  if (r.httpVersion >= HTTP_VERSION_11 && coreModule.location(r).chunkedTransferEncoding) {
    if (r.expectTrailers) out.contentLength = -1;
    r.chunked = true;
  } else if (out.contentLength === -1) {
    r.keepalive = false;
  }
}

/** Trailer fields behind the last chunk. */
function trailers(r: HttpRequest): string {
  const list = r.headersOut.trailers;
  if (list === undefined) return '';
  let text = '';
  for (let i = 0; i < list.length; i++) text += list.line(i);
  return text;
}

/** Frames one chain: a chunk of all its bytes, and the last chunk when it ends the response. */
function frame(r: HttpRequest, chain: Chain): Chain {
  let size = 0;
  let last = false;
  let text = true;
  for (let i = 0; i < chain.length; i++) {
    const b = chain[i] as Buf;
    size += bufSize(b);
    if (b.lastBuf) last = true;
    if (b.data !== undefined ? typeof b.data !== 'string' : b.file !== undefined) text = false;
  }
  const end = last ? `0\r\n${trailers(r)}\r\n` : '';
  if (size === 0) {
    if (!last) return chain;
    const b = memoryBuf(end);
    b.lastBuf = true;
    b.lastInChain = true;
    b.flush = chain.some((piece) => piece.flush);
    return [b];
  }
  const head = `${size.toString(16)}\r\n`;
  if (text) {
    // All in memory as strings: one piece, so that a small response leaves in one write.
    let data = head;
    let flush = false;
    for (let i = 0; i < chain.length; i++) {
      const b = chain[i] as Buf;
      if (b.data !== undefined) data += b.data as string;
      if (b.flush) flush = true;
    }
    const b = memoryBuf(`${data}\r\n${end}`);
    b.flush = flush;
    b.lastBuf = last;
    b.lastInChain = last;
    return [b];
  }
  const out: Chain = [memoryBuf(head)];
  let flush = false;
  for (const b of chain) {
    if (b.flush) flush = true;
    if (bufSize(b) === 0) continue;
    out.push(b.lastBuf || b.flush ? { ...b, lastBuf: false, lastInChain: false, flush: false } : b);
  }
  const close = memoryBuf(`\r\n${end}`);
  close.flush = flush;
  close.lastBuf = last;
  close.lastInChain = last;
  out.push(close);
  return out;
}

export const chunkedFilterModule: HttpModule = httpModule({
  name: 'ngx_http_chunked_filter_module',
  postconfiguration(http) {
    const nextHeader = http.topHeaderFilter;
    http.topHeaderFilter = (r) => {
      decide(r);
      return nextHeader(r);
    };
    const nextBody = http.topBodyFilter;
    http.topBodyFilter = (r, chain) => {
      if (chain === null || !r.chunked || r.headerOnly || chain.length === 0) return nextBody(r, chain);
      return nextBody(r, frame(r, chain));
    };
  },
});
