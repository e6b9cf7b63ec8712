/** Bodies that are passed to a backend. */
import { ABORT, type Case, CLOSE, EARLY, FIN, RESET, WAIT } from '../case.ts';
import { bytes, chunked, get, head, ok, post, request } from './make.ts';

const backend = [ok()];
const DIRECT = 'proxy_http_version 1.1; proxy_request_buffering off;';
const passed = (name: string, send: Case['send'], conf = '', more: Partial<Case> = {}): Case => ({
  name,
  conf: `location / { proxy_pass http://%B1%; ${conf} }`,
  backend,
  send,
  ...more,
});
const CHUNKED = ['Transfer-Encoding: chunked'];
/** On a busy machine the reset is there before the first read, which then tells either server of it in its own way. */
const ABORTED: Case['mask'] = [
  [/recv\(\) failed \(104: Connection reset by peer\)|client prematurely closed connection/, 'aborted'],
];

/** Each of these is passed in three ways. */
const KINDS: readonly (readonly [string, Case['send']])[] = [
  ['a length', post('hello')],
  ['an empty body', post('')],
  ['chunks', request('POST', '/', CHUNKED, chunked('he', 'llo'))],
  ['an empty chunked body', request('POST', '/', CHUNKED, chunked())],
  ['chunks with extensions and trailers', request('POST', '/', CHUNKED, '5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n')],
  ['20000 bytes', post(bytes(20000))],
  ['300000 bytes', post(bytes(300000, 'y'))],
  ['100000 bytes in chunks', request('POST', '/', CHUNKED, chunked(bytes(50000), bytes(50000, 'z')))],
  ['in pieces', [request('POST', '/', ['Content-Length: 6']), 20, 'ab', 20, 'cd', 20, 'ef']],
  ['chunks in pieces', [request('POST', '/', CHUNKED), 20, '2\r', 20, '\nab\r\n3\r\nc', 20, 'de\r\n0', 20, '\r\n\r\n']],
  ['a body of GET', request('GET', '/', ['Content-Length: 3'], 'abc')],
  ['a body of HEAD', request('HEAD', '/', ['Content-Length: 3'], 'abc')],
  ['a body and another request', [post('abc') + get('/2'), WAIT]],
];

/** Each byte by itself. */
const bytewise = (text: string): Case['send'] => [...text].flatMap((byte) => [byte, 1]);
const SPLIT: readonly (readonly [string, string])[] = [
  ['a length', post('hello')],
  ['chunks', request('POST', '/', CHUNKED, '5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n')],
  ['two requests', post('abc') + get('/2', 'X-A: b')],
  ['bad chunks', request('POST', '/', CHUNKED, '5\r\nhelloX\r\n')],
];

