/** What backends tell the server (X-Accel-*), what it changes in responses, and error pages. */
import { type Case, CLOSE, type Script, WAIT } from '../case.ts';
import { bytes, get, head, ok, post, request, response } from './make.ts';

const one = (name: string, backend: Script, conf: string, more: Partial<Case> = {}): Case => ({
  name,
  conf: conf.includes('location / ') ? conf : `location / { proxy_pass http://%B1%; ${conf} }`,
  send: get(),
  backend: [backend],
  ...more,
});
/** A redirect within the server, to a few locations. */
const accel = (name: string, target: string, more: Partial<Case> = {}, ...lines: string[]): Case => ({
  name: `X-Accel-Redirect: ${name}`,
  conf: `location / { proxy_pass http://%B1%; }
    location /files/ { internal; alias %DIR%/files/; }
    location /say { return 200 "m=$request_method u=$uri a=$args b=$request_body ct=$sent_http_content_type"; }
    location @named { return 200 "named u=$uri a=$args m=$request_method"; }`,
  files: { 'files/x.txt': 'contents', 'files/a b.txt': 'spaced' },
  send: get('/orig?q=1'),
  backend: [ok('body', `X-Accel-Redirect: ${target}`, ...lines)],
  ...more,
});
const moved = (name: string, location: string, conf: string, more: Partial<Case> = {}): Case =>
  one(`Location: ${name}`, response('302 Found', '', `Location: ${location}`), conf, more);
const cookie = (name: string, value: string, conf: string): Case =>
  one(`Set-Cookie: ${name}`, ok('x', `Set-Cookie: ${value}`, 'Set-Cookie: other=1; Path=/keep'), conf);
const PAGES = ['400', '403', '404', '405', '413', '429', '500', '502', '503', '504'];

