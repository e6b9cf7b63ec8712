/** Modules that change what goes to the client. */
import { gzipSync } from 'node:zlib';
import { type Case, CLOSE, type Script, WAIT } from '../case.ts';
import { bytes, chunked, get, head, ok, request, response } from './make.ts';

const GZIP = ['Accept-Encoding: gzip'];
const HTML = 'Content-Type: text/html';
const one = (
  name: string,
  backend: Script,
  conf: string,
  send: Case['send'] = get(),
  more: Partial<Case> = {},
): Case => ({
  name,
  conf: `location / { proxy_pass http://%B1%; ${conf} }`,
  send,
  backend: [backend],
  ...more,
});
const zipped = gzipSync('zipped text '.repeat(10)).toString('latin1');
const gzip = (name: string, backend: Script, conf: string, send: Case['send'] = get('/', ...GZIP)): Case =>
  one(`gzip: ${name}`, backend, `gzip on; ${conf}`, send);
const LONG = 'some text that is long enough to be worth it '.repeat(5);
const sub = (name: string, body: Script, conf: string, ...lines: string[]): Case =>
  one(`sub: ${name}`, typeof body === 'string' ? ok(body, HTML, ...lines) : body, conf);
const file = (
  name: string,
  conf: string,
  send: Case['send'],
  files: Case['files'],
  more: Partial<Case> = {},
): Case => ({ name, conf, send, files, ...more });

const RANGES: Partial<Case> = {
  newer: {
    because: 'parts are served since 1.25',
    edits: [['Content-Encoding: gzip\r\n', 'Content-Encoding: gzip\r\nAccept-Ranges: bytes\r\n']],
  },
};

