/** Where messages end: as lenient as can be, for well-meant ones. The strict parser is test/http/smuggling/strict.ts. */

/** The end of the request that begins at `from`, or undefined while it is not complete. */
export function requestEnd(text: string, from: number, headOnly: boolean): number | undefined {
  if (text.startsWith('get ', from)) {
    // Of memcached.
    const end = text.indexOf('\r\n', from);
    return end < 0 ? undefined : end + 2;
  }
  const headEnd = text.indexOf('\r\n\r\n', from);
  if (headEnd < 0) return undefined;
  const head = text.slice(from, headEnd + 2);
  const at = headEnd + 4;
  if (headOnly) return text.length;
  const end = bodyEnd(head, text, at);
  if (end === undefined) return at;
  return end < 0 ? undefined : end;
}

/** Undefined: no framing. -1: not complete. */
function bodyEnd(head: string, text: string, at: number): number | undefined {
  if (/\r\nTransfer-Encoding:[ \t]*chunked/i.test(head)) return chunks(text, at).end;
  const length = /\r\nContent-Length:[ \t]*([0-9]+)/i.exec(head);
  if (length === null) return undefined;
  const end = at + Number(length[1]);
  return end > text.length ? -1 : end;
}

/** A chunked body: what it says, and where it ends (-1: not complete, or broken). */
export function chunks(text: string, from: number): { body: string; trailers: string; end: number } {
  let body = '';
  let pos = from;
  for (;;) {
    const line = text.indexOf('\r\n', pos);
    const size = line < 0 ? Number.NaN : Number.parseInt(text.slice(pos, line), 16);
    if (Number.isNaN(size)) return { body: body + text.slice(pos), trailers: '', end: -1 };
    pos = line + 2;
    if (size === 0) {
      const start = pos;
      for (;;) {
        const end = text.indexOf('\r\n', pos);
        if (end < 0) return { body, trailers: text.slice(start), end: -1 };
        if (end === pos) return { body, trailers: text.slice(start, end), end: end + 2 };
        pos = end + 2;
      }
    }
    body += text.slice(pos, pos + size);
    pos += size;
    if (text.length < pos + 2) return { body, trailers: '', end: -1 };
    pos += 2;
  }
}

export interface Response {
  readonly head: string;
  readonly status: number;
  readonly body: string;
  readonly trailers: string;
  readonly chunked: boolean;
  /** Behind its last byte; -1 when it is not complete (or goes on to the end of the connection). */
  readonly end: number;
}

/** The response that begins at `from`, or undefined when its head is not there. */
export function readResponse(text: string, from: number, method: string): Response | undefined {
  if (!text.startsWith('HTTP/', from)) return undefined;
  const headEnd = text.indexOf('\r\n\r\n', from);
  if (headEnd < 0) return undefined;
  const at = headEnd + 4;
  const head = text.slice(from, at);
  const status = Number(head.slice(9, 12));
  const none = { head, status, body: '', trailers: '', chunked: false };
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { ...none, end: at };
  if (/\r\nTransfer-Encoding: chunked\r\n/i.test(head)) return { ...none, ...chunks(text, at), chunked: true };
  const length = /\r\nContent-Length: ([0-9]+)\r\n/i.exec(head);
  if (length === null) return { ...none, body: text.slice(at), end: -1 };
  const end = at + Number(length[1]);
  return { ...none, body: text.slice(at, end), end: end > text.length ? -1 : end };
}
