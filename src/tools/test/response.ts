/**
 * Reads HTTP/1 responses as Test::Nginx does, which is lenient: what comes back may be broken on purpose. Kept apart
 * from src/http, so that a mistake there cannot hide itself here. RFC 9112.
 */

export interface Response {
  /** '' when there was no status line. */
  readonly status: string;
  /** Status line and fields, with their line ends. */
  readonly head: string;
  /** In their order; names in lower case, with dashes for underscores. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Decoded when it was chunked. */
  body: string;
}

/** A response, and what follows it. */
export interface Parsed {
  /** Undefined when the body is no valid chunked one. */
  readonly response: Response | undefined;
  /** Why. */
  readonly fault: string;
  /** Bytes behind the response; undefined when it ends with the data. */
  readonly left: string | undefined;
  readonly warning: string;
}

/** The values of a field, joined by ", "; undefined when the response has no such field. */
export function field(response: Response, name: string): string | undefined {
  const key = fieldName(name);
  const values = response.fields.filter(([one]) => one === key).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(', ');
}

const fieldName = (name: string): string => name.toLowerCase().replaceAll('_', '-');

/** @param isHead the request was HEAD: a missing body is no fault */
export function parseResponse(data: string, isHead: boolean): Parsed {
  const rawHead = /^[\s\S]*?\r\n(?=\r\n)/.exec(data)?.[0] ?? '';
  const lineEnd = data.indexOf('\n');
  const statusLine = (lineEnd === -1 ? data : data.slice(0, lineEnd)).replace(/\r$/, '');
  const status = (/^\d{3} /.test(statusLine) ? statusLine.slice(0, 3) : statusLine.trimStart().split(/\s+/)[1]) ?? '';
  const { fields, end } = readFields(data, lineEnd === -1 ? data.length : lineEnd + 1);
  const rest = data.slice(end);
  const response: Response = { status: /^\d+$/.test(status) ? status : '', head: rawHead, fields, body: rest };
  const whole = { response, fault: '', left: undefined, warning: '' };
  if (response.status === '304' || response.status === '101') return whole;
  if (field(response, 'transfer-encoding') === 'chunked') return readChunks(response, rest);
  const length = field(response, 'content-length');
  if (length === undefined || length === '' || !(Number(length) >= 0)) return whole;
  const size = Number(length);
  if (rest.length < size && !isHead) {
    return { ...whole, warning: `response body truncated: ${length} expected, but got ${rest.length}` };
  }
  if (rest.length <= size) return whole;
  response.body = rest.slice(0, size);
  return { ...whole, left: rest.slice(size) };
}

function readFields(data: string, start: number): { readonly fields: Response['fields']; readonly end: number } {
  const fields: [string, string][] = [];
  const line = /([^\s:]+)[ \t]*: ?([^\n]*)\n?/y;
  const more = /([ \t][^\n]*)\n?/y;
  for (let at = start; ; ) {
    line.lastIndex = more.lastIndex = at;
    let found = line.exec(data);
    if (found !== null) {
      fields.push([fieldName(found[1]!), found[2]!.replace(/\r$/, '')]);
      at = line.lastIndex;
      continue;
    }
    found = fields.length === 0 ? null : more.exec(data);
    if (found === null) {
      const blank = /\r?\n/y;
      blank.lastIndex = at;
      return {
        fields: fields.map(([name, value]) => [name, value] as const),
        end: blank.test(data) ? blank.lastIndex : at,
      };
    }
    fields.at(-1)![1] += `\n${found[1]!.replace(/\r$/, '')}`;
    at = more.lastIndex;
  }
}

function readChunks(response: Response, raw: string): Parsed {
  const trailers = response.fields
    .filter(([name]) => name === 'trailer')
    .flatMap(([, value]) => value.split(/\s*,\s*/));
  const bad = (fault: string): Parsed => ({ response: undefined, fault, left: undefined, warning: '' });
  let decoded = '';
  for (let at = 0; ; ) {
    const last = trailers.length === 0 ? /0[ \t]*\r\n\r\n/y : /0[ \t]*\r\n/y;
    last.lastIndex = at;
    if (last.test(raw)) {
      at = last.lastIndex;
      if (trailers.length > 0) {
        const end = raw.indexOf('\r\n\r\n', at - 2);
        if (end === -1) return bad('invalid trailer data received');
        at = end + 4;
      }
      response.body = decoded;
      return { response, fault: '', left: at < raw.length ? raw.slice(at) : undefined, warning: '' };
    }
    const size = /[ \t]*([A-Fa-f0-9]+)[ \t]*\r\n/y;
    size.lastIndex = at;
    const found = size.exec(raw);
    if (found === null) {
      return bad(at < raw.length ? `invalid chunked body received: ${raw.slice(at)}` : `no last chunk found - ${raw}`);
    }
    const length = Number.parseInt(found[1]!, 16);
    at = size.lastIndex + length;
    if (at > raw.length) return bad('invalid chunked data received (not enought octets for the data section)');
    decoded += raw.slice(size.lastIndex, at);
    if (!raw.startsWith('\r\n', at)) return bad('invalid chunked data received (expected CRLF).');
    at += 2;
  }
}