export const filters: readonly Case[] = [
  gzip('html', ok(LONG, HTML), ''),
  gzip('not html', ok(LONG, 'Content-Type: text/css'), ''),
  gzip('types', ok(LONG, 'Content-Type: text/css'), 'gzip_types text/css;'),
  gzip('all types', ok(LONG, 'Content-Type: a/b'), 'gzip_types *;'),
  gzip('not accepted', ok(LONG, HTML), '', get()),
  gzip('q=0', ok(LONG, HTML), '', get('/', 'Accept-Encoding: gzip;q=0')),
  gzip('q=0.5', ok(LONG, HTML), '', get('/', 'Accept-Encoding: br, gzip;q=0.5')),
  gzip('*', ok(LONG, HTML), '', get('/', 'Accept-Encoding: *')),
  gzip('GZIP in capitals', ok(LONG, HTML), '', get('/', 'Accept-Encoding: GZIP')),
  gzip('x-gzip', ok(LONG, HTML), '', get('/', 'Accept-Encoding: x-gzip')),
  gzip('HTTP/1.0', ok(LONG, HTML), '', 'GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n'),
  gzip('HTTP/1.0 allowed', ok(LONG, HTML), 'gzip_http_version 1.0;', 'GET / HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n'),
  gzip('too short', ok('x', HTML), ''),
  gzip('min_length', ok('x'.repeat(30), HTML), 'gzip_min_length 10;'),
  gzip('an ETag', ok(LONG, HTML, 'ETag: "a"'), ''),
  gzip('a weak ETag', ok(LONG, HTML, 'ETag: W/"a"', 'Accept-Ranges: bytes'), ''),
  gzip('coded already', ok(LONG, HTML, 'Content-Encoding: br'), ''),
  gzip('vary', ok(LONG, HTML), 'gzip_vary on;'),
  gzip('vary, not accepted', ok(LONG, HTML), 'gzip_vary on;', get()),
  gzip('vary and another Vary', ok(LONG, HTML, 'Vary: Cookie'), 'gzip_vary on;'),
  gzip('Via', ok(LONG, HTML), '', get('/', ...GZIP, 'Via: 1.1 x')),
  gzip('Via, any', ok(LONG, HTML), 'gzip_proxied any;', get('/', ...GZIP, 'Via: 1.1 x')),
  gzip(
    'Via, expired',
    ok(LONG, HTML, 'Expires: Thu, 01 Jan 1970 00:00:01 GMT'),
    'gzip_proxied expired;',
    get('/', ...GZIP, 'Via: 1.1 x'),
  ),
  gzip(
    'Via, no-cache',
    ok(LONG, HTML, 'Cache-Control: no-cache'),
    'gzip_proxied no-cache no-store private;',
    get('/', ...GZIP, 'Via: 1.1 x'),
  ),
  gzip('Via, auth', ok(LONG, HTML), 'gzip_proxied auth;', get('/', ...GZIP, 'Via: 1.1 x', 'Authorization: x')),
  gzip('disabled', ok(LONG, HTML), 'gzip_disable bad;', get('/', ...GZIP, 'User-Agent: bad one')),
  gzip('HEAD', head('200 OK', HTML, 'Content-Length: 500'), '', request('HEAD', '/', GZIP)),
  gzip('404', response('404 Not Found', LONG, HTML), ''),
  gzip('500', response('500 Oh', LONG, HTML), ''),
  gzip('chunks', head('200 OK', HTML, 'Transfer-Encoding: chunked') + chunked(LONG, LONG), ''),
  gzip('in pieces', [head('200 OK', HTML, 'Content-Length: 225'), LONG.slice(0, 100), 30, LONG.slice(100)], ''),
  gzip(
    'in pieces, unbuffered',
    [head('200 OK', HTML), LONG.slice(0, 100), 30, LONG.slice(100), CLOSE],
    'proxy_buffering off;',
  ),
  gzip('cut', [`${head('200 OK', HTML, 'Content-Length: 500')}${LONG}`, 30, CLOSE], ''),
  gzip('Range', ok(LONG, HTML, 'Accept-Ranges: bytes'), '', get('/', ...GZIP, 'Range: bytes=0-1')),
  one('gunzip: not accepted', ok(zipped, HTML, 'Content-Encoding: gzip'), 'gunzip on;'),
  one('gunzip: accepted', ok(zipped, HTML, 'Content-Encoding: gzip'), 'gunzip on;', get('/', ...GZIP)),
  one('gunzip: broken', ok('not zipped', HTML, 'Content-Encoding: gzip'), 'gunzip on;', get(), {
    mask: [[/(inflate\(\) failed:) \d/g, '$1 N']],
  }),
  one('gunzip: an ETag', ok(zipped, 'ETag: "a"', 'Content-Encoding: gzip'), 'gunzip on;'),
  one('gunzip: br', ok(zipped, 'Content-Encoding: br'), 'gunzip on;'),
  one('gunzip and gzip', ok(zipped, HTML, 'Content-Encoding: gzip'), 'gunzip on; gzip on;', get('/', ...GZIP)),
  file(
    'gzip_static',
    'location / { gzip_static on; }',
    get('/x.txt', ...GZIP),
    { 'x.txt': 'plain', 'x.txt.gz': gzipSync('of the file') },
    RANGES,
  ),
  file('gzip_static, not accepted', 'location / { gzip_static on; gzip_vary on; }', get('/x.txt'), {
    'x.txt': 'plain',
    'x.txt.gz': gzipSync('of the file'),
  }),
  file(
    'gzip_static always',
    'location / { gzip_static always; }',
    get('/x.txt'),
    { 'x.txt.gz': gzipSync('of the file') },
    RANGES,
  ),
  file('gzip_static and gunzip', 'location / { gzip_static always; gunzip on; }', get('/x.txt'), {
    'x.txt.gz': gzipSync('of the file'),
  }),
  file('gzip_static, none', 'location / { gzip_static on; }', get('/x.txt', ...GZIP), { 'x.txt': 'plain' }),
  // sub_filter.
  sub('once', 'a b a b', 'sub_filter a X;'),
  sub('all', 'a b a b', 'sub_filter a X; sub_filter_once off;'),
  sub('without regard to case', 'One oNE', 'sub_filter one 2; sub_filter_once off;'),
  sub('two of them', 'one two one', 'sub_filter one 1; sub_filter two 2; sub_filter_once off;'),
  sub('overlapping', 'aaab aab', 'sub_filter aab X; sub_filter_once off;'),
  sub('the longest', 'abcd', 'sub_filter ab 1; sub_filter abcd 2; sub_filter_once off;'),
  sub('a variable', 'a', 'sub_filter a $host$uri;'),
  sub('a variable to find', 'case', 'sub_filter $host X;'),
  sub('nothing instead', 'abc', 'sub_filter b "";'),
  sub('across pieces', [head('200 OK', HTML, 'Content-Length: 9'), 'xxab', 30, 'cdyy', 10, 'z'], 'sub_filter abcd X;'),
  sub('begun and not ended', [head('200 OK', HTML, 'Content-Length: 4'), 'xxab', 10], 'sub_filter abcd X;'),
  sub('another type', ok('a', 'Content-Type: text/css'), 'sub_filter a X;'),
  sub('types', ok('a', 'Content-Type: text/css'), 'sub_filter a X; sub_filter_types text/css;'),
  sub(
    'Last-Modified',
    'a',
    'sub_filter a X;',
    'Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT',
    'ETag: "e"',
    'Accept-Ranges: bytes',
  ),
  sub(
    'Last-Modified kept',
    'a',
    'sub_filter a X; sub_filter_last_modified on;',
    'Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT',
    'ETag: "e"',
  ),
  sub('coded', 'a', 'sub_filter a X;', 'Content-Encoding: gzip'),
  sub('inherited', ok('a b', HTML), 'sub_filter a X; location / { proxy_pass http://%B1%; }'),
  sub(
    'across chunks',
    head('200 OK', HTML, 'Transfer-Encoding: chunked') + chunked('xa', 'b', 'cx'),
    'sub_filter abc X;',
  ),
  sub('and gzip', 'a', 'sub_filter a X; gzip on;'),
  sub('long', `${bytes(5000)}needle${bytes(5000)}`, 'sub_filter needle X;'),
  // addition.
  one(
    'addition',
    ok('body', HTML),
    'add_before_body /before; add_after_body /after; location = /before { return 200 "b:"; } location = /after { return 200 ":a"; }',
  ),
  one(
    'addition of another type',
    ok('body', 'Content-Type: a/b'),
    'add_before_body /before; location = /before { return 200 "b:"; }',
  ),
  one(
    'addition, types',
    ok('body', 'Content-Type: a/b'),
    'addition_types a/b; add_before_body /before; location = /before { return 200 "b:"; }',
  ),
  one(
    'addition, HEAD',
    head('200 OK', HTML, 'Content-Length: 4'),
    'add_before_body /before; location = /before { return 200 "b:"; }',
    request('HEAD', '/'),
  ),
  one('addition of what is not there', ok('body', HTML), 'add_before_body /none; location = /none { return 404; }'),
  one(
    'addition from a backend',
    ok('body', HTML),
    'add_after_body /tail; location = /tail { proxy_pass http://%B2%; }',
    get(),
    { backend: { B1: [ok('body', HTML)], B2: [ok('tail')] } },
  ),
  one(
    'addition, ETag',
    ok('body', HTML, 'ETag: "x"', 'Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT'),
    'add_after_body /after; location = /after { return 200 ":a"; }',
  ),
  one(
    'addition, 404',
    response('404 None', 'body', HTML),
    'add_after_body /after; location = /after { return 200 ":a"; }',
  ),
  // charset.
  one('charset', ok('x', HTML), 'charset utf-8;'),
  one('charset, given', ok('x', 'Content-Type: text/html; charset=koi8-r'), 'charset utf-8;'),
  one('charset, overridden', ok('x', 'Content-Type: text/html; charset=koi8-r'), 'charset utf-8; override_charset on;'),
  one('charset of another type', ok('x', 'Content-Type: image/png'), 'charset utf-8;'),
  one('charset, types', ok('x', 'Content-Type: a/b'), 'charset utf-8; charset_types a/b;'),
  one('charset of a variable', ok('x', HTML), 'set $c latin1; charset $c;'),
  one('charset converted', ok('\xe4\xf6', HTML), 'charset utf-8; source_charset iso%ID%;', get(), {
    http: 'charset_map iso%ID% utf-8 { E4 C3A4; F6 C3B6; }',
  }),
  one(
    'charset converted back',
    ok('\xc3\xa4 \xe2\x82\xac \xff', HTML),
    'charset iso%ID%; source_charset utf-8;',
    get(),
    {
      http: 'charset_map iso%ID% utf-8 { E4 C3A4; F6 C3B6; }',
      newer: { because: 'bytes from F8 on are invalid since 1.23', edits: [[/&#8364; $/, '&#8364; ?']] },
    },
  ),
  one(
    'charset converted, in pieces',
    [head('200 OK', HTML, 'Content-Length: 4'), '\xc3', 30, '\xa4xy'],
    'charset iso%ID%; source_charset utf-8;',
    get(),
    { http: 'charset_map iso%ID% utf-8 { E4 C3A4; F6 C3B6; }' },
  ),
  one('charset of redirects', response('302 Found', '', 'Location: /x'), 'charset utf-8;'),
  one('charset and XML', ok('x', 'Content-Type: text/xml'), 'charset utf-8;'),
  // slice.
  one('slice', '', 'slice 4; proxy_set_header Range $slice_range;', get(), {
    backend: [part(0, 3), part(4, 7), part(8, 9)],
  }),
  one('slice, Range', '', 'slice 4; proxy_set_header Range $slice_range;', get('/', 'Range: bytes=5-8'), {
    backend: [part(4, 7), part(8, 9)],
  }),
  one('slice, not partial', ok('0123456789'), 'slice 4; proxy_set_header Range $slice_range;'),
  one('slice, another part', '', 'slice 4; proxy_set_header Range $slice_range;', get(), {
    backend: [part(1, 4)],
    newer: { because: 'the log says more', edits: [['slice response: 1-5', 'slice response: 1-5, expected: 0-5']] },
  }),
  one('slice, another ETag', '', 'slice 4; proxy_set_header Range $slice_range;', get(), {
    backend: [part(0, 3), part(4, 7, '"other"')],
  }),
  one(
    'slice, 416',
    response('416 Not', 'x'),
    'slice 4; proxy_set_header Range $slice_range;',
    get('/', 'Range: bytes=50-'),
  ),
  one('slice, an error', '', 'slice 4; proxy_set_header Range $slice_range;', get(), {
    backend: [part(0, 3), response('500 Oh', 'x')],
  }),
  // headers-more.
  ...[
    ['set', 'more_set_headers "X-A: 1" "X-B: $host";'],
    ['set instead', 'more_set_headers "X-C: 1" "Content-Type: a/b";'],
    ['set Server', 'more_set_headers "Server: me";'],
    ['clear', 'more_clear_headers X-C Content-Type;'],
    ['clear by prefix', 'more_clear_headers "X-*";'],
    ['status', 'more_set_headers -s 404 "X-A: 1";'],
    ['status that fits', 'more_set_headers -s "200 404" "X-A: 1";'],
    ['type', 'more_set_headers -t text/html "X-A: 1";'],
    ['append', 'more_set_headers "X-C: 2" "X-C: 4";'],
    ['set to nothing', 'more_set_headers "X-C:";'],
    ['set input', 'more_set_input_headers "X-In: 1" "Host: h";'],
    ['set input only where it is', 'more_set_input_headers -r "X-In: 1" "X-There: 2";'],
    ['clear input', 'more_clear_input_headers X-There Host;'],
    ['Content-Length', 'more_clear_headers Content-Length;'],
    ['Set-Cookie twice', 'more_set_headers "Set-Cookie: a=1" "Set-Cookie: b=2";'],
    ['Location', 'more_set_headers "Location: /x";'],
    ['Cache-Control', 'more_set_headers "Cache-Control: private";'],
    ['User-Agent', 'more_set_input_headers "User-Agent: u";'],
    ['in an if', 'if ($arg_x) { more_set_headers "X-A: 1"; }'],
  ].map(([name, conf]) =>
    one(`headers-more: ${name}`, ok('x', HTML, 'X-C: 3'), conf as string, get('/?x=1', 'X-There: y')),
  ),
  one('two at once', ok(LONG, HTML), 'gzip on; sub_filter text TEXT;', [get('/', ...GZIP), WAIT, get('/'), WAIT]),
];

function part(from: number, to: number, etag = '"e"'): string {
  const body = '0123456789'.slice(from, to + 1);
  return response('206 Partial Content', body, `Content-Range: bytes ${from}-${to}/10`, `ETag: ${etag}`);
}
