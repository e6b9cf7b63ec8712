/** Responses of a backend that say more than one thing. */
import { CLOSE, type Script } from '../differential/case.ts';

export interface Splitting {
  readonly name: string;
  readonly backend: Script;
  /** Of the request; GET by default. */
  readonly method?: string;
  /** The first client may be cut off, for its response is broken. */
  readonly breaks?: true;
  /** What the first client must get. */
  readonly status?: string;
  /** False: the first client's response holds what the backend put into it. */
  readonly clean?: false;
}

const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Evil: 1\r\n\r\nevil';
const GOOD = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const refused = (name: string, lines: string, body = '5\r\nhello\r\n0\r\n\r\n'): Splitting => ({
  name,
  backend: [`HTTP/1.1 200 OK\r\n${lines}\r\n\r\n${body}${EVIL}`],
  status: '502',
});

export const responses: readonly Splitting[] = [
  { name: 'a second response', backend: GOOD + EVIL },
  { name: 'a second response, a moment later', backend: [GOOD, 5, EVIL] },
  { name: 'a second response, later', backend: [GOOD, 40, EVIL] },
  { name: 'half a response behind', backend: `${GOOD}HTTP/1.1 200 OK\r\nX-Evil: ` },
  { name: 'an empty line behind', backend: `${GOOD}\r\n` },
  { name: 'garbage behind', backend: `${GOOD}evil garbage` },
  { name: 'behind length 0', backend: `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n${EVIL}` },
  { name: 'behind a length that is too short', backend: `HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nok${EVIL}` },
  { name: 'behind chunks', backend: `${CHUNKED}2\r\nok\r\n0\r\n\r\n${EVIL}` },
  { name: 'behind chunks, later', backend: [`${CHUNKED}2\r\nok\r\n0\r\n\r\n`, 40, EVIL] },
  { name: 'behind trailers', backend: `${CHUNKED}2\r\nok\r\n0\r\nX: y\r\n\r\n${EVIL}` },
  { name: 'behind chunks of nothing', backend: `${CHUNKED}0\r\n\r\n${EVIL}` },
  { name: 'behind 204', backend: `HTTP/1.1 204 None\r\n\r\n${EVIL}` },
  { name: 'behind 204, later', backend: ['HTTP/1.1 204 None\r\n\r\n', 40, EVIL] },
  { name: 'behind 204 with a length', backend: `HTTP/1.1 204 None\r\nContent-Length: 4\r\n\r\nevil${EVIL}` },
  { name: 'behind 304', backend: `HTTP/1.1 304 None\r\n\r\n${EVIL}` },
  { name: 'behind 304 with a length', backend: `HTTP/1.1 304 None\r\nContent-Length: 4\r\n\r\nevil${EVIL}` },
  { name: 'behind a HEAD', method: 'HEAD', backend: `HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${EVIL}` },
  { name: 'behind a HEAD, later', method: 'HEAD', backend: ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n', 40, EVIL] },
  { name: 'a body to a HEAD', method: 'HEAD', backend: GOOD.replace('ok', 'evil') },
  { name: 'chunks to a HEAD', method: 'HEAD', backend: `${CHUNKED}4\r\nevil\r\n0\r\n\r\n${EVIL}` },
  { name: 'behind an error', backend: `HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n${EVIL}` },
  { name: 'behind a redirect', backend: `HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n${EVIL}` },
  { name: 'behind early hints', backend: `HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n${GOOD}${EVIL}` },
  { name: 'a 100 first', backend: [`HTTP/1.1 100 Continue\r\n\r\n${EVIL}`, 30, CLOSE], clean: false, breaks: true },
  {
    name: 'a 101 that was not asked for',
    backend: [`HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n${EVIL}`, 30, CLOSE],
    clean: false,
    breaks: true,
  },
  refused('length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked'),
  refused('chunks and length', 'Transfer-Encoding: chunked\r\nContent-Length: 5'),
  refused('two lengths', 'Content-Length: 5\r\nContent-Length: 6', 'hello'),
  refused('a length twice', 'Content-Length: 5\r\nContent-Length: 5', 'hello'),
  refused('a list of lengths', 'Content-Length: 5, 6', 'hello'),
  refused('a length with a sign', 'Content-Length: +5', 'hello'),
  refused('a negative length', 'Content-Length: -5', 'hello'),
  refused('a length in hex', 'Content-Length: 0x5', 'hello'),
  refused('a huge length', 'Content-Length: 18446744073709551621', 'hello'),
  refused('an empty length', 'Content-Length:', 'hello'),
  refused('chunks twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'),
  refused('chunks and identity', 'Transfer-Encoding: chunked, identity'),
  refused('gzip and chunks', 'Transfer-Encoding: gzip, chunked'),
  refused('identity', 'Transfer-Encoding: identity', 'hello'),
  refused('a folded coding', 'Transfer-Encoding:\r\n chunked'),
  refused('a space before the colon', 'Transfer-Encoding : chunked'),
  refused('a NUL in a name', 'X\0: y', ''),
  refused('a NUL in a value', 'X: y\0evil', ''),
  refused('a CR in a value', 'X: y\rSet-Cookie: evil=1', ''),
  refused('a folded line', 'X: y\r\n evil', ''),
  refused('a space in a name', 'X Y: evil', ''),
  refused('an empty name', ': evil', ''),
  {
    name: 'a vertical tab in the coding',
    backend: [`HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${EVIL}`],
    status: '502',
  },
  { name: 'chunks of a wrong size', backend: [`${CHUNKED}4\r\nhello\r\n0\r\n\r\n${EVIL}`, CLOSE], breaks: true },
  { name: 'chunks with a sign', backend: [`${CHUNKED}+5\r\nhello\r\n0\r\n\r\n${EVIL}`, CLOSE], breaks: true },
  { name: 'chunks with 0x', backend: [`${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n${EVIL}`, CLOSE], breaks: true },
  {
    name: 'chunks with a huge size',
    backend: [`${CHUNKED}FFFFFFFFFFFFFFFF5\r\nhello\r\n0\r\n\r\n${EVIL}`, CLOSE],
    breaks: true,
  },
  {
    name: 'an overflowing header',
    backend: `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70000)}\r\nContent-Length: 0\r\n\r\n${EVIL}`,
    status: '502',
  },
  { name: 'half a header', backend: ['HTTP/1.1 200 OK\r\nX-Evil: ', CLOSE], breaks: true },
];
