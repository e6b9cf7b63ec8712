/** Chunked bodies that are read: sizes, extensions, line ends, trailers. The answer shows the body. */
import type { RawCase } from '../case.ts';
import { page } from './page.ts';

const HEAD = 'POST / HTTP/1.1\r\nHost: body\r\nTransfer-Encoding: chunked\r\n\r\n';
const body = (name: string, ...send: (string | number)[]): RawCase => ({
  name,
  to: 'body',
  send: typeof send[0] === 'string' ? [HEAD + send[0], ...send.slice(1)] : [HEAD, ...send],
});

/** Bare LFs, which nginx took for line ends. */
const bareLf = (name: string, text: string): RawCase => ({
  ...body(name, text),
  newer: {
    because: 'since 1.29 only CR LF ends a line of a chunked body',
    text: page('400 Bad Request'),
    closed: true,
    log: [
      '[error] client sent invalid chunked body, client: 127.0.0.1, server: body, request: "POST / HTTP/1.1", host: "body"',
    ],
  },
});

export const chunked: readonly RawCase[] = [
  body('one chunk', '5\r\nhello\r\n0\r\n\r\n'),
  body('two chunks', '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'),
  body('empty', '0\r\n\r\n'),
  body('leading zeros', '0005\r\nhello\r\n000\r\n\r\n'),
  body('hex digits', 'A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n'),
  body('an extension', '5;a=b\r\nhello\r\n0;c\r\n\r\n'),
  body('an extension in quotes', '5;a="b;c"\r\nhello\r\n0\r\n\r\n'),
  body('a space behind the size', '5 \r\nhello\r\n0 \r\n\r\n'),
  body('a tab behind the size', '5\t\r\nhello\r\n0\t\r\n\r\n'),
  body('garbage behind a space', '5 xyz\r\nhello\r\n0 a b\r\n\r\n'),
  body('a space before the size', ' 5\r\nhello\r\n0\r\n\r\n'),
  body('a sign', '+5\r\nhello\r\n0\r\n\r\n'),
  body('a minus', '-5\r\nhello\r\n0\r\n\r\n'),
  body('0x', '0x5\r\nhello\r\n0\r\n\r\n'),
  body('no digits', '\r\nhello\r\n0\r\n\r\n'),
  body('letters', 'g\r\nhello\r\n0\r\n\r\n'),
  body('a semicolon without a size', ';a\r\nhello\r\n0\r\n\r\n'),
  body('a comma', '5,\r\nhello\r\n0\r\n\r\n'),
  body('an underscore', '1_0\r\n0123456789012345\r\n0\r\n\r\n'),
  body('too large a size', 'ffffffffffffffff\r\nhello'),
  body('far too large a size', `${'f'.repeat(40)}\r\nhello`),
  body('many zeros', `${'0'.repeat(100)}5\r\nhello\r\n0\r\n\r\n`),
  bareLf('too short a chunk', '5\r\nhell\r\n0\r\n\r\n'),
  bareLf('an LF behind the size', '5\nhello\r\n0\r\n\r\n'),
  bareLf('an LF behind the data', '5\r\nhello\n0\r\n\r\n'),
  bareLf('LFs everywhere', '5\nhello\n0\n\n'),
  bareLf('an LF at the end', '5\r\nhello\r\n0\r\n\n'),
  bareLf('an LF behind the last size', '5\r\nhello\r\n0\n\r\n'),
  bareLf('an LF in an extension', '5;a\nhello\r\n0\r\n\r\n'),
  bareLf('an LF behind a trailer', '5\r\nhello\r\n0\r\nX: y\n\r\n'),
  body('too long a chunk', '5\r\nhello!\r\n0\r\n\r\n'),
  body('no line end behind the data', '5\r\nhello0\r\n\r\n'),
  body('a trailer', '5\r\nhello\r\n0\r\nX: y\r\n\r\n'),
  body('two trailers', '5\r\nhello\r\n0\r\nX: y\r\nZ: a\r\n\r\n'),
  body('a trailer that is not one', '5\r\nhello\r\n0\r\nX y\r\n\r\n'),
  body('a Host trailer', '5\r\nhello\r\n0\r\nHost: other\r\nContent-Length: 3\r\n\r\n'),
  body('byte by byte', ...'5;x\r\nhello\r\n0\r\nX: y\r\n\r\n'.split('').flatMap((ch) => [ch, 1])),
  body('the end later', '5\r\nhello\r\n', 20, '0\r\n', 20, '\r\n'),
  body('too large a body', `${(102401).toString(16)}\r\n${'a'.repeat(100)}`),
  body('too large a body in chunks', `1000\r\n${'a'.repeat(4096)}\r\n`.repeat(26)),
  body('a body for the file', `1000\r\n${'a'.repeat(4096)}\r\n0\r\n\r\n`),
  body('a pipelined request behind', '5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: body\r\n\r\n'),
  body(
    'a pipelined request behind, in pieces',
    '5\r\nhello\r\n0\r\n\r',
    20,
    '\nGET / HT',
    20,
    'TP/1.1\r\nHost: body\r\n\r\n',
  ),
  {
    name: 'thrown away',
    send: 'POST / HTTP/1.1\r\nHost: main\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  },
  {
    name: 'thrown away in pieces',
    send: [
      'POST / HTTP/1.1\r\nHost: main\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe',
      20,
      'llo\r\n0\r\n',
      20,
      '\r\nGET /2 HTTP/1.1\r\nHost: main\r\n\r\n',
    ],
  },
  {
    name: 'thrown away and invalid',
    send: 'POST / HTTP/1.1\r\nHost: main\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\nhello\r\n0\r\n\r\n',
  },
  {
    name: 'thrown away and invalid later',
    send: ['POST / HTTP/1.1\r\nHost: main\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe', 20, 'lloZ'],
  },
];
