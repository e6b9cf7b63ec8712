/** What backends answer: framing, headers, and what is wrong with them. */
import { type Case, CLOSE, type Known, RESET, type Script, WAIT } from '../case.ts';
import { bytes, chunked, get, head, ok, refused, request, response } from './make.ts';

const answer = (name: string, backend: Script, more: Partial<Case> = {}): Case => ({
  name,
  conf: 'location / { proxy_pass http://%B1%; proxy_http_version 1.1; }',
  send: get(),
  backend: [backend],
  ...more,
});
/** In the three ways that matter: buffered, unbuffered, and of HTTP/1.0 to the client. */
const three = (name: string, backend: Script): Case[] => [
  answer(name, backend),
  answer(`${name}, unbuffered`, backend, {
    conf: 'location / { proxy_pass http://%B1%; proxy_http_version 1.1; proxy_buffering off; }',
  }),
  answer(`${name}, to HTTP/1.0`, backend, { send: 'GET / HTTP/1.0\r\nHost: case\r\n\r\n' }),
];
const headOnly = (name: string, backend: Script): Case =>
  answer(`HEAD: ${name}`, backend, { send: request('HEAD', '/') });
const CHUNKED = 'Transfer-Encoding: chunked';

const duplicate = (line: string, before: string): Partial<Case> => ({
  newer: refused('refused since 1.23', `upstream sent duplicate header line: "${line}", previous value: "${before}"`),
});
const both: Partial<Case> = {
  newer: refused(
    'refused since 1.23',
    'upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time',
  ),
};
const coding = (value: string): Partial<Case> => ({
  newer: refused('refused since 1.23', `upstream sent unknown "Transfer-Encoding": "${value}"`),
});
const badLength = (value: string): Partial<Case> => ({
  newer: refused('refused since 1.23', `upstream sent invalid "Content-Length" header: "Content-Length: ${value}"`),
});
/** A client could not see where it ends. */
const ended: Partial<Case> = {
  ours: { because: 'nginx leaves the connection open, and the client without an end of the response', closed: [true] },
};

/** Each byte by itself: nothing may depend on where packets end. */
const bytewise = (name: string, text: string, end: readonly (typeof CLOSE)[] = [], conf = ''): Case =>
  answer(`byte by byte: ${name}`, [...[...text].flatMap((byte) => [byte, 1]), 300, ...end], {
    conf: `location / { proxy_pass http://%B1%; proxy_http_version 1.1; ${conf} }`,
  });

