/**
 * The piece of a response body that user code in the body filter phase sees and changes: what ngx.arg[1] and ngx.arg[2]
 * stand for. Functions take a chain and give the one that goes on. ngx_lua: ngx_http_lua_bodyfilterby.c.
 */
import { type Buf, type Chain, flagBuf, memoryBuf } from '../http/buf.ts';
import type { HttpRequest } from '../http/request.ts';

/** The bytes of a chain; file pieces have been read into memory before (filterNeedInMemory). */
export function bodyText(chain: Chain): string {
  let text = '';
  for (const b of chain) {
    if (typeof b.data === 'string') text += b.data;
    else if (b.data !== undefined)
      text += Buffer.from(b.data.buffer, b.data.byteOffset, b.data.length).toString('latin1');
  }
  return text;
}

/** Whether the response ends with this piece. */
export function isBodyEnd(chain: Chain): boolean {
  return chain.some((b) => b.lastBuf || b.lastInChain);
}

/** The piece with other bytes, its flush and end kept. */
export function replaceBody(r: HttpRequest, chain: Chain, text: string): Chain {
  const flush = chain.some((b) => b.flush);
  const last = isBodyEnd(chain);
  if (text === '' && !flush && !last) return [];
  const b = text === '' ? flagBuf() : memoryBuf(text);
  b.flush = flush;
  return last ? setBodyEnd(r, [b], true) : [b];
}

/** The piece with the response's end behind it, or without. */
export function setBodyEnd(r: HttpRequest, chain: Chain, end: boolean): Chain {
  if (!end) {
    return chain.map((b) => {
      if (!b.lastBuf && !b.lastInChain) return b;
      return { ...b, lastBuf: false, lastInChain: false, sync: b.data === undefined && b.file === undefined };
    });
  }
  const out = chain.length === 0 ? [flagBuf()] : [...chain];
  const last: Buf = { ...(out[out.length - 1] as Buf) };
  if (!r.isSubrequest) last.lastBuf = true;
  else last.lastInChain = true;
  out[out.length - 1] = last;
  return out;
}
