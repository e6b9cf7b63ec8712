/**
 * Names of request header fields, interned: what a name means is found out once per spelling, not once per request.
 *
 * Clients send the same few dozen names over and over, so a map from the name as sent gives its lower-case key,
 * whether it is well-formed, and whether the server itself looks at the field.
 */
import { byteSet } from './request-line.ts';

// What the server does with a field when it is read. nginx: ngx_http_headers_in.
/** Nothing. */
export const FIELD_PLAIN = 0;
/** May stand only once; these kinds are bits, so that one number remembers which were seen. */
export const FIELD_CONTENT_LENGTH = 0x0001;
export const FIELD_TRANSFER_ENCODING = 0x0002;
export const FIELD_IF_MODIFIED_SINCE = 0x0004;
export const FIELD_IF_UNMODIFIED_SINCE = 0x0008;
export const FIELD_IF_MATCH = 0x0010;
export const FIELD_IF_NONE_MATCH = 0x0020;
export const FIELD_CONTENT_RANGE = 0x0040;
export const FIELD_IF_RANGE = 0x0080;
export const FIELD_EXPECT = 0x0100;
export const FIELD_AUTHORIZATION = 0x0200;
export const FIELD_PROXY_AUTHORIZATION = 0x0400;
export const FIELD_UNIQUE = 0x07ff;
export const FIELD_HOST = 0x1000;
export const FIELD_CONNECTION = 0x2000;
export const FIELD_USER_AGENT = 0x4000;
export const FIELD_KEEP_ALIVE = 0x8000;

const KINDS: ReadonlyMap<string, number> = new Map([
  ['content-length', FIELD_CONTENT_LENGTH],
  ['transfer-encoding', FIELD_TRANSFER_ENCODING],
  ['if-modified-since', FIELD_IF_MODIFIED_SINCE],
  ['if-unmodified-since', FIELD_IF_UNMODIFIED_SINCE],
  ['if-match', FIELD_IF_MATCH],
  ['if-none-match', FIELD_IF_NONE_MATCH],
  ['content-range', FIELD_CONTENT_RANGE],
  ['if-range', FIELD_IF_RANGE],
  ['expect', FIELD_EXPECT],
  ['authorization', FIELD_AUTHORIZATION],
  ['proxy-authorization', FIELD_PROXY_AUTHORIZATION],
  ['host', FIELD_HOST],
  ['connection', FIELD_CONNECTION],
  ['user-agent', FIELD_USER_AGENT],
  ['keep-alive', FIELD_KEEP_ALIVE],
]);

/** A name as a client spelled it. */
export interface HeaderName {
  readonly name: string;
  /** Lower case. */
  readonly key: string;
  /** One of FIELD_*. */
  readonly kind: number;
  /** Holds a byte other than letters, digits, `-` and `_`: "invalid", skipped under ignore_invalid_headers. */
  readonly odd: boolean;
  /** Holds `_`: as invalid, unless underscores_in_headers is on. */
  readonly underscore: boolean;
}

/** No more names than these are kept, so that clients that invent names cannot fill the memory. */
const MOST_NAMES = 2048;
const LONGEST_NAME = 64;
/** And no more of one hash, so that nobody can make the search long. */
const LONGEST_BUCKET = 8;

const LOWCASE = byteSet('-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ');

// A hash table of our own: a Map would hash the whole name anew each time, since each request brings new strings.
const BUCKETS = 2048;
const buckets: (HeaderName[] | undefined)[] = new Array(BUCKETS).fill(undefined);
let count = 0;

/**
 * What the name between two positions of a text means; undefined when it cannot be a name: it is empty or holds a
 * space, a control character or a colon. The result does not keep the text alive.
 */
export function headerName(text: string, start: number, end: number): HeaderName | undefined {
  const bucket = buckets[hash(text, start, end)];
  const name = text.slice(start, end);
  if (bucket !== undefined) {
    for (let i = 0; i < bucket.length; i++) {
      const entry = bucket[i] as HeaderName;
      if (entry.name === name) return entry;
    }
  }
  return learn(name);
}

/** Length and three letters tell the usual names apart. */
function hash(text: string, start: number, end: number): number {
  if (start >= end) return 0;
  const first = text.charCodeAt(start);
  const middle = text.charCodeAt((start + end) >> 1);
  const last = text.charCodeAt(end - 1);
  return ((end - start) ^ (first << 3) ^ (middle << 5) ^ (last << 1)) & (BUCKETS - 1);
}

function learn(name: string): HeaderName | undefined {
  if (name === '') return undefined;
  let odd = false;
  let underscore = false;
  for (let i = 0; i < name.length; i++) {
    const ch = name.charCodeAt(i);
    if (LOWCASE[ch] === 1) continue;
    if (ch === 0x5f) underscore = true;
    else if (ch <= 0x20 || ch === 0x7f || ch === 0x3a) return undefined;
    else odd = true;
  }
  // A slice would keep the whole header of the request that first had the name; a copy does not.
  const copy = Buffer.from(name, 'latin1').toString('latin1');
  const key = lowerCase(copy);
  const entry = { name: copy, key, kind: KINDS.get(key) ?? FIELD_PLAIN, odd, underscore };
  if (count < MOST_NAMES && name.length <= LONGEST_NAME) {
    const at = hash(copy, 0, copy.length);
    const bucket = buckets[at] ?? [];
    if (bucket.length < LONGEST_BUCKET) {
      bucket.push(entry);
      buckets[at] = bucket;
      count++;
    }
  }
  return entry;
}

/** ASCII only: bytes of other alphabets stay as they are. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (part) => part.toLowerCase());
}

// What nearly every client sends has its place before strangers can take it.
for (const name of [
  ...['Accept', 'Accept-Charset', 'Accept-Encoding', 'Accept-Language', 'Authorization', 'Cache-Control'],
  ...['Connection', 'Content-Encoding', 'Content-Length', 'Content-Type', 'Cookie', 'DNT', 'Expect', 'Forwarded'],
  ...['Host', 'If-Match', 'If-Modified-Since', 'If-None-Match', 'If-Range', 'If-Unmodified-Since', 'Keep-Alive'],
  ...['Origin', 'Pragma', 'Priority', 'Range', 'Referer', 'Sec-CH-UA', 'Sec-CH-UA-Mobile', 'Sec-CH-UA-Platform'],
  ...['Sec-Fetch-Dest', 'Sec-Fetch-Mode', 'Sec-Fetch-Site', 'Sec-Fetch-User', 'Sec-GPC', 'Sec-WebSocket-Extensions'],
  ...['Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'TE', 'Traceparent', 'Transfer-Encoding', 'Upgrade'],
  ...['Upgrade-Insecure-Requests', 'User-Agent', 'Via', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Port'],
  ...['X-Forwarded-Proto', 'X-Real-IP', 'X-Request-ID', 'X-Requested-With'],
]) {
  learn(name);
  learn(name.toLowerCase());
}