export const requestBodies: readonly Case[] = [
  ...SPLIT.map(([what, text]) => passed(`byte by byte: ${what}`, bytewise(text))),
  ...SPLIT.slice(0, 3).map(([what, text]) => passed(`byte by byte, unbuffered: ${what}`, bytewise(text), DIRECT)),
  ...KINDS.map(([what, send]) => passed(`buffered: ${what}`, send)),
  ...KINDS.map(([what, send]) => passed(`buffered, 1.1: ${what}`, send, 'proxy_http_version 1.1;')),
  ...KINDS.map(([what, send]) => passed(`unbuffered: ${what}`, send, DIRECT, { mask: [[/(\[warn\].*)/, '$1']] })),
  ...KINDS.slice(0, 6).map(([what, send]) => passed(`unbuffered, 1.0: ${what}`, send, 'proxy_request_buffering off;')),
  passed('a small buffer', post(bytes(3000)), 'client_body_buffer_size 1k;'),
  passed('only a file', post('abc'), 'client_body_in_file_only clean;', {
    mask: [[/(temporary file ).*FILE/, '$1FILE']],
  }),
  passed('in a single buffer', post(bytes(3000)), 'client_body_in_single_buffer on; client_body_buffer_size 1k;'),
  passed('too large', post(bytes(100)), 'client_max_body_size 10;'),
  passed('too large in chunks', request('POST', '/', CHUNKED, chunked(bytes(100))), 'client_max_body_size 10;'),
  passed(
    'too large in chunks, unbuffered',
    [request('POST', '/', CHUNKED, '100\r\n'), 50, bytes(256), '\r\n0\r\n\r\n'],
    `client_max_body_size 10; ${DIRECT}`,
  ),
  passed('no limit', post(bytes(100)), 'client_max_body_size 0;'),
  passed('100-continue', [
    request('POST', '/', ['Expect: 100-continue', 'Content-Length: 3']),
    { until: '100 Continue' },
    'abc',
  ]),
  passed(
    '100-continue, unbuffered',
    [request('POST', '/', ['Expect: 100-continue', 'Content-Length: 3']), { until: '100 Continue' }, 'abc'],
    DIRECT,
  ),
  passed('100-continue, body at once', post('abc', '/', 'Expect: 100-continue')),
  passed('100-continue of HTTP/1.0', 'POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc'),
  passed(
    '100-continue, too large',
    [request('POST', '/', ['Expect: 100-continue', 'Content-Length: 30'])],
    'client_max_body_size 10;',
  ),
  passed('aborted', [request('POST', '/', ['Content-Length: 10']), 'abc', 30, ABORT], '', {
    mask: ABORTED,
  }),
  passed('ended too early', [request('POST', '/', ['Content-Length: 10']), 'abc', 30, FIN]),
  passed(
    'ended too early, unbuffered',
    [request('POST', '/', ['Content-Length: 10']), 'abc', { seen: 'abc' }, 30, FIN],
    DIRECT,
  ),
  passed(
    'aborted, unbuffered',
    [request('POST', '/', ['Content-Length: 10']), 'abc', { seen: 'abc' }, 30, ABORT],
    DIRECT,
  ),
  passed(
    'chunks ended too early, unbuffered',
    [request('POST', '/', CHUNKED), '3\r\nabc\r\n', { seen: 'abc' }, 30, FIN],
    DIRECT,
  ),
  passed('invalid chunks', request('POST', '/', CHUNKED, 'zz\r\nhello\r\n')),
  passed(
    'invalid chunks, unbuffered',
    [request('POST', '/', CHUNKED), '3\r\nabc\r\n', { seen: 'abc' }, 'zz\r\n'],
    DIRECT,
  ),
  passed('too slow', [request('POST', '/', ['Content-Length: 10']), 'abc'], 'client_body_timeout 300ms;', {
    settle: 500,
  }),
  passed(
    'too slow, unbuffered',
    [request('POST', '/', ['Content-Length: 10']), 'abc'],
    `client_body_timeout 300ms; ${DIRECT}`,
    { settle: 500 },
  ),
  passed('an early answer', [request('POST', '/', ['Content-Length: 6']), 'abc', { seen: 'abc' }, WAIT], DIRECT, {
    backend: [[EARLY, 30, ok('early')]],
  }),
  passed('an early answer that closes', [request('POST', '/', ['Content-Length: 6']), 'abc', WAIT], DIRECT, {
    backend: [[EARLY, 30, ok('early', 'Connection: close'), CLOSE]],
  }),
  passed('an early answer to a large body', [post(bytes(50000))], '', { backend: [[30, response413(), CLOSE]] }),
  passed('closed in the body', [request('POST', '/', ['Content-Length: 6']), 'abc', { seen: 'abc' }, 100], DIRECT, {
    backend: [[EARLY, 30, CLOSE]],
  }),
  passed('reset in the body', [request('POST', '/', ['Content-Length: 6']), 'abc', { seen: 'abc' }, 100], DIRECT, {
    backend: [[EARLY, 30, RESET]],
  }),
  passed('both lengths and chunks', request('POST', '/', ['Content-Length: 3', ...CHUNKED], chunked('abc'))),
  passed('$request_body', post('abc'), 'proxy_set_header X-Body $request_body; proxy_set_header X-L $content_length;'),
  passed(
    '$request_body of chunks',
    request('POST', '/', CHUNKED, chunked('ab', 'c')),
    'proxy_set_header X-Body $request_body; proxy_set_header X-L "$content_length";',
  ),
  passed('request_length', post('abc'), 'proxy_set_header X-L $request_length;'),
  passed('a body for GET by method', post('abc'), 'proxy_method GET;'),
  passed('a body and an internal redirect', post('abc', '/x'), 'error_page 502 = /y; proxy_next_upstream off; ', {
    conf: 'location /x { proxy_pass http://%DEAD%; error_page 502 = /y; } location /y { proxy_pass http://%B1%; }',
  }),
  passed('a body and a named location', post('abc', '/x'), '', {
    conf: 'location /x { proxy_pass http://%DEAD%; error_page 502 = @y; } location @y { proxy_pass http://%B1%; }',
  }),
  passed('a large body to the second server', post(bytes(40000)), '', {
    http: 'upstream u%ID% { server %DEAD%; server %B1%; }',
    conf: 'location / { proxy_pass http://u%ID%; }',
  }),
  passed('two bodies on a connection', [post('abc'), WAIT, post('defg'), WAIT], ''),
  passed('two bodies on a connection, unbuffered', [post('abc'), WAIT, post('defg'), WAIT], DIRECT),
];

function response413(): string {
  return `${head('413 Too Large', 'Content-Length: 3', 'Connection: close')}big`;
}
