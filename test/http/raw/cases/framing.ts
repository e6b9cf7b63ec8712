/** Content-Length and Transfer-Encoding: what decides where a request ends, with a second request behind it. */
import type { RawCase } from '../case.ts';
import { page } from './page.ts';

const NEXT = 'GET /next HTTP/1.1\r\nHost: main\r\nConnection: close\r\n\r\n';
/** A POST with these fields and this body, and another request right behind. */
const post = (name: string, fields: string, body = '', more: Partial<RawCase> = {}): RawCase => ({
  name,
  send: `POST /p HTTP/1.1\r\nHost: main\r\n${fields}\r\n\r\n${body}${NEXT}`,
  ...more,
});
const length = (value: string, body = 'hello'): RawCase =>
  post(`Content-Length: ${JSON.stringify(value)}`, `Content-Length: ${value}`, body);
const coding = (value: string, more: Partial<RawCase> = {}): RawCase =>
  post(`Transfer-Encoding: ${JSON.stringify(value)}`, `Transfer-Encoding: ${value}`, '5\r\nhello\r\n0\r\n\r\n', more);
const overflow = '9'.repeat(30);

export const framing: readonly RawCase[] = [
  ...['5', '05', '0000000000000000000000005', '0', '00'].map((v) => length(v, '0'.repeat(Number(v)))),
  ...[
    '',
    ' ',
    '-1',
    '-0',
    '+5',
    '5 ',
    ' 5',
    '5\t',
    '\t5',
    '5,5',
    '5, 5',
    '5;5',
    '5 5',
    '0x5',
    '5.0',
    '5e0',
    'five',
    '"5"',
  ].map((v) => length(v)),
  ...[
    '1e1',
    '٥',
    '5\x00',
    '5\x01',
    overflow,
    '9223372036854775808',
    '18446744073709551616',
    '4294967296',
    '99999999999',
  ].map((v) => length(v)),
  post('no length', 'X: a'),
  post('two equal lengths', 'Content-Length: 5\r\nContent-Length: 5', 'hello'),
  post('two different lengths', 'Content-Length: 5\r\nContent-Length: 6', 'hello'),
  post('a length with an odd name', 'Content_Length: 5', 'hello'),
  post('a length with a space before the colon', 'Content-Length : 5', 'hello'),
  post('a length with a line break', 'Content-Length:\r\n 5', 'hello'),
  post('a length with an LF', 'Content-Length: 5\nX: a', 'hello'),
  post('a length with a vertical tab', 'Content-Length:\x0b5', 'hello'),
  coding('chunked'),
  coding('Chunked'),
  coding('CHUNKED'),
  coding('chunked '),
  coding(' chunked'),
  coding('\tchunked'),
  coding('chunked\t'),
  coding('\x0bchunked'),
  coding('chunked,'),
  coding(',chunked'),
  coding('chunked, chunked'),
  coding('chunked;x=y'),
  coding('identity'),
  coding('identity, chunked'),
  coding('gzip'),
  coding('gzip, chunked'),
  coding('chunked, gzip'),
  coding('"chunked"'),
  coding('xchunked'),
  coding('chunkedx'),
  coding('chu nked'),
  coding(''),
  coding('chunked\x00'),
  coding('\x01chunked'),
  post('two codings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  post('two different codings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', '0\r\n\r\n'),
  post('a coding with a space before the colon', 'Transfer-Encoding : chunked', '0\r\n\r\n'),
  post('a coding with an odd name', 'Transfer_Encoding: chunked', '0\r\n\r\n'),
  post('a coding on a folded line', 'Transfer-Encoding:\r\n chunked', '0\r\n\r\n'),
  post('a coding behind a CR', 'X: a\rTransfer-Encoding: chunked', '0\r\n\r\n'),
  post('a coding behind an LF', 'X: a\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  post('a length and a coding', 'Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  post('a coding and a length', 'Transfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'),
  post('a length of zero and a coding', 'Content-Length: 0\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  post('a bad length and a coding', 'Content-Length: x\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  post('a length and an unknown coding', 'Content-Length: 5\r\nTransfer-Encoding: gzip', 'hello'),
  {
    name: 'a coding in HTTP/1.0',
    send: `POST / HTTP/1.0\r\nHost: main\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  },
  { name: 'a length in HTTP/1.0', send: `POST / HTTP/1.0\r\nHost: main\r\nContent-Length: 5\r\n\r\nhello` },
  { name: 'GET with a length', send: `GET / HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\n\r\nhello${NEXT}` },
  {
    name: 'GET with a coding',
    send: `GET / HTTP/1.1\r\nHost: main\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n${NEXT}`,
  },
  { name: 'HEAD with a length', send: `HEAD / HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\n\r\nhello${NEXT}` },
  {
    name: 'CONNECT with a body',
    send: 'CONNECT a:1 HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\n\r\nhello',
    newer: {
      because: 'since 1.29 the target of CONNECT is an authority; the method needs allow_connect',
      text: page('405 Not Allowed'),
      log: [
        '[info] client sent CONNECT method while reading client request headers, client: 127.0.0.1, server: main, request: "CONNECT a:1 HTTP/1.1", host: "main"',
      ],
    },
  },
  { name: 'TRACE with a body', send: 'TRACE / HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\n\r\nhello' },
  { name: 'a body without a length', send: 'POST / HTTP/1.1\r\nHost: main\r\n\r\nhello' },
  {
    name: 'a body that looks like a request',
    send: `POST / HTTP/1.1\r\nHost: main\r\nContent-Length: 19\r\n\r\nGET /in HTTP/1.1\r\n\r${NEXT}`,
  },
];