export const responses: readonly Case[] = [
  ...three('a length', ok('hello')),
  ...three('no body', ok('')),
  ...three('a length in pieces', [head('200 OK', 'Content-Length: 6'), 20, 'ab', 20, 'cd', 20, 'ef']),
  ...three('chunks', head('200 OK', CHUNKED) + chunked('he', 'llo')),
  ...three('no chunks', head('200 OK', CHUNKED) + chunked()),
  ...three('chunks in pieces', [
    head('200 OK', CHUNKED),
    20,
    '2\r\nhe\r',
    20,
    '\n3\r\nll',
    20,
    'o\r\n0\r\n',
    20,
    '\r\n',
  ]),
  ...three('to the end', [`${head('200 OK')}hello`, CLOSE]),
  ...three('to the end, in pieces', [head('200 OK'), 20, 'he', 20, 'llo', 20, CLOSE]),
  ...three('to the end, empty', [head('200 OK'), CLOSE]),
  ...three('too short', [`${head('200 OK', 'Content-Length: 10')}hello`, 40, CLOSE]),
  ...three('too short, reset', [`${head('200 OK', 'Content-Length: 10')}hello`, 40, RESET]).map((c, i) =>
    i === 1
      ? c
      : {
          ...c,
          ours: {
            because: 'what came before the reset is passed on',
            edits: [[/\r\n\r\n$/, '\r\n\r\nhello']] as const,
          },
        },
  ),
  ...three('too long', `${head('200 OK', 'Content-Length: 3')}hello`),
  ...three('too long, later', [`${head('200 OK', 'Content-Length: 3')}he`, 20, 'llo']),
  ...three('no length and more', `${head('200 OK', 'Content-Length: 0')}hello`),
  ...three('chunks cut', [`${head('200 OK', CHUNKED)}5\r\nhel`, 40, CLOSE]),
  ...three('chunks without an end', [`${head('200 OK', CHUNKED)}5\r\nhello\r\n`, 40, CLOSE]),
  ...three('chunks and more', `${head('200 OK', CHUNKED)}${chunked('hello')}garbage`),
  ...three('bad chunks', `${head('200 OK', CHUNKED)}zz\r\nhello\r\n0\r\n\r\n`),
  ...three('bad chunks, later', [`${head('200 OK', CHUNKED)}5\r\nhello\r\n`, 30, 'zz\r\n']),
  ...three('chunks with extensions', `${head('200 OK', CHUNKED)}5;a=b\r\nhello\r\n0;c\r\n\r\n`),
  ...three('chunks with trailers', `${head('200 OK', CHUNKED, 'Trailer: X-T')}5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n`),
  ...three('closed at once', [CLOSE]),
  ...three('reset at once', [20, RESET]),
  ...three('half a header', ['HTTP/1.1 200 OK\r\nContent-', CLOSE]),
  ...three('half a status line', ['HTTP/1.', CLOSE]),
  answer('HTTP/0.9', ['hello\n', CLOSE], ended),
  answer('HTTP/0.9, to HTTP/1.0', ['hello\n', CLOSE], { send: 'GET / HTTP/1.0\r\nHost: case\r\n\r\n' }),
  ...three('HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello'),
  ...three('HTTP/1.0 to the end', ['HTTP/1.0 200 OK\r\n\r\nhello', CLOSE]),
  answer('status 201 with a text of its own', response('201 Made it', 'x')),
  answer('a status without text', 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx'),
  answer('a status with a space and no text', 'HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx'),
  answer('a status not known', response('299 Something', 'x')),
  answer('a status of 999', response('999 Nine', 'x')),
  answer('a status of 099', response('099 Low', 'x')),
  answer('a status of two digits', response('20 OK', 'x')),
  answer('a status of four digits', response('2000 OK', 'x')),
  answer('no status', ['HTTP/1.1 OK\r\nContent-Length: 1\r\n\r\nx', CLOSE], ended),
  answer('HTTP/1.2', 'HTTP/1.2 200 OK\r\nContent-Length: 1\r\n\r\nx'),
  answer('HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 1\r\n\r\nx'),
  answer('HTTP/11.1', ['HTTP/11.1 200 OK\r\nContent-Length: 1\r\n\r\nx', CLOSE]),
  answer('http/1.1 in lower case', ['http/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx', CLOSE], ended),
  answer('ICY', ['ICY 200 OK\r\nContent-Length: 1\r\n\r\nx', CLOSE], ended),
  answer('an empty line first', ['\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx', CLOSE], ended),
  answer('LFs alone', 'HTTP/1.1 200 OK\nContent-Length: 1\nX-A: b\n\nx'),
  answer('204', head('204 No Content')),
  answer('204 with a length', `${head('204 No Content', 'Content-Length: 3')}abc`),
  answer('204 with chunks', `${head('204 No Content', CHUNKED)}${chunked('abc')}`),
  answer('304', head('304 Not Modified', 'ETag: "x"', 'Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT')),
  answer('304 with a length', head('304 Not Modified', 'Content-Length: 100')),
  answer('205', `${head('205 Reset', 'Content-Length: 0')}`),
  answer('100 before', head('100 Continue') + ok()),
  answer('102 before', head('102 Processing') + ok()),
  answer('101 that was not asked for', `${head('101 Switching Protocols', 'Upgrade: x')}abc`),
  answer('a redirect', response('302 Found', '', 'Location: /x')),
  answer('an error', response('500 Oh', 'bad')),
  answer('a 404', response('404 Not Found', 'none')),
  answer('a 401', response('401 No', 'x', 'WWW-Authenticate: Basic realm="r"')),
  headOnly('a length', head('200 OK', 'Content-Length: 100')),
  headOnly('chunks', head('200 OK', CHUNKED)),
  headOnly('no length', [head('200 OK'), CLOSE]),
  headOnly('with a body', ok('hello')),
  headOnly('with chunks', head('200 OK', CHUNKED) + chunked('hello')),
  headOnly('404', head('404 Not Found', 'Content-Length: 10')),
  answer(
    'ordinary headers',
    ok(
      'x',
      'Content-Type: text/html',
      'ETag: "a"',
      'Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT',
      'X-A: 1',
      'Cache-Control: no-cache',
      'Expires: Thu, 01 Jan 1970 00:00:01 GMT',
      'Vary: Accept',
      'Content-Language: de',
    ),
  ),
  answer('hidden headers', ok('x', 'Date: y', 'Server: z', 'X-Pad: avoid', 'X-Accel-Foo: 1', 'X-Accel-Expires: 0')),
  answer('Server and Date passed', ok('x', 'Date: Wed, 01 Jan 2020 00:00:00 GMT', 'Server: z'), {
    conf: 'location / { proxy_pass http://%B1%; proxy_pass_header Server; proxy_pass_header Date; }',
    mask: [[/Server: X/g, 'Server: X']],
  }),
  answer(
    'duplicates',
    ok(
      'x',
      'X-A: 1',
      'X-A: 2',
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
      'Vary: a',
      'Vary: b',
      'Cache-Control: a',
      'Cache-Control: b',
      'Link: a',
      'Link: b',
      'WWW-Authenticate: a',
      'WWW-Authenticate: b',
    ),
  ),
  answer('order and case', ok('x', 'x-b: 1', 'X-A: 2', 'content-type: text/css', 'ETAG: "x"')),
  answer('a folded line', ok('x', 'X-A: 1\r\n 2', 'X-B: 3')),
  answer('a line without a colon', ok('x', 'X-A', 'X-B: 3')),
  answer('an empty name', ok('x', ': a', 'X-B: 3')),
  answer('a space in a name', ok('x', 'X A: 1', 'X-B: 3')),
  answer('a space before the colon', ok('x', 'X-A : 1', 'X-B: 3')),
  answer('an underscore in a name', ok('x', 'X_A: 1', 'X-B: 3')),
  answer('odd names', ok('x', 'X.A: 1', 'X!#$: 2', 'X-B: 3')),
  answer('a control byte in a name', ok('x', 'X\x01A: 1', 'X-B: 3')),
  answer('a NUL in a name', ok('x', 'X\0A: 1', 'X-B: 3')),
  answer('a control byte in a value', ok('x', 'X-A: 1\x012', 'X-B: 3')),
  answer('a NUL in a value', ok('x', 'X-A: 1\x002', 'X-B: 3')),
  answer('a CR in a value', ok('x', 'X-A: 1\r2', 'X-B: 3')),
  answer('bytes above 127', ok('x', 'X-A: \xe4', 'X-\xe4: 3')),
  answer('an empty value', ok('x', 'X-A:', 'X-B:   ')),
  answer('spaces around a value', ok('x', 'X-A:  1  2  ')),
  answer(
    'two lengths that agree',
    `${head('200 OK', 'Content-Length: 1', 'Content-Length: 1')}x`,
    duplicate('Content-Length: 1', 'Content-Length: 1'),
  ),
  answer(
    'two lengths',
    `${head('200 OK', 'Content-Length: 1', 'Content-Length: 2')}xy`,
    duplicate('Content-Length: 2', 'Content-Length: 1'),
  ),
  answer('a length in one line twice', `${head('200 OK', 'Content-Length: 1, 1')}x`, {
    newer: { ...(badLength('1, 1').newer as Known), backend: ['B1: GET / HTTP/1.1\r\nHost: %B1%\r\n\r\n(closed)'] },
  }),
  answer('a length and chunks', `${head('200 OK', 'Content-Length: 3', CHUNKED)}${chunked('hello')}`, both),
  answer('chunks and a length', `${head('200 OK', CHUNKED, 'Content-Length: 3')}${chunked('hello')}`, both),
  answer(
    'chunks twice',
    `${head('200 OK', CHUNKED, CHUNKED)}${chunked('hello')}`,
    duplicate('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  ),
  answer(
    'gzip, chunked',
    `${head('200 OK', 'Transfer-Encoding: gzip, chunked')}${chunked('hello')}`,
    coding('gzip, chunked'),
  ),
  answer('identity', `${head('200 OK', 'Transfer-Encoding: identity', 'Content-Length: 1')}x`, coding('identity')),
  answer('another transfer encoding', [`${head('200 OK', 'Transfer-Encoding: gzip')}x`, CLOSE], coding('gzip')),
  answer('a negative length', [`${head('200 OK', 'Content-Length: -1')}x`, CLOSE], badLength('-1')),
  answer('a length of letters', [`${head('200 OK', 'Content-Length: abc')}x`, CLOSE], badLength('abc')),
  answer('a length with a plus', [`${head('200 OK', 'Content-Length: +1')}x`, CLOSE], badLength('+1')),
  answer('an empty length', [`${head('200 OK', 'Content-Length:')}x`, CLOSE], badLength('')),
  answer(
    'a huge length',
    [`${head('200 OK', 'Content-Length: 99999999999999999999')}x`, CLOSE],
    badLength('99999999999999999999'),
  ),
  answer('a header as large as can be', ok('x', `X-A: ${bytes(3900)}`), { send: get() }),
  answer('a header that is too big', ok('x', `X-A: ${bytes(5000)}`)),
  answer('a header that is too big, in pieces', [
    'HTTP/1.1 200 OK\r\n',
    20,
    `X-A: ${bytes(3000)}\r\n`,
    20,
    `X-B: ${bytes(3000)}\r\n\r\n`,
  ]),
  answer('a larger buffer', ok('x', `X-A: ${bytes(5000)}`), {
    conf: 'location / { proxy_pass http://%B1%; proxy_buffer_size 8k; }',
  }),
  bytewise('a length', ok('x', 'X-A: b')),
  bytewise('chunks', `${head('200 OK', CHUNKED)}5;a=b\r\nhello\r\n0\r\n\r\n`),
  bytewise('chunks and trailers', `${head('200 OK', CHUNKED)}5\r\nhello\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\n`),
  bytewise('LFs alone', 'HTTP/1.1 200 OK\nContent-Length: 1\nX-A: b\n\nx'),
  bytewise('HTTP/1.0 to the end', 'HTTP/1.0 200 OK\r\n\r\nhello', [CLOSE]),
  bytewise('204', head('204 None', 'X-A: b')),
  bytewise('a second status line', ok('x', 'X-A: b').replace('X-A', 'HTTP/1.1 200 OK\r\nX-A')),
  bytewise('an invalid header', 'HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n', [CLOSE]),
  bytewise('CRs in front of an LF', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\r\n\r\nx', [CLOSE]),
  bytewise(
    'a header that is too big',
    ok('x', `X-A: ${bytes(600)}`),
    [],
    'proxy_buffer_size 512; proxy_buffers 4 1k; proxy_busy_buffers_size 1k;',
  ),
  bytewise('unbuffered', `${head('200 OK', CHUNKED)}5\r\nhello\r\n0\r\n\r\n`, [], 'proxy_buffering off;'),
  answer('100000 bytes', ok(bytes(100000))),
  answer('100000 bytes in chunks', head('200 OK', CHUNKED) + chunked(bytes(60000), bytes(40000, 'y'))),
  answer('100000 bytes to the end', [head('200 OK') + bytes(100000), CLOSE]),
  answer('100000 bytes, unbuffered', ok(bytes(100000)), {
    conf: 'location / { proxy_pass http://%B1%; proxy_buffering off; }',
  }),
  answer('two requests on a connection', ok(), { send: [get('/1'), WAIT, get('/2'), WAIT] }),
  answer('two requests at once', ok(), { send: get('/1') + get('/2') }),
  answer('a Connection header', ok('x', 'Connection: X-A, close', 'X-A: 1', 'Keep-Alive: timeout=1')),
  answer('Content-Type without charset', ok('x', 'Content-Type: text/html'), {
    conf: 'location / { proxy_pass http://%B1%; default_type a/b; }',
  }),
  answer(
    'Content-Encoding and others',
    ok('x', 'Content-Encoding: br', 'Accept-Ranges: bytes', 'Upgrade: h2c', 'Trailer: X'),
  ),
  answer('a Refresh', ok('x', 'Refresh: 5; url=http://%B1%/x')),
  answer('keepalive off for errors', response('400 Bad', 'x')),
  answer('a read timeout', [head('200 OK', 'Content-Length: 5'), 600, 'hello'], {
    conf: 'location / { proxy_pass http://%B1%; proxy_read_timeout 200ms; }',
    settle: 500,
  }),
  answer('a read timeout, unbuffered', [`${head('200 OK', 'Content-Length: 5')}he`, 600, 'llo'], {
    conf: 'location / { proxy_pass http://%B1%; proxy_read_timeout 200ms; proxy_buffering off; }',
    settle: 500,
  }),
  answer('a timeout of the header', [600, ok()], {
    conf: 'location / { proxy_pass http://%B1%; proxy_read_timeout 200ms; }',
    settle: 500,
  }),
  answer('a slow one in time', [150, head('200 OK', 'Content-Length: 2'), 150, 'a', 150, 'b'], {
    conf: 'location / { proxy_pass http://%B1%; proxy_read_timeout 1s; }',
  }),
];
