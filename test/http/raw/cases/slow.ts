/** Clients that are slow, stop, or close their side. The quick server waits 300 ms for each thing. */
import { FIN, type RawCase } from '../case.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: main\r\n\r\n`;
const quick = (name: string, ...send: (string | number | typeof FIN)[]): RawCase => ({
  name,
  to: 'quick',
  send,
  settle: 600,
});
const main = (name: string, ...send: (string | number | typeof FIN)[]): RawCase => ({ name, send });

export const slow: readonly RawCase[] = [
  quick('nothing'),
  quick('an incomplete request line', 'GET / HT'),
  quick('an incomplete header', 'GET / HTTP/1.1\r\nHost: quick\r\n'),
  quick('a header that grows too slowly', 'GET / HTTP/1.1\r\n', 200, 'Host: quick\r\n', 200, 'X: y\r\n'),
  quick('an idle connection', get('/')),
  quick('an incomplete second request', get('/') + 'GET /2'),
  quick('an incomplete body', 'POST / HTTP/1.1\r\nHost: quick\r\nContent-Length: 5\r\n\r\nhe'),
  quick(
    'a slow body that makes it',
    'POST / HTTP/1.1\r\nHost: quick\r\nContent-Length: 4\r\n\r\n',
    200,
    'a',
    200,
    'b',
    200,
    'c',
    200,
    'd',
  ),
  quick('an incomplete chunk', 'POST / HTTP/1.1\r\nHost: quick\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe'),
  main('closed at once', FIN),
  main('closed within the request line', 'GET / HT', FIN),
  main('closed within the header', 'GET / HTTP/1.1\r\nHost: main\r\n', FIN),
  main('closed behind the request', get('/'), FIN),
  main('closed behind two requests', get('/1') + get('/2'), FIN),
  main('closed within the second', `${get('/1')}GET /2`, FIN),
  main('closed later', get('/1'), 20, FIN),
  {
    name: 'closed within the body',
    to: 'body',
    send: ['POST / HTTP/1.1\r\nHost: body\r\nContent-Length: 5\r\n\r\nhe', FIN],
  },
  {
    name: 'closed within a chunk',
    to: 'body',
    send: ['POST / HTTP/1.1\r\nHost: body\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe', 20, FIN],
  },
  {
    name: 'closed behind the body',
    to: 'body',
    send: ['POST / HTTP/1.1\r\nHost: body\r\nContent-Length: 5\r\n\r\nhello', 20, FIN],
  },
  main(
    'closed within a body that is thrown away',
    'POST / HTTP/1.1\r\nHost: main\r\nContent-Length: 5\r\n\r\nhe',
    20,
    FIN,
  ),
];
