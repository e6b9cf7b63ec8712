/** Bodies by length: whole, in pieces, too large, expected, in memory or in a file (the body is then not shown). */
import type { RawCase } from '../case.ts';

const post = (size: number | string, more = ''): string =>
  `POST / HTTP/1.1\r\nHost: b\r\nContent-Length: ${size}\r\n${more}\r\n`;
const a = (n: number): string => 'a'.repeat(n);
const body = (name: string, ...send: (string | number)[]): RawCase => ({ name, to: 'body', send });
const small = (name: string, ...send: (string | number)[]): RawCase => ({ name, to: 'small', send });

export const bodies: readonly RawCase[] = [
  body('a body', `${post(5)}hello`),
  body('a body of nothing', post(0)),
  body('no body', 'POST / HTTP/1.1\r\nHost: b\r\n\r\n'),
  body('GET with a body', 'GET / HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nab'),
  body('in pieces', post(5), 20, 'he', 20, 'llo'),
  body('byte by byte', ...`${post(5)}hello`.split('').flatMap((ch) => [ch, 1])),
  body('1024 bytes, as large as the buffer', post(1024) + a(1024)),
  body('1100 bytes, a little larger than the buffer', post(1100), 20, a(1100)),
  body('1279 bytes, just within', post(1279), 20, a(1279)),
  body('1280 bytes, a quarter larger', post(1280), 20, a(1280)),
  body('3000 bytes', post(3000), 20, a(3000)),
  body('3000 bytes in pieces', post(3000), 20, a(1000), 20, a(1000), 20, a(1000)),
  body('a pipelined request behind', `${post(5)}helloGET / HTTP/1.1\r\nHost: b\r\n\r\n`),
  body('two bodies', `${post(5)}hello${post(3)}abc`),
  body('two bodies in pieces', `${post(5)}he`, 20, `llo${post(3)}a`, 20, 'bc'),
  body('empty lines between', `${post(5)}hello\r\n\r\n${post(3)}abc`),
  body('a byte too many', `${post(5)}hello!`),
  body('too large', post(102401)),
  body('too large, with a beginning', `${post(102401)}${a(2000)}`),
  body('as large as allowed', post(102400), 20, a(102400)),
  body('a redirect of the length', post('5', 'X: y\r\n') + 'hello'),
  small('ten bytes', `${post(10)}0123456789`),
  small('eleven bytes', `${post(11)}0123456789a`),
  small('eleven bytes and a request', `${post(11)}0123456789a${post(1)}b`),
  small('eleven bytes, later', post(11), 20, '0123456789a', 20, `${post(1)}b`),
  small(
    'eleven bytes in chunks',
    'POST / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n',
  ),
  small(
    'ten bytes in chunks',
    'POST / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n1\r\na\r\n0\r\n\r\n',
  ),
  small(
    'two chunks that are too much',
    'POST / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n2\r\nab\r\n0\r\n\r\n',
  ),
  body('Expect: 100-continue', post(5, 'Expect: 100-continue\r\n'), 20, 'hello'),
  body('Expect: 100-Continue', post(5, 'Expect: 100-Continue\r\n'), 20, 'hello'),
  body('Expect: 100-continue, body at once', `${post(5, 'Expect: 100-continue\r\n')}hello`),
  body('Expect: 100-continue without a body', post(0, 'Expect: 100-continue\r\n')),
  body('Expect: something else', `${post(5, 'Expect: x\r\n')}hello`),
  body(
    'Expect: 100-continue and chunks',
    'POST / HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n',
    20,
    '1\r\na\r\n0\r\n\r\n',
  ),
  small('Expect: 100-continue, too large', post(11, 'Expect: 100-continue\r\n')),
  {
    name: 'Expect: 100-continue in HTTP/1.0',
    to: 'body',
    send: ['POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n', 20, 'hello'],
  },
  {
    name: 'Expect: 100-continue, thrown away',
    send: ['POST / HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n', 20, 'hello'],
  },
  { name: 'thrown away', send: 'POST / HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\n\r\nhello' },
  {
    name: 'thrown away, then another',
    send: 'POST / HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: main\r\n\r\n',
  },
  {
    name: 'thrown away in pieces, then another',
    send: [
      'POST / HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\n\r\nhe',
      20,
      'lloGET /2 HTTP/1.1\r\n',
      20,
      'Host: main\r\n\r\n',
    ],
  },
  {
    name: 'thrown away with an error page',
    send: 'POST /named/x HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: main\r\n\r\n',
  },
  {
    name: 'thrown away with an error page, in pieces',
    send: [
      'POST /named/x HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\n\r\nhe',
      20,
      'lloGET /2 HTTP/1.1\r\nHost: main\r\n\r\n',
    ],
  },
  {
    name: 'thrown away and never complete',
    send: 'POST / HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhe',
    settle: 600,
  },
  {
    name: 'thrown away, with close',
    send: 'POST / HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
    settle: 600,
  },
];
