/**
 * Turns the sections `request`, `pipelined_requests`, `raw_request` and `more_headers` into the bytes to send.
 * Test::Nginx::Socket(3): request, more_headers, raw_request.
 */
import type { Block } from './block.ts';
import { number, PerlArray, PerlHash, text, type Value } from './perl/values.ts';

/** A part of a request that is sent in one piece. */
export interface Packet {
  /** A byte string. */
  readonly data: string;
  /** Seconds to wait before it; undefined where the request does not say. */
  readonly delay: number | undefined;
}

/** What goes over one connection. */
export interface Exchange {
  readonly packets: readonly Packet[];
  /** How many responses come back. */
  readonly responses: number;
}

/**
 * The connections that a block makes, one after the other.
 *
 * @param expand puts ports and paths into pipelined requests
 * @throws Error when the sections contradict one another
 */
export function exchangesOf(block: Block, serverName: string, expand: (text: string) => string): Exchange[] {
  const raw = block.get('raw_request');
  if (raw !== undefined) {
    const parts = raw instanceof PerlArray ? raw.values : [raw];
    return [{ packets: parts.map((part) => ({ data: text(part), delay: undefined })), responses: 1 }];
  }
  const more = block.get('more_headers');
  const fieldsOf = (i: number): Fields => {
    if (!(more instanceof PerlArray)) return readFields(text(more));
    const own = more.values[i];
    if (own === undefined) throw new Error(`--- more_headers lacks data for request ${i + 1}`);
    return readFields(text(own));
  };
  const pipelined = block.get('pipelined_requests');
  if (pipelined !== undefined) {
    if (!(pipelined instanceof PerlArray)) throw new Error('invalid entries in --- pipelined_requests');
    const requests = pipelined.values;
    const data = requests.map((one, i) => {
      const connection = i === requests.length - 1 ? 'close' : 'keep-alive';
      return build([expand(text(one))], fieldsOf(i), connection, serverName).join('');
    });
    return [{ packets: [{ data: data.join(''), delay: undefined }], responses: requests.length }];
  }
  const request = block.get('request');
  if (request === undefined) throw new Error('request empty');
  if (!(request instanceof PerlArray)) {
    // Comments and white space before the request line.
    const whole = text(request).replace(/^(?:\s*#[^\n]+\s+|\s+)+/, '');
    return [{ packets: packetsOf([whole], fieldsOf(0), serverName), responses: 1 }];
  }
  return request.values.map((one, i) => {
    return { packets: packetsOf(one instanceof PerlArray ? one.values : [one], fieldsOf(i), serverName), responses: 1 };
  });
}

/** A request in parts: each a text, or a hash with `value` and `delay_before`. */
function packetsOf(parts: readonly Value[], fields: Fields, serverName: string): Packet[] {
  const texts = parts.map((part) => text(part instanceof PerlHash ? part.get('value') : part));
  return build(texts, fields, 'close', serverName).map((data, i) => {
    const part = parts[i];
    const delay = part instanceof PerlHash ? part.get('delay_before') : undefined;
    return { data, delay: delay === undefined ? undefined : number(delay) };
  });
}

interface Fields {
  readonly text: string;
  readonly chunked: boolean;
}

function readFields(more: string): Fields {
  let out = '';
  let chunked = false;
  for (const line of more.split(/\n+/)) {
    if (/^\s*#/.test(line) || line === '') continue;
    const found = /^([\s\S]*?):\s*([\s\S]*)$/.exec(line);
    const name = found === null ? line : found[1]!;
    const value = found === null ? '' : found[2]!;
    if (name.toLowerCase() === 'transfer-encoding' && value === 'chunked') chunked = true;
    out += `${name}: ${value}\r\n`;
  }
  return { text: out, chunked };
}

/**
 * Completes a request: `METHOD [URI [VERSION]]` and a body, in packets, become a whole request in as many packets. The
 * head is completed in the packet where the request line ends; a body without a length loses the white space at its
 * ends and gets one.
 */
function build(packets: readonly string[], fields: Fields, connection: string, serverName: string): string[] {
  const whole = packets.join('');
  const lineEnd = whole.indexOf('\n');
  const head = lineEnd === -1 ? whole : whole.slice(0, lineEnd + 1);
  const words = /^\s*(\S+) *(?:(\S+) *)?(?:(\S+) *)?\s*$/.exec(head);
  if (words === null) {
    throw new Error(`Request line is not valid. Should be 'meth [url [version]]' but got "${head}".`);
  }
  let body = whole.slice(head.length);
  let length = '';
  if (!fields.chunked && body !== '' && !/(?:^|\n)Content-Length:/.test(fields.text)) {
    body = body.trim();
    length = `Content-Length: ${body.length}\r\n`;
  }
  const host = /(?:^|\n)Host:/i.test(fields.text) ? '' : `Host: ${serverName}\r\n`;
  const close = /(?:^|\n)Connection/i.test(fields.text) ? '' : `Connection: ${connection}\r\n`;
  const first = `${words[1]} ${words[2] ?? '/'} ${words[3] ?? 'HTTP/1.1'}\r\n${host}${close}${fields.text}${length}\r\n`;
  if (packets.length === 1) return [first + body];
  return spread(packets, head.length, first, body);
}

/** Puts a completed head and the body into packets that end where those of the unfinished request ended. */
function spread(packets: readonly string[], headLength: number, head: string, body: string): string[] {
  const out: string[] = [];
  let seen = 0;
  let sent = 0;
  const done = head + body;
  for (const [i, packet] of packets.entries()) {
    seen += packet.length;
    let until: number;
    if (i === packets.length - 1) until = done.length;
    else if (seen < headLength) until = Math.min(seen, head.length - 1);
    else until = Math.min(head.length + seen - headLength, done.length);
    out.push(done.slice(sent, until));
    sent = until;
  }
  return out;
}
