/** When a connection is kept and when it is closed; pipelining. */
import type { RawCase } from '../case.ts';

const get = (path: string, fields = '', version = '1.1'): string =>
  `GET ${path} HTTP/${version}\r\nHost: main\r\n${fields}\r\n`;
const connection = (value: string, version: string): RawCase => ({
  name: `Connection: ${value} in HTTP/${version}`,
  send: get('/', `Connection: ${value}\r\n`, version),
});

export const keepAlive: readonly RawCase[] = [
  ...['close', 'Close', 'keep-alive', 'Keep-Alive', 'keep-alive, close', 'close, keep-alive', 'upgrade', 'x', ''].map(
    (v) => connection(v, '1.1'),
  ),
  ...['close', 'keep-alive', 'Keep-Alive', 'keep-alive, close', 'keepalive', 'xkeep-alivex', 'xclosex', ''].map((v) =>
    connection(v, '1.0'),
  ),
  { name: 'two Connection fields', send: get('/', 'Connection: keep-alive\r\nConnection: close\r\n') },
  { name: 'two Connection fields the other way', send: get('/', 'Connection: close\r\nConnection: keep-alive\r\n') },
  { name: 'Proxy-Connection', send: get('/', 'Proxy-Connection: close\r\n') },
  { name: 'HTTP/1.2 stays', send: get('/', '', '1.2') },
  { name: 'after 404', send: [get('/named/x'), 20, get('/2')] },
  { name: 'after 204', send: [get('/empty'), 20, get('/2')] },
  { name: 'after 410', send: [get('/gone'), 20, get('/2')] },
  { name: 'after a redirect', send: [get('/moved'), 20, get('/2')] },
  { name: 'after 400', send: [get('/%zz'), 20, get('/2')] },
  { name: '444', send: get('/drop') },
  { name: '444 and another', send: get('/drop') + get('/2') },
  { name: 'two', send: get('/1') + get('/2') },
  { name: 'ten', send: Array.from({ length: 10 }, (_, i) => get(`/${i}`)).join('') },
  { name: 'a hundred', send: Array.from({ length: 100 }, (_, i) => get(`/${i}`)).join('') },
  { name: 'two, the first closes', send: get('/1', 'Connection: close\r\n') + get('/2') },
  { name: 'two, the first in HTTP/1.0', send: get('/1', '', '1.0') + get('/2') },
  { name: 'two, the first in HTTP/0.9', send: `GET /1\r\n${get('/2')}` },
  { name: 'two, the first is bad', send: get('/%zz') + get('/2') },
  { name: 'two, the second is bad', send: get('/1') + get('/%zz') },
  { name: 'two, the second incomplete', send: get('/1') + get('/2').slice(0, -2) },
  { name: 'two, the second in pieces', send: [get('/1') + get('/2').slice(0, 10), 20, get('/2').slice(10)] },
  { name: 'two, cut within the first line end', send: [get('/1').slice(0, -1), 20, `\n${get('/2')}`] },
  { name: 'empty lines between', send: `${get('/1')}\r\n\r\n${get('/2')}` },
  { name: 'garbage between', send: `${get('/1')}garbage${get('/2')}` },
  { name: 'a NUL between', send: `${get('/1')}\x00${get('/2')}` },
  { name: 'HEAD and GET', send: get('/1').replace('GET', 'HEAD') + get('/2') },
  {
    name: 'large heads',
    send:
      get('/1', `X: ${'a'.repeat(3000)}\r\n`) +
      get('/2', `X: ${'b'.repeat(3000)}\r\n`) +
      get('/3', `X: ${'c'.repeat(6000)}\r\n`),
  },
  { name: 'keepalive_requests', to: 'tight', send: [get('/1'), 20, get('/2'), 20, get('/3')] },
  { name: 'keepalive_requests, pipelined', to: 'tight', send: get('/1') + get('/2') + get('/3') + get('/4') },
  { name: 'keepalive_timeout 0', to: 'odd', send: get('/1') },
  { name: 'keepalive_timeout 0, pipelined', to: 'odd', send: get('/1') + get('/2') },
  { name: 'keepalive_timeout with a header', to: 'quick', send: get('/1'), settle: 100 },
  {
    name: 'MSIE 6 and POST',
    send: 'POST / HTTP/1.1\r\nHost: main\r\nUser-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)\r\n\r\n',
  },
  { name: 'MSIE 6 and GET', send: get('/', 'User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)\r\n') },
  {
    name: 'MSIE 6 SV1 and POST',
    send: 'POST / HTTP/1.1\r\nHost: main\r\nUser-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)\r\n\r\n',
  },
  {
    name: 'MSIE error page',
    send: get('/named/x', 'User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)\r\n'),
  },
  {
    name: 'a Chrome error page',
    send: get(
      '/named/x',
      'User-Agent: Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n',
    ),
  },
  {
    name: 'old Safari',
    send: get(
      '/',
      'User-Agent: Mozilla/5.0 (Macintosh; U; PPC Mac OS X; en) AppleWebKit/125.2 (KHTML, like Gecko) Safari/125.8\r\n',
    ),
  },
];
