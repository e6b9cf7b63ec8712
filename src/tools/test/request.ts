/**
 * Turns the sections `request`, `pipelined_requests`, `raw_request` and `more_headers` into the bytes to send.
 * Test::Nginx::Socket(3): request, more_headers.
 */
import type { Block } from './block.ts';
import type { Value } from './literal.ts';

/** What goes over one connection. */
export interface Exchange {
  /** Byte strings, sent one after the other. */
  readonly packets: readonly string[];
  /** Milliseconds between packets. */
  readonly packetDelay: number;
  /** Methods of the requests whose responses are expected, in their order. */
  readonly methods: readonly string[];
}

/**
 * The connections that a block makes, one after the other. `expand` puts ports and paths into texts.
 *
 * @throws Error when the sections contradict one another
 */
export function exchangesOf(block: Block, expand: (text: string) => string): Exchange[] {
  const { sections } = block;
  const raw = sections.get('raw_request');
  if (raw !== undefined) {
    const packets = (isList(raw) ? raw.map(text) : [text(raw)]).map(expand);
    const delay = Number(sections.get('raw_request_middle_delay') ?? 0) * 1000;
    return [{ packets, packetDelay: delay, methods: [methodOf(packets.join(''))] }];
  }
  const more = sections.get('more_headers') ?? '';
  const headersOf = (i: number): string => {
    if (!isList(more)) return text(more);
    if (more[i] === undefined) throw new Error(`more_headers has no entry for request ${i + 1}`);
    return text(more[i] as Value);
  };
  const pipelined = sections.get('pipelined_requests');
  if (pipelined !== undefined) {
    if (!isList(pipelined)) throw new Error('pipelined_requests is no list');
    const last = pipelined.length - 1;
    const all = pipelined.map((one, i) => {
      return build(expand(text(one)), expand(headersOf(i)), i === last ? 'close' : 'keep-alive');
    });
    return [{ packets: [all.join('')], packetDelay: 0, methods: all.map(methodOf) }];
  }
  const request = sections.get('request');
  if (request === undefined) return [];
  return (isList(request) ? request : [request]).map((one, i) => {
    const bytes = build(expand(text(one)), expand(headersOf(i)), 'close');
    return { packets: [bytes], packetDelay: 0, methods: [methodOf(bytes)] };
  });
}

/**
 * A request from its line (`METHOD [URI [VERSION]]`) and body. Host and Connection are added where `more` has none. The
 * body loses white space at its ends and gets a Content-Length, unless `more` says how long it is.
 */
function build(request: string, more: string, connection: string): string {
  const lines = request.replace(/^(?:\s*#[^\n]*\n|\s+)+/, '');
  const lineEnd = lines.indexOf('\n');
  const head = (lineEnd === -1 ? lines : lines.slice(0, lineEnd)).trimEnd();
  let body = lineEnd === -1 ? '' : lines.slice(lineEnd + 1);
  const words = /^(\S+)(?: +(\S+)(?: +(\S+))?)?$/.exec(head);
  if (words === null) throw new Error(`bad request line "${head}"`);
  const fields = more.split(/\n+/).filter((line) => line.trim() !== '' && !/^\s*#/.test(line));
  const has = (name: RegExp): boolean => fields.some((line) => name.test(line));
  if (!has(/^host:/i)) fields.unshift('Host: localhost');
  if (!has(/^connection:/i)) fields.push(`Connection: ${connection}`);
  if (body !== '' && !has(/^(?:content-length:|transfer-encoding: *chunked)/i)) {
    body = body.trim();
    fields.push(`Content-Length: ${body.length}`);
  }
  return `${words[1]} ${words[2] ?? '/'} ${words[3] ?? 'HTTP/1.1'}\r\n${fields.join('\r\n')}\r\n\r\n${body}`;
}

function methodOf(bytes: string): string {
  return /^\S*/.exec(bytes)?.[0] ?? '';
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function text(value: Value): string {
  if (typeof value !== 'string') throw new Error('a request must be text');
  return value;
}
