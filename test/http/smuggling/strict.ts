/**
 * Takes requests and responses apart as RFC 9112 says and not a byte otherwise: what a proxy sends must leave no room for
 * two opinions. What is wrong is thrown.
 */

export class Ambiguous extends Error {}

export interface StrictMessage {
  /** The first line. */
  readonly line: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** All of it has come. */
  readonly complete: boolean;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const ANY_NAME = /^[\x21-\x39\x3b-\x7e\x80-\xff]+$/;
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.[01]$/;
const STATUS_LINE = /^HTTP\/1\.[01] ([0-9]{3}) [\t\x20-\x7e\x80-\xff]*$/;

/**
 * All requests in `text`; the last may be incomplete.
 * @param anyName names of fields may hold what tokens do not (ignore_invalid_headers off)
 */
export function strictRequests(text: string, anyName = false): StrictMessage[] {
  return messages(text, anyName ? ANY_NAME : TOKEN, (line, names) => {
    if (!REQUEST_LINE.test(line)) throw new Ambiguous(`request line ${JSON.stringify(line)}`);
    const hosts = names.filter((name) => name === 'host').length;
    if (hosts > 1 || (hosts === 0 && line.endsWith('1.1'))) throw new Ambiguous(`${hosts} Hosts`);
    return 'framed';
  });
}

/** All responses in `text` to requests of these methods. */
export function strictResponses(text: string, methods: readonly string[]): StrictMessage[] {
  let i = 0;
  return messages(text, TOKEN, (line) => {
    const match = STATUS_LINE.exec(line);
    if (match === null) throw new Ambiguous(`status line ${JSON.stringify(line)}`);
    const status = Number(match[1]);
    if (status < 200 && status !== 101) return 'none';
    if (i >= methods.length) throw new Ambiguous('a response that nobody asked for');
    const method = methods[i++];
    return method === 'HEAD' || status === 204 || status === 304 || status === 101 ? 'none' : 'to the end';
  });
}

type Kind = 'framed' | 'none' | 'to the end';

function messages(
  text: string,
  name: RegExp,
  first: (line: string, names: readonly string[]) => Kind,
): StrictMessage[] {
  const out: StrictMessage[] = [];
  let pos = 0;
  while (pos < text.length) {
    const headEnd = text.indexOf('\r\n\r\n', pos);
    if (headEnd < 0) {
      out.push({ line: text.slice(pos), fields: [], body: '', complete: false });
      return out;
    }
    const [line, ...lines] = text.slice(pos, headEnd).split('\r\n') as [string, ...string[]];
    const fields = lines.map((one) => field(one, name));
    const names = fields.map(([one]) => one.toLowerCase());
    const kind = first(line, names);
    pos = headEnd + 4;
    const { body, end } = bodyAt(text, pos, fields, kind);
    out.push({ line, fields, body, complete: end >= 0 });
    if (end < 0) return out;
    pos = end;
  }
  return out;
}

function field(line: string, pattern: RegExp = TOKEN): readonly [string, string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon);
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
  if (colon < 0 || !pattern.test(name) || !VALUE.test(value)) throw new Ambiguous(`field line ${JSON.stringify(line)}`);
  return [name, value];
}

function bodyAt(text: string, at: number, fields: StrictMessage['fields'], kind: Kind): { body: string; end: number } {
  const all = (wanted: string): string[] =>
    fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  const lengths = all('content-length');
  const codings = all('transfer-encoding');
  if (lengths.length + codings.length > 1) throw new Ambiguous('more than one length');
  if (kind === 'none') return { body: '', end: at };
  if (codings.length === 1) {
    if ((codings[0] as string).toLowerCase() !== 'chunked') throw new Ambiguous(`transfer coding ${codings[0]}`);
    return chunks(text, at);
  }
  if (lengths.length === 1) {
    if (!/^(?:0|[1-9][0-9]*)$/.test(lengths[0] as string)) throw new Ambiguous(`length ${lengths[0]}`);
    const end = at + Number(lengths[0]);
    return { body: text.slice(at, end), end: end > text.length ? -1 : end };
  }
  return kind === 'framed' ? { body: '', end: at } : { body: text.slice(at), end: text.length };
}

function chunks(text: string, from: number): { body: string; end: number } {
  let body = '';
  let pos = from;
  for (;;) {
    const line = text.indexOf('\r\n', pos);
    if (line < 0) return { body, end: -1 };
    const size = text.slice(pos, line);
    if (!/^[0-9A-Fa-f]{1,12}$/.test(size)) throw new Ambiguous(`chunk size ${JSON.stringify(size)}`);
    const length = Number.parseInt(size, 16);
    pos = line + 2;
    if (length === 0) {
      for (;;) {
        const end = text.indexOf('\r\n', pos);
        if (end < 0) return { body, end: -1 };
        if (end === pos) return { body, end: end + 2 };
        field(text.slice(pos, end));
        pos = end + 2;
      }
    }
    body += text.slice(pos, pos + length);
    pos += length;
    if (text.length < pos + 2) return { body, end: -1 };
    if (!text.startsWith('\r\n', pos)) throw new Ambiguous('a chunk does not end where it says');
    pos += 2;
  }
}
