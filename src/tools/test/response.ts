/**
 * Reads HTTP/1 responses from what a connection gave. Kept apart from src/http, so that a mistake there cannot hide
 * itself here. RFC 9112.
 */

export interface Response {
  /** 0 for an HTTP/0.9 response, which is a body only. */
  readonly status: number;
  /** Status line and fields, with their line ends. */
  readonly head: string;
  /** In their order; names as sent. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Decoded when it was chunked. */
  readonly body: string;
}

/** What has been read: whole responses, and whether bytes are missing or left over. */
export interface Responses {
  readonly list: readonly Response[];
  /** Why the rest is no whole response; undefined when all is well. */
  readonly fault: string | undefined;
}

/**
 * @param data bytes (latin1)
 * @param methods of the requests; HEAD responses have no body
 * @param closed the server has closed the connection
 */
export function readResponses(data: string, methods: readonly string[], closed: boolean): Responses {
  const list: Response[] = [];
  let at = 0;
  while (at < data.length || list.length < methods.length) {
    const found = readResponse(data, at, methods[list.length] ?? '', closed);
    if (typeof found === 'string') return { list, fault: found };
    if (found.response.status !== 100) list.push(found.response);
    at = found.end;
  }
  return { list, fault: undefined };
}

type Found = { readonly response: Response; readonly end: number };

function readResponse(data: string, start: number, method: string, closed: boolean): Found | string {
  if (start === data.length) return closed ? 'connection closed without a response' : 'no response in time';
  if (!'HTTP/1.'.startsWith(data.slice(start, start + 7))) {
    if (!closed) return 'response without a status line, and not at its end in time';
    return { response: { status: 0, head: '', fields: [], body: data.slice(start) }, end: data.length };
  }
  const headEnd = data.indexOf('\r\n\r\n', start);
  if (headEnd === -1) return 'response header not at its end';
  const head = data.slice(start, headEnd + 2);
  const status = Number(/^HTTP\/1\.\d (\d{3})(?: |\r)/.exec(head)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) return `bad status line "${head.split('\r\n')[0]}"`;
  const fields = head
    .split('\r\n')
    .slice(1, -1)
    .map((line): readonly [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
  const body = readBody(data, headEnd + 4, closed, bodyLength(method, status, fields));
  if (typeof body === 'string') return body;
  return { response: { status, head, fields, body: body.text }, end: body.end };
}

/** How the body ends: after so many bytes, with the last chunk, or with the connection. */
function bodyLength(method: string, status: number, fields: Response['fields']): number | 'chunked' | 'closed' {
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 0;
  const value = (name: string): string | undefined => fields.find(([key]) => key.toLowerCase() === name)?.[1];
  if (value('transfer-encoding')?.toLowerCase() === 'chunked') return 'chunked';
  const length = value('content-length');
  return length === undefined ? 'closed' : Number(length);
}

type Body = { readonly text: string; readonly end: number };

function readBody(data: string, start: number, closed: boolean, length: ReturnType<typeof bodyLength>): Body | string {
  if (length === 'closed') {
    if (!closed) return 'response that ends with the connection, which stays open';
    return { text: data.slice(start), end: data.length };
  }
  if (length === 'chunked') return readChunks(data, start);
  if (data.length - start < length) return `response body of ${data.length - start} bytes instead of ${length}`;
  return { text: data.slice(start, start + length), end: start + length };
}

function readChunks(data: string, start: number): Body | string {
  let text = '';
  for (let at = start; ; ) {
    const lineEnd = data.indexOf('\r\n', at);
    if (lineEnd === -1) return 'chunked response not at its end';
    const line = data.slice(at, lineEnd);
    if (!/^[0-9a-f]+$/i.test(line)) return `bad chunk size "${line}"`;
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) {
      const end = data.startsWith('\r\n', at) ? at : data.indexOf('\r\n\r\n', at) + 2;
      return end === 1 ? 'chunked response not at its end' : { text, end: end + 2 };
    }
    if (!data.startsWith('\r\n', at + size)) return 'chunk without its end';
    text += data.slice(at, at + size);
    at += size + 2;
  }
}