export const control: readonly Case[] = [
  accel('a file', '/files/x.txt'),
  accel('a file, HEAD', '/files/x.txt', { send: request('HEAD', '/') }),
  accel('a file, Range', '/files/x.txt', { send: get('/', 'Range: bytes=2-4') }),
  accel('a file, POST', '/files/x.txt', { send: post('abc') }),
  accel('a location', '/say?x=y'),
  accel('a location, POST', '/say?x=y', { send: post('abc') }),
  accel('a location, PUT', '/say', { send: request('PUT', '/', ['Content-Length: 1'], 'z') }),
  accel('a named location', '@named'),
  accel('a named location, POST', '@named', { send: post('abc') }),
  accel('no such location', '@nowhere'),
  accel('no such file', '/files/none'),
  accel('escapes', '/files/a%20b.txt'),
  accel('dots', '/files/../files/x.txt'),
  accel('out of the root', '/../etc/passwd'),
  accel('out of the root, escaped', '/%2e%2e/etc/passwd'),
  accel('a NUL', '/files/x%00.txt'),
  accel('an empty value', ''),
  accel('a whole URL', 'http://other/files/x.txt'),
  accel('a relative one', 'files/x.txt'),
  accel(
    'headers kept',
    '/files/x.txt',
    {},
    'Content-Type: a/b',
    'Set-Cookie: c=1',
    'Content-Disposition: attachment',
    'Cache-Control: private',
    'Expires: Thu, 01 Jan 1970 00:00:01 GMT',
    'Accept-Ranges: none',
    'X-A: gone',
    'ETag: "gone"',
    'Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT',
  ),
  accel('of an error', '/files/x.txt', { backend: [response('404 Not Found', 'x', 'X-Accel-Redirect: /files/x.txt')] }),
  accel('of a redirect', '/files/x.txt', {
    backend: [response('302 Found', 'x', 'X-Accel-Redirect: /files/x.txt', 'Location: /y')],
  }),
  accel('in a loop', '/orig2'),
  accel(
    'two of them',
    '/files/x.txt',
    {
      newer: {
        because: 'logged since 1.23',
        log: [
          '[warn] upstream sent duplicate header line: "X-Accel-Redirect: /say", previous value: "X-Accel-Redirect: /files/x.txt", ignored while reading response header from upstream, client: 127.0.0.1, server: case, request: "GET /orig?q=1 HTTP/1.1", upstream: "http://%B1%/orig?q=1", host: "case"',
        ],
      },
    },
    'X-Accel-Redirect: /say',
  ),
  one('X-Accel-Redirect ignored', ok('body', 'X-Accel-Redirect: /x'), 'proxy_ignore_headers X-Accel-Redirect;'),
  one(
    'X-Accel-Redirect ignored and passed',
    ok('body', 'X-Accel-Redirect: /x'),
    'proxy_ignore_headers X-Accel-Redirect; proxy_pass_header X-Accel-Redirect;',
  ),
  one('X-Accel-Charset', ok('x', 'X-Accel-Charset: koi8-r', 'Content-Type: text/html'), ''),
  one(
    'X-Accel-Charset ignored',
    ok('x', 'X-Accel-Charset: koi8-r', 'Content-Type: text/html'),
    'proxy_ignore_headers X-Accel-Charset;',
  ),
  one('X-Accel-Limit-Rate', ok(bytes(3000), 'X-Accel-Limit-Rate: 1000'), '', { atLeast: 1500, settle: 2500 }),
  one(
    'X-Accel-Limit-Rate ignored',
    ok(bytes(3000), 'X-Accel-Limit-Rate: 1000'),
    'proxy_ignore_headers X-Accel-Limit-Rate;',
  ),
  one('X-Accel-Limit-Rate of 0', ok(bytes(3000), 'X-Accel-Limit-Rate: 0'), 'limit_rate 100;'),
  one('X-Accel-Buffering: no', [head('200 OK', 'X-Accel-Buffering: no', 'Content-Length: 4'), 'ab', 50, 'cd'], ''),
  one(
    'X-Accel-Buffering: yes',
    [head('200 OK', 'X-Accel-Buffering: yes', 'Content-Length: 4'), 'ab', 50, 'cd'],
    'proxy_buffering off;',
  ),
  one('X-Accel-Buffering: nonsense', ok('x', 'X-Accel-Buffering: nonsense'), ''),
  one('X-Accel-Expires', ok('x', 'X-Accel-Expires: 10'), ''),
  // proxy_redirect.
  moved('of proxy_pass', 'http://%B1%/x/y', 'location / { proxy_pass http://%B1%/x/; }'),
  moved('of proxy_pass in a location', 'http://%B1%/x/y', 'location /a/ { proxy_pass http://%B1%/x/; }', {
    conf: 'location /a/ { proxy_pass http://%B1%/x/; }',
    send: get('/a/b'),
  }),
  moved('of another place', 'http://other/x/y', 'location / { proxy_pass http://%B1%/x/; }'),
  moved('a path', '/x/y', 'location / { proxy_pass http://%B1%/x/; }'),
  moved('off', 'http://%B1%/x', 'proxy_redirect off;'),
  moved('default after another', 'http://%B1%/x', 'proxy_redirect http://o/ /p/; proxy_redirect default;'),
  moved('replaced', 'http://one/x', 'proxy_redirect http://one/ http://two/;'),
  moved('replaced by a path', 'http://one/x', 'proxy_redirect http://one/ /;'),
  moved(
    'the first that fits',
    'http://one/x',
    'proxy_redirect http://one/y /a; proxy_redirect http://one/ /b/; proxy_redirect http://one/x /c;',
  ),
  moved('with variables', 'http://one/x', 'proxy_redirect http://one/ http://$host:$server_port/;'),
  moved('with a variable on the left', 'http://case/x', 'proxy_redirect http://$host/ /ok/;'),
  moved('a regex', 'http://a.example.com/x', 'proxy_redirect ~^http://([^.]+)\\.example\\.com/(.*)$ /$1/$2;'),
  moved(
    'a regex without regard to case',
    'http://A.EXAMPLE.com/x',
    'proxy_redirect ~*^http://([^.]+)\\.example\\.com/(.*)$ /$1/$2;',
  ),
  moved('a regex with names', 'http://a/x', 'proxy_redirect ~^http://(?<p%ID%>\\w+)/ /$p%ID%/;'),
  moved('a regex that does not fit', 'ftp://a/x', 'proxy_redirect ~^http://(\\w+)/ /$1/;'),
  moved('inherited', 'http://one/x', 'proxy_redirect http://one/ /in/; location / { proxy_pass http://%B1%; }'),
  moved('a URI in an upstream', 'http://u%ID%/x', 'location / { proxy_pass http://u%ID%; }', {
    http: 'upstream u%ID% { server %B1%; }',
  }),
  one('Location of a 200', ok('x', 'Location: http://one/x'), 'proxy_redirect http://one/ /two/;'),
  one('Location of a 201', response('201 Created', 'x', 'Location: http://one/x'), 'proxy_redirect http://one/ /two/;'),
  one('Refresh', ok('x', 'Refresh: 5; url=http://one/x'), 'proxy_redirect http://one/ /two/;'),
  one('Refresh in another case', ok('x', 'Refresh: 5; URL=http://one/x'), 'proxy_redirect http://one/ /two/;'),
  one(
    'two Locations',
    response('302 Found', '', 'Location: http://one/x', 'Location: http://one/y'),
    'proxy_redirect http://one/ /two/;',
    {
      newer: {
        because: 'logged since 1.23, and the first is passed',
        edits: [
          ['/two/y', '/two/x'],
          ['Location: /two/x\r\n', ''],
        ],
        log: [
          '[warn] upstream sent duplicate header line: "Location: http://one/y", previous value: "Location: http://one/x", ignored while reading response header from upstream, client: 127.0.0.1, server: case, request: "GET / HTTP/1.1", upstream: "http://%B1%/", host: "case"',
        ],
      },
    },
  ),
  // Cookies.
  cookie('domain', 'a=b; Domain=one.org; Path=/', 'proxy_cookie_domain one.org two.org;'),
  cookie('domain with a dot', 'a=b; domain=.one.org', 'proxy_cookie_domain one.org two.org;'),
  cookie('domain in another case', 'a=b; DOMAIN=ONE.org', 'proxy_cookie_domain one.org two.org;'),
  cookie('domain of a regex', 'a=b; domain=x.one.org', 'proxy_cookie_domain ~(\\w+)\\.one\\.org$ $1.two.org;'),
  cookie('domain with a variable', 'a=b; domain=one.org', 'proxy_cookie_domain one.org $host;'),
  cookie('domain removed', 'a=b; domain=one.org; secure', 'proxy_cookie_domain one.org "";'),
  cookie('domain off', 'a=b; domain=one.org', 'proxy_cookie_domain off;'),
  cookie('another domain', 'a=b; domain=three.org', 'proxy_cookie_domain one.org two.org;'),
  cookie('path', 'a=b; Path=/one/x', 'proxy_cookie_path /one/ /;'),
  cookie('path of a regex', 'a=b; Path=/one/x; HttpOnly', 'proxy_cookie_path ~^/one/(.+)$ /two/$1;'),
  cookie('path of a regex without regard to case', 'a=b; Path=/ONE/x', 'proxy_cookie_path ~*^/one/(.+)$ /two/$1;'),
  cookie('path and more in the value', 'a=b; Path=/one', 'proxy_cookie_path /one "/two; Secure";'),
  cookie(
    'path and domain',
    'a=b; path=/one; domain=one.org',
    'proxy_cookie_path /one /two; proxy_cookie_domain one.org two.org;',
  ),
  cookie('an empty path', 'a=b; Path=', 'proxy_cookie_path / /x;'),
  cookie('without attributes', 'a=b', 'proxy_cookie_path / /x;'),
  cookie('odd spaces', 'a=b ;path=/one ; x', 'proxy_cookie_path /one /two;'),
  cookie('flags', 'a=b', 'proxy_cookie_flags a secure httponly samesite=strict;'),
  cookie('flags of another', 'c=b', 'proxy_cookie_flags a secure;'),
  cookie('flags of a regex', 'ab=b', 'proxy_cookie_flags ~^a secure;'),
  cookie(
    'flags taken away',
    'a=b; Secure; HttpOnly; SameSite=Lax; Max-Age=1',
    'proxy_cookie_flags a nosecure nohttponly nosamesite;',
  ),
  cookie('flags there already', 'a=b; secure; samesite=none', 'proxy_cookie_flags a secure samesite=lax;'),
  cookie('flags of a variable', 'a=b', 'set $n a; proxy_cookie_flags $n secure;'),
  cookie('flags, the first that fits', 'a=b', 'proxy_cookie_flags ~a httponly; proxy_cookie_flags a secure;'),
  // Fields of responses.
  one('hidden', ok('x', 'X-A: 1', 'X-B: 2', 'Set-Cookie: c'), 'proxy_hide_header X-A; proxy_hide_header set-cookie;'),
  one(
    'hidden, inherited',
    ok('x', 'X-A: 1', 'X-B: 2'),
    'proxy_hide_header X-A; location / { proxy_pass http://%B1%; }',
  ),
  one(
    'passed',
    ok('x', 'X-Accel-Expires: 1', 'X-Pad: 2'),
    'proxy_pass_header X-Accel-Expires; proxy_pass_header X-Pad;',
  ),
  one('Content-Length hidden', ok('abc'), 'proxy_hide_header Content-Length;'),
  one('Content-Type hidden', ok('abc', 'Content-Type: a/b'), 'proxy_hide_header Content-Type;'),
  one('Location hidden', response('302 Found', '', 'Location: /x'), 'proxy_hide_header Location;'),
  one(
    'Last-Modified and ETag hidden',
    ok('abc', 'ETag: "x"', 'Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT'),
    'proxy_hide_header ETag; proxy_hide_header Last-Modified;',
  ),
  one('add_header', ok('x', 'X-A: 1'), 'add_header X-A 2; add_header X-B $upstream_http_x_a;'),
  one('add_header of an error', response('500 Oh', 'x'), 'add_header X-A 2; add_header X-B 3 always;'),
  one('expires', ok('x', 'Expires: Thu, 01 Jan 1970 00:00:01 GMT', 'Cache-Control: no-store'), 'expires max;'),
  one('expires epoch', ok('x'), 'expires epoch;'),
  one('etag off', ok('x', 'ETag: "y"'), 'etag off;'),
  // Error pages.
  ...PAGES.map((status) =>
    one(`intercepted ${status}`, response(`${status} Oh`, 'backend', 'X-A: 1'), '', {
      conf: `proxy_intercept_errors on; error_page ${PAGES.join(' ')} /page; location / { proxy_pass http://%B1%; } location /page { return 200 "page $status $upstream_status"; }`,
    }),
  ),
  one('not intercepted', response('404 Oh', 'backend'), 'error_page 404 /page;'),
  one('intercepted without a page', response('404 Oh', 'backend'), 'proxy_intercept_errors on;'),
  one(
    'intercepted 401',
    response('401 Oh', 'backend', 'WWW-Authenticate: Basic realm="r"'),
    'proxy_intercept_errors on; error_page 401 /page; location = /page { return 200 "p"; }',
  ),
  one(
    'intercepted 301',
    response('301 Oh', 'backend', 'Location: /z'),
    'proxy_intercept_errors on; error_page 301 /page; location = /page { return 200 "p"; }',
  ),
  one(
    'intercepted with =',
    response('404 Oh', 'backend'),
    'proxy_intercept_errors on; error_page 404 =200 /page; location = /page { return 404 "p"; }',
  ),
  one(
    'intercepted with a redirect',
    response('404 Oh', 'backend'),
    'proxy_intercept_errors on; error_page 404 =302 http://other/;',
  ),
  one('intercepted with a file', response('404 Oh', 'backend'), '', {
    conf: 'location / { proxy_pass http://%B1%; proxy_intercept_errors on; error_page 404 /e.html; } location = /e.html { }',
    files: { 'e.html': 'file' },
  }),
  one(
    'intercepted, HEAD',
    head('404 Oh', 'Content-Length: 7'),
    'proxy_intercept_errors on; error_page 404 /page; location = /page { return 200 "p"; }',
    { send: request('HEAD', '/') },
  ),
  one('502 and a page', [CLOSE], 'error_page 502 /page; location = /page { return 200 "p $status"; }'),
  one('502 and a page that fails too', [CLOSE], 'error_page 502 /page; location = /page { proxy_pass http://%DEAD%; }'),
  one('502 and recursion', [CLOSE], '', {
    conf: 'recursive_error_pages on; location / { proxy_pass http://%B1%; error_page 502 /a; } location /a { proxy_pass http://%DEAD%; error_page 502 =200 /b; } location /b { return 200 "b"; }',
  }),
  // Variables.
  one(
    'variables',
    ok('abc', 'X-A: 1', 'Set-Cookie: a=1', 'Set-Cookie: b=2'),
    'proxy_set_header Connection ""; add_header V "$upstream_status|$upstream_addr|$upstream_http_x_a|$upstream_cookie_b|$upstream_http_set_cookie|$proxy_host|$proxy_port" always;',
    {
      access:
        '$upstream_status $upstream_addr $upstream_response_length $upstream_bytes_received $upstream_bytes_sent $upstream_response_time $upstream_header_time $upstream_connect_time $upstream_http_x_a $upstream_cookie_a $body_bytes_sent',
      mask: [[/\|\d{5}(?=\r\n)/g, '|PORT']],
      newer: { because: 'all values since 1.23', edits: [['|a=1|', '|a=1, b=2|']] },
    },
  ),
  one(
    'variables without a backend',
    ok(),
    'location / { return 200 "$upstream_status|$upstream_addr|$upstream_response_time|$upstream_http_x|$proxy_host"; }',
    { backend: [] },
  ),
  one('variables of a failure', [CLOSE], 'proxy_set_header Connection "";', {
    access:
      '$upstream_status $upstream_addr $upstream_response_length $upstream_bytes_received $upstream_bytes_sent $upstream_header_time $upstream_response_time',
  }),
  one('variables of a refusal', ok(), 'location / { proxy_pass http://%DEAD%; }', {
    backend: [],
    access:
      '$upstream_status $upstream_addr $upstream_response_length $upstream_bytes_received $upstream_bytes_sent $upstream_header_time $upstream_connect_time',
  }),
  one('variables of two', ok('x'), 'error_page 502 = @b;', {
    conf: 'location / { proxy_pass http://%DEAD%; error_page 502 = @b; } location @b { proxy_pass http://%B1%; }',
    access: '$upstream_status $upstream_addr $upstream_response_length $upstream_bytes_received',
  }),
  one('trailing requests', ok('x'), '', { send: [get('/1'), WAIT, get('/2'), WAIT, get('/3', 'Connection: close')] }),
];
