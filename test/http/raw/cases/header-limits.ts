/** client_header_buffer_size, large_client_header_buffers: 1k and 4 of 8k, or 128 and 2 of 256 at the tight server. */
import type { RawCase } from '../case.ts';

const a = (n: number): string => 'a'.repeat(n);
/** A request to the tight server whose request line has `size` bytes with its line end. */
const line = (size: number, more = ''): string => `GET /${a(size - 'GET / HTTP/1.1\r\n'.length)} HTTP/1.1\r\n${more}`;
const host = 'Host: tight\r\n';
/** A header line of `size` bytes with its line end. */
const field = (size: number, name = 'Z'): string => `${name}: ${a(size - name.length - 4)}\r\n`;

const tight = (name: string, ...send: (string | number)[]): RawCase => ({ name, to: 'tight', send });

export const headerLimits: readonly RawCase[] = [
  ...[120, 127, 128, 129, 200, 255, 256].map((n) => tight(`a request line of ${n}`, `${line(n) + host}\r\n`)),
  ...[257, 300, 600].map((n) => tight(`a request line of ${n}`, `${line(n) + host}\r\n`)),
  tight('an incomplete request line of 256', `GET /${a(251)}`),
  tight('an incomplete request line of 255', `GET /${a(250)}`, 20, ` HTTP/1.1\r\n${host}\r\n`),
  tight('a long request line in pieces', `GET /${a(100)}`, 20, a(100), 20, a(100)),
  tight('a long request line with a wrong byte behind the limit', `GET /${a(400)}\x01`),
  tight('a long request line with a wrong byte before the limit', `GET /${a(100)}\x01${a(400)}`),
  ...[100, 200, 255, 256].map((n) => tight(`a field of ${n}`, `GET / HTTP/1.1\r\n${host}${field(n)}\r\n`)),
  ...[257, 258, 300, 1000].map((n) => tight(`a field of ${n}`, `GET / HTTP/1.1\r\n${host}${field(n)}\r\n`)),
  tight('a field of 256 on the first line', `GET / HTTP/1.1\r\n${field(256)}${host}\r\n`),
  tight('a field of 300 on the first line', `GET / HTTP/1.1\r\n${field(300)}${host}\r\n`),
  tight('a field of 300 in pieces', `GET / HTTP/1.1\r\n${host}X: ${a(100)}`, 20, a(100), 20, a(100)),
  tight('two large fields', `GET / HTTP/1.1\r\n${host}${field(200)}${field(200)}\r\n`),
  tight('three large fields', `GET / HTTP/1.1\r\n${host}${field(200)}${field(200)}${field(200)}\r\n`),
  tight('four large fields', `GET / HTTP/1.1\r\n${host}${field(200)}${field(200)}${field(200)}${field(200)}\r\n`),
  tight('a large request line and a large field', `${line(200)}${host}${field(200)}\r\n`),
  tight('a large request line and two large fields', `${line(200)}${host}${field(200)}${field(200)}\r\n`),
  tight('many small fields', `GET / HTTP/1.1\r\n${host}${field(20).repeat(20)}\r\n`),
  tight('too many small fields', `GET / HTTP/1.1\r\n${host}${field(20).repeat(40)}\r\n`),
  tight('too many small fields one by one', `GET / HTTP/1.1\r\n${host}`, ...Array(40).fill(field(20))),
  tight(
    'a second request with large fields',
    `GET / HTTP/1.1\r\n${host}\r\n`,
    20,
    `GET / HTTP/1.1\r\n${host}${field(200)}${field(200)}\r\n`,
  ),
  tight(
    'pipelined with large fields',
    `GET / HTTP/1.1\r\n${host}${field(200)}\r\nGET / HTTP/1.1\r\n${host}${field(200)}\r\n`,
  ),
  { name: 'a request line of 8000', send: `GET /${a(8000)} HTTP/1.1\r\nHost: main\r\n\r\n` },
  { name: 'a request line of 9000', send: `GET /${a(9000)} HTTP/1.1\r\nHost: main\r\n\r\n` },
  { name: 'a request line of 9000 in HTTP/0.9', send: `GET /${a(9000)}\r\n` },
  { name: 'a request line of 9000 with a method that is wrong', send: `get /${a(9000)} HTTP/1.1\r\n\r\n` },
  { name: 'a field of 8000', send: `GET / HTTP/1.1\r\nHost: main\r\nY: ${a(8000)}\r\n\r\n` },
  { name: 'a field of 9000', send: `GET / HTTP/1.1\r\nHost: main\r\nY: ${a(9000)}\r\n\r\n` },
  { name: 'four fields of 7000', send: `GET / HTTP/1.1\r\nHost: main\r\n${field(7000, 'Y').repeat(4)}\r\n` },
  {
    name: '1000 fields',
    send: `GET / HTTP/1.1\r\nHost: main\r\n${'A: b\r\n'.repeat(999)}\r\n`,
  },
  {
    name: '1001 fields',
    send: `GET / HTTP/1.1\r\nHost: main\r\n${'A: b\r\n'.repeat(1000)}\r\n`,
  },
  { name: 'a Host of 500 bytes', send: `GET /named/x HTTP/1.1\r\nHost: ${a(500)}\r\n\r\n` },
];
